/** What a firmware release is called, and what the documents say about parameters that came with one. */
import { loadFamily } from '../../../protocol/firmware/mod.ts'
import type { Firmware } from './types.ts'

/**
 * @param text a load (`sip88xx.12-0-2MPP0001-116`), with or without series, or a release as in notes (`12.0.2`, `11.3(1)SR1`)
 * @returns undefined for a text without a release number
 */
export function parseFirmware(text: string): Firmware | undefined {
  const match = /^(?:([A-Za-z][A-Za-z0-9_]*)[.-])?([0-9]{1,3})[.-]([0-9]{1,3})(?![0-9])/.exec(text.trim().slice(0, 100))
  if (match === null) return undefined
  const family = match[1]?.startsWith('sip') === true ? loadFamily(text.trim()) : undefined
  return { text: text.trim(), major: Number(match[2]), minor: Number(match[3]), family }
}

interface Life {
  readonly since: readonly [major: number, minor: number]
  readonly instead?: string
}

/** Source: MPP §13.3 and its table (RFC 8188 needs 11.3), §11.2 (TLS versions). Series 9800 counts its releases anew. */
const LIVES: ReadonlyMap<string, Life> = new Map<string, Life>([
  ['IKM_HTTP_Encrypt_Content', { since: [11, 3] }],
  ['TLS_Client_Min_Version', { since: [12, 0], instead: 'TLS_Min_Version' }],
  ['TLS_Server_Min_Version', { since: [12, 0], instead: 'TLS_Min_Version' }],
])

/** The first release that the desk phones with 11.x and 12.x have; PhoneOS starts at 1 again. */
const MPP_MAJOR_MIN = 9

/** @returns why this release has no such element, or undefined */
export function whyNotInRelease(element: string, { major, minor }: Firmware): string | undefined {
  const life = LIVES.get(element)
  if (life === undefined || major < MPP_MAJOR_MIN) return undefined
  const instead = life.instead === undefined ? '' : `; there it is ${life.instead}`
  return isBefore([major, minor], life.since) ? `it came with ${life.since.join('.')}${instead}` : undefined
}

/** Attributes of MPP §1.3 that came later: `preserve-value` with 11.3, `user-pref` with 12. */
export function attributeRelease(name: 'preserve-value' | 'user-pref'): readonly [major: number, minor: number] {
  return name === 'preserve-value' ? [11, 3] : [12, 0]
}

export function isOlder({ major, minor }: Firmware, than: readonly [major: number, minor: number]): boolean {
  return major >= MPP_MAJOR_MIN && isBefore([major, minor], than)
}

function isBefore(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])
}
