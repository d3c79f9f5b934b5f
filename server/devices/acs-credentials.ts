/**
 * The passwords of a device for TR-069, both ways. They are made of its own secret, so that they change with it and
 * nothing more has to be kept. Source: TR-069 §2.4, §8.1.
 */
import { createHmac } from 'node:crypto'
import type { DeviceFacts, DeviceSecrets } from './types.ts'

export interface AcsCredentials {
  /** ACS_Username, ACS_Password: the phone proves itself with them. */
  readonly username: string
  readonly password: string
  /** Connection_Request_Username, Connection_Request_Password: we prove ourselves to the phone with them. */
  readonly connectionRequestUsername: string
  readonly connectionRequestPassword: string
}

/** 144 bits. */
const PASSWORD_CHARS = 24

/** Secrets are values: what is made of them is made once. */
const made = new WeakMap<DeviceSecrets, AcsCredentials>()

/** @returns undefined for a device that has no secret of its own: it was never bound */
export function acsCredentials({
  device,
  secrets,
}: Pick<DeviceFacts, 'device' | 'secrets'>): AcsCredentials | undefined {
  if (secrets === undefined) return undefined
  const known = made.get(secrets)
  if (known !== undefined) return known
  const passwordFor = (purpose: string): string =>
    createHmac('sha256', secrets.uidPassword).update(`tr069/${purpose}`).digest('base64url').slice(0, PASSWORD_CHARS)
  const credentials = {
    username: device.mac,
    password: passwordFor('acs'),
    connectionRequestUsername: `offhook-${device.mac}`,
    connectionRequestPassword: passwordFor('connection-request'),
  }
  made.set(secrets, credentials)
  return credentials
}
