import { describe, expect, it } from 'vitest'
import { utf8Bytes } from '../../protocol/bytes.ts'
import { runCommands } from './commands.ts'
import { Bench, profile, provisioned, response } from './testdata/bench.ts'
import type { Command } from './mod.ts'

const A_KEY = 'http://p.test:80/a'
const LINE = { User_ID_1_: '1001', Proxy_1_: '192.0.2.5', Password_1_: 'sip-password', 'Auth_Resync-Reboot_1_': 'No' }

function phone(values: Record<string, string> = {}): Bench {
  const flash = provisioned({ Profile_Rule: 'http://p.test/a', Resync_On_Reset: 'No', ...values })
  return new Bench({ flash, files: { [A_KEY]: profile({}), 'http://r.test:80/r': response(200) } }).boot(5)
}

function notify(bench: Bench, event: string): Bench {
  const lines = [
    'NOTIFY sip:1001@192.168.1.100 SIP/2.0',
    `Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bK${event.length}`,
    'From: <sip:server@192.0.2.5>;tag=1',
    'To: <sip:1001@192.168.1.100>',
    'Call-ID: test@192.0.2.5',
    'CSeq: 1 NOTIFY',
    `Event: ${event}`,
    'Content-Length: 0',
  ]
  const bytes = utf8Bytes(`${lines.join('\r\n')}\r\n\r\n`)
  return bench.send({ kind: 'sip-received', peer: { host: '192.0.2.5', port: 5060, transport: 'udp' }, bytes })
}

function command(bench: Bench, one: Command): Bench {
  const turn = runCommands(bench.agent, [one], { now: bench.now, rng: () => 0.5 })
  bench.agent = turn.agent
  // The actions of a command by itself are carried out by the next event, except a reboot, which the bench must see.
  for (const action of turn.actions) if (action.kind === 'reboot') bench.boot(0)
  return bench.send({ kind: 'tick' })
}

describe('NOTIFY', () => {
  it('resync runs the rules with $PRVST -1 [MPP §5.3, §8]', () => {
    const bench = notify(phone({ ...LINE, Resync_Trigger_1: '1 eq 2' }), 'resync').pass(1)
    expect([bench.keys(), bench.agent.ram.provisioningCause]).toEqual([[A_KEY], -1])
  })

  it('resync with a profile fetches that one alone [MPP §8]', () => {
    expect(notify(phone(LINE), 'resync;profile="http://q.test/x"').pass(1).keys()).toEqual(['http://q.test:80/x'])
  })

  it('resync is refused with Resync_From_SIP=No [MPP §8]', () => {
    expect(
      notify(phone({ ...LINE, Resync_From_SIP: 'No' }), 'resync')
        .pass(1)
        .keys(),
    ).toEqual([])
  })

  it('report sends one report [MPP §8, §12.2]', () => {
    const bench = phone({ ...LINE, Report_Rule: 'http://r.test/r', Report_To_Server: 'Periodically' })
    expect(notify(bench, 'report').pass(5).keys()).toEqual(['http://r.test:80/r'])
  })

  it('reboot waits for idle lines, reason SIP Triggered [MPP §5.7, §8]', () => {
    const bench = notify(phone(LINE).send({ kind: 'call-started', line: 2 }), 'reboot_now').pass(10)
    expect(bench.reboots).toEqual([])
    bench.send({ kind: 'call-ended', line: 2 })
    expect([bench.reboots.length, bench.agent.flash.rebootHistory[0]?.reason]).toEqual([1, 'SIP Triggered'])
  })

  it('factory-reset waits for idle lines [MPP §8]', () => {
    const bench = notify(phone(LINE).send({ kind: 'call-started', line: 2 }), 'factory-reset').pass(10)
    expect(bench.parameter('User_ID_1_')).toBe('1001')
    expect(bench.send({ kind: 'call-ended', line: 2 }).agent.flash.customization).toBe('Open')
  })
})

describe('commands of the web server', () => {
  it('resync after "Submit All Changes", as at power-up [MPP §5.3, §16 row 6]', () => {
    const bench = phone({ Resync_On_Reset: 'Yes' }).pass(60)
    command(bench, { kind: 'reboot', reason: 'User Triggered', resyncAfter: true }).pass(40)
    expect(bench.keys()).toEqual([A_KEY, A_KEY])
  })

  it('apply a posted profile and reboot where it needs that, without a resync [MPP §5.7, §7.3]', () => {
    const bench = phone({ Resync_On_Reset: 'Yes', Resync_Random_Delay: '100' })
    bench.send({
      kind: 'web-request',
      id: 1,
      request: {
        method: 'POST',
        target: '/admin/config.xml',
        headers: new Map([['content-type', 'text/xml']]),
        body: utf8Bytes(profile({ Host_Name: 'desk', GPP_A: 'posted' })),
        peerAddress: '192.168.1.50',
        tls: false,
      },
    })
    expect([bench.parameter('GPP_A'), bench.reboots.length]).toEqual(['posted', 1])
    expect(bench.pass(1000).keys()).toEqual([])
  })

  it('make a blank phone Aborted when they set a profile rule [MPP §9.1]', () => {
    const bench = new Bench({ hardware: { rcUrl: '' } }).boot(5)
    expect(command(bench, { kind: 'locally-changed', elements: ['Profile_Rule_B'] }).agent.flash.customization).toBe(
      'Aborted',
    )
  })

  it('keep an asked-for rule although an automatic resync falls due meanwhile', () => {
    const bench = phone({ Resync_On_Reset: 'Yes' }).send({ kind: 'call-started', line: 1 })
    bench.web('/admin/resync?http://q.test/once').pass(100).send({ kind: 'call-ended', line: 1 }).pass(40)
    expect(bench.keys()[0]).toBe('http://q.test:80/once')
  })
})

describe('the keypad', () => {
  it.each<[string, Record<string, string>, string, string]>([
    [
      'User_Configurable_Resync=No hides the profile rule',
      { User_Configurable_Resync: 'No' },
      'Profile_Rule',
      'http://p.test/a',
    ],
    ['Phone-UI-readonly stops edits', { 'Phone-UI-readonly': 'Yes' }, 'Profile_Rule', 'http://p.test/a'],
  ])('%s [MPP §1.3, §5.1]', (_, values, element, value) => {
    const bench = phone(values).send({
      kind: 'keypad',
      entry: { kind: 'enter-profile-rule', rule: 'http://other.test/x' },
    })
    expect(bench.parameter(element)).toBe(value)
    expect(bench.names()).toContain('keypad-refused')
  })

  it('obeys ua only with Phone-UI-User-Mode [MPP §1.3]', () => {
    const set = (values: Record<string, string>) =>
      phone(values)
        .send({ kind: 'keypad', entry: { kind: 'set', element: 'GPP_A', value: 'by hand' } })
        .parameter('GPP_A')
    expect([set({}), set({ 'Phone-UI-User-Mode': 'Yes' })]).toEqual(['by hand', undefined])
  })
})
