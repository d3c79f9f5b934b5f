/**
 * What a macro will mean on a phone, as far as it is known here: who the phone is, what its profile sets, the load that
 * it last named. Everything else is real but unknown, so a rule that needs it "depends"; nothing is guessed.
 * Source: MPP §3.3.
 */
import { macWithColons, productSeriesName } from '../../protocol/identity.ts'
import { findMacro, type MacroLookup, UNKNOWN_HERE } from '../../protocol/rule/mod.ts'
import type { DeviceFacts } from '../devices/types.ts'
import type { ResolvedProfile } from './types.ts'

/** Macros that have a value wherever a phone evaluates a rule; the others belong to user agents, names and scripts. */
const RULE_SCOPES: readonly string[] = ['everywhere', 'option-arguments', 'url-in-progress']

/** @param seen what the phone last said about itself, where that is to be believed */
export function previewLookup(
  facts: DeviceFacts,
  resolved: ResolvedProfile,
  seen: { readonly firmware?: string } = {},
): MacroLookup {
  return (name) => {
    const own = identity(facts, name) ?? parameter(resolved, name)
    if (own !== undefined) return own
    if (name === 'SWVER' && seen.firmware !== undefined) return seen.firmware
    const macro = findMacro(name)
    return macro !== undefined && RULE_SCOPES.includes(macro.scope) ? UNKNOWN_HERE : undefined
  }
}

function identity({ device }: DeviceFacts, name: string): string | undefined {
  switch (name) {
    case 'MA':
      return device.mac
    case 'MAU':
      return device.mac.toUpperCase()
    case 'MAC':
      return macWithColons(device.mac)
    case 'PN':
      return device.model
    case 'PSN':
      return productSeriesName(device.model)
    case 'SN':
      return device.serial
    default:
      return undefined
  }
}

/** Only what the profile says: an element that it leaves out keeps whatever the phone has. */
function parameter(resolved: ResolvedProfile, name: string): string | undefined {
  const register = /^(?:GPP_)?([A-P]|S[A-D])$/.exec(name)?.[1]
  if (register !== undefined) return resolved.get(`GPP_${register}`)?.value
  const [, kind = '', index] = /^(UID|DISPLAYNAME|AUTHID)([1-9][0-9]?)$/.exec(name) ?? []
  const element = { UID: 'User_ID', DISPLAYNAME: 'Display_Name', AUTHID: 'Auth_ID' }[kind]
  return element === undefined ? undefined : resolved.get(`${element}_${index}_`)?.value
}
