/**
 * Macro expansion, MPP §3.1.
 *
 *     macro = "$" NAME | "$(" NAME [ ":" p [ ":" q ] ] ")" | "$$"
 *
 * One pass from left to right: a value that was put in is never looked at again. Without parentheses the longest name
 * of the table wins. A name that the table or the lookup does not know stays as it is.
 */

import { findMacro, MACRO_NAME_CHARS_MAX } from './macros.ts'

/** Says that a macro is real but that its value is not known here, as in a preview on the server. */
export const UNKNOWN_HERE: unique symbol = Symbol('unknown here')

/**
 * The value of a macro by its name without `$`; aliases are asked for by their main name (`GPP_A` as `A`).
 * `undefined`: unknown name, the text stays as it is.
 */
export type MacroLookup = (name: string) => string | undefined | typeof UNKNOWN_HERE

/** Expanded texts longer than this are cut, so that a parameter full of macros cannot fill the memory. */
export const EXPANDED_CHARS_MAX = 65_536

/** A macro reference in the source and what became of it in the result. Positions count UTF-16 units, end exclusive. */
export interface ExpandedMacro {
  /** `here`: left as it is, its value is not known here. `secret`: left as it is, see MPP §3.1 on `$SA`..`$SD`. */
  readonly kind: 'value' | 'dollar' | 'here' | 'secret'
  readonly name: string
  readonly start: number
  readonly end: number
  readonly sourceStart: number
  readonly sourceEnd: number
  /** Of a secret: what belongs in its place inside an argument. Never shown. */
  readonly secretValue?: string | typeof UNKNOWN_HERE
}

export interface Expansion {
  readonly text: string
  readonly macros: readonly ExpandedMacro[]
  readonly tooLong: boolean
}

export interface ExpandOptions {
  /** Put `$SA`..`$SD` in as well; only for the argument of `--key`, `--uid` or `--pwd`. */
  readonly secrets?: boolean
  readonly gppAliases?: boolean
  readonly charsMax?: number
}

/**
 * Replaces the macros of a text: log messages, URLs, GPP bodies.
 * @returns the text, the names that were left because they are not known here, and whether it was cut at
 *   EXPANDED_CHARS_MAX. Never throws.
 */
export function expandMacros(
  text: string,
  lookup: MacroLookup,
  options: ExpandOptions = {},
): { readonly text: string; readonly unknownHere: readonly string[]; readonly tooLong: boolean } {
  const expansion = expandPieces(text, lookup, options)
  const names = expansion.macros.filter((macro) => macro.kind === 'here').map((macro) => macro.name)
  return { text: expansion.text, unknownHere: [...new Set(names)], tooLong: expansion.tooLong }
}

/** As `expandMacros`, with the place of each macro in source and result, so that problems can be shown in the source. */
export function expandPieces(text: string, lookup: MacroLookup, options: ExpandOptions = {}): Expansion {
  const charsMax = options.charsMax ?? EXPANDED_CHARS_MAX
  const parts: string[] = []
  const macros: ExpandedMacro[] = []
  let lengthChars = 0
  let at = 0
  const put = (part: string): void => {
    parts.push(part)
    lengthChars += part.length
  }
  while (at < text.length && lengthChars <= charsMax) {
    const dollar = text.indexOf('$', at)
    const plainEnd = dollar === -1 ? text.length : dollar
    put(text.slice(at, plainEnd))
    at = plainEnd
    if (dollar === -1) break
    const reference = readMacro(text, dollar, options.gppAliases ?? true)
    const end = reference?.end ?? dollar + 1
    const fate = reference === undefined ? undefined : decideFate(reference, lookup, options.secrets ?? false)
    const start = lengthChars
    put(fate?.text ?? text.slice(dollar, end))
    if (reference !== undefined && fate !== undefined) {
      const place = { name: reference.name, start, end: lengthChars, sourceStart: dollar, sourceEnd: end }
      macros.push({ kind: fate.kind, ...place, ...fate.secret })
    }
    at = end
  }
  const whole = parts.join('')
  const tooLong = whole.length > charsMax
  return { text: tooLong ? whole.slice(0, charsMax) : whole, macros, tooLong }
}

/** A macro as written, before anyone asked for its value. */
export interface MacroReference {
  readonly kind: 'dollar' | 'macro'
  /** The main name: `A` for `GPP_A`. */
  readonly name: string
  readonly scope: 'dollar' | NonNullable<ReturnType<typeof findMacro>>['scope']
  readonly from: number
  readonly count: number | undefined
  readonly end: number
}

/** @returns the known macro or `$$` that starts at this `$`, or undefined. Looks at a bounded stretch of text. */
export function readMacro(text: string, dollar: number, gppAliases: boolean): MacroReference | undefined {
  if (text[dollar + 1] === '$') {
    return { kind: 'dollar', name: '$', scope: 'dollar', from: 0, count: undefined, end: dollar + 2 }
  }
  return text[dollar + 1] === '(' ? readParenthesised(text, dollar, gppAliases) : readBare(text, dollar, gppAliases)
}

const PARENTHESISED = /^\(([A-Z][A-Z0-9_]{0,15})(?::([0-9]{1,9})(?::([0-9]{1,9}))?)?\)/
const PARENTHESISED_CHARS_MAX = MACRO_NAME_CHARS_MAX + 24

function readParenthesised(text: string, dollar: number, gppAliases: boolean): MacroReference | undefined {
  const match = PARENTHESISED.exec(text.slice(dollar + 1, dollar + 1 + PARENTHESISED_CHARS_MAX))
  if (match?.[1] === undefined) return undefined
  const count = match[3] === undefined ? undefined : Number(match[3])
  return knownMacro(match[1], gppAliases, Number(match[2] ?? 0), count, dollar + 1 + match[0].length)
}

function readBare(text: string, dollar: number, gppAliases: boolean): MacroReference | undefined {
  const run = /^[A-Z0-9_]*/.exec(text.slice(dollar + 1, dollar + 1 + MACRO_NAME_CHARS_MAX))?.[0] ?? ''
  for (let length = run.length; length > 0; length -= 1) {
    const found = knownMacro(run.slice(0, length), gppAliases, 0, undefined, dollar + 1 + length)
    if (found !== undefined) return found
  }
  return undefined
}

function knownMacro(
  name: string,
  gppAliases: boolean,
  from: number,
  count: number | undefined,
  end: number,
): MacroReference | undefined {
  const row = findMacro(name)
  if (row === undefined || (row.name.startsWith('GPP_') && !gppAliases)) return undefined
  return { kind: 'macro', name: row.aliasOf ?? name, scope: row.scope, from, count, end }
}

interface Fate {
  readonly kind: ExpandedMacro['kind']
  /** What is put in; undefined leaves the reference as written. */
  readonly text?: string
  readonly secret?: { readonly secretValue: string | typeof UNKNOWN_HERE }
}

function decideFate(reference: MacroReference, lookup: MacroLookup, secrets: boolean): Fate | undefined {
  if (reference.kind === 'dollar') return { kind: 'dollar', text: '$' }
  const found = lookup(reference.name)
  // MPP §3.3: UPGCOND is a name without meaning; it expands to nothing.
  const whole = found === undefined && reference.name === 'UPGCOND' ? '' : found
  if (whole === undefined) return undefined
  const value = whole === UNKNOWN_HERE ? UNKNOWN_HERE : substring(whole, reference)
  if (reference.scope === 'option-arguments' && !secrets) return { kind: 'secret', secret: { secretValue: value } }
  return value === UNKNOWN_HERE ? { kind: 'here' } : { kind: 'value', text: value }
}

/** MPP §3.1: offsets beyond the end give an empty string (inferred). */
function substring(value: string, { from, count }: MacroReference): string {
  return count === undefined ? value.slice(from) : value.slice(from, from + count)
}
