/** Finding the ends of things in a rule's text. Every function looks at each character at most a few times. */

import { type Place, type Problem, type ProblemCode, PROBLEMS_MAX, problem } from './problems.ts'
import type { RulePolicies } from './policies.ts'
import type { RuleKind } from './syntax.ts'

/** What one parse works on; `problems` collects while it runs. */
export interface Source {
  readonly text: string
  readonly kind: RuleKind
  readonly policies: RulePolicies
  readonly problems: Problem[]
}

export function note(source: Source, code: ProblemCode, place: Place): void {
  if (source.problems.length < PROBLEMS_MAX) source.problems.push(problem(code, place))
}

export function isSpace(char: string | undefined): boolean {
  return char !== undefined && /\s/.test(char)
}

export function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text[at])) at += 1
  return at
}

/** The place of a stretch without the white space around it. */
export function trimPlace(text: string, from: number, to: number): Place {
  const start = Math.min(skipSpace(text, from), to)
  let end = to
  while (end > start && isSpace(text[end - 1])) end -= 1
  return { start, end }
}

export function textAt(text: string, { start, end }: Place): string {
  return text.slice(start, end)
}

/**
 * The first of `chars` outside double quotes, before `to`.
 * A quote that is never closed is an ordinary character, so that one stray quote does not swallow what follows.
 * @returns its index, or -1
 */
export function findOutsideQuotes(text: string, chars: string, from: number, to: number = text.length): number {
  let quotesLeft = true
  for (let at = from; at < to; at += 1) {
    const char = text[at] ?? ''
    if (chars.includes(char)) return at
    if (char !== '"' || !quotesLeft) continue
    const close = text.indexOf('"', at + 1)
    if (close === -1 || close >= to) quotesLeft = false
    else at = close
  }
  return -1
}

/**
 * The `)` that closes the `(` at `open`, counting inner pairs and skipping quoted text.
 * @returns its index, or -1 when it is missing or a quote is never closed
 */
export function findGroupEnd(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at += 1) {
    const char = text[at]
    if (char === '(') depth += 1
    else if (char === ')') depth -= 1
    else if (char === '"') {
      at = text.indexOf('"', at + 1)
      if (at === -1) return -1
    }
    if (depth === 0) return at
  }
  return -1
}

/** The `]` that closes the `[` at `open`, or -1 when it is missing or a quote is never closed. */
export function findBracketEnd(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === ']') return at
    if (text[at] !== '"') continue
    at = text.indexOf('"', at + 1)
    if (at === -1) return -1
  }
  return -1
}
