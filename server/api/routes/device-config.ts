/** The resolved profile of a device as JSON or XML, and what differs between two of its profiles. */
import { z } from 'zod'
import type { DeviceFacts } from '../../devices/mod.ts'
import {
  canonicalText,
  renderOwnProfile,
  type ResolvedParameter,
  type ResolvedProfile,
  resolveDevice,
} from '../../profiles/mod.ts'
import { recordReveal, rotateWebPasswords, spellsOutSecret } from '../../store/mod.ts'
import { actor, requireScope } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { ConfigDiff, DeviceConfig, DiffSideName } from '../contract/config.ts'
import { PasswordsInput } from '../contract/features.ts'
import { Mac } from '../contract.ts'
import { diffOf, diffText } from '../device-diff.ts'
import { existingFacts } from '../existing.ts'
import { type OriginJson, originsShown } from '../origins.ts'
import { ApiProblem } from '../problem.ts'
import { mustReachDevice } from '../reach.ts'
import { Reveal, Search } from '../query.ts'

const DeviceParams = z.object({ mac: Mac })

type Config = z.infer<typeof DeviceConfig>

export function deviceConfigRoutes(api: Api, ready: ReadyPlatform): void {
  configRoute(api, ready)
  diffRoute(api, ready)
  passwordsRoute(api, ready)
}

type FactsRequest = Parameters<typeof mustReachDevice>[0] & { readonly params: z.infer<typeof DeviceParams> }

/** The device of the path, or the 404 of one that the token does not reach. */
async function reachedFacts(platform: ApiPlatform, request: FactsRequest): Promise<DeviceFacts> {
  const facts = await existingFacts(platform, request.params.mac)
  const { accountId, heldAccountId } = facts.device
  await mustReachDevice(request, platform, facts.device.mac, accountId ?? heldAccountId)
  return facts
}

function configRoute(api: Api, ready: ReadyPlatform): void {
  const Query = Reveal.extend(Search.shape).extend({
    format: z.enum(['json', 'xml']).default('json'),
    element: z.string().max(128).optional().describe('Only this element'),
  })
  api.get(
    '/api/v1/devices/:mac/config',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What its profile says, and why',
        description:
          'Each element with its value, access, where it comes from (layer, feature, line), by whom, when and why, and what it won over. `format=xml` gives the whole profile as a phone would import it.',
        params: DeviceParams,
        querystring: Query,
        response: { 200: DeviceConfig },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { reveal, format, element, q } = request.query
      if (reveal) requireScope(request, 'secrets')
      const facts = await reachedFacts(platform, request)
      if (reveal) await recordReveal(platform.db, actor(request), 'device', facts.device.mac)
      const resolved = withSpelledOut(resolveDevice(facts, platform.facts()))
      const { version } = renderOwnProfile(facts, platform.facts())
      if (format === 'json') return configJson(platform, chosen(resolved, { element, q }), version, reveal)
      const xml = configXml(resolved, reveal)
      // The serializer is for JSON; text that is sent as it is goes past it.
      return reply
        .type('text/xml; charset=utf-8')
        .serializer(() => xml)
        .send({ version, parameters: {} })
    },
  )
}

/** A rule with a key in it is a secret too. */
function withSpelledOut(resolved: ResolvedProfile): ResolvedProfile {
  return new Map(
    [...resolved].map(([element, each]) => [element, { ...each, secret: each.secret || spellsOutSecret(each.value) }]),
  )
}

/** One element, or those whose name or value has the text; a secret is not found by its value. */
function chosen(
  resolved: ResolvedProfile,
  { element, q }: { readonly element: string | undefined; readonly q: string | undefined },
): ResolvedProfile {
  const text = q?.toLowerCase()
  return new Map(
    [...resolved].filter(([name, { value, secret }]) => {
      if (element !== undefined && name !== element) return false
      if (text === undefined) return true
      return name.toLowerCase().includes(text) || (!secret && value.toLowerCase().includes(text))
    }),
  )
}

async function configJson(
  platform: ApiPlatform,
  resolved: ResolvedProfile,
  version: string,
  reveal: boolean,
): Promise<Config> {
  const origins = [...resolved.values()].flatMap(({ origin, overrode }) => [
    origin,
    ...overrode.map((each) => each.origin),
  ])
  const shown = await originsShown(platform.db, origins)
  const parameters = [...resolved].map(
    ([element, parameter]) => [element, parameterJson(parameter, reveal, shown)] as const,
  )
  return { version, parameters: Object.fromEntries(parameters) }
}

function parameterJson(
  parameter: ResolvedParameter,
  reveal: boolean,
  shown: (origin: ResolvedParameter['origin']) => OriginJson,
): Config['parameters'][string] {
  const hidden = parameter.secret && !reveal
  return {
    value: hidden ? null : parameter.value,
    ua: parameter.ua ?? null,
    ...(parameter.secret ? { secret: true } : {}),
    ...(parameter.preserve ? { preserve: true } : {}),
    ...(parameter.userPref === undefined ? {} : { userPref: parameter.userPref }),
    origin: shown(parameter.origin),
    overrode: parameter.overrode.map((each) => ({
      value: hidden || (!reveal && spellsOutSecret(each.value)) ? null : each.value,
      origin: shown(each.origin),
    })),
  }
}

/**
 * Secrets that are not revealed stand as comments, as in a phone's own export (MPP §1.8): whoever imports the text leaves
 * the phone's values alone.
 */
function configXml(resolved: ResolvedProfile, reveal: boolean): string {
  if (reveal) return canonicalText(resolved)
  const open = new Map([...resolved].filter(([, parameter]) => !parameter.secret))
  const hidden = [...resolved].filter(([, parameter]) => parameter.secret)
  const comments = hidden.map(
    ([element, { ua }]) => `<!-- <${element}${ua === undefined ? '' : ` ua="${ua}"`} secret="true"/> -->\n`,
  )
  return canonicalText(open).replace('</flat-profile>', `${comments.join('')}</flat-profile>`)
}

function diffRoute(api: Api, ready: ReadyPlatform): void {
  const Query = z.object({
    from: DiffSideName.optional().describe('Absent: `running` where the phone has said what it runs, else `served`'),
    to: DiffSideName.default('wanted'),
    format: z.enum(['json', 'text']).default('json'),
  })
  api.get(
    '/api/v1/devices/:mac/diff',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What differs between two of its profiles',
        description:
          '`wanted`: as we would render it now. `served`: what it was given last. `running`: what it says it runs. `draft`: wanted, with every draft of its layers laid over. Values of secrets are not shown. `format=text` is for people.',
        params: DeviceParams,
        querystring: Query,
        response: { 200: ConfigDiff },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { from, to, format } = request.query
      await platform.flush()
      const facts = await reachedFacts(platform, request)
      const diff = await diffOf(platform, facts, from, to)
      if (format === 'json') return diff
      const text = diffText(diff)
      return reply
        .type('text/plain; charset=utf-8')
        .serializer(() => text)
        .send(diff)
    },
  )
}

function passwordsRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/devices/:mac/passwords/rotate',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Make new passwords for its web pages and screen',
        description:
          'The phone gets them with its next profile. Whether they win over its own is a feature (user-limits).',
        params: DeviceParams,
        body: PasswordsInput,
        response: { 200: z.object({ mac: z.string(), rotated: z.array(z.enum(['admin', 'user'])) }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { mac } = (await reachedFacts(platform, request)).device
      const accounts = [...new Set(request.body.accounts)]
      const change = { mac, accounts, why: request.body.why }
      const rotated = await platform.change((tx) => rotateWebPasswords(tx, platform.vault, actor(request), change))
      if (rotated.length === 0) {
        throw new ApiProblem(
          409,
          'no-passwords',
          `Cannot make new passwords for ${mac}: it was never bound, so it has none. Bind it first.`,
        )
      }
      return { mac, rotated: [...rotated] }
    },
  )
}
