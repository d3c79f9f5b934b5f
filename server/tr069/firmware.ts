/** Which load a device led by TR-069 should run: what its upgrade rule says, evaluated as the phone would [MPP §6]. */
import { pathsOf } from '../../protocol/data-model/mod.ts'
import { parseLoadName } from '../../protocol/firmware/mod.ts'
import { compareVersions, evaluateRule, type MacroLookup, parseVersion, printUrl } from '../../protocol/rule/mod.ts'
import type { ResolvedProfile } from '../profiles/mod.ts'
import type { AcsState, KnownParameter } from './types.ts'

/** TR-069 allows no longer URL in a Download [TR-069 §7]. */
const URL_CHARS_MAX = 256

/** What decides which load is wished. */
export interface FirmwareInput {
  readonly tree: ReadonlyMap<string, KnownParameter>
  readonly state: Partial<Pick<AcsState, 'software'>>
  readonly macros?: MacroLookup | undefined
}

/**
 * The URL of the load that the rule selects for what the device runs now; undefined: none, it runs already, or the
 * device follows the rule by itself because its tree has a place for it.
 */
export function firmwareWished(input: FirmwareInput, profile: ResolvedProfile): string | undefined {
  const { tree, state, macros } = input
  const rule = profile.get('Upgrade_Rule')?.value.trim() ?? ''
  if (rule === '' || macros === undefined || state.software === undefined) return undefined
  if (/^\s*no\s*$/i.test(profile.get('Upgrade_Enable')?.value ?? '')) return undefined
  if (hasPlace(tree)) return undefined
  const decision = evaluateRule(rule, 'upgrade', macros)
  if (decision.kind !== 'fetch' || decision.unresolved.length > 0) return undefined
  const { url } = decision
  const load = parseLoadName(url.path)
  if (url.host === undefined || load === undefined || runs(state.software, load)) return undefined
  const text = printUrl(url)
  return text.length <= URL_CHARS_MAX ? text : undefined
}

/** The path is the same for any number of lines. */
const PLACES = pathsOf('Upgrade_Rule', { lines: 1, voiceProfiles: 'lines-in-one-profile' })

function hasPlace(tree: ReadonlyMap<string, KnownParameter>): boolean {
  return PLACES.some((path) => tree.get(path)?.writable === true)
}

/** Devices name their software with and without what stands before the version. */
function runs(software: string, load: string): boolean {
  const [known, wanted] = [software.trim().toLowerCase(), load.toLowerCase()]
  if (known === wanted) return true
  const [one, other] = [parseVersion(known), parseVersion(wanted)]
  return one !== undefined && other !== undefined && compareVersions(one, other) === 0
}
