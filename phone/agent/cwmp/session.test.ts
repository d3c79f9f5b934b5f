import { describe, expect, it } from 'vitest'
import { encodeAcsOption125, encodeAcsOption43, encodeGatewayOption125 } from '../../../protocol/dhcp/mod.ts'
import { known, response, START } from '../testdata/bench.ts'
import { acsFault, envelope, getValues, readMessage, setValues } from './testdata/acs.ts'
import { DEFAULT_CWMP_POLICIES } from '../policies.ts'
import { ACS_KEY, Desk } from './testdata/desk.ts'

const ENVELOPE_TYPE = 'text/xml; charset="utf-8"'

describe('a session', () => {
  it('goes from the Inform over an empty message to 204 [TR-069 §1]', () => {
    const { acs } = new Desk().boot()
    expect(acs.heard).toEqual(['Inform', 'empty'])
    const [inform, empty] = acs.posts
    expect([inform?.headers.get('content-type'), inform?.headers.get('soapaction')]).toEqual([ENVELOPE_TYPE, '""'])
    expect([empty?.headers.get('content-type'), empty?.headers.get('soapaction')]).toEqual([undefined, undefined])
  })

  it('tells in the Inform who the phone is, and what every Inform must tell [TR-069 §5]', () => {
    const [inform] = new Desk().boot().acs.informs
    expect(inform?.deviceId).toEqual({
      manufacturer: 'Cisco',
      oui: '00562B',
      productClass: 'CP-8851-3PCC',
      serialNumber: 'FCH2305DMH0',
    })
    expect([inform?.maxEnvelopes, inform?.retryCount]).toEqual([1, 0])
    expect(inform?.currentTime).toBeGreaterThan(START)
    const values = Object.fromEntries((inform?.parameters ?? []).map(({ name, value }) => [name, value]))
    expect(values).toMatchObject({
      'Device.DeviceInfo.HardwareVersion': '2.0.1',
      'Device.DeviceInfo.SoftwareVersion': 'sip88xx.12-0-2MPP0001-609',
      'Device.DeviceInfo.ProvisioningCode': '',
      'Device.ManagementServer.ParameterKey': '',
      'Device.LAN.IPAddress': '192.168.1.100',
    })
    expect(values['Device.DeviceSummary']).toMatch(/^Device:1\.0/)
    expect(values['Device.ManagementServer.ConnectionRequestURL']).toMatch(
      /^http:\/\/192\.168\.1\.100:7547\/[0-9a-f]{32}$/,
    )
    expect(Object.keys(values)).toHaveLength(inform?.parameters.length ?? 0)
  })

  it.each([
    ['Enable_TR-069', 'No'],
    ['CWMP_V1.2_Support', 'No'],
    ['ACS_URL', ''],
    ['ACS_URL', 'ftp://acs.test/'],
  ])('does not begin with %s "%s" [TR-069 §10.1]', (element, value) => {
    expect(new Desk({ values: { [element]: value } }).boot(600).bench.fetches).toEqual([])
  })

  it('echoes the ID of a request and its namespace, and sends none where there was none [TR-069 §3.2, §3.3]', () => {
    const asked = [
      envelope(getValues('Device.DeviceSummary'), ' a-7 ', 'urn:dslforum-org:cwmp-1-0'),
      {
        ...envelope(getValues('Device.DeviceSummary')),
        body: envelope(getValues('Device.')).body.replace(/<soap-env:Header>.*<\/soap-env:Header>/, ''),
      },
    ]
    const { acs } = new Desk({
      acs: {
        instead: (_post, message, count) =>
          count > 1 && (message === undefined || count === 3)
            ? asked.shift()
            : count === 4
              ? { status: 204, headers: {}, body: '' }
              : undefined,
      },
    }).boot()
    const [, , first, second] = acs.posts.map(({ body }) => (body.length === 0 ? undefined : readMessage(body)))
    expect([first?.id?.trim(), first?.namespace]).toEqual(['a-7', 'urn:dslforum-org:cwmp-1-0'])
    expect([second?.id, second?.namespace]).toEqual([undefined, 'urn:dslforum-org:cwmp-1-2'])
  })

  it('speaks CWMP 1.0 by policy [TR-069 §3.3]', () => {
    const cwmp = { ...DEFAULT_CWMP_POLICIES, version: '1.0' } as const
    const { acs } = new Desk({ policies: { cwmp } }).boot()
    expect(readMessage(known(acs.posts[0]).body).namespace).toBe('urn:dslforum-org:cwmp-1-0')
  })

  it('gives the cookies of the ACS back until the end of the session, and forgets them then [TR-069 §2.3]', () => {
    const desk = new Desk({ values: { Periodic_Inform_Enable: 'Yes', Periodic_Inform_Interval: '60' } }).boot(90)
    expect(desk.acs.posts.map(({ headers }) => headers.get('cookie')).slice(0, 4)).toEqual([
      undefined,
      'session=7e57',
      undefined,
      'session=7e57',
    ])
  })

  it('answers a digest challenge once for the whole session, and never Basic in clear [TR-069 §2.4]', () => {
    const account = { username: 'admin', password: 'acs-secret' }
    const desk = new Desk({ acs: { account }, values: { ACS_Password: 'acs-secret' } }).boot()
    expect(desk.acs.posts.map(({ headers }) => headers.has('authorization'))).toEqual([false, true, true])
    expect(desk.acs.posts.at(-1)?.headers.get('authorization')).toContain('nc=00000002')
    expect(desk.acs.heard).toEqual(['Inform', 'empty'])
    expect(JSON.stringify(desk.bench.says)).not.toContain('acs-secret')
    const basic = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' }, body: '' }
    const clear = new Desk({ acs: { instead: () => basic }, values: { ACS_Password: 'acs-secret' } }).boot(4)
    expect(clear.acs.posts.every(({ headers }) => !headers.has('authorization'))).toBe(true)
    expect(clear.bench.agent.ram.cwmp.failureCount).toBe(1)
  })

  it('answers Basic over TLS, and gives up after a second refusal [TR-069 §2.4]', () => {
    const seen: (string | undefined)[] = []
    const desk = new Desk({
      values: { ACS_URL: 'https://acs.test/cwmp', ACS_Password: 'acs-secret' },
      files: {
        'https://acs.test:443/cwmp': (request) => {
          seen.push(request.headers.find(([name]) => name === 'Authorization')?.[1])
          return response(401, '', { 'www-authenticate': 'Basic realm="x"' })
        },
      },
    }).boot(4)
    expect(seen).toEqual([undefined, `Basic ${btoa('admin:acs-secret')}`])
    expect(desk.bench.agent.ram.cwmp.lastSession?.text).toBe('HTTP 401')
  })

  it('follows redirects for this session only, up to five [TR-069 §2.1]', () => {
    const away = { status: 307, headers: { location: 'http://other.test/x?y=1' }, body: '' }
    const desk = new Desk({
      acs: { instead: () => away },
      files: {
        'http://other.test:80/x?y=1': (request) =>
          request.body?.length === 0 ? response(204) : envelopeOf('InformResponse'),
      },
      values: { Periodic_Inform_Enable: 'Yes', Periodic_Inform_Interval: '60' },
    }).boot(90)
    const keys = desk.bench.keys()
    expect(keys.slice(0, 4)).toEqual([ACS_KEY, 'http://other.test:80/x?y=1', 'http://other.test:80/x?y=1', ACS_KEY])
    const circle = new Desk({ acs: { instead: () => ({ ...away, headers: { location: '/cwmp' } }) } }).boot(4)
    expect(circle.acs.posts).toHaveLength(6)
    expect(circle.bench.agent.ram.cwmp.failureCount).toBe(1)
  })

  it.each([
    ['HTTP 503', { status: 503, headers: { 'retry-after': '1' }, body: '' }],
    ['HTTP 400', { status: 400, headers: {}, body: '' }],
    ['HTTP 403', { status: 403, headers: {}, body: '' }],
    ['a page', { status: 200, headers: {}, body: '<html>hello</html>' }],
    ['a fault', envelope(acsFault(8001))],
    ['a request too early', envelope(getValues('Device.'))],
    ['nothing', { status: 200, headers: {}, body: '' }],
    ['a fault with HTTP 500', { ...envelope(acsFault(8002)), status: 500 }],
    ['a document type', { status: 200, headers: {}, body: '<!DOCTYPE x><x/>' }],
  ])('fails by %s in answer to the Inform, and tries again [TR-069 §1.1, §6]', (_what, reply) => {
    const desk = new Desk({ acs: { instead: (_post, _message, count) => (count === 1 ? reply : undefined) } }).boot()
    expect(desk.bench.says.filter(({ data }) => data['state'] === 'failed')).toHaveLength(1)
    expect(desk.acs.informs.map(({ retryCount }) => retryCount)).toEqual([1])
    expect(desk.events()).toEqual([['0 BOOTSTRAP', '1 BOOT']])
  })

  it('sends the Inform again in the same session for fault 8005, but not for ever [TR-069 §1.1, §4.2]', () => {
    const retry = envelope(acsFault(8005))
    const twice = new Desk({ acs: { instead: (_post, _message, count) => (count <= 2 ? retry : undefined) } }).boot()
    expect(twice.bench.says.filter(({ data }) => data['state'] === 'failed')).toHaveLength(0)
    expect(twice.acs.informs).toHaveLength(1)
    const always = new Desk({ acs: { instead: () => retry } }).boot(4)
    expect(always.acs.posts).toHaveLength(4)
    expect(always.bench.agent.ram.cwmp.failureCount).toBe(1)
  })

  it('takes 200 without a body for the end as well as 204 [TR-069 §2.1]', () => {
    const end = { status: 200, headers: {}, body: '' }
    const desk = new Desk({ acs: { instead: (post) => (post.body.length === 0 ? end : undefined) } }).boot()
    expect(desk.bench.agent.ram.cwmp.lastSession?.ok).toBe(true)
  })

  it('says nothing of a host that Restricted_Access_Domains forbids, and does not ask it [MPP §7.2]', () => {
    const desk = new Desk({ values: { Restricted_Access_Domains: 'example.com' } }).boot(4)
    expect(desk.bench.fetches).toEqual([])
    expect(desk.bench.agent.ram.cwmp.lastSession?.text).toContain('Restricted_Access_Domains')
  })

  it('ends a session in which the ACS asks without end', () => {
    const ask = envelope(getValues('Device.DeviceSummary'))
    const desk = new Desk({ acs: { instead: (_post, _message, count) => (count > 1 ? ask : undefined) } }).boot(25)
    expect(desk.bench.says.find(({ data }) => data['state'] === 'failed')?.text).toContain('too many messages')
  })

  it('logs each transaction with TR-069_Traceability, without any value [TR-069 §10.1]', () => {
    const values = { 'TR-069_Traceability': 'Yes', Syslog_Server: 'log.test' }
    const desk = new Desk({ values })
    desk.acs.ask(setValues({ 'Device.ManagementServer.Password': 'a-new-secret' }))
    desk.boot()
    const log = desk.bench.syslog.join('\n')
    for (const text of ['> Inform', '< InformResponse', '> empty', '< SetParameterValues', '< empty'])
      expect(log).toContain(text)
    expect(log + JSON.stringify(desk.bench.says)).not.toContain('a-new-secret')
    expect(new Desk({ values: { Syslog_Server: 'log.test' } }).boot().bench.syslog).toEqual([])
  })
})

describe('TR-069_VoiceObject_Init', () => {
  it.each(['Yes', 'No'])('%s leaves the lines that a profile has set, over every start [TR-069 §10.1]', (value) => {
    const lines = { User_ID_1_: '1001', Proxy_1_: 'sip.test', Dial_Plan_1_: '(1xx)' }
    const { bench } = new Desk({ values: { 'TR-069_VoiceObject_Init': value, ...lines } }).boot(60)
    bench.web('/admin/reboot').pass(60)
    expect(bench.reboots).toHaveLength(1)
    expect(Object.fromEntries(Object.keys(lines).map((name) => [name, bench.parameter(name)]))).toEqual(lines)
  })
})

describe('the ACS is found', () => {
  const encoded = (result: { readonly ok: boolean; readonly value?: Uint8Array }): Uint8Array => known(result.value)
  const found = { url: 'http://acs.test/cwmp', provisioningCode: 'TLCO.GRP2' }
  const lease43 = { options: new Map([[43, encoded(encodeAcsOption43(found))]]) }
  const lease125 = { options: new Map([[125, encoded(encodeAcsOption125(found))]]) }

  it.each([
    ['43', lease43],
    ['125', lease125],
  ])('by DHCP option %s, with its provisioning code [MPP §10.3]', (_option, lease) => {
    const desk = new Desk({ lease, values: { ACS_URL: '' } }).boot()
    expect(desk.acs.informs[0]?.parameters).toContainEqual({
      name: 'Device.DeviceInfo.ProvisioningCode',
      type: 'string',
      value: 'TLCO.GRP2',
    })
  })

  it('not by DHCP without TR-069_DHCPOption_Init, and never instead of a set one [TR-069 §9.2]', () => {
    const off = { ACS_URL: '', 'TR-069_DHCPOption_Init': 'No' }
    expect(new Desk({ lease: lease43, values: off }).boot().bench.fetches).toEqual([])
    const set = new Desk({ lease: lease43, values: { ACS_URL: 'http://set.test/' } }).boot(4)
    expect(set.bench.keys()).toEqual(['http://set.test:80/'])
  })

  it('with the identity of the gateway in front [TR-069 §9.3]', () => {
    const gateway = { oui: '00D09E', serialNumber: 'GW0001', productClass: 'HG100' }
    const lease = { options: new Map([[125, encoded(encodeGatewayOption125(gateway))]]) }
    const desk = new Desk({ lease })
    desk.acs.ask(getValues('Device.GatewayInfo.'))
    const [answer] = desk.boot().acs.answers
    expect(answer).toMatchObject({ kind: 'GetParameterValuesResponse' })
    expect(JSON.stringify(answer)).toContain('GW0001')
  })
})

describe('the backup ACS', () => {
  const values = { BACKUP_ACS_URL: 'http://backup.test/', BACKUP_ACS_User: 'b', BACKUP_ACS_Password: 'backup-secret' }
  const files = {
    'http://backup.test:80/': (request: { readonly body: Uint8Array | undefined }) =>
      request.body?.length === 0 ? response(204) : envelopeOf('InformResponse'),
  }
  const down = { instead: () => ({ status: 503, headers: {}, body: '' }) }

  it('is tried after three failed sessions, until the next boot [TR-069 §10.1]', () => {
    const desk = new Desk({ acs: down, files, values: { ...values, 'TR-069_Fallback_Support': 'Yes' } }).boot(90)
    expect(desk.bench.keys().slice(0, 5)).toEqual([
      ACS_KEY,
      ACS_KEY,
      ACS_KEY,
      'http://backup.test:80/',
      'http://backup.test:80/',
    ])
    const before = desk.bench.fetches.length
    desk.bench.cut().pass(5)
    expect(desk.bench.keys()[before]).toBe(ACS_KEY)
  })

  it('is left for the main one when its URL is taken away', () => {
    const desk = new Desk({ acs: down, files, values: { ...values, 'TR-069_Fallback_Support': 'Yes' } }).boot(90)
    const before = desk.bench.fetches.length
    desk.bench.send({ kind: 'keypad', entry: { kind: 'set', element: 'BACKUP_ACS_URL', value: '' } })
    desk.bench
      .send({ kind: 'keypad', entry: { kind: 'set', element: 'Periodic_Inform_Enable', value: 'Yes' } })
      .pass(30)
    expect(desk.bench.keys()[before]).toBe(ACS_KEY)
  })

  it('waits for TR-069_Fallback_Support, or not, by policy [TR-069 §10.1]', () => {
    expect(new Desk({ acs: down, files, values }).boot(600).bench.keys()).not.toContain('http://backup.test:80/')
    const cwmp = { ...DEFAULT_CWMP_POLICIES, backupAcs: 'whenever-set' } as const
    const free = new Desk({ acs: down, files, values, policies: { cwmp } }).boot(600)
    expect(free.bench.keys()).toContain('http://backup.test:80/')
  })
})

describe('the wait after a failed session', () => {
  it('lies in the ranges of the standard, doubles, and ends with a success [TR-069 §6]', () => {
    let up = false
    const down = { status: 503, headers: {}, body: '' }
    const desk = new Desk({ acs: { instead: () => (up ? undefined : down) } }).boot(400)
    // Chance of one half: the middle of 5-10, 10-20, 20-40, 40-80, 80-160.
    const at = desk.informSeconds()
    expect(at.slice(1).map((second, index) => second - (at[index] ?? 0))).toEqual([8, 15, 30, 60, 120])
    up = true
    desk.pass(400)
    expect(desk.acs.informs.map(({ retryCount }) => retryCount)).toEqual([6])
    expect(desk.bench.agent.ram.cwmp.failureCount).toBe(0)
  })

  it('is that of DHCP where it says so [TR-069 §6, §9.2]', () => {
    const option = encodeAcsOption43({ url: 'http://acs.test/cwmp', retryMinimumWait: '100', retryMultiplier: '1000' })
    const lease = { options: new Map([[43, known(option.ok ? option.value : undefined)]]) }
    const acs = { instead: () => ({ status: 503, headers: {}, body: '' }) }
    const at = new Desk({ acs, lease, values: { ACS_URL: '' } }).boot(350).informSeconds()
    expect(at.slice(1).map((second, index) => second - (at[index] ?? 0))).toEqual([100, 100, 100])
  })

  it('is cut short by something new, which still counts as a retry [TR-069 §6]', () => {
    let up = false
    const down = { status: 503, headers: {}, body: '' }
    const desk = new Desk({
      acs: { instead: () => (up ? undefined : down) },
    }).boot(200)
    up = true
    desk.bench.send({ kind: 'keypad', entry: { kind: 'set', element: 'Periodic_Inform_Enable', value: 'Yes' } })
    desk.pass(21)
    expect(desk.acs.informs[0]?.retryCount).toBe(5)
    expect(desk.events()[0]).toEqual(['0 BOOTSTRAP', '1 BOOT', '2 PERIODIC'])
  })
})

function envelopeOf(kind: 'InformResponse'): ReturnType<typeof response> {
  const reply = envelope({ kind, maxEnvelopes: 1 })
  return response(reply.status, reply.body, reply.headers)
}
