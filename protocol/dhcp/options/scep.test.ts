import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { utf8Bytes } from '../../bytes.ts'
import { decodeAcsOption43, encodeAcsOption43 } from './acs-discovery.ts'
import { decodeScep, encodeScep } from './scep.ts'
import type { ScepSettings } from './scep.ts'
import { expectNoThrow, expectRoundTrip, hex, refusalOf, valueOf } from './testing-options.ts'

/** The vector of the vendor. */
const OFFICIAL = `0a01010b12687474703a2f2f31302e37392e35372e39310c1412040870625C5B755D73F5925285F8F5FF5D55AF
0d10443233334343463942393935324131350e01010f0101`
const FIELDS: ScepSettings = {
  fips: true,
  url: 'http://10.79.57.91',
  fingerprint: hex('12040870625C5B755D73F5925285F8F5FF5D55AF'),
  challenge: 'D233CCF9B9952A15',
  dot1x: true,
  customCertificate: true,
}
const OFF: ScepSettings = {
  fips: false,
  url: undefined,
  fingerprint: undefined,
  challenge: undefined,
  dot1x: false,
  customCertificate: false,
}

const scepSettings: fc.Arbitrary<ScepSettings> = fc.record({
  fips: fc.boolean(),
  url: fc.webUrl({ validSchemes: ['http', 'https'] }).filter((url) => url.length < 100),
  fingerprint: fc.option(fc.uint8Array({ minLength: 1, maxLength: 32 }), { nil: undefined }),
  challenge: fc.option(fc.stringMatching(/^[ -~]{1,40}$/), { nil: undefined }),
  dot1x: fc.boolean(),
  customCertificate: fc.boolean(),
})

describe('SCEP in option 43', () => {
  it('reads and writes the official vector [MPP §10.4]', () => {
    expect(valueOf(decodeScep(hex(OFFICIAL)))).toEqual(FIELDS)
    expect(valueOf(encodeScep(FIELDS))).toEqual(hex(OFFICIAL))
  })

  it('is told apart from an ACS by its sub-options, either way [MPP §10.4] [TR-069 §9.2]', () => {
    expect(valueOf(decodeAcsOption43(hex(OFFICIAL)))).toEqual({})
    const acs = valueOf(encodeAcsOption43({ url: 'http://acs.test/', provisioningCode: 'P' }))
    expect(valueOf(decodeScep(acs))).toBeUndefined()
    expect(valueOf(decodeScep(utf8Bytes('http://acs.test/')))).toBeUndefined()
    const both = Uint8Array.from([...hex(OFFICIAL), ...acs])
    expect(valueOf(decodeScep(both))).toEqual(FIELDS)
    expect(valueOf(decodeAcsOption43(both)).url).toBe('http://acs.test/')
  })

  const table: readonly (readonly [string, string, ScepSettings | undefined])[] = [
    ['nothing', '', undefined],
    ['padding and the end', '00 ff 0a 01 01', undefined],
    ['the sub-options of another vendor', '01 04 0a 00 00 01 f1 01 00', undefined],
    ['switches that are off', '0a 01 00 0e 01 00 0f 01 00', OFF],
    ['switches of another length', '0a 02 00 01 0e 00', OFF],
    ['a URL that is none', '0b 03 66 74 70 0e 01 01', { ...OFF, dot1x: true }],
    ['an empty fingerprint', '0c 00 0f 01 01', { ...OFF, customCertificate: true }],
    ['a challenge closed by NUL', '0d 02 41 00', { ...OFF, challenge: 'A' }],
  ]
  it.each(table)('reads %s [MPP §10.4]', (_, bytes, expected) => {
    expect(valueOf(decodeScep(hex(bytes)))).toEqual(expected)
  })

  it('refuses a length past the end, and names no value', () => {
    expect(refusalOf(decodeScep(hex('0d 10 44 32')))).toBe(
      'truncated: Cannot read sub-option 13: its length goes past the end of the option',
    )
  })

  it('sends at most 255 bytes, and tells no challenge in a refusal [MPP §10.4]', () => {
    const long = encodeScep({ ...FIELDS, url: `http://${'a'.repeat(220)}`, challenge: 'zQ9-hidden-value' })
    expect(refusalOf(long)).toMatch(/^too-long: Cannot send 278 bytes of SCEP data: .* at most 255 bytes$/)
    const broken = encodeScep({ ...FIELDS, challenge: 'zQ9-hidden\n' })
    expect(refusalOf(broken)).toMatch(/^bad-value: Cannot send challenge password with control characters/)
    expect(refusalOf(long) + refusalOf(broken)).not.toContain('hidden')
    expect(refusalOf(encodeScep({ ...FIELDS, url: 'ftp://h' }))).toMatch(/^bad-value: Cannot send the URL of a SCEP/)
    expect(refusalOf(encodeScep(OFF))).toMatch(/^empty: /)
  })

  it('comes back as it was sent', () => {
    expectRoundTrip(encodeScep, decodeScep, scepSettings)
  })

  it('never throws for random, cut or mutated bytes', () => {
    expectNoThrow(
      decodeScep,
      scepSettings.map((settings) => valueOf(encodeScep(settings))),
    )
  })
})
