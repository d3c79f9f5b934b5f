/** The ACS doors: HTTP and HTTPS on their own ports, one handler. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Millis } from '../../protocol/result.ts'
import { createLoopDelay, metrics } from '../metrics/mod.ts'
import { openPhoneTls, type TlsSettings } from '../tls/mod.ts'
import { createAuthenticator } from './authenticate.ts'
import { Room } from './body.ts'
import type { AcsContext } from './context.ts'
import { type Door, handle, type Visit } from './handle.ts'
import { refuse } from './respond.ts'
import type { Session } from './session.ts'
import { Sessions } from './sessions.ts'

/** A device may think for 30 s within a session [TR-069 §1.2]. */
const KEEP_ALIVE_MS = 35_000
const HEADER_BYTES_MAX = 16 * 1024
/** How often connections are looked through for those that are out of time. */
const LOOK_EVERY_MS = 5000
/** When the doors close, messages under way have so long to end. */
const CLOSING_MS = 500
const SWEEP_EVERY_MS = 1000

/** What strangers may take of a door: time and memory. */
export interface DoorLimits {
  readonly connectionsMax: number
  readonly handshakeMs: Millis
  readonly headersMs: Millis
  readonly requestMs: Millis
  /** A connection on which nothing moves in either direction, although something should. */
  readonly stuckMs: Millis
  /** What all bodies that are being read or answered may hold beyond the first 64 KiB of each. */
  readonly roomBytes: number
  /** New sessions are told to come later while the event loop is later than this. */
  readonly lateMs: Millis
}

/** Thirty of the largest answers at once: a device needs one in a session, when its whole tree is read. */
export const DOOR_LIMITS: DoorLimits = {
  connectionsMax: 20_000,
  handshakeMs: 20_000,
  headersMs: 15_000,
  requestMs: 60_000,
  stuckMs: 120_000,
  roomBytes: 256 * 1024 * 1024,
  lateMs: 500,
}

export interface AcsDoorOptions {
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  readonly nonceKey: Uint8Array
  readonly context: AcsContext
  readonly limits?: DoorLimits
}

export interface AcsDoors {
  readonly port: number
  readonly tlsPort: number
  /** Whether a session with the device is under way. */
  isCalling(mac: string): boolean
  renewTls(tls: TlsSettings): void
  close(): Promise<void>
}

/** Opens both or none. @param named names each door in the error of a port that cannot be had */
export async function listenAcs(
  options: AcsDoorOptions,
  tls: TlsSettings,
  named: (which: 'plain' | 'tls', open: () => Promise<Opened>) => Promise<Opened>,
): Promise<AcsDoors> {
  const { context, host, limits = DOOR_LIMITS } = options
  const loopDelay = createLoopDelay()
  const sessions = new Sessions<Session>(context.limits, (session) => lost(context, session))
  const door: Door = {
    context,
    sessions,
    authenticator: createAuthenticator({ ...context, nonceKey: options.nonceKey }),
    overloaded: () => loopDelay.currentMs() > limits.lateMs,
    reading: { count: 0 },
    room: new Room(limits.roomBytes),
  }
  const sweeping = setInterval(() => sessions.sweep(context.now()), SWEEP_EVERY_MS).unref()
  const forget = metrics.addGauge('offhook_acs_sessions', 'TR-069 sessions under way', {}, () => sessions.count)
  const secure = openPhoneTls({ ...httpLimits(limits), handshakeTimeout: limits.handshakeMs }, tls)
  secure.server.on('tlsClientError', (_error, socket: TLSSocket) => socket.destroy())
  const opened: Opened[] = []
  async function close(): Promise<void> {
    clearInterval(sweeping)
    forget()
    loopDelay.close()
    await Promise.all(opened.map((each) => each.close()))
  }
  try {
    const plain = await named('plain', () =>
      open(createHttpServer(httpLimits(limits)), door, () => undefined, { host, port: options.port, limits }),
    )
    opened.push(plain)
    const withTls = await named('tls', () =>
      open(secure.server, door, () => secure.current().prove, { host, port: options.tlsPort, limits }),
    )
    opened.push(withTls)
    return {
      port: plain.port,
      tlsPort: withTls.port,
      isCalling: (mac) => sessions.has(mac),
      renewTls: secure.renew,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function lost(context: AcsContext, session: Session): void {
  // Of a device that is told nothing, nothing is left undone.
  if (session.mayEnd || !session.party.served) return
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

function httpLimits({ headersMs, requestMs }: DoorLimits) {
  return {
    maxHeaderSize: HEADER_BYTES_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.min(LOOK_EVERY_MS, headersMs),
  }
}

async function open(
  server: Server,
  door: Door,
  prove: () => Visit['prove'],
  at: { readonly host: string; readonly port: number; readonly limits: DoorLimits },
): Promise<Opened> {
  server.maxConnections = at.limits.connectionsMax
  server.setTimeout(at.limits.stuckMs)
  const connections = connectionsOf(server)
  const heard = new WeakSet<Duplex>()
  server.on('clientError', (error, socket) => turnAway(error, socket, heard.has(socket)))
  const take = (message: IncomingMessage, response: ServerResponse): void => {
    heard.add(message.socket)
    serve({ door, message, response, prove: prove(), hold: door.room.hold() })
  }
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
        setTimeout(() => {
          for (const connection of connections) connection.destroy()
        }, CLOSING_MS).unref()
      }),
  }
}

/** All that are open, also those that have not come to HTTP yet: a server is closed when the last of them is. */
function connectionsOf(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return open
}

/** What is no HTTP. @param isHeard after a request its answer may be on the way, which a second one would spoil */
function turnAway(error: NodeJS.ErrnoException, socket: Duplex, isHeard: boolean): void {
  if (isHeard || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = STATUS_OF_ERROR[error.code ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}

const STATUS_OF_ERROR: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

function serve(visit: Visit): void {
  const { door, message, response, hold } = visit
  const answered = handle(visit).then(
    (sent) => metrics.acs.inc({ outcome: sent }),
    (error: unknown) => {
      metrics.acs.inc({ outcome: 'failed' })
      const session = door.sessions.find(message.headers.cookie, message.socket)
      if (session !== undefined) door.sessions.lose(session)
      door.context.log.error({ err: error }, 'a message to the ACS could not be answered')
      if (response.headersSent) response.destroy()
      else refuse(visit, 503, 'Come later', { 'retry-after': '30' })
    },
  )
  void answered.finally(() => hold.release())
}
