/** What is fetched or sent, and with which options, once an alternative or a report is chosen. MPP §4.4, §4.5. */

import { assertNever } from '../result.ts'
import { unknownIn } from './evaluate-condition.ts'
import { UNKNOWN_HERE } from './expand.ts'
import type { Place, Problem } from './problems.ts'
import type { Run } from './run.ts'
import type { OptionPart, UrlText } from './syntax.ts'
import { checkFetch } from './targets.ts'
import { parseUrl, pathOffset, type Url } from './url.ts'

/** Bracket options, MPP §4.4, with macros and secrets put in. Not to be logged: see `maskRule`. */
export interface RuleOptions {
  readonly key?: string
  readonly uid?: string
  readonly pwd?: string
  /** The letter of the GPP parameter that is sent as the body, a to p. */
  readonly post?: string
  readonly alias?: string
  readonly srv: boolean
  readonly delta: boolean
  readonly status: boolean
}

export const NO_OPTIONS: RuleOptions = { srv: false, delta: false, status: false }

export type Target =
  | {
      readonly kind: 'target'
      readonly target: { readonly options: RuleOptions; readonly url: Url; readonly unresolved: readonly string[] }
      readonly problems: readonly Problem[]
    }
  | { readonly kind: 'depends'; readonly on: readonly string[]; readonly problems: readonly Problem[] }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }

/** Whether the text of this place could not be read as it must be. */
export function faultsWithin(run: Run, place: Place | undefined): boolean {
  return run.parsed.problems.some((one) => one.severity === 'error' && isWithin(one, place))
}

function isWithin(inner: Place, outer: Place | undefined): boolean {
  return outer !== undefined && inner.start >= outer.start && inner.end <= outer.end
}

/** @param place of the whole alternative or item */
export function readTarget(run: Run, parts: readonly OptionPart[], url: UrlText, place: Place | undefined): Target {
  const urlPlace = url.place ?? { start: 0, end: 0 }
  const server = { start: urlPlace.start, end: urlPlace.start + pathOffset(url.text) }
  const on = unknownIn(run.macros, server)
  if (on.length > 0) return { kind: 'depends', on, problems: [] }
  if (faultsWithin(run, place)) return { kind: 'invalid', problems: [] }
  const parsed = parseUrl(url.text)
  if (!parsed.ok) return { kind: 'invalid', problems: [shifted(parsed.error, urlPlace.start)] }
  const read = readOptions(run, parts)
  const problems = checkFetch(parsed.value, run.ruleKind, read.options.srv, urlPlace)
  if (problems.some(({ severity }) => severity === 'error')) return { kind: 'invalid', problems }
  const unresolved = [...new Set([...read.unresolved, ...unknownIn(run.macros, urlPlace)])]
  return { kind: 'target', target: { options: read.options, url: parsed.value, unresolved }, problems }
}

function shifted(one: Problem, by: number): Problem {
  return { ...one, start: one.start + by, end: one.end + by }
}

/** Of an option given twice the last one counts (inferred). */
function readOptions(
  run: Run,
  parts: readonly OptionPart[],
): { readonly options: RuleOptions; readonly unresolved: readonly string[] } {
  let options = NO_OPTIONS
  const unresolved: string[] = []
  for (const part of parts) {
    switch (part.kind) {
      case 'argument': {
        const argument = withSecrets(run, part.value, part.valuePlace)
        options = { ...options, [part.name]: argument.text }
        unresolved.push(...argument.unresolved)
        break
      }
      case 'letter':
        options = { ...options, [part.name]: part.letter }
        break
      case 'flag':
        options = { ...options, [part.name]: true }
        break
      case 'unread':
        break
      default:
        assertNever(part)
    }
  }
  return { options, unresolved }
}

/** MPP §3.1: $SA to $SD have their values here and nowhere else. */
function withSecrets(
  run: Run,
  text: string,
  place: Place | undefined,
): { readonly text: string; readonly unresolved: readonly string[] } {
  if (place === undefined) return { text, unresolved: [] }
  const secrets = run.macros.filter(
    ({ kind, start, end }) => kind === 'secret' && start >= place.start && end <= place.end,
  )
  const unresolved = [...unknownIn(run.macros, place)]
  let result = ''
  let at = place.start
  for (const { start, end, name, secretValue } of secrets) {
    if (secretValue === undefined || secretValue === UNKNOWN_HERE) {
      unresolved.push(name)
      continue
    }
    result += text.slice(at - place.start, start - place.start) + secretValue
    at = end
  }
  return { text: result + text.slice(at - place.start), unresolved }
}
