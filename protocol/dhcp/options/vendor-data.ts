import { ByteReader, concatBytes, utf8Bytes, utf8Text } from '../../bytes.ts'
import { err, ok } from '../../result.ts'
import type { Result } from '../../result.ts'

/*
 * What the vendor options of DHCP have in common. A payload is an option without its code and length byte.
 *
 *   43        code  length  value   code  length  value  ...      0 is padding, 255 is the end
 *   124       enterprise (4)  length  vendor class    enterprise (4)  length  ...
 *   125       enterprise (4)  length  code  length  value  ...    enterprise (4)  length  ...
 *
 *   17 of v6  enterprise (4)  code (2)  length (2)  value  code (2)  length (2)  value  ...     one enterprise an option
 *
 * Sources: TR-069 §9; RFC 3396 (options longer than 255 bytes).
 */

/** Codes of the options that phones use. Source: MPP §10.1, §10.2; TR-069 §9.1 to §9.3. */
export const DHCP_OPTION = {
  hostName: 12,
  domainName: 15,
  ntpServers: 42,
  vendorSpecific: 43,
  vendorClass: 60,
  serverName: 66,
  enterpriseVendorClass: 124,
  enterpriseVendorSpecific: 125,
  /** Where DHCP_VLAN_Option names no other. */
  vlan: 132,
  tftpServers: 150,
  /** A URL with an address. */
  serverAddressUrl: 159,
  /** A URL with a name. */
  serverUrl: 160,
} as const

/** Codes of the options that phones use in DHCPv6. Source: MPP §10.1, TR-069 §9.2. */
export const DHCPV6_OPTION = { vendorClass: 16, vendorSpecific: 17, serverAddressUrl: 159, serverUrl: 160 } as const

/** Enterprise number of the Broadband Forum, once the DSL Forum. Source: TR-069 §9.1. */
export const BROADBAND_FORUM_ENTERPRISE = 3561

/** Most that one length byte can tell, in bytes. */
export const LENGTH_BYTE_MAX = 255

/** Longest payload that is read or written, joined from all its parts, in bytes: a DHCP message in one Ethernet frame holds less than half. */
export const PAYLOAD_BYTES_MAX = 4096

const PAD = 0
const END = 255

/** Why bytes are no such option, or why a value cannot be sent in one. */
export interface DhcpProblem {
  readonly code: 'truncated' | 'too-long' | 'bad-value' | 'empty'
  readonly message: string
}

/** One field inside a vendor option: code 0 to 255, value of at most 255 bytes; in DHCPv6 both up to 65535. */
export interface SubOption {
  readonly code: number
  readonly value: Uint8Array
}

/** @returns the parts of one option as one payload, in the order in which they came (RFC 3396). */
export function joinOptionParts(parts: readonly Uint8Array[]): Result<Uint8Array, DhcpProblem> {
  const byteCount = parts.reduce((sum, part) => sum + part.length, 0)
  if (byteCount > PAYLOAD_BYTES_MAX) return tooLongPayload(byteCount)
  return ok(concatBytes(parts))
}

/** @returns a payload as one option, or as several of at most 255 bytes each, with code and length (RFC 3396). */
export function splitOption(code: number, payload: Uint8Array): Result<Uint8Array, DhcpProblem> {
  // 0 and 255 stand alone, without a length byte, so nothing can be sent in them.
  if (!Number.isInteger(code) || code <= PAD || code >= END) {
    return problem('bad-value', `Cannot send DHCP option "${code}": expected a code of 1 to 254`)
  }
  if (payload.length > PAYLOAD_BYTES_MAX) return tooLongPayload(payload.length)
  const parts: Uint8Array[] = []
  let offset = 0
  do {
    const part = payload.subarray(offset, offset + LENGTH_BYTE_MAX)
    parts.push(Uint8Array.of(code, part.length), part)
    offset += LENGTH_BYTE_MAX
  } while (offset < payload.length)
  return ok(concatBytes(parts))
}

/**
 * Reads code, length, value until the bytes end. `padded`: as in option 43, where 0 is padding and 255 the end; in 125 they
 * are codes like any other.
 */
export function decodeSubOptions(
  bytes: Uint8Array,
  form: 'padded' | 'plain',
): Result<readonly SubOption[], DhcpProblem> {
  if (bytes.length > PAYLOAD_BYTES_MAX) return tooLongPayload(bytes.length)
  const reader = new ByteReader(bytes)
  const found: SubOption[] = []
  while (reader.remainingCount > 0) {
    const code = reader.uint8()
    if (form === 'padded' && code === PAD) continue
    if (form === 'padded' && code === END) break
    const value = reader.take(reader.uint8())
    if (reader.failed) {
      return problem('truncated', `Cannot read sub-option ${code}: its length goes past the end of the option`)
    }
    found.push({ code, value })
  }
  return ok(found)
}

/** @returns code, length, value of each in order; refuses what its byte cannot hold. */
export function encodeSubOptions(subOptions: readonly SubOption[]): Result<Uint8Array, DhcpProblem> {
  const parts: Uint8Array[] = []
  for (const { code, value } of subOptions) {
    if (!Number.isInteger(code) || code < 0 || code > 255) {
      return problem('bad-value', `Cannot send sub-option "${code}": expected a code of 0 to 255`)
    }
    if (value.length > LENGTH_BYTE_MAX) {
      return problem(
        'too-long',
        `Cannot send sub-option ${code} of ${value.length} bytes: shorten its value to at most ${LENGTH_BYTE_MAX} bytes`,
      )
    }
    parts.push(Uint8Array.of(code, value.length), value)
  }
  return joinOptionParts(parts)
}

/**
 * @returns the data of one enterprise in option 124 or 125, or undefined if it is not there. Other enterprises are skipped by
 * their length byte [TR-069 §9.3]; an enterprise that comes twice is read as one.
 */
export function decodeEnterpriseData(
  payload: Uint8Array,
  enterprise: number,
): Result<Uint8Array | undefined, DhcpProblem> {
  if (payload.length > PAYLOAD_BYTES_MAX) return tooLongPayload(payload.length)
  const reader = new ByteReader(payload)
  const found: Uint8Array[] = []
  while (reader.remainingCount > 0) {
    const owner = reader.uint32()
    const data = reader.take(reader.uint8())
    if (reader.failed) {
      return problem('truncated', 'Cannot read an enterprise: its number or its length goes past the end of the option')
    }
    if (owner === enterprise) found.push(data)
  }
  return ok(found.length === 0 ? undefined : concatBytes(found))
}

/** @returns the payload of option 124 or 125 with the data of one enterprise (number of 32 bits). */
export function encodeEnterpriseData(enterprise: number, data: Uint8Array): Result<Uint8Array, DhcpProblem> {
  if (!Number.isInteger(enterprise) || enterprise < 0 || enterprise > 0xffff_ffff) {
    return problem('bad-value', `Cannot send data of enterprise "${enterprise}": expected a number of 32 bits`)
  }
  if (data.length > LENGTH_BYTE_MAX) {
    return problem(
      'too-long',
      `Cannot send ${data.length} bytes of enterprise ${enterprise}: shorten or leave out values until all together, ` +
        `with 2 bytes for each sub-option, are at most ${LENGTH_BYTE_MAX} bytes`,
    )
  }
  const head = new Uint8Array(5)
  new DataView(head.buffer).setUint32(0, enterprise)
  head[4] = data.length
  return ok(concatBytes([head, data]))
}

/** @returns the sub-options of the Broadband Forum in option 125; none if it is not there. */
export function decodeForumSubOptions(payload: Uint8Array): Result<readonly SubOption[], DhcpProblem> {
  const data = decodeEnterpriseData(payload, BROADBAND_FORUM_ENTERPRISE)
  return data.ok ? decodeSubOptions(data.value ?? new Uint8Array(0), 'plain') : data
}

/** @returns the payload of option 125 with sub-options of the Broadband Forum. */
export function encodeForumSubOptions(subOptions: readonly SubOption[]): Result<Uint8Array, DhcpProblem> {
  const data = encodeSubOptions(subOptions)
  return data.ok ? encodeEnterpriseData(BROADBAND_FORUM_ENTERPRISE, data.value) : data
}

/**
 * @returns the text of a value without the NULs that some servers put at its ends, or undefined if nothing is left or if it
 * is no text. A NUL or another control character in the middle is no text: what is read must be what is shown.
 */
export function decodeText(value: Uint8Array): string | undefined {
  const text = utf8Text(value)?.replace(/^\0+|\0+$/g, '')
  return text === undefined || text === '' || !isPlainText(text) ? undefined : text
}

/** @returns the text of the first sub-option with this code that holds one: a repetition does not replace it. */
export function firstText(subOptions: readonly SubOption[], code: number): string | undefined {
  for (const subOption of subOptions) {
    const text = subOption.code === code ? decodeText(subOption.value) : undefined
    if (text !== undefined) return text
  }
  return undefined
}

/** @returns the bytes of a text of 1 to `bytesMax` bytes without control characters. Messages tell its `name` only: a URL may hold a secret. */
export function encodeText(name: string, text: string, bytesMax: number): Result<Uint8Array, DhcpProblem> {
  if (text === '')
    return problem('empty', `Cannot send an empty ${name}: give one, or leave it out where it may be missing`)
  if (!isPlainText(text)) {
    return problem('bad-value', `Cannot send ${name} with control characters or broken Unicode: remove them`)
  }
  const bytes = utf8Bytes(text)
  if (bytes.length <= bytesMax) return ok(bytes)
  return problem('too-long', `Cannot send ${name} of ${bytes.length} bytes: shorten it to at most ${bytesMax} bytes`)
}

/** @returns a refusal. */
export function problem(
  code: DhcpProblem['code'],
  message: string,
): { readonly ok: false; readonly error: DhcpProblem } {
  return err({ code, message })
}

/** Lone surrogates have no UTF-8 and would be sent as another character. */
function isPlainText(text: string): boolean {
  return !/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(text)
}

function tooLongPayload(byteCount: number): { readonly ok: false; readonly error: DhcpProblem } {
  return problem('too-long', `Cannot take an option of ${byteCount} bytes: expected at most ${PAYLOAD_BYTES_MAX} bytes`)
}
