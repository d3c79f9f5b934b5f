/** Waits between attempts to connect again: short at first, since most losses are restarts. */
const FIRST_MS = 50
const LAST_MS = 5_000

/**
 * How long to wait before the next attempt: doubling from 50 ms to 5 s, and half of it by chance, so that many do not
 * come together.
 */
export function backOffMs(attempt: number, rng: () => number): number {
  const whole = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(attempt, 20))
  return whole / 2 + (whole / 2) * rng()
}
