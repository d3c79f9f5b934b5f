import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  base64ToBytes,
  base64urlToBytes,
  ByteReader,
  bytesToBase64,
  bytesToBase64url,
  bytesToHex,
  concatBytes,
  hexToBytes,
  utf8Bytes,
  utf8Text,
} from './bytes.ts'

/** Any UTF-16 unit, lone surrogates too. */
const codeUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

describe('ByteReader', () => {
  it('reads big-endian numbers and views from the front', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3, 0xff, 0xfe, 0xfd, 0xfc, 9, 8, 7))
    expect([reader.uint8(), reader.uint16(), reader.uint32()]).toEqual([1, 0x0203, 0xfffefdfc])
    expect(Array.from(reader.take(1))).toEqual([9])
    expect(reader.remainingCount).toBe(2)
    expect(Array.from(reader.rest())).toEqual([8, 7])
    expect(reader.failed).toBe(false)
  })

  it('remembers the first read that wanted too much, and then gives nothing', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3))
    expect(reader.uint32()).toBe(0)
    expect(reader.failed).toBe(true)
    expect([reader.uint8(), reader.remainingCount, reader.rest().length]).toEqual([0, 0, 0])
  })

  it('fails for a negative count', () => {
    const reader = new ByteReader(Uint8Array.of(1))
    expect(reader.take(-1).length).toBe(0)
    expect(reader.failed).toBe(true)
  })
})

describe('text forms of bytes', () => {
  const table: readonly (readonly [string, string, string])[] = [
    // The vectors of RFC 4648 §10, and one that tells the two alphabets apart.
    ['', '', ''],
    ['66', 'Zg==', 'Zg'],
    ['666f', 'Zm8=', 'Zm8'],
    ['666f6f', 'Zm9v', 'Zm9v'],
    ['666f6f62', 'Zm9vYg==', 'Zm9vYg'],
    ['666f6f6261', 'Zm9vYmE=', 'Zm9vYmE'],
    ['666f6f626172', 'Zm9vYmFy', 'Zm9vYmFy'],
    ['fbff', '+/8=', '-_8'],
  ]
  it.each(table)('writes %s as base64 %s [RFC 4648 §10]', (hex, base64, base64url) => {
    const bytes = hexToBytes(hex) ?? Uint8Array.of(0)
    expect([bytesToBase64(bytes), bytesToBase64url(bytes)]).toEqual([base64, base64url])
    expect(base64ToBytes(base64)).toEqual(bytes)
    expect(base64urlToBytes(base64url)).toEqual(bytes)
  })

  it.each(['Z', 'Zg=', 'Zg===', 'Zm9v=', 'Zm 9v', 'Zm9v\n', '-_8=', '=', 'Zg==Zg=='])(
    'refuses %j as base64 [RFC 4648 §3]',
    (text) => {
      expect(base64ToBytes(text)).toBeUndefined()
    },
  )

  it.each(['0', '0g', ' 00', '0x00'])('refuses %j as hex', (text) => {
    expect(hexToBytes(text)).toBeUndefined()
  })

  it('gives back any bytes through each text form', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(hexToBytes(bytesToHex(bytes))).toEqual(bytes)
        expect(base64ToBytes(bytesToBase64(bytes))).toEqual(bytes)
        expect(base64urlToBytes(bytesToBase64url(bytes))).toEqual(bytes)
        expect(bytesToBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
      }),
    )
  })

  it('never throws on random text', () => {
    fc.assert(
      fc.property(fc.string({ unit: codeUnit, maxLength: 50 }), (text) => {
        for (const parse of [hexToBytes, base64ToBytes, base64urlToBytes]) {
          const bytes = parse(text)
          expect(bytes === undefined || bytes.length <= text.length).toBe(true)
        }
      }),
    )
  })

  it('tells UTF-8 from other bytes and keeps a byte order mark', () => {
    expect(utf8Text(utf8Bytes('\ufeffgrün'))).toBe('\ufeffgrün')
    expect(utf8Text(Uint8Array.of(0xff, 0x41))).toBeUndefined()
  })

  it('joins parts in order', () => {
    expect(Array.from(concatBytes([Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)]))).toEqual([1, 2, 3])
  })
})
