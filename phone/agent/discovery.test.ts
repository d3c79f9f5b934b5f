import { describe, expect, it } from 'vitest'
import { Bench, profile, provisioned, RC_KEY, response } from './testdata/bench.ts'

const PSN = '/8851-3PCC.xml'
const TFTP = { options: new Map<number, string | Uint8Array>([[66, '192.0.2.20']]) }

describe('a blank phone', () => {
  it('asks the TFTP server of DHCP for /$PSN.xml, becomes Aborted and never asks RC [MPP §9.1, §9.3, §10.1]', () => {
    const bench = new Bench({ lease: TFTP, files: { [`tftp://192.0.2.20:69${PSN}`]: profile({ GPP_A: 'x' }) } }).boot(
      60,
    )
    expect(bench.keys()).toEqual([`tftp://192.0.2.20:69${PSN}`])
    expect(bench.agent.flash.customization).toBe('Aborted')
    expect(bench.parameter('GPP_A')).toBe('x')
  })

  it('asks RC when the server of DHCP fails, and takes turns until one works [MPP §9.2, §9.3]', () => {
    const bench = new Bench({ lease: TFTP }).boot(100)
    const tftp = `tftp://192.0.2.20:69${PSN}`
    expect(bench.keys()).toEqual([tftp, RC_KEY, tftp, RC_KEY])
    expect(bench.agent.flash.customization).toBe('Pending')
    expect(bench.seconds(tftp)).toEqual([21, 81])
  })

  it('looks further when the rules of DHCP fetched nothing [MPP §4.1, §9.3]', () => {
    const flash = provisioned({ Profile_Rule: '("$A" eq "x")? /x.cfg' }, { customization: 'Open' })
    const bench = new Bench({ flash, lease: TFTP, files: { [RC_KEY]: '' } }).boot(40)
    expect([bench.keys(), bench.agent.flash.customization]).toEqual([[RC_KEY], 'Unavailable'])
  })

  it('waits a random time of up to 2 x 20 seconds before its first question [MPP §5.1]', () => {
    const early = new Bench({ lease: TFTP, chance: () => 0 }).boot(90)
    const late = new Bench({ lease: TFTP, chance: () => 0.999 }).boot(90)
    expect(early.seconds(`tftp://192.0.2.20:69${PSN}`)[0]).toBe(1)
    expect(late.seconds(`tftp://192.0.2.20:69${PSN}`)[0]).toBe(41)
  })

  it('follows the redirect of RC with that rule alone and ends Acquired [MPP §9.1, §9.2]', () => {
    const files = {
      [RC_KEY]: profile({ Profile_Rule: 'https://prov.test/cisco-init', Profile_Rule_B: '/b.xml' }),
      'https://prov.test:443/cisco-init': profile({ GPP_A: 'own' }),
    }
    const bench = new Bench({ files }).boot(60)
    expect(bench.keys()).toEqual([RC_KEY, 'https://prov.test:443/cisco-init'])
    const states = bench.says.filter(({ name }) => name === 'customization').map(({ data }) => data['state'])
    expect(states).toEqual(['Pending', 'Custom-Pending', 'Acquired'])
    expect(bench.says.some(({ name }) => name === 'reboot')).toBe(false)
  })

  it('stays Custom-Pending while the target fails and tries it again before RC [MPP §9.1]', () => {
    const files = {
      [RC_KEY]: profile({ Profile_Rule: 'https://prov.test/x' }),
      'https://prov.test:443/x': response(503),
    }
    const bench = new Bench({ files }).boot(100)
    expect(bench.keys()).toEqual([RC_KEY, 'https://prov.test:443/x', 'https://prov.test:443/x', RC_KEY])
    expect(bench.agent.flash.customization).toBe('Custom-Pending')
  })

  it('is Unavailable after an empty 200 of RC, and asks again later [MPP §9.1, §9.2]', () => {
    const bench = new Bench({ files: { [RC_KEY]: '' } }).boot(30)
    expect(bench.agent.flash.customization).toBe('Unavailable')
    bench.files[RC_KEY] = profile({ Profile_Rule: 'https://prov.test/x' })
    bench.files['https://prov.test:443/x'] = profile({ GPP_A: 'later' })
    bench.pass(120)
    expect(bench.agent.flash.customization).toBe('Acquired')
    expect(bench.parameter('GPP_A')).toBe('later')
  })

  it('reboots with reason RC when the redirected profile needs it, and does not resync then [MPP §5.7, §9.2]', () => {
    const files = {
      [RC_KEY]: profile({ Profile_Rule: 'https://prov.test/x' }),
      'https://prov.test:443/x': profile({ User_ID_1_: '1001', Proxy_1_: 'sip.test' }),
    }
    const bench = new Bench({ files }).boot(120)
    expect(bench.agent.flash.rebootHistory.map(({ reason }) => reason)).toEqual(['RC'])
    expect(bench.keys()).toEqual([RC_KEY, 'https://prov.test:443/x'])
  })

  it('stays Acquired whatever is fetched afterwards [MPP §9.1]', () => {
    const flash = provisioned({ Profile_Rule: 'https://prov.test/x' }, { customization: 'Acquired' })
    const bench = new Bench({ flash, files: { 'https://prov.test:443/x': profile({ GPP_A: '1' }) } }).boot(60)
    bench.web('/admin/resync?https://prov.test/x').pass(5)
    expect(bench.agent.flash.customization).toBe('Acquired')
  })

  it('is not blank once a rule was entered on the keypad: Aborted [MPP §7.5, §9.1]', () => {
    const bench = new Bench({
      hardware: { rcUrl: '' },
      files: { 'tftp://192.168.1.5:69/CP_x8xx_MPP.cfg': profile({ GPP_A: 'k' }) },
    }).boot(5)
    bench.send({ kind: 'keypad', entry: { kind: 'enter-profile-rule', rule: 'tftp://192.168.1.5/CP_x8xx_MPP.cfg' } })
    expect(bench.agent.flash.customization).toBe('Aborted')
    bench.send({ kind: 'keypad', entry: { kind: 'resync' } }).pass(2)
    expect(bench.parameter('GPP_A')).toBe('k')
  })

  it('is bound in one step by the resync command of the web server [guide: Retail Distribution]', () => {
    const files = {
      'https://prov.supervoip.test:443/cisco-init/1234abcd': profile({
        Profile_Rule: 'https://prov.supervoip.test/cisco-init',
        GPP_A: 'bound',
      }),
    }
    const bench = new Bench({ files })
      .boot(3)
      .web('/admin/resync?https://prov.supervoip.test/cisco-init/1234abcd')
      .pass(5)
    expect(bench.parameter('Profile_Rule')).toBe('https://prov.supervoip.test/cisco-init')
    expect(bench.agent.flash.customization).toBe('Aborted')
    expect(JSON.stringify(bench.says)).not.toContain('1234abcd')
  })

  it('shows the activation code screen for gds:// and fetches nothing [MPP §4.7, §9.1]', () => {
    const bench = new Bench({ flash: provisioned({ Profile_Rule: 'gds://' }) }).boot(60)
    expect(bench.agent.flash.customization).toBe('GDS-Pending')
    expect(bench.keys()).toEqual([])
  })
})

describe('DNS SRV discovery', () => {
  const srv = {
    '_ciscoprov-https._tls.example.com': [
      { priority: 20, weight: 0, host: 'second.example.com', port: 443 },
      { priority: 10, weight: 0, host: 'first.example.com', port: 8443 },
    ],
  }

  it('comes after DHCP and before RC, lower priority first, both file names [MPP §4.6, §9.3]', () => {
    const bench = new Bench({ lease: { domain: 'example.com' }, srv, files: { [RC_KEY]: '' } }).boot(40)
    expect(bench.keys()).toEqual([
      `https://first.example.com:8443${PSN}`,
      'https://first.example.com:8443/Cisco/00562b043615.cfg',
      `https://second.example.com:443${PSN}`,
      'https://second.example.com:443/Cisco/00562b043615.cfg',
      RC_KEY,
    ])
  })

  it('checks the certificate against the domain of DHCP [MPP §4.6]', () => {
    const files = { [`https://first.example.com:8443${PSN}`]: profile({ GPP_A: 'srv' }) }
    const bench = new Bench({ lease: { domain: 'example.com' }, srv, files }).boot(40)
    expect(bench.fetches[0]?.request.certificateName).toBe('example.com')
    expect(bench.agent.flash.customization).toBe('Aborted')
    expect(bench.parameter('GPP_A')).toBe('srv')
  })

  it('asks for http records when there are none for https [MPP §4.6]', () => {
    const http = { '_ciscoprov-http._tcp.example.com': [{ priority: 1, weight: 1, host: 'px1.example.com', port: 80 }] }
    const files = { [`http://px1.example.com:80${PSN}`]: profile({ GPP_A: 'http' }) }
    expect(new Bench({ lease: { domain: 'example.com' }, srv: http, files }).boot(40).parameter('GPP_A')).toBe('http')
  })

  it('orders equal priorities by the lower weight only where the policy says so [MPP §4.6, §16 row 12]', () => {
    const weights = {
      '_ciscoprov-https._tls.example.com': [
        { priority: 1, weight: 90, host: 'heavy.example.com', port: 443 },
        { priority: 1, weight: 10, host: 'light.example.com', port: 443 },
      ],
    }
    const first = (srvWeight: 'rfc2782' | 'lower-first') =>
      new Bench({ lease: { domain: 'example.com' }, srv: weights, policies: { srvWeight } }).boot(40).fetches[0]
        ?.request.host
    expect([first('rfc2782'), first('lower-first')]).toEqual(['heavy.example.com', 'light.example.com'])
  })
})

describe('DHCP options', () => {
  const fetchedWith = (
    options: readonly (readonly [number, string | Uint8Array])[],
    use?: string,
    dhcpFallback = false,
  ) => {
    const flash = provisioned(use === undefined ? {} : { DHCP_Option_To_Use: use })
    return new Bench({ flash, policies: { dhcpFallback }, lease: { options: new Map(options) } }).boot(40).keys()
  }

  it.each<[string, readonly (readonly [number, string | Uint8Array])[], string]>([
    ['a bare host is TFTP', [[66, 'boot.test']], `tftp://boot.test:69${PSN}`],
    ['a base URL takes the path of the rule', [[66, 'http://boot.test:8080']], `http://boot.test:8080${PSN}`],
    [
      'a whole URL is used as it is, macros expanded',
      [[160, 'https://boot.test/c/$MA.cfg']],
      'https://boot.test:443/c/00562b043615.cfg',
    ],
    ['a trailing NUL is dropped', [[159, 'HTTP://192.0.2.1\u0000']], `http://192.0.2.1:80${PSN}`],
    ['150 is an address', [[150, Uint8Array.of(192, 0, 2, 9)]], `tftp://192.0.2.9:69${PSN}`],
    ['text may come as bytes', [[66, new TextEncoder().encode('boot.test\0')]], `tftp://boot.test:69${PSN}`],
    [
      '66 comes before 160',
      [
        [160, 'https://later.test'],
        [66, 'first.test'],
      ],
      `tftp://first.test:69${PSN}`,
    ],
  ])('makes the URL from the lease: %s [MPP §10.1]', (_, options, key) => {
    expect(fetchedWith(options)).toEqual([key])
  })

  it('follows the order of DHCP_Option_To_Use [MPP §10.1]', () => {
    expect(
      fetchedWith(
        [
          [66, 'a.test'],
          [160, 'https://b.test'],
        ],
        '160,66',
      ),
    ).toEqual([`https://b.test:443${PSN}`])
  })

  it('tries the next option only by policy [MPP §10.1]', () => {
    const options = [
      [66, 'a.test'],
      [160, 'https://b.test'],
    ] as const
    expect(fetchedWith(options)).toHaveLength(1)
    expect(fetchedWith(options, undefined, true)).toEqual([`tftp://a.test:69${PSN}`, `https://b.test:443${PSN}`])
  })

  it('is ignored by a rule that names its server [MPP §10.1]', () => {
    const bench = new Bench({ flash: provisioned({ Profile_Rule: 'http://own.test/x' }), lease: TFTP }).boot(40)
    expect(bench.keys()).toEqual(['http://own.test:80/x'])
  })

  it('fails a relative rule when there is none [MPP §4.5]', () => {
    const bench = new Bench({ flash: provisioned({}) }).boot(40)
    expect(bench.keys()).toEqual([])
    expect(bench.agent.flash.provisioningHistory[0]?.text).toContain('Resync failed')
  })
})
