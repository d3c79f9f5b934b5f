/**
 * The phone's own web server: sockets only, the pages are the agent's. It follows what the agent says of itself:
 * Enable_Web_Server, Enable_Protocol, Web_Server_Port (MPP §7.2). The listener for connection requests is one as well.
 */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Millis } from '../../protocol/result.ts'
import type { PhoneEvent, WebRequest, WebResponse } from '../agent/mod.ts'
import type { ShellTls } from './trust.ts'

/** A request body, as `WebRequest` promises. */
export const WEB_BODY_BYTES_MAX = 1024 * 1024
/** Visitors at once; a real phone serves fewer. */
const CONNECTIONS_MAX = 32
/** For a request to arrive, and for an answer to be read. */
const PATIENCE_MS: Millis = 30_000
/** What a slow visitor gets to read its last answer when the server stops listening. */
const FAREWELL_MS: Millis = 1000

export interface WebWish {
  readonly enabled: boolean
  readonly port: number
  readonly tls: boolean
}

export interface WebDoorOptions {
  /** What watchers are told of: the pages, or the listener for connection requests. */
  readonly what: DoorNames
  /** Undefined: there is no address to listen on yet. */
  readonly host: () => string | undefined
  /** Instead of the agent's port; 0: any free one, which then stays. */
  readonly port: number | undefined
  readonly tls: ShellTls
  readonly request: (id: number, request: WebRequest) => void
  readonly say: (event: PhoneEvent) => void
  /** Several doors may share their numbers, so that each answer finds its request. */
  readonly nextId: () => number
  /** The wish is fulfilled, or has failed: the port, undefined while nobody can come in. */
  readonly changed?: (port: number | undefined) => void
}

/** The name of the events of a door, and what it is called. */
export interface DoorNames {
  readonly event: 'web-server' | 'connection-request-listener'
  readonly title: string
}

export interface WebDoor {
  /** undefined: not listening. */
  url(): string | undefined
  /** undefined: not listening. */
  port(): number | undefined
  /** Brings the socket in line with the wish, in the background. */
  follow(wish: WebWish): void
  /** Resolves when the last wish is fulfilled, or has failed and was told. */
  settled(): Promise<void>
  respond(id: number, response: WebResponse): void
  /** Cuts off everybody who has no answer yet. */
  dropRequests(): void
  /** Stops listening and cuts everybody off. */
  close(): Promise<void>
}

/** A wish, and where. */
interface Place extends WebWish {
  readonly host: string
}

const OFF: Place = { enabled: false, port: 0, tls: false, host: '' }

export function createWebDoor(options: WebDoorOptions): WebDoor {
  return new Door(options)
}

class Door implements WebDoor {
  readonly #options: WebDoorOptions
  readonly #waiting = new Map<number, ServerResponse>()
  #wish: Place = OFF
  #actual: Place = OFF
  #server: Server | undefined
  #port: number | undefined
  #work: Promise<void> = Promise.resolve()
  #working = false

  constructor(options: WebDoorOptions) {
    this.#options = options
  }

  url(): string | undefined {
    const { host } = this.#actual
    if (this.#server === undefined || this.#port === undefined) return undefined
    const shown = /^(?:0\.0\.0\.0|::|)$/.test(host) ? 'localhost' : isIP(host) === 6 ? `[${host}]` : host
    return `${this.#actual.tls ? 'https' : 'http'}://${shown}:${this.#port}/`
  }

  port(): number | undefined {
    return this.#server === undefined ? undefined : this.#port
  }

  follow(wish: WebWish): void {
    const host = this.#options.host()
    this.#wish = wish.enabled && host !== undefined ? { ...wish, host, port: this.#options.port ?? wish.port } : OFF
    if (this.#working || samePlace(this.#wish, this.#actual)) return
    this.#working = true
    this.#work = this.#fulfil()
  }

  settled(): Promise<void> {
    return this.#work
  }

  async #fulfil(): Promise<void> {
    while (!samePlace(this.#wish, this.#actual)) {
      const wish = this.#wish
      await this.#stopListening('patiently')
      // Also when it fails: the same wish is not tried again and again.
      this.#actual = wish
      if (wish.enabled) await this.#listen(wish)
      this.#options.changed?.(this.#server === undefined ? undefined : this.#port)
    }
    this.#working = false
  }

  async #listen(wish: Place): Promise<void> {
    const { tls, say, what } = this.#options
    const { host } = wish
    if (wish.tls && (tls.certPem === undefined || tls.keyPem === undefined)) {
      return say(failed(what, 'Enable_Protocol is Https, but this phone has no certificate'))
    }
    const port = wish.port === 0 ? (this.#port ?? 0) : wish.port
    try {
      this.#server = await openServer(() => this.#newServer(wish), host, wish.port === 0 ? [port, 0] : [port])
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code
      const why =
        code === 'EADDRINUSE' ? 'another program uses it' : code === 'EACCES' ? 'that needs a privilege' : String(cause)
      const advice = `Another port can be chosen for the ${what.title.toLowerCase()}`
      return say(failed(what, `Cannot listen on ${host} port ${port}: ${why}. ${advice}`))
    }
    const address = this.#server.address()
    this.#port = typeof address === 'object' && address !== null ? address.port : port
    const data = { url: this.url() ?? '', enabled: true }
    say({ name: what.event, text: `${what.title} at ${this.url()}`, data })
  }

  #newServer(wish: WebWish): Server {
    const { certPem, keyPem } = this.#options.tls
    const limits = { requestTimeout: PATIENCE_MS, headersTimeout: PATIENCE_MS, keepAlive: true }
    const handle = (request: IncomingMessage, response: ServerResponse): void => this.#receive(request, response)
    const server: Server =
      wish.tls && certPem !== undefined && keyPem !== undefined
        ? createHttpsServer({ ...limits, cert: certPem, key: keyPem, minVersion: 'TLSv1.2' }, handle)
        : createHttpServer(limits, handle)
    server.maxConnections = CONNECTIONS_MAX
    server.timeout = PATIENCE_MS
    // Somebody who speaks no TLS, or no HTTP, is no matter of the phone.
    server.on('clientError', (_cause, socket) => socket.destroy())
    return server
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Uint8Array[] = []
    let byteCount = 0
    request.on('data', (chunk: Uint8Array) => {
      byteCount += chunk.length
      if (byteCount <= WEB_BODY_BYTES_MAX) chunks.push(chunk)
      else if (!response.headersSent) refuse(response)
    })
    // A visitor who leaves early shows as an unanswered response.
    request.on('error', () => undefined)
    request.on('end', () => {
      if (byteCount > WEB_BODY_BYTES_MAX) return
      const id = this.#options.nextId()
      this.#waiting.set(id, response)
      response.on('close', () => this.#waiting.delete(id))
      this.#options.request(id, webRequest(request, new Uint8Array(Buffer.concat(chunks, byteCount))))
    })
  }

  respond(id: number, answer: WebResponse): void {
    const response = this.#waiting.get(id)
    if (response === undefined) return
    this.#waiting.delete(id)
    const body = Buffer.from(answer.body, 'utf8')
    // One request for each connection: whoever is answered does not hold up a reboot.
    const own = [
      ['Connection', 'close'],
      ['Content-Length', String(body.length)],
    ] as const
    response.writeHead(answer.status, [...answer.headers, ...own].flat())
    response.end(body)
  }

  dropRequests(): void {
    for (const response of this.#waiting.values()) response.destroy()
    this.#waiting.clear()
  }

  async close(): Promise<void> {
    this.#wish = OFF
    await this.#work
    this.#actual = OFF
    this.dropRequests()
    await this.#stopListening('at once')
  }

  #stopListening(how: 'patiently' | 'at once'): Promise<void> {
    const server = this.#server
    if (server === undefined) return Promise.resolve()
    this.#server = undefined
    const { say, what } = this.#options
    say({ name: what.event, text: `${what.title} off`, data: { url: null, enabled: false } })
    return new Promise((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), how === 'at once' ? 0 : FAREWELL_MS)
      server.close(() => {
        clearTimeout(timer)
        resolve()
      })
      server.closeIdleConnections()
    })
  }
}

/** Tries the ports in turn: one that was chosen for us may be taken by now. */
async function openServer(make: () => Server, host: string, ports: readonly number[]): Promise<Server> {
  const [port = 0, ...others] = ports
  try {
    return await listenOn(make(), host, port)
  } catch (cause) {
    if (others.length === 0) throw cause
    return openServer(make, host, others)
  }
}

function listenOn(server: Server, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      // For example out of file descriptors: the visitor is turned away, the server goes on.
      server.on('error', () => undefined)
      resolve(server)
    })
  })
}

function webRequest(request: IncomingMessage, body: Uint8Array): WebRequest {
  const { socket, method = 'GET', url: target = '/' } = request
  const headers = new Map(
    Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
    ),
  )
  const peerAddress = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  return { method, target, headers, body, peerAddress, tls: (socket as TLSSocket).encrypted === true }
}

function refuse(response: ServerResponse): void {
  response.writeHead(413, { Connection: 'close', 'Content-Type': 'text/plain' })
  response.end('The body is too large.\n')
}

function failed(what: DoorNames, text: string): PhoneEvent {
  return { name: `${what.event}-failed`, text, data: {} }
}

function samePlace(a: Place, b: Place): boolean {
  return a.enabled === b.enabled && a.port === b.port && a.tls === b.tls && a.host === b.host
}
