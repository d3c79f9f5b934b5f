import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { bytesToHex } from '../bytes.ts'
import {
  bytesToIpv4,
  bytesToIpv6,
  ipv4ToBytes,
  ipv6ToBytes,
  isAssignableIpv6,
  isHostIpv4,
  isReachableIpv6,
} from './address.ts'
import { SEED } from './options/testing-options.ts'
import { ip, ip6 } from './testing-dhcp.ts'

function hexOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : bytesToHex(bytes)
}

describe('IPv4', () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ['192.0.2.1', 'c0000201'],
    ['0.0.0.0', '00000000'],
    ['255.255.255.255', 'ffffffff'],
    ['256.0.0.1', undefined],
    ['1.2.3', undefined],
    ['1.2.3.4.5', undefined],
    ['01.2.3.4', undefined],
    ['1.2.3.4 ', undefined],
    ['a.b.c.d', undefined],
    ['', undefined],
  ]
  it.each(table)('reads %j as %j', (text, bytes) => {
    expect(hexOf(ipv4ToBytes(text))).toBe(bytes)
  })

  const hosts: readonly (readonly [string, boolean])[] = [
    ['10.0.0.1', true],
    ['223.255.255.1', true],
    ['169.254.1.1', true],
    ['0.0.0.0', false],
    ['0.1.2.3', false],
    ['127.0.0.1', false],
    ['224.0.0.1', false],
    ['239.1.1.1', false],
    ['240.0.0.1', false],
    ['255.255.255.255', false],
  ]
  it.each(hosts)('says of %s that a host can have it: %s [RFC 1122 §3.2.1.3]', (text, is) => {
    expect(isHostIpv4(ip(text))).toBe(is)
  })

  it('comes back from its text', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(bytesToIpv4(ip(text))).toBe(text)
      }),
      { seed: SEED },
    )
  })
})

describe('IPv6', () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ['2001:db8::1', '20010db8000000000000000000000001'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['fe80::', 'fe800000000000000000000000000000'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['1:2:3:4:5:6:7', undefined],
    ['1:2:3:4:5:6:7:8:9', undefined],
    ['1:2:3:4::5:6:7:8', undefined],
    ['1::2::3', undefined],
    [':::', undefined],
    ['12345::', undefined],
    ['fe80::1%eth0', undefined],
    ['::256.0.2.1', undefined],
    ['', undefined],
    ['::'.padEnd(200, '0'), undefined],
  ]
  it.each(table)('reads %j as %j [RFC 4291 §2.2]', (text, bytes) => {
    expect(hexOf(ipv6ToBytes(text))).toBe(bytes)
  })

  const printed: readonly (readonly [string, string])[] = [
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
  ]
  it.each(printed)('prints %s as %s [RFC 5952 §4]', (text, short) => {
    expect(bytesToIpv6(ip6(text))).toBe(short)
  })

  const given: readonly (readonly [string, boolean, boolean])[] = [
    ['2001:db8::77', true, true],
    ['fd00::1', true, true],
    ['fe80::1', false, true],
    ['febf::1', false, true],
    ['::', false, false],
    ['::1', false, false],
    ['::ffff:192.0.2.1', false, false],
    ['ff02::1', false, false],
  ]
  it.each(given)('says of %s that a server can hand it out: %s, and that it can be written to: %s', (text, is, to) => {
    expect([isAssignableIpv6(ip6(text)), isReachableIpv6(ip6(text))]).toEqual([is, to])
  })

  it('comes back from any text of it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.ipV6(), (bytes, text) => {
        expect(ip6(bytesToIpv6(bytes))).toEqual(bytes)
        expect(ip6(bytesToIpv6(ip6(text)))).toEqual(ip6(text))
      }),
      { seed: SEED },
    )
  })
})
