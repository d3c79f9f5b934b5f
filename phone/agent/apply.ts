/** From the bytes of a profile to changed parameters. Source: MPP §1, §2.1, §5.7. */
import { openProfileBody } from '../../protocol/envelope/mod.ts'
import {
  type AliasMap,
  applyProfile,
  catalogue,
  PROFILE_BYTES_MAX,
  parseAliasMap,
  type Profile,
  readProfile,
} from '../../protocol/profile/mod.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import type { Assignment, RuleOptions } from '../../protocol/rule/mod.ts'
import { parameterText } from './parameters.ts'
import { withFlash } from './turn.ts'
import type { Agent } from './types.ts'

/** `$ERR` for a file that cannot be opened or read: class B of MPP §5.6. */
export const CORRUPT_FILE = 'Corrupt file'

/** What a profile did to the phone. */
export interface Applied {
  readonly agent: Agent
  /** Elements whose stored value or access changed. */
  readonly changed: readonly string[]
  /** Values that were skipped because they do not fit their type (MPP §1.6). */
  readonly skippedCount: number
}

/** Opens and reads a downloaded profile. The error is a sentence for a watcher and holds no content. */
export function readDownloadedProfile(
  agent: Agent,
  body: Uint8Array,
  how: { readonly options: RuleOptions; readonly contentEncoding: string | undefined },
): Result<Profile, string> {
  const { options, contentEncoding } = how
  const ikm = parameterText(agent, 'IKM_HTTP_Encrypt_Content')
  const opened = openProfileBody(body, {
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(ikm === '' ? {} : { ikm }),
    ikmEncoding: agent.policies.ikmEncoding,
    maxBytes: PROFILE_BYTES_MAX,
    clearAllowedWithKey: agent.policies.clearAllowedWithKey,
  })
  if (!opened.ok) return err(opened.error.message)
  if (options.alias === undefined) return readPlain(opened.value)
  const aliases = parseAliasMap(parameterText(agent, `GPP_${options.alias.toUpperCase()}`))
  if (!aliases.ok) return err(`the alias map in GPP_${options.alias.toUpperCase()} cannot be read`)
  return readPlain(opened.value, aliases.value)
}

/** Stores what a profile says. */
export function applyToPhone(agent: Agent, profile: Profile): Applied {
  const { store, changed, problems } = applyProfile(
    agent.flash.parameters,
    profile,
    agent.hardware.productName,
    agent.policies.apply,
  )
  return { agent: withFlash(agent, { parameters: store }), changed, skippedCount: problems.length }
}

/** Runs the assignments of a rule, MPP §4.1: before the download, and also if that fails. */
export function applyAssignments(agent: Agent, assignments: readonly Assignment[]): Applied {
  // MPP §1.5: two quotes are the way to write the empty string on purpose.
  const elements = assignments.map(
    ({ element, value }) =>
      ({ name: element, value: value === '' ? '""' : value, form: 'text', preserveValue: false }) as const,
  )
  return elements.length === 0 ? { agent, changed: [], skippedCount: 0 } : applyToPhone(agent, { elements })
}

/** MPP §5.7 (Model): whether one of the elements takes effect only after a reboot. */
export function needsReboot(agent: Agent, elements: readonly string[]): boolean {
  const { rebootSections } = agent.policies
  return elements.some((element) => {
    const section = catalogue.find(element)?.section
    return section !== undefined && rebootSections.some((name) => section === name || section.startsWith(`${name} / `))
  })
}

function readPlain(bytes: Uint8Array, aliases?: AliasMap): Result<Profile, string> {
  const read = readProfile(bytes, aliases === undefined ? {} : { aliases })
  if (read.ok) return ok(read.value)
  const { code, line } = read.error
  return err(`the profile is ${code}${line === undefined ? '' : `, line ${line}`}`)
}
