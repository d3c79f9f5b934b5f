/** Counts wrong codes and Customer IDs per certificate, so that guessing ends. In memory; bounded. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'

const SPAN_MS = 60 * 60_000
const CERTIFICATES_MAX = 10_000

export interface WrongTokens {
  count(mac: MacAddress, now: Millis): number
  add(mac: MacAddress, now: Millis): void
}

/** A count starts with the first wrong token and ends an hour after it. */
export function createWrongTokens(): WrongTokens {
  const counts = new Map<MacAddress, { since: Millis; count: number }>()
  function current(mac: MacAddress, now: Millis): { since: Millis; count: number } | undefined {
    const entry = counts.get(mac)
    return entry !== undefined && now - entry.since < SPAN_MS ? entry : undefined
  }
  return {
    count: (mac, now) => current(mac, now)?.count ?? 0,
    add(mac, now) {
      const entry = current(mac, now)
      if (entry === undefined && counts.size >= CERTIFICATES_MAX) counts.delete(counts.keys().next().value ?? mac)
      counts.set(mac, { since: entry?.since ?? now, count: (entry?.count ?? 0) + 1 })
    },
  }
}
