import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkDigest, digestChallengeHeader, parseDigestAuthorization } from '../../../protocol/http/mod.ts'
import { assert } from '../../../protocol/result.ts'
import { buildResponse, decodeSip, header, type SipHeader, type SipRequest } from '../../../protocol/sip/mod.ts'
import { plant } from '../../testing-facts.ts'
import { eventHeader } from './event-header.ts'
import {
  CHALLENGES_MAX,
  type NotifyCall,
  type NotifyOutput,
  type NotifyState,
  notifyWake,
  startNotify,
  stepNotify,
} from './notify-transaction.ts'

const PROXY_PASSWORD = plant('c-notify-proxy-pw-81')
const LINE_PASSWORD = plant('c-notify-line-pw-82')
const CALL: NotifyCall = {
  event: 'resync',
  userId: '1001',
  domain: 'sip.example.net',
  from: { user: 'offhook', host: 'proxy.example.net' },
  via: { transport: 'UDP', host: '192.0.2.9', port: 5070 },
  proxyAccount: { username: 'offhook', password: PROXY_PASSWORD },
  lineAccount: { username: 'a1001', password: LINE_PASSWORD },
  userAgent: 'Offhook',
}
const START = 1_700_000_000_000

/** A conversation in virtual time; everything that went out is kept. */
class Talk {
  state: NotifyState
  now = START
  readonly outputs: NotifyOutput[] = []
  #names = 0

  constructor(call: NotifyCall = CALL) {
    const step = startNotify(call, this.now, () => this.#fresh())
    this.state = step.state
    this.outputs.push(...step.outputs)
  }

  #fresh(): string {
    this.#names += 1
    return `n${this.#names}`
  }

  input(input: Parameters<typeof stepNotify>[1]): this {
    const step = stepNotify(this.state, input, this.now, () => this.#fresh())
    this.state = step.state
    this.outputs.push(...step.outputs)
    return this
  }

  /** Jumps from wake to wake until then. */
  pass(ms: number): this {
    const until = this.now + ms
    for (;;) {
      const wake = notifyWake(this.state)
      if (wake === undefined || wake > until) break
      this.now = Math.max(this.now, wake)
      this.input({ kind: 'timer' })
    }
    this.now = until
    return this
  }

  sent(): readonly SipRequest[] {
    return this.outputs.flatMap((output) => {
      if (output.kind !== 'send') return []
      const decoded = decodeSip(output.bytes)
      assert(decoded.ok && decoded.value.kind === 'request', 'we send requests')
      return [decoded.value]
    })
  }

  last(): SipRequest {
    const request = this.sent().at(-1)
    assert(request !== undefined, 'something was sent')
    return request
  }

  answer(status: number, headers: readonly SipHeader[] = [], reason = 'Because'): this {
    return this.input({
      kind: 'response',
      response: buildResponse(this.last(), { status, reason, headers, toTag: 't' }),
    })
  }

  challenge(
    status: 401 | 407,
    nonce: string,
    more: { qop?: string; stale?: boolean; algorithm?: 'MD5' | 'SHA-256' } = {},
  ) {
    const { qop = 'auth', stale = false, algorithm = 'MD5' } = more
    const realm = status === 401 ? 'phone' : 'proxy'
    const value = digestChallengeHeader({ realm, nonce, qop, algorithm, stale })
    return this.answer(status, [[status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate', value]])
  }

  kinds(): readonly string[] {
    return this.outputs.map(({ kind }) => kind)
  }

  end(): NotifyOutput | undefined {
    return this.outputs.find(({ kind }) => kind === 'accepted' || kind === 'failed')
  }
}

function proves(request: SipRequest, name: string, expected: { realm: string; password: string; username: string }) {
  const digest = parseDigestAuthorization(header(request, name) ?? '')
  return (
    digest !== undefined &&
    checkDigest(digest, { ...expected, method: 'NOTIFY', uri: request.uri, body: request.body, qopRequired: true })
  )
}
const OUR_ACCOUNT = { realm: 'proxy', password: PROXY_PASSWORD, username: 'offhook' }
const THE_LINE = { realm: 'phone', password: LINE_PASSWORD, username: 'a1001' }

describe('a NOTIFY', () => {
  it.each([
    ['resync', undefined, 'resync'],
    ['resync', 'http://h/p.xml', 'resync;profile="http://h/p.xml"'],
    ['reboot', undefined, 'reboot_now'],
    ['restart', undefined, 'restart_now'],
    ['report', undefined, 'report'],
    ['reboot', 'http://h/p.xml', 'reboot_now'],
  ] as const)('for %s (profile %s) has the Event header %s [MPP §8]', (kind, profile, event) => {
    const talk = new Talk({ ...CALL, event: eventHeader(kind, profile) })
    expect(header(talk.last(), 'Event')).toBe(event)
  })

  it('names the line, us, and has no body [RFC 3261 §8.1.1] [MPP §8]', () => {
    const request = new Talk().last()
    expect([request.method, request.uri, request.body.length]).toEqual(['NOTIFY', 'sip:1001@sip.example.net', 0])
    expect(header(request, 'From')).toMatch(/^<sip:offhook@proxy\.example\.net>;tag=n\d+$/)
    expect(header(request, 'To')).toBe('<sip:1001@sip.example.net>')
    expect(header(request, 'CSeq')).toBe('1 NOTIFY')
    expect(header(request, 'Via')).toMatch(/^SIP\/2\.0\/UDP 192\.0\.2\.9:5070;branch=z9hG4bKn\d+;rport$/)
  })

  it.each([
    ['sip.example.net:5080', 'sip:1001@sip.example.net:5080'],
    ['192.0.2.1', 'sip:1001@192.0.2.1'],
    ['[2001:db8::1]:5080', 'sip:1001@[2001:db8::1]:5080'],
  ])('for a line at %s goes to %s', (domain, uri) => {
    expect(new Talk({ ...CALL, domain }).last().uri).toBe(uri)
  })

  it('is repeated over UDP after 0.5, 1, 2, 4, 4 … s and given up after 32 [RFC 3261 §17.1.2.2]', () => {
    const talk = new Talk()
    const times: number[] = []
    while (talk.end() === undefined) {
      const before = talk.sent().length
      talk.pass(100)
      if (talk.sent().length > before) times.push((talk.now - START) / 1000)
    }
    expect(times).toEqual([0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5])
    expect(talk.now - START).toBe(32_000)
    expect(talk.end()).toEqual({ kind: 'failed', failure: { kind: 'silence' } })
    expect(new Set(talk.sent().map((request) => header(request, 'Via'))).size).toBe(1)
  })

  it('is not repeated over TCP, and given up after 32 s [RFC 3261 §17.1.2.2]', () => {
    const talk = new Talk({ ...CALL, via: { ...CALL.via, transport: 'TCP' } }).pass(40_000)
    expect(talk.sent()).toHaveLength(1)
    expect(talk.end()).toEqual({ kind: 'failed', failure: { kind: 'silence' } })
  })

  it('is repeated every 4 s once somebody is at work on it [RFC 3261 §17.1.2.2]', () => {
    const talk = new Talk().answer(100, [], 'Trying').pass(9_000)
    expect(talk.sent()).toHaveLength(1 + 3)
    expect(talk.end()).toBeUndefined()
  })

  it('takes in repeated answers for 5 s over UDP and for none over TCP [RFC 3261 §17.1.2.2]', () => {
    const udp = new Talk().answer(200).answer(200)
    expect(udp.kinds()).toEqual(['send', 'accepted'])
    expect(udp.pass(4_999).state.phase).toBe('completed')
    expect(udp.pass(1).state.phase).toBe('terminated')
    const tcp = new Talk({ ...CALL, via: { ...CALL.via, transport: 'TCP' } }).answer(200)
    expect(tcp.state.phase).toBe('terminated')
  })

  it('ends when it cannot be delivered', () => {
    const talk = new Talk().input({ kind: 'undelivered', detail: 'refused' }).answer(200)
    expect(talk.end()).toEqual({ kind: 'failed', failure: { kind: 'undelivered', detail: 'refused' } })
  })

  it.each([302, 403, 404, 480, 489, 503, 603])('that is answered %i has failed', (status) => {
    expect(new Talk().answer(status).end()).toEqual({
      kind: 'failed',
      failure: { kind: 'refused', status, reason: 'Because' },
    })
  })
})

describe('a challenge', () => {
  it('of the proxy, then of the phone, is answered with the account and the credentials of the line [RFC 3261 §22.3]', () => {
    const talk = new Talk().challenge(407, 'p1').challenge(401, 'w1').pass(100)
    talk.answer(200)
    const [first, second, third] = talk.sent()
    assert(first !== undefined && second !== undefined && third !== undefined, 'three requests went out')
    expect(talk.kinds()).toEqual(['send', 'challenged', 'send', 'challenged', 'send', 'accepted'])
    expect(proves(second, 'Proxy-Authorization', OUR_ACCOUNT)).toBe(true)
    expect(header(second, 'Authorization')).toBeUndefined()
    expect(proves(third, 'Proxy-Authorization', OUR_ACCOUNT)).toBe(true)
    expect(proves(third, 'Authorization', THE_LINE)).toBe(true)
    // The same call goes on: RFC 3261 §22.2, §8.1.1.7.
    expect(talk.sent().map((request) => header(request, 'CSeq'))).toEqual(['1 NOTIFY', '2 NOTIFY', '3 NOTIFY'])
    expect(new Set(talk.sent().map((request) => header(request, 'Call-ID'))).size).toBe(1)
    expect(new Set(talk.sent().map((request) => header(request, 'From'))).size).toBe(1)
    expect(new Set(talk.sent().map((request) => header(request, 'Via'))).size).toBe(3)
    expect(header(third, 'Proxy-Authorization')).toContain('nc=00000002')
    expect(talk.end()).toMatchObject({ kind: 'accepted', status: 200, sentAt: START })
  })

  it.each([
    ['auth', 'auth'],
    ['auth-int', 'auth-int'],
    ['auth,auth-int', 'auth'],
  ])('with qop %s is answered with %s [RFC 7616 §3.4]', (qop, chosen) => {
    const request = new Talk().challenge(407, 'p1', { qop }).last()
    expect(header(request, 'Proxy-Authorization')).toContain(`qop=${chosen}`)
    expect(proves(request, 'Proxy-Authorization', OUR_ACCOUNT)).toBe(true)
  })

  it('by SHA-256 is answered too [RFC 8760]', () => {
    const request = new Talk().challenge(401, 'w1', { algorithm: 'SHA-256' }).last()
    expect(proves(request, 'Authorization', THE_LINE)).toBe(true)
  })

  it.each([
    [407, 'proxy'],
    [401, 'line'],
  ] as const)('%i that comes again means that the credentials of the %s are wrong', (status, of) => {
    for (const nonce of ['n1', 'n2']) {
      const talk = new Talk().challenge(status, 'n1').challenge(status, nonce)
      expect(talk.end()).toEqual({ kind: 'failed', failure: { kind: 'wrong-credentials', of } })
      expect(talk.sent()).toHaveLength(2)
    }
  })

  it('with a stale nonce is answered again, but not for ever [RFC 7616 §3.3]', () => {
    const talk = new Talk().challenge(401, 'n1').challenge(401, 'n2', { stale: true }).answer(200)
    expect(talk.end()).toMatchObject({ kind: 'accepted' })
    const endless = new Talk()
    for (let count = 0; count < 20; count += 1) endless.challenge(401, `n${count}`, { stale: true })
    expect(endless.sent()).toHaveLength(1 + CHALLENGES_MAX)
    expect(endless.end()).toMatchObject({ failure: { kind: 'wrong-credentials' } })
  })

  it('of a proxy that takes each nonce once is answered again after the phone’s', () => {
    const talk = new Talk().challenge(407, 'p1').challenge(401, 'w1').challenge(407, 'p2').answer(202)
    expect(talk.end()).toMatchObject({ kind: 'accepted', status: 202 })
    expect(proves(talk.last(), 'Authorization', THE_LINE)).toBe(true)
    const used = new Talk().challenge(407, 'p1').challenge(401, 'w1').challenge(407, 'p1')
    expect(used.end()).toMatchObject({ failure: { kind: 'wrong-credentials', of: 'proxy' } })
  })

  it('of the proxy is not answered without an account, nor one that we cannot read', () => {
    expect(new Talk({ ...CALL, proxyAccount: undefined }).challenge(407, 'p').end()).toEqual({
      kind: 'failed',
      failure: { kind: 'no-account' },
    })
    expect(new Talk().answer(407, [['Proxy-Authenticate', 'Basic realm="x"']]).end()).toEqual({
      kind: 'failed',
      failure: { kind: 'unknown-challenge', status: 407 },
    })
  })
})

describe('an answer', () => {
  it('to another branch, call, number or method is none of ours [RFC 3261 §17.1.3]', () => {
    for (const [name, value] of [
      ['Via', 'SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKother'],
      ['Call-ID', 'other'],
      ['CSeq', '2 NOTIFY'],
      ['CSeq', '1 REGISTER'],
    ] as const) {
      const talk = new Talk()
      const right = buildResponse(talk.last(), { status: 200, reason: 'OK' })
      const headers = right.headers.map(([found, text]): SipHeader => (found === name ? [name, value] : [found, text]))
      talk.input({ kind: 'response', response: { ...right, headers } })
      expect([name, value, talk.end()]).toEqual([name, value, undefined])
    }
  })

  it('of any kind at any time ends the talk once, within time and tries', () => {
    const happening = fc.oneof(
      fc.record({ kind: fc.constant('status' as const), status: fc.integer({ min: 100, max: 699 }) }),
      fc.record({
        kind: fc.constant('challenge' as const),
        status: fc.constantFrom(401 as const, 407 as const),
        nonce: fc.constantFrom('a', 'b', 'c'),
        stale: fc.boolean(),
        qop: fc.constantFrom('auth', 'auth-int', 'x', ''),
      }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
      fc.constant({ kind: 'lost' as const }),
    )
    fc.assert(
      fc.property(
        fc.array(happening, { maxLength: 30 }),
        fc.constantFrom('UDP' as const, 'TCP' as const),
        (all, transport) => {
          const talk = new Talk({ ...CALL, via: { ...CALL.via, transport } })
          for (const each of all) {
            if (each.kind === 'status') talk.answer(each.status)
            else if (each.kind === 'challenge') talk.challenge(each.status, each.nonce, each)
            else if (each.kind === 'pass') talk.pass(each.ms)
            else talk.input({ kind: 'undelivered', detail: 'x' })
          }
          talk.pass(40_000)
          const ends = talk.kinds().filter((kind) => kind === 'accepted' || kind === 'failed')
          const text = talk
            .sent()
            .map((request) => JSON.stringify(request.headers))
            .join()
          return (
            ends.length === 1 &&
            notifyWake(talk.state) === undefined &&
            new Set(talk.sent().map((request) => header(request, 'CSeq'))).size <= 1 + CHALLENGES_MAX &&
            !text.includes(LINE_PASSWORD) &&
            !text.includes(PROXY_PASSWORD)
          )
        },
      ),
    )
  })

  it('of random, cut or changed bytes changes nothing or ends it, and never throws', () => {
    const talk = new Talk()
    const good = `SIP/2.0 401 No\r\nVia: ${header(talk.last(), 'Via') ?? ''}\r\nCall-ID: ${header(talk.last(), 'Call-ID') ?? ''}\r\nCSeq: 1 NOTIFY\r\nWWW-Authenticate: Digest realm="r", nonce="n"\r\n\r\n`
    const bytes = new TextEncoder().encode(good)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(bytes.length),
        fc.uint8Array({ maxLength: 200 }),
        (changes, cut, random) => {
          const changed = bytes.slice(0, cut)
          for (const [at, value] of changes) if (at < changed.length) changed[at] = value
          for (const each of [changed, random]) {
            const decoded = decodeSip(each)
            if (!decoded.ok || decoded.value.kind !== 'response') continue
            const step = stepNotify(talk.state, { kind: 'response', response: decoded.value }, START, () => 'x')
            expect(step.outputs.length).toBeLessThanOrEqual(2)
          }
        },
      ),
    )
  })
})
