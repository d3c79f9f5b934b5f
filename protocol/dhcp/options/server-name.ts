import type { Result } from '../../result.ts'
import { decodeOptionText, encodeOptionText } from './option-text.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** Reads option 66: a host, an address or a URL, without the NULs and white space around it [MPP §10.1]. */
export function decodeServerName(payload: Uint8Array): Result<string, DhcpProblem> {
  return decodeOptionText('server name', payload)
}

/** @returns the payload of option 66 [MPP §10.1]. */
export function encodeServerName(text: string): Result<Uint8Array, DhcpProblem> {
  return encodeOptionText('server name', text)
}
