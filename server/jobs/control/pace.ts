/** How many requests may go now, so that a proxy gets no more a second than it was promised. Pure. */
import type { Millis } from '../../../protocol/result.ts'

/** What a process that was busy may make up for at once. */
export const BURST_MS: Millis = 250

/** @returns how many may go now, and from which moment the next interval counts: `from + granted * interval` */
export function paceAt(
  nextAt: Millis,
  now: Millis,
  perSecond: number,
): { readonly granted: number; readonly interval: Millis; readonly from: Millis } {
  const interval = 1000 / perSecond
  const from = Math.max(nextAt, now - BURST_MS)
  const granted = from > now ? 0 : Math.floor((now - from) / interval) + 1
  return { granted, interval, from }
}
