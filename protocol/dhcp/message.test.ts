import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { bytesToHex, concatBytes, utf8Bytes, utf8Text } from '../bytes.ts'
import { decodeDhcpMessage, DHCP_MESSAGE_BYTES_MAX, encodeDhcpMessage, peekDhcpReply } from './message.ts'
import type { DhcpMessage } from './message.ts'
import { hex, refusalOf, SEED, valueOf } from './options/testing-options.ts'
import { damaged, damages, MAC, macOf, reply, replyBytes } from './testing-dhcp.ts'

/** `count` zero bytes, as hex. */
function zeros(count: number): string {
  return '00'.repeat(count)
}

/** Everything before `sname`, by hand: xid 3903f326, MAC 00:0e:08:aa:bb:cc. */
function front(op: '01' | '02', addresses = zeros(16)): string {
  return `${op} 01 06 00  39 03 f3 26  00 05 80 00  ${addresses}  00 0e 08 aa bb cc ${zeros(10)}`
}

const COOKIE = '63 82 53 63'

const DISCOVER = `
  ${front('01')} ${zeros(64)} ${zeros(128)} ${COOKIE}
  35 01 01
  3d 07 01 00 0e 08 aa bb cc
  0c 0f 53 45 50 30 30 30 45 30 38 41 41 42 42 43 43
  3c 0d 43 50 2d 38 38 35 31 2d 33 50 43 43 00
  37 05 01 03 06 42 96
  ff
`

// SCEP in option 43 (its first fields), TFTP by name in 66, by address in 150.
const OFFER = `
  ${front('02', `00000000 c000024d c0000202 ${zeros(4)}`)}
  74 66 74 70 ${zeros(60)}
  62 6f 6f 74 ${zeros(124)}
  ${COOKIE}
  35 01 02   36 04 c0 00 02 01   33 04 00 00 0e 10   01 04 ff ff ff 00
  2b 06 0a 01 01 0e 01 01
  42 09 70 72 6f 76 2e 74 65 73 74
  96 08 c0 00 02 01 c0 00 02 02
  ff
`

describe('a DHCP message', () => {
  it('reads a DISCOVER written out by hand [RFC 2131 §2]', () => {
    const message = valueOf(decodeDhcpMessage(hex(DISCOVER)))
    expect({ ...message, options: [...message.options.keys()] }).toEqual({
      op: 'request',
      type: 'discover',
      xid: 0x3903_f326,
      secs: 5,
      broadcast: true,
      ciaddr: '0.0.0.0',
      yiaddr: '0.0.0.0',
      siaddr: '0.0.0.0',
      giaddr: '0.0.0.0',
      chaddr: MAC,
      sname: '',
      file: '',
      options: [61, 12, 60, 55],
    })
    expect(utf8Text(message.options.get(60) ?? new Uint8Array(0))).toBe('CP-8851-3PCC\0')
  })

  it('writes the same DISCOVER, filled up to 300 bytes [RFC 1542 §2.1]', () => {
    const bytes = valueOf(encodeDhcpMessage(valueOf(decodeDhcpMessage(hex(DISCOVER)))))
    const byHand = hex(DISCOVER)
    expect(bytesToHex(bytes)).toBe(bytesToHex(concatBytes([byHand, new Uint8Array(300 - byHand.length)])))
  })

  it('reads an OFFER with options 43, 66 and 150 [RFC 2132; MPP §10.1]', () => {
    const message = valueOf(decodeDhcpMessage(hex(OFFER)))
    expect(message).toMatchObject({ op: 'reply', type: 'offer', yiaddr: '192.0.2.77', siaddr: '192.0.2.2' })
    expect([message.sname, message.file]).toEqual(['tftp', 'boot'])
    const options = [...message.options].map(([code, payload]) => `${code}=${bytesToHex(payload)}`)
    expect(options).toEqual([
      '54=c0000201',
      '51=00000e10',
      '1=ffffff00',
      '43=0a01010e0101',
      '66=70726f762e74657374',
      '150=c0000201c0000202',
    ])
  })

  it('joins option 43 that comes in two parts, others between them [RFC 3396 §7]', () => {
    const bytes = hex(`${front('02')} ${zeros(192)} ${COOKIE} 35 01 02 2b 03 0a 01 01 96 04 c0000201 2b 03 0e 01 01 ff`)
    expect(bytesToHex(valueOf(decodeDhcpMessage(bytes)).options.get(43) ?? new Uint8Array(0))).toBe('0a01010e0101')
  })

  const overloads: readonly (readonly [string, string, string, string, string])[] = [
    ['34 01 01', '1', 'sn', '', '43=0a0b 66=61'],
    ['34 01 02', '2', '', 'fi', '43=0a0c 67=62'],
    ['34 01 03', '3', '', '', '43=0a0b0c 66=61 67=62'],
    ['', 'none', 'sn', 'fi', '43=0a'],
    ['34 01 09', '9', 'sn', 'fi', '43=0a'],
    ['34 00', 'empty', 'sn', 'fi', '43=0a'],
  ]
  it.each(overloads)('reads overload "%s" (%s) [RFC 2132 §9.3, RFC 3396 §5]', (option, _name, sname, file, printed) => {
    const fileOptions = `2b 01 0b 42 01 61 ff ${zeros(121)}`
    const snameOptions = `2b 01 0c 43 01 62 ff ${zeros(57)}`
    const fields = [
      sname === '' ? snameOptions : `73 6e ${zeros(62)}`,
      file === '' ? fileOptions : `66 69 ${zeros(126)}`,
    ].join(' ')
    const message = valueOf(decodeDhcpMessage(hex(`${front('02')} ${fields} ${COOKIE} 35 01 02 2b 01 0a ${option} ff`)))
    expect([message.sname, message.file]).toEqual([sname, file])
    expect([...message.options].map(([code, value]) => `${code}=${bytesToHex(value)}`).join(' ')).toBe(printed)
  })

  it('takes a message without an end, with padding, and with bytes behind the end', () => {
    for (const tail of ['', '00 00', 'ff 0c 01', '00 ff 35 01 06']) {
      const bytes = hex(`${front('02')} ${zeros(192)} ${COOKIE} 00 35 01 02 ${tail}`)
      expect(valueOf(decodeDhcpMessage(bytes))).toMatchObject({ type: 'offer', options: new Map() })
    }
  })

  const refused: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'truncated: Cannot read a DHCP message of 0 bytes: expected at least 240'],
    ['a cut head', `${front('02')} ${zeros(192)} 63 82 53`, 'truncated: Cannot read a DHCP message of 239 bytes'],
    [
      'another cookie',
      `${front('02')} ${zeros(192)} 63 82 53 64 35 01 02`,
      'bad-value: Cannot read a DHCP message: op 2',
    ],
    ['an op of 3', `03${front('02').slice(2)} ${zeros(192)} ${COOKIE} 35 01 02`, 'bad-value: '],
    ['other hardware', `02 06${front('02').slice(5)} ${zeros(192)} ${COOKIE} 35 01 02`, 'bad-value: '],
    ['no type, as of BOOTP', `${front('02')} ${zeros(192)} ${COOKIE} ff`, 'bad-value: '],
    ['type 0', `${front('02')} ${zeros(192)} ${COOKIE} 35 01 00`, 'bad-value: '],
    ['type 9', `${front('02')} ${zeros(192)} ${COOKIE} 35 01 09`, 'bad-value: '],
    ['two types', `${front('02')} ${zeros(192)} ${COOKIE} 35 01 02 35 01 05`, 'bad-value: '],
    ['half an option', `${front('02')} ${zeros(192)} ${COOKIE} 35 01 02 36 04 c0`, 'truncated: Cannot read option 54'],
    ['no length', `${front('02')} ${zeros(192)} ${COOKIE} 35 01 02 36`, 'truncated: Cannot read option 54'],
  ]
  it.each(refused)('refuses %s', (_name, bytes, start) => {
    expect(refusalOf(decodeDhcpMessage(hex(bytes))).slice(0, start.length)).toBe(start)
  })

  it('has a longest message, in each direction', () => {
    expect(refusalOf(decodeDhcpMessage(new Uint8Array(DHCP_MESSAGE_BYTES_MAX + 1)))).toMatch(/^too-long: Cannot read/)
    const options = new Map([
      [43, new Uint8Array(3000)],
      [125, new Uint8Array(1000)],
    ])
    expect(refusalOf(encodeDhcpMessage({ ...reply('offer', 1), options }))).toMatch(/^too-long: Cannot send/)
  })

  const unsendable: readonly (readonly [string, Partial<DhcpMessage>, string])[] = [
    ['an xid of 33 bits', { xid: 2 ** 32 }, 'bad-value'],
    ['a broken xid', { xid: 1.5 }, 'bad-value'],
    ['too many seconds', { secs: 65_536 }, 'bad-value'],
    ['no address', { yiaddr: '' }, 'bad-value'],
    ['a name as address', { siaddr: 'tftp.test' }, 'bad-value'],
    ['a name of 64 bytes', { sname: 'a'.repeat(64) }, 'too-long'],
    ['a file of 128 bytes', { file: 'a'.repeat(128) }, 'too-long'],
    ['a name with a NUL', { sname: 'a\0b' }, 'bad-value'],
    ['option 53 by hand', { options: new Map([[53, Uint8Array.of(1)]]) }, 'bad-value'],
    ['option 52 by hand', { options: new Map([[52, Uint8Array.of(1)]]) }, 'bad-value'],
    ['option 0', { options: new Map([[0, Uint8Array.of(1)]]) }, 'bad-value'],
    ['option 255', { options: new Map([[255, Uint8Array.of(1)]]) }, 'bad-value'],
    ['an option of 5000 bytes', { options: new Map([[43, new Uint8Array(5000)]]) }, 'too-long'],
  ]
  it.each(unsendable)('does not send %s', (_name, change, code) => {
    expect(refusalOf(encodeDhcpMessage({ ...reply('offer', 1), ...change }))).toMatch(new RegExp(`^${code}: Cannot `))
  })
})

const text = (max: number): fc.Arbitrary<string> => fc.stringMatching(/^[!-~]*$/).filter((value) => value.length <= max)
const messages: fc.Arbitrary<DhcpMessage> = fc.record({
  op: fc.constantFrom('request', 'reply'),
  type: fc.constantFrom('discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform'),
  xid: fc.nat(0xffff_ffff),
  secs: fc.nat(0xffff),
  broadcast: fc.boolean(),
  ciaddr: fc.ipV4(),
  yiaddr: fc.ipV4(),
  siaddr: fc.ipV4(),
  giaddr: fc.ipV4(),
  chaddr: fc.stringMatching(/^[0-9a-f]{12}$/).map(macOf),
  sname: text(63),
  file: text(127),
  options: fc
    .array(
      fc.tuple(
        fc.integer({ min: 1, max: 254 }).filter((code) => code !== 52 && code !== 53),
        fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 600, size: 'max' })),
      ),
      { maxLength: 5 },
    )
    .map((pairs) => new Map(pairs)),
})

describe('properties of DHCP messages', () => {
  it('come back as they were sent, long options too', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const bytes = valueOf(encodeDhcpMessage(message))
        expect(bytes.length).toBeGreaterThanOrEqual(300)
        expect(valueOf(decodeDhcpMessage(bytes))).toEqual(message)
        const peeked = message.op === 'reply' ? { xid: message.xid, chaddr: message.chaddr } : undefined
        expect(peekDhcpReply(bytes)).toEqual(peeked)
      }),
      { seed: SEED },
    )
  })

  it('never throw on random bytes behind a good head, and what is read can be sent again', () => {
    const head = hex(`${front('02')} ${zeros(192)} ${COOKIE} 35 01 02`)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200, size: 'max' }), (tail) => {
        const decoded = decodeDhcpMessage(concatBytes([head, tail]))
        expect(decoded.ok ? refusalOf(encodeDhcpMessage(decoded.value)) : decoded.error.code).toMatch(
          /^(?:ok|truncated|bad-value)$/,
        )
        expect(peekDhcpReply(tail)).toBeUndefined()
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  it('are refused or read, cut at any byte', () => {
    const bytes = hex(OFFER)
    for (let length = 0; length < bytes.length; length += 1) {
      const decoded = decodeDhcpMessage(bytes.subarray(0, length))
      if (length < 243) expect(decoded.ok).toBe(false)
      expect(decoded.ok ? decoded.value.type : decoded.error.code).toMatch(/^(?:offer|truncated|bad-value)$/)
    }
  })

  it('are refused or read when bytes of them changed, and a peek agrees with what is read', () => {
    fc.assert(
      fc.property(damages, (list) => {
        const bytes = damaged(hex(OFFER), list)
        const decoded = decodeDhcpMessage(bytes)
        if (decoded.ok && decoded.value.op === 'reply') {
          expect(peekDhcpReply(bytes)).toEqual({ xid: decoded.value.xid, chaddr: decoded.value.chaddr })
        } else {
          expect(decoded.ok || decoded.error.message.startsWith('Cannot read ')).toBe(true)
        }
      }),
      { seed: SEED, numRuns: 500 },
    )
  })
})

describe('a peek at a reply', () => {
  it('tells xid and MAC of a server message, and nothing of others', () => {
    expect(peekDhcpReply(replyBytes('ack', 0xdead_beef))).toEqual({ xid: 0xdead_beef, chaddr: MAC })
    expect(peekDhcpReply(hex(DISCOVER))).toBeUndefined()
    expect(peekDhcpReply(replyBytes('ack', 1).subarray(0, 239))).toBeUndefined()
    expect(peekDhcpReply(utf8Bytes('x'.repeat(300)))).toBeUndefined()
  })

  it('reads a view into a larger buffer', () => {
    const bytes = replyBytes('ack', 7)
    const buffer = concatBytes([new Uint8Array(13), bytes])
    expect(peekDhcpReply(buffer.subarray(13))).toEqual({ xid: 7, chaddr: MAC })
  })
})
