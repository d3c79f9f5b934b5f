import type { Result } from '../../result.ts'
import { decodeOptionName, encodeOptionName } from './option-text.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** Reads option 12: the name that a phone gives itself, `SEP<MAC>` from the factory [MPP §10.2; RFC 2132 §3.14]. */
export function decodeHostName(payload: Uint8Array): Result<string, DhcpProblem> {
  return decodeOptionName('host name', payload)
}

/** @returns the payload of option 12 [MPP §10.2]. */
export function encodeHostName(name: string): Result<Uint8Array, DhcpProblem> {
  return encodeOptionName('host name', name)
}
