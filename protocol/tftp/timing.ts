import type { Millis } from '../result.ts'

/*
 * When to send again. The wait follows the measured round trip as TCP's does (RFC 6298 §2): smoothed round trip plus
 * four times its variation, within a floor and a ceiling. It doubles with each resend (§5.5) and comes back only with
 * the next honest measurement. An answer to something sent twice is no measurement, since nobody knows which of the
 * two it answers (Karn's algorithm, §3); callers do not report those.
 */

/** The wait before the next resend and what it is computed from. Times in milliseconds. */
export interface Timing {
  readonly waitMs: Millis
  readonly smoothedMs: Millis | undefined
  readonly variationMs: Millis
  readonly minMs: Millis
  readonly maxMs: Millis
}

/** Bounds of the wait: `timeoutMs` before anything is measured. */
export interface TimingPolicy {
  readonly timeoutMs: Millis
  readonly timeoutMinMs: Millis
  readonly timeoutMaxMs: Millis
}

/** Timing before the first round trip. */
export function startTiming(policy: TimingPolicy): Timing {
  const { timeoutMs, timeoutMinMs, timeoutMaxMs } = policy
  return { waitMs: timeoutMs, smoothedMs: undefined, variationMs: 0, minMs: timeoutMinMs, maxMs: timeoutMaxMs }
}

/** Timing for an agreed interval (RFC 2349 §3): it is neither adapted nor doubled. */
export function fixedTiming(intervalMs: Millis): Timing {
  return { waitMs: intervalMs, smoothedMs: undefined, variationMs: 0, minMs: intervalMs, maxMs: intervalMs }
}

/** Timing after an honest round trip of `roundTripMs`. Source: RFC 6298 §2.2 and §2.3. */
export function measured(timing: Timing, roundTripMs: Millis): Timing {
  const sampleMs = Math.max(0, roundTripMs)
  const first = timing.smoothedMs === undefined
  const before = timing.smoothedMs ?? sampleMs
  const variationMs = first ? sampleMs / 2 : timing.variationMs * 0.75 + Math.abs(before - sampleMs) * 0.25
  const smoothedMs = first ? sampleMs : before * 0.875 + sampleMs * 0.125
  return { ...timing, smoothedMs, variationMs, waitMs: clamp(smoothedMs + 4 * variationMs, timing) }
}

/** Timing after a wait without an answer. Source: RFC 6298 §5.5. */
export function backedOff(timing: Timing): Timing {
  return { ...timing, waitMs: clamp(timing.waitMs * 2, timing) }
}

function clamp(waitMs: Millis, timing: Timing): Millis {
  return Math.min(timing.maxMs, Math.max(timing.minMs, Math.ceil(waitMs)))
}
