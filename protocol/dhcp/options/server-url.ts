import type { Result } from '../../result.ts'
import { decodeOptionText, encodeOptionText } from './option-text.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** Reads option 159 or 160, of DHCPv4 or DHCPv6: a URL, or a list such as `HTTP://a;b`, as it is written [MPP §10.1]. */
export function decodeServerUrl(payload: Uint8Array): Result<string, DhcpProblem> {
  return decodeOptionText('server URL', payload)
}

/** @returns the payload of option 159 or 160 [MPP §10.1]. */
export function encodeServerUrl(text: string): Result<Uint8Array, DhcpProblem> {
  return encodeOptionText('server URL', text)
}
