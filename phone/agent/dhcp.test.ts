import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { utf8Bytes } from '../../protocol/bytes.ts'
import { parseUrl, printUrl } from '../../protocol/rule/mod.ts'
import { createAgent } from './create.ts'
import { currentServer, dhcpServers, profileUrl } from './dhcp.ts'
import { Bench, type BenchOptions, HARDWARE, known, profile, provisioned, RC_KEY } from './testdata/bench.ts'
import { withRam } from './turn.ts'
import type { Agent, Lease, PhonePolicies } from './mod.ts'

const PSN = '/8851-3PCC.xml'

type Value = string | Uint8Array
type Options = readonly (readonly [number, Value])[]

interface Case {
  readonly v4?: Options
  readonly v6?: readonly (readonly [number, readonly Uint8Array[]])[]
  readonly values?: Readonly<Record<string, string>>
  readonly policies?: Partial<PhonePolicies>
}

function leaseOf({ v4 = [], v6 = [] }: Case): Partial<Lease> {
  return { options: new Map(v4), optionsV6: new Map(v6) }
}

function benchOf(made: Case, more: BenchOptions = {}): Bench {
  const { policies = {}, values = {} } = made
  return new Bench({ flash: provisioned(values), policies, lease: leaseOf(made), ...more })
}

/** What a provisioned phone fetches with its factory rule, oldest first; nothing can be reached. */
function fetched(made: Case): readonly string[] {
  return benchOf(made).boot(45).keys()
}

/** The reasons that a watcher is told, by option. */
function unusable(made: Case): readonly string[] {
  return benchOf(made)
    .boot(1)
    .says.filter(({ name }) => name === 'dhcp-option-unusable')
    .map(({ data }) => `${data['family']} ${data['option']}: ${data['reason']}`)
}

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values)
}

describe('the URL that one option makes of the factory rule', () => {
  it.each<[number, string, Value, string]>([
    [66, 'a name', 'boot.test', `tftp://boot.test:69${PSN}`],
    [66, 'an address', '192.0.2.20', `tftp://192.0.2.20:69${PSN}`],
    [66, 'an address with a port', '192.0.2.20:8069', `tftp://192.0.2.20:8069${PSN}`],
    [66, 'white space around', ' \tboot.test \r\n', `tftp://boot.test:69${PSN}`],
    [66, 'NUL and white space behind', 'boot.test\0 \0', `tftp://boot.test:69${PSN}`],
    [66, 'a URL of scheme and host', 'http://192.0.2.20:8667', `http://192.0.2.20:8667${PSN}`],
    [66, 'a whole URL', 'http://h.test/x/y.cfg', 'http://h.test:80/x/y.cfg'],
    [66, 'host and path without a scheme', 'h.test/x.cfg', 'tftp://h.test:69/x.cfg'],
    [66, 'a bare IPv6 address', '2001:db8::1', `tftp://2001:db8::1:69${PSN}`],
    [66, 'a scheme in capitals', 'TFTP://h.test', `tftp://h.test:69${PSN}`],
    [160, 'a whole URL with port', 'https://a.example.com:888/c/b.cfg', 'https://a.example.com:888/c/b.cfg'],
    [160, 'a base', 'https://a.example.com', `https://a.example.com:443${PSN}`],
    [160, 'a base with a slash', 'https://a.example.com/', `https://a.example.com:443${PSN}`],
    [160, 'a base with two slashes', 'https://a.example.com//', `https://a.example.com:443${PSN}`],
    [160, 'a path with two slashes behind', 'https://a.test/dir//', 'https://a.test:443/dir/'],
    [160, 'a path and a query with semicolons', 'http://h/a;b?c;d,e=f', 'http://h:80/a;b?c;d,e=f'],
    [160, 'one macro', 'https://a.test/c/$MA.cfg', 'https://a.test:443/c/00562b043615.cfg'],
    [
      160,
      'several macros',
      'https://a.test/$PN/$(MAU)-$SN.xml',
      'https://a.test:443/CP-8851-3PCC/00562B043615-FCH2305DMH0.xml',
    ],
    [160, 'a macro that nobody knows', 'https://a.test/$ZZ.xml', 'https://a.test:443/$ZZ.xml'],
    [160, 'a macro as host', 'http://$A/x', 'http://by-macro.test:80/x'],
    [159, 'a URL with an address', 'http://192.0.2.1', `http://192.0.2.1:80${PSN}`],
    [159, 'a scheme in capitals', 'HTTP://192.0.2.1//', `http://192.0.2.1:80${PSN}`],
    [150, 'one address', bytes(192, 0, 2, 9), `tftp://192.0.2.9:69${PSN}`],
    [150, 'no address, then one', bytes(0, 0, 0, 0, 192, 0, 2, 9), `tftp://192.0.2.9:69${PSN}`],
  ])('option %i: %s [MPP §10.1]', (code, _, value, key) => {
    const texts = typeof value === 'string' ? [value, utf8Bytes(value)] : [value]
    for (const text of texts) {
      const made = { v4: [[code, text]] as const, values: { GPP_A: 'by-macro.test' } }
      expect(fetched(made)).toEqual([key])
      expect(unusable(made)).toEqual([])
    }
  })

  it.each<[number, string, Uint8Array, RegExp]>([
    [66, 'no bytes', bytes(), /the option holds nothing/],
    [66, 'NULs', bytes(0, 0), /the option holds nothing/],
    [66, 'white space', utf8Bytes('  '), /the option holds nothing/],
    [66, 'garbage', bytes(0xff, 0x00, 0x9d), /expected a text in UTF-8/],
    [66, 'a control character', utf8Bytes('boot\u0007.test'), /without control characters/],
    [66, 'a space inside', utf8Bytes('boot server'), /white space in it/],
    [66, 'a space in a path', utf8Bytes('http://h.test/my file'), /white space in it/],
    [66, 'a path alone', utf8Bytes('/x.cfg'), /expected a host/],
    [66, 'an address that is none', utf8Bytes('999.0.2.1'), /host/],
    [66, 'a port that is none', utf8Bytes('boot.test:70000'), /port/],
    [66, 'more than a text may have', new Uint8Array(1025).fill(97), /at most 1024 bytes/],
    [66, 'only separators', utf8Bytes(';,;'), /without any server/],
    [160, 'another scheme', utf8Bytes('ftp://h.test/x'), /of tftp, http or https/],
    [160, 'a scheme alone', utf8Bytes('https://'), /./],
    [160, 'a URL without a host', utf8Bytes('http:///x'), /expected a host/],
    [160, 'an activation code', utf8Bytes('gds://'), /expected a host/],
    [160, 'a query without a path', utf8Bytes('http://h.test?x=1'), /path/],
    [160, 'a user in the URL', utf8Bytes('http://ann:zQ9-hidden@h.test/x'), /user/],
    [160, 'a macro that is no host', utf8Bytes('http://$ZZ/x'), /host/],
    [150, 'three bytes', bytes(192, 0, 2), /four bytes for each address/],
    [150, 'five bytes', bytes(192, 0, 2, 9, 1), /four bytes for each address/],
    [150, 'no bytes', bytes(), /holds nothing/],
    [150, 'an address of no host', bytes(255, 255, 255, 255), /no addresses of a host/],
  ])('option %i with %s counts as absent, which is told without its text [MPP §10.1]', (code, _, value, reason) => {
    const made: Case = { v4: [[code, value]] }
    expect(fetched(made)).toEqual([])
    const told = unusable(made)
    expect(told).toEqual([expect.stringMatching(reason)])
    expect(told[0]).toMatch(new RegExp(`^v4 ${code}: `))
    expect(told[0]).not.toMatch(/hidden|boot|h\.test/)
    const next: Case = {
      v4: [
        [code, value],
        [159, 'http://next.test'],
      ],
    }
    expect(fetched(next)).toEqual([`http://next.test:80${PSN}`])
  })

  it('finds no server for profiles in options 60, 43, 125 and 17 [MPP §10.1, §10.3]', () => {
    const text = utf8Bytes('http://h.test/')
    const made: Case = {
      v4: [
        [60, text],
        [43, text],
        [125, text],
      ],
      v6: [[17, [text]]],
    }
    expect([fetched(made), unusable(made)]).toEqual([[], []])
  })

  it('makes a blank phone with nothing but unusable options ask the redirect service [MPP §9.3, §10.1]', () => {
    const bench = new Bench({ lease: leaseOf({ v4: [[66, 'a b']] }), files: { [RC_KEY]: '' } }).boot(40)
    expect(bench.keys()).toEqual([RC_KEY])
  })

  it('gives a file of the rules, not the whole URL of DHCP, to what is no profile [MPP §4.5, §10.1]', () => {
    const values = { Custom_CA_Rule: '/ca.pem' }
    const files = { 'http://h.test:80/x.cfg': profile({ GPP_A: '1' }) }
    const bench = benchOf({ v4: [[66, 'http://h.test/x.cfg']], values }, { files }).boot(45)
    expect(bench.keys()).toEqual(['http://h.test:80/x.cfg', 'http://h.test:80/ca.pem'])
  })

  it('lets a rule keep the scheme that it names [MPP §4.5]', () => {
    const values = { Profile_Rule: 'https:///own.xml' }
    expect(fetched({ v4: [[66, 'http://h.test:8080/x.cfg']], values })).toEqual(['https://h.test:443/own.xml'])
  })
})

describe('the order of options', () => {
  const all: Options = [
    [150, bytes(192, 0, 2, 50)],
    [159, 'http://192.0.2.59'],
    [160, 'https://s160.test'],
    [66, 's66.test'],
  ]
  it.each<[string, string]>([
    ['66,160,159,150,60,43,125', `tftp://s66.test:69${PSN}`],
    ['60,43,125,160,66', `https://s160.test:443${PSN}`],
    [' 159 , 150', `http://192.0.2.59:80${PSN}`],
    ['150', `tftp://192.0.2.50:69${PSN}`],
    ['x,,159', `http://192.0.2.59:80${PSN}`],
  ])('is that of DHCP_Option_To_Use "%s" [MPP §10.1]', (use, key) => {
    expect(fetched({ v4: all, values: { DHCP_Option_To_Use: use } })).toEqual([key])
  })

  it.each(['60,43,125', '67', ''])('names none with DHCP_Option_To_Use "%s" [MPP §10.1]', (use) => {
    expect(fetched({ v4: all, values: { DHCP_Option_To_Use: use } })).toEqual([])
  })

  const v6 = [
    [159, [utf8Bytes('http://[2001:db8::59]')]],
    [160, [utf8Bytes('https://six.test')]],
  ] as const

  it('is that of DHCPv6_Option_To_Use in DHCPv6 [MPP §10.1]', () => {
    expect(fetched({ v6 })).toEqual([`https://six.test:443${PSN}`])
    expect(fetched({ v6, values: { DHCPv6_Option_To_Use: '159,160' } })).toEqual([`http://2001:db8::59:80${PSN}`])
    expect(fetched({ v6, values: { DHCPv6_Option_To_Use: '17,66' } })).toEqual([])
  })

  it('takes the first usable of an option that DHCPv6 brings twice [MPP §10.1]', () => {
    const twice = [[160, [bytes(0xff), utf8Bytes('https://six.test')]]] as const
    expect(fetched({ v6: twice })).toEqual([`https://six.test:443${PSN}`])
    expect(unusable({ v6: [[160, [bytes(0xff), utf8Bytes('a b')]]] })).toEqual([expect.stringMatching(/^v6 160: /)])
  })

  it('has DHCPv4 before DHCPv6, or the reverse, by policy [MPP §10.1]', () => {
    const made: Case = { v4: [[66, 'four.test']], v6 }
    expect(fetched(made)).toEqual([`tftp://four.test:69${PSN}`])
    expect(fetched({ ...made, policies: { dhcpFamilies: 'v6-first' } })).toEqual([`https://six.test:443${PSN}`])
    const [first, second] = [{ ...made, v4: [[66, bytes(0xff)]] } as const, { v4: made.v4 ?? [], v6: [] }]
    expect(fetched(first)).toEqual([`https://six.test:443${PSN}`])
    expect(fetched({ ...second, policies: { dhcpFamilies: 'v6-first' } })).toEqual([`tftp://four.test:69${PSN}`])
  })

  it('leaves out the family that IP_Mode switches off [MPP §13.2]', () => {
    const made: Case = { v4: [[66, 'four.test']], v6 }
    expect(fetched({ ...made, values: { IP_Mode: 'IPv6 Only' } })).toEqual([`https://six.test:443${PSN}`])
    const four = { ...made, policies: { dhcpFamilies: 'v6-first' }, values: { IP_Mode: 'IPv4 Only' } } as const
    expect(fetched(four)).toEqual([`tftp://four.test:69${PSN}`])
  })
})

describe('several servers', () => {
  const list = 'HTTP://192.0.2.1;192.0.2.2, https://s3.test'
  const [first, second, third] = [`http://192.0.2.1:80${PSN}`, `http://192.0.2.2:80${PSN}`, `https://s3.test:443${PSN}`]
  const both: Options = [
    [66, 'a.test;b.test'],
    [150, bytes(192, 0, 2, 9, 192, 0, 2, 10)],
  ]

  it('of a list are tried in turn, or only the first one, by policy [MPP §10.1]', () => {
    expect(fetched({ v4: [[159, list]] })).toEqual([first, second, third])
    expect(fetched({ v4: [[159, list]], policies: { dhcpServerList: 'first-only' } })).toEqual([first])
    expect(fetched({ v4: [[150, bytes(192, 0, 2, 9, 192, 0, 2, 10)]] })).toEqual([
      `tftp://192.0.2.9:69${PSN}`,
      `tftp://192.0.2.10:69${PSN}`,
    ])
  })

  it.each<[boolean, PhonePolicies['dhcpServerList'], readonly string[]]>([
    [false, 'first-only', ['a.test']],
    [false, 'each-in-turn', ['a.test', 'b.test']],
    [true, 'first-only', ['a.test', '192.0.2.9']],
    [true, 'each-in-turn', ['a.test', 'b.test', '192.0.2.9', '192.0.2.10']],
  ])('with dhcpFallback %s and dhcpServerList %s are %j [MPP §10.1]', (dhcpFallback, dhcpServerList, hosts) => {
    const keys = hosts.map((host) => `tftp://${host}:69${PSN}`)
    expect(fetched({ v4: both, policies: { dhcpFallback, dhcpServerList } })).toEqual(keys)
  })

  it('begin with the first again at the retry, and end with the one that answers [MPP §5.1, §10.1]', () => {
    const bench = benchOf({ v4: [[159, list]], values: { Resync_Error_Retry_Delay: '60' } }).boot(45)
    bench.files[second] = profile({ GPP_A: 'from the second' })
    bench.pass(60)
    expect(bench.keys()).toEqual([first, second, third, first, second])
    expect(bench.parameter('GPP_A')).toBe('from the second')
  })

  it('are tried before the redirect service is asked [MPP §9.3]', () => {
    const bench = new Bench({ lease: leaseOf({ v4: [[159, list]] }), files: { [RC_KEY]: '' } }).boot(40)
    expect(bench.keys()).toEqual([first, second, third, RC_KEY])
  })

  it('do not repeat a rule that names its own server [MPP §4.5, §10.1]', () => {
    const values = { Profile_Rule: 'http://own.test/x' }
    expect(fetched({ v4: [[159, list]], values })).toEqual(['http://own.test:80/x'])
  })

  it('keep only what can be used, eight at most [MPP §10.1]', () => {
    expect(fetched({ v4: [[159, 'http://a b;http://good.test']] })).toEqual([`http://good.test:80${PSN}`])
    const many = Array.from({ length: 63 }, (_, index) => [10, 0, 0, index + 1]).flat()
    expect(fetched({ v4: [[150, Uint8Array.from(many)]] })).toHaveLength(8)
  })

  it('are separated by white space only by policy [MPP §10.1]', () => {
    const made: Case = { v4: [[66, 'a.test b.test']] }
    expect(fetched(made)).toEqual([])
    const keys = [`tftp://a.test:69${PSN}`, `tftp://b.test:69${PSN}`]
    expect(fetched({ ...made, policies: { dhcpSpaces: 'separate' } })).toEqual(keys)
  })
})

describe('a lease that is renewed', () => {
  it('brings its new server, and disturbs nothing [MPP §10.1]', () => {
    const bench = benchOf({ v4: [[66, 'old.test']], values: { User_ID_1_: '1001', Proxy_1_: 'sip.test' } }).boot(5)
    const lines = bench.agent.ram.lines
    bench.send({ kind: 'network-up', lease: { ...bench.lease, options: new Map([[66, 'new.test']]) }, sipPort: 5060 })
    expect(bench.agent.ram.lines).toBe(lines)
    expect(bench.names()).not.toContain('reboot')
    bench.pass(40)
    expect(bench.keys()).toEqual([`tftp://new.test:69${PSN}`])
  })
})

/** A phone with this lease, as it is between two events. */
function holding(
  options: ReadonlyMap<number, Value>,
  optionsV6: Lease['optionsV6'],
  policies: Partial<PhonePolicies>,
): Agent {
  const agent = createAgent(HARDWARE, { policies })
  return withRam(agent, {
    lease: { address: '192.0.2.100', domain: undefined, options, ...(optionsV6 === undefined ? {} : { optionsV6 }) },
  })
}

describe('any lease', () => {
  const rule = known(((read) => (read.ok ? read.value : undefined))(parseUrl('/x.cfg')))
  const text = fc.string({
    unit: fc.constantFrom(...'htps:/[]0123.;,$MAPN() ?@#\u0000\u00e9'.split('')),
    maxLength: 60,
  })
  const payload = fc.oneof(fc.uint8Array({ maxLength: 300 }), text, text.map(utf8Bytes))
  const policies = fc.record<Partial<PhonePolicies>>({
    dhcpFallback: fc.boolean(),
    dhcpServerList: fc.constantFrom('each-in-turn', 'first-only'),
    dhcpSpaces: fc.constantFrom('unusable', 'separate'),
    dhcpFamilies: fc.constantFrom('v4-first', 'v6-first'),
  })

  it('gives a URL with a host that can be read again, or none, and never throws', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(66, 160, 159, 150),
        payload,
        fc.array(fc.uint8Array(), { maxLength: 3 }),
        policies,
        (code, value, six, chosen) => {
          const agent = holding(new Map([[code, value]]), new Map([[160, six]]), chosen)
          expect(dhcpServers(agent).length).toBeLessThanOrEqual(32)
          const url = profileUrl(agent, rule)
          expect(url.ok).toBe(currentServer(agent) !== undefined)
          if (!url.ok) return
          expect(url.value.host).toBeDefined()
          expect(parseUrl(printUrl(url.value))).toEqual(url)
        },
      ),
      { seed: 69, numRuns: 2000 },
    )
  })
})
