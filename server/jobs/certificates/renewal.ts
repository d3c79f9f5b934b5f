/** When to ask for the next certificate, and whom to warn of an end. Pure. */
import type { Millis } from '../../../protocol/result.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** After the first failure, the second, …; the last again and again. Authorities count failures (RFC 8555 §6.6). */
const RETRIES_MS: readonly Millis[] = [
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  HOUR_MS,
  3 * HOUR_MS,
  6 * HOUR_MS,
  12 * HOUR_MS,
  DAY_MS,
]
/** Many servers that started together must not ask together: up to this share of the wait is added. */
const JITTER = 0.1
/** Days before the end at which it is told. */
export const ENDING_DAYS: readonly number[] = [1, 7, 14, 30]

/** A certificate is renewed when two thirds of its life are over. */
export function renewalAt(life: { readonly notBefore: Millis; readonly notAfter: Millis }): Millis {
  return life.notBefore + ((life.notAfter - life.notBefore) * 2) / 3
}

/**
 * @param failures in a row, this one included: at least 1
 * @param rng      0 to 1
 */
export function retryAt(failures: number, now: Millis, rng: () => number): Millis {
  const wait = RETRIES_MS[Math.min(failures, RETRIES_MS.length) - 1] ?? DAY_MS
  return now + wait * (1 + JITTER * rng())
}

/** @returns the closest of the warnings that are due; undefined while the end is far, or when it has passed long ago */
export function warningDue(notAfter: Millis, now: Millis): number | undefined {
  const days = (notAfter - now) / DAY_MS
  return days < -1 ? undefined : ENDING_DAYS.find((each) => days <= each)
}
