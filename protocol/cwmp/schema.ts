/** Small codecs that put the shape of an RPC together: each reads from parser events, and writes itself. */
import type { Millis } from '../result.ts'
import { escapeXml } from '../xml/mod.ts'
import {
  ArrayCollector,
  attributeOf,
  type Collector,
  LeafCollector,
  type Opening,
  StructCollector,
  type StructRow,
} from './collectors.ts'
import {
  readBoolean,
  readDateTime,
  readInteger,
  readValueType,
  type ValueType,
  writeBoolean,
  writeDateTime,
  writeInteger,
} from './values.ts'

/** What of a message some devices want otherwise. */
export interface WriteForm {
  readonly booleans: 'words' | 'digits'
}

/** One element: `missing` is its value where the sender left it out. */
export interface Codec<T> {
  readonly missing: T
  open(opening: Opening, done: (value: T) => void): Collector
  write(name: string, value: T, form: WriteForm): string
}

/** The value that a codec reads and writes. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never

function leaf<T>(
  missing: T,
  read: (text: string, opening: Opening) => T,
  write: (value: T, form: WriteForm) => string,
): Codec<T> {
  return {
    missing,
    open: (opening, done) => new LeafCollector(opening, read, done),
    write: (name, value, form) => `<${name}>${escapeXml(write(value, form))}</${name}>`,
  }
}

/** Empty is as good as missing; anything else that cannot be read is reported, since a guess could do harm. */
function strict<T>(
  missing: T,
  what: string,
  read: (text: string) => T | undefined,
  write: (value: T, form: WriteForm) => string,
): Codec<T> {
  const orReport = (given: string, opening: Opening): T => {
    const value = given.trim() === '' ? missing : read(given)
    if (value === undefined) {
      opening.report(`Cannot read "${given.trim().slice(0, 40)}" in ${opening.name}: expected ${what}`)
    }
    return value ?? missing
  }
  return leaf(missing, orReport, write)
}

/** Text, white space and all: within a string it means something [TR-069 §3.5]. */
export const text: Codec<string> = leaf('', (given) => given, String)
/** A signed number. */
export const int: Codec<number> = strict(0, 'a whole number', (given) => readInteger(given, 'int'), writeInteger)
/** A number from 0. */
export const unsignedInt: Codec<number> = strict(
  0,
  'a whole number from 0',
  (given) => readInteger(given, 'unsignedInt'),
  writeInteger,
)
/** MaxEnvelopes: one, whatever a sender leaves out. */
export const maxEnvelopes: Codec<number> = { ...unsignedInt, missing: 1 }
/** A truth value. */
export const boolean: Codec<boolean> = strict(false, 'true or false', readBoolean, (value, form) =>
  writeBoolean(value, form.booleans),
)
/** A time; one that cannot be read is as good as unknown: no session should fail for it. */
export const dateTime: Codec<Millis | undefined> = leaf<Millis | undefined>(
  undefined,
  (given) => {
    const time = readDateTime(given)
    return time === 'unknown' ? undefined : time
  },
  writeDateTime,
)
/** The code inside a fault: undefined where it is missing or no number, for it then counts as an internal error. */
export const faultCode: Codec<number | undefined> = leaf<number | undefined>(
  undefined,
  (given) => readInteger(given, 'unsignedInt'),
  (code) => (code === undefined ? '' : writeInteger(code)),
)

/** A parameter's value and the type that the sender gave it. */
export interface TypedValue {
  /** Undefined: the sender gave none that we know; written as a string. */
  readonly type: ValueType | undefined
  readonly text: string
}

/** `Value` with its `xsi:type`. */
export const typedValue: Codec<TypedValue> = {
  missing: { type: undefined, text: '' },
  open(opening, done) {
    const type = readValueType(attributeOf(opening, 'type'))
    return text.open(opening, (given) => done({ type, text: given }))
  },
  write(name, value, form) {
    // XML Schema has no type of this name, SOAP has.
    const type = value.type === 'base64' ? 'soap-enc:base64' : `xsd:${value.type ?? 'string'}`
    const truth = value.type === 'boolean' ? readBoolean(value.text) : undefined
    const text = truth === undefined || form.booleans === 'words' ? value.text : writeBoolean(truth, form.booleans)
    return `<${name} xsi:type="${type}">${escapeXml(text)}</${name}>`
  },
}

/** One argument: its element's name and what it holds. */
export interface Field<T> {
  readonly element: string
  readonly codec: Codec<T>
}

/** Names an argument's element. */
export function field<T>(element: string, codec: Codec<T>): Field<T> {
  return { element, codec }
}

type Fields = Readonly<Record<string, Field<never>>>
/** The value of a struct of such fields. */
export type StructOf<F> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }

/** Elements of fixed names, written in the order of `fields`, read in any; of one given twice the last counts. */
export function struct<F extends Readonly<Record<string, object>>>(
  fields: F & { readonly [K in keyof F]: F[K] extends Field<infer T> ? Field<T> : never },
): Codec<StructOf<F>> {
  // What each key holds is checked where the struct is declared; inside, the values are only carried.
  const rows = Object.entries(fields as unknown as Fields).map(([key, { element, codec }]): StructRow => {
    return { key, element, codec: codec as unknown as Codec<unknown> }
  })
  const byElement = new Map(rows.map((row) => [row.element, row]))
  const missing = Object.fromEntries(rows.map((row) => [row.key, row.codec.missing]))
  return {
    missing: missing as StructOf<F>,
    open: (_opening, done) =>
      new StructCollector(byElement, { ...missing }, done as (found: Record<string, unknown>) => void),
    write(name, value, form) {
      const inner = rows.map((row) => row.codec.write(row.element, value[row.key as keyof F], form)).join('')
      return inner === '' ? `<${name}/>` : `<${name}>${inner}</${name}>`
    },
  }
}

/** A SOAP array: the count that the sender gave is not looked at, ours is true [TR-069 §3.4]. */
export function arrayOf<T>(member: string, arrayType: string, codec: Codec<T>): Codec<readonly T[]> {
  return {
    missing: [],
    open: (_opening, done) => new ArrayCollector(codec, done),
    write(name, members, form) {
      const inner = members.map((one) => codec.write(member, one, form)).join('')
      return `<${name} soap-enc:arrayType="${arrayType}[${members.length}]">${inner}</${name}>`
    },
  }
}

/** The same element under another shape. */
export function mapped<A, B>(codec: Codec<A>, to: (value: A) => B, from: (value: B) => A): Codec<B> {
  return {
    missing: to(codec.missing),
    open: (opening, done) => codec.open(opening, (value) => done(to(value))),
    write: (name, value, form) => codec.write(name, from(value), form),
  }
}

/** An array of plain strings. */
export const strings: Codec<readonly string[]> = arrayOf('string', 'xsd:string', text)

/** One parameter with its value, as it stands in Inform, GetParameterValuesResponse and SetParameterValues. */
export interface ParameterValue {
  readonly name: string
  readonly type: ValueType | undefined
  readonly value: string
}

/** ParameterList of values [TR-069 §3.4]. */
export const parameterValues: Codec<readonly ParameterValue[]> = arrayOf(
  'ParameterValueStruct',
  'cwmp:ParameterValueStruct',
  mapped(
    struct({ name: field('Name', text), value: field('Value', typedValue) }),
    ({ name, value }): ParameterValue => ({ name, type: value.type, value: value.text }),
    ({ name, type, value }) => ({ name, value: { type, text: value } }),
  ),
)
