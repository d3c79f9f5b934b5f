/**
 * Every refusal is sent the same time after its request came: what was looked up for it, in memory or once in the
 * database, must not be told by the time that it took. One timer for all of them: they are due in the order of their
 * requests, more or less.
 */
import type { Millis } from '../../../protocol/result.ts'

export const REFUSAL_AFTER_MS: Millis = 5

interface Waiting {
  readonly due: Millis
  readonly send: () => void
}

export interface Refusals {
  /**
   * @param cameAt when the request came, by `performance.now()`
   * @param send   called once, at the earliest when it is due
   */
  add(cameAt: Millis, send: () => void): void
}

/** As many wait as there are requests under way, which admission bounds. */
export function createRefusals(now: () => Millis = () => performance.now()): Refusals {
  let waiting: Waiting[] = []
  /** Those before it were sent. */
  let first = 0
  let timer: NodeJS.Timeout | undefined

  function sendDue(): void {
    timer = undefined
    const at = now()
    while (first < waiting.length) {
      const next = waiting[first]
      if (next === undefined || next.due > at) break
      first += 1
      next.send()
    }
    if (first === waiting.length) {
      waiting = []
      first = 0
    } else if (first > waiting.length / 2) {
      waiting = waiting.slice(first)
      first = 0
    }
    wake()
  }

  function wake(): void {
    const next = waiting[first]
    if (timer !== undefined || next === undefined) return
    timer = setTimeout(sendDue, Math.max(1, Math.ceil(next.due - now())))
  }

  return {
    add(cameAt, send) {
      const entry = { due: cameAt + REFUSAL_AFTER_MS, send }
      // One that took longer to decide is due before those that came after it.
      let place = waiting.length
      while (place > first && (waiting[place - 1]?.due ?? 0) > entry.due) place -= 1
      if (place === waiting.length) waiting.push(entry)
      else waiting.splice(place, 0, entry)
      if (place === first && timer !== undefined) {
        clearTimeout(timer)
        timer = undefined
      }
      wake()
    },
  }
}
