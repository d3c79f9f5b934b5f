import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes } from '../../bytes.ts'
import { decodeAcsOption17, encodeAcsOption17 } from './acs-discovery-v6.ts'
import type { AcsDiscovery } from './acs-discovery.ts'
import { discoveries, hex, refusalOf, SEED, valueOf } from './testing-options.ts'
import { PAYLOAD_BYTES_MAX } from './vendor-data.ts'

const ENTERPRISE = '00 00 0d e9'
const EXAMPLE = `${ENTERPRISE} 00 01 00 09 68 74 74 70 3a 2f 2f 61 2f 00 02 00 01 50 00 03 00 01 35 00 04 00 04 32 30 30 30`
const FIELDS: AcsDiscovery = {
  url: 'http://a/',
  provisioningCode: 'P',
  retryMinimumWait: '5',
  retryMultiplier: '2000',
}

describe('option 17 of DHCPv6', () => {
  it('has codes 1 to 4 with codes and lengths of 16 bits [TR-069 §9.2]', () => {
    expect(valueOf(encodeAcsOption17(FIELDS))).toEqual(hex(EXAMPLE))
    expect(valueOf(decodeAcsOption17(hex(EXAMPLE)))).toEqual(FIELDS)
  })

  const table: readonly (readonly [string, string, unknown])[] = [
    ['another enterprise, in whatever form', '00 00 00 09 ff', undefined],
    ['nothing about an ACS', ENTERPRISE, {}],
    ['foreign codes', `${ENTERPRISE} 00 0b 00 01 78 01 01 00 01 79 00 02 00 01 50`, { provisioningCode: 'P' }],
    ['a URL that is none', `${ENTERPRISE} 00 01 00 03 66 74 70 00 02 00 01 50`, { provisioningCode: 'P' }],
    ['an empty value', `${ENTERPRISE} 00 02 00 00`, {}],
    [
      'zeros and 255 as codes like any other',
      `${ENTERPRISE} 00 00 00 00 00 ff 00 00 00 02 00 01 50`,
      { provisioningCode: 'P' },
    ],
  ]
  it.each(table)('reads %s [TR-069 §9.2]', (_, payload, expected) => {
    expect(valueOf(decodeAcsOption17(hex(payload)))).toEqual(expected)
  })

  it('reads a foreign value longer than a byte can tell, and what follows it', () => {
    const payload = concatBytes([hex(`${ENTERPRISE} 00 09 01 00`), new Uint8Array(256), hex('00 02 00 01 50')])
    expect(valueOf(decodeAcsOption17(payload))).toEqual({ provisioningCode: 'P' })
  })

  it('refuses what is cut, too long, or not to be sent', () => {
    expect(refusalOf(decodeAcsOption17(hex('00 00 0d')))).toMatch(/^truncated: Cannot read an enterprise/)
    for (const cut of ['00', '00 01', '00 01 00', '00 01 00 02 68']) {
      expect(refusalOf(decodeAcsOption17(hex(`${ENTERPRISE} ${cut}`)))).toMatch(/^truncated: Cannot read sub-option/)
    }
    expect(refusalOf(decodeAcsOption17(new Uint8Array(PAYLOAD_BYTES_MAX + 1)))).toMatch(/^too-long: /)
    expect(refusalOf(encodeAcsOption17({}))).toMatch(/^empty: /)
    expect(refusalOf(encodeAcsOption17({ url: 'ftp://a' }))).toMatch(/^bad-value: /)
  })

  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(discoveries, (discovery) => {
        expect(valueOf(decodeAcsOption17(valueOf(encodeAcsOption17(discovery))))).toEqual(discovery)
      }),
      { seed: SEED },
    )
  })

  it('never throws for random, cut or mutated bytes', () => {
    const example = hex(EXAMPLE)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(33), fc.nat(255), (random, at, byte) => {
        const ours = concatBytes([hex(ENTERPRISE), random])
        for (const bytes of [random, ours, example.subarray(0, at), example.with(at, byte)]) {
          expect(refusalOf(decodeAcsOption17(bytes))).toMatch(/^(ok$|truncated: )/)
        }
      }),
      { seed: SEED, numRuns: 500 },
    )
  })
})
