/** The resolved profile of a device as JSON or XML; secrets as null, or left out, unless revealed. */
import type { z } from 'zod'
import { canonicalText, type Origin, type ResolvedParameter, type ResolvedProfile } from '../../profiles/mod.ts'
import type { DeviceConfig } from '../contract.ts'

type Config = z.infer<typeof DeviceConfig>

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
