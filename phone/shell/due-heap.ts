/** A heap of what is due, earliest first: one for the alarms of phones and for the clock of the simulated world. */
import type { Millis } from '../../protocol/result.ts'

export interface Due {
  readonly at: Millis
  /** Of equal times the one that was set first comes first: sequences grow. */
  readonly sequence: number
}

/** Whether `a` comes before `b`. */
export function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence)
}

/** Adds an entry; `heap[0]` is the earliest. */
export function pushDue<Entry extends Due>(heap: Entry[], entry: Entry): void {
  let index = heap.length
  heap.push(entry)
  while (index > 0) {
    const parentIndex = (index - 1) >> 1
    const parent = heap[parentIndex]
    if (parent === undefined || isBefore(parent, entry)) break
    heap[index] = parent
    index = parentIndex
  }
  heap[index] = entry
}

/** Takes the earliest entry out; undefined when there is none. */
export function popDue<Entry extends Due>(heap: Entry[]): Entry | undefined {
  const top = heap[0]
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return top
  let index = 0
  for (;;) {
    const childIndex = smallerChild(heap, index)
    const child = heap[childIndex]
    if (child === undefined || isBefore(last, child)) break
    heap[index] = child
    index = childIndex
  }
  heap[index] = last
  return top
}

function smallerChild(heap: readonly Due[], index: number): number {
  const left = heap[2 * index + 1]
  const right = heap[2 * index + 2]
  return left !== undefined && right !== undefined && isBefore(right, left) ? 2 * index + 2 : 2 * index + 1
}
