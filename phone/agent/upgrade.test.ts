import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { printLoads } from '../../protocol/firmware/mod.ts'
import { runCommands } from './commands.ts'
import { macroLookup } from './mod.ts'
import { Bench, type BenchOptions, profile, provisioned, response } from './testdata/bench.ts'

const OLD = 'sip88xx.12-0-2MPP0001-609'
const NEW = 'sip88xx.12-0-7MPP0201-66'
const URL = `http://fw.test/fw/${NEW}.loads`
const KEY = `http://fw.test:80/fw/${NEW}.loads`
const PART = new TextEncoder().encode('root file system')
const PART_KEY = 'http://fw.test:80/fw/rootfs88xx.sbn'

function load(name: string, parts: readonly { readonly name: string; readonly content: Uint8Array }[] = []) {
  const list = parts.map(({ name, content }) => ({
    name,
    byteCount: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
  }))
  return response(200, printLoads({ name, parts: list }))
}

function phone(values: Record<string, string>, options: BenchOptions = {}): Bench {
  return new Bench({
    flash: provisioned({ Resync_On_Reset: 'No', Resync_After_Upgrade_Attempt: 'No', Profile_Rule: '', ...values }),
    ...options,
  })
}

describe('an upgrade', () => {
  it('fetches .loads, then its parts from the same place, writes flash and reboots with reason Upgrade [MPP §6]', () => {
    const files = { [KEY]: load(NEW, [{ name: 'rootfs88xx.sbn', content: PART }]), [PART_KEY]: response(200, PART) }
    const bench = phone({ Upgrade_Rule: URL }, { files }).boot(30)
    expect(bench.keys()).toEqual([KEY, PART_KEY])
    expect([bench.agent.flash.activeLoad, bench.agent.flash.inactiveLoad]).toEqual([NEW, OLD])
    expect(bench.agent.flash.rebootHistory[0]?.reason).toBe('Upgrade')
    expect(bench.names().filter((name) => name.startsWith('upgrade-'))).toEqual([
      'upgrade-started',
      'upgrade-part',
      'upgrade-flashing',
      'upgrade-done',
    ])
  })

  it('does nothing when the load is running already, also after the reboot [MPP §6]', () => {
    const bench = phone({ Upgrade_Rule: `http://fw.test/${OLD}.loads` }).boot(30)
    expect(bench.keys()).toEqual([])
    expect(
      phone({ Upgrade_Rule: URL }, { files: { [KEY]: load(NEW) } })
        .boot(60)
        .keys(),
    ).toEqual([KEY])
  })

  it.each([
    ['tftp', 69],
    ['http', 80],
    ['https', 443],
  ])('comes over %s alike [MPP §6]', (scheme, port) => {
    const base = `${scheme}://fw.test:${port}/fw`
    const files = {
      [`${base}/${NEW}.loads`]: load(NEW, [{ name: 'rootfs88xx.sbn', content: PART }]),
      [`${base}/rootfs88xx.sbn`]: response(200, PART),
    }
    const bench = phone({ Upgrade_Rule: `${scheme}://fw.test/fw/${NEW}.loads` }, { files }).boot(30)
    expect([bench.agent.flash.activeLoad, bench.keys()]).toEqual([NEW, Object.keys(files)])
  })

  it('takes opaque content by its file name [MPP §6]', () => {
    const bench = phone({ Upgrade_Rule: URL }, { files: { [KEY]: response(200, Uint8Array.of(0, 1, 2)) } }).boot(30)
    expect(bench.agent.flash.activeLoad).toBe(NEW)
  })

  it('activates a load of the inactive partition without a download [MPP §6]', () => {
    const flash = provisioned(
      { Upgrade_Rule: URL, Resync_On_Reset: 'No', Resync_After_Upgrade_Attempt: 'No' },
      { inactiveLoad: NEW },
    )
    const bench = new Bench({ flash }).boot(30)
    expect(bench.keys()).toEqual([])
    expect(bench.agent.flash.activeLoad).toBe(NEW)
  })

  it('walks the steps of a multistage rule by $SWVER [MPP §6]', () => {
    const rule = `($SWVER lt 12-0-5MPP0001-1)? http://fw.test/sip88xx.12-0-5MPP0001-1.loads | http://fw.test/fw/${NEW}.loads`
    const files = {
      'http://fw.test:80/sip88xx.12-0-5MPP0001-1.loads': load('sip88xx.12-0-5MPP0001-1'),
      [KEY]: load(NEW),
    }
    const bench = phone({ Upgrade_Rule: rule }, { files }).boot(60)
    expect(bench.keys()).toEqual(['http://fw.test:80/sip88xx.12-0-5MPP0001-1.loads', KEY])
    expect(bench.agent.flash.activeLoad).toBe(NEW)
  })

  it('starts only when all lines are idle [MPP §6]', () => {
    const bench = phone({ Upgrade_Rule: URL }, { files: { [KEY]: load(NEW) } })
    bench
      .send({ kind: 'power-on' })
      .send({ kind: 'call-started', line: 1 })
      .send({ kind: 'network-up', lease: bench.lease, sipPort: 5060 })
      .pass(30)
    expect(bench.keys()).toEqual([])
    expect(bench.send({ kind: 'call-ended', line: 1 }).pass(1).keys()).toEqual([KEY])
  })

  it('is evaluated after each resync and when the rule changes [MPP §6]', () => {
    const files = { 'http://p.test:80/a': profile({ Upgrade_Rule: URL }), [KEY]: load(NEW) }
    const bench = phone({ Profile_Rule: 'http://p.test/a', Resync_On_Reset: 'Yes' }, { files }).boot(40)
    expect(bench.keys().slice(0, 2)).toEqual(['http://p.test:80/a', KEY])
    const edited = phone({}, { files: { [KEY]: load(NEW) } }).boot(10)
    edited.send({ kind: 'keypad', entry: { kind: 'set', element: 'Upgrade_Rule', value: URL } }).pass(20)
    expect(edited.agent.flash.activeLoad).toBe(NEW)
  })
})

describe('a failed upgrade', () => {
  it('keeps the load and retries after Upgrade_Error_Retry_Delay, $UPGST 2 [MPP §3.3, §6]', () => {
    const bench = phone(
      { Upgrade_Rule: URL, Upgrade_Error_Retry_Delay: '60,90' },
      { files: { [KEY]: response(503) } },
    ).boot(200)
    expect(bench.seconds(KEY)).toEqual([1, 61, 151])
    expect(bench.agent.flash.activeLoad).toBe(OLD)
    expect([bench.agent.ram.upgradeState, bench.agent.ram.upgradeError]).toEqual([2, 'Download failed'])
    expect(macroLookup(bench.agent, bench.now)('UPGERR')).toBe('Download failed')
    expect(bench.reboots).toEqual([])
  })

  it('is not tried again by later resyncs until rule or URL change [MPP §6]', () => {
    const values = { Upgrade_Rule: URL, Upgrade_Error_Retry_Delay: '0', Profile_Rule: 'http://p.test/a' }
    const bench = phone(values, { files: { [KEY]: response(404), 'http://p.test:80/a': profile({}) } }).boot(10)
    bench.web('/admin/resync').pass(10).web('/admin/resync').pass(10)
    expect(bench.seconds(KEY)).toHaveLength(1)
    bench.send({ kind: 'keypad', entry: { kind: 'set', element: 'Upgrade_Rule', value: `${URL}?2` } }).pass(10)
    expect(bench.keys().at(-1)).toBe(`${KEY}?2`)
  })

  it('is followed by a resync with Resync_After_Upgrade_Attempt, without a loop [MPP §5.1, §5.3]', () => {
    const values = { Upgrade_Rule: URL, Resync_After_Upgrade_Attempt: 'Yes', Profile_Rule: 'http://p.test/$PRVST' }
    const bench = phone(values, { files: { [KEY]: response(404), 'http://p.test:80/0': profile({}) } }).boot(600)
    expect(bench.keys()).toEqual([KEY, 'http://p.test:80/0'])
  })

  it.each<[string, Record<string, string>, ReturnType<typeof response>]>([
    [
      'a part that is not what the load names',
      {},
      load(NEW, [{ name: 'rootfs88xx.sbn', content: new Uint8Array(16) }]),
    ],
    ['a load for other hardware', {}, load('sip78xx.12-0-7MPP0201-66')],
    ['a load below Downgrade_Rev_Limit', { Downgrade_Rev_Limit: '12-0-9MPP0001-1' }, load(NEW)],
    ['a broken list', {}, response(200, `offhook-load 1 ${NEW}\npart x`)],
  ])('refuses to install %s [MPP §6]', (_, values, answer) => {
    const bench = phone(
      { Upgrade_Rule: URL, ...values },
      { files: { [KEY]: answer, [PART_KEY]: response(200, PART) } },
    ).boot(30)
    expect(bench.agent.flash.activeLoad).toBe(OLD)
    expect(bench.agent.flash.upgradeHistory[0]?.text).toContain('Upgrade failed')
  })
})

describe('the commands', () => {
  it('upgrade to the URL of /admin/upgrade, which need not be the rule [MPP §6, §7.3]', () => {
    const bench = phone({}, { files: { [KEY]: load(NEW) } })
      .boot(10)
      .web(`/admin/upgrade?${URL}`)
      .pass(10)
    expect([bench.agent.flash.activeLoad, bench.parameter('Upgrade_Rule')]).toEqual([NEW, undefined])
  })

  it('take the caller as the server of a URL without one [MPP §4.5]', () => {
    const bench = phone({}).boot(10)
    const command = { kind: 'upgrade', url: `/${NEW}.loads`, callerAddress: '::ffff:192.168.1.50' } as const
    const { agent } = runCommands(bench.agent, [command], { now: bench.now, rng: () => 0.5 })
    bench.agent = agent
    expect(bench.send({ kind: 'tick' }).pass(1).keys()).toEqual([`tftp://192.168.1.50:69/${NEW}.loads`])
  })

  it('and the rule are blocked by Upgrade_Enable=No [MPP §6]', () => {
    const bench = phone({ Upgrade_Enable: 'No', Upgrade_Rule: URL }).boot(10).web(`/admin/upgrade?${URL}`).pass(10)
    expect(bench.keys()).toEqual([])
    expect(bench.responses[0]?.status).toBe(403)
  })

  it('an upgrade rule needs a server and a .loads file [MPP §4.5, §6]', () => {
    expect(
      phone({ Upgrade_Rule: `/${NEW}.loads` }, { lease: { options: new Map([[66, 'tftp.test']]) } })
        .boot(10)
        .keys(),
    ).toEqual([])
    expect(phone({ Upgrade_Rule: 'http://fw.test/x.sbn' }).boot(10).keys()).toEqual([])
  })

  it('survive a power cut while flash is written', () => {
    const bench = phone({ Upgrade_Rule: URL }, { files: { [KEY]: load(NEW) }, policies: { flashMs: 60_000 } }).boot(20)
    expect(bench.agent.ram.mode).toBe('flashing')
    bench.boot(5)
    expect([bench.agent.flash.activeLoad, bench.agent.ram.mode]).toEqual([OLD, 'flashing'])
  })
})
