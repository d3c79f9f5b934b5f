import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes, utf8Bytes } from '../../bytes.ts'
import { decodeAcsOption125, decodeAcsOption43, encodeAcsOption125, encodeAcsOption43 } from './acs-discovery.ts'
import type { AcsDiscovery } from './acs-discovery.ts'
import { discoveries, hex, payloadOf, refusalOf, SEED, valueOf } from './testing-options.ts'
import { joinOptionParts, splitOption } from './vendor-data.ts'

const EXAMPLE_43 = `
2b 37 01 21 68 74 74 70 73 3a 2f 2f 61 63 73 2e 65 78 61 6d 70 6c 65 2e 6e 65 74 3a 37 35 34 37 2f 63 77 6d 70
02 09 54 4c 43 4f 2e 47 52 50 32 03 01 35 04 04 32 30 30 30`
const FIELDS_43: AcsDiscovery = {
  url: 'https://acs.example.net:7547/cwmp',
  provisioningCode: 'TLCO.GRP2',
  retryMinimumWait: '5',
  retryMultiplier: '2000',
}
const EXAMPLE_125 = '7d 1f 00 00 0d e9 1a 0b 18 68 74 74 70 73 3a 2f 2f 61 63 73 2e 65 78 61 6d 70 6c 65 2e 6e 65 74 2f'
const FIELDS_125: AcsDiscovery = { url: 'https://acs.example.net/' }

const FORMS = [
  { option: 43, encode: encodeAcsOption43, decode: decodeAcsOption43 },
  { option: 125, encode: encodeAcsOption125, decode: decodeAcsOption125 },
] as const

/** A sub-option with a text. */
function tlv(code: number, text: string): Uint8Array {
  const value = utf8Bytes(text)
  return concatBytes([Uint8Array.of(code, value.length), value])
}

describe('the examples of the law', () => {
  it('reads and writes option 43 [TR-069 §9.2]', () => {
    expect(valueOf(decodeAcsOption43(payloadOf(43, EXAMPLE_43)))).toEqual(FIELDS_43)
    expect(valueOf(splitOption(43, valueOf(encodeAcsOption43(FIELDS_43))))).toEqual(hex(EXAMPLE_43))
  })

  it('reads and writes option 125 [TR-069 §9.2]', () => {
    expect(valueOf(decodeAcsOption125(payloadOf(125, EXAMPLE_125)))).toEqual(FIELDS_125)
    expect(valueOf(splitOption(125, valueOf(encodeAcsOption125(FIELDS_125))))).toEqual(hex(EXAMPLE_125))
  })
})

describe('reading option 43', () => {
  const url = 'http://a.example/'
  const table: readonly (readonly [string, readonly Uint8Array[], AcsDiscovery])[] = [
    ['a bare URL', [utf8Bytes(url)], { url }],
    ['a bare URL in capitals', [utf8Bytes('HTTPS://A')], { url: 'HTTPS://A' }],
    ['a bare URL closed by NUL and end', [utf8Bytes(`${url}\0`), Uint8Array.of(255)], { url }],
    ['a URL with NULs', [tlv(1, `${url}\0\0`)], { url }],
    ['padding and end', [Uint8Array.of(0, 0), tlv(1, url), Uint8Array.of(0, 255), tlv(2, 'late')], { url }],
    ['foreign sub-options', [tlv(9, 'x'), tlv(1, url), tlv(200, 'y'), tlv(11, 'http://b')], { url }],
    ['a first URL that stays', [tlv(1, url), tlv(1, 'http://b')], { url }],
    ['a sub-option 1 of another vendor', [tlv(1, '10.0.0.1'), tlv(2, 'P')], { provisioningCode: 'P' }],
    ['a URL with a space', [tlv(1, 'http://a b')], {}],
    ['a URL without a host', [tlv(1, 'http:///x')], {}],
    ['a URL of FTP', [tlv(1, 'ftp://a')], {}],
    ['64 bytes of code', [tlv(2, 'c'.repeat(64))], { provisioningCode: 'c'.repeat(64) }],
    ['65 bytes of code', [tlv(2, 'c'.repeat(65)), tlv(1, url)], { url }],
    [
      'digits as they are',
      [tlv(3, '007'), tlv(4, '4294967295')],
      { retryMinimumWait: '007', retryMultiplier: '4294967295' },
    ],
    ['no digits', [tlv(1, url), tlv(3, '-5'), tlv(4, '1e3')], { url }],
    ['too many digits', [tlv(3, '12345678901')], {}],
    ['empty values', [tlv(1, ''), tlv(2, ''), tlv(3, ''), tlv(4, '')], {}],
    ['nothing', [], {}],
  ]
  it.each(table)('reads %s [TR-069 §9.2]', (_, parts, expected) => {
    expect(valueOf(decodeAcsOption43(concatBytes(parts)))).toEqual(expected)
  })

  it('joins a URL that was split in its middle [TR-069 §9.2]', () => {
    const payload = payloadOf(43, EXAMPLE_43)
    const joined = valueOf(joinOptionParts([payload.subarray(0, 9), payload.subarray(9, 30), payload.subarray(30)]))
    expect(valueOf(decodeAcsOption43(joined))).toEqual(FIELDS_43)
  })

  it('reads a bare URL of at most 256 bytes', () => {
    const longest = `http://${'a'.repeat(249)}`
    expect(valueOf(decodeAcsOption43(utf8Bytes(longest))).url).toBe(longest)
    expect(refusalOf(decodeAcsOption43(utf8Bytes(`${longest}a`)))).toBe(
      'too-long: Cannot read a bare ACS URL of 257 bytes: expected at most 256 bytes',
    )
    for (const bad of ['http', 'http://', 'https:///x', 'httpd.example', 'http://a b', 'http://a\0b']) {
      expect(refusalOf(decodeAcsOption43(utf8Bytes(bad)))).toMatch(/^bad-value: Cannot read the bare ACS URL/)
    }
    // Not UTF-8.
    expect(refusalOf(decodeAcsOption43(concatBytes([utf8Bytes('http://a'), Uint8Array.of(0xc3, 0x61)])))).toMatch(
      /^bad-value: /,
    )
  })

  it('refuses a length past the end', () => {
    expect(refusalOf(decodeAcsOption43(hex('01 21 68')))).toBe(
      'truncated: Cannot read sub-option 1: its length goes past the end of the option',
    )
  })
})

describe('reading option 125', () => {
  it('skips another enterprise with the same codes [TR-069 §9.3]', () => {
    const payload = concatBytes([hex('00 00 00 09 0a'), tlv(11, 'http://x'), payloadOf(125, EXAMPLE_125)])
    expect(valueOf(decodeAcsOption125(payload))).toEqual(FIELDS_125)
  })

  it('finds no ACS in the codes of option 43 nor in a bare URL of another enterprise [TR-069 §9.2]', () => {
    expect(valueOf(decodeAcsOption125(concatBytes([hex('00 00 0d e9 0a'), tlv(1, 'http://x')])))).toEqual({})
    expect(valueOf(decodeAcsOption125(hex('00 00 00 09 00')))).toEqual({})
  })
})

describe('writing', () => {
  const table: readonly (readonly [AcsDiscovery, string])[] = [
    [{}, 'empty: Cannot send ACS data without any field: give a URL, or leave the option out'],
    [{ url: 'acs.example.net' }, 'bad-value: Cannot send an ACS URL that begins with "acs.exam"'],
    [{ url: '' }, 'bad-value: Cannot send an ACS URL'],
    [{ url: 'http://a\0b' }, 'bad-value: Cannot send ACS URL with control characters'],
    [
      { url: `http://${'a'.repeat(249)}` },
      'too-long: Cannot send ACS URL of 256 bytes: shorten it to at most 255 bytes',
    ],
    [
      { provisioningCode: 'c'.repeat(65) },
      'too-long: Cannot send provisioning code of 65 bytes: shorten it to at most 64',
    ],
    [{ provisioningCode: '' }, 'empty: Cannot send an empty provisioning code'],
    [{ provisioningCode: '\ud800' }, 'bad-value: Cannot send provisioning code with control characters or broken'],
    [{ retryMinimumWait: '5 s' }, 'bad-value: Cannot send retry value "5 s": expected 1 to 10 decimal digits'],
    [{ retryMultiplier: '' }, 'bad-value: Cannot send retry value ""'],
  ]
  it.each(table)('refuses %j in both forms', (discovery, refusal) => {
    for (const { encode } of FORMS) expect(refusalOf(encode(discovery))).toContain(refusal)
  })

  it('refuses in 125 what fits only in 43, and says what to do', () => {
    const discovery = { url: `http://${'a'.repeat(240)}`, provisioningCode: 'P.1234567' }
    expect(refusalOf(encodeAcsOption43(discovery))).toBe('ok')
    expect(refusalOf(encodeAcsOption125(discovery))).toMatch(/^too-long: Cannot send 260 bytes .* at most 255 bytes$/)
  })
})

describe.each(FORMS)('option $option at random', ({ encode, decode }) => {
  it('reads what it wrote [TR-069 §9.2]', () => {
    fc.assert(
      fc.property(discoveries, (discovery) => {
        expect(valueOf(decode(valueOf(encode(discovery))))).toEqual(discovery)
      }),
      { seed: SEED },
    )
  })

  it('never throws for random, cut or mutated bytes', () => {
    const written = discoveries.map((discovery) => valueOf(encode(discovery)))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), written, fc.nat(), fc.nat(255), (random, bytes, at, byte) => {
        const mutated = bytes.with(at % bytes.length, byte)
        for (const each of [random, bytes.subarray(0, at % bytes.length), mutated]) {
          const read = decode(each)
          expect(read.ok ? 'ok' : read.error.message).toMatch(/^(ok$|Cannot )/)
        }
      }),
      { seed: SEED, numRuns: 500 },
    )
  })

  it('never throws for random texts to write', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 })
    fc.assert(
      fc.property(fc.record({ url: text, provisioningCode: text, retryMinimumWait: text }), (discovery) => {
        expect(typeof encode(discovery).ok).toBe('boolean')
      }),
      { seed: SEED },
    )
  })
})
