import { describe, expect, it } from 'vitest'
import { CPE_METHODS, type CwmpBody, type CwmpBodyOf, mayFault } from '../../../protocol/cwmp/mod.ts'
import { createAgent } from '../mod.ts'
import { HARDWARE, known } from '../testdata/bench.ts'
import { DEFAULT_CWMP_POLICIES } from '../policies.ts'
import { download, getValues, setValues } from './testdata/acs.ts'
import { Desk, type DeskOptions } from './testdata/desk.ts'

const SERVER = 'Device.ManagementServer.'
const LINE_2 = 'Device.Services.VoiceService.1.VoiceProfile.2.Line.1.'

/** Asks a phone in one session. */
function asked(bodies: readonly CwmpBody[], options: DeskOptions = {}): Desk {
  const desk = new Desk(options)
  desk.acs.ask(...bodies)
  return desk.boot(10)
}

function answerTo(body: CwmpBody, options: DeskOptions = {}): CwmpBody {
  return known(asked([body], options).acs.answers[0])
}

function valuesOf(body: CwmpBody | undefined): Readonly<Record<string, string>> {
  const { parameters } = body as CwmpBodyOf<'GetParameterValuesResponse'>
  return Object.fromEntries(parameters.map(({ name, value }) => [name, value]))
}

const names = (path: string, nextLevel: boolean): CwmpBody => ({ kind: 'GetParameterNames', path, nextLevel })
const attribute = (name: string, notification: number, more: object = {}) => ({
  name,
  notificationChange: true,
  notification,
  accessListChange: false,
  accessList: [],
  ...more,
})
const setAttributes = (...parameters: readonly ReturnType<typeof attribute>[]): CwmpBody => ({
  kind: 'SetParameterAttributes',
  parameters,
})
const getAttributes = (...paths: readonly string[]): CwmpBody => ({ kind: 'GetParameterAttributes', names: paths })
const add = (objectName: string, parameterKey = 'k'): CwmpBody => ({ kind: 'AddObject', objectName, parameterKey })
const remove = (objectName: string, parameterKey = 'k'): CwmpBody => ({
  kind: 'DeleteObject',
  objectName,
  parameterKey,
})
const LONG = 'x'.repeat(33)

describe('the phone refuses', () => {
  it.each<readonly [string, CwmpBody, number]>([
    ['a method that it does not have', { kind: 'Unknown', name: 'ScheduleInform' }, 9000],
    ['Upload', { kind: 'Unknown', name: 'Upload' }, 9000],
    ['no names', getValues(), 9003],
    ['an unknown name', getValues('Device.DeviceSummary', 'Device.Nope'), 9005],
    ['a path without its dot', getValues('Device.DeviceInfo'), 9005],
    ['a long parameter key', setValues({}, LONG), 9003],
    ['the next level of a parameter', names('Device.DeviceSummary', true), 9003],
    ['names below nothing', names('Device.Nope.', false), 9005],
    ['attributes of nothing', getAttributes('Device.Nope.'), 9005],
    ['attributes without names', getAttributes(), 9003],
    ['to set attributes of nothing', setAttributes(attribute('Device.Nope', 1)), 9005],
    ['lightweight notification', setAttributes(attribute('Device.DeviceSummary', 3)), 9003],
    ['to tell each second of its age', setAttributes(attribute('Device.DeviceInfo.UpTime', 2)), 9009],
    ['to hide its version', setAttributes(attribute('Device.DeviceInfo.SoftwareVersion', 0)), 9009],
    ['a table that is none', add('Device.Nope.'), 9005],
    ['a row in no table', add('Device.DeviceInfo.'), 9005],
    ['more profiles than it has', add('Device.Services.VoiceService.1.VoiceProfile.'), 9004],
    ['to lose a line', remove(LINE_2), 9001],
    ['to lose what is not there', remove('Device.Services.VoiceService.1.VoiceProfile.99.'), 9005],
    ['a reboot with a long key', { kind: 'Reboot', commandKey: LONG }, 9003],
    ['a file type that it does not know', download({ fileType: '2 Web Content' }), 9003],
    ['a scheme that it does not know', download({ url: 'ftp://files.test/x' }), 9013],
    ['a URL that is none', download({ url: 'http://' }), 9003],
    ['a URL with credentials', download({ url: 'http://me:secret@files.test/x' }), 9003],
    ['a download with a long key', download({ commandKey: LONG }), 9003],
    ['a long URL', download({ url: `http://files.test/${'x'.repeat(256)}` }), 9003],
  ])('%s [TR-069 §4.3, §7]', (_what, body, code) => {
    expect(answerTo(body)).toMatchObject({ kind: 'Fault', code, parameterFaults: [] })
    if (body.kind !== 'Unknown') expect(mayFault(body.kind, code)).toBe(true)
  })

  it('firmware while Upgrade_Enable is No, and the ninth transfer [TR-069 §7, Download]', () => {
    const firmware = download({ fileType: '1 Firmware Upgrade Image', url: 'http://files.test/x.loads' })
    expect(answerTo(firmware, { values: { Upgrade_Enable: 'No' } })).toMatchObject({ code: 9001 })
    const { acs } = asked(Array.from({ length: 9 }, () => download({ delaySeconds: 600 })))
    expect(acs.answers.map(({ kind }) => kind)).toEqual([...Array(8).fill('DownloadResponse'), 'Fault'])
    expect(acs.answers[8]).toMatchObject({ code: 9004 })
  })
})

describe('GetRPCMethods', () => {
  it('names the eleven methods of the phone [TR-069 §7]', () => {
    expect(answerTo({ kind: 'GetRPCMethods' })).toEqual({ kind: 'GetRPCMethodsResponse', methods: CPE_METHODS })
  })
})

describe('GetParameterValues', () => {
  it('reads settings, what the phone knows of itself, and whole subtrees [TR-069 §7]', () => {
    const values = { User_ID_2_: '1002', Primary_NTP_Server: 'ntp.test', Line_Enable_1_: 'No' }
    const read = valuesOf(
      answerTo(
        getValues(`${LINE_2}SIP.AuthUserName`, 'Device.Time.', 'Device.LAN.IPAddress', 'Device.DeviceInfo.UpTime'),
        {
          values,
        },
      ),
    )
    expect(read).toMatchObject({
      [`${LINE_2}SIP.AuthUserName`]: '1002',
      'Device.Time.NTPServer1': 'ntp.test',
      'Device.LAN.IPAddress': '192.168.1.100',
      'Device.DeviceInfo.UpTime': '1',
    })
    expect(read['Device.Time.CurrentLocalTime']).toMatch(/^2026-03-10T12:00/)
    const status = valuesOf(
      answerTo(getValues('Device.Services.VoiceService.1.VoiceProfile.1.Line.1.Status'), { values }),
    )
    expect(Object.values(status)).toEqual(['Disabled'])
  })

  it('reads everything by the empty name, each path once, in the types of the tree [TR-069 §7]', () => {
    const all = answerTo(getValues('', 'Device.', 'Device.DeviceSummary')) as CwmpBodyOf<'GetParameterValuesResponse'>
    expect(all.parameters.length).toBeGreaterThan(1000)
    expect(new Set(all.parameters.map(({ name }) => name)).size).toBe(all.parameters.length)
    const broken = all.parameters.filter(({ type, value }) => {
      if (type === 'boolean') return value !== 'true' && value !== 'false'
      if (type === 'dateTime') return !/^\d{4}-\d\d-\d\dT/.test(value)
      return type === 'unsignedInt' ? !/^\d+$/.test(value) : type === undefined
    })
    expect(broken).toEqual([])
  })

  it('shows no password [TR-069 §7]', () => {
    const secrets = {
      ACS_Password: 'acs-secret',
      Password_1_: 'sip-secret',
      Connection_Request_Password: 'knock-secret',
    }
    const { acs } = asked([getValues('Device.')], { values: secrets })
    const text = JSON.stringify(acs.answers)
    for (const secret of Object.values(secrets)) expect(text).not.toContain(secret)
    expect(valuesOf(acs.answers[0])[`${SERVER}Password`]).toBe('')
  })

  it('shows the line layout that the policy wants [TR-069 §10 rule 4]', () => {
    const cwmp = { ...DEFAULT_CWMP_POLICIES, voiceProfiles: 'lines-in-one-profile' } as const
    const path = 'Device.Services.VoiceService.1.VoiceProfile.1.Line.2.SIP.AuthUserName'
    const { acs } = asked([getValues(path)], { policies: { cwmp }, values: { User_ID_2_: '1002' } })
    expect(valuesOf(acs.answers[0])).toEqual({ [path]: '1002' })
  })
})

describe('SetParameterValues', () => {
  it('changes settings like a profile, and the parameter key with them [TR-069 §7, §10 rule 5]', () => {
    const { acs, bench } = asked([
      setValues({ [`${SERVER}PeriodicInformInterval`]: '3600', 'Device.X_CISCO_ProfileRule': '/desk-7' }, 'v2'),
      getValues(`${SERVER}ParameterKey`, `${SERVER}PeriodicInformInterval`),
    ])
    expect(acs.answers[0]).toEqual({ kind: 'SetParameterValuesResponse', status: 0 })
    expect(valuesOf(acs.answers[1])).toEqual({
      [`${SERVER}ParameterKey`]: 'v2',
      [`${SERVER}PeriodicInformInterval`]: '3600',
    })
    expect([bench.parameter('Profile_Rule'), bench.parameter('Periodic_Inform_Interval')]).toEqual(['/desk-7', '3600'])
  })

  it('sets all or nothing, with a fault for each wrong parameter [TR-069 §4.3, §7]', () => {
    const wrong = {
      'Device.X_CISCO_HostName': 'never',
      'Device.Nope': '1',
      'Device.DeviceInfo.': 'x',
      'Device.DeviceInfo.SerialNumber': 'x',
      [`${SERVER}PeriodicInformInterval`]: 'often',
      [`${SERVER}PeriodicInformEnable`]: 'perhaps',
      [`${SERVER}CWMPRetryMinimumWaitInterval`]: '0',
      'Device.DeviceInfo.ProvisioningCode': 'x'.repeat(65),
      'Device.LAN.MACAddress': '00:00:00:00:00:00',
    }
    const { acs, bench, flash } = asked([setValues(wrong, 'never')])
    const fault = acs.answers[0] as CwmpBodyOf<'Fault'>
    expect(fault.code).toBe(9003)
    expect(Object.fromEntries(fault.parameterFaults.map(({ name, code }) => [name, code]))).toEqual({
      'Device.Nope': 9005,
      'Device.DeviceInfo.': 9005,
      'Device.DeviceInfo.SerialNumber': 9008,
      [`${SERVER}PeriodicInformInterval`]: 9006,
      [`${SERVER}PeriodicInformEnable`]: 9006,
      [`${SERVER}CWMPRetryMinimumWaitInterval`]: 9007,
      'Device.DeviceInfo.ProvisioningCode': 9007,
      'Device.LAN.MACAddress': 9008,
    })
    expect(bench.parameter('Host_Name')).toBeUndefined()
    expect(flash.tr069.parameterKey).toBe('')
  })

  it('refuses a name given twice, and a type that is not that of the parameter [TR-069 §7]', () => {
    const one = { name: 'Device.X_CISCO_HostName', type: undefined, value: 'a' }
    const body = (...parameters: CwmpBodyOf<'SetParameterValues'>['parameters']): CwmpBody => ({
      kind: 'SetParameterValues',
      parameters,
      parameterKey: '',
    })
    expect(answerTo(body(one, one))).toMatchObject({ kind: 'Fault', code: 9003, parameterFaults: [] })
    expect(answerTo(body({ ...one, type: 'int' }))).toMatchObject({ parameterFaults: [{ code: 9006 }] })
    expect(answerTo(body({ ...one, type: 'string' }))).toMatchObject({ kind: 'SetParameterValuesResponse' })
    const cwmp = { ...DEFAULT_CWMP_POLICIES, declaredType: 'ignored' } as const
    const lenient = answerTo(body({ ...one, type: 'int' }), { policies: { cwmp } })
    expect(lenient).toMatchObject({ kind: 'SetParameterValuesResponse' })
  })

  it('puts two parameters that share a setting together [TR-069 §10.2]', () => {
    const sip = 'Device.Services.VoiceService.1.VoiceProfile.1.SIP.'
    const { bench } = asked([setValues({ [`${sip}ProxyServer`]: 'proxy.test', [`${sip}ProxyServerPort`]: '5080' })])
    expect(bench.parameter('Proxy_1_')).toBe('proxy.test:5080')
  })

  it('says status 1 where a reboot is needed, and reboots after the session [TR-069 §7]', () => {
    const desk = asked([
      setValues({ [`${LINE_2}SIP.AuthUserName`]: '1002' }, 'v3'),
      getValues('Device.DeviceSummary'),
    ]).pass(30)
    expect(desk.acs.answers[0]).toEqual({ kind: 'SetParameterValuesResponse', status: 1 })
    expect(desk.acs.answers).toHaveLength(2)
    expect(desk.bench.reboots).toHaveLength(1)
    expect(desk.bench.parameter('User_ID_2_')).toBe('1002')
    expect(desk.events()).toEqual([['0 BOOTSTRAP', '1 BOOT'], ['1 BOOT']])
    expect(desk.flash.tr069.parameterKey).toBe('v3')
  })

  it('keeps what only TR-069 knows over a reboot, and forgets it at a factory reset [TR-069 §7]', () => {
    const code = 'Device.DeviceInfo.ProvisioningCode'
    const desk = asked([setValues({ [code]: 'TLCO.GRP2' })])
    desk.bench.cut()
    desk.acs.ask(getValues(code))
    desk.pass(20)
    expect(valuesOf(desk.acs.answers[1])).toEqual({ [code]: 'TLCO.GRP2' })
    desk.acs.ask({ kind: 'FactoryReset' })
    desk.bench.send({ kind: 'power-on' })
    desk.bench.cut().pass(30)
    expect(desk.flash.tr069).toEqual(createAgent(HARDWARE).flash.tr069)
  })

  it('takes a new password and never gives it back', () => {
    const { acs, bench } = asked([setValues({ [`${SERVER}Password`]: 'new-secret' }), getValues(`${SERVER}Password`)])
    expect(bench.parameter('ACS_Password')).toBe('new-secret')
    expect(valuesOf(acs.answers[1])).toEqual({ [`${SERVER}Password`]: '' })
  })
})

describe('GetParameterNames', () => {
  it('gives the path and all below it, or only the direct children [TR-069 §7]', () => {
    const { acs } = asked([
      names('Device.ManagementServer.', false),
      names('Device.', true),
      names('', true),
      names('', false),
      names('Device.DeviceSummary', false),
    ])
    const [below, children, root, all, one] = acs.answers.map(
      (body) => (body as CwmpBodyOf<'GetParameterNamesResponse'>).parameters,
    )
    expect(below?.[0]).toEqual({ name: SERVER, writable: false })
    expect(below).toContainEqual({ name: `${SERVER}URL`, writable: true })
    expect(below).toContainEqual({ name: `${SERVER}ParameterKey`, writable: false })
    expect(children?.map(({ name }) => name)).toContain('Device.LAN.')
    expect(children?.every(({ name }) => /^Device\.[^.]+\.?$/.test(name))).toBe(true)
    expect(root?.map(({ name }) => name)).toEqual(['Device.'])
    expect(all?.length).toBeGreaterThan(1000)
    expect(one).toEqual([{ name: 'Device.DeviceSummary', writable: false }])
  })
})

describe('attributes', () => {
  it('start with the subscriber and without notification, but for what is always active [TR-069 §5, §7]', () => {
    const { acs } = asked([getAttributes('Device.DeviceInfo.', `${SERVER}ConnectionRequestURL`)])
    const { parameters } = acs.answers[0] as CwmpBodyOf<'GetParameterAttributesResponse'>
    const active = parameters.filter(({ notification }) => notification === 2).map(({ name }) => name)
    expect(active).toEqual([
      'Device.DeviceInfo.SoftwareVersion',
      'Device.DeviceInfo.ProvisioningCode',
      `${SERVER}ConnectionRequestURL`,
    ])
    expect(parameters.every(({ accessList }) => accessList.join() === 'Subscriber')).toBe(true)
  })

  it('are set for whole subtrees, the later entry winning, or not at all [TR-069 §7]', () => {
    const desk = asked([
      setAttributes(attribute(SERVER, 1), attribute(`${SERVER}URL`, 0, { accessListChange: true, accessList: [] })),
      setAttributes(attribute(`${SERVER}Username`, 2), attribute('Device.Nope', 1)),
      getAttributes(SERVER),
    ])
    expect(desk.acs.answers.map(({ kind }) => kind)).toEqual([
      'SetParameterAttributesResponse',
      'Fault',
      'GetParameterAttributesResponse',
    ])
    const { parameters } = desk.acs.answers[2] as CwmpBodyOf<'GetParameterAttributesResponse'>
    expect(parameters.find(({ name }) => name.endsWith('.URL'))).toMatchObject({ notification: 0, accessList: [] })
    expect(parameters.find(({ name }) => name.endsWith('.Username'))).toMatchObject({ notification: 1 })
    // They survive a reboot.
    const before = desk.flash.tr069.attributes
    desk.bench.cut().pass(20)
    expect(desk.flash.tr069.attributes).toEqual(before)
  })

  it('keep a parameter for the ACS alone where the access list says so [TR-069 §7]', () => {
    const rule = 'Device.X_CISCO_ProfileRule'
    const own = attribute(rule, 0, { notificationChange: false, accessListChange: true, accessList: [] })
    const { bench } = asked([setAttributes(own), setValues({ [rule]: '/by-acs' })])
    const set = (element: string) => ({ kind: 'keypad', entry: { kind: 'set', element, value: '/by-keypad' } }) as const
    bench.send(set('Profile_Rule')).send(set('Profile_Rule_B'))
    expect([bench.parameter('Profile_Rule'), bench.parameter('Profile_Rule_B')]).toEqual(['/by-acs', '/by-keypad'])
  })

  it('leave what is always active alone when the subtree around it is turned off [TR-069 §5]', () => {
    const { acs } = asked([
      setAttributes(attribute('Device.DeviceInfo.', 0)),
      getAttributes('Device.DeviceInfo.SoftwareVersion'),
    ])
    expect(acs.answers[1]).toMatchObject({ parameters: [{ notification: 2 }] })
  })
})

describe('a request that cannot be read', () => {
  it('gets fault 9003, and the session goes on [TR-069 §4.3]', () => {
    const bad = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="urn:dslforum-org:cwmp-1-2"><e:Body><c:Download><DelaySeconds>soon</DelaySeconds></c:Download></e:Body></e:Envelope>`
    const desk = new Desk({
      acs: {
        instead: (_post, _message, count) =>
          count === 2
            ? { status: 200, headers: {}, body: bad }
            : count === 3
              ? { status: 204, headers: {}, body: '' }
              : undefined,
      },
    }).boot(10)
    expect(new TextDecoder().decode(desk.acs.posts[2]?.body)).toContain('<FaultCode>9003</FaultCode>')
    expect(desk.bench.agent.ram.cwmp.lastSession?.ok).toBe(true)
  })
})
