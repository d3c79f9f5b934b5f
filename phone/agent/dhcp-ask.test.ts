import { describe, expect, it } from 'vitest'

import { bytesToHex, hexToBytes, utf8Text } from '../../protocol/bytes.ts'
import { decodeProductClass, decodeVendorClass124, encodeHostName } from '../../protocol/dhcp/mod.ts'
import { parseProductName, parseSerialNumber } from '../../protocol/identity.ts'
import { createAgent } from './create.ts'
import { dhcpAsk } from './dhcp-ask.ts'
import { HARDWARE, known, provisioned } from './testdata/bench.ts'
import type { Hardware, PhonePolicies } from './mod.ts'

interface Made {
  readonly values?: Readonly<Record<string, string>>
  readonly policies?: Partial<PhonePolicies>
  readonly hardware?: Partial<Hardware>
}

function asked({ values = {}, policies = {}, hardware = {} }: Made = {}): ReturnType<typeof dhcpAsk> {
  return dhcpAsk(createAgent({ ...HARDWARE, ...hardware }, { policies, flash: provisioned(values) }))
}

const ON = { 'Enable_TR-069': 'Yes' }
const classText = (made: Made): string | undefined => utf8Text(asked(made).vendorClass)

describe('what the phone tells its DHCP server', () => {
  it('is SEP and its MAC address as host name, until Host_Name says another [MPP §10.2, §13.2]', () => {
    expect(asked().hostName).toBe('SEP00562B043615')
    expect(asked({ values: { Host_Name: ' desk-7 ' } }).hostName).toBe('desk-7')
    for (const Host_Name of ['', ' ', 'two words', '-', 'a'.repeat(64)]) {
      expect(asked({ values: { Host_Name } }).hostName).toBe('SEP00562B043615')
    }
    expect(encodeHostName(asked().hostName).ok).toBe(true)
  })

  it('closes option 60 with a NUL, or not, by policy [MPP §10.2]', () => {
    expect(classText({})).toBe('CP-8851-3PCC\0')
    expect(classText({ policies: { vendorClassNul: false } })).toBe('CP-8851-3PCC')
    const desk = { hardware: { productName: known(parseProductName('DP-9861')) } }
    expect(classText(desk)).toBe('DP-9861\0')
  })

  it('tells DHCPv6 the same class in option 16, or nothing, by policy [MPP §10.2; RFC 8415 §21.16]', () => {
    expect([...asked().extraV6]).toEqual([[16, known(hexToBytes('00000009000d43502d383835312d3350434300'))]])
    expect(bytesToHex(known(asked({ values: ON }).extraV6.get(16)))).toMatch(/^00000009001a64736c666f72756d2e6f726720/)
    expect([...asked({ policies: { vendorClassV6: false } }).extraV6]).toEqual([])
  })

  it('asks for an ACS in options 60 and 124 while TR-069 is on [MPP §10.2] [TR-069 §9.1]', () => {
    expect(classText({ values: ON })).toBe('dslforum.org CP-8851-3PCC\0')
    expect(classText({ values: ON, policies: { vendorClassForAcs: 'forum-only' } })).toBe('dslforum.org')
    expect(decodeProductClass(asked({ values: ON }).vendorClass)).toEqual({
      ok: true,
      value: { productName: 'CP-8851-3PCC', asksForAcs: true },
    })
    const class124 = known(asked({ values: ON }).extra.get(124))
    expect(decodeVendorClass124(class124)).toEqual({ ok: true, value: { text: 'dslforum.org', asksForAcs: true } })
  })

  it.each<[string, Readonly<Record<string, string>>, readonly number[]]>([
    ['is off', {}, []],
    ['is on', ON, [124, 125]],
    ['takes no ACS from DHCP', { ...ON, 'TR-069_DHCPOption_Init': 'No' }, [125]],
    ['is silenced', { ...ON, 'CWMP_V1.2_Support': 'No' }, []],
  ])('has no more than it needs where TR-069 %s [TR-069 §9.1, §9.3, §10.1]', (_, values, codes) => {
    const ask = asked({ values })
    expect([...ask.extra.keys()].sort((a, b) => a - b)).toEqual(codes)
    const forAcs = codes.includes(124)
    expect(utf8Text(ask.vendorClass)?.startsWith('dslforum.org')).toBe(forAcs)
  })

  it('tells its identity in option 125 while TR-069 is on, as the law prints it [TR-069 §9.3]', () => {
    const serial = known(parseSerialNumber('FCH2201A1B2'))
    const mac = '2c01b5000001' as Hardware['mac']
    const payload = known(asked({ values: ON, hardware: { serial, mac } }).extra.get(125))
    expect(bytesToHex(payload)).toBe(
      '00000de9230106324330314235020b46434832323031413142320' + '30c43502d383835312d33504343',
    )
  })
})

describe('what the phone asks for', () => {
  const list = [1, 3, 6, 15, 42, 43, 66, 125, 132, 150, 159, 160]

  it('is the list of option 55 and the option of the voice VLAN [MPP §10.2]', () => {
    expect(asked().asked).toEqual(list)
    expect(asked({ values: ON }).asked).toEqual(list)
  })

  it('is the VLAN option that DHCP_VLAN_Option names, if it may be one [MPP §10.1]', () => {
    const without132 = list.filter((code) => code !== 132)
    expect(asked({ values: { DHCP_VLAN_Option: '200' } }).asked).toEqual([...without132, 200])
    for (const DHCP_VLAN_Option of ['150', '66', '255', 'x', '-1']) {
      expect(asked({ values: { DHCP_VLAN_Option } }).asked).toEqual(without132)
    }
    expect(asked({ policies: { dhcpVlan: 'only-named' } }).asked).toEqual(without132)
  })
})
