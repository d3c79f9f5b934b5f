/** One HTTP or HTTPS exchange on real sockets; every ending is a FetchOutcome. Source: MPP §11; RFC 9110. */
import type { LookupAddress } from 'node:dns'
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https'
import type { LookupFunction, Socket } from 'node:net'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import type { Millis } from '../../protocol/result.ts'
import type { FetchOutcome, FetchRequest } from '../agent/mod.ts'
import { localAddressFor, type Source } from './source.ts'
import { checkServerName, sniName, type Trust } from './trust.ts'

/** How long the phone is patient. */
export interface HttpTimes {
  /** For TCP and TLS to one address. */
  readonly connectMs: Millis
  /** Without a single byte. */
  readonly silenceMs: Millis
  /** For the whole answer; a load of 256 MiB takes a while. */
  readonly totalMs: Millis
}

export const DEFAULT_HTTP_TIMES: HttpTimes = { connectMs: 10_000, silenceMs: 30_000, totalMs: 900_000 }

/** Idle connections kept for one server, and how many may be open to it, when connections are kept at all. */
const IDLE_SOCKETS_MAX = 64
const SOCKETS_MAX = 256
const DETAIL_CHARS_MAX = 200

/** Where connections come from. */
export interface Connections {
  http(): HttpAgent | false
  /** Kept connections were checked against one set of roots, so each set has its own. */
  https(customCaPem: string | undefined): HttpsAgent | false
  close(): void
}

/** @param keepAlive  false: a connection for each exchange, as phones do it */
export function createConnections(keepAlive: boolean): Connections {
  const limits = { keepAlive: true, maxFreeSockets: IDLE_SOCKETS_MAX, maxSockets: SOCKETS_MAX }
  const http = new HttpAgent(limits)
  const https = new Map<string, HttpsAgent>()
  function httpsFor(customCaPem: string | undefined): HttpsAgent | false {
    if (!keepAlive) return false
    const key = customCaPem ?? ''
    const found = https.get(key)
    if (found !== undefined) return found
    // Phones that share connections seldom differ in their custom CA; a stranger gets connections of its own.
    if (https.size >= IDLE_SOCKETS_MAX) return false
    const made = new HttpsAgent(limits)
    https.set(key, made)
    return made
  }
  return {
    http: () => (keepAlive ? http : false),
    https: httpsFor,
    close() {
      http.destroy()
      for (const agent of https.values()) agent.destroy()
      https.clear()
    },
  }
}

export interface HttpHow {
  readonly trust: Trust
  readonly connections: Connections
  readonly times: HttpTimes
  readonly signal: AbortSignal
  readonly from?: Source | undefined
}

type Failure = Extract<FetchOutcome, { kind: 'failed' }>
/** How one try ended; `again` when nothing of the request can have reached a server. */
interface Attempt {
  readonly outcome: FetchOutcome
  readonly again: 'no' | 'next-address' | 'fresh-connection'
}

/** Tries the addresses in turn until one takes the connection. Never rejects. */
export async function exchangeHttp(
  request: FetchRequest,
  addresses: readonly LookupAddress[],
  how: HttpHow,
): Promise<FetchOutcome> {
  let outcome: FetchOutcome = failure('dns', 'no address')
  for (const address of addresses) {
    let attempt = await tryOnce(request, address, how)
    if (attempt.again === 'fresh-connection') attempt = await tryOnce(request, address, how)
    outcome = attempt.outcome
    if (attempt.again !== 'next-address' || how.signal.aborted) return outcome
  }
  return outcome
}

function tryOnce(request: FetchRequest, address: LookupAddress, how: HttpHow): Promise<Attempt> {
  return new Promise((resolve) => new Exchange(request, how, resolve).start(address))
}

class Exchange {
  readonly #request: FetchRequest
  readonly #how: HttpHow
  readonly #resolve: (attempt: Attempt) => void
  readonly #abort = (): void => this.#fail('broken', 'aborted')
  #phase: 'connect' | 'tls' | 'answer' = 'connect'
  #sent: ClientRequest | undefined
  #answered = false
  #settled = false
  #timer: NodeJS.Timeout | undefined
  #totalTimer: NodeJS.Timeout | undefined

  constructor(request: FetchRequest, how: HttpHow, resolve: (attempt: Attempt) => void) {
    this.#request = request
    this.#how = how
    this.#resolve = resolve
  }

  start(address: LookupAddress): void {
    const { times, signal } = this.#how
    if (signal.aborted) return this.#abort()
    signal.addEventListener('abort', this.#abort, { once: true })
    this.#totalTimer = setTimeout(() => this.#fail('timeout', 'the answer took too long'), times.totalMs)
    try {
      this.#send(address)
    } catch (cause) {
      // Node throws for what cannot be written: a control character in a path or header, a port that is none.
      this.#fail('bad-url', messageOf(cause))
    }
  }

  #send(address: LookupAddress): void {
    const { scheme, body } = this.#request
    const options = requestOptions(this.#request, address, this.#how)
    const sent = scheme === 'https' ? httpsRequest(options) : httpRequest(options)
    this.#sent = sent
    this.#wait(this.#how.times.connectMs, 'no connection in time')
    sent.on('socket', (socket) => this.#onSocket(socket))
    sent.on('response', (answer) => this.#onAnswer(answer))
    sent.on('error', (cause) => this.#onError(cause))
    sent.on('close', () => this.#fail('broken', 'the connection was closed without an answer'))
    if (body === undefined) sent.end()
    else sent.end(body)
  }

  #onSocket(socket: Socket): void {
    // The own address could not be had: its error follows.
    if (socket.destroyed) return
    if (this.#sent?.reusedSocket === true || !socket.connecting) return this.#connected()
    socket.once('connect', () => {
      this.#phase = 'tls'
      if (this.#request.scheme === 'http') this.#connected()
    })
    ;(socket as TLSSocket).once('secureConnect', () => this.#connected())
  }

  #connected(): void {
    this.#phase = 'answer'
    this.#wait(this.#how.times.silenceMs, 'no answer in time')
  }

  #onAnswer(answer: IncomingMessage): void {
    const { bytesMax } = this.#request
    this.#answered = true
    const peerAddress = (answer.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    if (Number(answer.headers['content-length'] ?? 0) > bytesMax) return this.#tooLarge()
    const chunks: Uint8Array[] = []
    let byteCount = 0
    answer.on('data', (chunk: Uint8Array) => {
      byteCount += chunk.length
      if (byteCount > bytesMax) return this.#tooLarge()
      chunks.push(chunk)
      this.#wait(this.#how.times.silenceMs, 'the answer stopped')
    })
    answer.on('error', (cause) => this.#onError(cause))
    answer.on('end', () => {
      const body = new Uint8Array(Buffer.concat(chunks, byteCount))
      const headers = headersOf(answer)
      if (!answer.complete) return this.#fail('broken', 'the answer ended early')
      this.#settle({ kind: 'response', status: answer.statusCode ?? 0, headers, body, peerAddress }, 'no')
    })
  }

  #tooLarge(): void {
    this.#fail('too-large', `the answer has more than ${this.#request.bytesMax} bytes`)
  }

  #onError(cause: Error): void {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    // A kept connection that the server closed at that very moment has served nothing.
    const stale = this.#sent?.reusedSocket === true && !this.#answered && /^(?:ECONNRESET|EPIPE)$/.test(code)
    if (stale) return this.#settle(failure('broken', messageOf(cause)), 'fresh-connection')
    // With TLS 1.3 a server refuses our certificate only after the handshake.
    const isTls = this.#phase === 'tls' || /^(?:ERR_SSL|ERR_TLS|EPROTO)/.test(code)
    this.#fail(isTls ? 'tls' : this.#phase === 'connect' ? 'connect' : 'broken', messageOf(cause))
  }

  #wait(ms: Millis, detail: string): void {
    if (this.#settled) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#fail('timeout', detail), ms)
  }

  #fail(reason: Failure['reason'], detail: string): void {
    const unreached = this.#phase === 'connect' && (reason === 'connect' || reason === 'timeout')
    this.#settle(failure(reason, detail), unreached ? 'next-address' : 'no')
  }

  #settle(outcome: FetchOutcome, again: Attempt['again']): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#timer)
    clearTimeout(this.#totalTimer)
    this.#how.signal.removeEventListener('abort', this.#abort)
    if (outcome.kind === 'failed') this.#sent?.destroy()
    this.#resolve({ outcome, again })
  }
}

function requestOptions(
  request: FetchRequest,
  address: LookupAddress,
  { trust, connections, from }: HttpHow,
): RequestOptions {
  const { scheme, host, port, path, method, headers, body } = request
  const name = request.certificateName ?? host
  const length = body === undefined ? [] : [['Content-Length', String(body.length)]]
  const localAddress = localAddressFor(from, address.address)
  const common = {
    ...(localAddress === undefined ? {} : { localAddress }),
    host,
    port,
    path,
    method,
    setHost: false,
    headers: Object.fromEntries([...headers, ...length]),
    // The address was chosen already; Node is not to choose again.
    lookup: pinned(address),
    autoSelectFamily: false,
  }
  if (scheme !== 'https') return { ...common, agent: connections.http() }
  const secured: RequestOptions & ConnectionOptions = {
    ...common,
    agent: connections.https(request.customCaPem),
    secureContext: trust.context(request.customCaPem),
    servername: sniName(name),
    checkServerIdentity: (_host, certificate) => checkServerName(name, certificate),
  }
  return secured
}

function pinned(address: LookupAddress): LookupFunction {
  return (_host, options, callback) => {
    if (options.all === true) callback(null, [address])
    else callback(null, address.address, address.family)
  }
}

function headersOf(answer: IncomingMessage): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(answer.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
    ),
  )
}

function failure(reason: Failure['reason'], detail: string): Failure {
  return { kind: 'failed', reason, detail: detail.slice(0, DETAIL_CHARS_MAX) }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
