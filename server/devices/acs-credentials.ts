/**
 * The passwords of a device for TR-069, both ways. They are made of its own secret, so that they change with it and
 * nothing more has to be kept. Source: TR-069 §2.4, §8.1.
 */
import { createHmac } from 'node:crypto'
import type { DeviceFacts } from './types.ts'

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

/** @returns undefined for a device that has no secret of its own: it was never bound */
export function acsCredentials({
  device,
  secrets,
}: Pick<DeviceFacts, 'device' | 'secrets'>): AcsCredentials | undefined {
  if (secrets === undefined) return undefined
  const made = (purpose: string): string =>
    createHmac('sha256', secrets.uidPassword).update(`tr069/${purpose}`).digest('base64url').slice(0, PASSWORD_CHARS)
  return {
    username: device.mac,
    password: made('acs'),
    connectionRequestUsername: `offhook-${device.mac}`,
    connectionRequestPassword: made('connection-request'),
  }
}
