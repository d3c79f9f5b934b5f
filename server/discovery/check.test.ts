import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { checkDhcp, checkKeaConfig } from './mod.ts'
import type { Daemon, DiscoverySettings, KeaConfig } from './mod.ts'
import { BARE, DAEMONS, SCEP_HEX, SETTINGS } from './testing-discovery.ts'
import { writeDhcp } from './write.ts'

const RC: DiscoverySettings = BARE
const colons = (hex: string): string => hex.replace(/(..)(?!$)/g, '$1:')
/** One sub-option of option 43 with a text, in hex. */
const tlv = (code: number, text: string): string =>
  Buffer.from([code, text.length, ...Buffer.from(text)]).toString('hex')

function found(daemon: Daemon, text: string, settings?: DiscoverySettings): readonly string[] {
  return checkDhcp(daemon, text, settings).map(({ code, place }) => `${code} ${place}`)
}

/** A class of our phones with these lines, whose first is line 3. */
const inIsc = (...lines: readonly string[]): string =>
  ['class "p" {', 'match if option vendor-class-identifier ~= "CP-88";', ...lines, '}'].join('\n')
const inKea = (...options: readonly string[]): string =>
  [
    '{ "Dhcp4": { "client-classes": [{ "name": "p", "test": "substring(option[60].hex, 0, 5) == \'CP-88\'",',
    '"option-data": [',
    `${options.join(',\n')},`,
    '] }], } }',
  ].join('\n')
const inDnsmasq = (...lines: readonly string[]): string => ['dhcp-vendorclass=set:p,CP-88', '', ...lines].join('\n')

/** One fault, as each daemon's file has it in line 3. */
interface Fault {
  readonly code: string
  readonly settings?: DiscoverySettings
  readonly isc: readonly string[]
  readonly kea: readonly string[]
  readonly dnsmasq: readonly string[]
}

const text66 = (value: string): Pick<Fault, Daemon> => ({
  isc: [`option tftp-server-name "${value}";`],
  kea: [`{ "name": "tftp-server-name", "data": "${value}" }`],
  dnsmasq: [`dhcp-option=tag:p,66,"${value}"`],
})
const hex43 = (hex: string): Pick<Fault, Daemon> => ({
  isc: [`option vendor-encapsulated-options ${colons(hex)};`],
  kea: [`{ "code": 43, "csv-format": false, "data": "${hex}" }`],
  dnsmasq: [`dhcp-option=tag:p,43,${colons(hex)}`],
})
const offPort: DiscoverySettings = { ...SETTINGS, nps: { ...SETTINGS.nps, tftpPort: 6969 } }

const FAULTS: readonly Fault[] = [
  { code: 'aborts-rc', settings: RC, ...text66('192.0.2.1') },
  { code: 'other-server', settings: SETTINGS, ...text66('203.0.113.9') },
  { code: 'other-server', settings: SETTINGS, ...text66('http://203.0.113.9:80') },
  { code: 'tftp-port', settings: offPort, ...text66('192.0.2.1') },
  { code: 'host-has-space', ...text66('192.0.2.1 ') },
  { code: 'trailing-slash', ...text66('http://192.0.2.1/') },
  { code: 'url-list', ...text66('HTTP://192.0.2.1;192.0.2.2') },
  { code: 'ipv6-brackets', ...text66('http://2001:db8::1') },
  { code: 'too-long', ...text66(`h${'x'.repeat(255)}`) },
  { code: 'option-43-broken', ...hex43('0109') },
  { code: 'acs-not-tls', ...hex43(tlv(1, 'http://acs.example/')) },
  { code: 'sub-option-too-long', ...hex43(tlv(1, 'https://acs.example/') + tlv(2, 'c'.repeat(65))) },
  { code: 'option-43-too-long', ...hex43(tlv(1, `https://${'a'.repeat(200)}`) + tlv(9, 'c'.repeat(60))) },
]

describe('a fault in the class of our phones', () => {
  const cases = FAULTS.flatMap((fault) => DAEMONS.map((daemon) => [fault.code, daemon, fault] as const))
  it.each(cases)('is told as %s, with its line, in a file of %s [MPP §10.1]', (code, daemon, fault) => {
    const wrap = { isc: inIsc, kea: inKea, dnsmasq: inDnsmasq }[daemon]
    const extra = daemon === 'kea' && fault.kea[0]?.includes('"code": 43') ? ['kea-43-empty line 3'] : []
    expect(found(daemon, wrap(...fault[daemon]), fault.settings)).toEqual([...extra, `${code} line 3`])
  })

  it.each(DAEMONS)('is none in a good line of %s', (daemon) => {
    const wrap = { isc: inIsc, kea: inKea, dnsmasq: inDnsmasq }[daemon]
    expect(found(daemon, wrap(...text66('http://192.0.2.1:8080')[daemon]), SETTINGS)).toEqual([])
  })

  const single: readonly (readonly [string, Daemon, string, readonly string[]])[] = [
    [
      '66 and 150 that differ',
      'isc',
      inIsc('option tftp-server-name "192.0.2.1";', 'option option-150 c0:00:02:02;'),
      ['tftp-servers-disagree line 3'],
    ],
    [
      '66 and 150 that differ',
      'dnsmasq',
      inDnsmasq('dhcp-option=tag:p,66,192.0.2.1', 'dhcp-option=tag:p,150,192.0.2.2'),
      ['tftp-servers-disagree line 3'],
    ],
    [
      '66 and 150 that agree',
      'dnsmasq',
      inDnsmasq('dhcp-option=tag:p,66,192.0.2.1', 'dhcp-option=tag:p,150,192.0.2.2,192.0.2.1'),
      [],
    ],
    ['150 as a name', 'dnsmasq', inDnsmasq('dhcp-option=tag:p,150,tftp1'), ['option-150-length line 3']],
    [
      '150 as hex of five bytes',
      'kea',
      inKea('{ "code": 150, "csv-format": false, "data": "c000020101" }'),
      ['option-150-length line 3'],
    ],
    [
      '159 with a name',
      'isc',
      `option u code 159 = text;\noption v code 4 = text;\n${inIsc('option u "http://a.example";')}`,
      ['url-159-needs-address line 5'],
    ],
    [
      '159 in a class of Kea',
      'kea',
      inKea('{ "code": 159, "csv-format": false, "data": "687474703a2f2f3139322e302e322e31" }'),
      ['kea-159-type line 3'],
    ],
    ['159 as Kea has it', 'kea', inKea('{ "code": 159, "data": "0, 0/0" }'), []],
    [
      '159 by the hook',
      'kea',
      '{ "Dhcp4": { "hooks-libraries": [{ "library": "libdhcp_flex_option.so", "parameters": { "options": [\n{ "code": 159, "supersede": "\'http://a.example\'" }] } }] } }',
      ['for-everyone line 2', 'url-159-needs-address line 2'],
    ],
    [
      'SCEP beside 66',
      'dnsmasq',
      inDnsmasq(`dhcp-option=tag:p,43,${colons(SCEP_HEX)}`, 'dhcp-option=tag:p,66,192.0.2.1'),
      ['scep-with-nps line 3'],
    ],
    ['SCEP alone', 'dnsmasq', inDnsmasq(`dhcp-option=tag:p,43,${colons(SCEP_HEX)}`), []],
    ['a class twice', 'isc', `${inIsc()}\n${inIsc()}`, ['duplicate-class line 4']],
    [
      'a class twice',
      'kea',
      '{ "Dhcp4": { "client-classes": [{ "name": "a" },\n{ "name": "a" }] } }',
      ['duplicate-class line 2'],
    ],
    [
      'sub-options that Kea packs',
      'kea',
      inKea(
        '{ "space": "vendor-encapsulated-options-space", "code": 1, "csv-format": false, "data": "687474703a2f2f61" }',
      ),
      ['acs-not-tls line 3'],
    ],
    [
      'sub-options that dnsmasq packs',
      'dnsmasq',
      `dhcp-option=vendor:dslforum.org,1,http://acs.example/`,
      ['acs-not-tls line 1'],
    ],
    ['sub-options that dnsmasq packs for others', 'dnsmasq', `dhcp-option=vendor:PXEClient,1,http://acs.example/`, []],
    [
      'sub-options that dhcpd packs',
      'isc',
      'option space a; option a.url code 1 = text;\nclass "q" { match if option vendor-class-identifier = "dslforum.org"; vendor-option-space a;\noption a.url "http://acs.example/"; }',
      ['acs-not-tls line 3'],
    ],
    [
      'a long sub-option',
      'dnsmasq',
      `dhcp-option=vendor:CP-8851-3PCC,9,"${'x'.repeat(256)}"`,
      ['sub-option-too-long line 1', 'option-43-too-long line 1'],
    ],
    ['160 of DHCPv6 for all', 'dnsmasq', 'dhcp-option=option6:160,"http://[2001:db8::1]"', ['for-everyone line 1']],
  ]
  it.each(single)('%s, in a file of %s', (_, daemon, text, expected) => {
    expect(found(daemon, text)).toEqual(expected)
  })
})

describe('who is given an option', () => {
  const table: readonly (readonly [string, Daemon, string, readonly string[]])[] = [
    ['everybody, outside a class', 'isc', 'option tftp-server-name "192.0.2.1";', ['for-everyone line 1']],
    [
      'everybody, in a subnet',
      'isc',
      'subnet 192.0.2.0 netmask 255.255.255.0 { option tftp-server-name "192.0.2.1"; }',
      ['for-everyone line 1'],
    ],
    [
      'everybody, in a subnet',
      'kea',
      '{ "Dhcp4": { "subnet4": [{ "option-data": [{ "code": 66, "data": "192.0.2.1" }] }] } }',
      ['for-everyone line 1'],
    ],
    [
      'a subnet of a class',
      'kea',
      '{ "Dhcp4": { "client-classes": [{ "name": "y", "test": "option[60].text == \'yealink\'" }], "subnet4": [{ "client-class": "y", "option-data": [{ "code": 66, "data": "x y" }] }] } }',
      [],
    ],
    [
      'everybody, by the tag of a range',
      'dnsmasq',
      'dhcp-range=set:a,192.0.2.1,192.0.2.9\ndhcp-option=tag:a,66,192.0.2.1',
      ['for-everyone line 2'],
    ],
    ['everybody but some', 'dnsmasq', 'dhcp-option=tag:!a,66,192.0.2.1', ['for-everyone line 1']],
    ['another maker', 'dnsmasq', 'dhcp-vendorclass=set:y,yealink\ndhcp-option=tag:y,66,"x y"', []],
    [
      'another maker',
      'isc',
      'class "y" { match if substring(option vendor-class-identifier, 0, 7) = "yealink"; option tftp-server-name "x y"; }',
      [],
    ],
    ['the rest', 'isc', 'if option vendor-class-identifier ~= "^CP-" { } else { option tftp-server-name "x y"; }', []],
    [
      'one of several models by a regular expression',
      'isc',
      'class "y" { match if option vendor-class-identifier ~= "^(SIP-T46|CP-8851)"; option tftp-server-name "x y"; }',
      ['host-has-space line 1'],
    ],
    [
      'a class of bytes',
      'kea',
      '{ "Dhcp4": { "client-classes": [{ "name": "y", "test": "option[60].hex == 0x43502d383835312d3350434300", "option-data": [{ "code": 66, "data": "x y" }] }] } }',
      ['host-has-space line 1'],
    ],
    ['another printer', 'isc', 'host printer { option tftp-server-name "x y"; }', []],
  ]
  it.each(table)('%s, in a file of %s', (_, daemon, text, expected) => {
    expect(found(daemon, text)).toEqual(expected)
  })
})

describe('what a running Kea has', () => {
  const phones = { test: "substring(option[60].hex, 0, 5) == 'CP-88'" }
  const own = [
    { code: 6, data: '192.0.2.53' },
    { name: 'tftp-server-name', data: 'http://192.0.2.1/' },
  ]
  const places = (config: KeaConfig): readonly string[] =>
    checkKeaConfig(config).map(({ code, place }) => `${code} ${place}`)

  it('is told by its path, in the order in which it stands there', () => {
    const hook = { code: 159, supersede: "'http://a.example'" }
    const config = {
      Dhcp4: {
        'client-classes': [
          { name: 'a', test: "option[60].text == 'x'" },
          { name: 'p', ...phones, 'option-data': own },
          { name: 'a' },
        ],
        'shared-networks': [{ subnet4: [{}, { pools: [{ 'option-data': [{ code: 66, data: '192.0.2.1' }] }] }] }],
        'hooks-libraries': [{}, { library: 'libdhcp_flex_option.so', parameters: { options: [hook] } }],
        'option-data': [{ code: 159, data: '0, 0/0' }],
      },
    }
    expect(places(config)).toEqual([
      'trailing-slash Dhcp4.client-classes[1].option-data[1]',
      'duplicate-class Dhcp4.client-classes[2]',
      'for-everyone Dhcp4.shared-networks[0].subnet4[1].pools[0].option-data[0]',
      'for-everyone Dhcp4.hooks-libraries[1].parameters.options[0]',
      'url-159-needs-address Dhcp4.hooks-libraries[1].parameters.options[0]',
      'for-everyone Dhcp4.option-data[0]',
    ])
    const places6 = { Dhcp6: { 'option-data': [{ code: 160, data: '687474703a2f2f612f' }] } }
    expect(places(places6)).toEqual(['for-everyone Dhcp6.option-data[0]', 'trailing-slash Dhcp6.option-data[0]'])
  })

  it('is named so in the words too, where it is about two things', () => {
    const data = [
      { name: 'tftp-server-name', data: '192.0.2.1' },
      { code: 150, 'csv-format': false, data: 'c0000202' },
      { code: 43, 'csv-format': false, data: SCEP_HEX },
    ]
    const classes = [
      { name: 'p', ...phones, 'option-data': data },
      { name: 'p', ...phones },
    ]
    const told = checkKeaConfig({ Dhcp4: { 'client-classes': classes } })
    expect(told.map(({ code }) => code)).toEqual([
      'tftp-servers-disagree',
      'kea-43-empty',
      'scep-with-nps',
      'duplicate-class',
    ])
    const words = told.map(({ message }) => message).join('\n')
    expect(words).toContain('option 150 in Dhcp4.client-classes[0].option-data[1] does not')
    expect(words).toContain('option 66 in Dhcp4.client-classes[0].option-data[0] names')
    expect(words).toContain('its first is in Dhcp4.client-classes[0]')
    expect(words).not.toMatch(/\bline\b/)
  })

  it('is judged as a file of the same text is', () => {
    const problems = (list: ReturnType<typeof checkDhcp>): readonly string[] => list.map(({ code }) => code)
    fc.assert(
      fc.property(fc.constantFrom(...FAULTS), fc.constantFrom(...FAULTS), (one, other) => {
        const text = inKea(...one.kea, ...other.kea)
        const config = JSON.parse(text.replace(/,(?=\s*[\]}])/g, '')) as KeaConfig
        const settings = one.settings ?? other.settings
        expect(problems(checkKeaConfig(config, settings))).toEqual(problems(checkDhcp('kea', text, settings)))
      }),
    )
  })

  it('is unreadable where it is none, or too deep, and never throws', () => {
    let deep: unknown = 'x'
    for (let count = 0; count < 100; count++) deep = [deep]
    for (const config of [{}, { Dhcp4: 7 }, { Dhcp4: { a: undefined } }, { Dhcp4: deep }]) {
      expect(places(config)).toEqual(['unreadable the configuration'])
    }
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('option-data', 'client-classes', 'subnet4'), (value, key) => {
        expect(checkKeaConfig({ Dhcp4: { [key]: value } }).length).toBeLessThanOrEqual(200)
      }),
    )
  })
})

describe('what cannot be read', () => {
  const table: readonly (readonly [Daemon, string, number])[] = [
    ['kea', '{ "Dhcp4": {\n "a" 1 } }', 2],
    ['kea', '{ "Dhcp4": { "a": "\n" } }', 1],
    ['kea', '\n{ "Dhcp5": {} }', 2],
    ['kea', '', 1],
    ['kea', '['.repeat(100), 1],
    ['isc', 'subnet {\n', 1],
    ['isc', 'option a "x";\n}', 2],
    ['isc', 'option a', 1],
    ['isc', 'option a "x', 1],
    ['dnsmasq', 'port=0\n{ "Dhcp4": {} }', 2],
    ['dnsmasq', 'dhcp-option=66,"x', 1],
  ]
  it.each(table)('is one problem of %s with its line', (daemon, text, line) => {
    expect(found(daemon, text)).toEqual([`unreadable line ${line}`])
  })

  it('is not what Kea allows: comments, commas, includes', () => {
    const text =
      '# a\n// b\n/* c\n */ { "Dhcp4": { "x": <?include "y"?> [1, -2.5e1, true, null,], "q": "\\u0041\\n" }, }\n'
    expect(found('kea', text)).toEqual([])
  })

  it('never makes it throw: any text, and our own with a piece cut out or changed', () => {
    const ours = DAEMONS.flatMap((daemon) => {
      const result = writeDhcp(daemon, SETTINGS)
      return result.ok ? result.value.files.map(({ text }) => text) : []
    })
    const broken = fc
      .record({ text: fc.constantFrom(...ours), at: fc.nat(6000), cut: fc.nat(40), put: fc.string({ maxLength: 5 }) })
      .map(({ text, at, cut, put }) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + cut))
    const words = fc
      .array(
        fc.constantFrom(
          '{',
          '}',
          '[',
          ']',
          '"',
          ',',
          ':',
          ';',
          'option',
          'class',
          'if',
          'else',
          'code',
          '43',
          '150',
          '=',
          '\n',
          ' ',
          '01:02',
          '"Dhcp4"',
          '"option-data"',
          'dhcp-option=',
          'tag:',
          '\\',
          '#',
          '/*',
          "'",
        ),
      )
      .map((all) => all.join(''))
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), broken, words),
        fc.constantFrom(...DAEMONS),
        (text, daemon) => {
          const problems = checkDhcp(daemon, text, SETTINGS)
          expect(problems.length).toBeLessThanOrEqual(200)
          for (const { place } of problems) expect(place).toMatch(/^line \d+$/)
        },
      ),
      { seed: 11, numRuns: 600 },
    )
  })

  it('costs little, however large: long lines, many comments, deep braces', () => {
    const big = 1_000_000
    for (const text of [
      ' '.repeat(big),
      '#\n'.repeat(big),
      '"'.repeat(big),
      'a'.repeat(big),
      '{'.repeat(big),
      '/*'.repeat(big),
      '\\"'.repeat(big),
      'dhcp-option=66,"x y"\n'.repeat(5000),
    ]) {
      for (const daemon of DAEMONS) expect(checkDhcp(daemon, text).length).toBeLessThanOrEqual(200)
    }
  }, 30_000)
})
