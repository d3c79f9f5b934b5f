import { describe, expect, it } from 'vitest'

import { concatBytes, utf8Bytes } from '../../../protocol/bytes.ts'
import {
  type AcsDiscovery,
  encodeAcsOption125,
  encodeAcsOption17,
  encodeAcsOption43,
  encodeGatewayOption125,
} from '../../../protocol/dhcp/mod.ts'
import { createAgent } from '../create.ts'
import { DEFAULT_POLICIES } from '../policies.ts'
import { HARDWARE, profile, provisioned } from '../testdata/bench.ts'
import { withRam } from '../turn.ts'
import type { Lease, PhonePolicies } from '../types.ts'
import { deviceValue } from './device-values.ts'
import { acsDiscovery, acsInUse, configuredAcsUrl, gatewayIdentity, retryPolicy } from './settings.ts'
import { Desk } from './testdata/desk.ts'
import type { CwmpPolicies } from './types.ts'

interface Made {
  readonly v4?: readonly (readonly [number, string | Uint8Array])[]
  readonly v6?: readonly Uint8Array[]
  readonly values?: Readonly<Record<string, string>>
  readonly policies?: Partial<PhonePolicies>
  readonly cwmp?: Partial<CwmpPolicies>
  readonly lease?: Partial<Lease>
}

function holding({ v4 = [], v6 = [], values = {}, policies = {}, cwmp = {}, lease = {} }: Made) {
  const chosen = { ...policies, cwmp: { ...DEFAULT_POLICIES.cwmp, ...cwmp } }
  const agent = createAgent(HARDWARE, { policies: chosen, flash: provisioned({ 'Enable_TR-069': 'Yes', ...values }) })
  const options = { options: new Map(v4), optionsV6: new Map([[17, v6]]) }
  return withRam(agent, { lease: { address: '192.0.2.100', domain: undefined, ...options, ...lease } })
}

function bytesOf(encoded: { readonly ok: boolean; readonly value?: Uint8Array }): Uint8Array {
  if (encoded.value === undefined) throw new Error('the test sends what cannot be sent')
  return encoded.value
}

const in43 = (fields: AcsDiscovery): readonly [number, Uint8Array] => [43, bytesOf(encodeAcsOption43(fields))]
const in125 = (fields: AcsDiscovery): readonly [number, Uint8Array] => [125, bytesOf(encodeAcsOption125(fields))]
const in17 = (fields: AcsDiscovery): Uint8Array => bytesOf(encodeAcsOption17(fields))
const FOREIGN_17 = Uint8Array.of(0, 0, 0, 9, 1, 2, 3)

describe('the ACS that DHCP names', () => {
  const url = 'https://acs.example.net:7547/cwmp'
  const all: AcsDiscovery = { url, provisioningCode: 'TLCO.GRP2', retryMinimumWait: '7', retryMultiplier: '3000' }

  it.each<[string, Made]>([
    ['43', { v4: [in43(all)] }],
    ['125', { v4: [in125(all)] }],
    ['17 of DHCPv6', { v6: [in17(all)] }],
    ['17 of DHCPv6 behind that of another enterprise', { v6: [FOREIGN_17, Uint8Array.of(0), in17(all)] }],
  ])('comes with code and waits in option %s [TR-069 §9.2]', (_, made) => {
    const agent = holding(made)
    expect(configuredAcsUrl(agent)).toBe(url)
    expect(deviceValue(agent, 'Device.ManagementServer.URL', 0)).toBe(url)
    expect(deviceValue(agent, 'Device.DeviceInfo.ProvisioningCode', 0)).toBe('TLCO.GRP2')
    expect(retryPolicy(agent)).toEqual({ minimumWaitSeconds: 7, multiplier: 3000 })
    const off = holding({ ...made, values: { 'TR-069_DHCPOption_Init': 'No' } })
    expect([configuredAcsUrl(off), acsDiscovery(off)]).toEqual([undefined, {}])
    expect(deviceValue(off, 'Device.DeviceInfo.ProvisioningCode', 0)).toBe('')
    expect(retryPolicy(off).minimumWaitSeconds).toBe(5)
  })

  it.each<[string, string | Uint8Array, string | undefined]>([
    ['a bare URL', 'http://bare.test/', 'http://bare.test/'],
    ['a bare URL closed by NUL', utf8Bytes('HTTP://bare.test\0'), 'HTTP://bare.test'],
    ['garbage', Uint8Array.of(1, 200, 3), undefined],
    ['data of another vendor', Uint8Array.of(1, 4, 10, 0, 0, 1), undefined],
  ])('is looked for in an option 43 with %s [TR-069 §9.2]', (_, value, found) => {
    expect(configuredAcsUrl(holding({ v4: [[43, value]] }))).toBe(found)
  })

  it.each([
    ['0', '0', 5, 2000],
    ['1', '1', 1, 1000],
    ['65535', '65535', 65535, 65535],
    ['65536', '99999', 65535, 65535],
    ['7', '999', 7, 1000],
  ])(
    'waits within what the data model allows, and shows that: %s and %s [TR-069 §6]',
    (least, factor, seconds, parts) => {
      const agent = holding({
        v4: [[43, bytesOf(encodeAcsOption43({ url, retryMinimumWait: least, retryMultiplier: factor }))]],
      })
      expect(retryPolicy(agent)).toEqual({ minimumWaitSeconds: seconds, multiplier: parts })
      const shown = ['CWMPRetryMinimumWaitInterval', 'CWMPRetryIntervalMultiplier'].map((name) =>
        deviceValue(agent, `Device.ManagementServer.${name}`, 0),
      )
      expect(shown).toEqual([String(seconds), String(parts)])
    },
  )

  it('counts field by field: 43, then 125, then 17 of DHCPv6 [TR-069 §9.2]', () => {
    const v4 = [in43({ url: 'http://a.test/' }), in125({ url: 'http://b.test/', provisioningCode: 'B' })] as const
    const made: Made = { v4, v6: [in17({ url: 'http://c.test/', provisioningCode: 'C', retryMinimumWait: '9' })] }
    expect(acsDiscovery(holding(made))).toEqual({
      url: 'http://a.test/',
      provisioningCode: 'B',
      retryMinimumWait: '9',
      retryMultiplier: undefined,
    })
    const six = acsDiscovery(holding({ ...made, policies: { dhcpFamilies: 'v6-first' } }))
    expect([six.url, six.provisioningCode]).toEqual(['http://c.test/', 'C'])
    expect(acsDiscovery(holding({ ...made, values: { IP_Mode: 'IPv6 Only' } })).url).toBe('http://c.test/')
    expect(acsDiscovery(holding({ ...made, values: { IP_Mode: 'IPv4 Only' } })).retryMinimumWait).toBeUndefined()
  })

  it('overrides a set one only by policy [TR-069 §9.2]', () => {
    const made: Made = { v4: [in43({ url })], values: { ACS_URL: 'http://set.test/' } }
    expect(acsInUse(holding(made))?.url).toBe('http://set.test/')
    expect(acsInUse(holding({ ...made, cwmp: { acsFromDhcp: 'overrides' } }))?.url).toBe(url)
    const off = { ...made, values: { ACS_URL: 'http://set.test/', 'TR-069_DHCPOption_Init': 'No' } }
    expect(acsInUse(holding({ ...off, cwmp: { acsFromDhcp: 'overrides' } }))?.url).toBe('http://set.test/')
    const none: Made = { values: { ACS_URL: 'http://set.test/' }, cwmp: { acsFromDhcp: 'overrides' } }
    expect(acsInUse(holding(none))?.url).toBe('http://set.test/')
  })

  it('follows the lists of options to use only by policy [MPP §10.1] [TR-069 §9.2]', () => {
    const v4 = [in43({ url: 'http://a.test/' }), in125({ url: 'http://b.test/' })] as const
    const made: Made = { v4, v6: [in17({ url: 'http://c.test/' })] }
    const found = (use: string, use6: string, acsOptions: CwmpPolicies['acsOptions']) =>
      configuredAcsUrl(
        holding({ ...made, values: { DHCP_Option_To_Use: use, DHCPv6_Option_To_Use: use6 }, cwmp: { acsOptions } }),
      )
    expect(found('66', '160', 'init-alone')).toBe('http://a.test/')
    expect(found('66,125,43', '17', 'as-listed')).toBe('http://b.test/')
    expect(found('66', '160,17', 'as-listed')).toBe('http://c.test/')
    expect(found('66', '160', 'as-listed')).toBeUndefined()
  })

  it('stands beside the server for profiles in one lease, and each is used [MPP §9.3, §10.1, §10.3]', () => {
    const options = new Map<number, string | Uint8Array>([in43({ url: 'http://acs.test/cwmp' }), [66, 'boot.test']])
    const file = 'tftp://boot.test:69/8851-3PCC.xml'
    const values = { ACS_URL: '', Provision_Enable: 'Yes' }
    const desk = new Desk({ lease: { options }, values, files: { [file]: profile({ GPP_A: 'x' }) } }).boot(60)
    expect(desk.acs.informs).toHaveLength(1)
    expect(desk.bench.keys()).toContain(file)
    expect(desk.bench.parameter('GPP_A')).toBe('x')
  })

  it('is not taken from an option that is cut, which a watcher is told without its text [TR-069 §9.2]', () => {
    const secret = utf8Bytes('http://ann:zQ9-hidden@acs.test/')
    const cut = concatBytes([Uint8Array.of(1, 200), secret])
    const lease = { options: new Map([[43, cut]]), optionsV6: new Map([[17, [Uint8Array.of(0)]]]) }
    const desk = new Desk({ lease, values: { ACS_URL: '' } }).boot(5)
    const told = desk.bench.says.filter(({ name }) => name === 'dhcp-option-unusable')
    expect(told.map(({ data }) => [data['family'], data['option']])).toEqual([
      ['v4', 43],
      ['v6', 17],
    ])
    expect(JSON.stringify(desk.bench.says)).not.toContain('hidden')
    expect(new Desk({ lease, values: { 'Enable_TR-069': 'No' } }).boot(5).bench.names()).not.toContain(
      'dhcp-option-unusable',
    )
  })
})

describe('what else the lease tells an ACS', () => {
  const gateway = { oui: '00D09E', serialNumber: 'GW0001', productClass: 'HG100' }
  const ours: readonly [number, Uint8Array] = [125, bytesOf(encodeGatewayOption125(gateway))]
  const foreign = Uint8Array.of(0, 0, 0, 9, 2, 4, 0)

  it('is the gateway in front, behind the data of another enterprise too [TR-069 §9.3]', () => {
    const agent = holding({ v4: [[125, concatBytes([foreign, ours[1]])]] })
    expect(gatewayIdentity(agent)).toEqual(gateway)
    expect(deviceValue(agent, 'Device.GatewayInfo.ManufacturerOUI', 0)).toBe('00D09E')
    expect(deviceValue(agent, 'Device.GatewayInfo.SerialNumber', 0)).toBe('GW0001')
    expect(deviceValue(agent, 'Device.GatewayInfo.ProductClass', 0)).toBe('HG100')
    expect(deviceValue(holding({ v4: [[125, foreign]] }), 'Device.GatewayInfo.SerialNumber', 0)).toBe('')
  })

  it('is another gateway after a renewal, which the ACS hears at once [TR-069 §9.3]', () => {
    const desk = new Desk({ lease: { options: new Map([ours]) } }).boot()
    const other = bytesOf(encodeGatewayOption125({ ...gateway, serialNumber: 'GW0002' }))
    const lease = { ...desk.bench.lease, options: new Map([[125, other]]) }
    desk.bench.send({ kind: 'network-up', lease, sipPort: 5060 }).pass(30)
    expect(desk.events().at(-1)).toEqual(['4 VALUE CHANGE'])
    expect(desk.acs.informs.at(-1)?.parameters).toContainEqual({
      name: 'Device.GatewayInfo.SerialNumber',
      type: 'string',
      value: 'GW0002',
    })
  })

  it('is router and DNS servers, where none is set by hand [MPP §12a]', () => {
    const lease = { gateway: '192.0.2.1', dnsServers: ['192.0.2.2', '192.0.2.3'] }
    const agent = holding({ lease })
    expect(deviceValue(agent, 'Device.LAN.DefaultGateway', 0)).toBe('192.0.2.1')
    expect(deviceValue(agent, 'Device.LAN.DNSServers', 0)).toBe('192.0.2.2,192.0.2.3')
    const set = holding({ lease, values: { Gateway: '192.0.2.9', Secondary_DNS: '192.0.2.9' } })
    expect(deviceValue(set, 'Device.LAN.DefaultGateway', 0)).toBeUndefined()
    expect(deviceValue(set, 'Device.LAN.DNSServers', 0)).toBeUndefined()
    expect(deviceValue(holding({}), 'Device.LAN.DNSServers', 0)).toBeUndefined()
  })
})
