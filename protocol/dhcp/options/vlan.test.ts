import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { expectNoThrow, expectRoundTrip, hex, payloadOf, refusalOf, valueOf } from './testing-options.ts'
import { splitOption } from './vendor-data.ts'
import { decodeVlan, encodeVlan, isVlanOption, VLAN_ID_MAX } from './vlan.ts'

const EXAMPLE = '84 03 31 30 30'
const ids = fc.integer({ min: 0, max: VLAN_ID_MAX })

describe('option 132', () => {
  it('is the number of the voice VLAN as text [MPP §10.1]', () => {
    expect(valueOf(decodeVlan(payloadOf(132, EXAMPLE)))).toBe(100)
    expect(valueOf(splitOption(132, valueOf(encodeVlan(100))))).toEqual(hex(EXAMPLE))
  })

  it.each([
    ['two bytes', '00 64', 100],
    ['the highest id in two bytes', '0f fe', 4094],
    ['two digits, which are no two bytes', '31 30', 10],
    ['no VLAN', '30', 0],
    ['a text closed by NUL', '34 30 39 34 00', 4094],
    ['two bytes that look like NUL and a digit', '00 30', 48],
    ['a digit closed by NUL', '31 00', 1],
  ])('reads %s [MPP §10.1]', (_, bytes, id) => {
    expect(valueOf(decodeVlan(hex(bytes)))).toBe(id)
  })

  it.each([
    ['no bytes', '', /^empty: /],
    ['one byte that is no digit', '0a', /^bad-value: Cannot read a VLAN id of 1 bytes/],
    ['4095 as text', '34 30 39 35', /^bad-value: Cannot read VLAN id "4095": expected a number of 0 to 4094$/],
    ['4095 in two bytes', '0f ff', /^bad-value: /],
    ['a negative number', '2d 31 30', /^bad-value: /],
    ['five digits', '30 30 31 30 30', /^bad-value: /],
    ['four bytes', '00 00 00 64', /^bad-value: /],
  ])('refuses %s [MPP §10.1]', (_, bytes, message) => {
    expect(refusalOf(decodeVlan(hex(bytes)))).toMatch(message)
  })

  it.each([-1, 4095, 1.5, Number.NaN])('does not send %d', (id) => {
    expect(refusalOf(encodeVlan(id))).toMatch(/^bad-value: Cannot send VLAN id/)
  })

  it('comes back as it was sent, in either form', () => {
    expectRoundTrip(encodeVlan, decodeVlan, ids)
    for (let id = 0; id <= VLAN_ID_MAX; id += 1) {
      expect(valueOf(decodeVlan(Uint8Array.of(id >> 8, id & 255)))).toBe(id)
    }
  })

  it('never throws for random, cut or mutated bytes', () => {
    expectNoThrow(
      decodeVlan,
      ids.map((id) => valueOf(encodeVlan(id))),
    )
  })
})

describe('the option of the voice VLAN', () => {
  it('is one of 128-149, 151-158 and 161-254 [MPP §10.1]', () => {
    const codes = Array.from({ length: 260 }, (_, code) => code).filter(isVlanOption)
    expect(codes).toHaveLength(22 + 8 + 94)
    expect([codes[0], codes.at(-1)]).toEqual([128, 254])
    for (const code of [0, 66, 127, 150, 159, 160, 255]) expect(isVlanOption(code)).toBe(false)
    expect(isVlanOption(132.5)).toBe(false)
  })
})
