import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { compareVersions, parseVersion, sameVersionForm, type Version } from './version.ts'

function version(text: string): Version {
  const parsed = parseVersion(text)
  if (parsed === undefined) throw new Error(`not a version: ${text}`)
  return parsed
}

function rows(table: string): readonly (readonly string[])[] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s{2,}/))
}

const FORMS = `
  sip88xx.11-0-1MPP-376                          load     11 0 1MPP 376                         [MPP §4.3]
  sip68xx.11-3-2MPP0001-609                      load     11 3 2MPP0001 609                     [MPP §4.3]
  sip88xx.12-0-7MPP0201-66                       load     12 0 7MPP0201 66                      [MPP §4.3]
  sip8845_65.12-0-2MPP0001-20230510-156252b771   load     12 0 2MPP0001 20230510 156252b771     [MPP §4.3]
  sip78xx.14-1-1MN-366                           load     14 1 1MN 366                          [MPP §6]
  11-3-1MPP-110                                  load     11 3 1MPP 110                         [MPP §4.3]
  12.0.2MPP0001.116                              printed  12 0 2MPP0001 116                     [MPP §4.3]
  2.0.1                                          dotted   2 0 1                                 [MPP §4.3]
  11.0.0                                         dotted   11 0 0                                [MPP §4.3]
`

const NONE = [
  '',
  '11',
  '-1',
  '2.0.6(b)',
  '11-3',
  'MPP-11-0',
  '11-x-0-1',
  'sip88xx.11.0.0',
  '11-0-1MPP-376.loads',
  'sip88xx',
  '1'.repeat(90),
]

const ORDER = `
  sip88xx.11-3-1MPP-110       >   sip88xx.11-2-3MPP-256       official example                    [MPP §4.3]
  sip88xx.11-3-2MPP0002-256   >   sip88xx.11-3-2MPP0001-609   official example                    [MPP §4.3]
  sip88xx.11-0-0MPP-7         >   sip88xx.9-3-1-7MPP-7        digits are numbers                  [MPP §4.3]
  12-0-0MPP-1                 >   11-9-9MPP-999               major first                         [MPP §4.3]
  11-10-1MPP-1                >   11-9-9MPP-999               then minor, as a number             [MPP §4.3]
  11-3-2MPP-1                 >   11-3-1MPP-999               then micro                          [MPP §4.3]
  11-3-1MPP-610               >   11-3-1MPP-609               then the build                      [MPP §4.3]
  11-0-0MPP-1                 >   11-0-0MN-1MPP-1             letters alphabetically              [MPP §4.3]
  11-3-2MPP0001-609           >   11-3-2MPP-700               more letters are later              [MPP §4.3]
  11-3-2MPP0001-609           >   11-3-2MPP0001               a build is later than none          [MPP §4.3]
  11-3-2MPP0001-0             >   11-3-2MPP0001               also build 0                        [MPP §4.3]
  sip88xx.11-3-1MPP-110       =   sip78xx.11-3-1MPP-110       the series is ignored               [MPP §4.2]
  sip88xx.11-3-1MPP-110       =   11-3-1MPP-110               also when it is not written         [MPP §4.2]
  2.0.10                      >   2.0.9                       hardware versions are numbers       [MPP §4.3]
  2.0                         =   2.0.0                       a missing hardware part is zero     [MPP §4.3]
  12.0.2MPP0001.116           =   12-0-2MPP0001-116           printed with dots is the same load  [MPP §4.3]
`

describe('parseVersion', () => {
  it.each(rows(FORMS))('reads %s as %s: %s %s', (text = '', form, parts) => {
    const parsed = parseVersion(text)
    expect(parsed?.form).toBe(form)
    expect(parsed?.parts.map(({ number, suffix }) => `${number}${suffix}`).join(' ')).toBe(parts)
  })

  it.each(NONE)('refuses %j [MPP §4.3]', (text) => {
    expect(parseVersion(text)).toBeUndefined()
  })
})

describe('compareVersions', () => {
  it.each(rows(ORDER))('%s %s %s: %s %s', (left = '', sign, right = '') => {
    const order = compareVersions(version(left), version(right))
    expect(Math.sign(order)).toBe(sign === '>' ? 1 : 0)
    expect(Math.sign(compareVersions(version(right), version(left)))).toBe(sign === '>' ? -1 : 0)
  })

  it('tells apart forms that a rule may not compare [MPP §4.3]', () => {
    expect(sameVersionForm(version('11-0-0MPP-1'), version('11.0.0'))).toBe(false)
    expect(sameVersionForm(version('12-0-2MPP0001-116'), version('12.0.2MPP0001.116'))).toBe(false)
    expect(sameVersionForm(version('sip88xx.11-0-0MPP-1'), version('11-0-0MPP'))).toBe(true)
  })

  const load = fc
    .tuple(fc.nat(20), fc.nat(12), fc.nat(9), fc.constantFrom('', 'MPP', 'MPP0001', 'MPP0201', 'MN'), fc.nat(999))
    .map(([major, minor, micro, letters, build]) => version(`${major}-${minor}-${micro}${letters}-${build}`))

  it('is a total order over loads', () => {
    fc.assert(
      fc.property(load, load, load, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0)
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0)
      }),
    )
  })

  it('reads or refuses any text, and a version that was read has at least two parts', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0129.-sipMPx_( '.split('')), maxLength: 100 }), (text) => {
        const parsed = parseVersion(text)
        if (parsed !== undefined) expect(parsed.parts.length).toBeGreaterThan(1)
      }),
    )
  })
})
