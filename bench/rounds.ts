/** Rounds in turn, ABAB, and the medians over them: a machine that gets slower for a while does so for both. */

export interface Load {
  /** Things done in a second. */
  readonly perSecond: number
  /** Computing time of the measured server for one of them, ms. */
  readonly cpuMs: number
}

/** Two sides over the same rounds. */
export interface Compared {
  readonly ours: Load
  readonly bound: Load
  /** Median of the rounds' ratios, ours to bound: by throughput, and by computing time (bound to ours). */
  readonly ratio: number
  readonly cpuRatio: number
  readonly rounds: number
}

/** Plays A, B, A, B, … after one round of each that does not count. */
export async function interleave(
  rounds: number,
  ours: () => Promise<Load>,
  bound: () => Promise<Load>,
): Promise<Compared> {
  const pairs: (readonly [Load, Load])[] = []
  for (let round = 0; round <= rounds; round++) {
    const pair = [await ours(), await bound()] as const
    if (round > 0) pairs.push(pair)
  }
  return {
    ours: medianLoad(pairs.map(([load]) => load)),
    bound: medianLoad(pairs.map(([, load]) => load)),
    ratio: median(pairs.map(([a, b]) => a.perSecond / b.perSecond)),
    cpuRatio: median(pairs.map(([a, b]) => b.cpuMs / a.cpuMs)),
    rounds,
  }
}

export function medianLoad(loads: readonly Load[]): Load {
  return { perSecond: median(loads.map((load) => load.perSecond)), cpuMs: median(loads.map((load) => load.cpuMs)) }
}

/** @returns the middle value; of an even number, the mean of the two in the middle; NaN of none */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper
}

/** Nearest-rank percentile. @param share 0 to 1 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
