import { utf8Bytes } from '../../bytes.ts'
import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import { decodeForumSubOptions, encodeForumSubOptions, encodeText, firstText, problem } from './vendor-data.ts'
import type { DhcpProblem, SubOption } from './vendor-data.ts'

/** Who a phone or a gateway is. Source: TR-069 §9.3. */
export interface Identity {
  /** 6 hex digits, as sent. */
  readonly oui: string
  readonly serialNumber: string
  /** undefined where it is empty. */
  readonly productClass?: string | undefined
}

/** The identities in one option 125; undefined where OUI or serial number are missing or cannot be meant. */
export interface GatewayAssociation {
  readonly device: Identity | undefined
  readonly gateway: Identity | undefined
}

/** Longest serial number and product class, in bytes: the most that Device.GatewayInfo holds. */
export const IDENTITY_TEXT_BYTES_MAX = 64

/** Sub-options 1 to 3 are the phone's, 4 to 6 the gateway's [TR-069 §9.3]. */
const BASE_DEVICE = 0
const BASE_GATEWAY = 3

/** Reads both identities of option 125, enterprise 3561; others in the same option are skipped [TR-069 §9.3]. */
export function decodeGatewayOption125(payload: Uint8Array): Result<GatewayAssociation, DhcpProblem> {
  const subOptions = decodeForumSubOptions(payload)
  return subOptions.ok ? ok(readIdentities(subOptions.value)) : subOptions
}

/** @returns both identities among the sub-options of enterprise 3561. */
export function readIdentities(subOptions: readonly SubOption[]): GatewayAssociation {
  return { device: readIdentity(subOptions, BASE_DEVICE), gateway: readIdentity(subOptions, BASE_GATEWAY) }
}

/** @returns the identities that are there as sub-options, the phone's first; none if none is. */
export function writeIdentities(who: Partial<GatewayAssociation>): Result<readonly SubOption[], DhcpProblem> {
  const subOptions: SubOption[] = []
  for (const [identity, base] of [
    [who.device, BASE_DEVICE],
    [who.gateway, BASE_GATEWAY],
  ] as const) {
    if (identity === undefined) continue
    const written = writeIdentity(identity, base)
    if (!written.ok) return written
    subOptions.push(...written.value)
  }
  return ok(subOptions)
}

/** @returns the payload of option 125 that a phone sends in Discover, Request and Inform [TR-069 §9.3]. */
export function encodeDeviceOption125(device: Identity): Result<Uint8Array, DhcpProblem> {
  return encodeIdentities({ device })
}

/** @returns the payload of option 125 that a gateway sends in Offer and Ack [TR-069 §9.3]. */
export function encodeGatewayOption125(gateway: Identity): Result<Uint8Array, DhcpProblem> {
  return encodeIdentities({ gateway })
}

function readIdentity(subOptions: readonly SubOption[], base: number): Identity | undefined {
  const oui = firstText(subOptions, base + 1)
  const serialNumber = firstText(subOptions, base + 2)
  if (oui === undefined || serialNumber === undefined || !isOui(oui) || !fits(serialNumber)) return undefined
  const productClass = firstText(subOptions, base + 3)
  return {
    oui,
    serialNumber,
    productClass: productClass !== undefined && fits(productClass) ? productClass : undefined,
  }
}

function encodeIdentities(who: Partial<GatewayAssociation>): Result<Uint8Array, DhcpProblem> {
  const subOptions = writeIdentities(who)
  return subOptions.ok ? encodeForumSubOptions(subOptions.value) : subOptions
}

function writeIdentity(identity: Identity, base: number): Result<readonly SubOption[], DhcpProblem> {
  const { oui, productClass } = identity
  if (!isOui(oui)) {
    return problem('bad-value', `Cannot send OUI ${JSON.stringify(oui.slice(0, 80))}: expected 6 hex digits`)
  }
  const ouiBytes = encodeText('OUI', oui, IDENTITY_TEXT_BYTES_MAX)
  if (!ouiBytes.ok) return ouiBytes
  const serial = encodeText('serial number', identity.serialNumber, IDENTITY_TEXT_BYTES_MAX)
  if (!serial.ok) return serial
  const subOptions = [
    { code: base + 1, value: ouiBytes.value },
    { code: base + 2, value: serial.value },
  ]
  // An empty product class is left out, not sent with length 0 [TR-069 §9.3].
  if (productClass === undefined || productClass === '') return ok(subOptions)
  const kind = encodeText('product class', productClass, IDENTITY_TEXT_BYTES_MAX)
  return kind.ok ? ok([...subOptions, { code: base + 3, value: kind.value }]) : kind
}

function isOui(text: string): boolean {
  return /^[0-9a-f]{6}$/i.test(text)
}

function fits(text: string): boolean {
  return utf8Bytes(text).length <= IDENTITY_TEXT_BYTES_MAX
}
