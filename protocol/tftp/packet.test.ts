import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  BLOCK_BYTES_MAX,
  decodePacket,
  encodePacket,
  FILENAME_BYTES_MAX,
  isEncodableFilename,
  looksLikeRequest,
  OPTIONS_MAX,
  REQUEST_BYTES_MAX,
} from './packet.ts'
import type { TftpPacket } from './packet.ts'

const plainOptions = new Map<string, string>()
const mac = '5/cisco'

/** Packet, bytes in hex with the texts written as they are. */
const samples: readonly (readonly [string, string, TftpPacket])[] = [
  ['RRQ [RFC 1350 §5]', '0001 "8851-3PCC.xml" 00 "octet" 00', request('rrq', '8851-3PCC.xml', plainOptions)],
  ['WRQ [RFC 1350 §5]', '0002 "/5/cisco" 00 "octet" 00', request('wrq', `/${mac}`, plainOptions)],
  [
    'RRQ with options [RFC 2347 §2]',
    '0001 "a" 00 "octet" 00 "blksize" 00 "1428" 00 "tsize" 00 "0" 00',
    request(
      'rrq',
      'a',
      new Map([
        ['blksize', '1428'],
        ['tsize', '0'],
      ]),
    ),
  ],
  ['DATA [RFC 1350 §5]', '0003 0102 0a0b0c', { kind: 'data', block: 258, data: Uint8Array.of(10, 11, 12) }],
  ['empty DATA [RFC 1350 §6]', '0003 ffff', { kind: 'data', block: 65535, data: new Uint8Array(0) }],
  ['ACK [RFC 1350 §5]', '0004 0000', { kind: 'ack', block: 0 }],
  ['ERROR [RFC 1350 §5]', '0005 0001 "File not found" 00', { kind: 'error', code: 1, message: 'File not found' }],
  ['OACK [RFC 2347 §2]', '0006 "windowsize" 00 "16" 00', { kind: 'oack', options: new Map([['windowsize', '16']]) }],
]

/** Bytes that are read, though no sender should write them. */
const lenient: readonly (readonly [string, string, TftpPacket])[] = [
  [
    'option names in any case [RFC 2347 §2]',
    '0001 "a" 00 "OCTET" 00 "BlkSize" 00 "512" 00',
    { ...request('rrq', 'a', new Map([['blksize', '512']])), mode: 'OCTET' },
  ],
  [
    'an option given twice, whose first value counts [RFC 2347 §2]',
    '0001 "a" 00 "octet" 00 "tsize" 00 "0" 00 "TSIZE" 00 "9" 00',
    request('rrq', 'a', new Map([['tsize', '0']])),
  ],
  [
    'a last option without value',
    '0001 "a" 00 "octet" 00 "tsize" 00 "0" 00 "blksize" 00',
    request('rrq', 'a', new Map([['tsize', '0']])),
  ],
  [
    'a last option cut off',
    '0001 "a" 00 "octet" 00 "tsize" 00 "0" 00 "blksize" 00 "14"',
    request('rrq', 'a', new Map([['tsize', '0']])),
  ],
  ['an empty file name', '0001 00 "octet" 00', request('rrq', '', plainOptions)],
  ['an OACK without options', '0006', { kind: 'oack', options: plainOptions }],
  ['an ACK with bytes after it', '0004 0007 ffff', { kind: 'ack', block: 7 }],
  ['an ERROR without text', '0005 0003', { kind: 'error', code: 3, message: '' }],
  ['an ERROR text without its zero byte', '0005 0000 "no"', { kind: 'error', code: 0, message: 'no' }],
]

const refused: readonly (readonly [string, string, string])[] = [
  ['nothing', '', 'truncated'],
  ['half an opcode', '00', 'truncated'],
  ['a lone opcode', '0001', 'unterminated'],
  ['a lone ACK', '0004', 'truncated'],
  ['three bytes', '000400', 'truncated'],
  ['opcode 0', '0000 0000', 'unknown-opcode'],
  ['opcode 7', '0007 0000', 'unknown-opcode'],
  ['opcode 256', '0100 "a" 00 "octet" 00', 'unknown-opcode'],
  ['a name without end', '0001 "firmware"', 'unterminated'],
  ['a mode without end', '0001 "a" 00 "octet"', 'unterminated'],
]

describe('decodePacket and encodePacket', () => {
  it.each(samples)('reads and writes %s', (_name, hex, packet) => {
    expect(decodePacket(bytesOf(hex))).toEqual({ ok: true, value: packet })
    expect(hexOf(encodePacket(packet))).toBe(hexOf(bytesOf(hex)))
  })

  it.each(lenient)('reads %s', (_name, hex, packet) => {
    expect(decodePacket(bytesOf(hex))).toEqual({ ok: true, value: packet })
  })

  it.each(refused)('refuses %s', (_name, hex, code) => {
    const result = decodePacket(bytesOf(hex))
    expect(result.ok).toBe(false)
    if (!result.ok) expect(result.error.code).toBe(code)
  })

  it('refuses a request over its size limit and a block over that of the standard [RFC 2348 §2]', () => {
    const longRequest = bytesOf(`0001 "${'a'.repeat(REQUEST_BYTES_MAX)}" 00 "octet" 00`)
    const longBlock = new Uint8Array(BLOCK_BYTES_MAX + 5)
    longBlock[1] = 3
    expect(decodePacket(longRequest)).toMatchObject({ ok: false, error: { code: 'too-large' } })
    expect(decodePacket(longBlock)).toMatchObject({ ok: false, error: { code: 'too-large' } })
    expect(decodePacket(longBlock.subarray(0, BLOCK_BYTES_MAX + 4)).ok).toBe(true)
  })

  it('reads no more options than its limit', () => {
    const options = Array.from({ length: OPTIONS_MAX * 3 }, (_, index) => `"o${index}" 00 "1" 00`).join(' ')
    const result = decodePacket(bytesOf(`0001 "a" 00 "octet" 00 ${options}`))
    expect(result.ok && result.value.kind === 'rrq' && result.value.options.size).toBe(OPTIONS_MAX)
  })

  it('cuts a long error text and keeps a zero byte out of it', () => {
    const bytes = encodePacket({ kind: 'error', code: 0, message: `a\0b${'é'.repeat(1000)}` })
    const back = decodePacket(bytes)
    expect(bytes.length).toBeLessThan(300)
    expect(back.ok && back.value.kind === 'error' && back.value.message.startsWith('a bé')).toBe(true)
    expect(bytes.indexOf(0, 4)).toBe(bytes.length - 1)
  })

  it('will not write what no packet can hold', () => {
    expect(() => encodePacket(request('rrq', 'a\0b', plainOptions))).toThrow('zero byte')
    expect(() => encodePacket(request('rrq', 'a'.repeat(2000), plainOptions))).toThrow('at most')
    expect(() => encodePacket({ kind: 'ack', block: 65536 })).toThrow('16 bits')
    expect(() => encodePacket({ kind: 'data', block: 1, data: new Uint8Array(BLOCK_BYTES_MAX + 1) })).toThrow('at most')
  })

  it('knows which names a request can carry', () => {
    expect(isEncodableFilename('/s/file.cfg?k=2')).toBe(true)
    expect(isEncodableFilename('a\0b')).toBe(false)
    expect(isEncodableFilename('é'.repeat(FILENAME_BYTES_MAX / 2))).toBe(true)
    expect(isEncodableFilename('é'.repeat(FILENAME_BYTES_MAX / 2 + 1))).toBe(false)
  })

  it('tells requests from the rest by their opcode alone', () => {
    expect(['0001', '0002', '0003', '0101', ''].map((hex) => looksLikeRequest(bytesOf(hex)))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})

describe('packets, generated', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(packets(), (packet) => {
        expect(decodePacket(encodePacket(packet))).toEqual({ ok: true, value: packet })
      }),
      { numRuns: 1000 },
    )
  })

  it('are refused or read, never thrown at, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 0, max: 7 }), (bytes, opcode) => {
        if (bytes.length > 1) bytes.set([0, opcode])
        const result = decodePacket(bytes)
        if (result.ok) expect(decodePacket(encodePacket(result.value)).ok).toBe(true)
        else expect(result.error.message).toContain('Cannot read TFTP packet')
      }),
      { numRuns: 5000 },
    )
  })

  it('are refused or read when cut or changed in one place', () => {
    fc.assert(
      fc.property(packets(), fc.nat(), fc.nat(255), (packet, place, value) => {
        const bytes = encodePacket(packet)
        const cut = bytes.slice(0, place % (bytes.length + 1))
        expect(typeof decodePacket(cut).ok).toBe('boolean')
        bytes[place % bytes.length] = value
        expect(typeof decodePacket(bytes).ok).toBe('boolean')
      }),
      { numRuns: 2000 },
    )
  })
})

function packets(): fc.Arbitrary<TftpPacket> {
  const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !value.includes('\0'))
  const name = fc.stringMatching(/^[a-z0-9]{1,12}$/)
  const number = fc.nat(0xffff)
  const options = fc.array(fc.tuple(name, text), { maxLength: 4 }).map((pairs) => new Map(pairs))
  const mode = fc.constantFrom('octet', 'netascii', 'mail')
  return fc.oneof(
    fc.record({ kind: fc.constantFrom('rrq', 'wrq'), filename: text, mode, options }),
    fc.record({ kind: fc.constant('data'), block: number, data: fc.uint8Array({ maxLength: 1500 }) }),
    fc.record({ kind: fc.constant('ack'), block: number }),
    fc.record({ kind: fc.constant('error'), code: number, message: text }),
    fc.record({ kind: fc.constant('oack'), options: options.filter((map) => map.size > 0) }),
  ) as fc.Arbitrary<TftpPacket>
}

function request(
  kind: 'rrq' | 'wrq',
  filename: string,
  options: ReadonlyMap<string, string>,
): Extract<TftpPacket, { readonly mode: string }> {
  return { kind, filename, mode: 'octet', options }
}

function bytesOf(hex: string): Uint8Array {
  const parts = hex.match(/"[^"]*"|[0-9a-f]+/g) ?? []
  const pieces = parts.map((part) => (part.startsWith('"') ? Buffer.from(part.slice(1, -1)) : Buffer.from(part, 'hex')))
  return new Uint8Array(Buffer.concat(pieces))
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
