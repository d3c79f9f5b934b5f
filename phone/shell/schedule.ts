/** One timer for many alarms: a heap of wakes, for one phone as for thousands. */
import type { Millis } from '../../protocol/result.ts'
import { type Due, isBefore, popDue, pushDue } from './due-heap.ts'

/** Alarms rung before the sockets get their turn again. */
const RINGS_AT_ONCE_MAX = 256
/** Longer waits are cut in pieces: Node's timers hold 31 bits. */
const DELAY_MS_MAX = 2_000_000_000
/** Entries of moved alarms that may lie in the heap beside the valid ones before it is built anew. */
const STALE_MAX = 1024

/** Something that wants to be woken. */
export interface Alarm {
  /** Sets, moves or (undefined) takes back the wake. An alarm rings once for each setting, never before its time. */
  set(at: Millis | undefined): void
}

export interface Schedule {
  alarm(ring: () => void): Alarm
  /** Forgets every alarm. */
  close(): void
}

interface Owner {
  readonly ring: () => void
  at: Millis | undefined
}

interface Entry extends Due {
  readonly owner: Owner
}

/** @param clock  the time that alarms are set in */
export function createSchedule(clock: () => Millis): Schedule {
  return new HeapSchedule(clock)
}

class HeapSchedule implements Schedule {
  readonly #clock: () => Millis
  #heap: Entry[] = []
  #validCount = 0
  #sequence = 0
  #timer: NodeJS.Timeout | undefined
  #timerAt: Millis = Number.POSITIVE_INFINITY

  constructor(clock: () => Millis) {
    this.#clock = clock
  }

  alarm(ring: () => void): Alarm {
    const owner: Owner = { ring, at: undefined }
    return { set: (at) => this.#set(owner, at) }
  }

  close(): void {
    for (const { owner } of this.#heap) owner.at = undefined
    this.#heap = []
    this.#validCount = 0
    this.#arm()
  }

  #set(owner: Owner, at: Millis | undefined): void {
    if (owner.at === at) return
    this.#validCount += Number(at !== undefined) - Number(owner.at !== undefined)
    owner.at = at
    this.#sequence += 1
    if (at !== undefined) pushDue(this.#heap, { at, sequence: this.#sequence, owner })
    if (this.#heap.length > 2 * this.#validCount + STALE_MAX) this.#compact()
    this.#arm()
  }

  /** An entry counts only as long as its owner still waits for that time. */
  #top(): Entry | undefined {
    for (;;) {
      const [top] = this.#heap
      if (top === undefined || top.owner.at === top.at) return top
      popDue(this.#heap)
    }
  }

  #compact(): void {
    const seen = new Set<Owner>()
    const valid = this.#heap.filter(({ owner, at }) => owner.at === at && !seen.has(owner) && seen.add(owner))
    // A sorted list is a heap.
    this.#heap = valid.sort((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  #arm(): void {
    const at = this.#top()?.at
    if (at === undefined) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#timerAt = Number.POSITIVE_INFINITY
    } else if (this.#timer === undefined || this.#timerAt !== at) {
      clearTimeout(this.#timer)
      this.#timerAt = at
      const delayMs = Math.min(DELAY_MS_MAX, Math.max(1, Math.ceil(at - this.#clock())))
      this.#timer = setTimeout(() => this.#ring(), delayMs)
    }
  }

  #ring(): void {
    this.#timer = undefined
    const now = this.#clock()
    for (let count = 0; count < RINGS_AT_ONCE_MAX; count += 1) {
      const top = this.#top()
      if (top === undefined || top.at > now) break
      popDue(this.#heap)
      top.owner.at = undefined
      this.#validCount -= 1
      top.owner.ring()
    }
    this.#arm()
  }
}
