import { createCipheriv, hkdfSync } from 'node:crypto'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { base64urlToBytes, bytesToBase64url, concatBytes, utf8Bytes, utf8Text } from '../bytes.ts'
import { ikmFromText, openAes128gcm, RECORDS_MAX, sealAes128gcm } from './mod.ts'

function fromBase64url(text: string): Uint8Array {
  return base64urlToBytes(text) ?? new Uint8Array(0)
}

const WALRUS = 'I am the walrus'
const FIRST = {
  ikm: fromBase64url('yqdlZ-tYemfogSmv7Ws5PQ'),
  salt: fromBase64url('I1BsxtFttlv3u_Oo94xnmw'),
  sealed: 'I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg',
}
const SECOND = {
  ikm: fromBase64url('BO3ZVPxUlnLORbVGMpbT1Q'),
  sealed: 'uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA',
}

/** Seals one record by hand with other functions of the platform, so that any delimiter can be put anywhere. */
function sealRecordByHand(padded: Uint8Array, ikm: Uint8Array, salt: Uint8Array, index: number): Uint8Array {
  const key = new Uint8Array(hkdfSync('sha256', ikm, salt, 'Content-Encoding: aes128gcm\0', 16))
  const nonce = new Uint8Array(hkdfSync('sha256', ikm, salt, 'Content-Encoding: nonce\0', 12))
  nonce[11] = (nonce[11] ?? 0) ^ index
  const cipher = createCipheriv('aes-128-gcm', key, nonce)
  return concatBytes([cipher.update(padded), cipher.final(), cipher.getAuthTag()])
}

function header(salt: Uint8Array, recordSize: number): Uint8Array {
  return concatBytes([salt, Uint8Array.of(0, 0, recordSize >> 8, recordSize & 255, 0)])
}

describe('sealAes128gcm and openAes128gcm', () => {
  it('seals the single record example to its published bytes [MPP §2.3] [RFC 8188 §3.1]', () => {
    expect(bytesToBase64url(sealAes128gcm(utf8Bytes(WALRUS), FIRST.ikm, FIRST.salt))).toBe(FIRST.sealed)
  })

  it('opens the single record example [MPP §2.3] [RFC 8188 §3.1]', () => {
    const opened = openAes128gcm(fromBase64url(FIRST.sealed), FIRST.ikm)
    expect(opened.ok && utf8Text(opened.value)).toBe(WALRUS)
  })

  it('opens the example of two padded records with a key id [RFC 8188 §3.2]', () => {
    const opened = openAes128gcm(fromBase64url(SECOND.sealed), SECOND.ikm)
    expect(opened.ok && utf8Text(opened.value)).toBe(WALRUS)
  })

  it('seals no bytes as one record, which proves that nothing was cut [RFC 8188 §2]', () => {
    const sealed = sealAes128gcm(new Uint8Array(0), FIRST.ikm, FIRST.salt)
    expect(sealed.length).toBe(21 + 17)
    const opened = openAes128gcm(sealed, FIRST.ikm)
    expect(opened.ok && opened.value.length).toBe(0)
  })

  it('notices a missing last record [MPP §2.3] [RFC 8188 §2]', () => {
    const sealed = sealAes128gcm(utf8Bytes(WALRUS), FIRST.ikm, FIRST.salt, 22)
    const opened = openAes128gcm(sealed.subarray(0, 21 + 22), FIRST.ikm)
    expect(!opened.ok && opened.error.code).toBe('truncated')
  })

  it('refuses records in another order [MPP §2.3] [RFC 8188 §2.3]', () => {
    const sealed = sealAes128gcm(utf8Bytes('0123456789abcdef'), FIRST.ikm, FIRST.salt, 25)
    const swapped = concatBytes([sealed.subarray(0, 21), sealed.subarray(46, 71), sealed.subarray(21, 46)])
    const opened = openAes128gcm(swapped, FIRST.ikm)
    expect(!opened.ok && opened.error.code).toBe('bad-key')
  })

  it.each([
    [
      'the last delimiter before the end',
      [
        [65, 2],
        [66, 2],
      ],
      'bad-record',
    ],
    ['no delimiter at all', [[0, 0]], 'bad-record'],
    ['an unknown delimiter', [[65, 3]], 'bad-record'],
    ['only the delimiter of more records', [[65, 1]], 'truncated'],
  ] as const)('refuses %s [RFC 8188 §2]', (_, paddedRecords, code) => {
    const records = paddedRecords.map((padded, index) =>
      sealRecordByHand(Uint8Array.from(padded), FIRST.ikm, FIRST.salt, index),
    )
    const opened = openAes128gcm(concatBytes([header(FIRST.salt, 18), ...records]), FIRST.ikm)
    expect(!opened.ok && opened.error.code).toBe(code)
  })

  it('drops zero padding behind the delimiter [RFC 8188 §2]', () => {
    const record = sealRecordByHand(Uint8Array.of(65, 0, 2, 0, 0, 0), FIRST.ikm, FIRST.salt, 0)
    const opened = openAes128gcm(concatBytes([header(FIRST.salt, 40), record]), FIRST.ikm)
    expect(opened.ok && Array.from(opened.value)).toEqual([65, 0])
  })

  it('refuses a record size without room for data [RFC 8188 §2]', () => {
    const opened = openAes128gcm(concatBytes([header(FIRST.salt, 17), new Uint8Array(17)]), FIRST.ikm)
    expect(!opened.ok && opened.error.code).toBe('bad-record')
  })

  it('refuses more records than anyone needs before it opens the first', () => {
    const opened = openAes128gcm(concatBytes([header(FIRST.salt, 18), new Uint8Array(18 * RECORDS_MAX + 1)]), FIRST.ikm)
    expect(!opened.ok && opened.error.code).toBe('too-large')
  })

  it('reserves nothing for a record size of 2^32-1', () => {
    const sealed = sealAes128gcm(utf8Bytes(WALRUS), FIRST.ikm, FIRST.salt, 0xffff_ffff)
    const opened = openAes128gcm(sealed, FIRST.ikm)
    expect(opened.ok && utf8Text(opened.value)).toBe(WALRUS)
  })

  it('opens nothing without keying material [MPP §2.1]', () => {
    const opened = openAes128gcm(fromBase64url(FIRST.sealed), new Uint8Array(0))
    expect(!opened.ok && opened.error.code).toBe('no-key')
  })

  it('gives back any bytes for any record size and key id', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.integer({ min: 18, max: 500 }),
        fc.uint8Array({ maxLength: 255 }),
        (plain, ikm, salt, recordSize, keyId) => {
          const opened = openAes128gcm(sealAes128gcm(plain, ikm, salt, recordSize, keyId), ikm)
          expect(opened.ok && opened.value).toEqual(plain)
        },
      ),
    )
  })

  it('refuses every file with one changed byte behind the header, and every shorter one', () => {
    const sealed = sealAes128gcm(utf8Bytes('<flat-profile/>'), FIRST.ikm, FIRST.salt, 24)
    fc.assert(
      fc.property(fc.integer({ min: 21, max: sealed.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Uint8Array.from(sealed, (byte, index) => (index === at ? byte ^ change : byte))
        expect(openAes128gcm(damaged, FIRST.ikm).ok).toBe(false)
      }),
    )
    for (let length = 0; length < sealed.length; length++) {
      expect(openAes128gcm(sealed.subarray(0, length), FIRST.ikm).ok).toBe(false)
    }
  })

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.uint8Array({ maxLength: 20 }), (bytes, ikm) => {
        const opened = openAes128gcm(bytes, ikm)
        expect(!opened.ok && opened.error.message.length > 0).toBe(true)
      }),
    )
  })
})

describe('ikmFromText', () => {
  it.each([
    ['yqdlZ-tYemfogSmv7Ws5PQ', 'auto', 16],
    ['yqdlZ-tYemfogSmv7Ws5PQ==', 'auto', 16],
    ['yqdlZ-tYemfogSmv7Ws5PQ', 'utf8', 22],
    ['shortkey', 'auto', 8],
    ['shortkey', 'base64url', 6],
    ['a pass phrase, not base64url', 'auto', 28],
    ['a pass phrase, not base64url', 'base64url', 0],
    ['', 'auto', 0],
  ] as const)('reads %j as %s to %i bytes [MPP §2.3]', (text, encoding, byteCount) => {
    expect(ikmFromText(text, encoding).length).toBe(byteCount)
  })
})
