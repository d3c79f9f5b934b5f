/** How much may be heard of one source: counted by the theoretical time of arrival (GCRA), in a bounded table. */
import type { Millis } from '../../protocol/result.ts'
import { network64Of } from '../devices/mod.ts'

export interface Budget {
  /** @returns whether one more is allowed now, and counts it if so */
  take(key: string, now: Millis): boolean
  /** Sources remembered. */
  size(): number
}

/**
 * @param burst     how many may come at once
 * @param perSecond how many come back each second
 * @param keysMax   sources remembered; beyond it the one that was silent longest is forgotten
 */
export function createBudget(limits: {
  readonly burst: number
  readonly perSecond: number
  readonly keysMax: number
}): Budget {
  const arrivals = new Map<string, Millis>()
  const spacingMs = 1000 / limits.perSecond
  return {
    take(key, now) {
      const due = Math.max(arrivals.get(key) ?? now, now)
      if (due - now > (limits.burst - 1) * spacingMs) return false
      arrivals.delete(key)
      if (arrivals.size >= limits.keysMax) arrivals.delete(arrivals.keys().next().value ?? '')
      arrivals.set(key, due + spacingMs)
      return true
    },
    size: () => arrivals.size,
  }
}

/** A subscriber has a whole IPv6 network of 64 bits, so all of it counts as one source. */
export function networkOf(peer: string): string {
  return network64Of(peer) ?? peer
}
