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
  if (!subOptions.ok) return subOptions
  return ok({
    device: readIdentity(subOptions.value, BASE_DEVICE),
    gateway: readIdentity(subOptions.value, BASE_GATEWAY),
  })
}

/** @returns the payload of option 125 that a phone sends in Discover, Request and Inform [TR-069 §9.3]. */
export function encodeDeviceOption125(device: Identity): Result<Uint8Array, DhcpProblem> {
  return encodeIdentity(device, BASE_DEVICE)
}

/** @returns the payload of option 125 that a gateway sends in Offer and Ack [TR-069 §9.3]. */
export function encodeGatewayOption125(gateway: Identity): Result<Uint8Array, DhcpProblem> {
  return encodeIdentity(gateway, BASE_GATEWAY)
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

function encodeIdentity(identity: Identity, base: number): Result<Uint8Array, DhcpProblem> {
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
  if (productClass === undefined || productClass === '') return encodeForumSubOptions(subOptions)
  const kind = encodeText('product class', productClass, IDENTITY_TEXT_BYTES_MAX)
  return kind.ok ? encodeForumSubOptions([...subOptions, { code: base + 3, value: kind.value }]) : kind
}

function isOui(text: string): boolean {
  return /^[0-9a-f]{6}$/i.test(text)
}

function fits(text: string): boolean {
  return utf8Bytes(text).length <= IDENTITY_TEXT_BYTES_MAX
}
