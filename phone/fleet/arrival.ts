/** When the phones of a fleet get power. */
import { assertNever, type Millis, type Rng } from '../../protocol/result.ts'

export type Arrival =
  /** All in one moment, as after a power failure. */
  | { readonly kind: 'at-once' }
  /** One after another in equal steps, as from a packing line. */
  | { readonly kind: 'even'; readonly overMs: Millis }
  /** Each at a moment of its own, as offices open. */
  | { readonly kind: 'random'; readonly overMs: Millis }
  /** Independent of each other at a mean rate (Poisson), as customers unpack. */
  | { readonly kind: 'poisson'; readonly perSecond: number }

/** @returns milliseconds after the start, one for each phone, ascending */
export function arrivalTimes(arrival: Arrival, count: number, rng: Rng): readonly Millis[] {
  const indexes = Array.from({ length: count }, (_, index) => index)
  switch (arrival.kind) {
    case 'at-once':
      return indexes.map(() => 0)
    case 'even':
      return indexes.map((index) => (arrival.overMs * index) / count)
    case 'random':
      return indexes.map(() => rng() * arrival.overMs).sort((a, b) => a - b)
    case 'poisson': {
      let at = 0
      return indexes.map(() => {
        at += (-Math.log(1 - rng()) / arrival.perSecond) * 1000
        return at
      })
    }
    default:
      return assertNever(arrival)
  }
}
