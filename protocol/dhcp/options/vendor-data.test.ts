import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { bytesToHex, concatBytes } from '../../bytes.ts'
import { hex, refusalOf, SEED, valueOf } from './testing-options.ts'
import {
  decodeEnterpriseData,
  decodeSubOptions,
  decodeText,
  encodeEnterpriseData,
  encodeSubOptions,
  joinOptionParts,
  PAYLOAD_BYTES_MAX,
  splitOption,
} from './vendor-data.ts'

/** Reads back what `splitOption` wrote, by hand: code, length, part. */
function partsOf(options: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < options.length; ) {
    const end = offset + 2 + (options[offset + 1] ?? 0)
    parts.push(options.subarray(offset + 2, end))
    offset = end
  }
  return parts
}

const subOption = fc.record({ code: fc.integer({ min: 1, max: 254 }), value: fc.uint8Array({ maxLength: 255 }) })

describe('a payload over several options', () => {
  const table: readonly (readonly [number, readonly number[]])[] = [
    [0, [0]],
    [1, [1]],
    [255, [255]],
    [256, [255, 1]],
    [510, [255, 255]],
    [511, [255, 255, 1]],
  ]
  it.each(table)('sends %i bytes in parts of %j [RFC 3396]', (byteCount, lengths) => {
    const options = valueOf(splitOption(43, new Uint8Array(byteCount).fill(7)))
    const parts = partsOf(options)
    expect(parts.map((part) => part.length)).toEqual(lengths)
    expect(options[0]).toBe(43)
  })

  it('joins to what was split, byte by byte [RFC 3396]', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), (payload) => {
        expect(valueOf(joinOptionParts(partsOf(valueOf(splitOption(125, payload)))))).toEqual(payload)
      }),
      { seed: SEED },
    )
  })

  it.each([0, 255, -1, 256, 1.5, Number.NaN])('refuses the code %d', (code) => {
    expect(refusalOf(splitOption(code, new Uint8Array(1)))).toContain('expected a code of 1 to 254')
  })

  it('has a longest payload, in each direction', () => {
    const most = new Uint8Array(PAYLOAD_BYTES_MAX)
    const more = new Uint8Array(PAYLOAD_BYTES_MAX + 1)
    expect(refusalOf(splitOption(43, most))).toBe('ok')
    expect(refusalOf(joinOptionParts([most]))).toBe('ok')
    const refusal = 'too-long: Cannot take an option of 4097 bytes: expected at most 4096 bytes'
    expect(refusalOf(splitOption(43, more))).toBe(refusal)
    expect(refusalOf(joinOptionParts([most, Uint8Array.of(1)]))).toBe(refusal)
    expect(refusalOf(decodeSubOptions(more, 'padded'))).toBe(refusal)
    expect(refusalOf(decodeEnterpriseData(more, 3561))).toBe(refusal)
  })
})

describe('sub-options', () => {
  const table: readonly (readonly [string, 'padded' | 'plain', string])[] = [
    ['', 'padded', ''],
    ['01 01 61', 'padded', '1=61'],
    ['00 00 01 01 61 00 02 00 00', 'padded', '1=61 2='],
    ['01 01 61 ff 02 01 62', 'padded', '1=61'],
    ['ff', 'padded', ''],
    ['00 01 61 ff 01 62', 'plain', '0=61 255=62'],
    ['01 02 00 ff', 'padded', '1=00ff'],
    ['01', 'padded', 'truncated'],
    ['01 02 61', 'padded', 'truncated'],
    ['01 01 61 02', 'plain', 'truncated'],
  ]
  it.each(table)('reads "%s" as in %s form: %s [TR-069 §9.2]', (bytes, form, expected) => {
    const read = decodeSubOptions(hex(bytes), form)
    const printed = read.ok
      ? read.value.map(({ code, value }) => `${code}=${bytesToHex(value)}`).join(' ')
      : read.error.code
    expect(printed).toBe(expected)
  })

  it('come back as they were sent, in each form', () => {
    fc.assert(
      fc.property(fc.array(subOption, { maxLength: 12 }), fc.constantFrom('padded', 'plain'), (subOptions, form) => {
        expect(valueOf(decodeSubOptions(valueOf(encodeSubOptions(subOptions)), form))).toEqual(subOptions)
      }),
      { seed: SEED },
    )
  })

  it('are refused where the length byte cannot hold them, and say what to do', () => {
    expect(refusalOf(encodeSubOptions([{ code: 2, value: new Uint8Array(256) }]))).toBe(
      'too-long: Cannot send sub-option 2 of 256 bytes: shorten its value to at most 255 bytes',
    )
    expect(refusalOf(encodeSubOptions([{ code: 256, value: new Uint8Array(0) }]))).toMatch(/^bad-value: /)
  })
})

describe('enterprises', () => {
  const table: readonly (readonly [string, string])[] = [
    ['', 'none'],
    ['00 00 0d e9 02 01 00', '0100'],
    ['00 00 0d e9 00', ''],
    ['00 00 00 09 03 aa bb cc  00 00 0d e9 01 61', '61'],
    ['00 00 0d e9 01 61  00 00 00 09 03 aa bb cc', '61'],
    // Our number inside the data of another is not ours.
    ['00 00 00 09 06 00 00 0d e9 01 61', 'none'],
    ['00 00 0d e9 01 61  00 00 00 09 00  00 00 0d e9 01 62', '6162'],
    ['00 00 0d', 'truncated'],
    ['00 00 0d e9', 'truncated'],
    ['00 00 0d e9 02 61', 'truncated'],
    ['00 00 0d e9 01 61  00 00 00 09 03 aa', 'truncated'],
  ]
  it.each(table)('finds ours in "%s": %s [TR-069 §9.3]', (bytes, expected) => {
    const read = decodeEnterpriseData(hex(bytes), 3561)
    const found = read.ok && read.value !== undefined ? bytesToHex(read.value) : 'none'
    expect(read.ok ? found : read.error.code).toBe(expected)
  })

  it('skips any other enterprise by its length byte, before and behind [TR-069 §9.3]', () => {
    const data = fc.uint8Array({ maxLength: 255 })
    const others = fc.integer({ min: 0, max: 0xffff_ffff }).filter((enterprise) => enterprise !== 3561)
    fc.assert(
      fc.property(data, data, others, (ours, theirs, other) => {
        const foreign = valueOf(encodeEnterpriseData(other, theirs))
        const payload = concatBytes([foreign, valueOf(encodeEnterpriseData(3561, ours)), foreign])
        expect(valueOf(decodeEnterpriseData(payload, 3561))).toEqual(ours)
      }),
      { seed: SEED },
    )
  })

  it('refuses more data than the length byte can tell, and says what to do', () => {
    expect(refusalOf(encodeEnterpriseData(3561, new Uint8Array(255)))).toBe('ok')
    expect(refusalOf(encodeEnterpriseData(3561, new Uint8Array(256)))).toMatch(
      /^too-long: Cannot send 256 bytes of enterprise 3561: shorten or leave out values/,
    )
    expect(refusalOf(encodeEnterpriseData(2 ** 32, new Uint8Array(0)))).toMatch(/^bad-value: /)
  })
})

describe('texts', () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ['61 62', 'ab'],
    ['61 62 00 00', 'ab'],
    ['00 61 62 00', 'ab'],
    ['c3 a4', 'ä'],
    ['', undefined],
    ['00 00', undefined],
    ['61 00 62', undefined],
    ['61 0a', undefined],
    ['c3', undefined],
  ]
  it.each(table)('reads "%s" as %j, NULs stripped [TR-069 §9.2]', (bytes, text) => {
    expect(decodeText(hex(bytes))).toBe(text)
  })
})
