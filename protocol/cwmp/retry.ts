import { assert, type Rng } from '../result.ts'

/** CWMPRetryMinimumWaitInterval where nobody set it, in seconds [TR-069 §6]. */
export const RETRY_MINIMUM_WAIT_SECONDS = 5
/** CWMPRetryIntervalMultiplier where nobody set it, in thousandths [TR-069 §6]. */
export const RETRY_MULTIPLIER = 2000
/** From this retry on the range stays the same [TR-069 §6]. */
export const RETRY_RANGE_LAST = 10

/** What a device waits by; both are clamped to what the data model allows. */
export interface RetryPolicy {
  /** Seconds, 1 to 65535. */
  readonly minimumWaitSeconds: number
  /** Thousandths, 1000 to 65535. */
  readonly multiplier: number
}

/** What holds where nobody set anything. */
export const RETRY_POLICY: RetryPolicy = {
  minimumWaitSeconds: RETRY_MINIMUM_WAIT_SECONDS,
  multiplier: RETRY_MULTIPLIER,
}

/** What is out of range counts as the nearest that is not. */
export function clampRetryPolicy({ minimumWaitSeconds, multiplier }: RetryPolicy): RetryPolicy {
  return { minimumWaitSeconds: clamp(minimumWaitSeconds, 1), multiplier: clamp(multiplier, 1000) }
}

/** Seconds between which the wait before retry `n` (from 1) lies; large policies make it longer than any timer takes. */
export function retryRange(n: number, policy: RetryPolicy = RETRY_POLICY): readonly [number, number] {
  assert(Number.isInteger(n) && n >= 1, `a retry cannot have the number ${n}`)
  const { minimumWaitSeconds, multiplier } = clampRetryPolicy(policy)
  const factor = multiplier / 1000
  const power = Math.min(n, RETRY_RANGE_LAST)
  return [minimumWaitSeconds * factor ** (power - 1), minimumWaitSeconds * factor ** power]
}

/** Seconds to wait before retry `n` (from 1): anything in the range is as likely [TR-069 §6]. */
export function retryWaitSeconds(n: number, policy: RetryPolicy, rng: Rng): number {
  const [low, high] = retryRange(n, policy)
  return low + (high - low) * rng()
}

function clamp(value: number, low: number): number {
  return Math.min(65535, Math.max(low, value))
}
