import { describe, expect, it } from 'vitest'
import { utf8Bytes } from '../../protocol/bytes.ts'
import { runCommands } from './commands.ts'
import { grant, phone as linePhone, PROXY, reply, sent, START } from './sip/testdata/phone.ts'
import { Bench, profile, provisioned, RC_KEY, response } from './testdata/bench.ts'
import { type Agent, type Command, nextWake, react, webServer } from './mod.ts'
import { stepLines } from './sip/mod.ts'

const A_KEY = 'http://p.test:80/a'
const LINE = { User_ID_1_: '1001', Proxy_1_: '192.0.2.5', Password_1_: 'sip-password', 'Auth_Resync-Reboot_1_': 'No' }

function phone(values: Record<string, string> = {}): Bench {
  const flash = provisioned({ Profile_Rule: 'http://p.test/a', Resync_On_Reset: 'No', ...values })
  return new Bench({ flash, files: { [A_KEY]: profile({}), 'http://r.test:80/r': response(200) } }).boot(5)
}

function registeredPhone(): Agent {
  const begun = stepLines(linePhone(), { kind: 'start' }, START, () => 0.5)
  const bytes = grant(sent(begun.actions)[0])
  return stepLines(begun.agent, { kind: 'received', peer: PROXY, bytes }, START, () => 0.5).agent
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

  it.each<[string, Record<string, string>, 'profile-rules' | 'any-parameter', string]>([
    ['of Display_Name_1_ leaves it Open', { element: 'Display_Name_1_' }, 'profile-rules', 'Open'],
    ['of Display_Name_1_ ends it by policy', { element: 'Display_Name_1_' }, 'any-parameter', 'Aborted'],
    ['of Profile_Rule ends it', { element: 'Profile_Rule' }, 'profile-rules', 'Aborted'],
  ])('an edit %s [MPP §9.1]', (_, { element = '' }, editsAbort, state) => {
    const bench = new Bench({ hardware: { rcUrl: '' }, policies: { editsAbort } }).boot(2)
    expect(command(bench, { kind: 'locally-changed', elements: [element] }).agent.flash.customization).toBe(state)
  })

  it('end the search of a blank phone at once: what RC answers afterwards changes nothing [MPP §9.1]', () => {
    const answer = (rule: string) => response(200, profile({ Profile_Rule: rule }))
    const bench = new Bench({ files: { [RC_KEY]: answer('https://rc-target.test/x') } }).boot(2)
    while (!bench.keys().includes(RC_KEY)) bench.pass(0.001)
    expect(bench.agent.ram.discovery?.step).toBe('rc')
    bench.send({ kind: 'keypad', entry: { kind: 'enter-profile-rule', rule: 'http://p.test/a' } })
    expect([bench.agent.flash.customization, bench.agent.ram.discovery]).toEqual(['Aborted', undefined])
    bench.files = { [A_KEY]: profile({ GPP_A: 'mine' }) }
    bench.pass(100)
    expect([bench.parameter('Profile_Rule'), bench.parameter('GPP_A')]).toEqual(['http://p.test/a', 'mine'])
    expect(bench.keys().filter((key) => key === RC_KEY).length).toBe(1)
  })

  it('leave the registrars before they restart, and say it again until they are heard [RFC 3261 §17.1.2]', () => {
    const granted = registeredPhone()
    const down = runCommands(granted, [{ kind: 'reboot', reason: 'User Triggered', resyncAfter: false }], {
      now: START,
      rng: () => 0.5,
    })
    const first = sent(down.actions).at(-1)
    expect([down.agent.ram.mode, nextWake(down.agent)]).toEqual(['rebooting', START + 500])
    const again = react(down.agent, { kind: 'tick' }, START + 500, () => 0.5)
    expect(sent(again.actions)).toEqual([first])
    const heard = react(
      again.agent,
      { kind: 'sip-received', peer: PROXY, bytes: reply(first, 200) },
      START + 600,
      () => 0.5,
    )
    expect([heard.actions, heard.agent.ram.mode, nextWake(heard.agent)]).toEqual([[], 'rebooting', undefined])
  })

  it('keep an asked-for rule although an automatic resync falls due meanwhile', () => {
    const bench = phone({ Resync_On_Reset: 'Yes' }).send({ kind: 'call-started', line: 1 })
    bench.web('/admin/resync?http://q.test/once').pass(100).send({ kind: 'call-ended', line: 1 }).pass(40)
    expect(bench.keys()[0]).toBe('http://q.test:80/once')
  })
})

describe('the web server', () => {
  it('is switched off by a profile that a resync URL names, and comes back by a later profile or a factory reset [MPP §7.2] [guide: Resynchronization Process]', () => {
    const off = { 'http://q.test:80/off': profile({ Enable_Web_Server: 'No' }) }
    const bench = phone({ Resync_Periodic: '600' })
    expect(webServer(bench.agent).enabled).toBe(true)
    bench.files = { ...off, [A_KEY]: profile({}) }
    bench.web('/admin/resync?http://q.test/off').pass(60)
    expect([webServer(bench.agent).enabled, bench.parameter('Enable_Web_Server')]).toEqual([false, 'No'])
    bench.web('/admin/resync?http://p.test/a').pass(5)
    expect([bench.responses.at(-1)?.status, bench.keys()]).toEqual([403, ['http://q.test:80/off']])
    const switchedOff = bench.agent
    bench.files = { [A_KEY]: profile({ Enable_Web_Server: 'Yes' }) }
    expect(webServer(bench.send({ kind: 'keypad', entry: { kind: 'resync' } }).pass(60).agent).enabled).toBe(true)
    bench.agent = switchedOff
    bench.send({ kind: 'keypad', entry: { kind: 'factory-reset' } }).pass(10)
    expect(webServer(bench.agent).enabled).toBe(true)
  })
})

describe('a phone without admin pages', () => {
  it('shows its admin pages again after a later profile [MPP §7.2]', () => {
    const bench = phone({ Enable_Web_Admin_Access: 'No', Resync_Periodic: '600' })
    bench.files = { [A_KEY]: profile({ Enable_Web_Admin_Access: 'Yes' }) }
    bench.web('/admin').send({ kind: 'keypad', entry: { kind: 'resync' } })
    bench.pass(60).web('/admin')
    expect(bench.responses.map(({ status }) => status)).toEqual([404, 200])
  })
})

describe('the keypad', () => {
  it('resyncs with the rule that was typed, with $PRVST -1 [MPP §5.3, §7.5]', () => {
    const bench = phone().send({
      kind: 'keypad',
      entry: { kind: 'enter-profile-rule', rule: 'tftp://192.168.1.5/$PRVST' },
    })
    bench.send({ kind: 'keypad', entry: { kind: 'resync' } }).pass(1)
    expect(bench.keys()).toEqual(['tftp://192.168.1.5:69/-1'])
  })

  it.each<[string, Record<string, string>, string, string]>([
    [
      'User_Configurable_Resync=No hides the profile rule',
      { User_Configurable_Resync: 'No' },
      'Profile_Rule',
      'http://p.test/a',
    ],
    ['Phone-UI-readonly stops edits', { 'Phone-UI-readonly': 'Yes' }, 'Profile_Rule', 'http://p.test/a'],
  ])('refuses by parameter: %s [MPP §1.3, §5.1]', (_, values, element, value) => {
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
