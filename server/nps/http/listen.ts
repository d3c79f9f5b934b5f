/** The HTTP and HTTPS doors: plain node servers, one handler. TLS of phones ends here. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import { assert, assertNever, type Millis } from '../../../protocol/result.ts'
import { createLoopDelay, metrics, type RequestOutcome } from '../../metrics/mod.ts'
import type { DoorName, FetchRequest, FirmwareFacts, ProvenCertificate } from '../../fetch/mod.ts'
import { openPhoneTls, type TlsSettings } from '../../tls/mod.ts'
import { type Delivery, serveFetchSoon, type ServeContext } from '../serve.ts'
import { Admission } from './admission-gate.ts'
import { type AdmissionLimits, limitsOfMachine, retryAfterSeconds } from './admission.ts'
import { type Challenges, challengeToken } from './challenge.ts'
import { isProblemReport, type ProblemReports, takeProblemReport } from './problem-report.ts'
import { createRefusals, type Refusals } from './refusals.ts'
import { fetchRequestOf, readBody } from './request.ts'
import { refuse, respond, unavailable } from './respond.ts'
import { createTogether, type Together } from './together.ts'

const HEADERS_TIMEOUT_MS = 15_000
const REQUEST_TIMEOUT_MS = 60_000
const KEEP_ALIVE_MS = 15_000
const HEADER_BYTES_MAX = 16 * 1024
/** Sockets at once on one door; beyond it new ones are refused by the kernel's queue. */
const CONNECTIONS_MAX = 20_000
/** A phone behind a poor link has so long for its handshake; Node's own two minutes would hold sockets for nothing. */
const HANDSHAKE_TIMEOUT_MS = 20_000
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
    handle({ door, tls: undefined, message, response, cameAt: performance.now() })
  })
  return open(server, door, () => undefined)
}

export function listenHttps(options: HttpDoorOptions, tls: TlsSettings): Promise<HttpDoor> {
  const door = doorOf('https', options)
  const { server, current, renew } = openPhoneTls({ ...limits(), handshakeTimeout: HANDSHAKE_TIMEOUT_MS }, tls)
  server.on('request', (message, response) => {
    handle({ door, tls: current(), message, response, cameAt: performance.now() })
  })
  admitHandshakes(server, door.admission)
  return open(server, door, renew)
}

/** One listening door. */
interface Door {
  readonly name: Extract<DoorName, 'http' | 'https'>
  readonly options: HttpDoorOptions
  readonly admission: Admission
  readonly closeAdmission: () => void
  readonly refusals: Refusals
  readonly together: Together
}

/** One request at a door. */
interface Visit {
  readonly door: Door
  readonly tls: TlsSettings | undefined
  readonly message: IncomingMessage
  readonly response: ServerResponse
  /** By `performance.now()`. */
  readonly cameAt: Millis
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
    refusals: createRefusals(),
    together: createTogether(),
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

function handle(visit: Visit): void {
  const { door, message, response } = visit
  if (!door.admission.request(message.url?.startsWith(ACKNOWLEDGEMENT))) {
    count(visit, later(message, response))
    return
  }
  try {
    const outcome = answer(visit)
    if (outcome instanceof Promise) {
      outcome.then(
        (known) => end(visit, known),
        (error: unknown) => end(visit, fail(visit, error)),
      )
    } else end(visit, outcome)
  } catch (error) {
    end(visit, fail(visit, error))
  }
}

function end(visit: Visit, outcome: Answered): void {
  const { door, response, cameAt } = visit
  if (outcome === 'refusing') {
    door.refusals.add(cameAt, () => {
      refuse(response)
      end(visit, 'refused')
    })
  } else if (typeof outcome === 'object') {
    door.together.add(() => sendReady(visit, outcome))
  } else {
    door.admission.requestEnded()
    count(visit, outcome)
  }
}

function sendReady(visit: Visit, { request, delivery }: Ready): void {
  const { door, response } = visit
  try {
    void respond(response, request, delivery, door.options.firmwarePath)
    end(visit, outcomeOf(delivery))
  } catch (error) {
    end(visit, fail(visit, error))
  }
}

function count({ door, cameAt }: Visit, outcome: RequestOutcome): void {
  metrics.requests.inc({ door: door.name, outcome })
  metrics.observeRequest(door.name, performance.now() - cameAt)
}

/** The peer went away, or the machine failed: the phone comes back either way. */
function fail({ door, message, response }: Visit, error: unknown): RequestOutcome {
  if (response.headersSent || message.destroyed) response.destroy()
  else unavailable(response, retryAfterSeconds(Math.random()))
  assert(error instanceof Error, 'what is thrown is an Error')
  if (!message.destroyed) door.options.onError(error)
  return 'failed'
}

/** What was asked for in vain: the phone keeps what it has, and comes back when it is told to (MPP §5.6, class C). */
function later(message: IncomingMessage, response: ServerResponse): RequestOutcome {
  message.resume()
  unavailable(response, retryAfterSeconds(Math.random()))
  return 'later'
}

/** An answer that is sent with others. */
interface Ready {
  readonly request: FetchRequest
  readonly delivery: Extract<Delivery, { kind: 'bytes' }>
}

/** `refusing` and what is ready are not said yet. */
type Answered = RequestOutcome | 'refusing' | Ready

/** At once where nothing has to be waited for. */
function answer(visit: Visit): Answered | Promise<Answered> {
  const { door, tls, message } = visit
  const certificate = tls?.prove(message.socket as TLSSocket)
  const token = door.options.challenge === undefined ? undefined : challengeToken(message.url)
  if (token !== undefined) return answerChallenge(visit, certificate, token)
  if (message.method === 'POST' || message.method === 'PUT') return answerUpload(visit, certificate)
  return answerFetch(visit, fetchRequestOf(message, door.name, certificate, undefined))
}

async function answerChallenge(
  visit: Visit,
  certificate: ProvenCertificate | undefined,
  token: string,
): Promise<Answered> {
  const { door, message, response } = visit
  const authorization = await door.options.challenge?.(token)
  if (authorization !== undefined) return sendAuthorization(message, response, authorization)
  return answerFetch(visit, fetchRequestOf(message, door.name, certificate, undefined))
}

async function answerUpload(visit: Visit, certificate: ProvenCertificate | undefined): Promise<Answered> {
  const { door, message, response } = visit
  const { context, problemReports } = door.options
  if (problemReports !== undefined && isProblemReport(message)) {
    const sent = fetchRequestOf(message, door.name, certificate, undefined)
    if (sent !== undefined) return takeProblemReport({ context, problemReports }, sent, message, response)
  }
  const body = await readBody(message)
  return body === undefined ? 'refusing' : answerFetch(visit, fetchRequestOf(message, door.name, certificate, body))
}

/** @param request undefined: it cannot be read */
function answerFetch(visit: Visit, request: FetchRequest | undefined): Answered | Promise<Answered> {
  if (request === undefined) return 'refusing'
  const delivery = serveFetchSoon(visit.door.options.context, request)
  if (delivery instanceof Promise) return delivery.then((known) => send(visit, request, known))
  return send(visit, request, delivery)
}

function send({ door, response }: Visit, request: FetchRequest, delivery: Delivery): Answered | Promise<Answered> {
  if (delivery.kind === 'refusal') return 'refusing'
  if (delivery.kind === 'bytes') return { request, delivery }
  const sending = respond(response, request, delivery, door.options.firmwarePath)
  const outcome = outcomeOf(delivery)
  return sending === undefined ? outcome : sending.then(() => outcome)
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
