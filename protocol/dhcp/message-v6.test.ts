import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { bytesToHex } from '../bytes.ts'
import {
  decodeDhcpv6Message,
  decodeDhcpv6Options,
  DHCPV6_MESSAGE_BYTES_MAX,
  duidOfMac,
  encodeDhcpv6Message,
  encodeDhcpv6Options,
  peekDhcpv6Reply,
} from './message-v6.ts'
import type { Dhcpv6Message } from './message-v6.ts'
import { hex, refusalOf, SEED, valueOf } from './options/testing-options.ts'
import { damaged, damages, MAC, replyV6Bytes } from './testing-dhcp.ts'

const SOLICIT = `
  01 123456
  0001 000a 0003 0001 000e08aabbcc
  0003 000c 08aabbcc 00000000 00000000
  0008 0002 0000
  0006 000c 0011 009f 00a0 0017 0018 0038
`

const REPLY = `
  07 123456
  0001 000a 0003 0001 000e08aabbcc
  0002 000a 0003 0001 0050560a0b0c
  0003 0028 08aabbcc 00000000 00000000  0005 0018 20010db8000000000000000000000077 00000e10 00001c20
  0011 0009 00000de9 0001 0001 61
  0011 0004 00000009
`

function printed(message: Dhcpv6Message): readonly string[] {
  return message.options.map(({ code, value }) => `${code}=${bytesToHex(value)}`)
}

describe('a DHCPv6 message', () => {
  it('reads a SOLICIT written out by hand, and writes it again [RFC 8415 §8, §21]', () => {
    const message = valueOf(decodeDhcpv6Message(hex(SOLICIT)))
    expect([message.type, message.xid]).toEqual(['solicit', 0x12_3456])
    expect(printed(message)).toEqual([
      '1=00030001000e08aabbcc',
      '3=08aabbcc0000000000000000',
      '8=0000',
      '6=0011009f00a0001700180038',
    ])
    expect(valueOf(encodeDhcpv6Message(message))).toEqual(hex(SOLICIT))
  })

  it('keeps options that come several times, in their order [TR-069 §9.2]', () => {
    const message = valueOf(decodeDhcpv6Message(hex(REPLY)))
    expect(message.type).toBe('reply')
    expect(printed(message).slice(-2)).toEqual(['17=00000de90001000161', '17=00000009'])
  })

  it('makes a DUID of the MAC [RFC 8415 §11.4]', () => {
    expect(bytesToHex(duidOfMac(MAC))).toBe('00030001000e08aabbcc')
  })

  const refused: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'truncated'],
    ['half a head', '01 12 34', 'truncated'],
    ['type 0', '00 123456', 'bad-value'],
    ['a message of a relay', `0c 00 ${'00'.repeat(32)}`, 'bad-value'],
    ['half a code', '01 123456 00', 'truncated'],
    ['no length', '01 123456 0001', 'truncated'],
    ['a length past the end', '01 123456 0001 0003 0000', 'truncated'],
  ]
  it.each(refused)('refuses %s', (_name, bytes, code) => {
    expect(refusalOf(decodeDhcpv6Message(hex(bytes)))).toMatch(new RegExp(`^${code}: Cannot read `))
  })

  it('has a longest message, in each direction', () => {
    const more = new Uint8Array(DHCPV6_MESSAGE_BYTES_MAX + 1)
    expect(refusalOf(decodeDhcpv6Message(more))).toMatch(/^too-long: /)
    expect(refusalOf(decodeDhcpv6Options(more))).toMatch(/^too-long: /)
    expect(refusalOf(encodeDhcpv6Options([{ code: 17, value: more }]))).toMatch(/^too-long: /)
    const halves = [more.subarray(0, 2050), more.subarray(0, 2050)].map((value) => ({ code: 17, value }))
    expect(refusalOf(encodeDhcpv6Message({ type: 'reply', xid: 1, options: halves }))).toMatch(/^too-long: /)
  })

  it('does not send numbers that do not fit', () => {
    expect(refusalOf(encodeDhcpv6Message({ type: 'reply', xid: 2 ** 24, options: [] }))).toMatch(/^bad-value: /)
    expect(refusalOf(encodeDhcpv6Message({ type: 'reply', xid: -1, options: [] }))).toMatch(/^bad-value: /)
    expect(refusalOf(encodeDhcpv6Options([{ code: 65_536, value: new Uint8Array(0) }]))).toMatch(/^bad-value: /)
  })
})

describe('a peek at a DHCPv6 reply', () => {
  const table: readonly (readonly [string, Uint8Array, unknown])[] = [
    ['a REPLY', hex(REPLY), { xid: 0x12_3456, mac: MAC }],
    ['an ADVERTISE', replyV6Bytes('advertise', 5), { xid: 5, mac: MAC }],
    ['a SOLICIT', hex(SOLICIT), undefined],
    ['a REPLY without a client', replyV6Bytes('reply', 5, { mac: undefined }), undefined],
    ['a REPLY to another kind of DUID', hex('07 000001 0001 000a 0002 0001 000e08aabbcc'), undefined],
    ['a REPLY to a longer DUID', hex('07 000001 0001 000b 0003 0001 000e08aabbcc00'), undefined],
    ['no DHCPv6', Uint8Array.of(7), undefined],
  ]
  it.each(table)('at %s tells what it is', (_name, bytes, expected) => {
    expect(peekDhcpv6Reply(bytes)).toEqual(expected)
  })
})

describe('properties of DHCPv6 messages', () => {
  it('come back as they were sent', () => {
    const options = fc.array(fc.record({ code: fc.nat(0xffff), value: fc.uint8Array({ maxLength: 300 }) }), {
      maxLength: 8,
    })
    const type = fc.constantFrom('solicit', 'advertise', 'request', 'renew', 'rebind', 'reply', 'information-request')
    fc.assert(
      fc.property(type, fc.nat(0xff_ffff), options, (kind, xid, list) => {
        const message: Dhcpv6Message = { type: kind, xid, options: list }
        expect(valueOf(decodeDhcpv6Message(valueOf(encodeDhcpv6Message(message))))).toEqual(message)
      }),
      { seed: SEED },
    )
  })

  it('never throw on random, cut or changed bytes, and what is read is written as it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), damages, (random, list) => {
        for (const bytes of [random, damaged(hex(REPLY), list)]) {
          const decoded = decodeDhcpv6Message(bytes)
          if (decoded.ok) expect(valueOf(encodeDhcpv6Message(decoded.value))).toEqual(bytes)
          else expect(decoded.error.message).toMatch(/^Cannot read /)
          expect(peekDhcpv6Reply(bytes) === undefined || decoded.ok).toBe(true)
        }
      }),
      { seed: SEED, numRuns: 1000 },
    )
  })
})
