import type { ProductName } from '../identity.ts'
import { assertNever } from '../result.ts'
import { appliesTo, catalogue, defaultValueOf } from './catalogue.ts'
import { canonicalValue, validateValue } from './check-value.ts'
import type { Parameter } from './parameter.ts'
import type { Profile, ProfileElement, ProfileProblem } from './profile.ts'
import { isSameState, type ParameterStore, putSparse, type StoredParameter, storedParameter } from './store.ts'

/** Where the guides contradict each other (MPP §1.5, §16 row 1). */
export interface ApplyPolicies {
  /**
   * What `<X/>` and `<X></X>` do. `guide-mixed` (the model of MPP §1.5): `<X ua="rw"/>` leaves the value, any other
   * sets the default. `set-empty`: the empty string, statement (a). `leave`: the value stays, statement (b) for all.
   * `set-default`: the default, statement (c). The value `""` always sets the empty string.
   */
  readonly emptyElement: 'guide-mixed' | 'set-empty' | 'set-default' | 'leave'
}

export const DEFAULT_APPLY_POLICIES: ApplyPolicies = { emptyElement: 'guide-mixed' }

/** What a profile did to a store. The lists are in document order and name each element once. */
export interface AppliedProfile {
  readonly store: ParameterStore
  /** Elements whose value is another than before. */
  readonly changed: readonly string[]
  /** Elements whose access or user marks are other than before, the value apart. */
  readonly accessChanged: readonly string[]
  /** Elements that this model does not have or that nobody can set; that is not an error (MPP §1.6). */
  readonly ignored: readonly string[]
  /** Values that are invalid for their type: skipped, the old value stays (MPP §1.6). At most `APPLY_PROBLEMS_MAX`. */
  readonly problems: readonly ProfileProblem[]
}

export const APPLY_PROBLEMS_MAX = 1000

/**
 * Applies a profile as the phone does, all at once (MPP §1.3 to §1.6): in document order, so that the last of several
 * wins; unknown elements are ignored, invalid values skipped, absent parameters left. Linear in store and profile.
 */
export function applyProfile(
  store: ParameterStore,
  profile: Profile,
  product: ProductName,
  policies: ApplyPolicies = DEFAULT_APPLY_POLICIES,
): AppliedProfile {
  const next = new Map(store)
  const touched = new Set<string>()
  const ignored = new Set<string>()
  const problems: ProfileProblem[] = []
  for (const element of profile.elements) {
    const parameter = catalogue.find(element.name)
    if (parameter === undefined || parameter.settableBy === 'nobody' || !appliesTo(element.name, product)) {
      ignored.add(element.name)
      continue
    }
    const problem = applyElement(next, element, parameter, policies)
    touched.add(element.name)
    if (problem !== undefined && problems.length < APPLY_PROBLEMS_MAX) problems.push(problem)
  }
  return { store: next, ...differences(store, next, touched), ignored: [...ignored], problems }
}

function differences(
  before: ParameterStore,
  after: ParameterStore,
  touched: ReadonlySet<string>,
): Pick<AppliedProfile, 'changed' | 'accessChanged'> {
  const changed: string[] = []
  const accessChanged: string[] = []
  for (const element of touched) {
    const old = storedParameter(before, element)
    const now = storedParameter(after, element)
    if (old.value !== now.value) changed.push(element)
    if (!isSameState({ ...old, value: now.value }, now)) accessChanged.push(element)
  }
  return { changed, accessChanged }
}

/** @returns the problem of an invalid value; its attributes are applied all the same. */
function applyElement(
  entries: Map<string, StoredParameter>,
  element: ProfileElement,
  parameter: Parameter,
  policies: ApplyPolicies,
): ProfileProblem | undefined {
  const current = storedParameter(entries, element.name)
  const wanted = wantedValue(element, parameter, policies)
  const problem = wanted === undefined ? undefined : validateValue(parameter, wanted)
  const value = wanted === undefined || problem !== undefined ? undefined : wanted
  putSparse(entries, element.name, parameter, nextState(current, element, parameter, value))
  return problem === undefined ? undefined : { ...problem, message: `${problem.message} (${element.name})` }
}

/**
 * MPP §1.3, user-pref: with `y` a value that the user has changed stays. Otherwise the admin's value wins and the
 * marks are cleared; but where the profile gives no value, only an explicit attribute says anything about them.
 */
function nextState(
  current: StoredParameter,
  element: ProfileElement,
  parameter: Parameter,
  value: string | undefined,
): StoredParameter {
  const ua = element.ua ?? current.ua
  const userPref = value === undefined ? (element.userPref ?? current.userPref) : element.userPref === true
  const clearsMark = value === undefined ? element.userPref === false : !userPref
  const keepsValue = value === undefined || (userPref && current.userModified)
  const canonical = value === undefined || value === '' ? value : canonicalValue(parameter, value)
  return {
    value: keepsValue ? current.value : (canonical ?? current.value),
    ua,
    userPref,
    userModified: clearsMark ? false : current.userModified,
  }
}

/** The value that the element asks for, or undefined where it leaves the value alone. */
function wantedValue(element: ProfileElement, parameter: Parameter, policies: ApplyPolicies): string | undefined {
  if (element.preserveValue) return undefined
  if (element.value === '""') return ''
  if (element.value !== '') return element.value
  switch (element.form) {
    case 'text':
    case 'empty':
      return ''
    case 'self-closing':
    case 'open-close':
      return emptyElementValue(element, parameter, policies)
    default:
      return assertNever(element.form)
  }
}

function emptyElementValue(element: ProfileElement, parameter: Parameter, policies: ApplyPolicies): string | undefined {
  const defaultValue = defaultValueOf(element.name, parameter)
  switch (policies.emptyElement) {
    case 'guide-mixed':
      return element.form === 'self-closing' && element.ua === 'rw' ? undefined : defaultValue
    case 'set-empty':
      return ''
    case 'set-default':
      return defaultValue
    case 'leave':
      return undefined
    default:
      return assertNever(policies.emptyElement)
  }
}
