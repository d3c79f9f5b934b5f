/** The resolved profile of a device as JSON or XML; secrets as null, or left out, unless revealed. */
import { z } from 'zod'
import {
  canonicalText,
  type Origin,
  renderOwnProfile,
  type ResolvedParameter,
  type ResolvedProfile,
  resolveDevice,
} from '../../profiles/mod.ts'
import { recordReveal } from '../../store/mod.ts'
import { actor, requireScope } from '../auth.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { DeviceConfig, Mac } from '../contract.ts'
import { existingFacts } from '../existing.ts'
import { Reveal } from './query.ts'

const DeviceParams = z.object({ mac: Mac })

type Config = z.infer<typeof DeviceConfig>

export function deviceConfigRoutes(api: Api, ready: ReadyPlatform): void {
  const Query = Reveal.extend({ format: z.enum(['json', 'xml']).default('json') })
  api.get(
    '/api/v1/devices/:mac/config',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What its profile says, and why',
        params: DeviceParams,
        querystring: Query,
        response: { 200: DeviceConfig },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { reveal, format } = request.query
      if (reveal) requireScope(request, 'secrets')
      const facts = await existingFacts(platform, request.params.mac)
      if (reveal) await recordReveal(platform.db, actor(request), 'device', facts.device.mac)
      const resolved = resolveDevice(facts, platform.facts())
      const { version } = renderOwnProfile(facts, platform.facts())
      if (format === 'json') return configJson(resolved, version, reveal)
      const xml = configXml(resolved, reveal)
      // The serializer is for JSON; text that is sent as it is goes past it.
      return reply
        .type('text/xml; charset=utf-8')
        .serializer(() => xml)
        .send(configJson(new Map(), version, false))
    },
  )
}

export function configJson(resolved: ResolvedProfile, version: string, reveal: boolean): Config {
  const parameters = [...resolved].map(([element, parameter]) => [element, parameterJson(parameter, reveal)] as const)
  return { version, parameters: Object.fromEntries(parameters) }
}

function parameterJson(parameter: ResolvedParameter, reveal: boolean): Config['parameters'][string] {
  const hidden = parameter.secret && !reveal
  return {
    value: hidden ? null : parameter.value,
    ua: parameter.ua ?? null,
    ...(parameter.secret ? { secret: true } : {}),
    origin: originJson(parameter.origin),
    overrode: parameter.overrode.map((each) => ({
      value: hidden ? null : each.value,
      origin: originJson(each.origin),
    })),
  }
}

function originJson(origin: Origin): Config['parameters'][string]['origin'] {
  return { ...origin }
}

/**
 * Secrets that are not revealed stand as comments, as in a phone's own export (MPP §1.8): whoever imports the text leaves
 * the phone's values alone.
 */
export function configXml(resolved: ResolvedProfile, reveal: boolean): string {
  if (reveal) return canonicalText(resolved)
  const shown = new Map([...resolved].filter(([, parameter]) => !parameter.secret))
  const hidden = [...resolved].filter(([, parameter]) => parameter.secret)
  const comments = hidden.map(
    ([element, { ua }]) => `<!-- <${element}${ua === undefined ? '' : ` ua="${ua}"`} secret="true"/> -->\n`,
  )
  return canonicalText(shown).replace('</flat-profile>', `${comments.join('')}</flat-profile>`)
}
