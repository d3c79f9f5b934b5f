import { utf8Bytes, utf8Text } from '../../bytes.ts'
import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import {
  decodeForumSubOptions,
  decodeSubOptions,
  decodeText,
  encodeForumSubOptions,
  encodeSubOptions,
  encodeText,
  firstText,
  LENGTH_BYTE_MAX,
  problem,
} from './vendor-data.ts'
import type { DhcpProblem, SubOption } from './vendor-data.ts'

/** What DHCP tells a phone about its ACS. Source: TR-069 §9.2. */
export interface AcsDiscovery {
  /** Absolute, http or https; as sent. */
  readonly url?: string | undefined
  /** At most 64 bytes. */
  readonly provisioningCode?: string | undefined
  /** CWMPRetryMinimumWaitInterval, in seconds: decimal digits as text, its range not checked. */
  readonly retryMinimumWait?: string | undefined
  /** CWMPRetryIntervalMultiplier, in thousandths: decimal digits as text, its range not checked. */
  readonly retryMultiplier?: string | undefined
}

/** Longest ACS URL that is read, in bytes: the most that ManagementServer.URL holds. */
export const ACS_URL_BYTES_MAX = 256

/** Longest provisioning code, in bytes. Source: TR-069 §9.2. */
export const PROVISIONING_CODE_BYTES_MAX = 64

/** Most decimal digits of a retry value: those of the largest 32-bit number. */
export const RETRY_DIGITS_MAX = 10

const BASE_43 = 0
/** In 125 the same codes begin after 10, since 1 to 6 are taken by the identities [TR-069 §9.3]. */
export const BASE_125 = 10

/**
 * Reads option 43. Foreign sub-options and values that cannot be meant are left out, so that one bad value does not
 * cost the URL; a payload that begins with `http` is a bare URL [TR-069 §9.2].
 */
export function decodeAcsOption43(payload: Uint8Array): Result<AcsDiscovery, DhcpProblem> {
  if (isBareUrl(payload)) return decodeBareUrl(payload)
  const subOptions = decodeSubOptions(payload, 'padded')
  return subOptions.ok ? ok(readAcsFields(subOptions.value, BASE_43)) : subOptions
}

/** Reads the ACS fields of option 125, enterprise 3561; all are undefined if it is for others [TR-069 §9.2]. */
export function decodeAcsOption125(payload: Uint8Array): Result<AcsDiscovery, DhcpProblem> {
  const subOptions = decodeForumSubOptions(payload)
  return subOptions.ok ? ok(readAcsFields(subOptions.value, BASE_125)) : subOptions
}

/** @returns the payload of option 43, for a phone that asked by option 60 [TR-069 §9.1]. */
export function encodeAcsOption43(discovery: AcsDiscovery): Result<Uint8Array, DhcpProblem> {
  const subOptions = writeAcsFields(discovery, BASE_43)
  return subOptions.ok ? encodeSubOptions(subOptions.value) : subOptions
}

/** @returns the payload of option 125, for a phone that asked by option 124 [TR-069 §9.1]. All fields share 255 bytes. */
export function encodeAcsOption125(discovery: AcsDiscovery): Result<Uint8Array, DhcpProblem> {
  const subOptions = writeAcsFields(discovery, BASE_125)
  return subOptions.ok ? encodeForumSubOptions(subOptions.value) : subOptions
}

/** @returns the ACS fields among sub-options whose codes follow `base`. */
export function readAcsFields(subOptions: readonly SubOption[], base: number): AcsDiscovery {
  const url = firstText(subOptions, base + 1)
  const provisioningCode = firstText(subOptions, base + 2)
  return {
    url: url !== undefined && isAcsUrl(url) ? url : undefined,
    provisioningCode: within(provisioningCode, PROVISIONING_CODE_BYTES_MAX),
    retryMinimumWait: digits(firstText(subOptions, base + 3)),
    retryMultiplier: digits(firstText(subOptions, base + 4)),
  }
}

/** @returns the fields as sub-options whose codes follow `base`; refuses to send none. */
export function writeAcsFields(discovery: AcsDiscovery, base: number): Result<readonly SubOption[], DhcpProblem> {
  const { url, retryMinimumWait, retryMultiplier } = discovery
  if (url !== undefined && !isHttpUrl(url)) {
    // Only its beginning is told: a URL may hold a password.
    return problem(
      'bad-value',
      `Cannot send an ACS URL that begins with ${JSON.stringify(url.slice(0, 8))}: expected http:// or https://, a host, and no spaces`,
    )
  }
  for (const value of [retryMinimumWait, retryMultiplier]) {
    if (value === undefined || digits(value) !== undefined) continue
    return problem(
      'bad-value',
      `Cannot send retry value ${JSON.stringify(value.slice(0, 80))}: expected 1 to ${RETRY_DIGITS_MAX} decimal digits`,
    )
  }
  const fields = [
    { name: 'ACS URL', text: url, bytesMax: LENGTH_BYTE_MAX },
    { name: 'provisioning code', text: discovery.provisioningCode, bytesMax: PROVISIONING_CODE_BYTES_MAX },
    { name: 'retry minimum wait', text: retryMinimumWait, bytesMax: RETRY_DIGITS_MAX },
    { name: 'retry multiplier', text: retryMultiplier, bytesMax: RETRY_DIGITS_MAX },
  ]
  const subOptions: SubOption[] = []
  for (const [index, { name, text, bytesMax }] of fields.entries()) {
    if (text === undefined) continue
    const value = encodeText(name, text, bytesMax)
    if (!value.ok) return value
    subOptions.push({ code: base + index + 1, value: value.value })
  }
  if (subOptions.length === 0) {
    return problem('empty', 'Cannot send ACS data without any field: give a URL, or leave the option out')
  }
  return ok(subOptions)
}

/**
 * True for an option 43 that is a URL and nothing else [TR-069 §9.2]. As sub-options this would be code 104 with 116 bytes that
 * begin with `tp`: not used by anyone we know.
 */
export function isBareUrl(payload: Uint8Array): boolean {
  return utf8Text(payload.subarray(0, 4))?.toLowerCase() === 'http'
}

/** Servers close a bare URL with NUL or with the end byte of option 43; neither belongs to it. */
function decodeBareUrl(payload: Uint8Array): Result<AcsDiscovery, DhcpProblem> {
  const end = payload.findLastIndex((byte) => byte !== 0 && byte !== 255) + 1
  if (end > ACS_URL_BYTES_MAX) {
    return problem(
      'too-long',
      `Cannot read a bare ACS URL of ${end} bytes: expected at most ${ACS_URL_BYTES_MAX} bytes`,
    )
  }
  const url = decodeText(payload.subarray(0, end))
  if (url !== undefined && isAcsUrl(url)) return ok({ url })
  return problem(
    'bad-value',
    'Cannot read the bare ACS URL of option 43: expected http:// or https://, a host, and no spaces',
  )
}

/** Option 43 means something else to each vendor: a first sub-option that is no URL of HTTP is not about an ACS. */
function isAcsUrl(text: string): boolean {
  return within(text, ACS_URL_BYTES_MAX) !== undefined && isHttpUrl(text)
}

/** True for a URL of http or https with a host and without spaces; nothing more is checked. */
export function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^\s/]\S*$/i.test(text)
}

function within(text: string | undefined, bytesMax: number): string | undefined {
  return text !== undefined && utf8Bytes(text).length <= bytesMax ? text : undefined
}

function digits(text: string | undefined): string | undefined {
  return text !== undefined && text.length <= RETRY_DIGITS_MAX && /^[0-9]+$/.test(text) ? text : undefined
}
