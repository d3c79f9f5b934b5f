import { concatBytes } from '../../bytes.ts'
import { parseProductName } from '../../identity.ts'
import type { ProductName } from '../../identity.ts'
import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import { decodeOptionText } from './option-text.ts'
import { ACS_VENDOR_CLASS } from './vendor-class.ts'
import { encodeText, LENGTH_BYTE_MAX, problem } from './vendor-data.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** What option 60 tells of a phone. Source: MPP §10.2, TR-069 §9.1. */
export interface ProductClass {
  /** The model at the end of the text; undefined: it ends with none that we know. */
  readonly productName: ProductName | undefined
  /** It contains `dslforum.org`. */
  readonly asksForAcs: boolean
}

/**
 * Reads option 60 as phones send it: the product name at the end, whatever stands before it, closed by NUL or not
 * [MPP §10.2].
 */
export function decodeProductClass(payload: Uint8Array): Result<ProductClass, DhcpProblem> {
  if (payload.length > LENGTH_BYTE_MAX) {
    return problem(
      'too-long',
      `Cannot read a vendor class of ${payload.length} bytes: expected at most ${LENGTH_BYTE_MAX} bytes`,
    )
  }
  const text = decodeOptionText('vendor class', payload)
  if (!text.ok) return text
  const end = /(?:[CD]P-[0-9]{4}(?:-3PCC)?|ATA[0-9]{3}-MPP)$/i.exec(text.value)?.[0] ?? ''
  return ok({ productName: parseProductName(end), asksForAcs: text.value.includes(ACS_VENDOR_CLASS) })
}

/**
 * @param asks.acs  put `dslforum.org` before the product name, which stays the end of the text
 * @param asks.nul  close the text with a NUL, as phones were seen to do; absent: no
 * @returns the payload of option 60 [MPP §10.2]
 */
export function encodeProductClass(
  productName: ProductName,
  asks: { readonly acs: boolean; readonly nul?: boolean },
): Result<Uint8Array, DhcpProblem> {
  const text = asks.acs ? `${ACS_VENDOR_CLASS} ${productName}` : productName
  const bytes = encodeText('vendor class', text, LENGTH_BYTE_MAX - 1)
  return bytes.ok && asks.nul === true ? ok(concatBytes([bytes.value, Uint8Array.of(0)])) : bytes
}
