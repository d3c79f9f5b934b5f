import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openAes128gcm, openSalted } from '../../protocol/envelope/mod.ts'
import { runCommands } from './commands.ts'
import { Bench, profile, provisioned, response } from './testdata/bench.ts'
import { type FetchRequest, status } from './mod.ts'

const KEY = 'https://r.test:443/report'
const RULE = 'https://r.test/report'
const QUIET = { Resync_On_Reset: 'No', Profile_Rule: '' }

function reporting(values: Record<string, string>, seconds = 10): Bench {
  return new Bench({
    flash: provisioned({ ...QUIET, ...values }),
    files: { [KEY]: response(200), 'https://r.test:443/s': response(200) },
  }).boot(seconds)
}

function textOf(request: FetchRequest | undefined): string {
  return new TextDecoder().decode(request?.body)
}

describe('reports', () => {
  it('go out at a restart with On Request, whole, by POST, without secrets [MPP §12.2, §1.8]', () => {
    const bench = reporting({
      Report_Rule: RULE,
      GPP_A: 'shown',
      GPP_SA: 'hidden-register',
      Admin_Password: 'Hidden-pass1',
    })
    const request = bench.fetches[0]?.request
    expect([bench.keys(), request?.method]).toEqual([[KEY], 'POST'])
    expect(textOf(request)).toContain('<flat-profile>')
    expect(textOf(request)).toContain('shown')
    expect(textOf(request)).not.toMatch(/hidden-register|Hidden-pass1/)
  })

  it.each(['', '[--delta] '])('leave out rules that hold a key or password, %s [MPP §12.2, §1.8]', (options) => {
    const bench = reporting({
      Report_Rule: `${options}${RULE}`,
      Upgrade_Rule: '# (1 eq 1)! off',
      Profile_Rule_B: '# [--key "hidden phrase" --uid u --pwd hidden-word] http://p.test/b',
      Profile_Rule_C: '# ( Password_1_ = "hidden-too"; )! http://p.test/c',
      Profile_Rule_D: '# http://u:hidden-here@p.test/d',
      GPP_A: 'shown',
    })
    const text = textOf(bench.fetches[0]?.request)
    expect(text).toContain('>shown</GPP_A>')
    expect(text).toMatch(/<Upgrade_Rule[ >]/)
    expect(text).not.toContain('hidden')
  })

  it('tell an edit of before a restart too, with On Local Change [MPP §12.2]', () => {
    const bench = reporting({ Report_Rule: RULE, Report_To_Server: 'On Local Change' })
    const edit = { kind: 'locally-changed', elements: ['Proxy_1_'], restarts: true } as const
    const restart = { kind: 'reboot', reason: 'User Triggered', resyncAfter: false } as const
    bench.agent = runCommands(bench.agent, [edit, restart], { now: bench.now, rng: () => 0.5 }).agent
    expect(bench.boot(50).keys()).toEqual([])
    expect(bench.pass(15).keys()).toEqual([KEY])
    expect(bench.boot(200).keys()).toEqual([KEY])
  })

  it('use PUT by HTTP_Report_Method, and TFTP PUT for tftp [MPP §12.2]', () => {
    expect(reporting({ Report_Rule: RULE, HTTP_Report_Method: 'PUT' }).fetches[0]?.request.method).toBe('PUT')
    const { method, scheme } = reporting({ Report_Rule: 'tftp://r.test/report' }).fetches[0]?.request ?? {}
    expect([method, scheme]).toEqual(['PUT', 'tftp'])
  })

  it('are two at most, one after the other; --status tells the state [MPP §12.2]', () => {
    const bench = reporting({ Report_Rule: `[--status] https://r.test/s [--delta] ${RULE}` })
    expect(bench.keys()).toEqual(['https://r.test:443/s', KEY])
    expect(textOf(bench.fetches[0]?.request)).toContain(
      '<Software_Version>sip88xx.12-0-2MPP0001-609</Software_Version>',
    )
  })

  it('--delta holds what changed since the last report [MPP §12.2]', () => {
    const bench = reporting({ Report_Rule: `[--delta] ${RULE}`, Report_To_Server: 'On Local Change', GPP_A: 'before' })
    const edit = (element: string, value: string) =>
      bench.send({ kind: 'keypad', entry: { kind: 'set', element, value } })
    edit('GPP_B', 'first').pass(61)
    expect(textOf(bench.fetches[0]?.request)).toContain('<GPP_A>before</GPP_A>')
    edit('GPP_B', '')
    edit('GPP_C', 'second').pass(61)
    const delta = textOf(bench.fetches[1]?.request)
    expect(delta).toContain('<GPP_C>second</GPP_C>')
    expect(delta).toContain('<GPP_B>""</GPP_B>')
    expect(delta).not.toContain('GPP_A')
  })

  it('batch local edits for Upload_Delay_On_Local_Change [MPP §12.2]', () => {
    const bench = reporting({
      Report_Rule: RULE,
      Report_To_Server: 'On Local Change',
      Upload_Delay_On_Local_Change: '100',
    })
    bench.send({ kind: 'keypad', entry: { kind: 'set', element: 'GPP_A', value: '1' } }).pass(50)
    bench.send({ kind: 'keypad', entry: { kind: 'set', element: 'GPP_A', value: '2' } }).pass(49)
    expect(bench.keys()).toEqual([])
    expect(bench.pass(200).keys()).toEqual([KEY])
  })

  it('go out every Periodic_Upload_To_Server seconds, at least 600 [MPP §12.2]', () => {
    const bench = reporting(
      { Report_Rule: RULE, Report_To_Server: 'Periodically', Periodic_Upload_To_Server: '60' },
      1300,
    )
    expect(bench.seconds(KEY)).toEqual([601, 1201])
  })

  it('are sealed with --key, the salt from the phone [MPP §2.2, §12.2]', () => {
    const body = reporting({
      Report_Rule: `[--key "$SA"] ${RULE}`,
      GPP_SA: 'report phrase',
      IKM_HTTP_Encrypt_Content: 'yqdlZ-tYemfogSmv7Ws5PQ',
    }).fetches[0]?.request.body
    const opened = openSalted(body ?? new Uint8Array(0), 'report phrase')
    expect(opened.ok && new TextDecoder().decode(opened.value)).toContain('<flat-profile>')
  })

  it('are coded with the IKM when there is no --key [MPP §2.3]', () => {
    const request = reporting({ Report_Rule: RULE, IKM_HTTP_Encrypt_Content: 'yqdlZ-tYemfogSmv7Ws5PQ' }).fetches[0]
      ?.request
    const opened = openAes128gcm(
      request?.body ?? new Uint8Array(0),
      new Uint8Array(Buffer.from('yqdlZ-tYemfogSmv7Ws5PQ', 'base64url')),
    )
    expect(opened.ok && new TextDecoder().decode(opened.value)).toContain('<flat-profile>')
    expect(request?.headers).toContainEqual(['Content-Encoding', 'aes128gcm'])
  })

  it('are tried once [MPP §8, §12.2]', () => {
    const bench = new Bench({
      flash: provisioned({ ...QUIET, Report_Rule: RULE }),
      files: { [KEY]: response(503) },
    }).boot(9999)
    expect(bench.keys()).toEqual([KEY])
    expect(bench.names()).toContain('report-failed')
  })
})

describe('the custom CA', () => {
  // Made with openssl for this test: CN=Offhook Test Root, valid for ten years.
  const PEM = readFileSync(new URL('./testdata/test-root.pem', import.meta.url), 'utf8')
  const CA_KEY = 'http://p.test:80/ca.pem'
  const withRule = (answer: ReturnType<typeof response>) =>
    new Bench({
      flash: provisioned({
        Profile_Rule: 'http://p.test/a',
        Resync_Periodic: '600',
        Time_Zone: 'GMT+00:00',
        Daylight_Saving_Time_Enable: 'No',
      }),
      files: { 'http://p.test:80/a': profile({ Custom_CA_Rule: 'http://p.test/ca.pem' }), [CA_KEY]: answer },
    }).boot(40)

  it('is fetched after the resync that changed its rule, and then no more [MPP §11.2]', () => {
    const bench = withRule(response(200, PEM)).pass(1300)
    expect(bench.seconds(CA_KEY)).toEqual([21])
    expect(bench.agent.flash.customCa).toMatchObject({
      pem: PEM,
      info: 'Offhook Test Root',
    })
    expect(status(bench.agent, bench.now).customCa.status).toBe('Last provisioning succeeded on 03/10/2026 12:00:21')
  })

  it.each([
    ['is missing', response(404)],
    ['is no certificate', response(200, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')],
  ])('keeps its status when the file %s, and tries again after the next resync [MPP §7.4]', (_, answer) => {
    const bench = withRule(answer).pass(601)
    expect(bench.seconds(CA_KEY)).toEqual([21, 621])
    expect(bench.agent.flash.customCa).toMatchObject({
      pem: undefined,
      info: 'Not Installed',
    })
    expect(status(bench.agent, bench.now).customCa.status).toBe('Last provisioning failed on 03/10/2026 12:10:21')
  })
})
