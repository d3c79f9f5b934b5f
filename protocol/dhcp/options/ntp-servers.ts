import type { Result } from '../../result.ts'
import { decodeAddresses, encodeAddresses } from './option-addresses.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** Reads option 42: dotted IPv4 addresses of time servers, the preferred one first [MPP §10.1; RFC 2132 §8.3]. */
export function decodeNtpServers(payload: Uint8Array): Result<readonly string[], DhcpProblem> {
  return decodeAddresses('NTP servers', payload)
}

/** @returns the payload of option 42, at most 63 addresses [MPP §10.1]. */
export function encodeNtpServers(addresses: readonly string[]): Result<Uint8Array, DhcpProblem> {
  return encodeAddresses('NTP servers', addresses)
}
