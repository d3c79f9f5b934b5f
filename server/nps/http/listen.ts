/** The HTTP and HTTPS doors: plain node servers, one handler. TLS of phones ends here. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import { assert, assertNever, type Millis } from '../../../protocol/result.ts'
import { createLoopDelay, metrics, type RequestOutcome } from '../../metrics/mod.ts'
import type { DoorName, FirmwareFacts, ProvenCertificate } from '../../fetch/mod.ts'
import { type Delivery, serveFetch, type ServeContext } from '../serve.ts'
import { Admission } from './admission-gate.ts'
import { type AdmissionLimits, limitsOfMachine, retryAfterSeconds } from './admission.ts'
import { type Challenges, challengeToken } from './challenge.ts'
import { isProblemReport, type ProblemReports, takeProblemReport } from './problem-report.ts'
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
/** A phone behind a poor link has so long for its handshake; Node's own two minutes would hold sockets for nothing. */
const HANDSHAKE_TIMEOUT_MS = 20_000
/** How soon a new day, which has new ticket keys, is noticed. */
const TICKET_KEYS_EVERY_MS = 10 * 60_000
/** Ends a run of a phone with an empty file: to turn it away would only bring the whole run back. */
const ACKNOWLEDGEMENT = '/cisco-ack'

export interface HttpDoorOptions {
  readonly host: string
  readonly port: number
  readonly context: ServeContext
  readonly firmwarePath: (file: FirmwareFacts) => string
  readonly onError: (error: unknown) => void
  /** Where archives of phones are kept; none: they are refused like any other unknown path. */
  readonly problemReports?: ProblemReports
  /** What a certificate authority may look for here; none: such paths are unknown. */
  readonly challenge?: Challenges
  /** What the door may take on at once; by default what suits a machine of which nothing is known. */
  readonly admission?: AdmissionLimits
}

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

export interface HttpDoor {
  readonly port: number
  /** New certificate or new device CAs, without a restart; sessions made under other ticket keys are not resumed. */
  renewTls(tls: TlsSettings): void
  readonly admission: Admission
  close(): Promise<void>
}

export function listenHttp(options: HttpDoorOptions): Promise<HttpDoor> {
  const door = doorOf('http', options)
  const server = createHttpServer(limits(), (message, response) => {
    void handle(door, undefined, message, response)
  })
  return open(server, door, () => undefined)
}

export function listenHttps(options: HttpDoorOptions, tls: TlsSettings): Promise<HttpDoor> {
  let current = tls
  const door = doorOf('https', options)
  const server = createHttpsServer(
    {
      ...limits(),
      ...secureContext(tls),
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    },
    (message, response) => {
      void handle(door, current, message, response)
    },
  )
  admitHandshakes(server, door.admission)
  const rotation = setInterval(() => {
    const keys = current.ticketKeys?.(Date.now())
    if (keys !== undefined) server.setTicketKeys(keys)
  }, TICKET_KEYS_EVERY_MS).unref()
  server.on('close', () => clearInterval(rotation))
  return open(server, door, (renewed) => {
    current = renewed
    server.setSecureContext(secureContext(renewed))
  })
}

/** One listening door. */
interface Door {
  readonly name: Extract<DoorName, 'http' | 'https'>
  readonly options: HttpDoorOptions
  readonly admission: Admission
  readonly closeAdmission: () => void
}

function doorOf(name: Door['name'], options: HttpDoorOptions): Door {
  const loopDelay = createLoopDelay()
  const admission = new Admission({
    ...(options.admission === undefined ? {} : { limits: options.admission }),
    loopDelayMs: () => loopDelay.currentMs(),
    now: () => performance.now(),
    onUnusual(outcome) {
      metrics.admission.inc({ outcome })
      options.context.signals.overloaded(outcome)
    },
  })
  // Limits that were given stand, whatever the machine can do.
  if (options.admission === undefined) {
    options.context.signals.onMachine((perSecond) => admission.setLimits(limitsOfMachine(perSecond)))
  }
  return {
    name,
    options,
    admission,
    closeAdmission() {
      admission.close()
      loopDelay.close()
    },
  }
}

/** Puts admission control between a new connection and TLS, which is all that listens to new connections. */
function admitHandshakes(server: TlsServer, admission: Admission): void {
  const begins = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    admission.connection(socket, () => {
      for (const begin of begins) Reflect.apply(begin, server, [socket])
    })
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    admission.ended(socket)
    metrics.handshakes.inc({ outcome: socket.isSessionReused() ? 'resumed' : 'full' })
  })
  server.on('tlsClientError', (_error, socket: TLSSocket) => {
    admission.ended(socket)
    metrics.handshakes.inc({ outcome: 'failed' })
  })
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

function limits() {
  return {
    maxHeaderSize: HEADER_BYTES_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
  }
}

async function open(server: Server, door: Door, renewTls: (tls: TlsSettings) => void): Promise<HttpDoor> {
  const { options, name, admission } = door
  server.maxConnections = CONNECTIONS_MAX
  // A phone that breaks its handshake or its request off is the phone's affair.
  server.on('tlsClientError', () => undefined)
  server.on('clientError', (_error, socket) => socket.destroy())
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(options.port, options.host, listening)
  })
  server.on('error', options.onError)
  const forget = metrics.addGauge('offhook_open_connections', 'Connections by door', { door: name }, () =>
    connectionsOf(server),
  )
  return {
    port: (server.address() as AddressInfo).port,
    renewTls,
    admission,
    close() {
      forget()
      door.closeAdmission()
      return closeServer(server)
    },
  }
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((known, failed) => {
    server.getConnections((error, count) => (error === null ? known(count) : failed(error)))
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((closed) => {
    server.close(() => closed())
    server.closeIdleConnections()
    setTimeout(() => server.closeAllConnections(), 500).unref()
  })
}

async function handle(
  door: Door,
  tls: TlsSettings | undefined,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const cameAt = performance.now()
  const always = message.url?.startsWith(ACKNOWLEDGEMENT) === true
  const outcome = door.admission.request(always)
    ? await answer(door, tls, message, response, cameAt)
    : later(message, response)
  metrics.requests.inc({ door: door.name, outcome })
  metrics.observeRequest(door.name, performance.now() - cameAt)
}

/** What was asked for in vain: the phone keeps what it has, and comes back when it is told to (MPP §5.6, class C). */
function later(message: IncomingMessage, response: ServerResponse): RequestOutcome {
  message.resume()
  unavailable(response, retryAfterSeconds(Math.random()))
  return 'later'
}

async function answer(
  { admission, name, options }: Door,
  tls: TlsSettings | undefined,
  message: IncomingMessage,
  response: ServerResponse,
  cameAt: number,
): Promise<RequestOutcome> {
  try {
    const certificate = tls?.prove(message.socket as TLSSocket)
    const { context, problemReports } = options
    const token = options.challenge === undefined ? undefined : challengeToken(message.url)
    const authorization = token === undefined ? undefined : await options.challenge?.(token)
    if (authorization !== undefined) return sendAuthorization(message, response, authorization)
    if (problemReports !== undefined && isProblemReport(message)) {
      const sent = fetchRequestOf(message, name, certificate, undefined)
      if (sent !== undefined) return await takeProblemReport({ context, problemReports }, sent, message, response)
    }
    const upload = message.method === 'POST' || message.method === 'PUT'
    const body = upload ? await readBody(message) : undefined
    const request = fetchRequestOf(message, name, certificate, body)
    const unreadable = request === undefined || (upload && body === undefined)
    const delivery = unreadable ? undefined : await serveFetch(options.context, request)
    if (unreadable || delivery === undefined || delivery.kind === 'refusal') {
      await pause(Math.max(0, Math.ceil(REFUSAL_AFTER_MS - (performance.now() - cameAt))))
      refuse(response)
      return 'refused'
    }
    await respond(response, request, delivery, options.firmwarePath)
    return outcomeOf(delivery)
  } catch (error) {
    // The peer went away, or the machine failed: the phone comes back either way.
    if (response.headersSent || message.destroyed) response.destroy()
    else unavailable(response, retryAfterSeconds(Math.random()))
    assert(error instanceof Error, 'what is thrown is an Error')
    if (!message.destroyed) options.onError(error)
    return 'failed'
  } finally {
    admission.requestEnded()
  }
}

/** RFC 8555 §8.3: the key authorization and nothing else. */
function sendAuthorization(message: IncomingMessage, response: ServerResponse, authorization: string): RequestOutcome {
  message.resume()
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': Buffer.byteLength(authorization),
    'cache-control': 'no-store',
  })
  response.end(message.method === 'HEAD' ? undefined : authorization)
  return 'file'
}

/** The word of a delivery in the metrics. */
function outcomeOf(delivery: Delivery): RequestOutcome {
  switch (delivery.kind) {
    case 'bytes':
      return 'profile'
    case 'refusal':
      return 'refused'
    case 'file':
    case 'empty':
    case 'challenge':
    case 'later':
      return delivery.kind
    default:
      return assertNever(delivery)
  }
}
