import type { ProductName } from '../identity.ts'
import { err, ok, type Result } from '../result.ts'
import { appliesTo, catalogue, defaultValueOf } from './catalogue.ts'
import { canonicalValue, validateValue } from './check-value.ts'
import type { Parameter, UserAccess } from './parameter.ts'
import type { ProfileProblem } from './profile.ts'

/** What a phone keeps for one parameter (MPP §1.3). */
export interface StoredParameter {
  readonly value: string
  readonly ua: UserAccess
  /** Last told by `user-pref="y"`: a change by the user stands against later profiles. */
  readonly userPref: boolean
  /** `um`: the user has changed the value. */
  readonly userModified: boolean
}

/** All that a phone stores, by concrete element. Sparse: an absent element has its default value and access. */
export type ParameterStore = ReadonlyMap<string, StoredParameter>

const UNKNOWN: StoredParameter = { value: '', ua: 'na', userPref: false, userModified: false }

/** The stored parameter, or the state from the factory; empty and closed for an element that does not exist. */
export function storedParameter(store: ParameterStore, element: string): StoredParameter {
  const stored = store.get(element)
  if (stored !== undefined) return stored
  const parameter = catalogue.find(element)
  return parameter === undefined ? UNKNOWN : factoryState(element, parameter)
}

/** What a parameter is after a factory reset. */
export function factoryState(element: string, parameter: Parameter): StoredParameter {
  return { value: defaultValueOf(element, parameter), ua: parameter.ua, userPref: false, userModified: false }
}

/** Puts a state into a map that is being built, or takes the entry out where it is the state from the factory. */
export function putSparse(
  entries: Map<string, StoredParameter>,
  element: string,
  parameter: Parameter,
  state: StoredParameter,
): void {
  if (isSameState(state, factoryState(element, parameter))) entries.delete(element)
  else entries.set(element, state)
}

/** True if value, access and both user marks are equal. */
export function isSameState(a: StoredParameter, b: StoredParameter): boolean {
  return a.value === b.value && a.ua === b.ua && a.userPref === b.userPref && a.userModified === b.userModified
}

/**
 * An edit in the web page or on the screen. The user account needs `ua` rw (MPP §1.3, §7.1), and what it changes is
 * marked as changed by the user; an edit by the admin leaves that mark alone. The same value again changes nothing.
 */
export function setByUser(
  store: ParameterStore,
  element: string,
  value: string,
  account: 'admin' | 'user',
  product: ProductName,
): Result<ParameterStore, ProfileProblem> {
  const parameter = catalogue.find(element)
  if (parameter === undefined || !appliesTo(element, product)) {
    return refuse('unknown-element', element, 'this model has no such parameter')
  }
  if (parameter.settableBy !== 'anyone') return refuse('not-settable', element, 'no page has this field')
  const current = storedParameter(store, element)
  if (account === 'user' && current.ua !== 'rw')
    return refuse('no-access', element, 'the user account may not change it')
  const problem = validateValue(parameter, value)
  if (problem !== undefined) return err(problem)
  const wanted = value === '' ? '' : canonicalValue(parameter, value)
  if (wanted === current.value) return ok(store)
  const next = new Map(store)
  const userModified = account === 'user' ? true : current.userModified
  putSparse(next, element, parameter, { ...current, value: wanted, userModified })
  return ok(next)
}

function refuse(code: string, element: string, reason: string): Result<ParameterStore, ProfileProblem> {
  return err({ code, message: `Cannot set "${element.slice(0, 64)}": ${reason}` })
}
