/** The gate between a new connection and its handshake: holds the sockets, and does what `admission.ts` decides. */
import type { Socket } from 'node:net'
import type { Millis } from '../../../protocol/result.ts'
import {
  admitConnection,
  type AdmissionLimits,
  type AdmissionLoad,
  admitRequest,
  asksToResume,
  DEFAULT_ADMISSION,
  mayBegin,
  RESUMED_WEIGHT,
} from './admission.ts'

/** A handshake that takes longer waits for its phone, not for us, and no longer counts. */
const SLOW_AFTER_MS: Millis = 2000
/** How often those that wait are looked at when nothing else happens. */
const LOOK_EVERY_MS: Millis = 20

export interface AdmissionOptions {
  readonly limits?: AdmissionLimits
  readonly loopDelayMs: () => Millis
  /** A clock that only runs forward. */
  readonly now: () => Millis
  readonly onUnusual: (what: 'deferred' | 'closed-early' | 'given-up' | 'later') => void
}

type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>

export class Admission {
  readonly #options: AdmissionOptions
  readonly #underWay: UnderWay
  readonly #queue: Queue
  #limits: AdmissionLimits
  #requests = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#limits = options.limits ?? DEFAULT_ADMISSION
    this.#underWay = new UnderWay(options.now)
    this.#queue = new Queue(options, () => this.#pump())
  }

  /** @param begin starts the handshake, now or later or never */
  connection(socket: Socket, begin: () => void): void {
    const decision = admitConnection(this.load(), this.#limits)
    if (decision === 'begin') return this.#begin(socket, 1, begin)
    this.#options.onUnusual(decision === 'defer' ? 'deferred' : 'closed-early')
    if (decision === 'close') {
      socket.destroy()
      return
    }
    this.#queue.add(socket, begin)
    this.#pump()
  }

  /** The handshake of this peer has ended, well or not. */
  ended(peer: Peer): void {
    this.#underWay.remove(peer)
    if (this.#queue.size > 0) this.#pump()
  }

  /**
   * @param always for what is answered whatever the load: it costs less than turning it away
   * @returns whether the request is served; if so, call `requestEnded`
   */
  request(always = false): boolean {
    if (!always && admitRequest({ requests: this.#requests }, this.#limits) === 'later') {
      this.#options.onUnusual('later')
      return false
    }
    this.#requests += 1
    return true
  }

  requestEnded(): void {
    this.#requests -= 1
  }

  load(): AdmissionLoad {
    return {
      handshakes: this.#underWay.weight(),
      waiting: this.#queue.size,
      loopDelayMs: this.#options.loopDelayMs(),
      requests: this.#requests,
    }
  }

  setLimits(limits: AdmissionLimits): void {
    this.#limits = limits
  }

  close(): void {
    this.#stop()
    this.#queue.close()
  }

  #begin(socket: Socket, weight: number, begin: () => void): void {
    this.#underWay.add(socket, weight)
    begin()
  }

  #pump(): void {
    this.#queue.dropLate(this.#limits.waitMaxMs)
    for (let next = this.#queue.next(); next !== undefined; next = this.#queue.next()) {
      if (!mayBegin(this.load(), this.#limits, next.weight)) break
      this.#queue.take(next)
      this.#begin(next.socket, next.weight, next.begin)
    }
    if (this.#queue.size > 0) this.#timer ??= setInterval(() => this.#pump(), LOOK_EVERY_MS)
    else this.#stop()
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** Handshakes begun and not ended. A phone that stays silent in the middle of one holds its place only for a moment. */
class UnderWay {
  readonly #now: () => Millis
  readonly #begun = new Map<string, { readonly at: Millis; readonly weight: number }>()
  #weight = 0

  constructor(now: () => Millis) {
    this.#now = now
  }

  add(peer: Peer, weight: number): void {
    const key = keyOf(peer)
    this.#forget(key)
    this.#begun.set(key, { at: this.#now(), weight })
    this.#weight += weight
  }

  remove(peer: Peer): void {
    this.#forget(keyOf(peer))
  }

  /** In full handshakes. */
  weight(): number {
    for (const [key, { at }] of this.#begun) {
      if (this.#now() - at < SLOW_AFTER_MS) break
      this.#forget(key)
    }
    return this.#begun.size === 0 ? 0 : this.#weight
  }

  #forget(key: string): void {
    this.#weight -= this.#begun.get(key)?.weight ?? 0
    this.#begun.delete(key)
  }
}

function keyOf({ remoteAddress, remotePort }: Peer): string {
  return `${remoteAddress} ${remotePort}`
}

interface Waiting {
  readonly socket: Socket
  readonly since: Millis
  readonly begin: () => void
  readonly onReadable: () => void
  readonly onGone: () => void
  weight: number
}

/** Connections without a handshake. One that says nothing never gets to begin; those that resume go first. */
class Queue {
  readonly #options: AdmissionOptions
  readonly #onHello: () => void
  readonly #all = new Map<Socket, Waiting>()
  readonly #resumed = new Set<Waiting>()
  readonly #full = new Set<Waiting>()

  constructor(options: AdmissionOptions, onHello: () => void) {
    this.#options = options
    this.#onHello = onHello
  }

  get size(): number {
    return this.#all.size
  }

  add(socket: Socket, begin: () => void): void {
    const entry: Waiting = {
      socket,
      since: this.#options.now(),
      begin,
      onReadable: () => this.#hear(entry),
      onGone: () => this.take(entry),
      weight: 1,
    }
    this.#all.set(socket, entry)
    socket.on('readable', entry.onReadable)
    socket.on('error', entry.onGone)
    socket.on('close', entry.onGone)
  }

  next(): Waiting | undefined {
    return this.#resumed.values().next().value ?? this.#full.values().next().value
  }

  take(entry: Waiting): void {
    this.#all.delete(entry.socket)
    this.#resumed.delete(entry)
    this.#full.delete(entry)
    entry.socket.off('readable', entry.onReadable)
    entry.socket.off('error', entry.onGone)
    entry.socket.off('close', entry.onGone)
  }

  /** Closes those that have waited too long; the oldest come first. */
  dropLate(waitMaxMs: Millis): void {
    for (const entry of this.#all.values()) {
      if (this.#options.now() - entry.since < waitMaxMs) return
      this.#drop(entry)
      this.#options.onUnusual('given-up')
    }
  }

  close(): void {
    for (const entry of this.#all.values()) this.#drop(entry)
  }

  #drop(entry: Waiting): void {
    this.take(entry)
    // What it still says on its way out is nobody's business.
    entry.socket.on('error', () => undefined)
    entry.socket.destroy()
  }

  #hear(entry: Waiting): void {
    if (entry.socket.readableLength === 0) return
    entry.socket.off('readable', entry.onReadable)
    const bytes: unknown = entry.socket.read()
    if (!(bytes instanceof Uint8Array)) return
    // TLS takes what was read already from here.
    entry.socket.unshift(bytes)
    const resumes = asksToResume(bytes)
    entry.weight = resumes ? RESUMED_WEIGHT : 1
    ;(resumes ? this.#resumed : this.#full).add(entry)
    this.#onHello()
  }
}
