/*
 * Who is being served. One listening socket carries all transfers, so the address and port of a datagram are all
 * that tells them apart, and both can be forged. Three rooms, each with a ceiling:
 *
 *   unconfirmed  asked, and has not yet shown that it gets our packets. When full, the oldest goes: a flood of forged
 *                requests pushes out itself, while an honest asker repeats its request.
 *   confirmed    in the middle of a file. When full, newcomers wait.
 *   ended        done, lingering for a repeat of the last packet. When full, the oldest goes.
 */

/** Ceilings of the three rooms, and of the first two together for one address. */
export interface SessionLimits {
  readonly unconfirmedMax: number
  readonly confirmedMax: number
  readonly endedMax: number
  readonly perAddressMax: number
}

/**
 * Phones behind one NAT share an address, so its limit is the size of an office; the rooms are that of a town whose
 * power comes back. A session is about a kilobyte, its file is shared or a view.
 */
export const DEFAULT_SESSION_LIMITS: SessionLimits = {
  unconfirmedMax: 1024,
  confirmedMax: 1024,
  endedMax: 1024,
  perAddressMax: 128,
}

/** What the table must know of a session. */
export interface SessionPlace {
  /** Address and port, unique among all sessions. */
  readonly key: string
  readonly address: string
}

type Room = 'unconfirmed' | 'confirmed' | 'ended'

/** Sessions by peer. Whatever the table drops on its own goes to `onDrop`. */
export class SessionTable<Session extends SessionPlace> {
  readonly #rooms: Readonly<Record<Room, Map<string, Session>>> = {
    unconfirmed: new Map(),
    confirmed: new Map(),
    ended: new Map(),
  }
  readonly #activeByAddress = new Map<string, number>()
  readonly #limits: SessionLimits
  readonly #onDrop: (session: Session) => void

  constructor(limits: SessionLimits, onDrop: (session: Session) => void) {
    this.#limits = limits
    this.#onDrop = onDrop
  }

  /** Sessions that are being served, without those lingering. */
  get activeCount(): number {
    return this.#rooms.unconfirmed.size + this.#rooms.confirmed.size
  }

  get(key: string): Session | undefined {
    return this.#rooms.unconfirmed.get(key) ?? this.#rooms.confirmed.get(key) ?? this.#rooms.ended.get(key)
  }

  /** Takes in a new session. False: its address, or the house, is full. The key must not be taken. */
  admit(session: Session): boolean {
    const ofAddress = this.#activeByAddress.get(session.address) ?? 0
    if (ofAddress >= this.#limits.perAddressMax || this.#rooms.confirmed.size >= this.#limits.confirmedMax) return false
    this.#makeRoom('unconfirmed', this.#limits.unconfirmedMax)
    this.#enter('unconfirmed', session)
    return true
  }

  /** The peer of this session has shown that it exists. In a full house the session stays where it can be pushed out. */
  confirm(session: Session): void {
    if (this.#rooms.unconfirmed.get(session.key) !== session) return
    if (this.#rooms.confirmed.size >= this.#limits.confirmedMax) return
    this.#leave(session)
    this.#enter('confirmed', session)
  }

  /** The session is done and lingers. */
  end(session: Session): void {
    this.#leave(session)
    this.#makeRoom('ended', this.#limits.endedMax)
    this.#enter('ended', session)
  }

  remove(session: Session): void {
    this.#leave(session)
  }

  all(): readonly Session[] {
    return Object.values(this.#rooms).flatMap((room) => [...room.values()])
  }

  #enter(room: Room, session: Session): void {
    this.#rooms[room].set(session.key, session)
    if (room === 'ended') return
    this.#activeByAddress.set(session.address, (this.#activeByAddress.get(session.address) ?? 0) + 1)
  }

  #leave(session: Session): void {
    for (const [room, sessions] of Object.entries(this.#rooms)) {
      if (sessions.get(session.key) !== session) continue
      sessions.delete(session.key)
      if (room !== 'ended') this.#countDown(session.address)
    }
  }

  #countDown(address: string): void {
    const left = (this.#activeByAddress.get(address) ?? 1) - 1
    if (left > 0) this.#activeByAddress.set(address, left)
    else this.#activeByAddress.delete(address)
  }

  #makeRoom(room: Room, max: number): void {
    while (this.#rooms[room].size >= max) {
      const [oldest] = this.#rooms[room].values()
      if (oldest === undefined) return
      this.#leave(oldest)
      this.#onDrop(oldest)
    }
  }
}
