/**
 * Bytes and their text forms. No `node:*` here, so that the console can use it too.
 */

/**
 * Reads big-endian fields from the front. It remembers that it ran out, so a decoder reads straight down
 * and asks once, at the end: after the first failed read every further read gives zeros or no bytes.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  #offset = 0
  #failed = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** True once a read wanted more than was left. */
  get failed(): boolean {
    return this.#failed
  }

  /** How many bytes are still unread; 0 after a failure. */
  get remainingCount(): number {
    return this.#failed ? 0 : this.#bytes.length - this.#offset
  }

  uint8(): number {
    return this.#number(1)
  }

  uint16(): number {
    return this.#number(2)
  }

  uint32(): number {
    return this.#number(4)
  }

  /** @returns a view (not a copy) of the next `count` bytes; empty after a failure. */
  take(count: number): Uint8Array {
    if (count < 0 || count > this.remainingCount) this.#failed = true
    if (this.#failed) return new Uint8Array(0)
    this.#offset += count
    return this.#bytes.subarray(this.#offset - count, this.#offset)
  }

  /** @returns a view of all that is left. */
  rest(): Uint8Array {
    return this.take(this.remainingCount)
  }

  #number(byteCount: number): number {
    return this.take(byteCount).reduce((value, byte) => value * 256 + byte, 0)
  }
}

/** @returns one new array with all parts in order. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

const ENCODER = new TextEncoder()

/** @returns the UTF-8 bytes of a text. */
export function utf8Bytes(text: string): Uint8Array {
  return ENCODER.encode(text)
}

/** @returns the text, a byte order mark kept, or undefined if the bytes are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** @returns lower-case hex. */
export function bytesToHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** @returns the bytes of an even number of hex digits of either case, or undefined. */
export function hexToBytes(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  )
}

const BASE64_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const BASE64_DIGITS = `${BASE64_LETTERS}+/`
const BASE64URL_DIGITS = `${BASE64_LETTERS}-_`

/** @returns base64 with padding (RFC 4648 §4). */
export function bytesToBase64(bytes: Uint8Array): string {
  const text = printBase64(bytes, BASE64_DIGITS)
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/** @returns base64url without padding (RFC 4648 §5). */
export function bytesToBase64url(bytes: Uint8Array): string {
  return printBase64(bytes, BASE64URL_DIGITS)
}

/** @returns the bytes of base64, padded or not, or undefined. No spaces or line ends inside (RFC 4648 §3.3). */
export function base64ToBytes(text: string): Uint8Array | undefined {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? parseBase64(text, BASE64_DIGITS) : undefined
}

/** @returns the bytes of base64url, padded or not, or undefined. */
export function base64urlToBytes(text: string): Uint8Array | undefined {
  return /^[A-Za-z0-9_-]*={0,2}$/.test(text) ? parseBase64(text, BASE64URL_DIGITS) : undefined
}

function printBase64(bytes: Uint8Array, digits: string): string {
  const groups: string[] = []
  for (let index = 0; index < bytes.length; index += 3) {
    const [first = 0, second = 0, third = 0] = bytes.subarray(index, index + 3)
    const word = first * 65_536 + second * 256 + third
    const group = [18, 12, 6, 0].map((shift) => digits.charAt((word >> shift) & 63)).join('')
    groups.push(group.slice(0, Math.min(3, bytes.length - index) + 1))
  }
  return groups.join('')
}

function parseBase64(text: string, digits: string): Uint8Array | undefined {
  const bare = text.replace(/=+$/, '')
  // One digit holds 6 bits, less than a byte; and where padding is written it must fill the last group.
  if (bare.length % 4 === 1 || (bare.length !== text.length && text.length % 4 !== 0)) return undefined
  const values = new Map(Array.from(digits, (digit, value) => [digit, value]))
  const bytes = new Uint8Array(Math.floor((bare.length * 6) / 8))
  let word = 0
  let bitCount = 0
  let offset = 0
  for (const digit of bare) {
    word = ((word << 6) | (values.get(digit) ?? 0)) & 0xffff
    bitCount += 6
    if (bitCount < 8) continue
    bitCount -= 8
    bytes[offset++] = (word >> bitCount) & 255
  }
  return bytes
}
