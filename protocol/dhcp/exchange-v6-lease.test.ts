import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes } from '../bytes.ts'
import { isAssignableIpv6 } from './address.ts'
import { findGranted, judgeInformation, leaseOf } from './exchange-v6-lease.ts'
import { FOREVER_SECONDS } from './lease-times.ts'
import { decodeDhcpv6Message } from './message-v6.ts'
import { hex, refusalOf, SEED, valueOf } from './options/testing-options.ts'
import { damaged, damages, ip6, replyV6, replyV6Bytes, seconds } from './testing-dhcp.ts'
import type { ReplyV6Change } from './testing-dhcp.ts'

const IAID = 0x08aa_bbcc
const TIMES = { renewSeconds: 1, rebindSeconds: 2, validSeconds: 3 }

/** @returns the address with its times, or what is wrong. */
function granted(change: ReplyV6Change, wanted?: string, only = false): string {
  const found = findGranted(replyV6('reply', 1, change), IAID, wanted, only)
  if (found.kind !== 'granted') return `${found.kind}: ${found.problem.message}`
  const { renewSeconds, rebindSeconds, validSeconds } = found.times
  return `${found.address} ${renewSeconds} ${rebindSeconds} ${validSeconds}`
}

describe('an address of a DHCPv6 server', () => {
  const ever = FOREVER_SECONDS
  const table: readonly (readonly [string, ReplyV6Change, string])[] = [
    ['a good one', {}, '2001:db8::77 1800 2880 7200'],
    ['one with times', { t1: 1000, t2: 2000 }, '2001:db8::77 1000 2000 7200'],
    ['T1 after T2', { t1: 2000, t2: 1000 }, 'unusable: Cannot take a DHCPv6 answer with T1 of 2000 s'],
    ['T1 alone', { t1: 2000 }, '2001:db8::77 2000 2880 7200'],
    ['times past the end', { t1: 8000, t2: 9000 }, '2001:db8::77 1800 2880 7200'],
    ['one that is no longer preferred', { addresses: [['2001:db8::77', 0, 7200]] }, '2001:db8::77 3600 6300 7200'],
    ['one for ever', { addresses: [['2001:db8::77', ever, ever]] }, `2001:db8::77 ${ever} ${ever} ${ever}`],
    ['one for a second', { addresses: [['2001:db8::77', 1, 1]] }, '2001:db8::77 5 8 10'],
    ['one for half a minute', { addresses: [['2001:db8::77', 30, 30]] }, '2001:db8::77 15 24 30'],
    ['one preferred longer than valid', { addresses: [['2001:db8::77', 2, 1]] }, 'unusable: '],
    ['one without time', { addresses: [['2001:db8::77', 0, 0]] }, 'unusable: '],
    ['the unspecified', { addresses: [['::', 9, 99]] }, 'unusable: '],
    ['loopback', { addresses: [['::1', 9, 99]] }, 'unusable: '],
    ['IPv4 inside', { addresses: [['::ffff:192.0.2.1', 9, 99]] }, 'unusable: '],
    ['link-local', { addresses: [['fe80::1', 9, 99]] }, 'unusable: '],
    ['multicast', { addresses: [['ff02::1', 9, 99]] }, 'unusable: '],
    [
      'a bad and a good one',
      {
        addresses: [
          ['fe80::1', 3600, 7200],
          ['2001:db8::2', 3600, 7200],
        ],
      },
      '2001:db8::2 1800 2880 7200',
    ],
    ['none in the IA', { addresses: [] }, 'unusable: '],
    ['no IA', { addresses: undefined }, 'unusable: Cannot take a DHCPv6 answer with no address'],
    ['the IA of another', { iaid: 7 }, 'unusable: '],
    ['status 2 in the IA', { iaStatus: 2 }, 'refused: Cannot take an address: the DHCPv6 server says status 2'],
    ['status 3 in the IA', { iaStatus: 3 }, 'refused: '],
    ['status 4 in the IA', { iaStatus: 4 }, 'refused: '],
    ['status 1 in the IA', { iaStatus: 1 }, 'unusable: '],
    ['status 0 in the IA', { iaStatus: 0 }, '2001:db8::77 1800 2880 7200'],
    ['status 2 overall', { more: [{ code: 13, value: Uint8Array.of(0, 2) }] }, 'refused: '],
    ['an IA of 11 bytes', { addresses: undefined, more: [{ code: 3, value: new Uint8Array(11) }] }, 'unusable: '],
    [
      'an IA with half an option',
      { addresses: undefined, more: [{ code: 3, value: hex('08aabbcc 00000000 00000000 0005 0018 2001') }] },
      'unusable: Cannot read option 5',
    ],
  ]
  it.each(table)('with %s is read as it should [RFC 8415 §21.4, §21.6, §21.13]', (_name, change, expected) => {
    expect(granted(change).startsWith(expected)).toBe(true)
  })

  it('is the one that was asked for, or nothing else where only that counts', () => {
    const addresses = [
      ['2001:db8::1', 3600, 7200],
      ['2001:db8::2', 3600, 7200],
    ] as const
    expect(granted({ addresses }, '2001:db8::2')).toMatch(/^2001:db8::2 /)
    expect(granted({ addresses }, '2001:db8::3')).toMatch(/^2001:db8::1 /)
    expect(granted({ addresses }, '2001:db8::2', true)).toMatch(/^2001:db8::2 /)
    expect(granted({ addresses }, '2001:db8::3', true)).toMatch(/^unusable: /)
    const ended = [['2001:db8::2', 0, 0]] as const
    expect(granted({ addresses: ended }, '2001:db8::2', true)).toMatch(/^refused: /)
  })
})

describe('a lease of a DHCPv6 server', () => {
  it('has servers, domains and all options, several of one code too [RFC 3646]', () => {
    const more = [
      {
        code: 23,
        value: concatBytes([ip6('2001:db8::53'), ip6('fe80::1'), ip6('::1'), ip6('ff02::1'), ip6('2001:db8::77')]),
      },
      { code: 24, value: hex('07 6578616d706c65 03 636f6d 00  03 612e62 00  01 62 00  05 61') },
      { code: 17, value: hex('00000de9') },
      { code: 17, value: hex('00000009') },
    ]
    const lease = valueOf(leaseOf(replyV6('reply', 1, { more }), '2001:db8::77', TIMES))
    expect(lease).toMatchObject({ address: '2001:db8::77', prefixLength: 128, ...TIMES })
    expect(lease.dnsServers).toEqual(['2001:db8::53', 'fe80::1'])
    expect(lease.domains).toEqual(['example.com', 'b'])
    expect(lease.options.get(17)).toEqual([hex('00000de9'), hex('00000009')])
  })

  const servers: readonly (readonly [string, ReplyV6Change])[] = [
    ['no server', { serverDuid: undefined }],
    ['an empty name', { serverDuid: new Uint8Array(0) }],
    ['a name of 131 bytes', { serverDuid: new Uint8Array(131) }],
    ['two servers', { more: [{ code: 2, value: hex('0003') }] }],
  ]
  it.each(servers)('is refused with %s [RFC 8415 §11.1]', (_name, change) => {
    expect(refusalOf(leaseOf(replyV6('reply', 1, change), undefined, TIMES))).toMatch(/^bad-value: /)
  })

  const refreshes: readonly (readonly [string, Uint8Array | undefined, number])[] = [
    ['nothing', undefined, 86_400],
    ['half a number', hex('00 01'), 86_400],
    ['7200', seconds(7200), 7200],
    ['1', seconds(1), 600],
    ['for ever', seconds(FOREVER_SECONDS), FOREVER_SECONDS],
  ]
  it.each(refreshes)(
    'without an address is asked for again as the server says: %s [RFC 8415 §21.23]',
    (_n, value, renews) => {
      const more = value === undefined ? [] : [{ code: 32, value }]
      const lease = valueOf(judgeInformation(replyV6('reply', 1, { addresses: undefined, more })))
      expect([lease.address, lease.renewSeconds, lease.validSeconds]).toEqual([undefined, renews, FOREVER_SECONDS])
    },
  )

  it('never throws on changed bytes, and grants only what a host can have', () => {
    const more = [{ code: 24, value: hex('07 6578616d706c65 03 636f6d 00') }]
    fc.assert(
      fc.property(damages, (list) => {
        const decoded = decodeDhcpv6Message(damaged(replyV6Bytes('reply', 1, { more }), list))
        if (!decoded.ok) return
        const found = findGranted(decoded.value, IAID, undefined, false)
        if (found.kind === 'granted') expect(isAssignableIpv6(ip6(found.address))).toBe(true)
        else expect(found.problem.message).not.toBe('')
        const lease = judgeInformation(decoded.value)
        if (lease.ok) expect(lease.value.renewSeconds).toBeGreaterThanOrEqual(600)
      }),
      { seed: SEED, numRuns: 1000 },
    )
  })
})
