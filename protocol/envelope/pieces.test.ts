import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, utf8Bytes } from '../bytes.ts'
import { gunzip } from './compression.ts'
import { joinGzip, packPart } from './pieces.ts'

const part = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array({ minLength: 250, maxLength: 2000 }),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 30 }), fc.nat({ max: 3000 }))
    .map(([text, times]) => utf8Bytes(text.repeat(times))),
)

describe('a gzip file of parts', () => {
  it('unpacks to its parts, in any order and again and again [MPP §2.1]', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.nat({ max: 7 }), { maxLength: 12 }), (plain, order) => {
        const packed = plain.map((each, at) => packPart(each, at % 2 === 0 ? 'often' : 'once'))
        const chosen = order.map((at) => at % Math.max(1, plain.length))
        const wanted = concatBytes(chosen.flatMap((at) => plain[at] ?? []))
        const opened = gunzip(joinGzip(chosen.flatMap((at) => packed[at] ?? [])), wanted.length)
        expect(opened.ok && Buffer.from(opened.value).equals(wanted)).toBe(true)
      }),
    )
  })

  it.each([0, 1, 255, 256, 257, 65_535, 65_536, 200_000])('takes a part of %i bytes', (byteCount) => {
    const plain = Uint8Array.from({ length: byteCount }, (_, at) => at % 251)
    const file = joinGzip([packPart(plain), packPart(plain, 'once')])
    const opened = gunzip(file, 2 * byteCount)
    expect(opened.ok && Buffer.from(opened.value).equals(concatBytes([plain, plain]))).toBe(true)
  })

  it('has no name, no time and no operating system, and packs what repeats', () => {
    const plain = utf8Bytes('<Line_Enable_1_>Yes</Line_Enable_1_>\n'.repeat(100))
    const file = joinGzip([packPart(plain)])
    expect([...file.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
    expect(file.length).toBeLessThan(200)
    expect(joinGzip([packPart(plain)])).toEqual(file)
  })

  it('tells when a byte of it was changed', () => {
    const file = joinGzip([packPart(utf8Bytes('one part')), packPart(utf8Bytes('another'))])
    for (let at = file.length - 8; at < file.length; at++) {
      expect(gunzip(file.with(at, (file[at] ?? 0) ^ 1), 100).ok).toBe(false)
    }
  })
})
