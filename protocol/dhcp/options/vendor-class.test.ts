import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes, utf8Bytes } from '../../bytes.ts'
import { hex, payloadOf, refusalOf, SEED, valueOf } from './testing-options.ts'
import { decodeVendorClass124, decodeVendorClass60, encodeVendorClass124, encodeVendorClass60 } from './vendor-class.ts'
import { splitOption } from './vendor-data.ts'

const EXAMPLE_60 = '3c 0c 64 73 6c 66 6f 72 75 6d 2e 6f 72 67'
const EXAMPLE_124 = '7c 11 00 00 0d e9 0c 64 73 6c 66 6f 72 75 6d 2e 6f 72 67'
const ASKS = { text: 'dslforum.org', asksForAcs: true }

describe('the vendor class', () => {
  it('reads and writes the example of option 60 [TR-069 §9.1]', () => {
    expect(valueOf(decodeVendorClass60(payloadOf(60, EXAMPLE_60)))).toEqual(ASKS)
    expect(valueOf(splitOption(60, valueOf(encodeVendorClass60())))).toEqual(hex(EXAMPLE_60))
  })

  it('reads and writes the example of option 124 [TR-069 §9.1]', () => {
    expect(valueOf(decodeVendorClass124(payloadOf(124, EXAMPLE_124)))).toEqual(ASKS)
    expect(valueOf(splitOption(124, valueOf(encodeVendorClass124())))).toEqual(hex(EXAMPLE_124))
  })

  const table: readonly (readonly [string, unknown])[] = [
    ['Cisco CP-8851 dslforum.org', { text: 'Cisco CP-8851 dslforum.org', asksForAcs: true }],
    ['dslforum.org\0', ASKS],
    ['MSFT 5.0', { text: 'MSFT 5.0', asksForAcs: false }],
    ['', undefined],
    ['a\u0001', undefined],
  ]
  it.each(table)('reads %j in both options [TR-069 §9.1]', (text, expected) => {
    const bytes = utf8Bytes(text)
    expect(valueOf(decodeVendorClass60(bytes))).toEqual(expected)
    const payload = concatBytes([hex('00 00 0d e9'), Uint8Array.of(bytes.length), bytes])
    expect(valueOf(decodeVendorClass124(payload))).toEqual(expected)
  })

  it('is not asked by another enterprise in option 124 [TR-069 §9.1]', () => {
    const foreign = payloadOf(124, EXAMPLE_124).with(3, 9)
    expect(valueOf(decodeVendorClass124(foreign))).toBeUndefined()
    expect(valueOf(decodeVendorClass124(concatBytes([foreign, payloadOf(124, EXAMPLE_124)])))).toEqual(ASKS)
  })

  it('refuses what does not ask, does not fit or is cut', () => {
    for (const encode of [encodeVendorClass60, encodeVendorClass124]) {
      expect(refusalOf(encode('MSFT 5.0'))).toContain('it must contain "dslforum.org"')
      expect(refusalOf(encode('dslforum.org'.padEnd(256, 'x')))).toContain('shorten it to at most 255 bytes')
      expect(refusalOf(encode('dslforum.org\n'))).toContain('control characters')
    }
    expect(refusalOf(decodeVendorClass60(new Uint8Array(256)))).toMatch(/^too-long: /)
    expect(refusalOf(decodeVendorClass124(hex('00 00 0d e9 0c 64')))).toMatch(/^truncated: /)
  })

  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{0,100}$/), fc.stringMatching(/^[ -~]{0,100}$/), (before, behind) => {
        const text = `${before}dslforum.org${behind}`
        const expected = { text, asksForAcs: true }
        expect(valueOf(decodeVendorClass60(valueOf(encodeVendorClass60(text))))).toEqual(expected)
        expect(valueOf(decodeVendorClass124(valueOf(encodeVendorClass124(text))))).toEqual(expected)
      }),
      { seed: SEED },
    )
  })

  it('never throws for random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        for (const decode of [decodeVendorClass60, decodeVendorClass124]) {
          expect(refusalOf(decode(bytes))).toMatch(/^(ok$|truncated: |too-long: )/)
        }
      }),
      { seed: SEED, numRuns: 500 },
    )
  })
})
