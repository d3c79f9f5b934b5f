import { describe, expect, it } from 'vitest'

import { OPTION_ADDRESSES_MAX } from './option-addresses.ts'
import { addressLists, expectNoThrow, expectRoundTrip, hex, payloadOf, refusalOf, valueOf } from './testing-options.ts'
import { decodeTftpServers, encodeTftpServers } from './tftp-servers.ts'
import { splitOption } from './vendor-data.ts'

const EXAMPLE = '96 08 c0 00 02 09 c0 00 02 0a'
const SERVERS = ['192.0.2.9', '192.0.2.10']

describe('option 150', () => {
  it('is a list of addresses, four bytes each, the preferred one first [MPP §10.1]', () => {
    expect(valueOf(decodeTftpServers(payloadOf(150, EXAMPLE)))).toEqual(SERVERS)
    expect(valueOf(splitOption(150, valueOf(encodeTftpServers(SERVERS))))).toEqual(hex(EXAMPLE))
  })

  it.each([
    ['', /^empty: Cannot read TFTP servers: the option holds nothing$/],
    ['c0 00 02', /^truncated: Cannot read TFTP servers of 3 bytes: expected four bytes for each address$/],
    ['c0 00 02 09 c0', /^truncated: /],
    ['00 '.repeat(256), /^too-long: .* at most 63 addresses$/],
  ])('refuses the bytes "%s" [MPP §10.1]', (bytes, message) => {
    expect(refusalOf(decodeTftpServers(hex(bytes)))).toMatch(message)
  })

  it.each([
    [[], /^empty: /],
    [['192.0.2.256'], /^bad-value: Cannot send "192.0.2.256" among TFTP servers: expected an IPv4 address/],
    [['192.0.2.01'], /^bad-value: /],
    [['boot.test'], /^bad-value: /],
    [['2001:db8::1'], /^bad-value: /],
    [Array.from({ length: 64 }, () => '192.0.2.1'), /^too-long: Cannot send 64 addresses/],
  ])('does not send %j', (addresses, message) => {
    expect(refusalOf(encodeTftpServers(addresses))).toMatch(message)
  })

  it('holds 63 addresses at most, which its length byte can tell', () => {
    const most = Array.from({ length: OPTION_ADDRESSES_MAX }, (_, index) => `192.0.2.${index}`)
    expect(valueOf(decodeTftpServers(valueOf(encodeTftpServers(most))))).toEqual(most)
  })

  it('comes back as it was sent', () => {
    expectRoundTrip(encodeTftpServers, decodeTftpServers, addressLists)
  })

  it('never throws for random, cut or mutated bytes', () => {
    expectNoThrow(
      decodeTftpServers,
      addressLists.map((addresses) => valueOf(encodeTftpServers(addresses))),
    )
  })
})
