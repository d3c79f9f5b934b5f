import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { checkDhcp, discoverySettings, writeDhcp } from './mod.ts'
import type { Daemon, DiscoverySettings } from './mod.ts'
import { BARE, DAEMONS, SCEP_HEX, SETTINGS, someSettings, SUBNETS } from './testing-discovery.ts'

/** The examples of the law, without code and length of the option. */
const EXAMPLE_43 =
  '012168747470733a2f2f6163732e6578616d706c652e6e65743a373534372f63776d70' +
  '0209544c434f2e4752503203013504043230' +
  '3030'
const EXAMPLE_GATEWAY = '00000de91704063030443039450506475730303031060548473130' + '30'

function written(daemon: Daemon, settings: DiscoverySettings, name?: string): string {
  const result = writeDhcp(daemon, settings)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  const file = name === undefined ? result.value.files[0] : result.value.files.find((one) => one.name === name)
  return file?.text ?? ''
}

function refusals(settings: DiscoverySettings): readonly string[] {
  const [first, ...others] = DAEMONS.map((daemon) => {
    const result = writeDhcp(daemon, settings)
    return result.ok ? [] : result.error.map(({ code, place }) => `${code} ${place}`)
  })
  for (const other of others) expect(other).toEqual(first)
  return first ?? []
}

const colons = (hex: string): string => hex.replace(/(..)(?!$)/g, '$1:')

describe('the bytes of vendor options', () => {
  const gatewayOnly = { ...SETTINGS, acs: undefined }
  it('are those of the examples in option 43 [TR-069 §9.2]', () => {
    expect(written('kea', SETTINGS)).toContain(`"data": "${EXAMPLE_43}"`)
    expect(written('dnsmasq', SETTINGS)).toContain(`dhcp-option-force=tag:offhook-acs-60,43,${colons(EXAMPLE_43)}\n`)
    expect(written('isc', SETTINGS)).toContain(`option vendor-encapsulated-options ${colons(EXAMPLE_43)};`)
  })

  it('are those of the examples in option 125 [TR-069 §9.3]', () => {
    expect(written('kea', gatewayOnly)).toContain(`"data": "${EXAMPLE_GATEWAY}"`)
    expect(written('dnsmasq', gatewayOnly)).toContain(`tag:offhook-acs-124,125,${colons(EXAMPLE_GATEWAY)}\n`)
    expect(written('isc', gatewayOnly)).toContain(`option offhook-125 ${colons(EXAMPLE_GATEWAY)};`)
  })

  const doors = {
    address: '192.0.2.10',
    tftpPort: 69,
    publicUrl: 'https://prov.example.com',
    publicHttpUrl: 'http://prov.example.com',
    acsUrl: 'https://prov.example.com:7548/',
  }
  /** What each file gives to the class, as hex. */
  const SENT: Readonly<Record<Daemon, (text: string, group: string, code: number) => string | undefined>> = {
    kea: (text, group, code) => {
      const { Dhcp4 } = JSON.parse(text.replace(/^\/\/.*$/gm, '')) as {
        Dhcp4: { 'client-classes': { name: string; 'option-data': { code: number; data: string }[] }[] }
      }
      const own = Dhcp4['client-classes'].find(({ name }) => name === `offhook-${group}`)
      return own?.['option-data'].find((option) => option.code === code)?.data
    },
    dnsmasq: (text, group, code) =>
      new RegExp(`^dhcp-option-force=tag:offhook-${group},${code},([0-9a-f:]+)$`, 'm')
        .exec(text)?.[1]
        ?.replaceAll(':', ''),
    isc: (text, group, code) => {
      const [, body = ''] = new RegExp(`^class "offhook-${group}" \\{\n([^]*?)\n\\}`, 'm').exec(text) ?? []
      const name = code === 43 ? 'vendor-encapsulated-options' : `offhook-${code}`
      return new RegExp(`option ${name} ([0-9a-f:]+);`).exec(body)?.[1]?.replaceAll(':', '')
    },
  }

  it.each(DAEMONS)('are for %s the examples of the law, when the ACS is asked for by URL [TR-069 §9.2]', (daemon) => {
    const behind = { url: 'https://acs.example.net:7547/cwmp', provisioningCode: 'TLCO.GRP2' }
    const all = discoverySettings(doors, { acs: { ...behind, retryMinimumSeconds: 5, retryMultiplier: 2000 } })
    const url =
      '01 21 68 74 74 70 73 3a 2f 2f 61 63 73 2e 65 78 61 6d 70 6c 65 2e 6e 65 74 3a 37 35 34 37 2f 63 77 6d 70'
    const rest = '02 09 54 4c 43 4f 2e 47 52 50 32 03 01 35 04 04 32 30 30 30'
    expect(SENT[daemon](written(daemon, all), 'acs-60', 43)).toBe(`${url}${rest}`.replaceAll(' ', ''))
    const alone = discoverySettings(doors, { acs: { url: 'https://acs.example.net/' } })
    const of125 =
      '00 00 0d e9 1a 0b 18 68 74 74 70 73 3a 2f 2f 61 63 73 2e 65 78 61 6d 70 6c 65 2e 6e 65 74 2f'.replaceAll(' ', '')
    expect(SENT[daemon](written(daemon, alone), 'acs-124', 125)).toBe(of125)
  })

  it('are the official vector of SCEP for phones, and behind the ACS for who asks for one [MPP §10.4]', () => {
    const scep = { ...BARE, scep: SCEP_HEX, acs: SETTINGS.acs }
    expect(written('dnsmasq', scep)).toContain(`tag:offhook-acs-60,43,${colons(EXAMPLE_43 + SCEP_HEX)}\n`)
    expect(written('dnsmasq', scep)).toContain(`tag:offhook-phones,tag:!offhook-acs-60,43,${colons(SCEP_HEX)}\n`)
  })

  it('have 16-bit codes and lengths in option 17 of DHCPv6 [TR-069 §9.2]', () => {
    expect(written('isc', SETTINGS, 'dhcpd6.conf')).toContain('option dhcp6.offhook-17 00:00:0d:e9:00:01:00:21:68:74')
  })
})

describe('the options that name a server', () => {
  const table: readonly (readonly [string, Partial<DiscoverySettings['nps']>, readonly string[]])[] = [
    ['66 as a bare host on port 69', { options: [66], scheme: 'tftp' }, ['66,"192.0.2.1"']],
    ['66 as a URL on another port', { options: [66], scheme: 'tftp', tftpPort: 6969 }, ['66,"tftp://192.0.2.1:6969"']],
    ['66 as a URL of HTTP', { options: [66] }, ['66,"http://192.0.2.1:8080"']],
    ['150 as an address', { options: [150] }, ['150,192.0.2.1']],
    ['159 with the address', { options: [159], scheme: 'tftp' }, ['159,"tftp://192.0.2.1"']],
    ['160 with the name', { options: [160], scheme: 'tftp' }, ['160,"tftp://prov.example.net"']],
    ['160 of HTTPS', { options: [160], scheme: 'https' }, ['160,"https://prov.example.net:8443"']],
    ['no lone slash', { options: [66], httpUrl: 'http://192.0.2.1/' }, ['66,"http://192.0.2.1"']],
    ['a file', { options: [160], httpUrl: 'http://p.example/$PSN.xml' }, ['160,"http://p.example/$PSN.xml"']],
    ['each once', { options: [66, 66] }, ['66,"http://192.0.2.1:8080"']],
  ]
  it.each(table)('send %s [MPP §10.1]', (_, nps, expected) => {
    const text = written('dnsmasq', { ...BARE, voiceVlan: undefined, nps: { ...SETTINGS.nps, ...nps } })
    const sent = [...text.matchAll(/^dhcp-option-force=tag:offhook-phones,(.*)$/gm)].map((found) => found[1])
    expect(sent).toEqual(expected)
  })

  it('name the IPv6 address in brackets in DHCPv6, with 160 in place of 66 and 150 [MPP §10.1]', () => {
    const settings = {
      ...BARE,
      ipv6: true,
      nps: { ...SETTINGS.nps, options: [66, 150] as const, scheme: 'tftp' as const },
    }
    const text = written('dnsmasq', { ...settings, server: { address: '192.0.2.1', addressV6: '2001:db8::1' } })
    expect(text).toContain('option6:160,"tftp://[2001:db8::1]"')
    expect(text).not.toContain('option6:159')
  })

  it('go by the hook where Kea would cut them, and are no option data of a class [MPP §10.1]', () => {
    const text = written('kea', { ...SETTINGS, voiceVlan: { option: 159 + 3, id: 5 } })
    const config = JSON.parse(text.replace(/^\/\/.*$/gm, '')) as {
      Dhcp4: {
        'client-classes': { 'option-data': { code: number }[] }[]
        'hooks-libraries': { parameters: { options: { code: number; supersede: string }[] } }[]
      }
    }
    const inClasses = config.Dhcp4['client-classes'].flatMap((one) => one['option-data'].map(({ code }) => code))
    expect(inClasses).not.toContain(159)
    expect(config.Dhcp4['hooks-libraries'][0]?.parameters.options).toEqual([
      {
        code: 159,
        'csv-format': false,
        supersede: "ifelse(member('offhook-phones'), 0x687474703a2f2f3139322e302e322e313a38303830, '')",
      },
      { code: 162, 'csv-format': false, supersede: "ifelse(member('offhook-phones'), 0x35, '')" },
    ])
  })
})

describe('what is refused', () => {
  const nps = (change: Partial<DiscoverySettings['nps']>): DiscoverySettings => ({
    ...BARE,
    nps: { ...SETTINGS.nps, options: [66], ...change },
  })
  const table: readonly (readonly [string, DiscoverySettings, readonly string[]])[] = [
    ['150 off port 69', nps({ options: [150], tftpPort: 6969 }), ['tftp-port nps.options']],
    ['159 with a name', nps({ options: [159], scheme: 'https' }), ['url-159-needs-address nps.httpsUrl']],
    ['a URL with a space', nps({ httpUrl: 'http://192.0.2.1 /x' }), ['bad-url nps.httpUrl']],
    ['a URL with a quote', nps({ httpUrl: 'http://192.0.2.1/"x' }), ['bad-url nps.httpUrl']],
    ['a URL with a password', nps({ httpUrl: 'http://u:p@192.0.2.1' }), ['bad-url nps.httpUrl']],
    ['IPv6 without brackets', nps({ httpUrl: 'http://2001:db8::1/' }), ['ipv6-brackets nps.httpUrl']],
    ['a path with a slash behind', nps({ httpUrl: 'http://192.0.2.1/x/' }), ['trailing-slash nps.httpUrl']],
    ['256 bytes', nps({ httpUrl: `http://192.0.2.1/${'x'.repeat(239)}` }), ['too-long nps.httpUrl']],
    ['port 0', nps({ tftpPort: 0 }), ['bad-port nps.tftpPort']],
    ['option 67', nps({ options: [67 as 66] }), ['bad-option nps.options']],
    ['a host with a space', { ...BARE, server: { address: '192.0.2.1', host: 'a b' } }, ['bad-host server.host']],
    ['a name as address', { ...BARE, server: { address: 'a.example' } }, ['bad-address server.address']],
    [
      'brackets in an address',
      { ...BARE, server: { address: '192.0.2.1', addressV6: '[2001:db8::1]' } },
      ['bad-address server.addressV6'],
    ],
    ['an ACS in clear', { ...BARE, acs: { url: 'http://acs.example/' } }, ['acs-not-tls acs.url']],
    ['a long ACS URL', { ...BARE, acs: { url: `https://${'a'.repeat(250)}` } }, ['bad-acs acs']],
    ['43 above 255', { ...BARE, acs: { url: `https://${'a'.repeat(246)}` } }, ['too-long acs', 'bad-acs acs']],
    ['a bad OUI', { ...BARE, gateway: { oui: 'x', serial: '1' } }, ['bad-gateway gateway']],
    ['VLAN option 150', { ...BARE, voiceVlan: { option: 150, id: 1 } }, ['vlan-option voiceVlan.option']],
    ['VLAN 0', { ...BARE, voiceVlan: { option: 132, id: 0 } }, ['vlan-id voiceVlan.id']],
    ['VLAN 4095', { ...BARE, voiceVlan: { option: 132, id: 4095 } }, ['vlan-id voiceVlan.id']],
    ['SCEP beside 66', { ...nps({}), scep: SCEP_HEX }, ['scep-with-nps scep']],
    ['SCEP that is none', { ...BARE, scep: '010161' }, ['bad-scep scep']],
    ['no models', { ...BARE, models: [] }, ['models models']],
    ['a model with a quote', { ...BARE, models: ["CP-8851' or '"] }, ['bad-model models[0]']],
    ['a relative folder', { ...BARE, keaHooks: 'x/../y' }, ['bad-hooks keaHooks']],
    ['nothing', { ...BARE, voiceVlan: undefined }, ['nothing-to-say settings']],
    ['host bits', { ...BARE, subnets: [{ ...SUBNETS[0], subnet: '192.0.2.1/24' }] }, ['bad-subnet subnets[0].subnet']],
    ['a subnet twice', { ...BARE, subnets: [SUBNETS[0], SUBNETS[0]] }, ['bad-subnet subnets[1].subnet']],
    [
      'a pool that goes down',
      { ...BARE, subnets: [{ ...SUBNETS[0], pool: '192.0.2.9 - 192.0.2.8' }] },
      ['bad-pool subnets[0].pool'],
    ],
    [
      'a router outside',
      { ...BARE, subnets: [{ ...SUBNETS[0], router: '10.0.0.1' }] },
      ['bad-router subnets[0].router'],
    ],
    ['a name for DNS', { ...BARE, subnets: [{ ...SUBNETS[0], dns: ['x'] }] }, ['bad-dns subnets[0].dns']],
    [
      'a bad interface',
      { ...BARE, subnets: [{ ...SUBNETS[0], interface: 'a b' }] },
      ['bad-interface subnets[0].interface'],
    ],
    [
      'IPv6 that is off',
      { ...BARE, subnets6: [{ subnet: '2001:db8::/64', pool: '2001:db8::1-2001:db8::2' }] },
      ['bad-subnet subnets6'],
    ],
  ]
  it.each(table)('is %s [MPP §10]', (_, settings, expected) => {
    expect(refusals(settings)).toEqual(expected)
  })

  it('shows no path of a URL, which may hold a secret', () => {
    const result = writeDhcp('kea', { ...BARE, acs: { url: 'http://acs.example/s3cret?x' } })
    expect(JSON.stringify(result)).toContain('http://acs.example')
    expect(JSON.stringify(result)).not.toContain('s3cret')
  })
})

describe('what is written', () => {
  it('is found without fault by the check of the same daemon, for any settings that are taken', () => {
    let count = 0
    fc.assert(
      fc.property(someSettings, fc.constantFrom(...DAEMONS), (settings, daemon) => {
        const result = writeDhcp(daemon, settings)
        if (!result.ok) {
          expect(result.error.map(({ code }) => code)).toEqual(['nothing-to-say'])
          return
        }
        count += 1
        for (const { text } of result.value.files) expect(checkDhcp(daemon, text, settings)).toEqual([])
      }),
      { seed: 10, numRuns: 150 },
    )
    expect(count).toBeGreaterThan(100)
  })

  it('notes what is sent against its meaning: 160 with an address [MPP §10.1]', () => {
    const result = writeDhcp('isc', SETTINGS)
    expect(result.ok && result.value.notes).toContain(
      'Option 160 is meant for a URL with a DNS name, and is sent with an address.',
    )
  })
})
