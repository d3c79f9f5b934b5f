import { describe, expect, it } from 'vitest'
import type { CwmpBody } from '../../../protocol/cwmp/mod.ts'
import { encodeAcsOption43 } from '../../../protocol/dhcp/mod.ts'
import { known, profile, START } from '../testdata/bench.ts'
import type { FetchOutcome } from '../types.ts'
import { setValues } from './testdata/acs.ts'
import { ACS_KEY, Desk } from './testdata/desk.ts'

const SERVER = 'Device.ManagementServer.'
const set = (element: string, value: string) => ({ kind: 'keypad', entry: { kind: 'set', element, value } }) as const
const reboot = (commandKey: string): CwmpBody => ({ kind: 'Reboot', commandKey })
const PERIODIC = { Periodic_Inform_Enable: 'Yes', Periodic_Inform_Interval: '100' }

describe('the first contact', () => {
  it('is told by 0 BOOTSTRAP once, and by 1 BOOT at every boot [TR-069 §5.1]', () => {
    const desk = new Desk().boot()
    desk.bench.cut().pass(30)
    expect(desk.events()).toEqual([['0 BOOTSTRAP', '1 BOOT'], ['1 BOOT']])
  })

  it('comes again with every other ACS URL, after the session that has set it [TR-069 §5.1, §7]', () => {
    const desk = new Desk()
    const moved = (request: { readonly body: Uint8Array | undefined }): FetchOutcome => serve(desk, request)
    desk.bench.files['http://moved.test:80/acs'] = moved
    desk.acs.ask(setValues({ [`${SERVER}URL`]: 'http://moved.test/acs' }), { kind: 'GetRPCMethods' })
    desk.boot()
    expect(desk.acs.heard.slice(0, 4)).toEqual([
      'Inform',
      'empty',
      'SetParameterValuesResponse',
      'GetRPCMethodsResponse',
    ])
    expect(desk.bench.keys().slice(-2)).toEqual(['http://moved.test:80/acs', 'http://moved.test:80/acs'])
    expect(desk.events()).toEqual([['0 BOOTSTRAP', '1 BOOT'], ['0 BOOTSTRAP']])
    expect(desk.flash.tr069.bootstrappedUrl).toBe('http://moved.test/acs')
  })

  it('lets go of what was owed to the ACS before [TR-069 §5.1]', () => {
    const desk = new Desk({ values: PERIODIC }).boot()
    const down = (): FetchOutcome => ({ kind: 'failed', reason: 'connect', detail: 'refused' })
    const up = known(desk.bench.files[ACS_KEY])
    desk.bench.files[ACS_KEY] = down
    desk.pass(150)
    expect(desk.flash.tr069.events).toEqual([{ code: '2 PERIODIC', commandKey: '' }])
    desk.bench.files['http://moved.test:80/acs'] = up
    desk.bench.send(set('Periodic_Inform_Enable', 'No')).send(set('ACS_URL', 'http://moved.test/acs')).pass(10)
    expect(desk.events().at(-1)).toEqual(['0 BOOTSTRAP'])
  })

  it('is owed until it is answered, over any number of boots [TR-069 §5.1]', () => {
    let up = false
    const down = { status: 503, headers: {}, body: '' }
    const desk = new Desk({ acs: { instead: () => (up ? undefined : down) } }).boot(40)
    desk.bench.cut().pass(40)
    up = true
    desk.bench.cut().pass(40)
    expect(desk.acs.informs.map(({ retryCount }) => retryCount)).toEqual([0])
    expect(desk.events()).toEqual([['0 BOOTSTRAP', '1 BOOT']])
  })

  it('does not come again when DHCP forgets and remembers the ACS', () => {
    const option = encodeAcsOption43({ url: 'http://acs.test/cwmp' })
    const lease = { options: new Map([[43, known(option.ok ? option.value : undefined)]]) }
    const desk = new Desk({ lease, values: { ACS_URL: '' } }).boot()
    desk.bench.send({ kind: 'network-down' }).pass(10)
    desk.bench.send({ kind: 'network-up', lease: desk.bench.lease, sipPort: 5060 }).pass(60)
    expect(desk.events()).toEqual([['0 BOOTSTRAP', '1 BOOT']])
  })
})

describe('the periodic Inform', () => {
  it('hangs on PeriodicInformTime [TR-069 §6]', () => {
    const desk = new Desk({ values: PERIODIC })
    // Ten past the full hundred of seconds.
    desk.acs.ask(setValues({ [`${SERVER}PeriodicInformTime`]: new Date(START - 290_000).toISOString() }))
    desk.boot(350)
    const periodic = desk.acs.informs.filter(({ events }) => events.some(({ code }) => code === '2 PERIODIC'))
    const seconds = periodic.map(({ currentTime }) => Math.round(((currentTime ?? 0) - START) / 1000))
    expect(seconds.filter((second) => second > 5)).toEqual([10, 110, 210, 310])
  })

  it('has a phase of chance where nobody has said a time [TR-069 §6]', () => {
    const firstPeriodic = (chance: number): number => {
      const desk = new Desk({ values: PERIODIC, chance: () => chance }).boot(150)
      const found = desk.acs.informs.find(({ events }) => events.some(({ code }) => code === '2 PERIODIC'))
      return Math.round(((found?.currentTime ?? 0) / 1000) % 100)
    }
    expect([0.1, 0.4, 0.9].map(firstPeriodic)).toEqual([10, 40, 90])
  })

  it('follows a new interval at once, and stops when it is turned off [TR-069 §10.1]', () => {
    const desk = new Desk({ values: { ...PERIODIC, Periodic_Inform_Interval: '40000' } }).boot()
    expect(desk.acs.informs).toHaveLength(1)
    desk.acs.ask(setValues({ [`${SERVER}PeriodicInformInterval`]: '20' }))
    desk.bench.send(set('Periodic_Inform_Interval', '60')).pass(61)
    expect(desk.acs.informs).toHaveLength(2)
    desk.pass(200)
    expect(desk.acs.informs.length).toBeGreaterThanOrEqual(11)
    const before = desk.acs.informs.length
    desk.bench.send(set('Periodic_Inform_Enable', 'No')).pass(1000)
    expect(desk.acs.informs).toHaveLength(before)
  })

  it('is owed over a reboot, once [TR-069 §5.1]', () => {
    let up = true
    const down = { status: 503, headers: {}, body: '' }
    const desk = new Desk({ values: PERIODIC, acs: { instead: () => (up ? undefined : down) } }).boot(10)
    up = false
    desk.pass(350)
    up = true
    desk.bench.cut().pass(5)
    expect(desk.events().at(-1)).toEqual(['1 BOOT', '2 PERIODIC'])
  })
})

describe('Reboot', () => {
  it('comes after the session, and is told with its key [TR-069 §7]', () => {
    const desk = new Desk()
    desk.acs.ask(reboot('job7'), { kind: 'GetRPCMethods' })
    desk.boot()
    expect(desk.acs.heard.slice(0, 4)).toEqual(['Inform', 'empty', 'RebootResponse', 'GetRPCMethodsResponse'])
    expect(desk.bench.reboots).toHaveLength(1)
    expect(desk.events()).toEqual([
      ['0 BOOTSTRAP', '1 BOOT'],
      ['1 BOOT', 'M Reboot(job7)'],
    ])
    expect(desk.flash.tr069.events).toEqual([])
  })

  it('waits for the end of a call, and is one for several keys, each of which is told [TR-069 §5.1]', () => {
    const desk = new Desk()
    desk.bench.boot(1)
    desk.bench.send({ kind: 'call-started', line: 1 })
    desk.acs.ask(reboot('a'), reboot('b'))
    desk.pass(60)
    expect(desk.bench.reboots).toEqual([])
    desk.bench.send({ kind: 'call-ended', line: 1 }).pass(60)
    expect(desk.bench.reboots).toHaveLength(1)
    expect(desk.events().at(-1)).toEqual(['1 BOOT', 'M Reboot(a)', 'M Reboot(b)'])
  })

  it('comes also when the session fails, or the power with it [TR-069 §7]', () => {
    for (const fate of ['request', 'answer'] as const) {
      const desk = new Desk({ lost: (count) => (count === 3 ? fate : undefined) })
      desk.acs.ask(reboot('job7'))
      desk.boot()
      expect([fate, desk.bench.reboots.length]).toEqual([fate, fate === 'answer' ? 1 : 2])
      expect(desk.events()[1]).toEqual(['1 BOOT', 'M Reboot(job7)'])
    }
    const cut = new Desk()
    cut.acs.ask(reboot('job7'))
    cut.bench.boot(0)
    while (cut.flash.tr069.rebootKeys.length === 0) cut.pass(0.005)
    cut.acs.asks.length = 0
    cut.bench.cut().pass(30)
    expect(cut.events().at(-1)).toEqual(['1 BOOT', 'M Reboot(job7)'])
    expect(cut.bench.reboots).toEqual([])
  })
})

describe('FactoryReset', () => {
  const reset: CwmpBody = { kind: 'FactoryReset' }

  it('comes after the session and leaves nothing that the ACS has set [TR-069 §7]', () => {
    const option = encodeAcsOption43({ url: 'http://acs.test/cwmp' })
    const lease = { options: new Map([[43, known(option.ok ? option.value : undefined)]]) }
    const desk = new Desk({ lease })
    desk.acs.ask(setValues({ 'Device.DeviceInfo.ProvisioningCode': 'X' }, 'v1'), reset)
    desk.boot()
    expect(desk.acs.answers.map(({ kind }) => kind)).toEqual(['SetParameterValuesResponse', 'FactoryResetResponse'])
    expect(desk.bench.names()).toContain('factory-reset')
    expect(desk.flash.parameters.has('ACS_URL')).toBe(false)
    expect([desk.flash.tr069.parameterKey, desk.flash.tr069.values]).toEqual(['', {}])
    // Somebody switches TR-069 on again: for the ACS it is a new phone.
    desk.bench.send(set('Enable_TR-069', 'Yes')).pass(30)
    expect(desk.events()[1]?.slice(0, 2)).toEqual(['0 BOOTSTRAP', '1 BOOT'])
  })

  it('is not forgotten when the power goes first [TR-069 §7]', () => {
    const desk = new Desk()
    desk.acs.ask(reset)
    desk.bench.boot(0)
    while (!desk.flash.tr069.resetOwed) desk.pass(0.005)
    expect(desk.flash.parameters.has('ACS_URL')).toBe(true)
    desk.bench.cut().pass(30)
    expect(desk.flash.parameters.has('ACS_URL')).toBe(false)
  })
})

describe('a value that changes', () => {
  const watch = (name: string, notification: number): CwmpBody => ({
    kind: 'SetParameterAttributes',
    parameters: [{ name, notificationChange: true, notification, accessListChange: false, accessList: [] }],
  })
  const NTP = 'Device.Time.NTPServer1'
  const RULE = 'Device.X_CISCO_ProfileRule'
  const told = (desk: Desk, name: string) => desk.acs.informs.at(-1)?.parameters.filter((one) => one.name === name)

  it('opens a session when its notification is active, whoever has changed it [TR-069 §5.1, §10 rule 5]', () => {
    const desk = new Desk()
    desk.acs.ask(watch(RULE, 2))
    desk.boot()
    desk.bench.send(set('Profile_Rule', '/by-keypad')).pass(5)
    expect(desk.events().at(-1)).toEqual(['4 VALUE CHANGE'])
    expect(told(desk, RULE)).toEqual([{ name: RULE, type: 'string', value: '/by-keypad' }])
    desk.bench.files['http://p.test:80/x'] = profile({ Profile_Rule: '/by-profile' })
    desk.bench.send(set('Provision_Enable', 'Yes'))
    desk.bench.send({ kind: 'keypad', entry: { kind: 'resync' } })
    desk.bench.web('/admin/resync?http://p.test/x', { host: '192.168.1.100' }).pass(30)
    expect(told(desk, RULE)).toEqual([{ name: RULE, type: 'string', value: '/by-profile' }])
    expect(desk.flash.tr069.changed).toEqual([])
  })

  it('waits for another reason when it is passive, and is silent without notification [TR-069 §7]', () => {
    const desk = new Desk()
    desk.acs.ask(watch(RULE, 1))
    desk.boot()
    desk.bench.send(set('Profile_Rule', '/a')).send(set('Profile_Rule_B', '/b')).pass(600)
    expect(desk.acs.informs).toHaveLength(1)
    expect(desk.flash.tr069.changed).toEqual([RULE])
    desk.bench.send(set('Periodic_Inform_Interval', '20')).send(set('Periodic_Inform_Enable', 'Yes')).pass(21)
    expect(desk.events().at(-1)).toEqual(['2 PERIODIC', '4 VALUE CHANGE'])
    expect(told(desk, RULE)).toHaveLength(1)
  })

  it('is no news when the ACS has changed it [TR-069 §7]', () => {
    const desk = new Desk()
    desk.acs.ask(watch(RULE, 2), setValues({ [RULE]: '/by-acs' }))
    desk.boot(600)
    expect(desk.bench.parameter('Profile_Rule')).toBe('/by-acs')
    expect(desk.events()).toEqual([['0 BOOTSTRAP', '1 BOOT']])
  })

  it('is told again with its last value until an Inform is answered, and not over a reboot [TR-069 §5.1]', () => {
    let up = true
    const down = { status: 503, headers: {}, body: '' }
    const desk = new Desk({ acs: { instead: () => (up ? undefined : down) } })
    desk.acs.ask(watch(RULE, 2))
    desk.boot()
    up = false
    desk.bench.send(set('Profile_Rule', '/1')).pass(5)
    desk.bench.send(set('Profile_Rule', '/2')).pass(5)
    up = true
    desk.pass(60)
    expect(told(desk, RULE)?.map(({ value }) => value)).toEqual(['/2'])
    up = false
    desk.bench.send(set('Profile_Rule', '/3')).pass(5)
    up = true
    desk.bench.cut().pass(30)
    expect(desk.events().at(-1)).toEqual(['1 BOOT'])
  })

  it('is still news when it changes once more while the Inform is on its way [TR-069 §5.1]', () => {
    const desk = new Desk()
    desk.acs.ask(watch(RULE, 2))
    desk.boot()
    desk.bench.send(set('Profile_Rule', '/1')).send(set('Profile_Rule', '/2')).pass(5)
    const values = desk.acs.informs.map(({ parameters }) => parameters.find(({ name }) => name === RULE)?.value)
    expect(values).toEqual([undefined, '/1', '/2'])
  })

  it('includes the address of the phone, and never a password [TR-069 §5, §7]', () => {
    const desk = new Desk()
    desk.acs.ask(watch(`${SERVER}Password`, 2), watch(NTP, 2))
    desk.boot()
    desk.bench.send(set('ACS_Password', 'new-acs-secret')).pass(30)
    expect(desk.acs.informs).toHaveLength(1)
    desk.bench.send({ kind: 'listening', port: 7548 }).pass(5)
    expect(desk.events().at(-1)).toEqual(['4 VALUE CHANGE'])
    expect(told(desk, `${SERVER}ConnectionRequestURL`)?.[0]?.value).toContain(':7548/')
    expect(JSON.stringify(desk.flash.tr069)).not.toContain('new-acs-secret')
  })
})

/** Lets the ACS of a desk answer at another address. */
function serve(desk: Desk, request: { readonly body: Uint8Array | undefined }): FetchOutcome {
  const reply = desk.acs.reply({ path: '/acs', headers: new Map(), body: request.body ?? new Uint8Array(0) })
  const headers = new Map(Object.entries(reply.headers))
  return {
    kind: 'response',
    status: reply.status,
    headers,
    body: new TextEncoder().encode(reply.body),
    peerAddress: '',
  }
}
