import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes } from '../../bytes.ts'
import { decodeAcsOption125, encodeAcsOption125 } from './acs-discovery.ts'
import type { AcsDiscovery } from './acs-discovery.ts'
import { decodeForumOption125, encodeForumOption125 } from './forum-option.ts'
import type { ForumOption } from './forum-option.ts'
import { decodeGatewayOption125, encodeDeviceOption125, encodeGatewayOption125 } from './gateway-identity.ts'
import type { Identity } from './gateway-identity.ts'
import { discoveries, hex, identities, refusalOf, SEED, valueOf } from './testing-options.ts'

const GATEWAY: Identity = { oui: '00D09E', serialNumber: 'GW0001', productClass: 'HG100' }
const PHONE: Identity = { oui: '2C01B5', serialNumber: 'FCH2201A1B2' }
const ACS: AcsDiscovery = { url: 'http://a/' }
const BOTH =
  '00 00 0d e9 22 04 06 30 30 44 30 39 45 05 06 47 57 30 30 30 31 06 05 48 47 31 30 30 0b 09 68 74 74 70 3a 2f 2f 61 2f'

describe('option 125 with identities and ACS data together', () => {
  it('carries a gateway and its ACS in one enterprise [TR-069 §9.2, §9.3]', () => {
    expect(valueOf(encodeForumOption125({ gateway: GATEWAY, acs: ACS }))).toEqual(hex(BOTH))
    expect(valueOf(decodeForumOption125(hex(BOTH)))).toEqual({ device: undefined, gateway: GATEWAY, acs: ACS })
    // Who looks for one part alone finds it too.
    expect(valueOf(decodeGatewayOption125(hex(BOTH)))).toEqual({ gateway: GATEWAY })
    expect(valueOf(decodeAcsOption125(hex(BOTH)))).toEqual(ACS)
  })

  const table: readonly (readonly [string, Uint8Array, Partial<ForumOption>])[] = [
    ['nothing', hex(''), {}],
    ['another enterprise', hex(BOTH).with(3, 9), {}],
    [
      'another enterprise, then ours',
      concatBytes([hex('00 00 00 09 02 0b 00'), hex(BOTH)]),
      { gateway: GATEWAY, acs: ACS },
    ],
    ['only an ACS', valueOf(encodeAcsOption125(ACS)), { acs: ACS }],
    ['only a phone', valueOf(encodeDeviceOption125(PHONE)), { device: PHONE }],
    ['an ACS that cannot be meant', hex('00 00 0d e9 05 0b 03 66 74 70'), {}],
    [
      'all, from two entries of ours',
      concatBytes([valueOf(encodeDeviceOption125(PHONE)), hex(BOTH)]),
      { device: PHONE, gateway: GATEWAY, acs: ACS },
    ],
  ]
  it.each(table)('reads %s [TR-069 §9.3]', (_, payload, expected) => {
    expect(valueOf(decodeForumOption125(payload))).toEqual({
      device: undefined,
      gateway: undefined,
      acs: undefined,
      ...expected,
    })
  })

  it('writes one part as those functions do that write it alone', () => {
    expect(encodeForumOption125({ acs: ACS })).toEqual(encodeAcsOption125(ACS))
    expect(encodeForumOption125({ device: PHONE })).toEqual(encodeDeviceOption125(PHONE))
    expect(encodeForumOption125({ gateway: GATEWAY })).toEqual(encodeGatewayOption125(GATEWAY))
  })

  it('refuses nothing, a bad part, and more than 255 bytes', () => {
    expect(refusalOf(encodeForumOption125({}))).toMatch(/^empty: Cannot send option 125 with nothing in it/)
    expect(refusalOf(encodeForumOption125({ gateway: GATEWAY, acs: {} }))).toMatch(/^empty: Cannot send ACS data/)
    expect(refusalOf(encodeForumOption125({ gateway: { ...GATEWAY, oui: 'x' }, acs: ACS }))).toMatch(/^bad-value: /)
    const long = { url: `http://${'a'.repeat(225)}` }
    expect(refusalOf(encodeForumOption125({ acs: long }))).toBe('ok')
    expect(refusalOf(encodeForumOption125({ acs: long, gateway: GATEWAY }))).toMatch(/^too-long: .* at most 255 bytes$/)
    expect(refusalOf(decodeForumOption125(hex('00 00 0d e9 05 0b')))).toMatch(/^truncated: /)
  })

  it('comes back as it was sent, where it fits', () => {
    const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined })
    fc.assert(
      fc.property(maybe(identities), maybe(identities), maybe(discoveries), (device, gateway, acs) => {
        const sent = encodeForumOption125({ device, gateway, acs })
        if (sent.ok) expect(valueOf(decodeForumOption125(sent.value))).toEqual({ device, gateway, acs })
        else expect(refusalOf(sent)).toMatch(/^(too-long|empty): /)
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  it('never throws for random, cut or mutated bytes', () => {
    const example = hex(BOTH)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(38), fc.nat(255), (random, at, byte) => {
        for (const bytes of [random, example.subarray(0, at), example.with(at, byte)]) {
          expect(refusalOf(decodeForumOption125(bytes))).toMatch(/^(ok$|truncated: )/)
        }
      }),
      { seed: SEED, numRuns: 500 },
    )
  })
})
