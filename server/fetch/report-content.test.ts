import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogue, exportProfile } from '../../protocol/profile/mod.ts'
import { PN, productName } from '../testing-facts.ts'
import { readReport } from './report-content.ts'

const read = (text: string) => readReport(new TextEncoder().encode(text))

describe('reports [MPP §12.2]', () => {
  it('a full export of a phone is full, a few elements are a delta', () => {
    expect(read(exportProfile(new Map(), PN)).kind).toBe('full')
    expect(read('<flat-profile><GPP_P>0123456789abcdef</GPP_P></flat-profile>')).toMatchObject({
      kind: 'delta',
      state: { runningVersion: '0123456789abcdef' },
    })
  })

  it('a full export of every model is full, and what its first delta may hold is none [MPP §12.2, §1.8]', () => {
    for (const name of ['CP-6821-3PCC', 'CP-7832-3PCC', 'CP-8865-3PCC', 'DP-9861']) {
      const model = productName(name)
      const text = exportProfile(new Map(), model)
      expect([name, readReport(new TextEncoder().encode(text), model).kind]).toEqual([name, 'full'])
    }
    const changed = catalogue.allFor(PN).map(({ element }) => `<${element}>another value</${element}>`)
    expect(readReport(new TextEncoder().encode(`<flat-profile>${changed.join('')}</flat-profile>`), PN).kind).toBe(
      'delta',
    )
  })

  it('an older load names fewer elements, and its export is full still', () => {
    const lines = exportProfile(new Map(), PN).split('\n')
    const kept = lines.filter(
      (line, index) => !line.startsWith('<') || index % 5 !== 0 || line.includes('flat-profile'),
    )
    expect(readReport(new TextEncoder().encode(kept.join('\n')), PN).kind).toBe('full')
  })

  it('elements come with access, and the last of a name counts', () => {
    const content = read(
      '<flat-profile><GPP_A ua="rw">1</GPP_A><GPP_B ua="na"/><GPP_A ua="rw">2</GPP_A></flat-profile>',
    )
    expect(content.elements).toEqual([
      { name: 'GPP_A', value: '2', ua: 'rw' },
      { name: 'GPP_B', value: '', ua: 'na' },
    ])
  })

  it('status fields may be nested, and may stand in a flat-profile', () => {
    const nested = read('<status><Phone><Software_Version>l1</Software_Version></Phone></status>')
    expect(nested).toMatchObject({ kind: 'status', fields: [['Software_Version', 'l1']], state: { firmware: 'l1' } })
    const flat = read('<flat-profile><Software_Version>l1</Software_Version></flat-profile>')
    expect(flat).toMatchObject({ kind: 'status', state: { firmware: 'l1' } })
  })

  it('a status report tells load and registration', () => {
    expect(
      read(
        '<flat-status><Software_Version>sip88xx.12</Software_Version><Registration_State_1_>registered</Registration_State_1_></flat-status>',
      ),
    ).toMatchObject({
      kind: 'status',
      state: { firmware: 'sip88xx.12', registrationSeconds: 0 },
      lines: [{ line: 1, userId: undefined, state: 'registered' }],
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
