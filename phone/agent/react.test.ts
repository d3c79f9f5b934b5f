import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sealSalted } from '../../protocol/envelope/mod.ts'
import { createAgent, decodeFlash, encodeFlash, nextWake, react } from './mod.ts'
import type { Agent, AgentAction, AgentEvent, FetchOutcome, Flash } from './mod.ts'
import type { CwmpBody } from '../../protocol/cwmp/mod.ts'
import { acsFault, download, envelope, NOTHING_MORE, setValues } from './cwmp/testdata/acs.ts'
import { Bench, HARDWARE, profile, provisioned, response, START } from './testdata/bench.ts'

const SECRETS = {
  GPP_SA: 'secret-register-a',
  GPP_SD: 'secret-register-d',
  Admin_Password: 'Secret-admin-1',
  Password_1_: 'secret-sip-1',
  IKM_HTTP_Encrypt_Content: 'yqdlZ-tYemfogSmv7Ws5PQ',
  ACS_Password: 'secret-of-the-acs',
}

const RULES = [
  '',
  'http://p.test/a',
  '[--key "$SA" --uid $MA --pwd $SD] https://p.test/cisco-init/CODE',
  '("$A" ne "x")? (a = "x"; b = "$SA";)! http://p.test/$B | /c',
  '[--srv] https://p.test/s',
  '[--post a --alias b] http://p.test/post',
  'gds://',
  '/$PSN.xml',
  ')(broken',
]

const bodyOf = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .constantFrom(
      profile({ ...SECRETS, GPP_A: 'text' }),
      profile({ Profile_Rule_B: '[--key $SA] http://p.test/b', Resync_Periodic: '1,2+3', Host_Name: 'h' }),
      profile({ Upgrade_Rule: 'http://p.test/sip88xx.12-0-7MPP0201-66.loads', Custom_CA_Rule: 'http://p.test/ca' }),
      profile({
        Report_Rule: '[--key $SA] http://p.test/r',
        Report_To_Server: 'Periodically',
        Log_Success_Msg: '$SA $A $ERR',
      }),
      profile({
        Resync_Error_Retry_Delay: '0,0',
        Resync_At__HHmm_: '2400',
        Forced_Resync_Delay: '0',
        Restricted_Access_Domains: 'test',
      }),
      'offhook-load 1 sip88xx.12-0-7MPP0201-66\n',
      '',
    )
    .map((text) => new TextEncoder().encode(text)),
  fc.constant(sealSalted(new TextEncoder().encode(profile({ GPP_B: 'sealed' })), SECRETS.GPP_SA, new Uint8Array(8))),
)

const headers = fc.dictionary(
  fc.constantFrom('location', 'www-authenticate', 'proxy-authenticate', 'content-encoding'),
  fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom(
      'http://q.test/x',
      'Basic realm="r"',
      'Digest realm="r", nonce="n", qop="auth"',
      'gzip',
      'aes128gcm',
    ),
  ),
)

const outcome: fc.Arbitrary<FetchOutcome> = fc.oneof(
  fc
    .tuple(fc.oneof(fc.constantFrom(200, 301, 302, 401, 404, 407, 503), fc.nat(999)), headers, bodyOf)
    .map(([status, fields, body]) => ({
      kind: 'response' as const,
      status,
      headers: new Map(Object.entries(fields)),
      body,
      peerAddress: '192.0.2.1',
    })),
  bodyOf.map((body) => ({ kind: 'tftp-file' as const, body, peerAddress: '192.0.2.1' })),
  fc
    .tuple(fc.nat(9), fc.string({ maxLength: 20 }))
    .map(([code, message]) => ({ kind: 'tftp-error' as const, code, message, peerAddress: '192.0.2.1' })),
  fc.constant({ kind: 'failed' as const, reason: 'dns' as const, detail: `no name ${SECRETS.GPP_SA}` }),
)

type Happening =
  | 'wake'
  | { readonly wait: number }
  | { readonly answer: FetchOutcome }
  | { readonly acs: FetchOutcome }
  | { readonly srv: readonly { priority: number; weight: number; host: string; port: number }[] }
  | { readonly event: AgentEvent }

const lease = {
  address: '192.0.2.50',
  domain: 'p.test',
  options: new Map<number, string | Uint8Array>([[66, 'http://p.test']]),
}
const target = fc.constantFrom(
  '/admin/resync?http://p.test/cisco-init/CODE',
  '/admin/resync',
  '/admin/upgrade?http://p.test/sip88xx.12-0-9MPP0001-1.loads',
  '/admin/reboot',
  '/admin/factory-reset',
  '/',
  '/admin/cfg.xml',
  '/status.xml',
)
const event: fc.Arbitrary<AgentEvent> = fc.oneof(
  fc.constantFrom<AgentEvent>(
    { kind: 'power-on' },
    { kind: 'network-up', lease, sipPort: 5060 },
    {
      kind: 'network-up',
      lease: { ...lease, address: '192.0.2.51', options: new Map([[150, Uint8Array.of(1)]]) },
      sipPort: 5060,
    },
    { kind: 'network-down' },
    { kind: 'listening', port: 7547 },
    { kind: 'tick' },
    { kind: 'call-started', line: 1 },
    { kind: 'call-ended', line: 1 },
    { kind: 'keypad', entry: { kind: 'resync' } },
    {
      kind: 'keypad',
      entry: { kind: 'set', element: 'Upgrade_Rule', value: 'tftp://p.test/sip88xx.12-0-8MPP0001-1.loads' },
    },
    { kind: 'keypad', entry: { kind: 'reboot' } },
  ),
  fc
    .constantFrom(...RULES)
    .map((rule): AgentEvent => ({ kind: 'keypad', entry: { kind: 'enter-profile-rule', rule } })),
  target.map(
    (path): AgentEvent => ({
      kind: 'web-request',
      id: 1,
      request: {
        method: 'GET',
        target: path,
        headers: new Map([['host', '192.0.2.50']]),
        body: new Uint8Array(0),
        peerAddress: '192.0.2.9',
        tls: false,
      },
    }),
  ),
  fc.uint8Array({ maxLength: 60 }).map(
    (bytes): AgentEvent => ({
      kind: 'sip-received',
      peer: { host: '192.0.2.8', port: 5060, transport: 'udp' },
      bytes,
    }),
  ),
  fc.tuple(fc.nat(60), outcome).map(([id, answer]): AgentEvent => ({ kind: 'fetched', id, outcome: answer })),
)
const acsAnswer: fc.Arbitrary<FetchOutcome> = fc
  .constantFrom<CwmpBody | undefined>(
    undefined,
    { kind: 'InformResponse', maxEnvelopes: 1 },
    { kind: 'TransferCompleteResponse' },
    { kind: 'GetParameterValues', names: ['Device.'] },
    { kind: 'SetParameterValues', parameters: [], parameterKey: 'k' },
    setValues({ 'Device.ManagementServer.URL': 'http://other.test/', 'Device.X_CISCO_HostName': 'h' }),
    { kind: 'Reboot', commandKey: 'r' },
    { kind: 'FactoryReset' },
    download({ password: SECRETS.GPP_SD }),
    download({ fileType: '1 Firmware Upgrade Image', url: 'http://p.test/sip88xx.12-0-7MPP0201-66.loads' }),
    download({ fileType: 'Custom CA File', url: 'tftp://p.test/ca.pem', delaySeconds: 60 }),
    acsFault(8005),
    acsFault(8002),
  )
  .map((body) => {
    const reply = body === undefined ? NOTHING_MORE : envelope(body)
    return response(reply.status, reply.body)
  })

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: acsAnswer.map((acs) => ({ acs })) },
  { weight: 4, arbitrary: fc.constant<Happening>('wake') },
  { weight: 4, arbitrary: outcome.map((answer) => ({ answer })) },
  {
    weight: 1,
    arbitrary: fc
      .array(
        fc.record({
          priority: fc.nat(9),
          weight: fc.nat(9),
          host: fc.constantFrom('a.test', '', 'b.test'),
          port: fc.nat(65_535),
        }),
        { maxLength: 4 },
      )
      .map((srv) => ({ srv })),
  },
  { weight: 1, arbitrary: fc.nat(4_000_000).map((wait) => ({ wait })) },
  { weight: 2, arbitrary: event.map((one) => ({ event: one })) },
)

/** Plays happenings on a phone; `seen` gets every agent and every action. */
function play(
  start: Agent,
  happenings: readonly Happening[],
  seen: (agent: Agent, actions: readonly AgentAction[], now: number, tick: boolean) => void,
): Agent {
  let agent = start
  let now = START
  const apply = (one: AgentEvent) => {
    const turn = react(agent, one, now, () => 0.25)
    agent = turn.agent
    seen(agent, turn.actions, now, one.kind === 'tick')
  }
  apply({ kind: 'power-on' })
  apply({ kind: 'network-up', lease, sipPort: 5060 })
  for (const one of happenings) {
    if (one === 'wake') {
      now = Math.max(now, nextWake(agent) ?? now)
      apply({ kind: 'tick' })
    } else if ('wait' in one) now += one.wait
    else if ('answer' in one) {
      const id = agent.ram.download?.id ?? agent.ram.cwmp.session?.exchangeId ?? 0
      apply({ kind: 'fetched', id, outcome: one.answer })
    } else if ('acs' in one) {
      apply({ kind: 'fetched', id: agent.ram.cwmp.session?.exchangeId ?? 0, outcome: one.acs })
    } else if ('srv' in one) apply({ kind: 'srv-resolved', id: agent.ram.srvQueryId ?? 0, records: one.srv })
    else apply(one.event)
  }
  return agent
}

const phoneArguments = fc.tuple(fc.constantFrom(...RULES), fc.constantFrom(...RULES), fc.boolean(), fc.boolean())
const phoneOf = phoneArguments.map(([a, b, blank, tr069]) =>
  createAgent(HARDWARE, {
    policies: { bootMs: 1000, flashMs: 1000, triggersStart: true, dhcpFallback: true },
    flash: provisioned(
      {
        ...SECRETS,
        Profile_Rule: a,
        Profile_Rule_B: b,
        Syslog_Server: 'log.test',
        Resync_Trigger_2: '$PRVTMR ge 0',
        ...(tr069 ? { 'Enable_TR-069': 'Yes', ACS_URL: 'http://acs.test/', 'TR-069_Traceability': 'Yes' } : {}),
      },
      { customization: blank ? 'Open' : 'Aborted' },
    ),
  }),
)

describe('any sequence of events and answers', () => {
  it('never throws, and never lets a secret or a code out in what is said or logged', () => {
    const forbidden = [...Object.values(SECRETS), 'CODE']
    fc.assert(
      fc.property(phoneOf, fc.array(happening, { maxLength: 40 }), (phone, happenings) => {
        play(phone, happenings, (_, actions) => {
          const told = actions.filter(({ kind }) => kind === 'say')
          const text = JSON.stringify(told)
          for (const secret of forbidden) expect(text).not.toContain(secret)
          const logged = JSON.stringify(actions.filter(({ kind }) => kind === 'syslog'))
          for (const secret of Object.values(SECRETS)) expect(logged).not.toContain(secret)
        })
      }),
      { numRuns: 300 },
    )
  })

  it('never asks to be woken in the past after a tick, and never waits for an exchange that is not in flight', () => {
    fc.assert(
      fc.property(phoneOf, fc.array(happening, { maxLength: 40 }), (phone, happenings) => {
        play(phone, happenings, (agent, actions, now, tick) => {
          const wake = nextWake(agent)
          if (tick && wake !== undefined) expect(wake).toBeGreaterThanOrEqual(now)
          const fetches = actions.flatMap((action) => (action.kind === 'fetch' ? [action.request.purpose] : []))
          expect(fetches.filter((purpose) => purpose !== 'cwmp').length).toBeLessThanOrEqual(1)
          expect(fetches.filter((purpose) => purpose === 'cwmp').length).toBeLessThanOrEqual(1)
          const { download, srvQueryId, run, discovery, upgrade, mode } = agent.ram
          if (download !== undefined) expect(['running', 'discovering']).toContain(mode)
          const works = run !== undefined || discovery !== undefined || upgrade !== undefined
          const awake = mode === 'running' || mode === 'discovering'
          if (works && awake) expect(download ?? srvQueryId).toBeDefined()
          if (mode === 'flashing') expect(agent.ram.timers.flash).toBeDefined()
        })
      }),
      { numRuns: 300 },
    )
  })

  it('keeps its flash readable: what is written is read back', () => {
    fc.assert(
      fc.property(phoneOf, fc.array(happening, { maxLength: 30 }), (phone, happenings) => {
        const { flash } = play(phone, happenings, () => undefined)
        expect(decodeFlash(encodeFlash(flash))).toEqual({ ok: true, value: flash })
      }),
      { numRuns: 100 },
    )
  })

  it('never stalls: a phone with a dead network still wants to be woken or waits for an answer', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('http://p.test/a', '/$PSN.xml', '[--srv] https://p.test/s'),
        fc.boolean(),
        (rule, blank) => {
          const flash = provisioned({ Profile_Rule: rule }, { customization: blank ? 'Open' : 'Aborted' })
          const bench = new Bench({ flash }).boot(90_000)
          expect(nextWake(bench.agent)).toBeGreaterThan(bench.now - 1)
          expect(
            bench.fetches.length + bench.names().filter((name) => name === 'resync-failed').length,
          ).toBeGreaterThan(5)
        },
      ),
      { numRuns: 6 },
    )
  })
})

describe('flash text', () => {
  const entry = fc.record({ at: fc.integer({ min: 0 }), text: fc.string() })
  const time = fc.option(fc.nat(), { nil: undefined })
  const transferOf: fc.Arbitrary<Flash['tr069']['transfers'][number]> = fc.record({
    id: fc.nat(),
    kind: fc.constantFrom('firmware', 'profile', 'custom-ca'),
    state: fc.constantFrom('waiting', 'running', 'installed', 'ended'),
    commandKey: fc.string(),
    url: fc.string(),
    username: fc.string(),
    password: fc.string(),
    fileSize: fc.nat(),
    delaySeconds: fc.nat(),
    notBefore: time,
    load: fc.option(fc.string(), { nil: undefined }),
    startedAt: time,
    endedAt: time,
    faultCode: fc.nat(),
    faultText: fc.string(),
  })
  const tableOf = <T>(value: fc.Arbitrary<T>) =>
    fc.dictionary(fc.stringMatching(/^Device(?:\.[A-Z][a-z]{0,5}){1,3}$/), value, { maxKeys: 3, noNullPrototype: true })
  const flashOf: fc.Arbitrary<Flash> = fc.record({
    parameters: fc
      .dictionary(
        fc.stringMatching(/^[A-Z][A-Za-z_]{0,10}$/),
        fc.record({
          value: fc.string(),
          ua: fc.constantFrom('na', 'ro', 'rw'),
          userPref: fc.boolean(),
          userModified: fc.boolean(),
        }),
        { maxKeys: 5 },
      )
      .map((values) => new Map(Object.entries(values))),
    customization: fc.constantFrom('Open', 'Acquired', 'GDS-Pending'),
    activeLoad: fc.string(),
    inactiveLoad: fc.option(fc.string(), { nil: undefined }),
    upgradeFingerprint: fc.option(fc.string(), { nil: undefined }),
    rebootHistory: fc.array(fc.record({ at: fc.nat(), reason: fc.constantFrom('RC', 'Upgrade') }), { maxLength: 5 }),
    provisioningHistory: fc.array(entry, { maxLength: 3 }),
    upgradeHistory: fc.array(entry, { maxLength: 3 }),
    customCa: fc.record({
      pem: fc.option(fc.string(), { nil: undefined }),
      last: fc.option(fc.record({ ok: fc.boolean(), at: fc.nat() }), { nil: undefined }),
      info: fc.string(),
      rule: fc.string(),
    }),
    reported: fc.option(
      fc.dictionary(fc.stringMatching(/^[A-Z]{1,5}$/), fc.string(), { maxKeys: 3, noNullPrototype: true }),
      { nil: undefined },
    ),
    bootCause: fc.constantFrom('power', 'parameters', 'upgrade', 'web-submit'),
    resyncSucceeded: fc.boolean(),
    editsUnreported: fc.boolean(),
    tr069: fc.record({
      parameterKey: fc.string(),
      connectionPath: fc.string(),
      bootstrappedUrl: fc.string(),
      events: fc.array(fc.record({ code: fc.constantFrom('2 PERIODIC', 'M Reboot'), commandKey: fc.string() }), {
        maxLength: 3,
      }),
      rebootKeys: fc.array(fc.string(), { maxLength: 3 }),
      resetOwed: fc.boolean(),
      attributes: tableOf(fc.record({ notification: fc.nat(2), accessList: fc.array(fc.string(), { maxLength: 2 }) })),
      observed: tableOf(fc.string()),
      changed: fc.array(fc.string(), { maxLength: 3 }),
      transfers: fc.array(transferOf, { maxLength: 3 }),
      nextTransferId: fc.nat(),
      values: tableOf(fc.string()),
    }),
  })

  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(flashOf, (flash) => {
        expect(decodeFlash(encodeFlash(flash))).toEqual({ ok: true, value: flash })
      }),
    )
  })

  it('takes a memory of before a field existed', () => {
    const flash = provisioned({ GPP_A: '1' })
    const before = { ...(JSON.parse(encodeFlash(flash)) as object), editsUnreported: undefined, tr069: undefined }
    expect(decodeFlash(JSON.stringify(before))).toEqual({ ok: true, value: flash })
  })

  it('takes a memory in which the last try of the custom CA is a sentence', () => {
    const flash = provisioned({ GPP_A: '1' }, { customCa: { pem: 'PEM', last: undefined, info: 'x', rule: 'r' } })
    const json = JSON.parse(encodeFlash(flash)) as { readonly customCa: object }
    const before = {
      ...json,
      customCa: { ...json.customCa, status: 'Last provisioning succeeded on 03/10/2026 12:00:21' },
    }
    expect(decodeFlash(JSON.stringify(before))).toEqual({ ok: true, value: flash })
    const broken = { ...json, customCa: { ...json.customCa, last: { ok: 'yes', at: 1 } } }
    expect(decodeFlash(JSON.stringify(broken)).ok).toBe(false)
  })

  it('refuses anything else without throwing or quoting it', () => {
    const text = encodeFlash(provisioned({ GPP_SA: 'secret-register-a' }))
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 3 }), fc.jsonValue(), (at, piece, json) => {
        for (const broken of [
          text.slice(0, at),
          text.slice(0, at) + piece + text.slice(at + 1),
          JSON.stringify(json),
          piece,
        ]) {
          const decoded = decodeFlash(broken)
          if (!decoded.ok) expect(decoded.error.message).not.toContain('secret-register')
          else expect(decoded.value.parameters).toBeInstanceOf(Map)
        }
      }),
    )
  })
})
