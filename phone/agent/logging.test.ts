import { describe, expect, it } from 'vitest'
import { MACROS } from '../../protocol/rule/mod.ts'
import { lcdLines, macroLookup, status, statusReport, webServer } from './mod.ts'
import { noteProvisioning, noteUpgrade } from './history.ts'
import { localTime, nextLocal, printDateTime } from './local-time.ts'
import { Bench, HARDWARE, profile, provisioned, response, START } from './testdata/bench.ts'

const LOG = { Syslog_Server: 'log.test:5514', Time_Zone: 'GMT+00:00', Daylight_Saving_Time_Enable: 'No' }

describe('syslog', () => {
  const logged = (values: Record<string, string>, answer = response(200, profile({ GPP_A: '1' }))) =>
    new Bench({
      flash: provisioned({ Profile_Rule: 'http://p.test/a', ...LOG, ...values }),
      files: { 'http://p.test:80/a': answer },
    }).boot(30).syslog

  it('tells request and success of each file, in BSD frames [MPP §12.1]', () => {
    expect(logged({})).toEqual([
      '<133>Mar 10 12:00:21 CP-8851-3PCC 00:56:2b:04:36:15 -- Requesting resync http://p.test:80/a',
      '<133>Mar 10 12:00:21 CP-8851-3PCC 00:56:2b:04:36:15 -- Successful resync http://192.0.2.7:80/a',
    ])
  })

  it('tells a failure with $ERR [MPP §12.1]', () => {
    expect(logged({}, response(503))[1]).toBe(
      '<131>Mar 10 12:00:21 CP-8851-3PCC 00:56:2b:04:36:15 -- Resync failed: Download failed',
    )
  })

  it('puts the chosen identifier after the time [MPP §12.1]', () => {
    expect(logged({ Syslog_Identifier: '$MAU' })[0]).toContain('12:00:21 00562B043615 CP-8851')
  })

  it('is silent for empty templates, without a server, and above Debug_Level [MPP §12.1]', () => {
    // Two quotes stand for the empty string in a profile; here the store holds it.
    expect(logged({ Log_Request_Msg: '', Log_Success_Msg: '' })).toEqual([])
    expect(logged({ Syslog_Server: '' })).toEqual([])
    expect(logged({ Debug_Level: 'ERROR' })).toEqual([])
  })

  it('never gives a stored secret away', () => {
    const values = { Log_Request_Msg: 'a $SA b $A', GPP_A: 'in-both-places', GPP_SA: 'in-both-places' }
    expect(logged(values)[0]).toMatch(/a \$SA b \*\*\*\*$/)
  })
})

describe('macros', () => {
  const values = { GPP_A: 'a', GPP_SB: 'sb', User_ID_1_: '1001', Display_Name_2_: 'Ann', Auth_ID_10_: 'x10' }
  const bench = new Bench({ flash: provisioned(values) }).boot(5)
  const value = (name: string) => macroLookup(bench.agent, bench.now)(name)

  it('have a value for every name that counts everywhere or in option arguments [MPP §3.3]', () => {
    const names = MACROS.filter(
      ({ scope, name }) => name !== '$' && (scope === 'everywhere' || scope === 'option-arguments'),
    )
    expect(
      names.filter(({ name }) => typeof value(name.replace(/n$/, '1')) !== 'string').map(({ name }) => name),
    ).toEqual([])
  })

  it.each([
    ['MA', '00562b043615'],
    ['MAU', '00562B043615'],
    ['MAC', '00:56:2b:04:36:15'],
    ['PN', 'CP-8851-3PCC'],
    ['PSN', '8851-3PCC'],
    ['SN', 'FCH2305DMH0'],
    ['CCERT', 'Installed'],
    ['IP', '192.168.1.100'],
    ['SWVER', 'sip88xx.12-0-2MPP0001-609'],
    ['HWVER', '2.0.1'],
    ['A', 'a'],
    ['SB', 'sb'],
    ['UID1', '1001'],
    ['ORIGTYPE', 'orig_mpp'],
    ['AUTHSTATUS', 'none'],
    ['EXTIP', ''],
    ['DISPLAYNAME2', 'Ann'],
    ['AUTHID10', 'x10'],
    ['ISCUST', '0'],
    ['PRVTMR', '5'],
    ['UPGTMR', '5'],
    ['REGTMR1', '5'],
  ])('gives $%s the value %s [MPP §3.3]', (name, expected) => {
    expect(value(name)).toBe(expected)
  })

  it('tell that the phone is customised only when it is Acquired [MPP §3.3]', () => {
    const states = ['Open', 'Aborted', 'Pending', 'Custom-Pending', 'Unavailable', 'Acquired'] as const
    const customised = states.filter((customization) => {
      const { agent } = new Bench({ flash: provisioned({}, { customization }) })
      return macroLookup(agent, START)('ISCUST') === '1'
    })
    expect(customised).toEqual(['Acquired'])
  })

  it('leave the names of other places alone [MPP §3.3]', () => {
    expect(['VERSION', 'USER', 'PROXY', 'NOSUCH'].map(value)).toEqual([undefined, undefined, undefined, undefined])
  })
})

describe('local time', () => {
  const zone = (values: Record<string, string>) => new Bench({ flash: provisioned(values) }).agent

  it.each<[string, Record<string, string>, string, string]>([
    ['the default zone in winter', {}, '2026-01-10T12:00:00Z', '01/10/2026 04:00:00'],
    ['the default zone in summer', {}, '2026-07-10T12:00:00Z', '07/10/2026 05:00:00'],
    ['a second before summer time', {}, '2026-03-29T09:59:59Z', '03/29/2026 01:59:59'],
    ['the first second of summer time', {}, '2026-03-29T10:00:00Z', '03/29/2026 03:00:00'],
    ['the last second of summer time', {}, '2026-10-25T08:59:59Z', '10/25/2026 01:59:59'],
    ['summer time is over', {}, '2026-10-25T09:00:00Z', '10/25/2026 01:00:00'],
    [
      'an extra offset',
      { Time_Zone: 'GMT+05:30', Time_Offset__HH_mm_: '-00/30', Daylight_Saving_Time_Enable: 'No' },
      '2026-01-10T12:00:00Z',
      '01/10/2026 17:00:00',
    ],
    [
      'a southern summer',
      { Time_Zone: 'GMT+10:00', Daylight_Saving_Time_Rule: 'start=10/1/7/2;end=4/1/7/3;save=1' },
      '2026-01-10T12:00:00Z',
      '01/10/2026 23:00:00',
    ],
    ['a broken rule', { Daylight_Saving_Time_Rule: 'start=x' }, '2026-07-10T12:00:00Z', '07/10/2026 04:00:00'],
  ])('shows local time: %s [MPP §13.6, §14]', (_, values, utc, local) => {
    expect(printDateTime(localTime(zone(values), Date.parse(utc)))).toBe(local)
  })

  it('finds the next local hour over a change of the clock', () => {
    const at = nextLocal(zone({}), 6, 0, Date.parse('2026-03-28T20:00:00Z'))
    expect(new Date(at).toISOString()).toBe('2026-03-29T13:00:00.000Z')
  })
})

describe('status and display', () => {
  const bench = new Bench({
    flash: provisioned({
      Profile_Rule: '[--key topsecretkey] http://p.test/cisco-init/CODE1',
      User_ID_1_: '1001',
      Proxy_1_: 'sip.test',
      Time_Zone: 'GMT+00:00',
    }),
  }).boot(30)

  it('tell load, state, histories and lines, masked [MPP §7.4]', () => {
    const state = status(bench.agent, bench.now)
    expect(state).toMatchObject({
      load: HARDWARE.factoryLoad,
      customization: 'Aborted',
      mode: 'running',
      nextResyncAt: START + 81_010,
    })
    expect(state.provisioning[0]?.text).toContain('Resync failed')
    expect(state.profileRule).toBe('[--key ****] http://p.test/cisco-init/****')
    expect(state.lines[0]).toMatchObject({ line: 1, userId: '1001', state: 'failed' })
    expect(statusReport(bench.agent, bench.now)).toContain('<User_ID_1_>1001</User_ID_1_>')
  })

  it('keep the last three results, newest first [MPP §7.4]', () => {
    const noted = [1, 2, 3, 4, 5].reduce((agent, count) => {
      const provisioned = noteProvisioning(agent, `resync ${count}`, START + count)
      return noteUpgrade(provisioned, `upgrade ${count}`, START + count)
    }, bench.agent)
    const state = status(noted, START)
    expect(state.provisioning.map(({ text }) => text)).toEqual(['resync 5', 'resync 4', 'resync 3'])
    expect(state.upgrade.map(({ text }) => text)).toEqual(['upgrade 5', 'upgrade 4', 'upgrade 3'])
  })

  it('show line and provisioning status, in UTC [MPP §7.4]', () => {
    const lines = lcdLines(bench.agent, bench.now)
    expect(lines[0]).toBe('CP-8851-3PCC  12:00')
    expect(lines).toContain('Line 1: 1001 Not registered')
    expect(lines.at(-1)).toMatch(/^Provisioning: 03\/10\/2026 12:00:21 Resync failed/)
    expect(JSON.stringify(lines)).not.toContain('CODE1')
  })

  it('say what the phone is busy with', () => {
    const starting = new Bench({}).send({ kind: 'power-on' })
    expect(lcdLines(starting.agent, starting.now)).toContain('Starting up')
    expect(lcdLines(new Bench({}).agent, 0)).toEqual([])
  })

  it.each([
    [{}, { enabled: true, port: 80, tls: false }],
    [{ Enable_Protocol: 'Https' }, { enabled: true, port: 443, tls: true }],
    [
      { Enable_Web_Server: 'No', Web_Server_Port: '8080' },
      { enabled: false, port: 8080, tls: false },
    ],
  ])('place the web server by %o [MPP §7.2]', (values, expected) => {
    expect(webServer(new Bench({ flash: provisioned(values) }).boot(5).agent)).toEqual(expected)
  })
})
