/** Measured durations, of which at most a fixed number is kept. */
import type { Millis, Rng } from '../../protocol/result.ts'

/** Enough for a p95 that a few samples more or less do not move. */
export const SAMPLES_MAX = 20_000

/** Median and tail; undefined fields do not exist: without samples there is no spread at all. */
export interface Spread {
  readonly count: number
  readonly medianMs: Millis
  readonly p95Ms: Millis
  readonly maxMs: Millis
}

/** A uniform sample of all durations (reservoir sampling, algorithm R), with their true count and maximum. */
export class Samples {
  readonly #rng: Rng
  readonly #kept: Millis[] = []
  #count = 0
  #max: Millis = 0

  constructor(rng: Rng) {
    this.#rng = rng
  }

  add(ms: Millis): void {
    this.#count += 1
    this.#max = Math.max(this.#max, ms)
    if (this.#kept.length < SAMPLES_MAX) {
      this.#kept.push(ms)
      return
    }
    const index = Math.floor(this.#rng() * this.#count)
    if (index < SAMPLES_MAX) this.#kept[index] = ms
  }

  /** Nearest-rank percentiles. */
  spread(): Spread | undefined {
    if (this.#count === 0) return undefined
    const sorted = this.#kept.toSorted((a, b) => a - b)
    const rank = (share: number): Millis => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
    return { count: this.#count, medianMs: rank(0.5), p95Ms: rank(0.95), maxMs: this.#max }
  }
}
