import type { Result } from '../../result.ts'
import { decodeAddresses, encodeAddresses } from './option-addresses.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** Reads option 150: dotted IPv4 addresses of TFTP servers, the preferred one first [MPP §10.1; RFC 5859 §3]. */
export function decodeTftpServers(payload: Uint8Array): Result<readonly string[], DhcpProblem> {
  return decodeAddresses('TFTP servers', payload)
}

/** @returns the payload of option 150, at most 63 addresses [MPP §10.1]. */
export function encodeTftpServers(addresses: readonly string[]): Result<Uint8Array, DhcpProblem> {
  return encodeAddresses('TFTP servers', addresses)
}
