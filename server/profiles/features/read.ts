/** Reads a feature from unknown JSON. Each fault is remembered with its place, so a reader reads straight down. */
import { err, ok, type Result } from '../../../protocol/result.ts'
import type { FeatureProblem } from './types.ts'

/** Faults that are named in one answer. */
const PROBLEMS_MAX = 20
/** No control character, and nothing that would end a field of a function script (MPP §13.9). */
const PLAIN = /^[^\u0000-\u001f\u007f;]*$/
/** A number, star code, user id, or user@host[:port]. */
const DIALLED = /^[A-Za-z0-9*#+!._~%-]{1,63}(?:@[A-Za-z0-9.:[\]-]{1,255})?$/
const USER = /^[A-Za-z0-9*#+!._~%-]{1,63}$/
const HOST = /^[A-Za-z0-9.:[\]-]{1,255}$/

/** Labels of keys and groups. */
export const NAME_CHARS_MAX = 64

export interface TextRule {
  readonly expected: string
  readonly form: RegExp
  readonly charsMax: number
}

export const NAME: TextRule = {
  expected: `1 to ${NAME_CHARS_MAX} characters without ";"`,
  form: PLAIN,
  charsMax: NAME_CHARS_MAX,
}
export const NUMBER: TextRule = { expected: 'a number, star code or user@host', form: DIALLED, charsMax: 319 }
export const USER_ID: TextRule = { expected: 'a user id without spaces', form: USER, charsMax: 63 }
export const HOST_NAME: TextRule = { expected: 'a host name or address', form: HOST, charsMax: 255 }

/** Fields of one object. What is missing or wrong is noted, and a harmless value stands in for it. */
export interface Fields {
  text(name: string, rule: TextRule): string
  optionalText(name: string, rule: TextRule): string | undefined
  whole(name: string, range: { readonly min: number; readonly max: number; readonly absent?: number }): number
  optionalWhole(name: string, range: { readonly min: number; readonly max: number }): number | undefined
  flag(name: string, absent?: boolean): boolean
  optionalFlag(name: string): boolean | undefined
  choice<T extends string>(name: string, choices: readonly T[], absent?: T): T
  optionalChoice<T extends string>(name: string, choices: readonly T[]): T | undefined
  /** Each item read as an object of its own. */
  list<T>(name: string, countMax: number, read: (item: Fields) => T): readonly T[]
  texts(name: string, countMax: number, rule: TextRule): readonly string[]
  object<T>(name: string, read: (inner: Fields) => T): T
  fault(name: string, message: string, advice: string): void
}

type Json = Readonly<Record<string, unknown>>

/** What a reader does with fields that it does not ask for: people mistype, a newer release may have stored more. */
export type UnknownFields = 'refuse' | 'ignore'

/** One reading: its faults, and every object that it went into. */
interface Reading {
  readonly problems: FeatureProblem[]
  readonly objects: ObjectFields[]
}

/** @returns what `read` made of it, or every fault that was found */
export function readFields<T>(
  input: unknown,
  unknownFields: UnknownFields,
  read: (fields: Fields) => T,
): Result<T, readonly FeatureProblem[]> {
  const reading: Reading = { problems: [], objects: [] }
  const { problems } = reading
  const value = read(fieldsAt(input, '', reading))
  if (unknownFields === 'refuse') for (const object of reading.objects) object.refuseOthers()
  return problems.length === 0 ? ok(value) : err(problems.slice(0, PROBLEMS_MAX))
}

/** An object whose absent fields are left out, as `exactOptionalPropertyTypes` wants it. */
export function given<T extends Readonly<Record<string, unknown>>>(
  value: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

class ObjectFields implements Fields {
  readonly #json: Json
  readonly #place: string
  readonly #reading: Reading
  readonly #asked = new Set<string>(['kind'])

  constructor(json: Json, place: string, reading: Reading) {
    this.#json = json
    this.#place = place
    this.#reading = reading
  }

  refuseOthers(): void {
    const known = [...this.#asked].join(', ')
    for (const name of Object.keys(this.#json)
      .filter((each) => !this.#asked.has(each))
      .slice(0, PROBLEMS_MAX)) {
      this.fault(name.slice(0, 60), 'there is no such field here', `Leave it out; the fields are ${known}.`)
    }
  }

  fault(name: string, message: string, advice: string): void {
    const element = `${this.#place}${name}`
    this.#reading.problems.push({ code: 'bad-feature', element, message: `${element}: ${message}`, advice })
  }

  #expected(name: string, expected: string): void {
    const value = this.#value(name)
    const shown = typeof value === 'string' || typeof value === 'number' ? ` not "${String(value).slice(0, 60)}"` : ''
    this.fault(name, `expected ${expected}${shown === '' ? '' : ','}${shown}`, `Give ${expected}.`)
  }

  /** An empty text says nothing, so it is the same as none. */
  #isAbsent(name: string): boolean {
    const value = this.#value(name)
    return value === undefined || value === null || value === ''
  }

  #value(name: string): unknown {
    this.#asked.add(name)
    return Object.hasOwn(this.#json, name) ? this.#json[name] : undefined
  }

  text(name: string, rule: TextRule): string {
    const value = this.optionalText(name, rule)
    if (value === undefined && this.#isAbsent(name)) this.#expected(name, rule.expected)
    return value ?? ''
  }

  optionalText(name: string, rule: TextRule): string | undefined {
    const value = this.#value(name)
    if (this.#isAbsent(name)) return undefined
    if (typeof value === 'string' && fits(value, rule)) return value
    this.#expected(name, rule.expected)
    return undefined
  }

  whole(name: string, range: { readonly min: number; readonly max: number; readonly absent?: number }): number {
    const value = this.optionalWhole(name, range)
    if (value !== undefined) return value
    if (range.absent === undefined && this.#isAbsent(name)) this.#expected(name, wholeText(range))
    return range.absent ?? range.min
  }

  optionalWhole(name: string, range: { readonly min: number; readonly max: number }): number | undefined {
    const value = this.#value(name)
    if (value === undefined || value === null) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max) return value
    this.#expected(name, wholeText(range))
    return undefined
  }

  flag(name: string, absent?: boolean): boolean {
    const value = this.optionalFlag(name)
    if (value === undefined && absent === undefined && this.#isAbsent(name)) this.#expected(name, 'true or false')
    return value ?? absent ?? false
  }

  optionalFlag(name: string): boolean | undefined {
    const value = this.#value(name)
    if (value === undefined || value === null || typeof value === 'boolean') return value ?? undefined
    this.#expected(name, 'true or false')
    return undefined
  }

  choice<T extends string>(name: string, choices: readonly T[], absent?: T): T {
    const value = this.optionalChoice(name, choices)
    if (value === undefined && absent === undefined && this.#isAbsent(name))
      this.#expected(name, `one of ${choices.join(', ')}`)
    return value ?? absent ?? (choices[0] as T)
  }

  optionalChoice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.#value(name)
    if (this.#isAbsent(name)) return undefined
    const found = choices.find((choice) => choice === value)
    if (found === undefined) this.#expected(name, `one of ${choices.join(', ')}`)
    return found
  }

  list<T>(name: string, countMax: number, read: (item: Fields) => T): readonly T[] {
    return this.#items(name, countMax).map((item, index) =>
      read(fieldsAt(item, `${this.#place}${name}[${index}].`, this.#reading)),
    )
  }

  texts(name: string, countMax: number, rule: TextRule): readonly string[] {
    const items = this.#items(name, countMax)
    const right = items.filter((item): item is string => typeof item === 'string' && fits(item, rule))
    if (right.length < items.length) this.fault(name, `each must be ${rule.expected}`, `Give ${rule.expected}.`)
    return right
  }

  #items(name: string, countMax: number): readonly unknown[] {
    const value = this.#value(name)
    if (value === undefined || value === null) return []
    if (Array.isArray(value) && value.length <= countMax) return value
    this.fault(name, `expected a list of at most ${countMax}`, 'Give a shorter list, or split the feature.')
    return []
  }

  object<T>(name: string, read: (inner: Fields) => T): T {
    return read(fieldsAt(this.#value(name), `${this.#place}${name}.`, this.#reading))
  }
}

function fieldsAt(input: unknown, place: string, reading: Reading): Fields {
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input)
  const fields = new ObjectFields(isObject ? (input as Json) : {}, place, reading)
  reading.objects.push(fields)
  return fields
}

function fits(value: string, rule: TextRule): boolean {
  return value !== '' && value.length <= rule.charsMax && value === value.trim() && rule.form.test(value)
}

function wholeText({ min, max }: { readonly min: number; readonly max: number }): string {
  return `a whole number from ${min} to ${max}`
}
