import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withNews } from './known.ts'
import type { KnownParameter } from './types.ts'

const SEED = 69
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })
const rows: fc.Arbitrary<KnownParameter> = fc.record(
  {
    path: fc.constant('Device.A'),
    type: maybe(fc.constantFrom('string', 'int')),
    writable: maybe(fc.boolean()),
    value: maybe(fc.string()),
    notification: maybe(fc.nat(2)),
    sentMac: maybe(fc.string()),
  },
  { requiredKeys: ['path'] },
)
const present = (row: KnownParameter) => Object.entries(row).filter(([, value]) => value !== undefined)

describe('news of a parameter', () => {
  it('changes what it tells and leaves the rest as it was', () => {
    fc.assert(
      fc.property(rows, rows, (before, row) => {
        const both = Object.fromEntries([...present(before), ...present(row)])
        expect(withNews(before, row)).toEqual(both)
      }),
      { seed: SEED, numRuns: 500 },
    )
  })

  it('is all that is known of one that nobody knew', () => {
    fc.assert(
      fc.property(rows, (row) => {
        expect(withNews(undefined, row)).toEqual(row)
      }),
      { seed: SEED, numRuns: 100 },
    )
  })
})
