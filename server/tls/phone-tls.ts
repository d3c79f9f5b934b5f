import { createServer, type Server, type ServerOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Millis } from '../../protocol/result.ts'
import type { ProvenCertificate } from '../pki/mod.ts'

/** How soon a new day, which has new ticket keys, is noticed. */
const TICKET_KEYS_EVERY_MS = 10 * 60_000

export interface TlsSettings {
  readonly certPem: string
  readonly keyPem: string
  /** Device CAs in force, PEM: named in the certificate request. */
  readonly caPems: readonly string[]
  /** Who the socket's client certificate proves it to be. */
  readonly prove: (socket: TLSSocket) => ProvenCertificate | undefined
  /** What seals session tickets now; the same in all processes, so that a phone resumes with any of them. */
  readonly ticketKeys?: (now: Millis) => Buffer
}

export interface PhoneTls {
  /** Not listening yet. */
  readonly server: Server
  readonly current: () => TlsSettings
  /** New certificate or new device CAs, without a restart; sessions made under other ticket keys are not resumed. */
  readonly renew: (tls: TlsSettings) => void
}

/** @param options of the server, with the time that a handshake may take */
export function openPhoneTls(options: ServerOptions, tls: TlsSettings): PhoneTls {
  let current = tls
  const server = createServer({
    ...options,
    ...secureContext(tls),
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
  })
  const rotation = setInterval(() => {
    const keys = current.ticketKeys?.(Date.now())
    if (keys !== undefined) server.setTicketKeys(keys)
  }, TICKET_KEYS_EVERY_MS).unref()
  server.on('close', () => clearInterval(rotation))
  return {
    server,
    current: () => current,
    renew(renewed) {
      current = renewed
      server.setSecureContext(secureContext(renewed))
    },
  }
}

function secureContext(tls: TlsSettings): { cert: string; key: string; ca: string[]; ticketKeys?: Buffer } {
  const ticketKeys = tls.ticketKeys?.(Date.now())
  return {
    cert: tls.certPem,
    key: tls.keyPem,
    ca: [...tls.caPems],
    ...(ticketKeys === undefined ? {} : { ticketKeys }),
  }
}
