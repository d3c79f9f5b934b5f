/**
 * Live sessions by cookie, by socket and by device: one for each device. Bounded in number, silence and length.
 * Source: TR-069 §1.2, §2.3.
 */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'

export const COOKIE = 'offhook_acs'

export interface SessionLimits {
  /** Sessions at once; beyond, new ones are told to come later while those under way go on. */
  readonly sessionsMax: number
  /** Requests that we make in one session. */
  readonly requestsMax: number
  readonly silenceMs: Millis
  readonly lengthMs: Millis
  /** New sessions of one device: so many at once, and one more each second. */
  readonly burst: number
}

export const SESSION_LIMITS: SessionLimits = {
  sessionsMax: 2000,
  requestsMax: 200,
  silenceMs: 30_000,
  lengthMs: 10 * 60_000,
  burst: 10,
}

/** What the table knows of a session. */
export interface Live {
  readonly cookie: string
  readonly mac: MacAddress
  /** The connection that it last came over: proof of who it is belongs to a connection. */
  socket: Socket
  readonly startedAt: Millis
  lastAt: Millis
  /** How long it may be silent. */
  silenceMs: Millis
  /** A message of it is being answered. */
  busy: boolean
  /** We have nothing more to ask; the device may still have, and mostly has not. */
  readonly mayEnd: boolean
}

/** How long a device may take to say something more when we have nothing to ask: most just go. */
const LINGER_MS = 5000

/** Devices whose pace is remembered. */
const PACES_MAX = 50_000

export class Sessions<T extends Live> {
  readonly #byCookie = new Map<string, T>()
  readonly #bySocket = new WeakMap<Socket, T>()
  readonly #byMac = new Map<string, T>()
  readonly #paces = new Map<string, { tokens: number; at: Millis }>()
  readonly #limits: SessionLimits
  readonly #onLost: (session: T) => void

  /** @param onLost a session that ended without its last message */
  constructor(limits: SessionLimits, onLost: (session: T) => void) {
    this.#limits = limits
    this.#onLost = onLost
  }

  get count(): number {
    return this.#byCookie.size
  }

  /** Whether there is a place for the device: its own of before, a free one, or that of one who only lingers. */
  hasRoom(mac: string): boolean {
    if (this.#byMac.has(mac) || this.#byCookie.size < this.#limits.sessionsMax) return true
    for (const session of this.#byCookie.values()) {
      if (!lingers(session)) continue
      this.lose(session)
      return true
    }
    return false
  }

  /** Whether the device has a session in which there is still something to do. */
  has(mac: string): boolean {
    const session = this.#byMac.get(mac)
    return session !== undefined && !lingers(session)
  }

  /** By cookie, else by connection: some devices never return a cookie. */
  find(cookieHeader: string | undefined, socket: Socket): T | undefined {
    const cookie = cookieHeader === undefined ? undefined : cookieOf(cookieHeader)
    const named = cookie === undefined ? undefined : this.#byCookie.get(cookie)
    const found = named ?? this.#bySocket.get(socket)
    return found !== undefined && this.isLive(found) ? found : undefined
  }

  /** Neither ended nor given up. */
  isLive(session: T): boolean {
    return this.#byCookie.get(session.cookie) === session
  }

  /** Whether a device may begin one more session now. */
  mayBegin(mac: string, now: Millis): boolean {
    const { burst } = this.#limits
    const pace = this.#paces.get(mac) ?? { tokens: burst, at: now }
    const tokens = Math.min(burst, pace.tokens + (now - pace.at) / 1000)
    if (this.#paces.size >= PACES_MAX && !this.#paces.has(mac)) this.#paces.clear()
    this.#paces.set(mac, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now })
    return tokens >= 1
  }

  /** The older session of the same device is lost. */
  add(session: T): void {
    const older = this.#byMac.get(session.mac)
    if (older !== undefined) this.lose(older)
    this.#byCookie.set(session.cookie, session)
    this.#byMac.set(session.mac, session)
    this.#bySocket.set(session.socket, session)
  }

  moveTo(session: T, socket: Socket): void {
    session.socket = socket
    this.#bySocket.set(socket, session)
  }

  /** Its peaceful end. */
  end(session: T): void {
    this.#byCookie.delete(session.cookie)
    if (this.#byMac.get(session.mac) === session) this.#byMac.delete(session.mac)
    // A connection that stays open would keep all that the session has learned.
    if (this.#bySocket.get(session.socket) === session) this.#bySocket.delete(session.socket)
  }

  lose(session: T): void {
    if (!this.isLive(session)) return
    this.end(session)
    this.#onLost(session)
  }

  /** Gives up those that are silent, or too long under way. */
  sweep(now: Millis): void {
    for (const session of this.#byCookie.values()) {
      const silenceMs = lingers(session) ? Math.min(LINGER_MS, session.silenceMs) : session.silenceMs
      const silent = !session.busy && now - session.lastAt > silenceMs
      if (silent || now - session.startedAt > this.#limits.lengthMs) this.lose(session)
    }
  }
}

/** 144 bits, taken from a supply: asking the system for each costs more than the rest of a session's beginning. */
const COOKIE_BYTES = 18
const SUPPLY_BYTES = COOKIE_BYTES * 256
let supply = Buffer.alloc(0)

function lingers({ mayEnd, busy }: Live): boolean {
  return mayEnd && !busy
}

export function newCookie(): string {
  if (supply.length < COOKIE_BYTES) supply = randomBytes(SUPPLY_BYTES)
  const cookie = supply.toString('base64url', 0, COOKIE_BYTES)
  // No cookie is given twice, and what was given is not kept.
  supply.fill(0, 0, COOKIE_BYTES)
  supply = supply.subarray(COOKIE_BYTES)
  return cookie
}

/** Values may be parted by a comma too [TR-069 §2.3]. */
export function cookieOf(header: string): string | undefined {
  for (const part of header.split(/[;,]/)) {
    const [name, value] = part.split('=', 2)
    if (name?.trim() === COOKIE) return value?.trim().replace(/^"(.*)"$/, '$1')
  }
  return undefined
}
