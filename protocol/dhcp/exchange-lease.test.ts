import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes, utf8Bytes } from '../bytes.ts'
import { isHostIpv4 } from './address.ts'
import { judgeLease, LEASE_ADDRESSES_MAX } from './exchange-lease.ts'
import { clampLeaseTimes, FOREVER_SECONDS } from './lease-times.ts'
import { hex, refusalOf, SEED, valueOf } from './options/testing-options.ts'
import { ip, reply, seconds } from './testing-dhcp.ts'
import type { ReplyChange } from './testing-dhcp.ts'

function without(...codes: readonly number[]): ReplyChange {
  return { options: new Map(codes.map((code) => [code, undefined])) }
}

function having(code: number, payload: Uint8Array, yiaddr?: string): ReplyChange {
  return { options: new Map([[code, payload]]), ...(yiaddr === undefined ? {} : { yiaddr }) }
}

describe('a lease', () => {
  it('is read with all that a phone needs [MPP §10.1]', () => {
    const ack = reply('ack', 1, having(66, utf8Bytes('prov.test')))
    expect(valueOf(judgeLease(ack))).toEqual({
      address: '192.0.2.77',
      prefixLength: 24,
      routers: ['192.0.2.1'],
      serverId: '192.0.2.1',
      dnsServers: ['192.0.2.53', '198.51.100.53'],
      domain: 'example.com',
      leaseSeconds: 3600,
      renewSeconds: 1800,
      rebindSeconds: 3150,
      options: ack.options,
    })
  })

  const hostile: readonly (readonly [string, ReplyChange, string])[] = [
    ['no address', { yiaddr: '0.0.0.0' }, 'address "0.0.0.0", which no server can give'],
    ['this network', { yiaddr: '0.0.0.7' }, 'address "0.0.0.7", which no server can give'],
    ['loopback', { yiaddr: '127.0.0.1' }, 'address "127.0.0.1", which no server can give'],
    ['link-local', { yiaddr: '169.254.3.4' }, 'address "169.254.3.4", which no server can give'],
    ['multicast', { yiaddr: '224.0.0.251' }, 'address "224.0.0.251", which no server can give'],
    ['class E', { yiaddr: '240.0.0.1' }, 'address "240.0.0.1", which no server can give'],
    ['broadcast to all', { yiaddr: '255.255.255.255' }, 'address "255.255.255.255", which no server can give'],
    ['the network itself', { yiaddr: '192.0.2.0' }, 'address "192.0.2.0", which stands for the whole network'],
    ['its broadcast', { yiaddr: '192.0.2.255' }, 'address "192.0.2.255", which stands for the whole network'],
    ['a broadcast of 30 bits', having(1, ip('255.255.255.252'), '192.0.2.7'), 'address "192.0.2.7", which stands for'],
    ["the server's address", { yiaddr: '192.0.2.1' }, 'address "192.0.2.1", which is the server\'s own'],
    ['a mask with a hole', having(1, ip('255.0.255.0')), 'mask "255.0.255.0", which is none'],
    ['a mask that begins late', having(1, ip('0.255.255.0')), 'mask "0.255.255.0", which is none'],
    ['an inverted mask', having(1, ip('0.0.0.255')), 'mask "0.0.0.255", which is none'],
    ['an empty mask', having(1, ip('0.0.0.0')), 'mask "0.0.0.0", which is none'],
    ['half a mask', having(1, hex('ff ff')), 'mask "255.255", which is none'],
    ['no time', having(51, seconds(0)), 'no lease time (option 51 is "0.0.0.0")'],
    ['half a time', having(51, hex('00 01')), 'no lease time (option 51 is "0.1")'],
    ['no word on time', without(51), 'no lease time (option 51 is "missing")'],
    ['no server', without(54), 'no server that can be written to (option 54 is "missing")'],
    ['half a server', having(54, hex('c0 00 02')), 'no server that can be written to (option 54 is "192.0.2")'],
    ['server 0.0.0.0', having(54, ip('0.0.0.0')), 'no server that can be written to (option 54 is "0.0.0.0")'],
    ['server everybody', having(54, ip('255.255.255.255')), 'no server that can be written to'],
    ['server of a group', having(54, ip('224.0.0.1')), 'no server that can be written to'],
    ['server myself', having(54, ip('127.0.0.1')), 'no server that can be written to'],
  ]
  it.each(hostile)('is refused with %s', (_name, change, why) => {
    const refusal = refusalOf(judgeLease(reply('ack', 1, change)))
    expect(refusal.startsWith(`bad-value: Cannot take a lease with ${why}`)).toBe(true)
    expect(refusal).toMatch(/: correct the DHCP server$/)
  })

  const masks: readonly (readonly [string, ReplyChange, number])[] = [
    ['a mask of 8 bits', having(1, ip('255.0.0.0')), 8],
    ['a mask of 1 bit', having(1, ip('128.0.0.0')), 1],
    ['a mask of 31 bits, whose both addresses are hosts [RFC 3021]', having(1, ip('255.255.255.254')), 31],
    ['a mask of 32 bits', having(1, ip('255.255.255.255')), 32],
    ['a mask that came twice', having(1, hex('ffffff00 ffffff00')), 24],
    ['no mask, class A [RFC 1122 §3.2.1.3]', { yiaddr: '10.1.2.3', ...without(1) }, 8],
    ['no mask, class B', { yiaddr: '172.16.2.3', ...without(1) }, 16],
    ['no mask, class C', without(1), 24],
  ]
  it.each(masks)('is taken with %s', (_name, change, prefixLength) => {
    expect(valueOf(judgeLease(reply('ack', 1, change))).prefixLength).toBe(prefixLength)
  })

  it('leaves out routers and DNS servers that cannot be, and keeps the lease', () => {
    const bad = ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '192.0.2.77'].map(ip)
    const options = new Map([
      [3, concatBytes([...bad, ip('198.51.100.1'), ip('192.0.2.255'), ip('192.0.2.2'), ip('192.0.2.2'), hex('c0 00')])],
      [6, concatBytes([...bad, ip('9.9.9.9'), ip('192.0.2.2'), hex('c0')])],
    ])
    expect(valueOf(judgeLease(reply('ack', 1, { options })))).toMatchObject({
      address: '192.0.2.77',
      routers: ['192.0.2.2'],
      dnsServers: ['9.9.9.9', '192.0.2.2'],
    })
  })

  it('keeps a router outside of a network of one address', () => {
    const options = new Map([
      [1, ip('255.255.255.255')],
      [3, ip('10.0.0.1')],
    ])
    expect(valueOf(judgeLease(reply('ack', 1, { options }))).routers).toEqual(['10.0.0.1'])
  })

  it('keeps a bounded number of servers', () => {
    const many = concatBytes(Array.from({ length: 250 }, (_, index) => Uint8Array.of(10, 0, 0, index + 1)))
    const lease = valueOf(judgeLease(reply('ack', 1, { options: new Map([[6, many]]) })))
    expect(lease.dnsServers.length).toBe(LEASE_ADDRESSES_MAX)
  })

  const domains: readonly (readonly [string, string | undefined])[] = [
    ['example.com', 'example.com'],
    ['example.com\0', 'example.com'],
    ['example.com.', 'example.com'],
    ['exa mple', undefined],
    ['a..b', undefined],
    ['a/../b', undefined],
    ['', undefined],
    ['a'.repeat(64), undefined],
  ]
  it.each(domains)('reads the domain %j as %j', (text, domain) => {
    expect(valueOf(judgeLease(reply('ack', 1, having(15, utf8Bytes(text))))).domain).toBe(domain)
  })
})

describe('times of a lease', () => {
  const ever = FOREVER_SECONDS
  const table: readonly (readonly [number, number | undefined, number | undefined, readonly number[]])[] = [
    [3600, undefined, undefined, [1800, 3150, 3600]],
    [3600, 900, 1800, [900, 1800, 3600]],
    [3600, 1800, 900, [514, 900, 3600]],
    [3600, 4000, 5000, [1800, 3150, 3600]],
    [3600, 0, 0, [1800, 3150, 3600]],
    [3600, 1, undefined, [1800, 3150, 3600]],
    [3600, 3600, 3600, [1800, 3150, 3600]],
    [3600, ever, ever, [1800, 3150, 3600]],
    [86_400, undefined, 31, [17, 31, 86_400]],
    [86_400, undefined, 6, [5, 6, 86_400]],
    [60, undefined, undefined, [30, 52, 60]],
    [20, undefined, undefined, [10, 17, 20]],
    [10, undefined, undefined, [5, 8, 10]],
    [1, undefined, undefined, [5, 8, 10]],
    [59, 10, 20, [10, 20, 59]],
    [ever - 1, undefined, undefined, [2_147_483_647, 3_758_096_382, ever - 1]],
    [ever, undefined, undefined, [ever, ever, ever]],
    [ever, 100, 200, [ever, ever, ever]],
  ]
  it.each(table)('of %d s with T1 %s and T2 %s are %j [RFC 2131 §4.4.5]', (lease, renew, rebind, expected) => {
    const times = clampLeaseTimes(lease, renew, rebind)
    expect([times.renewSeconds, times.rebindSeconds, times.leaseSeconds]).toEqual(expected)
  })

  it('are in order, whatever a server says', () => {
    const any = fc.oneof(fc.nat(200), fc.nat(ever))
    fc.assert(
      fc.property(
        any,
        fc.option(any, { nil: undefined }),
        fc.option(any, { nil: undefined }),
        (lease, renew, rebind) => {
          const times = clampLeaseTimes(lease, renew, rebind)
          if (lease === ever) return
          expect(times.renewSeconds).toBeGreaterThanOrEqual(5)
          expect(times.rebindSeconds).toBeGreaterThan(times.renewSeconds)
          expect(times.leaseSeconds).toBeGreaterThan(times.rebindSeconds)
          expect(times.leaseSeconds).toBe(Math.max(10, lease))
          expect(Number.isInteger(times.renewSeconds) && Number.isInteger(times.rebindSeconds)).toBe(true)
        },
      ),
      { seed: SEED, numRuns: 500 },
    )
  })
})

describe('properties of leases', () => {
  it('hold for every answer that is taken, and no answer makes it throw', () => {
    const codes = fc.constantFrom(1, 3, 6, 15, 51, 54, 58, 59, 66)
    const payloads = fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.ipV4().map(ip), fc.constant(undefined))
    fc.assert(
      fc.property(fc.ipV4(), fc.array(fc.tuple(codes, payloads), { maxLength: 4 }), (yiaddr, changes) => {
        const judged = judgeLease(reply('ack', 1, { yiaddr, options: new Map(changes) }))
        if (!judged.ok) {
          expect(judged.error.message).toMatch(/^Cannot take a lease with /)
          return
        }
        const { address, serverId, routers, dnsServers, prefixLength } = judged.value
        for (const text of [address, serverId, ...routers, ...dnsServers]) expect(isHostIpv4(ip(text))).toBe(true)
        expect([serverId, ...routers, ...dnsServers].filter((text) => text === address)).toEqual([])
        expect(prefixLength).toBeGreaterThanOrEqual(1)
      }),
      { seed: SEED, numRuns: 1000 },
    )
  })
})
