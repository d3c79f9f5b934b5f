import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import {
  BROADBAND_FORUM_ENTERPRISE,
  decodeEnterpriseData,
  decodeText,
  encodeEnterpriseData,
  encodeText,
  LENGTH_BYTE_MAX,
  problem,
} from './vendor-data.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** The text by which a phone asks for ACS data. Source: TR-069 §9.1. */
export const ACS_VENDOR_CLASS = 'dslforum.org'

/** What a phone says it is. Source: TR-069 §9.1. */
export interface VendorClass {
  /** At most 255 bytes, without NULs at its ends. */
  readonly text: string
  /** It contains `dslforum.org`. */
  readonly asksForAcs: boolean
}

/** Reads option 60. undefined: it is no text, so it is not ours. */
export function decodeVendorClass60(payload: Uint8Array): Result<VendorClass | undefined, DhcpProblem> {
  if (payload.length > LENGTH_BYTE_MAX) {
    return problem(
      'too-long',
      `Cannot read a vendor class of ${payload.length} bytes: expected at most ${LENGTH_BYTE_MAX} bytes`,
    )
  }
  const text = decodeText(payload)
  return ok(text === undefined ? undefined : { text, asksForAcs: text.includes(ACS_VENDOR_CLASS) })
}

/** Reads option 124. undefined: nothing from enterprise 3561, or no text [TR-069 §9.1]. */
export function decodeVendorClass124(payload: Uint8Array): Result<VendorClass | undefined, DhcpProblem> {
  const data = decodeEnterpriseData(payload, BROADBAND_FORUM_ENTERPRISE)
  if (!data.ok) return data
  return decodeVendorClass60(data.value ?? new Uint8Array(0))
}

/** @returns the payload of option 60, which may say more than `dslforum.org` but must contain it [TR-069 §9.1]. */
export function encodeVendorClass60(text: string = ACS_VENDOR_CLASS): Result<Uint8Array, DhcpProblem> {
  if (!text.includes(ACS_VENDOR_CLASS)) {
    return problem(
      'bad-value',
      `Cannot ask for ACS data with vendor class ${JSON.stringify(text.slice(0, 80))}: it must contain "${ACS_VENDOR_CLASS}"`,
    )
  }
  return encodeText('vendor class', text, LENGTH_BYTE_MAX)
}

/** @returns the payload of option 124 from enterprise 3561 [TR-069 §9.1]. */
export function encodeVendorClass124(text: string = ACS_VENDOR_CLASS): Result<Uint8Array, DhcpProblem> {
  const data = encodeVendorClass60(text)
  return data.ok ? encodeEnterpriseData(BROADBAND_FORUM_ENTERPRISE, data.value) : data
}
