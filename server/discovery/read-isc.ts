import { utf8Bytes, utf8Text } from '../../protocol/bytes.ts'
import { ok } from '../../protocol/result.ts'
import type { Result } from '../../protocol/result.ts'
import { audienceOf, FOUND_MAX } from './found.ts'
import type { Audience, Found, FoundOption, FoundSubOption, Unreadable } from './found.ts'
import { readStatements } from './isc-tokens.ts'
import type { Statement, Token } from './isc-tokens.ts'
import { addressBytes, looseHex } from './scan.ts'

/** An option's name in dhcpd: of the space `dhcp`, unless a space and a dot stand before it. */
interface Definition {
  readonly family: 4 | 6
  readonly space: string
  readonly code: number
  readonly type: string
}

interface Reader {
  readonly definitions: Map<string, Definition>
  readonly audiences: Map<string, Audience>
  /** Spaces that are packed into option 43. */
  readonly vendorSpaces: ReadonlySet<string>
  readonly options: FoundOption[]
  readonly subOptions: FoundSubOption[]
  readonly classes: { name: string; line: number }[]
}

const STANDARD: readonly (readonly [string, Definition])[] = [
  ['tftp-server-name', { family: 4, space: 'dhcp', code: 66, type: 'text' }],
  ['vendor-encapsulated-options', { family: 4, space: 'dhcp', code: 43, type: 'string' }],
  ['vivso', { family: 4, space: 'dhcp', code: 125, type: 'string' }],
  ['dhcp6.vendor-opts', { family: 6, space: 'dhcp6', code: 17, type: 'string' }],
]

/** Reads a configuration of ISC dhcpd, of either family. */
export function readIsc(text: string): Result<Found, Unreadable> {
  const statements = readStatements(text)
  if (!statements.ok) return statements
  const reader: Reader = {
    definitions: new Map(STANDARD),
    audiences: new Map(),
    vendorSpaces: new Set(),
    options: [],
    subOptions: [],
    classes: [],
  }
  const spaces = new Set<string>()
  prepare(reader, statements.value, spaces)
  walk({ ...reader, vendorSpaces: spaces }, statements.value, '', 'everyone')
  return ok({ options: reader.options, subOptions: reader.subOptions, classes: reader.classes, problems: [] })
}

/** Definitions and classes hold for the whole file, wherever they stand. */
function prepare(reader: Reader, statements: readonly Statement[], spaces: Set<string>): void {
  for (const { head, body, line } of statements) {
    const words = head.map((token) => token.text)
    if (words[0] === 'option' && words[2] === 'code') define(reader, words)
    if (words[0] === 'vendor-option-space' && words[1] !== undefined) spaces.add(words[1])
    if (words[0] === 'class' && body !== undefined) {
      const name = words[1] ?? ''
      reader.classes.push({ name, line })
      widen(reader, name, matchAudience(body))
    }
    if (words[0] === 'subclass') {
      // Its texts are values of what the class spawns or matches with.
      const value = head.slice(2).filter((token) => token.kind !== 'sign')
      widen(reader, words[1] ?? '', value.length === 0 ? 'phones' : audienceOf(value.map(textOf)))
    }
    if (body !== undefined) prepare(reader, body, spaces)
  }
}

/** A class by `match` alone gets its members by subclasses. */
function matchAudience(body: readonly Statement[]): Audience | undefined {
  const match = body.find(({ head }) => head[0]?.text === 'match')
  if (match?.head[1]?.text !== 'if') return match === undefined ? 'phones' : undefined
  return conditionAudience(match.head.slice(2))
}

function widen(reader: Reader, name: string, audience: Audience | undefined): void {
  const before = reader.audiences.get(name)
  if (audience !== undefined && (before === undefined || before === 'others')) reader.audiences.set(name, audience)
}

/** @returns who fulfils a condition: by the texts and bytes in it. */
function conditionAudience(tokens: readonly Token[]): Audience {
  const texts = tokens
    .filter((token) => token.kind === 'text' || /^(?:[0-9a-f]{1,2}:)+[0-9a-f]{1,2}$/i.test(token.text))
    .map(textOf)
  // A regular expression names several: each of its words counts.
  return audienceOf(
    texts.flatMap((text) => [text, ...text.split(/[()|[\]^$*.?+\\]+/)]).filter((text) => text.length > 2),
  )
}

function textOf(token: Token): string {
  if (token.kind === 'text') return token.text
  const bytes = token.text.includes(':') ? looseHex(token.text) : undefined
  return bytes === undefined ? token.text : (utf8Text(bytes) ?? token.text)
}

function define(reader: Reader, words: readonly string[]): void {
  const name = words[1] ?? ''
  const dot = name.indexOf('.')
  const space = dot < 0 ? 'dhcp' : name.slice(0, dot)
  const code = Number(words[3])
  if (!Number.isInteger(code) || code < 0) return
  const type = words.slice(5).join(' ')
  reader.definitions.set(name, { family: space === 'dhcp6' ? 6 : 4, space, code, type })
}

function walk(reader: Reader, statements: readonly Statement[], scope: string, outer: Audience): void {
  let before: Audience = outer
  const own = poolAudience(reader, statements) ?? outer
  for (const [index, statement] of statements.entries()) {
    const { head, body } = statement
    if (body !== undefined) {
      const audience = blockAudience(reader, head, own, before)
      // Who was in an earlier branch is not in the `else` of the last one.
      before = isBranch(head) && before === 'phones' ? 'phones' : audience
      walk(reader, body, `${scope}/${CONDITIONS.includes(head[0]?.text ?? '') ? 'class' : 'block'}[${index}]`, audience)
    } else if (head[0]?.text === 'option' && head[2]?.text !== 'code') {
      readOption(reader, statement, scope, own)
    }
    if (reader.options.length > FOUND_MAX) return
  }
}

/** Blocks for some devices, wherever these are. */
const CONDITIONS: readonly string[] = ['class', 'subclass', 'host', 'if', 'elsif', 'else']

function isBranch([first, second]: readonly Token[]): boolean {
  return first?.text === 'elsif' || (first?.text === 'else' && second?.text === 'if')
}

/** `allow members of "x"` in a pool: it is for these alone. */
function poolAudience(reader: Reader, statements: readonly Statement[]): Audience | undefined {
  const allowed = statements.flatMap(({ head }) =>
    head[0]?.text === 'allow' && head[1]?.text === 'members' ? [head[3]?.text ?? ''] : [],
  )
  if (allowed.length === 0) return undefined
  return allowed.some((name) => reader.audiences.get(name) !== 'others') ? 'phones' : 'others'
}

/** @param before  `phones` where a branch in front is for them, which `else` is the rest of */
function blockAudience(reader: Reader, head: readonly Token[], outer: Audience, before: Audience): Audience {
  const narrow = (audience: Audience): Audience => (outer === 'others' ? 'others' : audience)
  const [first, second] = head.map((token) => token.text)
  if (first === 'class') return narrow(reader.audiences.get(second ?? '') ?? 'phones')
  if (first === 'subclass') return narrow(audienceOf(head.slice(2).map(textOf)))
  if (first === 'host')
    return /^(?:SEP|.*phone)/i.test(second ?? '') || outer === 'phones' ? narrow('phones') : 'others'
  if (first === 'if' || first === 'elsif') return narrow(conditionOf(head.slice(1)))
  if (first === 'else') {
    if (second === 'if') return narrow(conditionOf(head.slice(2)))
    return before === 'phones' ? 'others' : outer
  }
  return outer
}

/** What is not so-and-so may be anybody else. */
function conditionOf(tokens: readonly Token[]): Audience {
  return tokens[0]?.text === 'not' ? 'phones' : conditionAudience(tokens)
}

function readOption(reader: Reader, { head, line }: Statement, scope: string, audience: Audience): void {
  const name = head[1]?.text ?? ''
  const definition = reader.definitions.get(name) ?? numbered(name)
  if (definition === undefined) return
  const tokens = head[2]?.text === '=' ? head.slice(3) : head.slice(2)
  const { family, space, code } = definition
  const option = { family, code, line, bytes: valueBytes(definition, tokens), scope, audience }
  if (space === 'dhcp' || space === 'dhcp6') reader.options.push(option)
  else if (reader.vendorSpaces.has(space)) reader.subOptions.push({ ...option, within: 43 })
}

/** dhcpd's own name of an option that it does not know. */
function numbered(name: string): Definition | undefined {
  const code = /^(?:unknown|option)-(\d{1,3})$/.exec(name)?.[1]
  return code === undefined ? undefined : { family: 4, space: 'dhcp', code: Number(code), type: 'string' }
}

/** undefined: an expression, or a name that dhcpd would look up. */
function valueBytes({ type }: Definition, tokens: readonly Token[]): Uint8Array | undefined {
  const values = tokens.filter((token) => token.text !== ',')
  if (type.includes('ip-address')) return addressBytes(values.map((token) => token.text))
  const [only] = values
  if (values.length !== 1 || only === undefined) return undefined
  if (only.kind === 'text') return latinOrUtf8(only.text)
  return looseHex(only.text)
}

/** A text with escapes above 127 is bytes, not characters. */
function latinOrUtf8(text: string): Uint8Array {
  return /^[\u0000-\u00ff]*$/.test(text) ? Uint8Array.from(text, (sign) => sign.charCodeAt(0)) : utf8Bytes(text)
}
