import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printCalendar } from './calendar.ts'

const STAMP = new Date(Date.UTC(2026, 4, 3, 10, 20, 30))

describe('a calendar', () => {
  it('has a whole day for each end, with a reminder [RFC 5545 §3.6.1]', () => {
    const at = new Date(Date.UTC(2026, 10, 5, 23))
    const day = { uid: 'token-1', at, summary: 'Ends: a; b, c', description: 'one\ntwo' }
    expect(printCalendar('Offhook', [day], STAMP).split('\r\n')).toEqual(
      expect.arrayContaining([
        'UID:token-1@offhook',
        'DTSTAMP:20260503T102030Z',
        'DTSTART;VALUE=DATE:20261105',
        'SUMMARY:Ends: a\\; b\\, c',
        'DESCRIPTION:one\\ntwo',
        'TRIGGER:-P14D',
      ]),
    )
  })

  it('never has a line over 75 octets, nor one that a text broke in two [RFC 5545 §3.1]', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const day = { uid: 'x', at: STAMP, summary: text, description: '' }
        const printed = printCalendar('Offhook', [day], STAMP)
        const lines = printed.split('\r\n')
        expect(lines.filter((line) => Buffer.byteLength(line) > 75)).toEqual([])
        const unfolded = printed.replaceAll('\r\n ', '').split('\r\n')
        expect(unfolded.filter((line) => !/^[A-Z-]+[:;]/.test(line) && line !== '')).toEqual([])
        expect(unfolded.some((line) => /[\r\n]/.test(line))).toBe(false)
      }),
    )
  })
})
