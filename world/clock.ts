/**
 * Time that jumps: nothing waits, the clock goes to whatever is due next. What is due at the same moment happens in the
 * order in which it was asked for, so a seed gives one run and no other.
 */
import { type Due, popDue, pushDue } from '../phone/shell/mod.ts'
import type { Millis } from '../protocol/result.ts'

/**
 * 10 March 2090, noon UTC. The database has a clock of its own and drops codes that are past their time there; ahead of
 * it, a code lives as long as this world says.
 */
export const WORLD_START: Millis = Date.UTC(2090, 2, 10, 12)

/** Things waiting at once; a world of a few phones has some dozens. */
const WAITING_MAX = 100_000

type Happening = () => void | Promise<void>

interface Entry extends Due {
  readonly happen: Happening
}

export class VirtualClock {
  #now: Millis
  #order = 0
  readonly #heap: Entry[] = []

  constructor(start: Millis = WORLD_START) {
    this.#now = start
  }

  get now(): Millis {
    return this.#now
  }

  /** When the next thing is due; undefined while nothing is. */
  get next(): Millis | undefined {
    return this.#heap[0]?.at
  }

  after(delayMs: Millis, happen: Happening): void {
    if (this.#heap.length >= WAITING_MAX) throw new Error(`More than ${WAITING_MAX} things wait in the world`)
    this.#order += 1
    pushDue(this.#heap, { at: this.#now + Math.max(0, Math.round(delayMs)), sequence: this.#order, happen })
  }

  /** Jumps forward; time never runs backwards. */
  jumpTo(at: Millis): void {
    this.#now = Math.max(this.#now, at)
  }

  /** Lets the one thing happen that is due now, and waits for what the server has to do for it. */
  async happenNext(): Promise<void> {
    const entry = popDue(this.#heap)
    if (entry !== undefined) await entry.happen()
  }
}
