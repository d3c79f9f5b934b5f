/**
 * Text to tree, MPP §4.1. Never fails: what does not fit stays in the tree as `unread` text.
 *
 * How a rule is cut into alternatives: a `|` inside a group `( )`, a bracket `[ ]` or double quotes belongs to it; every
 * other `|` ends the alternative. In a URL, parentheses are ordinary characters, so a `|` there always ends it (a bar in
 * a path is written %7C). A group or bracket that is never closed makes the rest of the text unreadable: to go on behind
 * the next `|` could fetch something that the author had put into quotes.
 */

import { readCondition, readTrigger } from './parse-condition.ts'
import { readAssignments, readOptions } from './parse-groups.ts'
import { DEFAULT_RULE_POLICIES, isUnset, type RulePolicies } from './policies.ts'
import type { Place, Problem, ProblemCode } from './problems.ts'
import { problem } from './problems.ts'
import {
  findBracketEnd,
  findGroupEnd,
  findOutsideQuotes,
  isSpace,
  note,
  skipSpace,
  type Source,
  textAt,
  trimPlace,
} from './scan.ts'
import {
  type Alternative,
  ALTERNATIVES_MAX,
  type Condition,
  type AssignmentPart,
  type OptionPart,
  REPORT_ITEMS_MAX,
  type ReportItem,
  type Rule,
  RULE_CHARS_MAX,
  type RuleKind,
  type Unread,
} from './syntax.ts'

export interface ParsedRule {
  readonly rule: Rule
  readonly problems: readonly Problem[]
}

/** The shape of a rule only; `parseRule` in check.ts adds what can be said about its values and macros. */
export function parseShape(
  text: string,
  kind: RuleKind,
  policies: RulePolicies = DEFAULT_RULE_POLICIES,
  charsMax: number = RULE_CHARS_MAX,
): ParsedRule {
  if (text.length > charsMax) {
    return { rule: { kind: 'unreadable', text }, problems: [problem('too-long', { start: 0, end: text.length })] }
  }
  if (text.trim() !== '' && isUnset(text, policies))
    return { rule: { kind: 'comment', text: text.trim() }, problems: [] }
  const readable = policies.curlyQuotes ? text.replace(/[“”„‟]/g, '"') : text
  const source: Source = { text: readable, kind, policies, problems: [] }
  const rule = readRule(source, kind)
  return { rule, problems: source.problems }
}

function readRule(source: Source, kind: RuleKind): Rule {
  switch (kind) {
    case 'trigger':
      return { kind, condition: source.text.trim() === '' ? { comparisons: [] } : readTrigger(source) }
    case 'report':
      return { kind, items: readReportItems(source) }
    case 'profile':
    case 'upgrade':
      return { kind, alternatives: readAlternatives(source) }
  }
}

function readAlternatives(source: Source): readonly Alternative[] {
  const { text } = source
  if (text.trim() === '') return []
  const alternatives: Alternative[] = []
  let at = 0
  while (at <= text.length) {
    if (alternatives.length === ALTERNATIVES_MAX) {
      alternatives.push({ ...unreadRest(source, 'too-many-alternatives', trimPlace(text, at, text.length)) })
      break
    }
    const { alternative, end } = readAlternative(source, at)
    alternatives.push(alternative)
    at = end + 1
  }
  return alternatives
}

/** What `readAlternative` has found so far. */
interface Draft {
  condition?: Condition
  assignments?: readonly AssignmentPart[]
  options?: readonly OptionPart[]
}

interface Read {
  readonly alternative: Alternative
  /** Index of the `|` behind it, or the length of the text. */
  readonly end: number
}

function readAlternative(source: Source, from: number): Read {
  const { text } = source
  const start = skipSpace(text, from)
  const draft: Draft = {}
  let at = start
  while (text[at] === '(') {
    const next = readGroup(source, draft, at)
    if (next.kind === 'stop') return { alternative: finish(draft, start, next.end, next.rest), end: next.end }
    at = skipSpace(text, next.at)
  }
  if (startsOptions(text, at)) {
    const close = findBracketEnd(text, at)
    if (close === -1) return stopHere(source, draft, start, 'unbalanced-options', at, text.length)
    draft.options = readOptions(source, { start: at + 1, end: close })
    if (source.kind === 'upgrade') note(source, 'options-in-upgrade', { start: at, end: close + 1 })
    at = skipSpace(text, close + 1)
  }
  const end = alternativeEnd(text, at)
  if (text[at] === '(' || startsOptions(text, at)) return stopHere(source, draft, start, 'order', at, end)
  return { alternative: withUrl(source, draft, start, trimPlace(text, at, end)), end }
}

function stopHere(source: Source, draft: Draft, start: number, code: ProblemCode, at: number, end: number): Read {
  const { rest } = unreadRest(source, code, trimPlace(source.text, at, end))
  return { alternative: finish(draft, start, end, rest), end }
}

function withUrl(source: Source, draft: Draft, start: number, place: Place): Alternative {
  const alternative = finish(draft, start, Math.max(place.end, start), undefined)
  if (place.start < place.end) return { ...alternative, url: { text: textAt(source.text, place), place } }
  if (draft.options !== undefined) note(source, 'options-without-url', alternative.place)
  return alternative
}

function finish(
  draft: Draft,
  start: number,
  end: number,
  rest: NonNullable<Alternative['rest']> | undefined,
): Alternative & { readonly place: Place } {
  return { ...draft, ...(rest === undefined ? {} : { rest }), place: { start, end } }
}

type Group =
  | { readonly kind: 'next'; readonly at: number }
  | { readonly kind: 'stop'; readonly end: number; readonly rest: NonNullable<Alternative['rest']> }

/** Reads one `( ... )?` or `( ... )!` into the draft, or says where the alternative ends when it is neither. */
function readGroup(source: Source, draft: Draft, open: number): Group {
  const { text } = source
  const standsFor = draft.condition === undefined && draft.assignments === undefined ? 'condition' : 'alternative'
  const stop = (code: ProblemCode, end: number): Group => {
    const { rest } = unreadRest(source, code, trimPlace(text, open, end), standsFor)
    return { kind: 'stop', end, rest }
  }
  const close = findGroupEnd(text, open)
  if (close === -1) return stop('unbalanced-group', text.length)
  const mark = skipSpace(text, close + 1)
  const inside = { start: open + 1, end: close }
  if (text[mark] === '?' && standsFor === 'condition') {
    draft.condition = readCondition(source, inside)
  } else if (text[mark] === '!' && draft.assignments === undefined) {
    draft.assignments = readAssignments(source, inside)
  } else {
    const marked = text[mark] === '?' || text[mark] === '!'
    return stop(marked ? 'order' : 'group-without-mark', alternativeEnd(text, close + 1))
  }
  return { kind: 'next', at: mark + 1 }
}

function unreadRest(
  source: Source,
  code: ProblemCode,
  place: Place,
  standsFor: 'condition' | 'alternative' = 'alternative',
): { readonly rest: NonNullable<Alternative['rest']>; readonly place: Place } {
  note(source, code, place)
  return { rest: { kind: 'unread', text: textAt(source.text, place), standsFor, place }, place }
}

function alternativeEnd(text: string, from: number): number {
  const bar = findOutsideQuotes(text, '|', from)
  return bar === -1 ? text.length : bar
}

/** A `[` opens options, unless an IPv6 address stands there. */
function startsOptions(text: string, at: number): boolean {
  return text[at] === '[' && !/^\[[0-9A-Fa-f:.]+\]/.test(text.slice(at, at + 48))
}

function readReportItems(source: Source): readonly (ReportItem | Unread)[] {
  const { text } = source
  const items: (ReportItem | Unread)[] = []
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
    const rest = trimPlace(text, at, text.length)
    if (items.length === REPORT_ITEMS_MAX) return [...items, unreadItem(source, 'too-many-report-items', rest)]
    const bracketed = startsOptions(text, at)
    // Without options the bracket "ends" just before the item, which the next function takes as: none.
    const close = bracketed ? findBracketEnd(text, at) : at - 1
    if (bracketed && close === -1) return [...items, unreadItem(source, 'unbalanced-options', rest)]
    const item = readReportItem(source, at, close)
    items.push(item)
    at = item.place.end
  }
  return items
}

function unreadItem(source: Source, code: ProblemCode, place: Place): Unread {
  note(source, code, place)
  return { kind: 'unread', text: textAt(source.text, place), place }
}

/** @param close index of the `]`, or the one before `start` when the item has no options */
function readReportItem(source: Source, start: number, close: number): ReportItem & { readonly place: Place } {
  const { text } = source
  const options = close < start ? undefined : readOptions(source, { start: start + 1, end: close })
  const urlStart = close < start ? start : skipSpace(text, close + 1)
  let end = urlStart
  while (end < text.length && !isSpace(text[end])) end += 1
  const urlPlace = { start: urlStart, end }
  // A bracket straight behind a bracket is the next item; this one then has no URL.
  const hasUrl = urlStart < end && !startsOptions(text, urlStart)
  const place = { start, end: hasUrl ? end : Math.max(close + 1, start + 1) }
  if (!hasUrl) note(source, 'options-without-url', place)
  return {
    kind: 'report',
    ...(options === undefined ? {} : { options }),
    ...(hasUrl ? { url: { text: textAt(text, urlPlace), place: urlPlace } } : {}),
    place,
  }
}
