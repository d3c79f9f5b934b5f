/** The `User-Agent` of a phone's requests (MPP §11.1). Providers may change it: it proves nothing. */
import { type MacAddress, type ProductName, parseMacAddress, parseProductName } from '../identity.ts'

/** What the factory `User-Agent` says. */
export interface UserAgent {
  readonly productName: ProductName
  /** As the phone writes it, e.g. `12.0.2`; older phones write `11.0`. */
  readonly version: string
  readonly mac: MacAddress
}

export const USER_AGENT_CHARS_MAX = 256

/** @returns e.g. `Cisco-CP-8851-3PCC/12.0.2 (00562b043615)`. */
export function printUserAgent({ productName, version, mac }: UserAgent): string {
  return `Cisco-${productName}/${version} (${mac})`
}

/**
 * Reads the factory form.
 * @returns undefined for any other text, also one that only begins like it
 * Source: MPP §11.1.
 */
export function parseUserAgent(text: string): UserAgent | undefined {
  if (text.length > USER_AGENT_CHARS_MAX) return undefined
  const [, product = '', version = '', hex = ''] = /^Cisco-([^/\s]+)\/([^\s/]+) \(([0-9a-f]{12})\)$/i.exec(text) ?? []
  const productName = parseProductName(product)
  const mac = parseMacAddress(hex)
  return productName === undefined || mac === undefined ? undefined : { productName, version, mac }
}
