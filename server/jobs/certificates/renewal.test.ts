import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENDING_DAYS, renewalAt, retryAt, warningDue } from './renewal.ts'

const DAY_MS = 86_400_000

describe('renewal', () => {
  it.each([
    [0, 90, 60],
    [10, 40, 30],
    [0, 3, 2],
  ])('of a life from day %i to %i is due on day %i', (from, to, due) => {
    expect(renewalAt({ notBefore: from * DAY_MS, notAfter: to * DAY_MS })).toBe(due * DAY_MS)
  })

  it('is tried again less and less often, at least once in about a day [RFC 8555 §6.6]', () => {
    const waits = Array.from({ length: 12 }, (_none, index) => retryAt(index + 1, 0, () => 0))
    expect(waits.slice(0, 3)).toEqual([60_000, 300_000, 900_000])
    expect(waits).toEqual(waits.toSorted((a, b) => a - b))
    expect(waits.at(-1)).toBe(DAY_MS)
    expect(retryAt(99, 0, () => 1)).toBe(1.1 * DAY_MS)
  })
})

describe('the warning of an end', () => {
  it.each([
    [31, undefined],
    [30, 30],
    [14.5, 30],
    [14, 14],
    [7, 7],
    [1.1, 7],
    [1, 1],
    [0, 1],
    [-0.9, 1],
    [-1.1, undefined],
  ])('with %d days left is that of %s days', (left, days) => {
    expect(warningDue(left * DAY_MS, 0)).toBe(days)
  })

  it('never says fewer days than are left', () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 40, noNaN: true }), (left) => {
        const due = warningDue(left * DAY_MS, 0)
        return due === undefined ? left > Math.max(...ENDING_DAYS) : due >= left
      }),
    )
  })
})
