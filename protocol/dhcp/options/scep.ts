import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import { isBareUrl, isHttpUrl } from './acs-discovery.ts'
import { decodeSubOptions, encodeSubOptions, encodeText, firstText, LENGTH_BYTE_MAX, problem } from './vendor-data.ts'
import type { DhcpProblem, SubOption } from './vendor-data.ts'

/** What option 43 tells a factory-reset phone about its SCEP server. Source: MPP §10.4. */
export interface ScepSettings {
  readonly fips: boolean
  /** http or https; as sent. */
  readonly url: string | undefined
  /** Of the root certificate: digest bytes, by which algorithm is not said. */
  readonly fingerprint: Uint8Array | undefined
  /** Secret: it enrols certificates. Never shown, never in a message. */
  readonly challenge: string | undefined
  readonly dot1x: boolean
  /** Whether 802.1X uses the certificate that SCEP gives instead of the manufacturer's. */
  readonly customCertificate: boolean
}

/** Sub-options 10 to 15; those of an ACS are 1 to 4, so one option may hold both [MPP §10.4, TR-069 §9.2]. */
const SCEP = { fips: 10, url: 11, fingerprint: 12, challenge: 13, dot1x: 14, customCertificate: 15 } as const
const CODES: readonly number[] = Object.values(SCEP)

/**
 * Reads option 43. undefined: it tells nothing about SCEP, and may be about an ACS. A value that cannot be meant is left
 * out [MPP §10.4].
 */
export function decodeScep(payload: Uint8Array): Result<ScepSettings | undefined, DhcpProblem> {
  // A bare URL of an ACS has no sub-options [TR-069 §9.2].
  if (isBareUrl(payload)) return ok(undefined)
  const read = decodeSubOptions(payload, 'padded')
  if (!read.ok) return read
  const ours = read.value.filter(({ code }) => CODES.includes(code))
  if (ours.length === 0) return ok(undefined)
  const url = firstText(ours, SCEP.url)
  const fingerprint = ours.find(({ code, value }) => code === SCEP.fingerprint && value.length > 0)?.value
  return ok({
    fips: isOn(ours, SCEP.fips),
    url: url !== undefined && isHttpUrl(url) ? url : undefined,
    fingerprint: fingerprint === undefined ? undefined : Uint8Array.from(fingerprint),
    challenge: firstText(ours, SCEP.challenge),
    dot1x: isOn(ours, SCEP.dot1x),
    customCertificate: isOn(ours, SCEP.customCertificate),
  })
}

/** @returns the payload of option 43 for SCEP, at most 255 bytes; what is off is left out [MPP §10.4]. */
export function encodeScep(settings: ScepSettings): Result<Uint8Array, DhcpProblem> {
  const { url, fingerprint, challenge } = settings
  if (url !== undefined && !isHttpUrl(url)) {
    return problem(
      'bad-value',
      'Cannot send the URL of a SCEP server: expected http:// or https://, a host, and no spaces',
    )
  }
  const parts: SubOption[] = []
  if (settings.fips) parts.push({ code: SCEP.fips, value: Uint8Array.of(1) })
  for (const [name, code, text] of [
    ['SCEP URL', SCEP.url, url],
    ['challenge password', SCEP.challenge, challenge],
  ] as const) {
    if (text === undefined) continue
    const value = encodeText(name, text, LENGTH_BYTE_MAX)
    if (!value.ok) return value
    parts.push({ code, value: value.value })
  }
  if (fingerprint !== undefined) parts.push({ code: SCEP.fingerprint, value: fingerprint })
  if (settings.dot1x) parts.push({ code: SCEP.dot1x, value: Uint8Array.of(1) })
  if (settings.customCertificate) parts.push({ code: SCEP.customCertificate, value: Uint8Array.of(1) })
  if (parts.length === 0) return problem('empty', 'Cannot send SCEP data without any field: give a URL at least')
  const payload = encodeSubOptions(parts.toSorted((a, b) => a.code - b.code))
  if (!payload.ok || payload.value.length <= LENGTH_BYTE_MAX) return payload
  return problem(
    'too-long',
    `Cannot send ${payload.value.length} bytes of SCEP data: shorten URL or challenge password until all together, ` +
      `with 2 bytes for each field, are at most ${LENGTH_BYTE_MAX} bytes`,
  )
}

/** One byte 01 switches on [MPP §10.4]. */
function isOn(subOptions: readonly SubOption[], code: number): boolean {
  const value = subOptions.find((subOption) => subOption.code === code)?.value
  return value?.length === 1 && value[0] === 1
}
