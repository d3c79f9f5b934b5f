import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes, utf8Bytes } from '../../bytes.ts'
import { decodeGatewayOption125, encodeDeviceOption125, encodeGatewayOption125 } from './gateway-identity.ts'
import type { Identity } from './gateway-identity.ts'
import { hex, identities, payloadOf, refusalOf, SEED, valueOf } from './testing-options.ts'
import { encodeForumSubOptions, splitOption } from './vendor-data.ts'

const EXAMPLE_PHONE = `7d 28 00 00 0d e9 23 01 06 32 43 30 31 42 35 02 0b 46 43 48 32 32 30 31 41 31 42 32
  03 0c 43 50 2d 38 38 35 31 2d 33 50 43 43`
const PHONE: Identity = { oui: '2C01B5', serialNumber: 'FCH2201A1B2', productClass: 'CP-8851-3PCC' }
const EXAMPLE_GATEWAY = '7d 1c 00 00 0d e9 17 04 06 30 30 44 30 39 45 05 06 47 57 30 30 30 31 06 05 48 47 31 30 30'
const GATEWAY: Identity = { oui: '00D09E', serialNumber: 'GW0001', productClass: 'HG100' }

/** Option 125 with these texts by their codes. */
function option(...fields: readonly (readonly [number, string])[]): Uint8Array {
  return valueOf(encodeForumSubOptions(fields.map(([code, text]) => ({ code, value: utf8Bytes(text) }))))
}

describe('the identities of gateway association', () => {
  it('reads and writes the example of the phone [TR-069 §9.3]', () => {
    expect(valueOf(decodeGatewayOption125(payloadOf(125, EXAMPLE_PHONE)))).toEqual({ device: PHONE })
    expect(valueOf(splitOption(125, valueOf(encodeDeviceOption125(PHONE))))).toEqual(hex(EXAMPLE_PHONE))
  })

  it('reads and writes the example of the gateway [TR-069 §9.3]', () => {
    expect(valueOf(decodeGatewayOption125(payloadOf(125, EXAMPLE_GATEWAY)))).toEqual({ gateway: GATEWAY })
    expect(valueOf(splitOption(125, valueOf(encodeGatewayOption125(GATEWAY))))).toEqual(hex(EXAMPLE_GATEWAY))
  })

  const bare = { oui: '00D09E', serialNumber: 'S' }
  const table: readonly (readonly [string, Uint8Array, unknown])[] = [
    ['nothing', hex(''), {}],
    [
      'both, in any order',
      option([5, 'S'], [2, 'T'], [4, '00D09E'], [1, '2C01B5']),
      {
        device: { oui: '2C01B5', serialNumber: 'T' },
        gateway: bare,
      },
    ],
    ['an empty product class', option([4, '00D09E'], [5, 'S'], [6, '']), { gateway: bare }],
    ['a product class that is too long', option([4, '00D09E'], [5, 'S'], [6, 'x'.repeat(65)]), { gateway: bare }],
    ['NULs', option([4, '00D09E\0'], [5, 'S\0\0']), { gateway: bare }],
    [
      'small hex digits as they are',
      option([4, '00d09e'], [5, 'S']),
      { gateway: { oui: '00d09e', serialNumber: 'S' } },
    ],
    ['no serial number', option([4, '00D09E'], [6, 'K']), {}],
    ['no OUI', option([5, 'S'], [6, 'K']), {}],
    ['an OUI that is none', option([4, '00:D0:9E'], [5, 'S']), {}],
    ['a serial number that is too long', option([4, '00D09E'], [5, 's'.repeat(65)]), {}],
    ['foreign codes', option([0, 'x'], [11, 'http://a'], [4, '00D09E'], [255, 'y'], [5, 'S']), { gateway: bare }],
  ]
  it.each(table)('reads %s [TR-069 §9.3]', (_, payload, expected) => {
    expect(valueOf(decodeGatewayOption125(payload))).toEqual(expected)
  })

  it('skips other enterprises by their length byte [TR-069 §9.3]', () => {
    const ours = payloadOf(125, EXAMPLE_GATEWAY)
    // The same bytes from enterprise 9 are not ours.
    const foreign = valueOf(encodeDeviceOption125(PHONE)).with(2, 0).with(3, 9)
    expect(valueOf(decodeGatewayOption125(concatBytes([foreign, ours, foreign])))).toEqual({ gateway: GATEWAY })
  })

  it('leaves out an empty product class [TR-069 §9.3]', () => {
    const expected = hex('00 00 0d e9 0b 04 06 30 30 44 30 39 45 05 01 53')
    expect(valueOf(encodeGatewayOption125(bare))).toEqual(expected)
    expect(valueOf(encodeGatewayOption125({ ...bare, productClass: '' }))).toEqual(expected)
  })

  const refused: readonly (readonly [Partial<Identity>, string])[] = [
    [{ oui: '2C01B' }, 'bad-value: Cannot send OUI "2C01B": expected 6 hex digits'],
    [{ serialNumber: '' }, 'empty: Cannot send an empty serial number'],
    [{ serialNumber: 's'.repeat(65) }, 'too-long: Cannot send serial number of 65 bytes: shorten it to at most 64'],
    [{ productClass: 'k'.repeat(65) }, 'too-long: Cannot send product class of 65 bytes: shorten it to at most 64'],
    [{ productClass: 'k\n' }, 'bad-value: Cannot send product class with control characters'],
  ]
  it.each(refused)('refuses to send %j', (change, refusal) => {
    for (const encode of [encodeDeviceOption125, encodeGatewayOption125]) {
      expect(refusalOf(encode({ ...PHONE, ...change }))).toContain(refusal)
    }
  })

  it('come back as they were sent, alone and both in one option', () => {
    fc.assert(
      fc.property(identities, identities, (device, gateway) => {
        const sent = [valueOf(encodeDeviceOption125(device)), valueOf(encodeGatewayOption125(gateway))]
        expect(sent.map((payload) => valueOf(decodeGatewayOption125(payload)))).toEqual([{ device }, { gateway }])
        expect(valueOf(decodeGatewayOption125(concatBytes(sent)))).toEqual({ device, gateway })
      }),
      { seed: SEED },
    )
  })

  it('never throws for random, cut or mutated bytes', () => {
    const example = payloadOf(125, EXAMPLE_PHONE)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(39), fc.nat(255), (random, at, byte) => {
        for (const bytes of [random, example.subarray(0, at), example.with(at, byte)]) {
          expect(refusalOf(decodeGatewayOption125(bytes))).toMatch(/^(ok$|truncated: |too-long: )/)
        }
      }),
      { seed: SEED, numRuns: 500 },
    )
  })
})
