/**
 * Chance from a seed, so that a run can be played again. Each purpose has a stream of its own: another roll of the
 * network's dice leaves the dice of the phones alone.
 */
import type { Rng } from '../protocol/result.ts'

export interface Chance {
  /** A number in [0, 1). */
  readonly next: Rng
  happens(probability: number): boolean
  /** A whole number, both ends included. */
  whole(least: number, most: number): number
  pick<T>(items: readonly T[]): T
}

/** @param purpose names the stream, e.g. `network` */
export function chanceOf(seed: number, purpose: string): Chance {
  const next = mulberry32(mixed(seed, purpose))
  const whole = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    happens: (probability) => next() < probability,
    whole,
    pick(items) {
      const item = items[whole(0, items.length - 1)]
      if (item === undefined) throw new Error('Cannot pick from nothing')
      return item
    },
  }
}

/** FNV-1a over the purpose, begun with the seed: neighbouring seeds give streams that have nothing in common. */
function mixed(seed: number, purpose: string): number {
  let hash = Math.imul(seed ^ 0x811c9dc5, 0x9e3779b1)
  for (const char of purpose) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return hash >>> 0
}

/** Mulberry32: 32 bits of state, good enough to shake a network. */
function mulberry32(seed: number): Rng {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mix = Math.imul(state ^ (state >>> 15), 1 | state)
    mix = (mix + Math.imul(mix ^ (mix >>> 7), 61 | mix)) ^ mix
    return ((mix ^ (mix >>> 14)) >>> 0) / 4_294_967_296
  }
}
