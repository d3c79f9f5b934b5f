import { concatBytes } from '../../bytes.ts'
import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import { problem } from './vendor-data.ts'
import type { DhcpProblem } from './vendor-data.ts'

/*
 *   16 of v6  enterprise (4)   length (2)  class   length (2)  class ...
 *
 * Source: RFC 8415 §21.16.
 */

/** Cisco's enterprise number. Source: IANA, Private Enterprise Numbers. */
export const CISCO_ENTERPRISE = 9

const CLASS_BYTES_MAX = 1024

/** @returns payload of option 16: one class of that enterprise. */
export function encodeVendorClassV6(enterprise: number, vendorClass: Uint8Array): Result<Uint8Array, DhcpProblem> {
  const { length } = vendorClass
  if (!Number.isInteger(enterprise) || enterprise < 0 || enterprise > 0xffffffff) {
    return problem('bad-value', `Cannot send enterprise number "${enterprise}": expected 0 to 4294967295`)
  }
  if (length === 0) return problem('empty', 'Cannot send a vendor class without any bytes')
  if (length > CLASS_BYTES_MAX) {
    return problem('too-long', `Cannot send a vendor class of ${length} bytes: at most ${CLASS_BYTES_MAX}`)
  }
  const number = Uint8Array.from([24, 16, 8, 0].map((shift) => (enterprise >>> shift) & 255))
  return ok(concatBytes([number, Uint8Array.of(length >> 8, length & 255), vendorClass]))
}
