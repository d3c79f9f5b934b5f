/**
 * Rules for logs and screens: the arguments of --key and --pwd and other things that may be secret become `***`.
 * Where a rule cannot be read well enough to know which piece is a secret, more of it is masked, never less.
 */

import { parseShape } from './parse.ts'
import { DEFAULT_RULE_POLICIES } from './policies.ts'
import type { Place } from './problems.ts'
import {
  EXPANDED_RULE_CHARS_MAX,
  type Alternative,
  type AssignmentPart,
  type OptionPart,
  type ReportItem,
  type Rule,
  type RuleKind,
  type UrlText,
} from './syntax.ts'

const MASK = '***'

/**
 * @param text a rule as written or with its macros put in
 * @returns the same text with secrets replaced. --uid is kept; so are macro names outside of arguments.
 */
export function maskRule(text: string, kind: RuleKind = 'profile'): string {
  const { rule } = parseShape(text, kind, DEFAULT_RULE_POLICIES, EXPANDED_RULE_CHARS_MAX)
  if (rule.kind === 'unreadable') return MASK
  if (rule.kind === 'comment') return maskLoose(text)
  const masked = replacePlaces(text, secretPlaces(rule, text))
  return masked.replace(/(:\/\/)[^/?#|\s@]{1,256}@/g, `$1${MASK}@`)
}

/** Text without a shape: everything from the first thing that may be an option on. */
function maskLoose(text: string): string {
  const at = text.search(/\[|--/)
  return at === -1 ? text : `${text.slice(0, at)}${MASK}`
}

function replacePlaces(text: string, places: readonly Place[]): string {
  let result = ''
  let at = 0
  for (const { start, end } of [...places].sort((a, b) => a.start - b.start)) {
    if (start < at) continue
    result += text.slice(at, start) + MASK
    at = end
  }
  return result + text.slice(at)
}

function secretPlaces(rule: Rule, text: string): readonly Place[] {
  switch (rule.kind) {
    case 'profile':
    case 'upgrade':
      return rule.alternatives.flatMap((alternative) => inAlternative(alternative, text))
    case 'report':
      return rule.items.flatMap((item) => (item.kind === 'unread' ? placesOf(item.place) : inItem(item)))
    default:
      return []
  }
}

function inAlternative(
  { assignments = [], options = [], url, rest, place }: Alternative,
  text: string,
): readonly Place[] {
  if (rest?.place !== undefined && place !== undefined) {
    const loose = text.slice(rest.place.start, rest.place.end).search(/\[|--|"|=/)
    const hidden = loose === -1 ? [] : [{ start: rest.place.start + loose, end: rest.place.end }]
    return [...assignments.flatMap(inAssignment), ...inOptions(options), ...hidden]
  }
  return [...assignments.flatMap(inAssignment), ...inOptions(options), ...inUrl(url)]
}

function inItem({ options = [], url }: ReportItem): readonly Place[] {
  return [...inOptions(options), ...inUrl(url)]
}

/** An element that holds a password, a key or a secret register, by its name. */
const SECRET_ELEMENT = /passw|pwd|secret|(?:^|_)key|^GPP_S[A-D]$|^IKM/i

function inAssignment(part: AssignmentPart): readonly Place[] {
  if (part.kind === 'unread') return placesOf(part.place)
  if (!SECRET_ELEMENT.test(part.name) || part.place === undefined) return []
  // The value ends before its quote and the semicolon.
  const end = part.place.end - 1
  return [{ start: part.place.start + part.name.length, end }]
}

/** One part that cannot be read hides all: it may be the tail of a key that holds a space. */
function inOptions(options: readonly OptionPart[]): readonly Place[] {
  const places = options.flatMap((part) => placesOf(part.place))
  const first = places[0]
  const last = places.at(-1)
  if (options.some((part) => part.kind === 'unread') && first !== undefined && last !== undefined) {
    return [{ start: first.start, end: last.end }]
  }
  return options.flatMap((part) => (part.kind === 'argument' && part.name !== 'uid' ? placesOf(part.valuePlace) : []))
}

/** A bracket that was forgotten leaves its options in front of the URL. */
function inUrl(url: UrlText | undefined): readonly Place[] {
  const loose = url?.text.search(/--|\[|\s/) ?? -1
  if (url?.place === undefined || loose === -1 || !/--\s*(?:key|pwd|uid)|\s/i.test(url.text)) return []
  return [{ start: url.place.start + loose, end: url.place.end }]
}

function placesOf(place: Place | undefined): readonly Place[] {
  return place === undefined ? [] : [place]
}
