/**
 * Keys that seal the session tickets of phones (RFC 5077 §4, RFC 8446 §4.6.1). All processes derive the same ones, so a
 * phone resumes with any of them; nothing is stored. They change each day, with the device CAs and with the server's
 * certificate: a ticket that was made when a CA was still trusted opens nothing afterwards.
 */
import { createHmac } from 'node:crypto'
import type { Millis } from '../../../protocol/result.ts'

/** What Node takes: name, key and integrity key, 16 bytes each. */
const TICKET_KEY_BYTES = 48
const DAY_MS: Millis = 86_400_000

/**
 * @param secret of the platform
 * @param trust  whatever must end all tickets when it changes, e.g. fingerprints of device CAs and the certificate
 */
export function ticketKeysOn(secret: Uint8Array, trust: readonly string[], now: Millis): Buffer {
  const day = Math.floor(now / DAY_MS)
  const text = ['tls-tickets', String(day), ...trust.toSorted()].join('\n')
  return createHmac('sha512', secret).update(text).digest().subarray(0, TICKET_KEY_BYTES)
}
