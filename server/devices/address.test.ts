import { describe, expect, it } from 'vitest'
import { isPublicAddress, network64Of } from './address.ts'

describe('public addresses [RFC 6890]', () => {
  it.each(['8.8.8.8', '1.1.1.1', '::ffff:8.8.8.8', '2001:4860:4860::8888', '172.32.0.1', '100.128.0.1'])(
    '%s is one',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )

  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '2001:db8::1',
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
    '0:0:0:0:0:ffff:808:808',
    '',
    'localhost',
    '8.8.8',
    '8.8.8.8 ',
  ])('"%s" is none', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('network64Of', () => {
  it.each([
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8::9', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['1:2:3:4::10.0.0.1', '1:2:3:4'],
    ['1::2:3:4:5:10.0.0.1', '1:0:2:3'],
    ['::', '0:0:0:0'],
    ['10.0.0.1', undefined],
    ['2001:db8::1::2', undefined],
    ['', undefined],
  ])('of "%s" is %s', (address, network) => {
    expect(network64Of(address)).toBe(network)
  })
})
