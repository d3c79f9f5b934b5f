import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BURST_MS, paceAt } from './pace.ts'

/** Looks every `tickMs` and takes what is granted, as any number of processes would. @returns times of sending */
function spend(count: number, perSecond: number, tickMs: number): readonly number[] {
  const times: number[] = []
  let nextAt = 0
  for (let now = 1_000_000; times.length < count; now += tickMs) {
    const { granted, interval, from } = paceAt(nextAt, now, perSecond)
    const taken = Math.min(granted, count - times.length)
    nextAt = taken > 0 ? from + taken * interval : nextAt
    for (let each = 0; each < taken; each += 1) times.push(now)
  }
  return times
}

describe('the pace of a proxy', () => {
  it('sends 500 at 20 a second in 25 s', () => {
    const times = spend(500, 20, 10)
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(24_700)
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThanOrEqual(25_000)
  })

  it('gives one at once after a silence and then one an interval', () => {
    expect(paceAt(0, 1_000_000, 1)).toEqual({ granted: 1, interval: 1000, from: 1_000_000 - BURST_MS })
    expect(paceAt(1_000_500, 1_000_000, 1).granted).toBe(0)
  })

  it('never gives more in any window than the rate and the burst allow, however it is asked', () => {
    const rates = fc.integer({ min: 1, max: 1000 })
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 300 }), (rate, tick, count) => {
        const times = spend(count, rate, tick)
        return times.every((from) => {
          const inWindow = times.filter((time) => time >= from && time < from + 1000).length
          return inWindow <= rate * (1 + BURST_MS / 1000) + 1
        })
      }),
      { numRuns: 60 },
    )
  })
})
