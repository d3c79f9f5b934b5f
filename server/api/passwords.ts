/** Passwords of users: argon2id, and nobody learns from an answer or its time whether an address has a user. */
import { createHash } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import type { Millis } from '../../protocol/result.ts'

/** Each takes 19 MiB and some 20 ms of one core (OWASP's second recommendation for argon2id). */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
const AT_ONCE_MAX = 2
/** Behind them: about a second's work. More is an attack, or would be told too late. */
const WAITING_MAX = 64

/** Wrong passwords for one address, known or not, before it has to wait. */
const FAILURES_MAX = 10
const LOCKED_MS = 5 * 60_000
/** Addresses whose failures are counted. */
const ADDRESSES_MAX = 10_000

/** More sign-ins at once than are worked off in time. */
export class PasswordsBusy extends Error {
  override readonly name = 'PasswordsBusy'
}

export class Passwords {
  #working = 0
  readonly #waiting: (() => void)[] = []
  readonly #failures = new Map<string, { count: number; until: Millis }>()
  #dummy: Promise<string> | undefined

  hash(password: string): Promise<string> {
    return this.#inTurn(() => hash(password, OPTIONS))
  }

  /** @param known undefined: there is no such user; it takes the same time */
  async verify(known: string | undefined, password: string): Promise<boolean> {
    this.#dummy ??= this.hash('nobody has this password')
    const stored = known ?? (await this.#dummy)
    const right = await this.#inTurn(() => verify(stored, password))
    return right && known !== undefined
  }

  /** Seconds until this address may try again; undefined: now. */
  wait(email: string, now: Millis): number | undefined {
    const failures = this.#failures.get(markOf(email))
    if (failures === undefined || failures.count < FAILURES_MAX || now >= failures.until) return undefined
    return Math.ceil((failures.until - now) / 1000)
  }

  failed(email: string, now: Millis): void {
    const mark = markOf(email)
    const before = this.#failures.get(mark)
    const count = before === undefined || now >= before.until ? 1 : before.count + 1
    this.#failures.delete(mark)
    this.#failures.set(mark, { count, until: now + LOCKED_MS })
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= ADDRESSES_MAX) break
      this.#failures.delete(oldest)
    }
  }

  succeeded(email: string): void {
    this.#failures.delete(markOf(email))
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#working >= AT_ONCE_MAX) {
      if (this.#waiting.length >= WAITING_MAX) throw new PasswordsBusy('Too many sign-ins at once')
      // Whoever ends hands over the turn, so the count of those at work stays as it is.
      await new Promise<void>((done) => this.#waiting.push(done))
    } else this.#working++
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#working--
      else next()
    }
  }
}

/** What is counted may be anything that somebody typed into a field, so it is kept as a hash of known length. */
function markOf(email: string): string {
  return createHash('sha256').update(email.toLowerCase()).digest('base64')
}
