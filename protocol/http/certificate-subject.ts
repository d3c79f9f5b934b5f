/**
 * Which phone a client certificate speaks for (MPP §11.2). Three ways of naming a phone are known:
 *
 *     OU=CP-8841-3PCC   L=88012BA01234   S=000e08abcdef            (S or ST: stateOrProvinceName)
 *     CN=CP-8851-3PCC-SEP000E08ABCDEF    serialNumber=PID:CP-8851-3PCC SN:FCH2305DMH0
 *     CN=CP-8851-3PCC, MAC: 000E08ABCDEF, Serial: FCH2305DMH0       (the serial may be in serialNumber instead)
 *
 * The subject is only as true as the chain that was verified before. What is found must be complete and must not
 * contradict itself: a certificate that could be read as two phones is no phone.
 */
import {
  type MacAddress,
  type ProductName,
  parseMacAddress,
  parseProductName,
  parseSerialNumber,
  type SerialNumber,
} from '../identity.ts'

export interface CertificateIdentity {
  readonly mac: MacAddress
  readonly serial: SerialNumber
  readonly productName: ProductName
}

/** Vendor subjects have under 200 characters. */
export const SUBJECT_CHARS_MAX = 1024

/** What one field claims; several fields may claim the same. */
interface Claims {
  readonly macs: readonly (MacAddress | undefined)[]
  readonly serials: readonly (SerialNumber | undefined)[]
  readonly productNames: readonly (ProductName | undefined)[]
}

/**
 * Reads the subject as `X509Certificate.subject` prints it (a field a line), or in one line with commas or
 * semicolons (RFC 2253). Escaped and quoted separators belong to the value, so no name can pretend to be more
 * fields. The OpenSSL form with slashes does not escape and is refused.
 * @returns undefined if the subject is not one phone, e.g. the generic certificate of old units
 * Source: MPP §11.2.
 */
export function parseCertificateSubject(subject: string): CertificateIdentity | undefined {
  const fields = subject.length > SUBJECT_CHARS_MAX ? undefined : parseSubjectFields(subject)
  if (fields === undefined) return undefined
  const claims = [placeClaims(fields), ...valuesOf(fields, ['CN']).map(commonNameClaims), ...serialNumberClaims(fields)]
  const mac = single(claims.flatMap((claim) => claim.macs))
  const serial = single(claims.flatMap((claim) => claim.serials))
  const productName = single(claims.flatMap((claim) => claim.productNames))
  if (mac === undefined || serial === undefined || productName === undefined) return undefined
  return { mac, serial, productName }
}

type Field = readonly [name: string, value: string]

const NO_CLAIMS: Claims = { macs: [], serials: [], productNames: [] }

/** The OU, L, S form. Elsewhere L and S are a town and a state: they count only where S is a MAC. */
function placeClaims(fields: readonly Field[]): Claims {
  const productNames = valuesOf(fields, ['OU'])
    .map(parseProductName)
    .filter((name) => name !== undefined)
  const macs = valuesOf(fields, ['S', 'ST']).map(parseMacAddress)
  if (macs.every((mac) => mac === undefined)) return { ...NO_CLAIMS, productNames }
  return { productNames, macs, serials: valuesOf(fields, ['L']).map(parseSerialNumber) }
}

function commonNameClaims(name: string): Claims {
  const [, productName, mac] = /^(.+)-SEP([0-9A-F]{12})$/i.exec(name.trim()) ?? []
  if (productName !== undefined && mac !== undefined) {
    return { ...NO_CLAIMS, productNames: [parseProductName(productName)], macs: [parseMacAddress(mac)] }
  }
  const [product = '', ...labelled] = name.split(',')
  const macs = labelledValues(labelled, 'MAC').map(parseMacAddress)
  if (macs.length === 0) return NO_CLAIMS
  const serials = [...labelledValues(labelled, 'Serial'), ...labelledValues(labelled, 'SN')].map(parseSerialNumber)
  return { productNames: [parseProductName(product)], macs, serials }
}

/** `PID:<product name> SN:<serial number>`, or the bare serial number. */
function serialNumberClaims(fields: readonly Field[]): readonly Claims[] {
  return valuesOf(fields, ['SERIALNUMBER']).map((value) => {
    if (!value.includes(':')) return { ...NO_CLAIMS, serials: [parseSerialNumber(value)] }
    const words = value.split(/\s+/)
    return {
      ...NO_CLAIMS,
      serials: labelledValues(words, 'SN').map(parseSerialNumber),
      productNames: labelledValues(words, 'PID').map(parseProductName),
    }
  })
}

/** `['MAC: 000E08ABCDEF'], 'MAC'` -> `['000E08ABCDEF']`; a MAC with colons stays whole. */
function labelledValues(parts: readonly string[], label: string): readonly string[] {
  return parts.flatMap((part) => {
    const colon = part.indexOf(':')
    const name = part.slice(0, Math.max(0, colon)).trim()
    return name.toLowerCase() === label.toLowerCase() ? [part.slice(colon + 1).trim()] : []
  })
}

/** The one value that all claim; undefined for none, for two, and where a claim is not valid. */
function single<T>(claimed: readonly (T | undefined)[]): T | undefined {
  const distinct = new Set(claimed)
  return distinct.size === 1 ? claimed[0] : undefined
}

function valuesOf(fields: readonly Field[], names: readonly string[]): readonly string[] {
  return fields.filter(([name]) => names.includes(name)).map(([, value]) => value)
}

// A value is quoted as a whole or a run of escapes and characters that separate nothing. RFC 2253 §2.4, §3.
const FIELD =
  /[ \t]*([A-Za-z][A-Za-z0-9.-]*)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[^])*)"[ \t]*|((?:[^\\",;+\n]|\\[^])*))(?:[\n,;+]|$)/y

/** @returns names in upper case with values unescaped, or undefined if any part is not `name=value`. */
function parseSubjectFields(subject: string): readonly Field[] | undefined {
  const text = subject.trim()
  const pattern = new RegExp(FIELD)
  const fields: Field[] = []
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text)
    if (match === null) return undefined
    fields.push([(match[1] ?? '').toUpperCase(), unescapeValue(match[2] ?? (match[3] ?? '').trim())])
  }
  return fields
}

/** `\,` is the character itself; `\0A` is a byte in hex. Such bytes stand in no name of a phone. */
function unescapeValue(value: string): string {
  return value.replace(/\\([0-9A-Fa-f]{2}|[^])/g, (_, escaped: string) =>
    escaped.length === 2 ? String.fromCharCode(Number.parseInt(escaped, 16)) : escaped,
  )
}
