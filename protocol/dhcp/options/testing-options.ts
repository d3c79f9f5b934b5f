import { bytesToHex, hexToBytes } from '../../bytes.ts'
import { assert } from '../../result.ts'
import type { Result } from '../../result.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** @returns the bytes of hex as the law prints it, with spaces and line ends. */
export function hex(text: string): Uint8Array {
  const bytes = hexToBytes(text.replace(/\s/g, ''))
  assert(bytes !== undefined, `not hex: ${text}`)
  return bytes
}

/** @returns the payload of an example that is one option with its code and length, both checked. */
export function payloadOf(code: number, option: string): Uint8Array {
  const bytes = hex(option)
  assert(bytes[0] === code && bytes[1] === bytes.length - 2, `not one option ${code}: ${bytesToHex(bytes)}`)
  return bytes.subarray(2)
}

/** @returns the value, or throws the message of the refusal. */
export function valueOf<T>(result: Result<T, DhcpProblem>): T {
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

/** @returns `code: message` of the refusal, or `ok`. */
export function refusalOf(result: Result<unknown, DhcpProblem>): string {
  return result.ok ? 'ok' : `${result.error.code}: ${result.error.message}`
}
