/**
 * Asks over kept or new connections, as fast as it is answered. Bytes by hand over bare sockets: a client that parsed
 * answers as a browser does would be slower than what it measures.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { assert } from '../protocol/result.ts'
import { serveCalls } from './worker.ts'

export interface Phone {
  readonly certPem: string
  readonly keyPem: string
}

export interface HttpLoad {
  readonly port: number
  /** Asked in turn, each connection with its own place in the list. */
  readonly paths: readonly string[]
  readonly status: number
  readonly connections: number
  /** With it: TLS, connection n with certificate n. */
  readonly tls?: { readonly caPem: string; readonly phones: readonly Phone[] }
  readonly ms: number
}

/** Longer without an answer, and the measurement is void. */
const SILENCE_MS = 20_000

/** Counts answers on one connection; calls back when one is whole. */
class Answers {
  readonly #onAnswer: () => void
  readonly #status: string
  #head = ''
  #left = 0

  constructor(status: number, onAnswer: () => void) {
    this.#status = `HTTP/1.1 ${status} `
    this.#onAnswer = onAnswer
  }

  take(chunk: Buffer): void {
    if (this.#left > 0) {
      this.#left -= chunk.length
      assert(this.#left >= 0, 'one answer at a time')
      if (this.#left === 0) this.#onAnswer()
      return
    }
    const end = chunk.indexOf('\r\n\r\n')
    this.#head += chunk.toString('latin1', 0, end < 0 ? chunk.length : end + 4)
    if (end < 0) return
    const head = this.#head
    this.#head = ''
    if (!head.startsWith(this.#status)) throw new Error(`Answered "${head.slice(0, 40)}", expected "${this.#status}"`)
    const length = Number(/\r\ncontent-length: ([0-9]+)/i.exec(head)?.[1] ?? Number.NaN)
    assert(Number.isInteger(length), 'an answer says its length')
    this.#left = length - (chunk.length - end - 4)
    if (this.#left === 0) this.#onAnswer()
  }
}

const contexts = new Map<string, readonly SecureContext[]>()

/** Made once for each set of phones, which is known by its first and its size. */
function contextsOf(tls: NonNullable<HttpLoad['tls']>): readonly SecureContext[] {
  const key = `${tls.phones.length} ${tls.phones[0]?.certPem ?? ''}`
  const known = contexts.get(key)
  if (known !== undefined) return known
  const made = tls.phones.map(({ certPem, keyPem }) =>
    createSecureContext({ cert: certPem, key: keyPem, ca: [tls.caPem] }),
  )
  contexts.set(key, made)
  return made
}

function open(load: HttpLoad, index: number, session?: Buffer): Socket {
  const { port, tls } = load
  if (tls === undefined) return connectTcp({ port, host: '127.0.0.1', noDelay: true })
  const all = contextsOf(tls)
  const secureContext = all[index % all.length]
  assert(secureContext !== undefined, 'there is a certificate')
  return connectTls({ port, host: '127.0.0.1', servername: 'localhost', secureContext, ...(session && { session }) })
}

function requestFor(load: HttpLoad, number: number, how: 'keep-alive' | 'close'): Buffer {
  const path = load.paths[number % load.paths.length] ?? '/'
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: ${how}\r\n\r\n`, 'latin1')
}

/** Connections are open and warm before the count begins, but no longer than this is waited for. */
const WARM_MAX_MS = 10_000

/** One connection that asks until it is told to stop. @param onWarm called at its first answer */
function keepAsking(
  load: HttpLoad,
  index: number,
  requests: readonly Buffer[],
  counter: { count: number; on: boolean },
  onWarm: () => void,
) {
  return new Promise<void>((done, failed) => {
    const socket = open(load, index)
    let next = index
    const ask = (): void => {
      socket.write(requests[next % requests.length] ?? '')
      next += load.connections
    }
    const answers = new Answers(load.status, () => {
      counter.count += 1
      onWarm()
      if (counter.on) ask()
      else socket.destroy()
    })
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('no answer')))
    socket.on('error', failed)
    socket.on('close', () => done())
    socket.on('data', (chunk: Buffer) => {
      try {
        answers.take(chunk)
      } catch (cause) {
        failed(cause as Error)
        socket.destroy()
      }
    })
    socket.once(load.tls === undefined ? 'connect' : 'secureConnect', ask)
  })
}

/** A connection, one request, the answer, and the session for the next time. */
function visit(
  load: HttpLoad,
  index: number,
  session: Buffer | undefined,
  resumed: boolean,
): Promise<Buffer | undefined> {
  return new Promise((done, failed) => {
    const socket = open(load, index, session) as TLSSocket
    let ticket: Buffer | undefined
    const answers = new Answers(load.status, () => undefined)
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('no answer')))
    socket.on('session', (given: Buffer) => {
      ticket ??= given
    })
    socket.on('error', failed)
    socket.on('data', (chunk: Buffer) => answers.take(chunk))
    socket.on('close', () => done(ticket))
    socket.once('secureConnect', () => {
      if (resumed && !socket.isSessionReused()) failed(new Error('the session was not resumed'))
      socket.write(requestFor(load, index, 'close'))
    })
  })
}

const calls = {
  /** The body of one answer over TLS, for a bare server to send the same. */
  async one(load: HttpLoad): Promise<Uint8Array> {
    assert(load.tls !== undefined, 'asked over TLS')
    const socket = open(load, 0)
    socket.end(requestFor(load, 0, 'close'))
    const chunks: Buffer[] = []
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
    const whole = Buffer.concat(chunks)
    return new Uint8Array(whole.subarray(whole.indexOf('\r\n\r\n') + 4))
  },
  /** @returns answers in a second */
  async keepAlive(load: HttpLoad): Promise<number> {
    const requests = load.paths.map((_, number) => requestFor(load, number, 'keep-alive'))
    const counter = { count: 0, on: true }
    const warm = Array.from({ length: load.connections }, () => deferred())
    const all = Promise.all(warm.map(({ resolve }, index) => keepAsking(load, index, requests, counter, resolve)))
    await Promise.race([all, Promise.all(warm.map(({ promise }) => promise)), pause(WARM_MAX_MS)])
    await Promise.race([all, pause(Math.min(500, load.ms / 2))])
    const before = counter.count
    const startedAt = performance.now()
    await Promise.race([all, pause(load.ms)])
    const perSecond = ((counter.count - before) * 1000) / (performance.now() - startedAt)
    counter.on = false
    await all
    return perSecond
  },
  /** @returns connections in a second, each with its one request */
  async connections(load: HttpLoad & { readonly resume: boolean }): Promise<number> {
    assert(load.tls !== undefined, 'connections are measured with TLS')
    let count = 0
    let on = true
    const lane = async (index: number): Promise<void> => {
      let session = load.resume ? await visit(load, index, undefined, false) : undefined
      while (on) {
        const next = await visit(load, index, session, load.resume)
        if (load.resume) session = next ?? session
        count += 1
      }
    }
    const all = Promise.all(Array.from({ length: load.connections }, (_, index) => lane(index)))
    await Promise.race([all, pause(Math.min(300, load.ms / 2))])
    const before = count
    const startedAt = performance.now()
    await Promise.race([all, pause(load.ms)])
    const perSecond = ((count - before) * 1000) / (performance.now() - startedAt)
    on = false
    await all
    return perSecond
  },
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export type HttpLoadCalls = typeof calls

serveCalls(calls)
