/** Who calls the ACS and what that is worth. Source: TR-069 §2.4, §11; docs/security.md "What each proof opens". */
import { createHash, createHmac } from 'node:crypto'
import type { DeviceFacts } from '../devices/mod.ts'

/** How a caller proved itself. */
export type Proof = 'certified' | 'credentialed'

/** What is done with a certified device that nobody has registered. */
export type UnknownPolicy = 'refuse' | 'quarantine' | 'register'

/** What a device says of itself in its Inform. */
export interface DeviceId {
  readonly manufacturer: string
  readonly oui: string
  readonly productClass: string
  readonly serialNumber: string
}

/** Whether an Inform names the device that the caller proved to be. Letters count the same in either case. */
export function isSameDevice(deviceId: DeviceId, facts: DeviceFacts): boolean {
  return deviceId.serialNumber.trim().toUpperCase() === facts.device.serial.toUpperCase()
}

/** Passwords, keys and download credentials go over TLS to a device that proved itself, and nowhere else. */
export function secretsMayGo(overTls: boolean, proof: Proof | undefined): boolean {
  return overTls && proof !== undefined
}

const MAC_CHARS = 22
const HASH_HEX_CHARS = 32

/** A keyed hash of one value of one path: tells whether it changed, and nothing else. */
export function valueMac(key: Uint8Array, mac: string, path: string, value: string): string {
  return createHmac('sha256', key).update(`${mac}\u0000${path}\u0000${value}`).digest('base64url').slice(0, MAC_CHARS)
}

export function textHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_HEX_CHARS)
}

/** ParameterKey is at most 32 characters [TR-069 §7]. */
export function parameterKeyOf(fingerprint: string): string {
  return fingerprint.slice(0, 24)
}
