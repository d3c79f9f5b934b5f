import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { base64ToBytes, bytesToBase64, hexToBytes, utf8Bytes, utf8Text } from '../bytes.ts'
import { isSalted, openSalted, type SaltedDigest, sealSalted } from './mod.ts'

const PHRASE = 'SecretPhrase1234'
const SALT = hexToBytes('0102030405060708') ?? new Uint8Array(0)
const PLAIN = '<flat-profile><GPP_A>12345678</GPP_A></flat-profile>\n'
const SEALED =
  'U2FsdGVkX18BAgMEBQYHCJlvMH8rXG3RlT0Bkwx6Q4n5PwLfUyPrD8a+e+lkntK8DyyFvcJYccqo1Ub6XzYTai5ad8omJL5gqXp6KMrfvvY='

function sample(): Uint8Array {
  return base64ToBytes(SEALED) ?? new Uint8Array(0)
}

describe('sealSalted and openSalted', () => {
  it('seals the published example to the published bytes [MPP §2.2]', () => {
    expect(bytesToBase64(sealSalted(utf8Bytes(PLAIN), PHRASE, SALT))).toBe(SEALED)
  })

  it('opens the published example [MPP §2.2]', () => {
    const opened = openSalted(sample(), PHRASE)
    expect(opened.ok && utf8Text(opened.value)).toBe(PLAIN)
  })

  it('takes 32 hex digits as a pass phrase like any other, so their case counts [MPP §0]', () => {
    const sealed = sealSalted(utf8Bytes(PLAIN), '00112233445566778899aabbccddeeff', SALT)
    const opened = openSalted(sealed, '00112233445566778899AABBCCDDEEFF')
    expect(opened.ok && utf8Text(opened.value) === PLAIN).toBe(false)
  })

  it('says that the key is wrong when the padding is [MPP §2.2]', () => {
    const opened = openSalted(sample(), 'SecretPhrase1235')
    expect(!opened.ok && opened.error.code).toBe('bad-key')
  })

  it('does not open with another digest than it was sealed with', () => {
    const opened = openSalted(sample(), PHRASE, 'sha256')
    expect(opened.ok && utf8Text(opened.value) === PLAIN).toBe(false)
  })

  it.each([0, 7, 8, 15, 16, 17, 31, 33, 79])('refuses the first %i bytes of a sealed file', (byteCount) => {
    const opened = openSalted(sample().subarray(0, byteCount), PHRASE)
    expect(!opened.ok && opened.error.code).toBe(byteCount < 8 ? 'not-salted' : 'truncated')
  })

  it('refuses a clear file as not salted [MPP §2.1]', () => {
    const opened = openSalted(utf8Bytes(PLAIN), PHRASE)
    expect(!opened.ok && opened.error.code).toBe('not-salted')
    expect([isSalted(utf8Bytes(PLAIN)), isSalted(sample()), isSalted(new Uint8Array(0))]).toEqual([false, true, false])
  })

  it('names no key in its messages', () => {
    const opened = openSalted(sample(), 'another phrase')
    expect(!opened.ok && opened.error.message.includes('phrase')).toBe(false)
  })

  it('gives back any bytes under any phrase, salt and digest', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        fc.constantFrom<SaltedDigest>('md5', 'sha256'),
        (plain, phrase, salt, digest) => {
          const sealed = sealSalted(plain, phrase, salt, digest)
          const opened = openSalted(sealed, phrase, digest)
          expect(opened.ok && opened.value).toEqual(plain)
          // PKCS#7 always adds 1 to 16 bytes.
          expect(sealed.length).toBe(16 + (Math.floor(plain.length / 16) + 1) * 16)
        },
      ),
    )
  })

  it('never throws on random or damaged bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (noise, behindHeader) => {
        const bytes = behindHeader ? Uint8Array.of(...sample().subarray(0, 16), ...noise) : noise
        const opened = openSalted(bytes, PHRASE)
        expect(opened.ok ? opened.value.length <= bytes.length : opened.error.message.length > 0).toBe(true)
      }),
    )
  })
})
