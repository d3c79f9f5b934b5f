import { describe, expect, it } from 'vitest'

import { bytesToHex, utf8Text } from '../bytes.ts'
import { bytesToIpv4 } from './address.ts'
import { createDhcpClient, stepDhcp } from './exchange.ts'
import type { DhcpClient, DhcpOutput } from './exchange.ts'
import { decodeDhcpMessage } from './message.ts'
import type { DhcpMessage } from './message.ts'
import { valueOf } from './options/testing-options.ts'
import { ASK, ip, macOf, playOf, replyBytes, seconds, seeded, stageOf, STILL, T0 } from './testing-dhcp.ts'
import type { Play as PlayOf, ReplyChange } from './testing-dhcp.ts'

/** The xid that {@link STILL} draws. */
const XID = 0x8000_0000

/** @returns one output as a line. */
function line(output: DhcpOutput): string {
  switch (output.kind) {
    case 'send':
      return sentLine(valueOf(decodeDhcpMessage(output.bytes)), output.to)
    case 'bound':
    case 'renewed':
      return `${output.kind} ${output.lease.address}`
    case 'lost':
      return `lost ${output.reason}`
    case 'ignored':
      return `ignored ${output.problem.code}`
  }
}

function sentLine(message: DhcpMessage, to: string): string {
  const option = (name: string, code: number): string => {
    const bytes = message.options.get(code)
    return bytes === undefined ? '' : ` ${name}=${bytesToIpv4(bytes)}`
  }
  const from = message.ciaddr === '0.0.0.0' ? '' : ` from=${message.ciaddr}`
  return `${message.type} to=${to}${from}${option('want', 50)}${option('server', 54)} secs=${message.secs}`
}

type Play = PlayOf<DhcpClient>

const { happen, tickOn, waits } = stageOf(stepDhcp, line)

function begin(lastAddress?: string): Play {
  const play = playOf(createDhcpClient(ASK))
  happen(play, { kind: 'start', ...(lastAddress === undefined ? {} : { lastAddress }) })
  return play
}

function answer(play: Play, type: DhcpMessage['type'], change: ReplyChange = {}): readonly string[] {
  return happen(play, { kind: 'received', bytes: replyBytes(type, XID, change) })
}

type State = DhcpClient['state']

/** @returns a play that has come to a state. */
function at(state: State): Play {
  if (state === 'init') return playOf(createDhcpClient(ASK))
  if (state === 'rebooting') return begin('192.0.2.77')
  const play = begin()
  if (state === 'selecting') return play
  answer(play, 'offer')
  if (state === 'requesting') return play
  answer(play, 'ack')
  if (state !== 'bound') tickOn(play)
  if (state === 'rebinding') tickOn(play, 3150_000 - 1800_000)
  return play
}

const STATES: readonly State[] = ['init', 'selecting', 'requesting', 'rebooting', 'bound', 'renewing', 'rebinding']
const DISCOVER = 'discover to=broadcast secs=0'
const REQUEST = 'request to=broadcast want=192.0.2.77 server=192.0.2.1 secs=0'
const RENEW = 'request to=192.0.2.1 from=192.0.2.77 secs=0'
const DECLINE = 'decline to=broadcast want=192.0.2.77 server=192.0.2.1 secs=0'
const RELEASE = 'release to=192.0.2.1 from=192.0.2.77 server=192.0.2.1 secs=0'

describe('a DHCP client', () => {
  it.each(STATES)('is in state %s when the table below says so', (state) => {
    expect(at(state).client.state).toBe(state)
  })

  const table: readonly (readonly [
    string,
    (play: Play) => void,
    Readonly<Record<State, readonly [State, ...string[]]>>,
  ])[] = [
    [
      'start',
      (play) => happen(play, { kind: 'start' }),
      {
        init: ['selecting', DISCOVER],
        selecting: ['selecting', DISCOVER],
        requesting: ['selecting', DISCOVER],
        rebooting: ['selecting', DISCOVER],
        bound: ['selecting', DISCOVER],
        renewing: ['selecting', DISCOVER],
        rebinding: ['selecting', DISCOVER],
      },
    ],
    [
      'an OFFER',
      (play) => answer(play, 'offer'),
      {
        init: ['init'],
        selecting: ['requesting', REQUEST],
        requesting: ['requesting'],
        rebooting: ['rebooting'],
        bound: ['bound'],
        renewing: ['renewing'],
        rebinding: ['rebinding'],
      },
    ],
    [
      'an ACK',
      (play) => answer(play, 'ack'),
      {
        init: ['init'],
        selecting: ['selecting'],
        requesting: ['bound', 'bound 192.0.2.77'],
        rebooting: ['bound', 'bound 192.0.2.77'],
        bound: ['bound'],
        renewing: ['bound', 'renewed 192.0.2.77'],
        rebinding: ['bound', 'renewed 192.0.2.77'],
      },
    ],
    [
      'a NAK',
      (play) => answer(play, 'nak'),
      {
        init: ['init'],
        selecting: ['selecting'],
        requesting: ['selecting', DISCOVER],
        rebooting: ['selecting', DISCOVER],
        bound: ['bound'],
        renewing: ['selecting', 'lost refused', DISCOVER],
        rebinding: ['selecting', 'lost refused', DISCOVER],
      },
    ],
    [
      'the time that it waits for',
      (play) => tickOn(play),
      {
        init: ['init'],
        selecting: ['selecting', 'discover to=broadcast secs=4'],
        requesting: ['requesting', REQUEST],
        rebooting: ['rebooting', 'request to=broadcast want=192.0.2.77 secs=4'],
        bound: ['renewing', RENEW],
        renewing: ['renewing', 'request to=192.0.2.1 from=192.0.2.77 secs=675'],
        rebinding: ['rebinding', 'request to=broadcast from=192.0.2.77 secs=1575'],
      },
    ],
    [
      'a tick before its time',
      (play) => tickOn(play, 1),
      {
        init: ['init'],
        selecting: ['selecting'],
        requesting: ['requesting'],
        rebooting: ['rebooting'],
        bound: ['bound'],
        renewing: ['renewing'],
        rebinding: ['rebinding'],
      },
    ],
    [
      'an address in use',
      (play) => happen(play, { kind: 'in-use' }),
      {
        init: ['init'],
        selecting: ['selecting'],
        requesting: ['requesting'],
        rebooting: ['rebooting'],
        bound: ['init', DECLINE],
        renewing: ['init', DECLINE],
        rebinding: ['init', DECLINE],
      },
    ],
    [
      'release',
      (play) => happen(play, { kind: 'release' }),
      {
        init: ['init'],
        selecting: ['init'],
        requesting: ['init'],
        rebooting: ['init'],
        bound: ['init', RELEASE],
        renewing: ['init', RELEASE],
        rebinding: ['init', RELEASE],
      },
    ],
  ]
  const cases = table.flatMap(([name, act, rows]) => STATES.map((state) => ({ name, act, state, row: rows[state] })))
  it.each(cases)('in state $state, at $name: $row [RFC 2131 §4.4]', ({ act, state, row }) => {
    const play = at(state)
    play.said = []
    act(play)
    expect([play.client.state, ...play.said]).toEqual(row)
  })

  const nobodys: readonly (readonly [string, Uint8Array])[] = [
    ['another xid', replyBytes('ack', XID + 1)],
    ['another MAC', replyBytes('ack', XID, { chaddr: macOf('000e08aabbcd') })],
    ['a message of a client', fromClient()],
    ['no DHCP', Uint8Array.of(1, 2, 3)],
    ['nothing', new Uint8Array(0)],
  ]
  it.each(nobodys)('takes %s for nobody, in every state', (_name, bytes) => {
    for (const state of STATES) {
      const play = at(state)
      const before = play.client
      expect(happen(play, { kind: 'received', bytes })).toEqual([])
      expect(play.client).toBe(before)
    }
  })

  const broken: readonly (readonly [string, Uint8Array, string])[] = [
    ['an option cut off', replyBytes('ack', XID).fill(99, 240, 242), 'ignored truncated'],
    ['no server', replyBytes('ack', XID, { options: new Map([[54, undefined]]) }), 'ignored bad-value'],
    ['an address of nobody', replyBytes('ack', XID, { yiaddr: '255.255.255.255' }), 'ignored bad-value'],
    ['another address than was asked for', replyBytes('ack', XID, { yiaddr: '192.0.2.78' }), 'ignored bad-value'],
    ['a NAK without a server', replyBytes('nak', XID, { options: new Map([[54, undefined]]) }), 'ignored bad-value'],
  ]
  it.each(broken)('ignores, in each state that waits for an ACK, %s', (_name, bytes, said) => {
    for (const state of ['requesting', 'rebooting', 'renewing', 'rebinding'] as const) {
      const play = at(state)
      const before = play.client
      expect(happen(play, { kind: 'received', bytes })).toEqual([said])
      expect(play.client).toEqual(before)
    }
  })

  it('ignores an OFFER that no phone could use, and takes the next', () => {
    const play = at('selecting')
    expect(answer(play, 'offer', { yiaddr: '127.0.0.1' })).toEqual(['ignored bad-value'])
    expect(answer(play, 'offer', { options: new Map([[51, seconds(0)]]) })).toEqual(['ignored bad-value'])
    expect(answer(play, 'offer')).toEqual([REQUEST])
  })

  const strangers: readonly (readonly [State, DhcpMessage['type'], readonly string[]])[] = [
    ['requesting', 'ack', ['ignored bad-value']],
    ['requesting', 'nak', ['ignored bad-value']],
    ['renewing', 'ack', ['ignored bad-value']],
    ['renewing', 'nak', ['ignored bad-value']],
    ['rebooting', 'ack', ['bound 192.0.2.77']],
    ['rebooting', 'nak', [DISCOVER]],
    ['rebinding', 'ack', ['renewed 192.0.2.77']],
    ['rebinding', 'nak', ['lost refused', DISCOVER]],
  ]
  it.each(strangers)('in state %s, hears %s of another server: %j [RFC 2131 §4.4.5]', (state, type, said) => {
    expect(answer(at(state), type, { options: new Map([[54, ip('192.0.2.9')]]) })).toEqual(said)
  })
})

/** @returns our own answer as if a client had written it. */
function fromClient(): Uint8Array {
  const bytes = replyBytes('ack', XID)
  bytes[0] = 1
  return bytes
}

describe('what a client sends', () => {
  it('says who it is and what it wants, by broadcast both ways [RFC 2131 table 5; MPP §10.2]', () => {
    const step = stepDhcp(createDhcpClient(ASK), { kind: 'start' }, T0, seeded(5))
    const [output] = step.outputs
    const sent = valueOf(decodeDhcpMessage(output?.kind === 'send' ? output.bytes : new Uint8Array(0)))
    expect(sent).toMatchObject({ op: 'request', type: 'discover', broadcast: true, chaddr: ASK.mac, ciaddr: '0.0.0.0' })
    const options = [...sent.options].map(([code, payload]) => `${code}=${bytesToHex(payload)}`)
    expect(options).toEqual([
      '61=01000e08aabbcc',
      '57=05c0',
      `12=${bytesToHex(new TextEncoder().encode('SEP000E08AABBCC'))}`,
      `60=${bytesToHex(ASK.vendorClass)}`,
      '55=0103060f2a2b427d969fa0',
      '125=00000de9020100',
    ])
  })

  it('carries no wishes where it says farewell [RFC 2131 table 5]', () => {
    for (const kind of ['in-use', 'release'] as const) {
      const [output] = stepDhcp(at('bound').client, { kind }, T0, STILL).outputs
      const sent = valueOf(decodeDhcpMessage(output?.kind === 'send' ? output.bytes : new Uint8Array(0)))
      expect([...sent.options.keys()]).toEqual(kind === 'in-use' ? [61, 50, 54] : [61, 54])
      expect(sent.broadcast).toBe(false)
    }
  })

  it('leaves out what cannot be sent, and never lets a wish replace a field of the protocol', () => {
    const extra = new Map([50, 53, 54, 61, 0, 255, 1.5, 124].map((code) => [code, Uint8Array.of(7)]))
    const ask = { ...ASK, hostName: 'a\nb', vendorClass: new Uint8Array(0), asked: [0, 1, 1, 255, 300, 2.5, 6], extra }
    const [output] = stepDhcp(createDhcpClient(ask), { kind: 'start' }, T0, STILL).outputs
    const sent = valueOf(decodeDhcpMessage(output?.kind === 'send' ? output.bytes : new Uint8Array(0)))
    expect([...sent.options.keys()]).toEqual([61, 57, 55, 124])
    expect(sent.options.get(55)).toEqual(Uint8Array.of(1, 6))
    expect(sent.type).toBe('discover')
  })

  it('must fit into one frame: a longer ask is our mistake', () => {
    const extra = new Map([[125, new Uint8Array(1300)]])
    expect(() => createDhcpClient({ ...ASK, extra })).toThrow(/expected at most 1472/)
    expect(utf8Text(createDhcpClient({ ...ASK, hostName: '' }).ask.vendorClass)).toBe('CP-8851-3PCC\0')
  })
})

describe('the time of a client', () => {
  it('repeats DISCOVER after 4, 8, 16, 32, 64, 64 seconds, for ever [RFC 2131 §4.1]', () => {
    const play = begin()
    expect(waits(play, 8)).toEqual([4, 8, 16, 32, 64, 64, 64, 64])
    expect(play.said).toEqual(['discover to=broadcast secs=316'])
    for (let count = 0; count < 1200; count += 1) tickOn(play)
    expect(play.said).toEqual(['discover to=broadcast secs=65535'])
  })

  it('changes each wait by chance, by at most a second [RFC 2131 §4.1]', () => {
    for (const [chance, waited] of [
      [0, 3000],
      [0.25, 3500],
      [0.999_999, 5000],
    ] as const) {
      const { client } = stepDhcp(createDhcpClient(ASK), { kind: 'start' }, T0, () => chance)
      expect((client.wakeAt ?? 0) - T0).toBe(waited)
    }
  })

  it('begins again when four REQUESTs stay unanswered, with a new xid and the time still counting', () => {
    const play = begin()
    tickOn(play)
    answer(play, 'offer')
    expect(play.said).toEqual(['request to=broadcast want=192.0.2.77 server=192.0.2.1 secs=4'])
    expect(waits(play, 3)).toEqual([4, 8, 16])
    expect(play.said).toEqual(['request to=broadcast want=192.0.2.77 server=192.0.2.1 secs=4'])
    play.now = play.client.wakeAt ?? 0
    expect(happen(play, { kind: 'tick' }, () => 0.25)).toEqual(['discover to=broadcast secs=64'])
    expect(play.client).toMatchObject({ state: 'selecting', xid: 0x4000_0000 })
  })

  it('asks twice for the address of the last time, then for any [RFC 2131 §3.2]', () => {
    const play = begin('192.0.2.77')
    expect(play.said).toEqual(['request to=broadcast want=192.0.2.77 secs=0'])
    expect(waits(play, 2)).toEqual([4, 8])
    expect(play.said).toEqual(['discover to=broadcast secs=12'])
  })

  it.each(['', 'nonsense', '0.0.0.0', '127.0.0.1', '169.254.1.1', '255.255.255.255'])(
    'does not ask for the last address %j',
    (lastAddress) => {
      expect(begin(lastAddress).said).toEqual([DISCOVER])
    },
  )

  it('begins again at once after the first NAK, then slower and slower, and at once again after a lease', () => {
    const play = begin('192.0.2.77')
    expect(answer(play, 'nak')).toEqual([DISCOVER])
    const paused: number[] = []
    for (let round = 0; round < 6; round += 1) {
      answer(play, 'offer')
      expect(answer(play, 'nak')).toEqual([])
      paused.push(((play.client.wakeAt ?? 0) - play.now) / 1000)
      expect(tickOn(play)[0]).toMatch(/^discover /)
    }
    expect(paused).toEqual([4, 8, 16, 32, 64, 64])
    answer(play, 'offer')
    answer(play, 'ack')
    tickOn(play)
    expect(answer(play, 'nak')).toEqual(['lost refused', DISCOVER])
  })

  it('waits ten seconds after an address in use [RFC 2131 §3.1]', () => {
    const play = at('bound')
    happen(play, { kind: 'in-use' }, () => 0)
    expect((play.client.wakeAt ?? 0) - play.now).toBe(10_000)
    expect(tickOn(play)).toEqual(['discover to=broadcast secs=10'])
  })

  it('sends nothing more after release', () => {
    const play = at('bound')
    happen(play, { kind: 'release' })
    expect(play.client.wakeAt).toBeUndefined()
    expect(tickOn(play, 10 ** 9)).toEqual([])
  })

  it('counts the lease from the first REQUEST, not from the ACK [RFC 2131 §4.4.1]', () => {
    const play = begin()
    answer(play, 'offer')
    tickOn(play)
    play.now += 2000
    answer(play, 'ack')
    expect(play.client.wakeAt).toBe(T0 + 1800_000)
  })

  it('renews at T1, asks all at T2, gives the address up at the end, halving its waits to a minute [RFC 2131 §4.4.5]', () => {
    const play = at('bound')
    const log: string[] = []
    while (play.client.state !== 'selecting') {
      tickOn(play)
      log.push(`${(play.now - T0) / 1000} ${play.said.join(', ')}`)
    }
    const renew = 'request to=192.0.2.1 from=192.0.2.77'
    const rebind = 'request to=broadcast from=192.0.2.77'
    expect(log).toEqual([
      `1800 ${renew} secs=0`,
      `2475 ${renew} secs=675`,
      `2812.5 ${renew} secs=1012`,
      `2981.25 ${renew} secs=1181`,
      `3065.625 ${renew} secs=1265`,
      `3125.625 ${renew} secs=1325`,
      `3150 ${rebind} secs=1350`,
      `3375 ${rebind} secs=1575`,
      `3487.5 ${rebind} secs=1687`,
      `3547.5 ${rebind} secs=1747`,
      '3600 lost expired, discover to=broadcast secs=0',
    ])
  })

  it('knows what is due after a long sleep', () => {
    const sleeps: readonly (readonly [number, readonly string[]])[] = [
      [2000, [RENEW]],
      [3200, ['request to=broadcast from=192.0.2.77 secs=0']],
      [3600, ['lost expired', DISCOVER]],
      [10 ** 7, ['lost expired', DISCOVER]],
    ]
    for (const [slept, said] of sleeps) expect(tickOn(at('bound'), slept * 1000)).toEqual(said)
  })

  it('takes each request for more time as an exchange of its own, so that an old answer is nobody’s', () => {
    const play = at('bound')
    play.now = play.client.wakeAt ?? 0
    happen(play, { kind: 'tick' }, seeded(1))
    const first = 'xid' in play.client ? play.client.xid : 0
    play.now = play.client.wakeAt ?? 0
    happen(play, { kind: 'tick' }, seeded(2))
    expect(happen(play, { kind: 'received', bytes: replyBytes('ack', first) })).toEqual([])
    const second = 'xid' in play.client ? play.client.xid : 0
    expect(second).not.toBe(first)
    expect(happen(play, { kind: 'received', bytes: replyBytes('ack', second) })).toEqual(['renewed 192.0.2.77'])
    expect(play.client.wakeAt).toBe(play.now + 1800_000)
  })

  it('never renews a lease without end [RFC 2131 §3.3]', () => {
    const play = at('requesting')
    answer(play, 'ack', { options: new Map([[51, seconds(0xffff_ffff)]]) })
    expect(play.client).toMatchObject({ state: 'bound', wakeAt: undefined })
  })

  it('survives a clock that goes back', () => {
    const play = at('requesting')
    play.now -= 10 ** 7
    expect(happen(play, { kind: 'start' })).toEqual([DISCOVER])
    play.now -= 10 ** 7
    expect(tickOn(play, 0)).toEqual([])
  })
})
