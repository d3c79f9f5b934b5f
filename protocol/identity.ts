/**
 * Who a phone is: the names that its label, its certificate and its requests carry.
 * Source: MPP §3.3 (macros MA, SN, PN, PSN), §13.1 (models).
 */

/** Twelve lower-case hex digits, e.g. `000e08aabbcc`. */
export type MacAddress = string & { readonly brand: 'MacAddress' }

/** Letters and digits as on the label, upper case, e.g. `FCH2305DMH0`. */
export type SerialNumber = string & { readonly brand: 'SerialNumber' }

/** Product name as `$PN` gives it, e.g. `CP-8851-3PCC`. */
export type ProductName = string & { readonly brand: 'ProductName' }

const MAC_FORMS = [
  /^[0-9a-f]{12}$/i,
  /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{2}(?:-[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}$/i,
]

/** @returns the MAC of any common notation (plain, colons, hyphens, Cisco dots), or undefined. */
export function parseMacAddress(text: string): MacAddress | undefined {
  const trimmed = text.trim()
  if (!MAC_FORMS.some((form) => form.test(trimmed))) return undefined
  return trimmed.replace(/[^0-9a-f]/gi, '').toLowerCase() as MacAddress
}

/** `000e08aabbcc` -> `00:0e:08:aa:bb:cc`, the form of `$MAC`. */
export function macWithColons(mac: MacAddress): string {
  return mac.replace(/(..)(?!$)/g, '$1:')
}

/** @returns 4 to 32 letters and digits in upper case, or undefined. */
export function parseSerialNumber(text: string): SerialNumber | undefined {
  const trimmed = text.trim().toUpperCase()
  return /^[0-9A-Z]{4,32}$/.test(trimmed) ? (trimmed as SerialNumber) : undefined
}

/** @returns the product name, e.g. `CP-8851-3PCC` or `DP-9861`, in upper case, or undefined. */
export function parseProductName(text: string): ProductName | undefined {
  const trimmed = text.trim().toUpperCase()
  return /^(?:CP|DP)-[0-9]{4}(?:-3PCC)?$|^ATA19[12]-MPP$/.test(trimmed) ? (trimmed as ProductName) : undefined
}

/** `$PSN`: the product name without its leading `CP-` or `DP-`, e.g. `8851-3PCC` (MPP §0 fact 2). */
export function productSeriesName(name: ProductName): string {
  return name.replace(/^(?:CP|DP)-/, '')
}
