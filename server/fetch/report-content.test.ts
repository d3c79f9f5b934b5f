import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exportProfile } from '../../protocol/profile/mod.ts'
import { PN } from '../testing-facts.ts'
import { readReport } from './report-content.ts'

const read = (text: string) => readReport(new TextEncoder().encode(text))

describe('reports [MPP §12.2]', () => {
  it('a full export of a phone is full, a few elements are a delta', () => {
    expect(read(exportProfile(new Map(), PN)).kind).toBe('full')
    expect(read('<flat-profile><GPP_P>0123456789abcdef</GPP_P></flat-profile>')).toEqual({
      kind: 'delta',
      state: { runningVersion: '0123456789abcdef' },
    })
  })

  it('a status report tells load and registration', () => {
    expect(
      read(
        '<flat-status><Software_Version>sip88xx.12</Software_Version><Registration_State_1_>registered</Registration_State_1_></flat-status>',
      ),
    ).toEqual({
      kind: 'status',
      state: { firmware: 'sip88xx.12', registrationSeconds: 0 },
    })
    expect(read('<flat-status><Registration_State_1_>failed</Registration_State_1_></flat-status>').state).toEqual({})
  })

  it.each([
    '',
    'hello',
    '<html/>',
    '<flat-profile>',
    '<!DOCTYPE x><flat-profile/>',
    '<flat-profile><GPP_P>nope</GPP_P></flat-profile>',
  ])('"%s" says nothing about the phone', (text) => {
    expect(read(text).state).toEqual({})
  })

  it('never throws on random, cut or altered bytes', () => {
    const good = new TextEncoder().encode('<flat-status><Software_Version>x</Software_Version></flat-status>')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: good.length }), (bytes, cut) => {
        for (const each of [bytes, good.subarray(0, cut), Uint8Array.from([...good.subarray(0, cut), ...bytes])]) {
          expect(typeof readReport(each).kind).toBe('string')
        }
      }),
    )
  })
})
