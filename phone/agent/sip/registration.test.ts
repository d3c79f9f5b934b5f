import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { checkDigest, digestChallengeHeader, parseDigestAuthorization } from '../../../protocol/http/mod.ts'
import { header } from '../../../protocol/sip/mod.ts'
import type { SipRequest } from '../../../protocol/sip/mod.ts'
import type { Agent, AgentAction } from '../types.ts'
import { lineStates, linesWake, secondsWithoutRegistration, stepLines } from './mod.ts'
import type { LinesInput } from './mod.ts'
import { grant, PASSWORD, phone, PROXY, reply, said, seeded, sent, START, withValues } from './testdata/phone.ts'

const CHALLENGE = { realm: 'example.net', nonce: 'n1', qop: 'auth', algorithm: 'MD5', stale: false } as const

/** Plays inputs one after the other and keeps the last actions. */
class Line {
  agent: Agent
  actions: readonly AgentAction[] = []
  readonly all: AgentAction[] = []
  now = START
  readonly #rng = seeded(7)

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.agent = phone(values)
  }

  step(input: LinesInput, now = this.now): this {
    this.now = now
    const done = stepLines(this.agent, input, now, this.#rng)
    this.agent = done.agent
    this.actions = done.actions
    this.all.push(...done.actions)
    return this
  }

  receive(bytes: Uint8Array, now = this.now): this {
    return this.step({ kind: 'received', peer: PROXY, bytes }, now)
  }

  /** Jumps to the next wake-up. */
  wake(): this {
    const at = linesWake(this.agent.ram.lines)
    expect(at).toBeDefined()
    return this.step({ kind: 'tick' }, at)
  }

  get request(): SipRequest | undefined {
    return sent(this.actions).at(-1)
  }

  get state() {
    return lineStates(this.agent, this.now)[0]?.state
  }
}

function registered(values: Readonly<Record<string, string>> = {}): Line {
  const line = new Line(values).step({ kind: 'start' })
  return line.receive(grant(line.request))
}

describe('a line at its registrar', () => {
  it('registers every enabled line at its proxy when it starts [MPP §13.4] [RFC 3261 §10.2]', () => {
    const line = new Line({
      User_ID_2_: '1002',
      Proxy_2_: 'b.example.net:5070',
      User_ID_3_: '1003',
      Proxy_3_: 'c',
      Register_3_: 'No',
    })
    line.step({ kind: 'start' })
    expect(sent(line.actions).map((request) => [request.method, request.uri, header(request, 'Expires')])).toEqual([
      ['REGISTER', 'sip:sip.example.net', '3600'],
      ['REGISTER', 'sip:b.example.net:5070', '3600'],
    ])
    const first = sent(line.actions)[0]
    expect(first === undefined ? '' : header(first, 'Contact')).toBe('<sip:1001@192.0.2.5:5060>;expires=3600')
    expect(first === undefined ? '' : header(first, 'User-Agent')).toBe('Cisco-CP-8851-3PCC/12.0.2')
    expect(
      lineStates(line.agent, START)
        .map(({ state }) => state)
        .slice(0, 4),
    ).toEqual(['registering', 'registering', 'off', 'off'])
  })

  it.each([
    ['a line out of service', { Line_Enable_1_: 'No' }],
    ['a line that shall not register', { Register_1_: 'No' }],
    ['a line without user', { User_ID_1_: '' }],
    ['a line without proxy', { Proxy_1_: '' }],
    ['a proxy outside of the allowed domains', { Restricted_Access_Domains: 'other.example,example.org' }],
  ])('does not register %s [MPP §13.4] [MPP §7.2]', (_, values) => {
    expect(new Line(values).step({ kind: 'start' }).actions).toEqual([])
  })

  it('sends to the outbound proxy over the transport of the line [MPP §13.4]', () => {
    const line = new Line({
      Outbound_Proxy_1_: 'edge.example.net',
      SIP_Transport_1_: 'TLS',
      Restricted_Access_Domains: 'example.net',
    })
    const action = line.step({ kind: 'start' }).actions[0]
    expect(action).toMatchObject({ kind: 'send-sip', peer: { host: 'edge.example.net', port: 5061, transport: 'tls' } })
    expect(line.request?.uri).toBe('sip:sip.example.net')
  })

  it('uses the SIP URI as its address where one is set [MPP §13.4]', () => {
    const line = new Line({ SIP_URI_1_: 'ann@voice.example' }).step({ kind: 'start' })
    expect(line.request === undefined ? '' : header(line.request, 'To')).toContain('sip:ann@voice.example')
  })

  it('says registered once and refreshes before the time granted ends [RFC 3261 §10.2.4]', () => {
    const line = new Line().step({ kind: 'start' })
    line.receive(grant(line.request, 600))
    expect(said(line.actions)).toEqual(['registered'])
    expect(line.state).toBe('registered')
    expect(linesWake(line.agent.ram.lines)).toBe(START + 568_000)
    line.wake().receive(grant(line.request, 600))
    expect(said(line.actions)).toEqual([])
    expect(line.state).toBe('registered')
  })

  it('takes Expires where Contact says nothing [RFC 3261 §10.3]', () => {
    const line = new Line().step({ kind: 'start' })
    line.receive(reply(line.request, 200, [['Expires', '100']]))
    expect(linesWake(line.agent.ram.lines)).toBe(START + 68_000)
  })

  it('counts the seconds without registration, and none while registered [MPP §3.3]', () => {
    const line = new Line().step({ kind: 'start' })
    expect(secondsWithoutRegistration(line.agent, 1, START + 5000)).toBe(5)
    line.receive(grant(line.request))
    expect(secondsWithoutRegistration(line.agent, 1, START + 9000)).toBe(0)
    line.step({ kind: 'tick' }, START + 3_568_000).step({ kind: 'failed', peer: PROXY, detail: 'refused' })
    expect(secondsWithoutRegistration(line.agent, 1, line.now + 7000)).toBe(7)
  })
})

describe('a challenged registration', () => {
  it.each(['MD5', 'SHA-256'] as const)(
    'answers a %s challenge with the credentials of the line [RFC 3261 §22.2]',
    (algorithm) => {
      const line = new Line({ Auth_ID_1_: 'auth-1001' }).step({ kind: 'start' })
      const before = line.request
      line.receive(reply(before, 401, [['WWW-Authenticate', digestChallengeHeader({ ...CHALLENGE, algorithm })]]))
      const digest = parseDigestAuthorization(
        line.request === undefined ? '' : (header(line.request, 'Authorization') ?? ''),
      )
      expect(digest?.username).toBe('auth-1001')
      const uri = 'sip:sip.example.net'
      expect(
        digest !== undefined && checkDigest(digest, { method: 'REGISTER', uri, password: PASSWORD, algorithm }),
      ).toBe(true)
      expect(line.request === undefined ? '' : header(line.request, 'Call-ID')).toBe(
        before === undefined ? '-' : header(before, 'Call-ID'),
      )
      line.receive(grant(line.request))
      expect(line.state).toBe('registered')
    },
  )

  it('answers a proxy with Proxy-Authorization [RFC 3261 §22.3]', () => {
    const line = new Line().step({ kind: 'start' })
    line.receive(reply(line.request, 407, [['Proxy-Authenticate', digestChallengeHeader(CHALLENGE)]]))
    expect(line.request === undefined ? undefined : header(line.request, 'Proxy-Authorization')).toContain('nonce="n1"')
  })

  it('answers a stale nonce once more, then gives up [RFC 3261 §22.1]', () => {
    const line = new Line().step({ kind: 'start' })
    const stale = (nonce: string) =>
      [['WWW-Authenticate', digestChallengeHeader({ ...CHALLENGE, nonce, stale: true })]] as const
    line.receive(reply(line.request, 401, stale('a'))).receive(reply(line.request, 401, stale('b')))
    expect(line.request === undefined ? '' : header(line.request, 'Authorization')).toContain('nonce="b"')
    line.receive(reply(line.request, 401, stale('c')))
    expect(said(line.actions)).toEqual(['registration-failed'])
    expect(line.request).toBeUndefined()
  })

  it('gives up at once when its password is wrong, and tells the status but no secret [RFC 3261 §22.2]', () => {
    const line = new Line().step({ kind: 'start' })
    const again = [['WWW-Authenticate', digestChallengeHeader(CHALLENGE)]] as const
    line.receive(reply(line.request, 401, again)).receive(reply(line.request, 401, again, `bad ${PASSWORD}`))
    expect(line.actions).toMatchObject([
      { event: { name: 'registration-failed', data: { line: 1, status: 401, retrySeconds: 1200 } } },
    ])
    expect(JSON.stringify(line.actions).includes(PASSWORD)).toBe(false)
  })

  it('signs a refresh with the nonce that it knows, counting up [RFC 3261 §22.2] [RFC 7616 §3.4]', () => {
    const line = new Line().step({ kind: 'start' })
    line.receive(reply(line.request, 401, [['WWW-Authenticate', digestChallengeHeader(CHALLENGE)]]))
    line.receive(grant(line.request)).wake()
    expect(line.request === undefined ? '' : header(line.request, 'Authorization')).toContain('nc=00000002')
  })
})

describe('a registration that fails', () => {
  it('asks for longer when the registrar finds it too brief [RFC 3261 §10.2.8]', () => {
    const line = new Line({ Register_Expires_1_: '60' }).step({ kind: 'start' })
    line.receive(reply(line.request, 423, [['Min-Expires', '1800']]))
    expect(line.request === undefined ? '' : header(line.request, 'Expires')).toBe('1800')
    line.receive(reply(line.request, 423, [['Min-Expires', '3600']]))
    expect(line.state).toBe('failed')
  })

  it('refuses a Min-Expires beyond Reg_Max_Expires [MPP §13.8]', () => {
    const line = new Line({ Register_Expires_1_: '60' }).step({ kind: 'start' })
    line.receive(reply(line.request, 423, [['Min-Expires', '7201']]))
    expect(line.state).toBe('failed')
  })

  it.each([
    ['a code that is not listed waits the long interval', {}, 403, 1200],
    ['a listed code waits the short interval', { Retry_Reg_RSC: '5??, 40*' }, 403, 30],
    ['0 stops', { Reg_Retry_Long_Intvl: '0' }, 403, undefined],
    ['Retry-After counts where it is longer', { Retry_Reg_RSC: '503' }, 503, 90],
  ])('retries by its parameters: %s [MPP §13.8]', (_, values, status, seconds) => {
    const line = new Line(values).step({ kind: 'start' })
    line.receive(reply(line.request, status, status === 503 ? [['Retry-After', '90 (busy)']] : []))
    expect(linesWake(line.agent.ram.lines)).toBe(seconds === undefined ? undefined : START + seconds * 1000)
  })

  it('backs off up to the cap when nobody answers [MPP §13.8]', () => {
    const line = new Line({ Reg_Retry_Intvl: '10', Reg_Retry_Intvl_Cap: '35' }).step({ kind: 'start' })
    const waits: number[] = []
    for (let round = 0; round < 4; round += 1) {
      line.step({ kind: 'failed', peer: PROXY, detail: 'refused' })
      waits.push((linesWake(line.agent.ram.lines) ?? 0) - line.now)
      line.wake()
    }
    expect(waits).toEqual([10_000, 20_000, 35_000, 35_000])
  })

  it('retransmits over UDP at T1, doubling up to T2, until Timer F [RFC 3261 §17.1.2.2] [MPP §13.8]', () => {
    const line = new Line({ SIP_T1: '.5', SIP_T2: '2', SIP_Timer_F: '8' }).step({ kind: 'start' })
    const times: number[] = []
    for (let round = 0; round < 20 && line.state === 'registering'; round += 1) {
      line.wake()
      if (line.request !== undefined) times.push(line.now - START)
    }
    expect(times).toEqual([500, 1500, 3500, 5500, 7500])
    expect(line.now - START).toBe(8000)
    expect(said(line.actions)).toEqual(['registration-failed'])
  })

  it('does not retransmit over TCP [RFC 3261 §17.1.2.2]', () => {
    const line = new Line({ SIP_Transport_1_: 'TCP' }).step({ kind: 'start' })
    expect(linesWake(line.agent.ram.lines)).toBe(START + 16_000)
  })

  it('ignores a failed delivery to someone else', () => {
    const line = new Line().step({ kind: 'start' })
    line.step({ kind: 'failed', peer: { ...PROXY, port: 5999 }, detail: 'refused' })
    expect(line.state).toBe('registering')
  })

  it('believes no answer with another branch [RFC 3261 §17.1.3]', () => {
    const line = new Line().step({ kind: 'start' })
    const forged = new TextDecoder().decode(grant(line.request)).replace(/z9hG4bK/, 'z9hG4bKx')
    expect(line.receive(new TextEncoder().encode(forged)).state).toBe('registering')
  })
})

describe('a registration that is taken back', () => {
  it('unregisters with Expires 0 when the phone stops [RFC 3261 §10.2.2]', () => {
    const line = registered().step({ kind: 'stop' })
    expect(line.request === undefined ? '' : header(line.request, 'Expires')).toBe('0')
    expect(said(line.actions)).toEqual(['unregistered'])
    expect(line.receive(reply(line.request, 200)).agent.ram.lines.leaving).toEqual([])
  })

  it('answers the challenge of its last request too [RFC 3261 §22.2]', () => {
    const line = registered().step({ kind: 'stop' })
    line.receive(reply(line.request, 401, [['WWW-Authenticate', digestChallengeHeader(CHALLENGE)]]))
    expect(line.request === undefined ? undefined : header(line.request, 'Authorization')).toBeDefined()
    expect(line.request === undefined ? '' : header(line.request, 'Expires')).toBe('0')
  })

  it('leaves the old account and registers the new one when its parameters change [MPP §13.4]', () => {
    const line = registered()
    line.agent = withValues(line.agent, { User_ID_1_: '2002' })
    line.step({ kind: 'config-changed' })
    expect(sent(line.actions).map((request) => [header(request, 'To'), header(request, 'Expires')])).toEqual([
      ['<sip:1001@sip.example.net>', '0'],
      ['<sip:2002@sip.example.net>', '3600'],
    ])
  })

  it('leaves a line alone when other parameters change', () => {
    const line = registered()
    line.agent = withValues(line.agent, { Dial_Plan_1_: '(xx)', Reg_Retry_Intvl: '5' })
    expect(line.step({ kind: 'config-changed' }).actions).toEqual([])
    expect(line.state).toBe('registered')
  })

  it('gives up on an answer that never comes', () => {
    const line = registered().step({ kind: 'stop' })
    for (let round = 0; round < 20 && linesWake(line.agent.ram.lines) !== undefined; round += 1) line.wake()
    expect(line.agent.ram.lines.leaving).toEqual([])
  })
})

describe('all lines', () => {
  it('never says a secret and never throws, whatever the registrar answers', () => {
    const answer = fc.record({
      status: fc.integer({ min: 100, max: 699 }),
      seconds: fc.integer({ min: -1, max: 90_000 }),
      stale: fc.boolean(),
      wait: fc.integer({ min: 0, max: 2_000_000 }),
    })
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 12 }), fc.string({ maxLength: 12 }), (turns, nonce) => {
        const line = new Line().step({ kind: 'start' })
        for (const { status, seconds, stale, wait } of turns) {
          const clean = nonce.replace(/[^\x20-\x7e]/g, '')
          const challenge = digestChallengeHeader({ ...CHALLENGE, nonce: clean, stale })
          const name = status === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate'
          const headers = [
            [name, challenge],
            ['Min-Expires', String(seconds)],
            ['Expires', String(seconds)],
          ] as const
          if (line.request !== undefined) line.receive(reply(line.request, status, headers, `echo ${PASSWORD}`))
          line.step({ kind: 'tick' }, line.now + wait)
        }
        const words = line.all.filter((action) => action.kind === 'say')
        return !JSON.stringify(words).includes(PASSWORD) && line.agent.ram.lines.registrations.length === 1
      }),
      { numRuns: 150 },
    )
  })

  it('throws for no bytes at all, random or truncated', () => {
    const line = new Line().step({ kind: 'start' })
    const good = grant(line.request)
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat({ max: good.length }).map((end) => good.subarray(0, end)),
    )
    fc.assert(
      fc.property(bytes, (received) => {
        const step = stepLines(line.agent, { kind: 'received', peer: PROXY, bytes: received }, START, seeded(3))
        return step.commands.length === 0
      }),
    )
  })
})
