import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes, utf8Bytes, utf8Text } from '../bytes.ts'
import { type BodyOpening, gunzip, gzip, inflate, isGzip, openProfileBody, sealAes128gcm, sealSalted } from './mod.ts'

const PLAIN = '<flat-profile><GPP_A>12345678</GPP_A></flat-profile>'
const KEY = 'a phrase'
const IKM = 'a second phrase'
const SALT = new Uint8Array(8).fill(7)
const CODING_SALT = new Uint8Array(16).fill(9)
const MAX = 100_000

const clear = utf8Bytes(PLAIN)
const keyed = (bytes: Uint8Array): Uint8Array => sealSalted(bytes, KEY, SALT)
const coded = (bytes: Uint8Array): Uint8Array => sealAes128gcm(bytes, utf8Bytes(IKM), CODING_SALT)

describe('openProfileBody', () => {
  const opens: readonly (readonly [string, Uint8Array, Omit<BodyOpening, 'maxBytes'>])[] = [
    ['a clear file', clear, {}],
    ['a gzip file', gzip(clear), {}],
    ['a sealed file', keyed(clear), { key: KEY }],
    ['a compressed and then sealed file', keyed(gzip(clear)), { key: KEY }],
    ['a sealed file although an IKM is set', keyed(clear), { key: KEY, ikm: IKM }],
    ['aes128gcm content', coded(clear), { contentEncoding: 'aes128gcm', ikm: IKM }],
    [
      'aes128gcm content although the rule has a key',
      coded(clear),
      { contentEncoding: 'AES128GCM', ikm: IKM, key: KEY },
    ],
    ['a gzip file as aes128gcm content', coded(gzip(clear)), { contentEncoding: 'aes128gcm', ikm: IKM }],
    ['content coded with gzip', gzip(clear), { contentEncoding: 'gzip' }],
    ['content coded with x-gzip', gzip(clear), { contentEncoding: 'x-gzip' }],
    ['a gzip file coded with gzip once more', gzip(gzip(clear)), { contentEncoding: 'gzip' }],
    ['a sealed file coded with gzip', gzip(keyed(gzip(clear))), { contentEncoding: 'gzip', key: KEY }],
    ['content coded with deflate', new Uint8Array(deflateSync(clear)), { contentEncoding: 'deflate' }],
    ['content coded with bare deflate', new Uint8Array(deflateRawSync(clear)), { contentEncoding: 'deflate' }],
    ['content coded twice, undone from the end', gzip(coded(clear)), { contentEncoding: 'aes128gcm, gzip', ikm: IKM }],
    ['identity content', clear, { contentEncoding: 'identity' }],
    ['a clear file where a key is set and the switch allows it', clear, { key: KEY, clearAllowedWithKey: true }],
    ['a sealed file where the switch allows clear ones', keyed(clear), { key: KEY, clearAllowedWithKey: true }],
  ]
  it.each(opens)('opens the body: %s [MPP §2.1]', (_, body, how) => {
    const opened = openProfileBody(body, { ...how, maxBytes: MAX })
    expect(opened.ok && utf8Text(opened.value)).toBe(PLAIN)
  })

  const refuses: readonly (readonly [string, Uint8Array, BodyOpening, string])[] = [
    ['a clear file where the rule has a key', clear, { key: KEY, maxBytes: MAX }, 'not-salted'],
    ['a clear file where the rule has an empty key', clear, { key: '', maxBytes: MAX }, 'not-salted'],
    ['a file compressed after sealing', gzip(keyed(clear)), { key: KEY, maxBytes: MAX }, 'not-salted'],
    ['aes128gcm without IKM', coded(clear), { contentEncoding: 'aes128gcm', key: KEY, maxBytes: MAX }, 'no-key'],
    ['an unknown coding', clear, { contentEncoding: 'br', maxBytes: MAX }, 'bad-gzip'],
    ['a long list of codings', clear, { contentEncoding: 'gzip,gzip,gzip,gzip,gzip', maxBytes: MAX }, 'too-large'],
    ['a cut gzip file', gzip(clear).subarray(0, 40), { maxBytes: MAX }, 'truncated'],
    ['a damaged gzip file', Uint8Array.of(0x1f, 0x8b, 1, 2, 3), { maxBytes: MAX }, 'bad-gzip'],
    ['a file over the limit', clear, { maxBytes: PLAIN.length - 1 }, 'too-large'],
    ['a sealed file over the limit', keyed(clear), { key: KEY, maxBytes: PLAIN.length - 1 }, 'too-large'],
    ['a gzip file over the limit', gzip(clear), { maxBytes: PLAIN.length - 1 }, 'too-large'],
  ]
  it.each(refuses)('refuses the body: %s [MPP §2.1]', (_, body, how, code) => {
    const opened = openProfileBody(body, how)
    expect(!opened.ok && opened.error.code).toBe(code)
  })

  it('leaves a sealed file sealed when the rule has no key', () => {
    const opened = openProfileBody(keyed(clear), { maxBytes: MAX })
    expect(opened.ok && opened.value).toEqual(keyed(clear))
  })

  it('never throws and never gives more than the limit', () => {
    const codings = fc.constantFrom(undefined, '', 'gzip', 'deflate', 'aes128gcm', 'identity, gzip', 'x', ',,,')
    const keys = fc.option(fc.constantFrom('', KEY), { nil: undefined })
    const wrap = fc.shuffledSubarray([gzip, keyed, coded])
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        wrap,
        codings,
        keys,
        fc.nat(400),
        (noise, wraps, coding, key, max) => {
          const opened = openProfileBody(
            wraps.reduce<Uint8Array>((bytes, wrapBytes) => wrapBytes(bytes), noise),
            {
              maxBytes: max,
              ikm: IKM,
              ...(coding === undefined ? {} : { contentEncoding: coding }),
              ...(key === undefined ? {} : { key }),
            },
          )
          expect(opened.ok ? opened.value.length <= max : opened.error.message !== '').toBe(true)
        },
      ),
    )
  })
})

describe('gzip', () => {
  it('gives equal bytes for equal bytes, with no time and no system in them', () => {
    const packed = gzip(clear)
    expect(gzip(clear)).toEqual(packed)
    expect(Array.from(packed.subarray(0, 10))).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255])
    expect([isGzip(packed), isGzip(clear), isGzip(new Uint8Array(1).fill(0x1f))]).toEqual([true, false, false])
  })

  it('stops a bomb at the limit, before it has come to the damaged end', () => {
    const zeros = new Uint8Array(20_000_000)
    const bombs = [
      { bomb: new Uint8Array(gzipSync(zeros)), open: gunzip },
      { bomb: new Uint8Array(deflateSync(zeros)), open: inflate },
    ]
    for (const { bomb, open } of bombs) {
      // The checksum at the end is wrong: whoever unpacks all of it says so.
      const damaged = Uint8Array.from(bomb, (byte, index) => (index >= bomb.length - 8 ? byte ^ 255 : byte))
      const opened = open(damaged, 1_000)
      expect(!opened.ok && opened.error.code).toBe('too-large')
    }
  })

  it('counts the members of a file of several together', () => {
    const twice = concatBytes([gzip(clear), gzip(clear)])
    const opened = gunzip(twice, MAX)
    expect(opened.ok && utf8Text(opened.value)).toBe(PLAIN + PLAIN)
    const refused = gunzip(twice, PLAIN.length)
    expect(!refused.ok && refused.error.code).toBe('too-large')
  })

  it('gives no bytes at a limit of none, and refuses one', () => {
    expect(gunzip(gzip(new Uint8Array(0)), 0).ok).toBe(true)
    expect(gunzip(gzip(new Uint8Array(1)), 0).ok).toBe(false)
  })

  it('gives back any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const opened = gunzip(gzip(bytes), bytes.length)
        expect(opened.ok && opened.value).toEqual(bytes)
      }),
    )
  })
})
