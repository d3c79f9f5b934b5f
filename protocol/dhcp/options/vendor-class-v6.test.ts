import { describe, expect, it } from 'vitest'

import { bytesToHex, utf8Bytes } from '../../bytes.ts'
import { CISCO_ENTERPRISE, encodeVendorClassV6 } from './vendor-class-v6.ts'

describe('encodeVendorClassV6', () => {
  it('writes enterprise, length and class [RFC 8415 §21.16]', () => {
    const payload = encodeVendorClassV6(CISCO_ENTERPRISE, utf8Bytes('CP-8851-3PCC'))
    expect(payload.ok && bytesToHex(payload.value)).toBe('00000009000c43502d383835312d33504343')
    const largest = encodeVendorClassV6(0xffffffff, Uint8Array.of(7))
    expect(largest.ok && bytesToHex(largest.value)).toBe('ffffffff000107')
  })

  it.each<[string, number, Uint8Array, string]>([
    ['no class', 9, new Uint8Array(0), 'empty'],
    ['a class that fits in no message', 9, new Uint8Array(1025), 'too-long'],
    ['a number of 33 bits', 2 ** 32, Uint8Array.of(1), 'bad-value'],
    ['half a number', 0.5, Uint8Array.of(1), 'bad-value'],
    ['a number below none', -1, Uint8Array.of(1), 'bad-value'],
  ])('refuses %s', (_, enterprise, vendorClass, code) => {
    const payload = encodeVendorClassV6(enterprise, vendorClass)
    expect(payload.ok ? 'sent' : payload.error.code).toBe(code)
  })
})
