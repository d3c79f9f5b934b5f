import { err, ok } from '../../protocol/result.ts'
import type { Result } from '../../protocol/result.ts'
import { DEPTH_MAX } from './found.ts'
import type { Unreadable } from './found.ts'
import { lineCounter, quotedEnd } from './scan.ts'

/** JSON as people write it for Kea, with the line of each value. */
export type Node =
  | { readonly kind: 'object'; readonly line: number; readonly entries: readonly Entry[] }
  | { readonly kind: 'array'; readonly line: number; readonly items: readonly Node[] }
  | { readonly kind: 'value'; readonly line: number; readonly value: string | number | boolean | null }

export interface Entry {
  readonly key: string
  readonly line: number
  readonly value: Node
}

/** Reads JSON with `#`, `//` and block comments, commas before a closing bracket, and `<?include …?>` as nothing, or `null` where it stands for a value. Never throws. */
export function readLooseJson(text: string): Result<Node, Unreadable> {
  const scanner = createScanner(text)
  try {
    const node = readValue(scanner, 0)
    scanner.skip()
    if (scanner.at() < text.length) scanner.refuse('expected nothing behind the last bracket')
    return ok(node)
  } catch (error) {
    if (error instanceof NotJson) return err({ line: error.line, message: error.message })
    throw error
  }
}

/** Leaves the recursion; never leaves this file. */
class NotJson extends Error {
  readonly line: number
  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/**
 * JSON that was read already, as if each value stood on a line of its own.
 * @returns an error where more than `DEPTH_MAX` objects or lists lie in each other, or a value is none of JSON
 */
export function nodeOfJson(value: unknown): Result<Node, Unreadable> {
  let line = 0
  const nodeOf = (each: unknown, depth: number): Node => {
    line += 1
    const own = line
    if (depth > DEPTH_MAX) throw new NotJson(own, `more than ${DEPTH_MAX} brackets lie in each other`)
    if (Array.isArray(each)) return { kind: 'array', line: own, items: each.map((item) => nodeOf(item, depth + 1)) }
    if (typeof each === 'object' && each !== null) {
      const entries = Object.entries(each).map(([key, held]: readonly [string, unknown]) => {
        const node = nodeOf(held, depth + 1)
        return { key, line: node.line, value: node }
      })
      return { kind: 'object', line: own, entries }
    }
    if (each === null || typeof each === 'string' || typeof each === 'number' || typeof each === 'boolean') {
      return { kind: 'value', line: own, value: each }
    }
    throw new NotJson(own, 'expected a value in JSON')
  }
  try {
    return ok(nodeOf(value, 0))
  } catch (error) {
    if (error instanceof NotJson) return err({ line: error.line, message: error.message })
    throw error
  }
}

interface Scanner {
  readonly at: () => number
  readonly line: () => number
  /** Jumps over white space, comments and includes. @returns whether an include was among them */
  readonly skip: () => boolean
  readonly peek: () => string
  /** @returns the match at this place, and goes behind it. */
  readonly take: (pattern: RegExp) => string | undefined
  /** @returns what stands between double quotes at this place, escapes kept, and goes behind them. */
  readonly quoted: () => string | undefined
  readonly refuse: (message: string) => never
}

function createScanner(text: string): Scanner {
  const lineOf = lineCounter(text)
  let offset = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) offset += found.length
    return found
  }
  return {
    at: () => offset,
    line: () => lineOf(offset),
    skip: () => {
      let included = false
      for (;;) {
        if (take(INCLUDE) !== undefined) included = true
        else if (!BLANKS.some((blank) => take(blank) !== undefined)) return included
      }
    },
    peek: () => text.charAt(offset),
    take,
    quoted: () => {
      const end = quotedEnd(text, offset)
      if (end === undefined) return undefined
      const found = text.slice(offset + 1, end - 1)
      offset = end
      return found
    },
    refuse: (message) => {
      throw new NotJson(lineOf(offset), message)
    },
  }
}

const BLANKS: readonly RegExp[] = [/[\s\uFEFF]+/y, /(?:#|\/\/)[^\n]*/y, /\/\*[\s\S]*?\*\//y]
const INCLUDE = /<\?[\s\S]*?\?>/y
const NUMBER = /-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y

function readValue(scanner: Scanner, depth: number): Node {
  if (depth > DEPTH_MAX) scanner.refuse(`more than ${DEPTH_MAX} brackets lie in each other`)
  const included = scanner.skip()
  const line = scanner.line()
  const next = scanner.peek()
  // The value is in the other file.
  if (included && /^[,\]}]$/.test(next)) return { kind: 'value', line, value: null }
  if (next === '{') return readObject(scanner, depth, line)
  if (next === '[') return readArray(scanner, depth, line)
  if (next === '"') return { kind: 'value', line, value: readString(scanner) }
  const number = scanner.take(NUMBER)
  if (number !== undefined) return { kind: 'value', line, value: Number(number) }
  const word = scanner.take(WORD)
  if (word === undefined) return scanner.refuse(next === '' ? 'it ends too early' : 'expected a value in JSON')
  return { kind: 'value', line, value: word === 'null' ? null : word === 'true' }
}

function readObject(scanner: Scanner, depth: number, line: number): Node {
  scanner.take(/\{/y)
  const entries: Entry[] = []
  for (;;) {
    const included = scanner.skip()
    if (scanner.take(/\}/y) !== undefined) return { kind: 'object', line, entries }
    if (included && scanner.take(/,/y) !== undefined) continue
    const at = scanner.line()
    const key = readString(scanner)
    scanner.skip()
    if (scanner.take(/:/y) === undefined) scanner.refuse('expected a colon behind the name')
    entries.push({ key, line: at, value: readValue(scanner, depth + 1) })
    scanner.skip()
    if (scanner.take(/,/y) === undefined && scanner.peek() !== '}') scanner.refuse('expected a comma or }')
  }
}

function readArray(scanner: Scanner, depth: number, line: number): Node {
  scanner.take(/\[/y)
  const items: Node[] = []
  for (;;) {
    const included = scanner.skip()
    if (scanner.take(/\]/y) !== undefined) return { kind: 'array', line, items }
    if (included && scanner.take(/,/y) !== undefined) continue
    items.push(readValue(scanner, depth + 1))
    scanner.skip()
    if (scanner.take(/,/y) === undefined && scanner.peek() !== ']') scanner.refuse('expected a comma or ]')
  }
}

function readString(scanner: Scanner): string {
  const found = scanner.quoted()
  if (found === undefined) return scanner.refuse('expected a text in double quotes')
  return found.replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_, code: string) => {
    if (code.length === 5) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return ESCAPES[code] ?? code
  })
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

// --- looking into it

/** @returns the value of a name; the last where it comes twice, as in Kea. */
export function field(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'object' ? node.entries.findLast((entry) => entry.key === key)?.value : undefined
}

export function items(node: Node | undefined): readonly Node[] {
  return node?.kind === 'array' ? node.items : []
}

export function textField(node: Node | undefined, key: string): string | undefined {
  const found = field(node, key)
  return found?.kind === 'value' && typeof found.value === 'string' ? found.value : undefined
}

export function numberField(node: Node | undefined, key: string): number | undefined {
  const found = field(node, key)
  return found?.kind === 'value' && typeof found.value === 'number' ? found.value : undefined
}

export function flagField(node: Node | undefined, key: string): boolean | undefined {
  const found = field(node, key)
  return found?.kind === 'value' && typeof found.value === 'boolean' ? found.value : undefined
}
