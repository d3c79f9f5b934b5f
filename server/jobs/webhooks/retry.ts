/** When a delivery that failed is tried again, and when a webhook is given up. */
import type { Millis, Rng } from '../../../protocol/result.ts'

/** A receiver that is away over a long weekend loses nothing. */
export const GIVE_UP_MS: Millis = 3 * 24 * 60 * 60 * 1000
const RETRY_MAX_MS: Millis = 6 * 60 * 60 * 1000
/** Failures in a row after which the receiver, and not one event, is taken to be the reason. */
const ILL_AFTER = 3
/** No success for three days, and not merely because nothing happened. */
const DISABLE_AFTER = 10
const DOUBLINGS_MAX = 20

/**
 * Twice as long each time, up to six hours, by up to a quarter more or less: many deliveries do not come back at once.
 * @param attempts those that failed before this one, from 0
 */
export function backOff(attempts: number, baseMs: Millis, rng: Rng): Millis {
  const wait = Math.min(baseMs * 2 ** Math.min(attempts, DOUBLINGS_MAX), RETRY_MAX_MS)
  return Math.round(wait * (0.75 + rng() / 2))
}

/** @returns how long to wait, or undefined when the delivery would then be older than three days */
export function retryIn(attempts: number, ageMs: Millis, baseMs: Millis, rng: Rng): Millis | undefined {
  const wait = backOff(attempts, baseMs, rng)
  return ageMs + wait > GIVE_UP_MS ? undefined : wait
}

/** How long the webhook as a whole is left alone: not at all while only single events fail. */
export function pauseFor(failures: number, baseMs: Millis, rng: Rng): Millis {
  return failures < ILL_AFTER ? 0 : backOff(failures - ILL_AFTER, baseMs, rng)
}

export function mustDisable(failureCount: number, failingSeconds: number): boolean {
  return failureCount >= DISABLE_AFTER && failingSeconds * 1000 >= GIVE_UP_MS
}
