/**
 * Time that jumps: nothing waits, the clock goes to whatever is due next. What is due at the same moment happens in the
 * order in which it was asked for, so a seed gives one run and no other.
 */
import type { Millis } from '../protocol/result.ts'

/**
 * 10 March 2090, noon UTC. The database has a clock of its own and drops codes that are past their time there; ahead of
 * it, a code lives as long as this world says.
 */
export const WORLD_START: Millis = Date.UTC(2090, 2, 10, 12)

/** Things waiting at once; a world of a few phones has some dozens. */
const WAITING_MAX = 100_000

type Happening = () => void | Promise<void>

interface Entry {
  readonly at: Millis
  readonly order: number
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
    push(this.#heap, { at: this.#now + Math.max(0, Math.round(delayMs)), order: this.#order, happen })
  }

  /** Jumps forward; time never runs backwards. */
  jumpTo(at: Millis): void {
    this.#now = Math.max(this.#now, at)
  }

  /** Lets the one thing happen that is due now, and waits for what the server has to do for it. */
  async happenNext(): Promise<void> {
    const entry = pop(this.#heap)
    if (entry !== undefined) await entry.happen()
  }
}

function before(left: Entry, right: Entry): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order)
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length
  heap.push(entry)
  while (index > 0) {
    const parentIndex = (index - 1) >> 1
    const parent = heap[parentIndex]
    if (parent === undefined || !before(entry, parent)) break
    heap[index] = parent
    index = parentIndex
  }
  heap[index] = entry
}

function pop(heap: Entry[]): Entry | undefined {
  const top = heap[0]
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return top
  let index = 0
  for (;;) {
    const childIndex = smallerChild(heap, index)
    const child = heap[childIndex]
    if (child === undefined || !before(child, last)) break
    heap[index] = child
    index = childIndex
  }
  heap[index] = last
  return top
}

function smallerChild(heap: readonly Entry[], index: number): number {
  const left = heap[2 * index + 1]
  const right = heap[2 * index + 2]
  return left !== undefined && right !== undefined && before(right, left) ? 2 * index + 2 : 2 * index + 1
}
