import { describe, expect, it } from 'vitest'

import { checkDhcp } from './mod.ts'
import type { Daemon } from './mod.ts'
import { SETTINGS } from './testing-discovery.ts'

/** Whole files as they are in use, with what is said of them. */
function found(daemon: Daemon, ...lines: readonly string[]): readonly string[] {
  return checkDhcp(daemon, lines.join('\n')).map(({ code, place }) => `${code} ${place}`)
}

const kea = (body: string): string => `{ "Dhcp4": { ${body} } }`
const DEF_150 = '"option-def": [{ "name": "tftp-servers", "code": 150, "type": "ipv4-address", "array": true }]'
const PHONES = 'match if substring(option vendor-class-identifier, 0, 3) = "CP-";'
const option66 = (value: string): string => `class "p" { ${PHONES} option tftp-server-name "${value}"; }`

describe('a text in which phones find no server [MPP §10.1]', () => {
  it.each([
    'ftp://192.0.2.1',
    'http://',
    '192.0.2.300',
    'http://ann:zQ9-hidden@prov.test/x',
    'ann:zQ9-hidden@prov.test',
    'http://prov.test:99999',
    'prov.test:abc',
    'http://prov.test?x=1',
    '/hidden.cfg',
  ])('is told of %s, without what may be secret', (value) => {
    const problems = checkDhcp('isc', option66(value)).filter(({ code }) => code !== 'trailing-slash')
    expect(problems.map(({ code }) => code)).toEqual(['no-server'])
    expect(problems[0]?.message).not.toContain('hidden')
  })

  it.each([
    'prov.test',
    'prov.test.',
    '192.0.2.1',
    '192.0.2.1:6969',
    '2001:db8::1',
    'http://[2001:db8::1]:8080/$MA.cfg',
    'prov.test/dir/$PSN.xml',
    'https://prov.test/$(MAU)-$SN.xml',
    'http://prov.test/a;b?c;d,e=f',
    '$GPP_A',
  ])('is none for %s', (value) => {
    expect(found('isc', option66(value))).toEqual([])
  })

  it('is told of option 150 with no address of a host, unless dnsmasq puts its own there', () => {
    const isc = 'option o150 code 150 = array of ip-address;'
    expect(found('isc', isc, `class "p" { ${PHONES} option o150 0.0.0.0; }`)).toEqual(['no-server line 2'])
    expect(found('dnsmasq', 'dhcp-vendorclass=set:p,CP-', 'dhcp-option=tag:p,150,0.0.0.0')).toEqual([])
  })

  it.each([
    ['HTTP://192.0.2.1;192.0.2.2', ['url-list line 1']],
    ['192.0.2.1,192.0.2.2', ['url-list line 1']],
    ['http://a.test/x;http://b.test/x', ['url-list line 1']],
  ])('is no matter of lists: %s [MPP §10.1, CSCvi48553]', (value, expected) => {
    expect(found('isc', option66(value))).toEqual(expected)
  })

  it('is no matter of slashes: behind a path one is part of it', () => {
    const [host, path] = ['http://prov.test/', 'http://prov.test/dir/'].map(
      (value) => checkDhcp('isc', option66(value))[0],
    )
    expect([host?.code, path?.code]).toEqual(['trailing-slash', 'trailing-slash'])
    expect(host?.message).toContain('//')
    expect(path?.message).toContain('exactly that path')
  })
})

describe('a server by IPv6', () => {
  const line = 'dhcp-option=tag:p,option6:160,"tftp://[2001:db8::1]"'
  it.each([
    ['whose address is not said is not told to be another', undefined, []],
    ['whose address is another is told', '2001:db8::2', ['other-server line 2']],
    ['whose address it is is not told', '2001:db8::1', []],
  ])('%s', (_, addressV6, expected) => {
    const { server, ...rest } = SETTINGS
    const { addressV6: _own, ...bare } = server
    const settings = { ...rest, server: addressV6 === undefined ? bare : { ...bare, addressV6 } }
    const text = `dhcp-vendorclass=set:p,CP-\n${line}`
    expect(checkDhcp('dnsmasq', text, settings).map(({ code, place }) => `${code} ${place}`)).toEqual(expected)
  })
})

describe('66 and 150 that disagree, and reach a phone together', () => {
  const cases: readonly (readonly [string, Daemon, readonly string[], readonly string[]])[] = [
    [
      'one in a subnet, one in its pool',
      'isc',
      [
        'option o150 code 150 = array of ip-address;',
        'subnet 192.0.2.0 netmask 255.255.255.0 {',
        'if option vendor-class-identifier = "CP-8851-3PCC" { option tftp-server-name "192.0.2.1";',
        'pool { option o150 192.0.2.2; } } }',
      ],
      ['tftp-servers-disagree line 3'],
    ],
    [
      'one in a shared network, one in the pool of its subnet',
      'kea',
      [
        kea(`${DEF_150}, "shared-networks": [{ "client-class": "VENDOR_CLASS_CP-8851-3PCC",
"option-data": [{ "name": "tftp-server-name", "data": "192.0.2.1" }],
"subnet4": [{ "pools": [{ "client-class": "VENDOR_CLASS_CP-8851-3PCC", "option-data": [{ "code": 150, "csv-format": false, "data": "C0000202" }] }] }] }]`),
      ],
      ['for-everyone line 2', 'tftp-servers-disagree line 2'],
    ],
    [
      'one in a class, one in a subnet',
      'kea',
      [
        kea(`${DEF_150}, "client-classes": [{ "name": "p", "test": "option[60].hex == 'CP-8851-3PCC'",
"option-data": [{ "name": "tftp-server-name", "data": "192.0.2.1" }] }], "subnet4": [{ "client-class": "p",
"option-data": [{ "name": "tftp-servers", "data": "192.0.2.2, 192.0.2.3" }] }]`),
      ],
      ['tftp-servers-disagree line 2'],
    ],
    [
      'each in a class of its own',
      'isc',
      [
        'option o150 code 150 = array of ip-address;',
        'class "a" { match if option vendor-class-identifier = "CP-8851-3PCC"; option tftp-server-name "192.0.2.1"; }',
        'class "b" { match if option vendor-class-identifier = "CP-7841-3PCC"; option o150 192.0.2.2; }',
      ],
      [],
    ],
    [
      'each in a subnet of its own',
      'isc',
      [
        'option o150 code 150 = array of ip-address;',
        'shared-network x { pool { allow members of "a"; option tftp-server-name "192.0.2.1"; } pool { allow members of "b"; option o150 192.0.2.2; } }',
      ],
      [],
    ],
    [
      'one for all that a network replaces',
      'kea',
      [
        kea(`${DEF_150}, "option-data": [{ "name": "tftp-servers", "data": "192.0.2.9" }], "subnet4": [
{ "client-class": "VENDOR_CLASS_CP-8851-3PCC", "option-data": [
{ "name": "tftp-server-name", "data": "192.0.2.1" }, { "name": "tftp-servers", "data": "192.0.2.1" }] }]`),
      ],
      ['for-everyone line 1'],
    ],
    [
      'one of two tags',
      'dnsmasq',
      ['dhcp-vendorclass=set:p,CP-', 'dhcp-option=tag:p,66,192.0.2.1', 'dhcp-option=tag:p,tag:lan,150,192.0.2.2'],
      ['tftp-servers-disagree line 2'],
    ],
  ]
  // What is given to everyone is told in any case, and is not what is asked here.
  it.each(cases)('%s, in a file of %s [MPP §10.1]', (_, daemon, lines, expected) => {
    const codes = expected.filter((one) => one.startsWith('tftp'))
    expect(found(daemon, ...lines).filter((one) => one.startsWith('tftp'))).toEqual(codes)
  })
})

describe('the voice VLAN in option 132 [MPP §10.1]', () => {
  it.each([
    ['"20"', []],
    ['"4094"', []],
    ['20s', []],
    ['300', []],
    ['20', ['vlan-id line 2']],
    ['20i', ['vlan-id line 2']],
    ['"abc"', ['vlan-id line 2']],
    ['"4095"', ['vlan-id line 2']],
    ['"0"', ['vlan-id line 2']],
    ['"VLAN-A=20;"', ['vlan-id line 2']],
  ])('of %s', (value, expected) => {
    expect(found('dnsmasq', 'dhcp-vendorclass=set:p,CP-', `dhcp-option=tag:p,132,${value}`)).toEqual(expected)
    // Phones of other makers have other forms of it.
    expect(found('dnsmasq', `dhcp-option=132,${value}`)).toEqual([])
  })
})

describe('what dnsmasq reads, and so the check', () => {
  it.each([
    ['150 by its name', ['dhcp-option=option:tftp-server-address,192.0.2.1'], ['for-everyone line 1']],
    [
      'a tag without its prefix',
      ['dhcp-vendorclass=set:phones,CP-8851', 'dhcp-option=phones,66,"http://192.0.2.1:8080/"'],
      ['trailing-slash line 2'],
    ],
    [
      'tags of others without their prefix',
      ['dhcp-mac=set:a,00:11:22:*:*:*', 'dhcp-option=a,66,"a b"'],
      ['host-has-space line 2'],
    ],
    [
      'a tag that is of every request',
      ['interface=eth0', 'dhcp-option=tag:eth0,66,192.0.2.1'],
      ['for-everyone line 2'],
    ],
    [
      'a tag of a range',
      ['dhcp-range=lan,192.0.2.9,192.0.2.99', 'dhcp-option=lan,66,192.0.2.1'],
      ['for-everyone line 2'],
    ],
    [
      'a tag behind the name of the maker',
      ['dhcp-vendorclass=set:p,CP-', 'dhcp-option=vendor:dslforum.org,tag:p,1,"http://acs.test/"'],
      ['acs-not-tls line 2'],
    ],
  ])('%s', (_, lines, expected) => {
    expect(found('dnsmasq', ...lines)).toEqual(expected)
  })
})

describe('what dhcpd reads, and so the check', () => {
  it('definitions with braces, which are no blocks', () => {
    const lines = [
      'option voip code 150 = array of { ip-address };',
      'option rec code 200 = { boolean, ip-address };',
      `class "p" { ${PHONES} option voip 192.0.2.1; option tftp-server-name "192.0.2.2"; }`,
    ]
    expect(found('isc', ...lines)).toEqual(['tftp-servers-disagree line 3'])
  })

  it('the last branch as for those who are in no branch before', () => {
    const lines = [
      'if option vendor-class-identifier = "CP-8851-3PCC" { option tftp-server-name "192.0.2.1"; }',
      'elsif option vendor-class-identifier = "yealink" { option tftp-server-name "a b"; }',
      'else { option tftp-server-name "c d"; }',
      'if option vendor-class-identifier = "yealink" { option tftp-server-name "a b"; }',
      'else { option tftp-server-name "c d"; }',
    ]
    expect(found('isc', ...lines)).toEqual(['for-everyone line 5', 'host-has-space line 5'])
  })
})

describe('what Kea reads, and so the check', () => {
  it.each([
    ['the whole value', '{ "Dhcp4": { "subnet4": <?include "/etc/kea/subnets.json"?>, OPTION } }'],
    ['members', '{ "Dhcp4": { <?include "a.json"?>, OPTION, <?include "b.json"?> } }'],
    ['items', '{ "Dhcp4": { "subnet4": [ <?include "a.json"?>, { "id": 1 }, <?include "b.json"?> ], OPTION } }'],
    ['all items', '{ "Dhcp4": { OPTION, "subnet4": [ <?include "a.json"?> ] } }'],
  ])('an include in place of %s', (_, text) => {
    const option = '"option-data": [{ "name": "tftp-server-name", "data": "192.0.2.1" }]'
    expect(found('kea', text.replace('OPTION', option))).toEqual(['for-everyone line 1'])
  })

  it('the answer of its control agent, which is a list', () => {
    const answer = `[ { "result": 0, "arguments": ${kea('"option-data": [{ "name": "tftp-server-name", "data": "a b" }]')} } ]`
    expect(found('kea', answer)).toEqual(['for-everyone line 1', 'host-has-space line 1'])
  })

  it('an option that is for members of a class, since 2.7.5', () => {
    const classes = `"client-classes": [{ "name": "y", "test": "option[60].text == 'yealink'" }, { "name": "p", "test": "option[60].text == 'CP-8851-3PCC'" }]`
    const data = (name: string): string =>
      kea(`${classes}, "option-data": [{ "name": "tftp-server-name", "data": "a b", "client-classes": ["${name}"] }]`)
    expect(found('kea', data('y'))).toEqual([])
    expect(found('kea', data('p'))).toEqual(['host-has-space line 1'])
  })
})
