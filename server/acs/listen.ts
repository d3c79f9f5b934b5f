/** The ACS doors: HTTP and HTTPS on their own ports, one handler. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Millis } from '../../protocol/result.ts'
import type { ProvenCertificate } from '../fetch/mod.ts'
import { createLoopDelay, metrics } from '../metrics/mod.ts'
import { createAuthenticator } from './authenticate.ts'
import type { AcsContext } from './context.ts'
import { type Door, handle, type Visit } from './handle.ts'
import type { Session } from './session.ts'
import { Sessions } from './sessions.ts'

const HEADERS_TIMEOUT_MS = 15_000
const REQUEST_TIMEOUT_MS = 60_000
/** A device may think for 30 s within a session [TR-069 §1.2]. */
const KEEP_ALIVE_MS = 35_000
const HEADER_BYTES_MAX = 16 * 1024
const CONNECTIONS_MAX = 20_000
const HANDSHAKE_TIMEOUT_MS = 20_000
const TICKET_KEYS_EVERY_MS = 10 * 60_000
const SWEEP_EVERY_MS = 1000
/** The event loop is so late that new sessions are sent away. */
const LATE_MS = 500

/** What the TLS door shows; whoever opens it knows where that comes from. */
export interface AcsTls {
  readonly certPem: string
  readonly keyPem: string
  readonly caPems: readonly string[]
  readonly prove: (socket: TLSSocket) => ProvenCertificate | undefined
  readonly ticketKeys?: (now: Millis) => Buffer
}

export interface AcsDoorOptions {
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  readonly nonceKey: Uint8Array
  readonly context: AcsContext
}

export interface AcsDoors {
  readonly port: number
  readonly tlsPort: number
  /** Whether a session with the device is under way. */
  isCalling(mac: string): boolean
  renewTls(tls: AcsTls): void
  close(): Promise<void>
}

/** Opens both or none. @param named names each door in the error of a port that cannot be had */
export async function listenAcs(
  options: AcsDoorOptions,
  tls: AcsTls,
  named: (which: 'plain' | 'tls', open: () => Promise<Opened>) => Promise<Opened>,
): Promise<AcsDoors> {
  const { context, host } = options
  const loopDelay = createLoopDelay()
  const sessions = new Sessions<Session>(context.limits, (session) => lost(context, session))
  const door: Door = {
    context,
    sessions,
    authenticator: createAuthenticator({ ...context, nonceKey: options.nonceKey }),
    overloaded: () => loopDelay.currentMs() > LATE_MS,
    reading: { count: 0 },
  }
  const sweeping = setInterval(() => sessions.sweep(context.now()), SWEEP_EVERY_MS).unref()
  const forget = metrics.addGauge('offhook_acs_sessions', 'TR-069 sessions under way', {}, () => sessions.count)
  const plain = await named('plain', () =>
    open(createHttpServer(limits()), door, () => undefined, { host, port: options.port }),
  )
  let current = tls
  const secure = createHttpsServer({
    ...limits(),
    ...secureContext(tls),
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  })
  secure.on('tlsClientError', (_error, socket: TLSSocket) => socket.destroy())
  const rotation = setInterval(() => {
    const keys = current.ticketKeys?.(Date.now())
    if (keys !== undefined) secure.setTicketKeys(keys)
  }, TICKET_KEYS_EVERY_MS).unref()
  async function closeBoth(opened: readonly Opened[]): Promise<void> {
    for (const timer of [sweeping, rotation]) clearInterval(timer)
    forget()
    loopDelay.close()
    await Promise.all(opened.map((each) => each.close()))
  }
  try {
    const withTls = await named('tls', () => open(secure, door, () => current.prove, { host, port: options.tlsPort }))
    return {
      port: plain.port,
      tlsPort: withTls.port,
      isCalling: (mac) => sessions.has(mac),
      renewTls(renewed) {
        current = renewed
        secure.setSecureContext(secureContext(renewed))
      },
      close: () => closeBoth([plain, withTls]),
    }
  } catch (error) {
    await closeBoth([plain])
    throw error
  }
}

function lost(context: AcsContext, session: Session): void {
  if (session.mayEnd) return
  const { mac, facts, proof, peer } = session.party
  context.note([
    {
      name: 'tr069.session-failed',
      trust: proof,
      mac,
      accountId: facts?.device.accountId,
      peer,
      data: { unanswered: session.unfinished },
    },
  ])
}

/** A door that listens. */
export interface Opened {
  readonly port: number
  close(): Promise<void>
}

function limits() {
  return {
    maxHeaderSize: HEADER_BYTES_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
  }
}

function secureContext(tls: AcsTls): { cert: string; key: string; ca: string[]; ticketKeys?: Buffer } {
  const ticketKeys = tls.ticketKeys?.(Date.now())
  return {
    cert: tls.certPem,
    key: tls.keyPem,
    ca: [...tls.caPems],
    ...(ticketKeys === undefined ? {} : { ticketKeys }),
  }
}

async function open(
  server: Server,
  door: Door,
  prove: () => Visit['prove'],
  at: { readonly host: string; readonly port: number },
): Promise<Opened> {
  server.maxConnections = CONNECTIONS_MAX
  server.on('clientError', (_error, socket) => socket.destroy())
  const take = (message: IncomingMessage, response: ServerResponse): void =>
    serve({ door, message, response, prove: prove() })
  server.on('request', take)
  // Whoever asks first is told who may go on before the body comes.
  server.on('checkContinue', take)
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(at.port, at.host, listening)
  })
  server.on('error', (error) => door.context.log.error({ err: error }, 'the ACS has trouble with its port'))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeIdleConnections()
        setTimeout(() => server.closeAllConnections(), 500).unref()
      }),
  }
}

function serve(visit: Visit): void {
  const { door, message, response } = visit
  handle(visit).then(
    (sent) => metrics.acs.inc({ outcome: sent }),
    (error: unknown) => {
      metrics.acs.inc({ outcome: 'failed' })
      const session = door.sessions.find(message.headers.cookie, message.socket)
      if (session !== undefined) door.sessions.lose(session)
      door.context.log.error({ err: error }, 'a message to the ACS could not be answered')
      if (response.headersSent || message.destroyed) response.destroy()
      else response.writeHead(503, { 'retry-after': '30', 'content-length': 0 }).end()
    },
  )
}
