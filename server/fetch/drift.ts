/**
 * Drift: where a phone says another value than its profile wants, and why that may be.
 * Source: MPP §1.3 (access, preserve-value, user-pref), §1.8 (what an export leaves out), §12.2.
 */
import type { ProductName } from '../../protocol/identity.ts'
import { appliesTo, canonicalValue, catalogue, type Parameter, validateValue } from '../../protocol/profile/mod.ts'
import type { Millis } from '../../protocol/result.ts'
import { maskRule } from '../../protocol/rule/mod.ts'
import type { ResolvedParameter, ResolvedProfile } from '../profiles/types.ts'
import type { Reported } from './reported.ts'

export type DriftReason =
  /** `preserve-value`: the profile leaves the phone's value alone. */
  | 'preserved'
  /** `user-pref`: what the user chose wins. */
  | 'user-preference'
  /** The phone's export does not name the element. */
  | 'unknown-to-firmware'
  /** It runs another version of its profile than the wanted one. */
  | 'older-version'
  /** It runs the wanted version; `ua="rw"` lets the user write until the next resync. */
  | 'user-may-write'
  /** It runs the wanted version, and somebody changed the value at the phone with the admin account. */
  | 'changed-at-phone'
  /** We do not know which version it runs. */
  | 'not-resynced'

export interface Drift {
  readonly element: string
  /** undefined: it does not say. */
  readonly reported: string | undefined
  readonly wanted: string
  readonly secret: boolean
  readonly reason: DriftReason
  /** True: the profile allows the difference, so it is none to care about. */
  readonly allowed: boolean
  /** When a report first told this value; of what it does not say, the full report's time. */
  readonly since: Millis
}

/** What of the phone's profile a drift is judged by. */
export interface DriftBasis {
  readonly model: ProductName
  readonly wanted: ResolvedProfile
  readonly runs: 'wanted' | 'another' | 'unknown'
}

/** Elements in catalogue order. Pure. */
export function driftOf(reported: Reported, basis: DriftBasis): readonly Drift[] {
  const drifts = [...basis.wanted].flatMap(([element, parameter]) => {
    const drift = elementDrift(element, parameter, reported, basis)
    return drift === undefined ? [] : [drift]
  })
  return drifts.toSorted((a, b) => catalogue.order(a.element) - catalogue.order(b.element))
}

function elementDrift(
  element: string,
  parameter: ResolvedParameter,
  reported: Reported,
  basis: DriftBasis,
): Drift | undefined {
  const row = catalogue.find(element)
  const said = reported.values.get(element)
  const common = { element, wanted: parameter.value, secret: parameter.secret || row?.secret === true }
  if (said === undefined) {
    const lacks = reported.fullAt !== undefined && isExported(element, row, parameter, basis.model)
    return lacks && parameter.value !== ''
      ? { ...common, reported: undefined, reason: 'unknown-to-firmware', allowed: false, since: reported.fullAt }
      : undefined
  }
  if (isMasked(said.value) || sameValue(row, said.value, parameter.value)) return undefined
  const reason = reasonFor(parameter, said.ua, basis)
  const allowed = reason === 'preserved' || reason === 'user-preference'
  return { ...common, reported: said.value, reason, allowed, since: said.at }
}

function reasonFor(parameter: ResolvedParameter, reportedUa: string | undefined, { runs }: DriftBasis): DriftReason {
  if (parameter.preserve) return 'preserved'
  if (parameter.userPref === true) return 'user-preference'
  if (runs === 'another') return 'older-version'
  if (runs === 'unknown') return 'not-resynced'
  return (parameter.ua ?? reportedUa) === 'rw' ? 'user-may-write' : 'changed-at-phone'
}

/** Whether a full report would name it: no secret, and no text that holds a key or a password (MPP §1.8). */
function isExported(
  element: string,
  row: Parameter | undefined,
  { value }: ResolvedParameter,
  model: ProductName,
): boolean {
  if (row === undefined || row.secret || row.settableBy !== 'anyone' || !appliesTo(element, model)) return false
  return row.type !== 'ProvisioningRuleSyntax' || maskRule(value) === value
}

/** MPP §1.8: 12.x writes asterisks for what it does not tell. */
function isMasked(value: string): boolean {
  return /^\*{4,}$/.test(value)
}

function sameValue(row: Parameter | undefined, left: string, right: string): boolean {
  return left === right || normal(row, left) === normal(row, right)
}

/** As the phone stores it (MPP §1.4, §14); host names and the like may come back in another case. */
function normal(row: Parameter | undefined, text: string): string {
  const trimmed = text.replace(/\s+/g, ' ').trim()
  const value = trimmed === '""' ? '' : trimmed
  if (row === undefined || value === '' || validateValue(row, value) !== undefined) return value
  return canonicalValue(row, value)
}
