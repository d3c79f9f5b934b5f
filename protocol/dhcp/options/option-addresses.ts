import { concatBytes } from '../../bytes.ts'
import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import { bytesToIpv4, ipv4List, ipv4ToBytes } from '../address.ts'
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
  return ok(ipv4List(payload, OPTION_ADDRESSES_MAX).map(bytesToIpv4))
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
  const parts: Uint8Array[] = []
  for (const address of addresses) {
    const bytes = ipv4ToBytes(address)
    if (bytes === undefined) {
      return problem(
        'bad-value',
        `Cannot send ${JSON.stringify(address.slice(0, 80))} among ${name}: expected an IPv4 address such as 192.0.2.1`,
      )
    }
    parts.push(bytes)
  }
  return ok(concatBytes(parts))
}
