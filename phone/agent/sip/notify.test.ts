import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { digestAuthorization, parseAuthChallenges } from '../../../protocol/http/mod.ts'
import { buildRequest, encodeSip, header } from '../../../protocol/sip/mod.ts'
import type { SipHeader } from '../../../protocol/sip/mod.ts'
import type { Agent, Command, SipPeer } from '../types.ts'
import { stepLines } from './mod.ts'
import { answers, grant, PASSWORD, phone, PROXY, seeded, sent, START } from './testdata/phone.ts'

const URI = 'sip:1001@192.0.2.5:5060'
let branches = 0

function request(method: string, headers: readonly SipHeader[] = [], uri = URI, cseq = 1): Uint8Array {
  branches += 1
  const via = { transport: 'UDP', host: 'sip.example.net', port: 5060 } as const
  const common = { fromTag: 'f', callId: `c${branches}`, branch: `z9hG4bK${branches}`, via }
  return encodeSip(buildRequest({ ...common, method, uri, from: 'sip:nps@example.net', to: uri, cseq, headers }))
}

function started(values: Readonly<Record<string, string>>): Agent {
  return stepLines(phone(values), { kind: 'start' }, START, seeded(5)).agent
}

function receive(agent: Agent, bytes: Uint8Array, peer: SipPeer = PROXY, now = START) {
  const step = stepLines(agent, { kind: 'received', peer, bytes }, now, seeded(now % 1000))
  const [answer] = answers(step.actions)
  return { ...step, answer, status: answer?.status }
}

const OPEN = { 'Auth_Resync-Reboot_1_': 'No' }

/** Answers the challenge of a response as the provider's proxy would. */
function credentials(agent: Agent, event: string, password = PASSWORD, username = '1001') {
  const first = receive(agent, request('NOTIFY', [['Event', event]]))
  const found = parseAuthChallenges(
    first.answer === undefined ? '' : (header(first.answer, 'WWW-Authenticate') ?? ''),
  )[0]
  if (found?.scheme !== 'digest') throw new Error('no challenge')
  const answer = { username, password, method: 'NOTIFY', uri: URI, cnonce: 'c', nonceCount: 1 }
  const signed: readonly SipHeader[] = [
    ['Event', event],
    ['Authorization', digestAuthorization(found.challenge, answer)],
  ]
  return { first, signed }
}

describe('NOTIFY', () => {
  const RESYNC: Command = { kind: 'resync', rule: undefined, by: 'sip', callerAddress: PROXY.host }
  const REBOOT: Command = { kind: 'reboot', reason: 'SIP Triggered', resyncAfter: false }
  it.each<[string, number, readonly Command[]]>([
    ['resync', 200, [RESYNC]],
    ['Resync', 200, [RESYNC]],
    ['resync;profile="http://h/p.xml"', 200, [{ ...RESYNC, rule: 'http://h/p.xml' }]],
    ['resync;profile="[--key $SA] https://h/p;x=1"', 200, [{ ...RESYNC, rule: '[--key $SA] https://h/p;x=1' }]],
    ['resync;profile="ftp://h/p"', 400, []],
    ['reboot_now', 200, [REBOOT]],
    ['restart_now', 200, [REBOOT]],
    ['reboot', 200, [REBOOT]],
    ['restart', 200, [REBOOT]],
    ['report', 200, [{ kind: 'report' }]],
    ['factory-reset', 200, [{ kind: 'factory-reset' }]],
    ['check-sync', 489, []],
    ['prt-gen', 200, [{ kind: 'problem-report', description: 'Remote PRT Trigger' }]],
    ['XML-service', 489, []],
    ['', 489, []],
  ])('answers the event %s with %i [MPP §8]', (event, status, commands) => {
    const step = receive(started(OPEN), request('NOTIFY', [['Event', event]]))
    expect([step.status, step.commands]).toEqual([status, commands])
  })

  it.each([
    ['Resync_From_SIP', 'resync', 403],
    ['Provision_Enable', 'resync', 403],
    ['Resync_From_SIP', 'reboot', 200],
  ])('obeys %s = No for %s [MPP §5.1] [MPP §8]', (element, event, status) => {
    const step = receive(started({ ...OPEN, [element]: 'No' }), request('NOTIFY', [['Event', event]]))
    expect(step.status).toBe(status)
    expect(step.commands.length).toBe(status === 200 ? 1 : 0)
  })

  it('is challenged with 401 and honoured with the credentials of the line [MPP §8] [RFC 3261 §22]', () => {
    const { first, signed } = credentials(started({}), 'resync')
    expect([first.status, first.commands]).toEqual([401, []])
    const second = receive(first.agent, request('NOTIFY', signed))
    expect([second.status, second.commands]).toEqual([200, [RESYNC]])
  })

  it.each([
    ['another password', 'Yq8-other-secret', '1001'],
    ['another user', PASSWORD, '1002'],
    ['no password', '', '1001'],
  ])('is refused with %s [MPP §8]', (_, password, username) => {
    const { first, signed } = credentials(started({}), 'reboot', password, username)
    const second = receive(first.agent, request('NOTIFY', signed))
    expect([second.status, second.commands]).toEqual([401, []])
  })

  it('is refused on a line without password, whatever it carries [MPP §8]', () => {
    const { first, signed } = credentials(started({ Password_1_: '' }), 'reboot', '')
    expect(receive(first.agent, request('NOTIFY', signed)).status).toBe(401)
  })

  it('cannot be replayed: a nonce serves once, then it is stale [RFC 7616 §5.4]', () => {
    const { first, signed } = credentials(started({}), 'reboot')
    const once = receive(first.agent, request('NOTIFY', signed))
    const twice = receive(once.agent, request('NOTIFY', signed))
    expect([once.status, twice.status, twice.commands]).toEqual([200, 401, []])
    expect(twice.answer === undefined ? '' : header(twice.answer, 'WWW-Authenticate')).toContain('stale=true')
  })

  it('is accepted with Auth_ID as the user too [MPP §8]', () => {
    const { first, signed } = credentials(started({ Auth_ID_1_: 'a1' }), 'report', PASSWORD, 'a1')
    expect(receive(first.agent, request('NOTIFY', signed)).status).toBe(200)
  })

  it('for a user that the phone does not have is answered 404 [RFC 3261 §8.2.2.1]', () => {
    expect(receive(started(OPEN), request('NOTIFY', [['Event', 'resync']], 'sip:9999@192.0.2.5')).status).toBe(404)
  })

  it('without user means the first line [RFC 3261 §8.2.2.1]', () => {
    expect(receive(started(OPEN), request('NOTIFY', [['Event', 'resync']], 'sip:192.0.2.5')).status).toBe(200)
  })
})

describe('any request', () => {
  it.each([
    ['OPTIONS', 200],
    ['INVITE', 480],
    ['BYE', 481],
    ['CANCEL', 481],
    ['SUBSCRIBE', 405],
    ['REGISTER', 405],
    ['DANCE', 501],
    ['ACK', undefined],
  ])('%s is answered %s [RFC 3261 §8.2.1]', (method, status) => {
    const step = receive(started({}), request(method))
    expect([step.status, step.commands]).toEqual([status, []])
  })

  it('INVITE to a busy line is answered 486 [RFC 3261 §21.4.24]', () => {
    const agent = started({})
    expect(receive({ ...agent, ram: { ...agent.ram, busyLines: [1] } }, request('INVITE')).status).toBe(486)
  })

  it('that is sent again is answered alike and acted on once [RFC 3261 §17.2.2]', () => {
    const bytes = request('NOTIFY', [['Event', 'resync']])
    const once = receive(started(OPEN), bytes)
    const twice = receive(once.agent, bytes, PROXY, START + 500)
    expect([once.commands.length, twice.commands.length]).toEqual([1, 0])
    expect(twice.actions).toEqual(once.actions.filter(({ kind }) => kind === 'send-sip'))
  })

  it('from elsewhere is dropped with Block_Nonproxy_SIP [MPP §8] [MPP §13.2]', () => {
    const agent = started({ ...OPEN, Block_Nonproxy_SIP: 'Yes' })
    const bytes = request('NOTIFY', [['Event', 'resync']])
    expect(receive(agent, bytes, { ...PROXY, host: '203.0.113.9' }).actions).toEqual([])
    expect(receive(agent, bytes, { ...PROXY, port: 5999 }).actions).toEqual([])
    expect(receive(agent, bytes).status).toBe(200)
  })

  it('from the address that answered for the proxy’s name is taken with Block_Nonproxy_SIP [MPP §8] [MPP §13.2]', () => {
    const begun = stepLines(phone({ ...OPEN, Block_Nonproxy_SIP: 'Yes' }), { kind: 'start' }, START, seeded(5))
    const address: SipPeer = { host: '192.0.2.77', port: 5060, transport: 'udp' }
    const bytes = request('NOTIFY', [['Event', 'resync']])
    expect(receive(begun.agent, bytes, address).actions).toEqual([])
    const registered = receive(begun.agent, grant(sent(begun.actions)[0]), address).agent
    expect(receive(registered, bytes, address).status).toBe(200)
    expect(receive(registered, bytes, { ...address, host: '192.0.2.78' }).actions).toEqual([])
    expect(receive(registered, bytes, { ...address, port: 5061 }).actions).toEqual([])
  })

  it('over TCP may come from any port of the proxy [MPP §8] [RFC 3261 §18.1.1]', () => {
    const agent = started({ ...OPEN, Block_Nonproxy_SIP: 'Yes', SIP_Transport_1_: 'TCP' })
    const bytes = request('NOTIFY', [['Event', 'resync']])
    expect(receive(agent, bytes, { ...PROXY, port: 40_000, transport: 'tcp' }).status).toBe(200)
    const stranger: SipPeer = { host: '192.0.2.78', port: 5060, transport: 'tcp' }
    expect(receive(agent, bytes, stranger).actions).toEqual([])
  })

  it('from elsewhere is answered without Block_Nonproxy_SIP [MPP §13.2]', () => {
    expect(receive(started(OPEN), request('OPTIONS'), { ...PROXY, host: '203.0.113.9' }).status).toBe(200)
  })

  it('that is too long is refused [RFC 3261 §21.5.7]', () => {
    const step = receive(
      started(OPEN),
      request('NOTIFY', [
        ['Event', 'resync'],
        ['X', 'x'.repeat(9000)],
      ]),
    )
    expect([step.status, step.commands]).toEqual([513, []])
  })

  it('is not answered before the lines have started', () => {
    expect(receive(phone(OPEN), request('OPTIONS')).actions).toEqual([])
  })

  it('keeps memory bounded in a flood', () => {
    let { agent } = receive(started({}), request('OPTIONS'))
    for (let count = 0; count < 200; count += 1) agent = receive(agent, request('NOTIFY', [['Event', 'resync']])).agent
    expect(agent.ram.lines.answered.length).toBe(64)
    expect(agent.ram.lines.challenges.length).toBe(32)
  })

  it('never throws and shows no secret, with any method, address and headers', () => {
    const agent = started({})
    const text = fc
      .string({ unit: 'grapheme', maxLength: 40 })
      .map((value) => value.replace(/[\u0000-\u001f\u007f]/g, ''))
    const method = fc.constantFrom('NOTIFY', 'OPTIONS', 'INVITE', 'X')
    const name = fc.constantFrom('Event', 'Authorization', 'Via', 'To', 'CSeq', 'From')
    fc.assert(
      fc.property(method, fc.array(fc.tuple(name, text)), fc.integer({ min: 0, max: 600 }), (chosen, headers, cut) => {
        const bytes = request(chosen, headers)
        const received = cut < 100 ? bytes.subarray(0, cut * 5) : bytes
        const step = receive(agent, received)
        const shown = step.actions.map((action) =>
          action.kind === 'send-sip' ? new TextDecoder().decode(action.bytes) : JSON.stringify(action),
        )
        return step.commands.length === 0 && !shown.join().includes(PASSWORD)
      }),
    )
  })
})
