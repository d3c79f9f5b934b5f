import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { backedOff, fixedTiming, measured, startTiming } from './timing.ts'

const policy = { timeoutMs: 250, timeoutMinMs: 50, timeoutMaxMs: 5000 }

describe('the wait before a resend', () => {
  it('starts with the policy, before anything is measured [RFC 6298 §2.1]', () => {
    expect(startTiming(policy).waitMs).toBe(250)
  })

  it('is three round trips after the first measurement [RFC 6298 §2.2]', () => {
    expect(measured(startTiming(policy), 100)).toMatchObject({ smoothedMs: 100, variationMs: 50, waitMs: 300 })
  })

  it('smooths later measurements, the variation first [RFC 6298 §2.3]', () => {
    const second = measured(measured(startTiming(policy), 100), 180)
    expect(second).toMatchObject({ variationMs: 57.5, smoothedMs: 110, waitMs: 340 })
  })

  it('never goes below its floor, however fast the network', () => {
    let timing = startTiming(policy)
    for (let round = 0; round < 50; round += 1) timing = measured(timing, 0.2)
    expect(timing.waitMs).toBe(50)
  })

  it('doubles without an answer up to its ceiling, until the next measurement [RFC 6298 §5.5]', () => {
    const waits: number[] = []
    let timing = startTiming(policy)
    for (let round = 0; round < 7; round += 1) {
      timing = backedOff(timing)
      waits.push(timing.waitMs)
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 5000, 5000, 5000])
    expect(measured(timing, 20).waitMs).toBe(60)
  })

  it('stays at an agreed interval [RFC 2349 §3]', () => {
    const timing = fixedTiming(2000)
    expect(backedOff(timing).waitMs).toBe(2000)
    expect(measured(timing, 3).waitMs).toBe(2000)
  })

  it('stays within floor and ceiling for any measurements', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ min: -10, max: 1e7, noNaN: true }), fc.constant(undefined))),
        (events) => {
          let timing = startTiming(policy)
          for (const event of events) {
            timing = event === undefined ? backedOff(timing) : measured(timing, event)
            expect(timing.waitMs).toBeGreaterThanOrEqual(50)
            expect(timing.waitMs).toBeLessThanOrEqual(5000)
          }
        },
      ),
    )
  })
})
