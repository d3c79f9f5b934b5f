import { describe, expect, it } from 'vitest'

import { hexToBytes } from '../../protocol/bytes.ts'
import { encodeAcsOption43 } from '../../protocol/dhcp/mod.ts'
import { networkRows, scepRows } from './network-status.ts'
import { Bench, known, provisioned } from './testdata/bench.ts'
import type { Lease, PhonePolicies } from './mod.ts'

const OFFICIAL = known(
  hexToBytes(
    '0a01010b12687474703a2f2f31302e37392e35372e39310c1412040870625c5b755d73f5925285f8f5ff5d55af0d10443233334343463942393935324131350e01010f0101',
  ),
)
const CHALLENGE = 'D233CCF9B9952A15'

interface Made {
  readonly lease?: Partial<Lease>
  readonly values?: Readonly<Record<string, string>>
  readonly policies?: Partial<PhonePolicies>
  readonly blank?: true
}

function booted({ lease = {}, values = {}, policies = {}, blank }: Made): Bench {
  const flash = provisioned(values, blank === true ? { customization: 'Open' } : {})
  return new Bench({ flash, lease, policies, hardware: { rcUrl: '' } }).boot(3)
}

function rowsOf(made: Made): Readonly<Record<string, string>> {
  return Object.fromEntries(networkRows(booted(made).agent).map(({ label, value }) => [label, value]))
}

function infoPage(bench: Bench): string {
  return bench
    .web('/admin')
    .web('/status.xml')
    .responses.map(({ body }) => body)
    .join('\n')
}

describe('the page about the network', () => {
  it('tells what DHCP gave [MPP §7.4, §10.1]', () => {
    const made: Made = {
      lease: {
        domain: 'example.com',
        gateway: '192.168.1.1',
        server: '192.168.1.2',
        dnsServers: ['192.168.1.3', '2001:db8::3'],
        options: new Map<number, string>([
          [66, 'http://boot.test:8080/x.cfg'],
          [132, '100'],
        ]),
      },
    }
    expect(rowsOf(made)).toEqual({
      'Connection Type': 'DHCP',
      'Host Name': 'SEP00562B043615',
      Domain: 'example.com',
      'Current Gateway': '192.168.1.1',
      'Primary DNS': '192.168.1.3',
      'Secondary DNS': '2001:db8::3',
      'DHCP Server': '192.168.1.2',
      'Voice VLAN ID': '100',
      'Provisioning Server': 'http://boot.test:8080 (option 66)',
    })
    const page = infoPage(booted(made))
    for (const text of ['Network Status', '192.168.1.1', '192.168.1.2', '192.168.1.3', '<Voice_VLAN_ID>100<']) {
      expect(page).toContain(text)
    }
  })

  it('is empty where DHCP gave nothing, and says by which family a server came [MPP §10.1]', () => {
    const empty = rowsOf({})
    for (const label of ['Domain', 'Current Gateway', 'DHCP Server', 'Voice VLAN ID', 'Provisioning Server']) {
      expect(empty[label]).toBe('')
    }
    const six = rowsOf({ lease: { optionsV6: new Map([[160, 'https://six.test']]) } })
    expect(six['Provisioning Server']).toBe('https://six.test (option 160 of DHCPv6)')
  })

  it('shows the voice VLAN of option 132 or of DHCP_VLAN_Option, by policy [MPP §10.1]', () => {
    const lease = {
      options: new Map<number, string | Uint8Array>([
        [132, Uint8Array.of(0, 20)],
        [200, '300'],
      ]),
    }
    const vlan = (made: Made) => rowsOf({ lease, ...made })['Voice VLAN ID']
    expect(vlan({})).toBe('20')
    expect(vlan({ values: { DHCP_VLAN_Option: '200' } })).toBe('300')
    expect(vlan({ values: { DHCP_VLAN_Option: '150' } })).toBe('')
    expect(vlan({ policies: { dhcpVlan: 'only-named' } })).toBe('')
    expect(vlan({ values: { DHCP_VLAN_Option: '200' }, policies: { dhcpVlan: 'only-named' } })).toBe('300')
  })

  it('shows no VLAN that cannot be, which a watcher is told [MPP §10.1]', () => {
    const made: Made = { lease: { options: new Map([[132, '4095']]) } }
    expect(rowsOf(made)['Voice VLAN ID']).toBe('')
    const told = booted(made).says.filter(({ name }) => name === 'dhcp-option-unusable')
    expect(told.map(({ data }) => data['option'])).toEqual([132])
  })
})

describe('the page about SCEP', () => {
  const lease = { options: new Map([[43, OFFICIAL]]) }

  it('shows what option 43 says about SCEP to a factory-reset phone only [MPP §10.4]', () => {
    expect(scepRows(booted({ lease, blank: true }).agent)).toEqual([
      { label: 'SCEP Server', value: 'http://10.79.57.91' },
      { label: 'Root CA Fingerprint', value: '12040870625C5B755D73F5925285F8F5FF5D55AF' },
      { label: 'Challenge Password', value: 'Set' },
      { label: 'FIPS Mode', value: 'Enabled' },
      { label: '802.1X', value: 'Enabled' },
      { label: 'Certificate Select', value: 'Custom installed' },
    ])
    expect(scepRows(booted({ lease }).agent)).toEqual([])
    expect(infoPage(booted({ lease, blank: true }))).toContain('SCEP Status')
    expect(infoPage(booted({ lease }))).not.toContain('SCEP Status')
  })

  it('never shows the challenge password, nor tells it to a watcher [MPP §10.4]', () => {
    const bench = booted({ lease, blank: true })
    expect(infoPage(bench)).toContain('Challenge Password')
    expect(infoPage(bench) + JSON.stringify(bench.says) + bench.syslog.join()).not.toContain(CHALLENGE)
  })

  it('is not there for an option 43 about an ACS, or one that is cut, which a watcher is told [MPP §10.4]', () => {
    const acs = encodeAcsOption43({ url: 'http://acs.test/' })
    const about = booted({ lease: { options: new Map([[43, acs.ok ? acs.value : OFFICIAL]]) }, blank: true })
    expect([scepRows(about.agent), about.names().includes('dhcp-option-unusable')]).toEqual([[], false])
    const cut = booted({ lease: { options: new Map([[43, OFFICIAL.subarray(0, 50)]]) }, blank: true })
    expect(scepRows(cut.agent)).toEqual([])
    expect(cut.says.find(({ name }) => name === 'dhcp-option-unusable')?.data['option']).toBe(43)
    const provisionedOne = booted({ lease: { options: new Map([[43, OFFICIAL.subarray(0, 50)]]) } })
    expect(provisionedOne.names()).not.toContain('dhcp-option-unusable')
  })

  it('does not make a phone that speaks TR-069 take the SCEP server for its ACS [MPP §10.4] [TR-069 §9.2]', () => {
    const values = { 'Enable_TR-069': 'Yes', Provision_Enable: 'No' }
    expect(booted({ lease, values, blank: true }).keys()).toEqual([])
  })
})
