import fc from 'fast-check'

import { DEFAULT_MODELS } from './wanted.ts'
import type { Daemon, DiscoverySettings } from './types.ts'

export const DAEMONS: readonly Daemon[] = ['kea', 'dnsmasq', 'isc']

/** Everything that DHCP can tell, but SCEP, which goes with no server. */
export const SETTINGS: DiscoverySettings = {
  server: { address: '192.0.2.1', addressV6: '2001:db8::1', host: 'prov.example.net' },
  nps: {
    options: [66, 150, 159, 160],
    tftpPort: 69,
    httpUrl: 'http://192.0.2.1:8080',
    httpsUrl: 'https://prov.example.net:8443',
    scheme: 'http',
  },
  acs: {
    url: 'https://acs.example.net:7547/cwmp',
    provisioningCode: 'TLCO.GRP2',
    retryMinimumSeconds: 5,
    retryMultiplier: 2000,
  },
  gateway: { oui: '00D09E', serial: 'GW0001', productClass: 'HG100' },
  voiceVlan: { option: 132, id: 200 },
  models: DEFAULT_MODELS,
  subnets: [],
  ipv6: true,
}

/** Nothing but the redirect service and, so that there is something to write, a voice VLAN. */
export const BARE: DiscoverySettings = {
  ...SETTINGS,
  nps: { ...SETTINGS.nps, options: [] },
  acs: undefined,
  gateway: undefined,
  ipv6: false,
}

/** The vector of MPP §10.4. */
export const SCEP_HEX =
  '0a01010b12687474703a2f2f31302e37392e35372e39310c1412040870625c5b755d73f5925285f8f5ff5d55af' +
  '0d10443233334343463942393935324131350e01010f0101'

export const SUBNETS = [
  { subnet: '192.0.2.0/24', pool: '192.0.2.100 - 192.0.2.199', router: '192.0.2.254', dns: ['192.0.2.53'] },
  { subnet: '198.51.100.0/25', pool: '198.51.100.10-198.51.100.20' },
] as const

export const SUBNETS6 = [
  { subnet: '2001:db8::/64', pool: '2001:db8::100 - 2001:db8::1ff', dns: ['2001:db8::53'] },
] as const

/** The settings that writeDhcp takes. */
export const someSettings: fc.Arbitrary<DiscoverySettings> = fc
  .record({
    options: fc.subarray([66, 150, 159, 160] as const),
    scheme: fc.constantFrom('tftp', 'http', 'https'),
    named: fc.boolean(),
    acs: fc.boolean(),
    code: fc.option(fc.stringMatching(/^[A-Za-z0-9.,_-]{1,64}$/), { nil: undefined }),
    gateway: fc.boolean(),
    vlan: fc.option(fc.integer({ min: 128, max: 149 }), { nil: undefined }),
    models: fc.subarray([...DEFAULT_MODELS], { minLength: 1 }),
    subnets: fc.boolean(),
    ipv6: fc.boolean(),
  })
  .map((row) => ({
    ...SETTINGS,
    server: row.named ? SETTINGS.server : { address: SETTINGS.server.address },
    nps: {
      options: row.options.filter((code) => code !== 159 || row.scheme !== 'https'),
      scheme: row.scheme as 'tftp' | 'http' | 'https',
      tftpPort: row.options.includes(150) ? 69 : 6969,
      httpUrl: 'http://192.0.2.1:8080',
      httpsUrl: 'https://prov.example.net:8443/a,b',
    },
    acs: row.acs ? { url: 'https://acs.example.net/', provisioningCode: row.code } : undefined,
    gateway: row.gateway ? SETTINGS.gateway : undefined,
    voiceVlan: row.vlan === undefined ? undefined : { option: row.vlan, id: 7 },
    models: row.models,
    subnets: row.subnets ? SUBNETS : [],
    ipv6: row.ipv6,
    subnets6: row.subnets && row.ipv6 ? SUBNETS6 : [],
  }))
