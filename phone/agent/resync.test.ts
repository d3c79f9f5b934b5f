import { describe, expect, it } from 'vitest'
import { macroLookup } from './mod.ts'
import { Bench, profile, provisioned, response } from './testdata/bench.ts'

const A = 'http://p.test/a'
const A_KEY = 'http://p.test:80/a'

describe('the run of rules', () => {
  it('runs Profile_Rule, B, C and D in order, each read at its turn [MPP §0 fact 1, §5.5]', () => {
    const files = {
      [A_KEY]: profile({ Profile_Rule_B: 'http://p.test/b', Profile_Rule_D: 'http://p.test/d' }),
      'http://p.test:80/b': profile({ Profile_Rule_D: 'http://p.test/$A', GPP_A: 'late' }),
      'http://p.test:80/late': profile({ GPP_B: 'end' }),
    }
    const bench = new Bench({ flash: provisioned({ Profile_Rule: A }), files }).boot(60)
    expect(bench.keys()).toEqual([A_KEY, 'http://p.test:80/b', 'http://p.test:80/late'])
    expect(bench.parameter('GPP_B')).toBe('end')
  })

  it('stops at the first failure and starts again from Profile_Rule after the error delay [MPP §5.5, §5.6]', () => {
    const values = {
      Profile_Rule: A,
      Profile_Rule_B: 'http://p.test/b',
      Profile_Rule_C: 'http://p.test/c',
      Resync_Error_Retry_Delay: '70',
    }
    const bench = new Bench({ flash: provisioned(values), files: { [A_KEY]: profile({}) } }).boot(100)
    expect(bench.keys()).toEqual([A_KEY, 'http://p.test:80/b', A_KEY, 'http://p.test:80/b'])
    expect(bench.seconds(A_KEY)).toEqual([21, 91])
  })

  it('lets the last file win, and skips a bad value without a failure [MPP §1.6]', () => {
    const files = {
      [A_KEY]: profile({ GPP_A: 'first', GPP_B: 'only here', Web_Server_Port: '99999' }),
      'http://p.test:80/b': profile({ GPP_A: 'second' }),
    }
    const flash = provisioned({ Profile_Rule: A, Profile_Rule_B: 'http://p.test/b' })
    const bench = new Bench({ flash, files }).boot(60)
    expect(['GPP_A', 'GPP_B', 'Web_Server_Port'].map((name) => bench.parameter(name))).toEqual([
      'second',
      'only here',
      undefined,
    ])
    expect(bench.names()).toContain('resync-finished')
  })

  it('evaluates the later rules also when Profile_Rule is empty [MPP §5.1, §5.5]', () => {
    const values = { Profile_Rule: '', Profile_Rule_C: A, Profile_Rule_D: 'http://p.test/d' }
    const bench = new Bench({ flash: provisioned(values), files: { [A_KEY]: profile({}) } }).boot(60)
    expect(bench.keys()).toEqual([A_KEY, 'http://p.test:80/d'])
  })

  it('counts $PRVTMR from the last attempt, a failed one too [MPP §5.5]', () => {
    const values = { Profile_Rule: 'http://p.test/$PRVTMR', Resync_Error_Retry_Delay: '70' }
    const bench = new Bench({ flash: provisioned(values) }).boot(100)
    expect(bench.keys()).toEqual(['http://p.test:80/0', 'http://p.test:80/0'])
    expect(macroLookup(bench.agent, bench.now)('PRVTMR')).toBe('8')
  })

  it('skips a rule without a true alternative, which is no failure [MPP §4.1]', () => {
    const values = { Profile_Rule: '("$A" eq "no")? http://p.test/x', Profile_Rule_B: A }
    const bench = new Bench({ flash: provisioned(values), files: { [A_KEY]: profile({ GPP_B: '1' }) } }).boot(60)
    expect(bench.keys()).toEqual([A_KEY])
    expect(bench.names()).not.toContain('resync-failed')
  })

  it('runs assignments before the download, also if that fails [MPP §4.1]', () => {
    const rule = '("$A" ne "Done")? (a = "Done";)! http://p.test/$A | http://p.test/again'
    const bench = new Bench({ flash: provisioned({ Profile_Rule: rule, Resync_Error_Retry_Delay: '30' }) }).boot(60)
    expect(bench.parameter('GPP_A')).toBe('Done')
    // Macros of the whole parameter are put in before the assignment runs.
    expect(bench.keys()).toEqual(['http://p.test:80/', 'http://p.test:80/again'])
  })

  it('uses a rule of the action URL once and alone; Profile_Rule stays [MPP §5.5, §7.3]', () => {
    const values = { Profile_Rule: A, Profile_Rule_B: 'http://p.test/b', Resync_On_Reset: 'No' }
    const bench = new Bench({
      flash: provisioned(values),
      files: { 'http://q.test:80/once?x=1&y=2': profile({ GPP_A: 'q' }) },
    }).boot(30)
    bench.web('/admin/resync?http://q.test/once?x=1&y=2').pass(10)
    expect(bench.keys()).toEqual(['http://q.test:80/once?x=1&y=2'])
    expect(bench.parameter('Profile_Rule')).toBe(A)
  })

  it('takes the caller as server of a rule without one [MPP §4.5]', () => {
    const bench = new Bench({ flash: provisioned({ Resync_On_Reset: 'No' }) })
      .boot(30)
      .web('/admin/resync?/cfg.xml')
      .pass(10)
    expect(bench.keys()).toEqual(['tftp://192.168.1.50:69/cfg.xml'])
  })

  it('resyncs with the configured rules when the command names none [MPP §7.3]', () => {
    const bench = new Bench({ flash: provisioned({ Profile_Rule: A, Resync_On_Reset: 'No' }) })
      .boot(30)
      .web('/admin/resync')
      .pass(5)
    expect(bench.keys()).toEqual([A_KEY])
  })

  it.each<[string, Record<string, string>, boolean]>([
    ['404 fails', {}, true],
    ['404 counts as success with Resync_Fails_On_FNF=No', { Resync_Fails_On_FNF: 'No' }, false],
  ])('judges a missing file: %s [MPP §5.6]', (_, extra, fails) => {
    const flash = provisioned({ Profile_Rule: A, ...extra })
    const bench = new Bench({ flash, files: { [A_KEY]: response(404) } }).boot(60)
    expect(bench.names().includes('resync-failed')).toBe(fails)
    expect(bench.agent.ram.timers.retry !== undefined).toBe(fails)
    expect(bench.agent.ram.timers.periodic !== undefined).toBe(!fails)
  })

  it('forgives only file-not-found, TFTP error 1 included [MPP §5.6]', () => {
    const flash = provisioned({ Profile_Rule: 'tftp://p.test/a', Resync_Fails_On_FNF: 'No' })
    const outcome = (code: number) => ({ kind: 'tftp-error', code, message: 'x', peerAddress: '192.0.2.7' }) as const
    const failed = (code: number) =>
      new Bench({ flash, files: { 'tftp://p.test:69/a': outcome(code) } }).boot(60).names().includes('resync-failed')
    expect([failed(1), failed(2)]).toEqual([false, true])
  })

  it.each([400, 403, 500, 503, 303, 307, 308, 304])('takes status %i as other failure [MPP §5.6]', (status) => {
    const flash = provisioned({ Profile_Rule: A, Resync_Fails_On_FNF: 'No' })
    const files = { [A_KEY]: response(status, '', { location: 'http://p.test/b', 'retry-after': '1' }) }
    const bench = new Bench({ flash, files }).boot(60)
    expect(bench.keys()).toEqual([A_KEY])
    expect(bench.agent.ram.lastError).toBe('Download failed')
  })

  it('rejects a corrupt profile whole and keeps the old values [MPP §1.6, §5.6]', () => {
    const files = { [A_KEY]: '<flat-profile><GPP_A>new</GPP_A><GPP_B>' }
    const bench = new Bench({ flash: provisioned({ Profile_Rule: A, GPP_A: 'old' }), files }).boot(60)
    expect(bench.parameter('GPP_A')).toBe('old')
    expect(bench.agent.ram.lastError).toBe('Corrupt file')
    expect(bench.agent.ram.timers.retry).toBeDefined()
  })

  it('does not forgive a corrupt file, whatever Resync_Fails_On_FNF says [MPP §5.6]', () => {
    const flash = provisioned({ Profile_Rule: A, Resync_Fails_On_FNF: 'No' })
    const bench = new Bench({ flash, files: { [A_KEY]: '<not-a-profile/>' } }).boot(60)
    expect([bench.agent.ram.lastError, bench.agent.ram.timers.retry !== undefined]).toEqual(['Corrupt file', true])
  })

  it.each(['dns', 'connect', 'tls', 'timeout', 'too-large', 'broken'] as const)(
    'waits for the error delay when the server cannot be reached: %s [MPP §5.6]',
    (reason) => {
      const flash = provisioned({ Profile_Rule: A, Resync_Fails_On_FNF: 'No', Resync_Error_Retry_Delay: '500' })
      const bench = new Bench({ flash, files: { [A_KEY]: { kind: 'failed', reason, detail: 'x' } } }).boot(60)
      expect([bench.agent.ram.lastError, bench.seconds(A_KEY)]).toEqual(['Download failed', [21]])
      expect(bench.pass(500).seconds(A_KEY)).toEqual([21, 521])
    },
  )

  it('reads aliases of --alias from its GPP register [MPP §1.7]', () => {
    const values = { Profile_Rule: `[--alias b] ${A}`, GPP_B: '/CPE/name = /flat-profile/GPP_C ;' }
    const files = { [A_KEY]: '<CPE><name>aliased</name></CPE>' }
    expect(new Bench({ flash: provisioned(values), files }).boot(60).parameter('GPP_C')).toBe('aliased')
  })
})

describe('what starts a resync', () => {
  it.each<[string, Record<string, string>]>([
    ['Provision_Enable=No', { Provision_Enable: 'No' }],
    ['Resync_On_Reset=No', { Resync_On_Reset: 'No' }],
    ['a false Resync_Trigger_1', { Resync_Trigger_1: '"$A" eq "go"' }],
  ])('does not resync at power-up with %s [MPP §5.1, §5.3]', (_, values) => {
    expect(
      new Bench({ flash: provisioned({ Profile_Rule: A, Resync_Periodic: '0', ...values }) }).boot(300).keys(),
    ).toEqual([])
  })

  it('refuses the command URL with Provision_Enable=No [MPP §5.1, §7.3]', () => {
    const bench = new Bench({ flash: provisioned({ Provision_Enable: 'No' }) })
      .boot(30)
      .web('/admin/resync?http://q.test/x')
      .pass(5)
    expect(bench.keys()).toEqual([])
    expect(bench.responses[0]?.status).toBe(403)
  })

  it('lets an explicit request through false triggers [MPP §5.3]', () => {
    const flash = provisioned({ Profile_Rule: A, Resync_Trigger_1: '1 eq 2' })
    const bench = new Bench({ flash }).boot(60).web('/admin/resync').pass(5)
    expect(bench.keys()).toEqual([A_KEY])
  })

  it('needs only one of two triggers to be true [MPP §5.3]', () => {
    const flash = provisioned({ Profile_Rule: A, Resync_Trigger_1: '1 eq 2', Resync_Trigger_2: '$PRVTMR ge 1' })
    expect(new Bench({ flash }).boot(30).keys()).toEqual([A_KEY])
  })

  it('starts one when a trigger turns true only by policy [MPP §5.3, §16 row 5]', () => {
    const flash = provisioned({ Profile_Rule: A, Resync_On_Reset: 'No', Resync_Trigger_1: '$PRVTMR gt 100' })
    expect(new Bench({ flash }).boot(300).keys()).toEqual([])
    expect(new Bench({ flash, policies: { triggersStart: true } }).boot(150).keys()).toEqual([A_KEY])
  })

  it('tells each cause as $PRVST: 0 power-up, 2 retry, 1 periodic, -1 asked [MPP §3.3, §5.3]', () => {
    const values = { Profile_Rule: 'http://p.test/s/$PRVST', Resync_Error_Retry_Delay: '60', Resync_Periodic: '600' }
    const bench = new Bench({
      flash: provisioned(values),
      files: { 'http://p.test:80/s/2': profile({}), 'http://p.test:80/s/1': profile({}) },
    })
    bench.boot(800).web('/admin/resync').pass(5)
    expect(bench.keys().map((key) => key.slice(-2))).toEqual(['/0', '/2', '/1', '-1'])
  })
})

describe('the schedule', () => {
  it('walks Resync_Periodic once, keeps its last element, and begins after the first success only [MPP §5.1, §5.2]', () => {
    const values = { Profile_Rule: A, Resync_Periodic: '600,1200,300' }
    const bench = new Bench({ flash: provisioned(values), files: { [A_KEY]: profile({}) } }).boot(3000)
    expect(bench.seconds(A_KEY)).toEqual([21, 621, 1821, 2121, 2421, 2721])
    expect(new Bench({ flash: provisioned({ ...values, Resync_Error_Retry_Delay: '0' }) }).boot(3000).keys()).toEqual([
      A_KEY,
    ])
  })

  it('starts the list again when the value changes [MPP §5.2]', () => {
    const first = profile({ Resync_Periodic: '100,900' })
    const files = {
      [A_KEY]: (_: unknown, count: number) => (count < 2 ? first : profile({ Resync_Periodic: '200,900' })),
    }
    const bench = new Bench({ flash: provisioned({ Profile_Rule: A }), files }).boot(400)
    expect(bench.seconds(A_KEY)).toEqual([21, 121, 321])
  })

  it('adds the random part of an element [MPP §5.2]', () => {
    const flash = provisioned({ Profile_Rule: A, Resync_Periodic: '100+100' })
    const bench = new Bench({ flash, files: { [A_KEY]: profile({}) } }).boot(200)
    expect(bench.seconds(A_KEY)).toEqual([21, 171])
  })

  it('walks Resync_Error_Retry_Delay and starts it again after a success [MPP §5.1, §5.2]', () => {
    const values = { Profile_Rule: A, Resync_Error_Retry_Delay: '60,120', Resync_Periodic: '1000' }
    const files = { [A_KEY]: (_: unknown, count: number) => (count === 4 ? profile({}) : response(503)) }
    const bench = new Bench({ flash: provisioned(values), files }).boot(1500)
    expect(bench.seconds(A_KEY)).toEqual([21, 81, 201, 321, 1321, 1381])
  })

  it('replaces the period by a valid Resync_At with its random window [MPP §5.1]', () => {
    // 12:00 UTC; half of the window of 10 minutes.
    const values = {
      Profile_Rule: A,
      Resync_At__HHmm_: '1300',
      Resync_Periodic: '60',
      Time_Zone: 'GMT',
      Daylight_Saving_Time_Enable: 'No',
    }
    const flash = provisioned({ ...values, Time_Zone: 'GMT+00:00' })
    const bench = new Bench({ flash, files: { [A_KEY]: profile({}) } }).boot(26 * 3600)
    expect(bench.seconds(A_KEY)).toEqual([21, 3600 + 300, 25 * 3600 + 300])
  })

  it.each([
    ['60', 600],
    ['1800', 1800],
  ])(
    'spreads Resync_At over a window of at least 600 seconds, Resync_At_Random_Delay=%s [MPP §5.1]',
    (delay, window) => {
      const values = { Profile_Rule: A, Resync_At__HHmm_: '1300', Resync_At_Random_Delay: delay, Resync_On_Reset: 'No' }
      const local = { Time_Zone: 'GMT+00:00', Daylight_Saving_Time_Enable: 'No' }
      const at = (chance: number) =>
        new Bench({
          flash: provisioned({ ...values, ...local }),
          files: { [A_KEY]: profile({}) },
          chance: () => chance,
        })
          .boot(2 * 3600)
          .seconds(A_KEY)
      expect([at(0), at(0.999999)]).toEqual([[3600], [3600 + window]])
    },
  )

  it('takes 2400 for 0000 [MPP §5.1]', () => {
    const values = { Resync_At__HHmm_: '2400', Time_Zone: 'GMT+00:00', Resync_On_Reset: 'No', Profile_Rule: A }
    const bench = new Bench({ flash: provisioned(values), chance: () => 0 }).boot(13 * 3600)
    expect(bench.seconds(A_KEY)[0]).toBe(12 * 3600)
  })

  it('ignores an invalid Resync_At [MPP §5.1]', () => {
    const flash = provisioned({ Profile_Rule: A, Resync_At__HHmm_: '2460', Resync_Periodic: '60' })
    expect(new Bench({ flash, files: { [A_KEY]: profile({}) } }).boot(90).seconds(A_KEY)).toEqual([21, 81])
  })
})

describe('a delay of 0', () => {
  it.each([
    ['Resync_Error_Retry_Delay', { Resync_Error_Retry_Delay: '0' }, response(503)],
    ['Resync_Periodic', { Resync_Periodic: '0' }, profile({})],
  ])('in %s means never [MPP §5.1, §5.2]', (_, values, answer) => {
    const flash = provisioned({ Profile_Rule: A, ...values })
    const bench = new Bench({ flash, files: { [A_KEY]: answer } }).boot(200_000)
    expect(bench.keys()).toEqual([A_KEY])
  })
})

describe('calls', () => {
  const flash = provisioned({ Profile_Rule: A, Resync_On_Reset: 'No' })
  const files = { [A_KEY]: profile({}) }

  it('hold a resync back until the lines were quiet for a while [MPP §5.4]', () => {
    const bench = new Bench({ flash, files }).boot(10).send({ kind: 'call-started', line: 1 })
    bench.web('/admin/resync').pass(100)
    expect(bench.keys()).toEqual([])
    bench.send({ kind: 'call-ended', line: 1 }).pass(29)
    expect(bench.keys()).toEqual([])
    expect(bench.pass(2).keys()).toEqual([A_KEY])
  })

  it('start the countdown again, but not beyond the due time plus Forced_Resync_Delay [MPP §5.4]', () => {
    const bench = new Bench({
      flash: provisioned({ Profile_Rule: A, Resync_On_Reset: 'No', Forced_Resync_Delay: '100' }),
      files,
    })
    bench.boot(10).send({ kind: 'call-started', line: 1 }).web('/admin/resync').pass(60)
    bench.send({ kind: 'call-ended', line: 1 }).pass(20).send({ kind: 'call-started', line: 2 }).pass(30)
    expect(bench.keys()).toEqual([])
    bench.send({ kind: 'call-ended', line: 2 }).pass(1)
    expect(bench.keys()).toEqual([A_KEY])
  })

  it('are never interrupted: all lines must be idle [MPP §5.4]', () => {
    const bench = new Bench({ flash, files }).boot(10)
    bench.send({ kind: 'call-started', line: 1 }).send({ kind: 'call-started', line: 2 }).web('/admin/resync')
    bench.send({ kind: 'call-ended', line: 1 }).pass(99_999)
    expect(bench.keys()).toEqual([])
  })
})

describe('reboots', () => {
  it('follow a change in the sections that need one, and do not resync [MPP §5.1, §5.7, §16 row 6]', () => {
    const bench = new Bench({
      flash: provisioned({ Profile_Rule: A }),
      files: { [A_KEY]: profile({ Host_Name: 'desk', Resync_Periodic: '500' }) },
    })
    bench.boot(300)
    expect(bench.agent.flash.rebootHistory.map(({ reason }) => reason)).toEqual(['Provisioning'])
    expect(bench.keys()).toEqual([A_KEY])
    // The success before the reboot has armed the period.
    expect(bench.pass(300).keys()).toEqual([A_KEY, A_KEY])
  })

  it('do not follow a change elsewhere [MPP §5.7]', () => {
    const bench = new Bench({
      flash: provisioned({ Profile_Rule: A }),
      files: { [A_KEY]: profile({ GPP_A: '1' }) },
    }).boot(60)
    expect(bench.reboots).toEqual([])
  })

  it('wait for the end of a call [MPP §5.7]', () => {
    const bench = new Bench({
      flash: provisioned({ Profile_Rule: A }),
      files: { [A_KEY]: profile({ Host_Name: 'desk' }) },
    }).boot(21)
    // The call starts while the answer is on its way.
    bench.send({ kind: 'call-started', line: 1 }).pass(50)
    expect([bench.parameter('Host_Name'), bench.reboots.length]).toEqual(['desk', 0])
    expect(bench.send({ kind: 'call-ended', line: 1 }).reboots).toHaveLength(1)
  })

  it('resync after one that a user asked for, with the random delay [MPP §5.1, §5.3]', () => {
    const bench = new Bench({
      flash: provisioned({ Profile_Rule: A, Resync_On_Reset: 'Yes' }),
      files: { [A_KEY]: profile({}) },
    }).boot(60)
    bench.web('/admin/reboot').pass(60)
    expect(bench.agent.flash.rebootHistory.map(({ reason }) => reason)).toEqual(['User Triggered'])
    expect(bench.keys()).toEqual([A_KEY, A_KEY])
  })

  it('keep the last five reasons [MPP §5.7]', () => {
    const bench = new Bench({ flash: provisioned({ Resync_On_Reset: 'No' }) }).boot(10)
    for (let count = 0; count < 7; count += 1) bench.web('/admin/reboot').pass(10)
    expect(bench.agent.flash.rebootHistory).toHaveLength(5)
  })

  it('follow a new address [MPP §5.7]', () => {
    const bench = new Bench({ flash: provisioned({ Resync_On_Reset: 'No' }) }).boot(10).send({ kind: 'network-down' })
    bench.lease = { ...bench.lease, address: '192.168.1.101' }
    bench.send({ kind: 'network-up', lease: bench.lease, sipPort: 5060 }).pass(10)
    expect(bench.agent.flash.rebootHistory.map(({ reason }) => reason)).toEqual(['IP Changed'])
  })

  it('forget ram and keep flash at a power cut [MPP §5.8]', () => {
    const bench = new Bench({ flash: provisioned({ Profile_Rule: A, Resync_Error_Retry_Delay: '60' }) }).boot(60)
    expect(bench.agent.ram.errorIndex).toBe(1)
    bench.boot(10)
    expect(bench.agent.ram.errorIndex).toBe(0)
    expect(bench.agent.flash.provisioningHistory).toHaveLength(1)
  })

  it('factory-reset to a blank phone that keeps its load and looks for a provider again [MPP §7.3, §9.1]', () => {
    const bench = new Bench({
      flash: provisioned({ GPP_A: '1' }, { customization: 'Acquired', activeLoad: 'sip88xx.12-0-7MPP0201-66' }),
    }).boot(10)
    bench.web('/admin/factory-reset').pass(40)
    expect(bench.agent.flash.parameters.size).toBe(0)
    expect(bench.agent.flash.rebootHistory).toEqual([])
    expect(bench.agent.flash.activeLoad).toBe('sip88xx.12-0-7MPP0201-66')
    expect(bench.keys().at(-1)).toContain('rc.test')
  })

  it('answer web requests with 503 while the phone is down', () => {
    const bench = new Bench({ flash: provisioned({}) }).boot(10).web('/admin/reboot').web('/admin/reboot')
    expect(bench.responses.map(({ status }) => status)).toEqual([200, 503])
  })
})
