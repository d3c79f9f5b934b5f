import type { Millis } from '../result.ts'

/** The types that `xsi:type` of a parameter value may name [TR-069 §3.5]. */
export const VALUE_TYPES = [
  'string',
  'int',
  'unsignedInt',
  'long',
  'unsignedLong',
  'boolean',
  'dateTime',
  'base64',
  'hexBinary',
] as const
/** One of {@link VALUE_TYPES}. */
export type ValueType = (typeof VALUE_TYPES)[number]

/** Bounds of the whole numbers, ends included [TR-069 §3.5]. */
const BOUNDS = {
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  unsignedInt: [0n, 2n ** 32n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
  unsignedLong: [0n, 2n ** 64n - 1n],
} as const

/** The text for a time that the sender does not know [TR-069 §3.5]. */
export const UNKNOWN_TIME = '0001-01-01T00:00:00Z'

/** A type as it stands in `xsi:type`, any prefix; undefined: missing, or none that TR-069 has. */
export function readValueType(text: string | undefined): ValueType | undefined {
  const name = text?.slice(text.lastIndexOf(':') + 1).trim()
  // Tool kits write the name that XML Schema itself has.
  if (name === 'base64Binary') return 'base64'
  return VALUE_TYPES.find((type) => type === name)
}

/** `true`, `false`, `1` or `0` in any case with white space around; undefined: neither [TR-069 §3.5]. */
export function readBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase()
  if (word === 'true' || word === '1') return true
  return word === 'false' || word === '0' ? false : undefined
}

/** As we send it; some devices want digits [TR-069 §3.5]. */
export function writeBoolean(value: boolean, form: 'words' | 'digits' = 'words'): string {
  if (form === 'digits') return value ? '1' : '0'
  return value ? 'true' : 'false'
}

// Longer is no number of ours, however many zeros lead; it also bounds the work of reading.
const DIGITS_MAX = 64

/** A whole number within its type, white space, a plus and leading zeros allowed; undefined: none [TR-069 §3.5]. */
export function readLong(text: string, type: keyof typeof BOUNDS): bigint | undefined {
  const digits = text.trim()
  if (digits.length > DIGITS_MAX || !/^[+-]?\d+$/.test(digits)) return undefined
  const value = digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits.replace('+', ''))
  return value >= BOUNDS[type][0] && value <= BOUNDS[type][1] ? value : undefined
}

/** As {@link readLong} for the types that a number holds exactly. */
export function readInteger(text: string, type: 'int' | 'unsignedInt'): number | undefined {
  const value = readLong(text, type)
  return value === undefined ? undefined : Number(value)
}

/** A whole number in plain decimal. */
export function writeInteger(value: number | bigint): string {
  return BigInt(value).toString()
}

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-])(\d\d):?(\d\d))?$/
const MINUTE = 60_000

/**
 * A time; `unknown` is what a sender without a clock says; undefined: no time at all.
 * A fraction and any offset are read, and no zone is UTC [TR-069 §3.5].
 */
export function readDateTime(text: string): Millis | 'unknown' | undefined {
  const parts = DATE_TIME.exec(text.trim())
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = '0', sign, hours = '0', minutes = '0'] = parts
  // Year 0, and the first day of year 1 in any zone.
  const date = `${year}-${month}-${day}`
  if (date < '0001-01-02') return 'unknown'
  const utc = Date.parse(`${date}T${hour}:${minute}:${second}Z`)
  // 30 February would else become a day of March.
  if (Number.isNaN(utc) || (hour !== '24' && new Date(utc).getUTCDate() !== Number(day))) return undefined
  const offset = (Number(hours) * 60 + Number(minutes)) * MINUTE * (sign === '-' ? -1 : 1)
  return utc + Math.floor(Number(`0.${fraction}`) * 1000) - offset
}

/** As we send it: UTC, whole seconds; undefined, or a time that four digits cannot name: the unknown time. */
export function writeDateTime(time: Millis | undefined): string {
  if (time === undefined || !(Math.abs(time) <= 8.64e15)) return UNKNOWN_TIME
  const text = new Date(time).toISOString()
  return /^\d{4}-/.test(text) && text >= '0001-01-02' ? `${text.slice(0, 19)}Z` : UNKNOWN_TIME
}
