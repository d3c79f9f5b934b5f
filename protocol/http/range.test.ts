import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseRange } from './mod.ts'

describe('parseRange', () => {
  it.each([
    // header                       size   answer
    ['bytes=0-499', 10_000, '0-499'],
    ['bytes=500-999', 10_000, '500-999'],
    ['bytes=-500', 10_000, '9500-9999'],
    ['bytes=9500-', 10_000, '9500-9999'],
    ['bytes=0-0', 10_000, '0-0'],
    ['bytes=-1', 10_000, '9999-9999'],
    ['bytes=0-99999999999999999999', 10_000, '0-9999'],
    ['bytes=-20000', 10_000, '0-9999'],
    [' Bytes= 1-2 ,', 10_000, '1-2'],
    ['bytes=10000-', 10_000, 'unsatisfiable'],
    ['bytes=99999999999999999999999-', 10_000, 'unsatisfiable'],
    ['bytes=-0', 10_000, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-5', 0, 'whole'],
    ['bytes=5-4', 10_000, 'whole'],
    ['bytes=0-1,5-6', 10_000, 'whole'],
    ['bytes=-', 10_000, 'whole'],
    ['bytes=', 10_000, 'whole'],
    ['bytes=a-b', 10_000, 'whole'],
    ['bytes=1 - 2', 10_000, 'whole'],
    ['bytes=0x1-2', 10_000, 'whole'],
    ['lines=1-2', 10_000, 'whole'],
    ['', 10_000, 'whole'],
    [undefined, 10_000, 'whole'],
  ])('answers %j of %i bytes with %s [RFC 9110 §14.1.2]', (header, size, answer) => {
    const range = parseRange(header, size)
    expect(range.kind === 'part' ? `${range.start}-${range.end}` : range.kind).toBe(answer)
  })

  it('never asks for bytes that are not there', () => {
    const number = fc.option(fc.oneof(fc.nat(200), fc.nat()), { nil: '' })
    fc.assert(
      fc.property(number, number, fc.nat(200), (first, last, size) => {
        const range = parseRange(`bytes=${first}-${last}`, size)
        const inside = range.kind !== 'part' || (range.start >= 0 && range.start <= range.end && range.end < size)
        expect(inside).toBe(true)
        if (typeof first === 'number' && typeof last === 'number' && first <= last && last < size) {
          expect(range).toEqual({ kind: 'part', start: first, end: last })
        }
      }),
      { numRuns: 500 },
    )
  })

  it('never throws on random text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(['whole', 'part', 'unsatisfiable']).toContain(parseRange(`bytes=${text}`, 10).kind)
      }),
    )
  })
})
