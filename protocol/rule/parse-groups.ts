/** Assignments `(Name = "value";)!` and bracket options `[--key "phrase"]`, MPP §4.1 and §4.4. */

import type { Place, ProblemCode } from './problems.ts'
import { findOutsideQuotes, isSpace, note, skipSpace, type Source, textAt, trimPlace } from './scan.ts'
import { type AssignmentPart, ASSIGNMENTS_MAX, type OptionPart, OPTIONS_MAX, type Unread } from './syntax.ts'

/** Reads what stands between the parentheses of an assignment group. */
export function readAssignments(source: Source, { start, end }: Place): readonly AssignmentPart[] {
  const { text } = source
  const parts: AssignmentPart[] = []
  for (let at = skipSpace(text, start); at < end; at = skipSpace(text, at)) {
    if (parts.length === ASSIGNMENTS_MAX - 1 && moreThanOne(text, at, end)) {
      parts.push(unread(source, 'too-many-parts', trimPlace(text, at, end)))
      break
    }
    const semicolon = findOutsideQuotes(text, ';', at, end)
    const itemEnd = semicolon === -1 ? end : semicolon
    const place = trimPlace(text, at, semicolon === -1 ? end : semicolon + 1)
    if (semicolon === -1) parts.push(unread(source, 'missing-semicolon', place))
    else parts.push(readAssignment(source, trimPlace(text, at, itemEnd), place))
    at = itemEnd + 1
  }
  if (parts.length === 0) note(source, 'empty-assignments', { start, end })
  return parts
}

function moreThanOne(text: string, at: number, end: number): boolean {
  const semicolon = findOutsideQuotes(text, ';', at, end)
  return semicolon !== -1 && skipSpace(text, semicolon + 1) < end
}

function readAssignment(source: Source, item: Place, place: Place): AssignmentPart {
  const match = /^([A-Za-z_][A-Za-z0-9_.:-]*)\s*=\s*"([^"]*)"$/.exec(textAt(source.text, item))
  if (match?.[1] === undefined || match[2] === undefined) return unread(source, 'bad-assignment', place)
  return { kind: 'assignment', name: match[1], value: match[2], place }
}

function unread(source: Source, code: ProblemCode, place: Place): Unread {
  note(source, code, place)
  return { kind: 'unread', text: textAt(source.text, place), place }
}

/** Reads what stands between the brackets of an option group. */
export function readOptions(source: Source, { start, end }: Place): readonly OptionPart[] {
  const { text } = source
  const parts: OptionPart[] = []
  for (let at = skipSpace(text, start); at < end; at = skipSpace(text, at)) {
    if (parts.length === OPTIONS_MAX) {
      parts.push(unread(source, 'too-many-parts', trimPlace(text, at, end)))
      break
    }
    const part = readOption(source, at, end)
    parts.push(part)
    at = part.place.end
  }
  if (parts.length === 0) note(source, 'empty-options', { start, end })
  noteMisplaced(source, parts)
  return parts
}

type PlacedOption = OptionPart & { readonly place: Place }

/** No option name is longer; a longer run of letters is somebody's key glued to its option. */
const OPTION_NAME_CHARS_MAX = 8

function readOption(source: Source, start: number, limit: number): PlacedOption {
  const { text } = source
  const name = /^--([a-z]*)/.exec(text.slice(start, Math.min(limit, start + OPTION_NAME_CHARS_MAX + 2)))?.[1] ?? ''
  const nameEnd = start + 2 + name.length
  const after = nameEnd >= limit ? undefined : text[nameEnd]
  const separate = after === undefined || after === '"' || isSpace(after)
  if (!separate) return unreadOption(source, 'unknown-option', start, limit)
  switch (name) {
    case 'key':
    case 'uid':
    case 'pwd':
      return readArgument(source, name, { start, end: nameEnd }, limit)
    case 'post':
    case 'alias':
      return readLetter(source, name, { start, end: nameEnd }, limit)
    case 'srv':
    case 'delta':
    case 'status':
      if (after === '"') return unreadOption(source, 'unknown-option', start, limit)
      return { kind: 'flag', name, place: { start, end: nameEnd } }
    default:
      return unreadOption(source, 'unknown-option', start, limit)
  }
}

/** Goes on at the next thing that looks like an option, and leaves what is before it unread. */
function unreadOption(source: Source, code: ProblemCode, start: number, limit: number): PlacedOption {
  const { text } = source
  let at = start
  while (at < limit) {
    at = findOutsideQuotes(text, ' \t\r\n', at, limit)
    if (at === -1) at = limit
    const next = skipSpace(text, at)
    if (text.startsWith('--', next) && next < limit) break
    at = Math.max(next, at)
  }
  const place = trimPlace(text, start, Math.min(at, limit))
  return { ...unread(source, code, place), place }
}

function readArgument(source: Source, name: 'key' | 'uid' | 'pwd', head: Place, limit: number): PlacedOption {
  const { text } = source
  const start = skipSpace(text, head.end)
  if (start >= limit || text.startsWith('--', start)) {
    const place = { start: head.start, end: head.end }
    note(source, 'missing-argument', place)
    return { kind: 'unread', text: textAt(text, place), place }
  }
  if (text[start] === '"') {
    const close = text.indexOf('"', start + 1)
    const valuePlace = { start: start + 1, end: close }
    const place = { start: head.start, end: close + 1 }
    return { kind: 'argument', name, value: textAt(text, valuePlace), quoted: true, valuePlace, place }
  }
  const valuePlace = { start, end: wordEnd(text, start, limit) }
  const place = { start: head.start, end: valuePlace.end }
  return { kind: 'argument', name, value: textAt(text, valuePlace), quoted: false, valuePlace, place }
}

function readLetter(source: Source, name: 'post' | 'alias', head: Place, limit: number): PlacedOption {
  const { text } = source
  const start = skipSpace(text, head.end)
  const end = start >= limit ? head.end : wordEnd(text, start, limit)
  const letter = text.slice(start, end)
  if (!/^[a-p]$/.test(letter)) return unreadOption(source, 'bad-letter', head.start, limit)
  return { kind: 'letter', name, letter, place: { start: head.start, end } }
}

function wordEnd(text: string, start: number, limit: number): number {
  let end = start
  while (end < limit && !isSpace(text[end]) && text[end] !== '"') end += 1
  return end
}

function noteMisplaced(source: Source, parts: readonly OptionPart[]): void {
  const seen = new Set<string>()
  for (const part of parts) {
    if (part.kind === 'unread' || part.place === undefined) continue
    if (seen.has(part.name)) note(source, 'duplicate-option', part.place)
    seen.add(part.name)
    // MPP §4.4: --delta and --status choose what a report holds.
    const reports = part.name === 'delta' || part.name === 'status'
    if (reports && source.kind === 'profile') note(source, 'option-not-here', part.place)
  }
}
