/**
 * Conditions, MPP §4.1 and §4.2.
 *
 *     expr = cmp *( ("and" | "AND") cmp )        cmp = operand op operand
 */

import type { Place, ProblemCode } from './problems.ts'
import { findOutsideQuotes, isSpace, note, type Source, textAt } from './scan.ts'
import { type Comparison, COMPARISONS_MAX, type Condition, type Operand, type Operator } from './syntax.ts'

interface Token extends Place {
  /** `open`: a double quote that is never closed, with all that follows. */
  readonly kind: 'quoted' | 'word' | 'symbol' | 'open'
  readonly text: string
}

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['=', 'eq'],
  ['eq', 'eq'],
  ['!=', 'ne'],
  ['ne', 'ne'],
  ['<', 'lt'],
  ['lt', 'lt'],
  ['<=', 'le'],
  ['le', 'le'],
  ['>', 'gt'],
  ['gt', 'gt'],
  ['>=', 'ge'],
  ['ge', 'ge'],
])

/** Reads what stands between the parentheses of a condition, or a whole trigger. Notes what it cannot read. */
export function readCondition(source: Source, place: Place): Condition {
  const tokens = tokenize(source.text, place)
  if (tokens.length === 0) {
    note(source, 'empty-condition', place)
    return { comparisons: [], place }
  }
  const comparisons: Comparison[] = []
  let chunk: Token[] = []
  let chunkStart = place.start
  for (const token of tokens) {
    const full = comparisons.length === COMPARISONS_MAX - 1
    if (!isAnd(token) || full) {
      chunk.push(token)
      continue
    }
    comparisons.push(readComparison(source, chunk, { start: chunkStart, end: token.start }))
    chunk = []
    chunkStart = token.end
  }
  if (chunk.some(isAnd)) note(source, 'too-many-parts', { start: chunkStart, end: place.end })
  comparisons.push(readComparison(source, chunk, { start: chunkStart, end: place.end }))
  return { comparisons, place }
}

function isAnd(token: Token): boolean {
  return token.kind === 'word' && (token.text === 'and' || token.text === 'AND')
}

function tokenize(text: string, { start, end }: Place): readonly Token[] {
  const tokens: Token[] = []
  let at = start
  while (at < end) {
    if (isSpace(text[at])) {
      at += 1
      continue
    }
    const token = readToken(text, at, end)
    tokens.push(token)
    at = token.end
  }
  return tokens
}

function readToken(text: string, start: number, limit: number): Token {
  const char = text[start] ?? ''
  if (char === '"') {
    const close = text.indexOf('"', start + 1)
    if (close === -1 || close >= limit) return { kind: 'open', text: text.slice(start, limit), start, end: limit }
    return { kind: 'quoted', text: text.slice(start + 1, close), start, end: close + 1 }
  }
  if ('=<>!'.includes(char)) {
    const end = text[start + 1] === '=' && char !== '=' && start + 1 < limit ? start + 2 : start + 1
    return { kind: 'symbol', text: text.slice(start, end), start, end }
  }
  let end = start + 1
  while (end < limit && !isSpace(text[end]) && !'"=<>!'.includes(text[end] ?? '')) end += 1
  return { kind: 'word', text: text.slice(start, end), start, end }
}

function readComparison(source: Source, tokens: readonly Token[], around: Place): Comparison {
  const first = tokens[0]
  const last = tokens.at(-1)
  const place = first === undefined || last === undefined ? around : { start: first.start, end: last.end }
  const [left, sign, right, ...more] = tokens.length === 2 ? [undefined, ...tokens] : tokens
  const operator = sign === undefined ? undefined : operatorOf(source, sign)
  const leftSide = left === undefined ? impliedLeft(source, place) : operandOf(left)
  const rightSide = right === undefined ? undefined : operandOf(right)
  if (operator !== undefined && leftSide !== undefined && rightSide !== undefined && more.length === 0) {
    return { kind: 'comparison', left: leftSide, operator, right: rightSide, place }
  }
  note(source, whyUnread(tokens), place)
  return { kind: 'unread', text: first === undefined ? '' : textAt(source.text, place), place }
}

/** MPP §4.2, legacy: without a left side `$SWVER` is meant. */
function impliedLeft(source: Source, { start }: Place): Operand | undefined {
  return source.policies.legacyConditions ? { kind: 'firmware', place: { start, end: start } } : undefined
}

function operatorOf(source: Source, token: Token): Operator | undefined {
  if (token.kind === 'symbol' && token.text === '!' && source.policies.legacyConditions) return 'ne'
  return token.kind === 'quoted' ? undefined : OPERATORS.get(token.text)
}

function operandOf(token: Token): Operand | undefined {
  const { start, end } = token
  if (token.kind === 'word' && wordFault(token.text) === undefined) {
    return { kind: 'bare', text: token.text, place: { start, end } }
  }
  return token.kind === 'quoted' ? { kind: 'quoted', text: token.text, place: { start, end } } : undefined
}

function whyUnread(tokens: readonly Token[]): ProblemCode {
  const words = tokens.filter(({ kind }) => kind === 'word').map(({ text }) => text)
  if (words.some((word) => /^(?:or|OR|\|\|?)$/.test(word))) return 'or-not-supported'
  return words.map(wordFault).find((fault) => fault !== undefined) ?? 'bad-comparison'
}

/** What makes a word no value at all. Balanced parentheses may belong to a macro. */
function wordFault(word: string): ProblemCode | undefined {
  if (/[“”„‟]/.test(word)) return 'curly-quotes'
  const balanced = word.split('(').length === word.split(')').length
  return word.startsWith('(') || !balanced ? 'parentheses-in-condition' : undefined
}

/** A whole trigger parameter: an expression without parentheses and question mark, MPP §4.1. */
export function readTrigger(source: Source): Condition {
  const { text } = source
  const start = text.search(/\S/)
  const place = { start: Math.max(start, 0), end: text.trimEnd().length }
  const wrapped = text[place.start] === '(' || findOutsideQuotes(text, '?', place.start) !== -1
  if (!wrapped) return readCondition(source, place)
  note(source, 'parentheses-in-trigger', place)
  return { comparisons: [{ kind: 'unread', text: textAt(text, place), place }], place }
}
