import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import { LENGTH_BYTE_MAX, problem } from './vendor-data.ts'
import type { DhcpProblem } from './vendor-data.ts'

const ADDRESS_BYTES = 4

/** Most IPv4 addresses of one option: what its length byte can tell. */
export const OPTION_ADDRESSES_MAX = Math.floor(LENGTH_BYTE_MAX / ADDRESS_BYTES)

/** Reads a list of IPv4 addresses, four bytes each, in their order. `name` is what they are, in the plural. */
export function decodeAddresses(name: string, payload: Uint8Array): Result<readonly string[], DhcpProblem> {
  if (payload.length === 0) return problem('empty', `Cannot read ${name}: the option holds nothing`)
  if (payload.length > OPTION_ADDRESSES_MAX * ADDRESS_BYTES) {
    return problem(
      'too-long',
      `Cannot read ${name} of ${payload.length} bytes: expected at most ${OPTION_ADDRESSES_MAX} addresses`,
    )
  }
  if (payload.length % ADDRESS_BYTES !== 0) {
    return problem('truncated', `Cannot read ${name} of ${payload.length} bytes: expected four bytes for each address`)
  }
  return ok(
    Array.from({ length: payload.length / ADDRESS_BYTES }, (_, index) =>
      payload.subarray(index * ADDRESS_BYTES, (index + 1) * ADDRESS_BYTES).join('.'),
    ),
  )
}

/** @returns four bytes for each dotted IPv4 address. */
export function encodeAddresses(name: string, addresses: readonly string[]): Result<Uint8Array, DhcpProblem> {
  if (addresses.length === 0) return problem('empty', `Cannot send ${name} without any address: give one`)
  if (addresses.length > OPTION_ADDRESSES_MAX) {
    return problem(
      'too-long',
      `Cannot send ${addresses.length} addresses as ${name}: give at most ${OPTION_ADDRESSES_MAX}`,
    )
  }
  const wrong = addresses.find((address) => !isIpv4(address))
  if (wrong !== undefined) {
    return problem(
      'bad-value',
      `Cannot send ${JSON.stringify(wrong.slice(0, 80))} among ${name}: expected an IPv4 address such as 192.0.2.1`,
    )
  }
  return ok(Uint8Array.from(addresses.flatMap((address) => address.split('.').map(Number))))
}

function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return (
    parts.length === ADDRESS_BYTES && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
  )
}
