/**
 * The common name of an X.509 certificate, for the status page only; nothing is verified here.
 *
 *     Certificate ::= SEQUENCE { tbsCertificate SEQUENCE {
 *        [0] version OPTIONAL, serialNumber, signature, issuer, validity, subject, ... } ... }
 *     Name ::= SEQUENCE OF SET OF SEQUENCE { type OID, value string }
 *
 * Source: RFC 5280 §4.1; X.690 §8.1 for lengths.
 */

const SEQUENCE = 0x30
const SET = 0x31
const VERSION = 0xa0
/** 2.5.4.3, as its bytes. */
const COMMON_NAME = '85,4,3'
const NAME_CHARS_MAX = 100
/** Elements of one level; certificates have far fewer. */
const ELEMENTS_MAX = 64

interface Element {
  readonly tag: number
  readonly content: Uint8Array
}

/** @returns the CN of the subject, a made-up text if the subject has none, or undefined if this is no certificate. */
export function firstCommonName(der: Uint8Array): string | undefined {
  const certificate = elements(der)[0]
  const tbs = certificate?.tag === SEQUENCE ? elements(certificate.content)[0] : undefined
  if (tbs?.tag !== SEQUENCE) return undefined
  const fields = elements(tbs.content)
  const subject = fields[fields[0]?.tag === VERSION ? 5 : 4]
  if (subject?.tag !== SEQUENCE) return undefined
  for (const set of elements(subject.content)) {
    const [type, value] = set.tag === SET ? elements(elements(set.content)[0]?.content ?? new Uint8Array(0)) : []
    if (type !== undefined && value !== undefined && [...type.content].join() === COMMON_NAME)
      return printable(value.content)
  }
  return 'certificate without a common name'
}

/** Splits DER; ends at the first thing that does not fit. */
function elements(bytes: Uint8Array): readonly Element[] {
  const found: Element[] = []
  let offset = 0
  while (offset + 2 <= bytes.length && found.length < ELEMENTS_MAX) {
    const tag = bytes[offset] ?? 0
    const first = bytes[offset + 1] ?? 0
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    if (lengthBytes > 4 || first === 0x80) return found
    const start = offset + 2 + lengthBytes
    const length =
      first < 0x80 ? first : bytes.subarray(offset + 2, start).reduce((value, byte) => value * 256 + byte, 0)
    if (start + length > bytes.length) return found
    found.push({ tag, content: bytes.subarray(start, start + length) })
    offset = start + length
  }
  return found
}

function printable(bytes: Uint8Array): string {
  return new TextDecoder()
    .decode(bytes)
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .slice(0, NAME_CHARS_MAX)
}
