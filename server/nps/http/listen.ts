/** The HTTP and HTTPS doors: plain node servers, one handler. TLS of phones ends here. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { assert } from '../../../protocol/result.ts'
import type { DoorName, FirmwareFacts, ProvenCertificate } from '../../fetch/mod.ts'
import { serveFetch, type ServeContext } from '../serve.ts'
import { fetchRequestOf, readBody } from './request.ts'
import { refuse, respond, unavailable } from './respond.ts'

const HEADERS_TIMEOUT_MS = 15_000
const REQUEST_TIMEOUT_MS = 60_000
const KEEP_ALIVE_MS = 15_000
const HEADER_BYTES_MAX = 16 * 1024
/**
 * A refusal is sent so long after its request came: what was looked up for it, in memory or once in the database, must
 * not be told by the time that it took.
 */
const REFUSAL_AFTER_MS = 5
/** Sockets at once on one door; beyond it new ones are refused by the kernel's queue. */
const CONNECTIONS_MAX = 20_000

export interface HttpDoorOptions {
  readonly host: string
  readonly port: number
  readonly context: ServeContext
  readonly firmwarePath: (file: FirmwareFacts) => string
  readonly onError: (error: unknown) => void
}

export interface TlsSettings {
  readonly certPem: string
  readonly keyPem: string
  /** Device CAs in force, PEM: named in the certificate request. */
  readonly caPems: readonly string[]
  /** Who the socket's client certificate proves it to be. */
  readonly prove: (socket: TLSSocket) => ProvenCertificate | undefined
}

export interface HttpDoor {
  readonly port: number
  /** New certificate or new device CAs, without a restart; sessions made before are not resumed. */
  renewTls(tls: TlsSettings): void
  close(): Promise<void>
}

export function listenHttp(options: HttpDoorOptions): Promise<HttpDoor> {
  const server = createHttpServer(limits(), (message, response) => {
    void handle(options, 'http', undefined, message, response)
  })
  return open(server, options, () => undefined)
}

export function listenHttps(options: HttpDoorOptions, tls: TlsSettings): Promise<HttpDoor> {
  let current = tls
  const server = createHttpsServer(
    { ...limits(), ...secureContext(tls), requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' },
    (message, response) => {
      void handle(options, 'https', current, message, response)
    },
  )
  return open(server, options, (renewed) => {
    current = renewed
    server.setSecureContext(secureContext(renewed))
  })
}

function secureContext(tls: TlsSettings): { cert: string; key: string; ca: string[] } {
  return { cert: tls.certPem, key: tls.keyPem, ca: [...tls.caPems] }
}

function limits() {
  return {
    maxHeaderSize: HEADER_BYTES_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
  }
}

async function open(server: Server, options: HttpDoorOptions, renewTls: (tls: TlsSettings) => void): Promise<HttpDoor> {
  server.maxConnections = CONNECTIONS_MAX
  // A phone that breaks its handshake or its request off is the phone's affair.
  server.on('tlsClientError', () => undefined)
  server.on('clientError', (_error, socket) => socket.destroy())
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(options.port, options.host, listening)
  })
  server.on('error', options.onError)
  return {
    port: (server.address() as AddressInfo).port,
    renewTls,
    close: () => closeServer(server),
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((closed) => {
    server.close(() => closed())
    server.closeIdleConnections()
    setTimeout(() => server.closeAllConnections(), 500).unref()
  })
}

async function handle(
  options: HttpDoorOptions,
  door: Extract<DoorName, 'http' | 'https'>,
  tls: TlsSettings | undefined,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const cameAt = performance.now()
  try {
    const certificate = tls?.prove(message.socket as TLSSocket)
    const upload = message.method === 'POST' || message.method === 'PUT'
    const body = upload ? await readBody(message) : undefined
    const request = fetchRequestOf(message, door, certificate, body)
    const unreadable = request === undefined || (upload && body === undefined)
    const delivery = unreadable ? undefined : await serveFetch(options.context, request)
    if (unreadable || delivery === undefined || delivery.kind === 'refusal') {
      await pause(Math.max(0, Math.ceil(REFUSAL_AFTER_MS - (performance.now() - cameAt))))
      return refuse(response)
    }
    await respond(response, request, delivery, options.firmwarePath)
  } catch (error) {
    // The peer went away, or the machine failed: the phone comes back either way.
    if (response.headersSent || message.destroyed) response.destroy()
    else unavailable(response)
    assert(error instanceof Error, 'what is thrown is an Error')
    if (!message.destroyed) options.onError(error)
  }
}
