import { describe, expect, it } from 'vitest'

import { decodeNtpServers, encodeNtpServers } from './ntp-servers.ts'
import { addressLists, expectNoThrow, expectRoundTrip, hex, payloadOf, refusalOf, valueOf } from './testing-options.ts'
import { splitOption } from './vendor-data.ts'

const EXAMPLE = '2a 04 0a 00 00 7b'

describe('option 42', () => {
  it('is a list of addresses of time servers [MPP §10.1]', () => {
    expect(valueOf(decodeNtpServers(payloadOf(42, EXAMPLE)))).toEqual(['10.0.0.123'])
    expect(valueOf(splitOption(42, valueOf(encodeNtpServers(['10.0.0.123']))))).toEqual(hex(EXAMPLE))
  })

  it('refuses what is no list of addresses', () => {
    expect(refusalOf(decodeNtpServers(hex('0a 00 00')))).toMatch(/^truncated: Cannot read NTP servers of 3 bytes/)
    expect(refusalOf(encodeNtpServers(['pool.ntp.org']))).toMatch(/^bad-value: .* among NTP servers/)
  })

  it('comes back as it was sent', () => {
    expectRoundTrip(encodeNtpServers, decodeNtpServers, addressLists)
  })

  it('never throws for random, cut or mutated bytes', () => {
    expectNoThrow(
      decodeNtpServers,
      addressLists.map((addresses) => valueOf(encodeNtpServers(addresses))),
    )
  })
})
