import type { Result } from '../../result.ts'
import { decodeOptionName, encodeOptionName } from './option-text.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** Reads option 15: the domain whose SRV records a phone asks for, without a closing dot [MPP §4.6, §10.1]. */
export function decodeDomainName(payload: Uint8Array): Result<string, DhcpProblem> {
  return decodeOptionName('domain name', payload)
}

/** @returns the payload of option 15 [MPP §10.1]. */
export function encodeDomainName(domain: string): Result<Uint8Array, DhcpProblem> {
  return encodeOptionName('domain name', domain)
}
