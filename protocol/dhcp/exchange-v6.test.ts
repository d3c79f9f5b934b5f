import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { bytesToHex } from '../bytes.ts'
import { bytesToIpv6 } from './address.ts'
import type { Dhcpv6Ask } from './exchange-v6-send.ts'
import { createDhcpv6Client, stepDhcpv6 } from './exchange-v6.ts'
import type { Dhcpv6Client, Dhcpv6Output } from './exchange-v6.ts'
import { decodeDhcpv6Message } from './message-v6.ts'
import type { Dhcpv6Message } from './message-v6.ts'
import { SEED, valueOf } from './options/testing-options.ts'
import {
  damaged,
  damages,
  expectReplays,
  MAC,
  macOf,
  playOf,
  replyV6Bytes,
  seconds,
  seeded,
  stageOf,
  STILL,
  T0,
} from './testing-dhcp.ts'
import type { Play as PlayOf, ReplyV6Change } from './testing-dhcp.ts'

/** The transaction that {@link STILL} draws. */
const XID = 0x80_0000
const STATEFUL: Dhcpv6Ask = { mac: MAC, mode: 'stateful' }
const STATELESS: Dhcpv6Ask = { mac: MAC, mode: 'stateless' }

function valueAt(message: Dhcpv6Message, code: number): Uint8Array | undefined {
  return message.options.find((option) => option.code === code)?.value
}

/** @returns one output as a line; of a message its type, address, whether it names the server, and tenths of seconds. */
function line(output: Dhcpv6Output): string {
  if (output.kind === 'bound' || output.kind === 'renewed') return `${output.kind} ${output.lease.address ?? 'options'}`
  if (output.kind === 'lost') return `lost ${output.reason}`
  if (output.kind === 'ignored') return `ignored ${output.problem.code}`
  const message = valueOf(decodeDhcpv6Message(output.bytes))
  const ia = valueAt(message, 3)
  const address = ia !== undefined && ia.length > 12 ? ` ${bytesToIpv6(ia.subarray(16, 32))}` : ''
  const server = valueAt(message, 2) === undefined ? '' : ' server'
  const elapsed = Number.parseInt(bytesToHex(valueAt(message, 8) ?? new Uint8Array(1)), 16)
  return `${message.type}${address}${server} ${elapsed / 100}`
}

type Play = PlayOf<Dhcpv6Client>

const { happen, tickOn, waits } = stageOf(stepDhcpv6, line)

function answer(play: Play, type: Dhcpv6Message['type'], change: ReplyV6Change = {}): readonly string[] {
  return happen(play, { kind: 'received', bytes: replyV6Bytes(type, XID, change) })
}

type State = Dhcpv6Client['state']

function at(state: State, ask: Dhcpv6Ask = state === 'informing' ? STATELESS : STATEFUL): Play {
  const play = playOf(createDhcpv6Client(ask))
  if (state === 'init') return play
  happen(play, { kind: 'start' })
  tickOn(play)
  if (state === 'soliciting' || state === 'informing') return play
  if (ask.mode === 'stateful') answer(play, 'advertise')
  if (state === 'requesting') return play
  answer(play, 'reply')
  if (state !== 'bound') tickOn(play)
  if (state === 'rebinding') tickOn(play, 2880_000 - 1800_000)
  return play
}

const STATES: readonly State[] = ['init', 'soliciting', 'requesting', 'informing', 'bound', 'renewing', 'rebinding']
const DECLINE = 'decline 2001:db8::77 server 0'
const RELEASE = 'release 2001:db8::77 server 0'

describe('a DHCPv6 client', () => {
  it.each(STATES)('is in state %s when the table below says so', (state) => {
    expect(at(state).client.state).toBe(state)
  })

  const table: readonly (readonly [
    string,
    (play: Play) => readonly string[],
    Readonly<Record<State, readonly [State, ...string[]]>>,
  ])[] = [
    [
      'start',
      (play) => happen(play, { kind: 'start' }),
      {
        init: ['init'],
        soliciting: ['init'],
        requesting: ['init'],
        informing: ['init'],
        bound: ['init'],
        renewing: ['init'],
        rebinding: ['init'],
      },
    ],
    [
      'an ADVERTISE',
      (play) => answer(play, 'advertise'),
      {
        init: ['init'],
        soliciting: ['requesting', 'request 2001:db8::77 server 0'],
        requesting: ['requesting'],
        informing: ['informing'],
        bound: ['bound'],
        renewing: ['renewing'],
        rebinding: ['rebinding'],
      },
    ],
    [
      'a REPLY',
      (play) => answer(play, 'reply'),
      {
        init: ['init'],
        soliciting: ['soliciting'],
        requesting: ['bound', 'bound 2001:db8::77'],
        informing: ['bound', 'bound options'],
        bound: ['bound'],
        renewing: ['bound', 'renewed 2001:db8::77'],
        rebinding: ['bound', 'renewed 2001:db8::77'],
      },
    ],
    [
      'a REPLY that refuses (NoBinding)',
      (play) => answer(play, 'reply', { iaStatus: 3 }),
      {
        init: ['init'],
        soliciting: ['soliciting'],
        requesting: ['init'],
        informing: ['bound', 'bound options'],
        bound: ['bound'],
        renewing: ['init', 'lost refused'],
        rebinding: ['init', 'lost refused'],
      },
    ],
    [
      'a REPLY without an address',
      (play) => answer(play, 'reply', { addresses: undefined }),
      {
        init: ['init'],
        soliciting: ['soliciting'],
        requesting: ['requesting', 'ignored bad-value'],
        informing: ['bound', 'bound options'],
        bound: ['bound'],
        renewing: ['renewing', 'ignored bad-value'],
        rebinding: ['rebinding', 'ignored bad-value'],
      },
    ],
    [
      'the time that it waits for',
      (play) => tickOn(play),
      {
        init: ['init'],
        soliciting: ['soliciting', 'solicit 1.05'],
        requesting: ['requesting', 'request 2001:db8::77 server 1'],
        informing: ['informing', 'information-request 1'],
        bound: ['renewing', 'renew 2001:db8::77 server 0'],
        renewing: ['renewing', 'renew 2001:db8::77 server 10'],
        rebinding: ['rebinding', 'rebind 2001:db8::77 10'],
      },
    ],
    [
      'an address in use',
      (play) => happen(play, { kind: 'in-use' }),
      {
        init: ['init'],
        soliciting: ['soliciting'],
        requesting: ['requesting'],
        informing: ['informing'],
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
        soliciting: ['init'],
        requesting: ['init'],
        informing: ['init'],
        bound: ['init', RELEASE],
        renewing: ['init', RELEASE],
        rebinding: ['init', RELEASE],
      },
    ],
  ]
  const cases = table.flatMap(([name, act, rows]) => STATES.map((state) => ({ name, act, state, row: rows[state] })))
  it.each(cases)('in state $state, at $name: $row [RFC 8415 §18.2]', ({ act, state, row }) => {
    const play = at(state)
    const said = act(play)
    expect([play.client.state, ...said]).toEqual(row)
  })

  const nobodys: readonly (readonly [string, Uint8Array])[] = [
    ['another transaction', replyV6Bytes('reply', XID + 1)],
    ['another client', replyV6Bytes('reply', XID, { mac: macOf('000e08aabbcd') })],
    ['no client', replyV6Bytes('reply', XID, { mac: undefined })],
    ['cut bytes', replyV6Bytes('reply', XID).subarray(0, 40)],
    ['RECONFIGURE', replyV6Bytes('reconfigure', XID)],
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

  it('ignores answers of no server, of two, and a REPLY of another than was asked', () => {
    for (const change of [{ serverDuid: undefined }, { more: [{ code: 2, value: Uint8Array.of(1) }] }]) {
      expect(answer(at('soliciting'), 'advertise', change)).toEqual(['ignored bad-value'])
      expect(answer(at('requesting'), 'reply', change)).toEqual(['ignored bad-value'])
      expect(answer(at('informing'), 'reply', change)).toEqual(['ignored bad-value'])
    }
    const other = { serverDuid: Uint8Array.of(0, 3, 0, 1, 9) }
    expect(answer(at('requesting'), 'reply', other)).toEqual(['ignored bad-value'])
    expect(answer(at('rebinding'), 'reply', other)).toEqual(['renewed 2001:db8::77'])
  })

  it('ignores an ADVERTISE that no phone could use, and takes the next', () => {
    const play = at('soliciting')
    expect(answer(play, 'advertise', { addresses: [['fe80::1', 9, 99]] })).toEqual(['ignored bad-value'])
    expect(answer(play, 'advertise', { iaStatus: 2 })).toEqual(['ignored bad-value'])
    expect(answer(play, 'advertise')).toEqual(['request 2001:db8::77 server 0'])
  })
})

describe('what a DHCPv6 client sends', () => {
  function options(ask: Dhcpv6Ask, lastAddress?: string): readonly string[] {
    const play = playOf(createDhcpv6Client(ask))
    happen(play, { kind: 'start', ...(lastAddress === undefined ? {} : { lastAddress }) })
    const [output] = stepDhcpv6(play.client, { kind: 'tick' }, T0 + 1000, STILL).outputs
    const message = valueOf(decodeDhcpv6Message(output?.kind === 'send' ? output.bytes : new Uint8Array(0)))
    return [message.type, ...message.options.map(({ code, value }) => `${code}=${bytesToHex(value)}`)]
  }

  it('says who it is and what it wants [RFC 8415 §18.2.1; MPP §10.1]', () => {
    expect(options(STATEFUL)).toEqual([
      'solicit',
      '1=00030001000e08aabbcc',
      '3=08aabbcc0000000000000000',
      '8=0000',
      '6=0011009f00a00017001800380052',
    ])
  })

  it('wants no address in stateless mode [RFC 8415 §18.2.6]', () => {
    expect(options(STATELESS)).toEqual([
      'information-request',
      '1=00030001000e08aabbcc',
      '8=0000',
      '6=0011009f00a000170018003800200053',
    ])
  })

  it('wishes for the address of the last time, if a server can have given it', () => {
    const wish = '0005001820010db8000000000000000000000077'
    expect(options(STATEFUL, '2001:db8::77')[2]).toBe(`3=08aabbcc0000000000000000${wish}0000000000000000`)
    for (const address of ['fe80::1', '::', 'x'])
      expect(options(STATEFUL, address)[2]).toBe('3=08aabbcc0000000000000000')
  })

  it('adds what it is told to, and lets it replace no field of the protocol', () => {
    const extra = new Map([1, 2, 3, 6, 8, 0, 70_000, 16].map((code) => [code, Uint8Array.of(7)]))
    expect(options({ ...STATEFUL, asked: [17, 17, 0, 1.5, 99_999], extra }).slice(3)).toEqual([
      '8=0000',
      '6=00110052',
      '16=07',
    ])
  })

  it('must fit into one piece: a longer ask is our mistake', () => {
    const extra = new Map([[16, new Uint8Array(1200)]])
    expect(() => createDhcpv6Client({ ...STATEFUL, extra })).toThrow(/expected at most 1232/)
  })
})

describe('the time of a DHCPv6 client', () => {
  it('begins within a second, and doubles its waits up to an hour [RFC 8415 §7.6, §15]', () => {
    const play = playOf(createDhcpv6Client(STATEFUL))
    happen(play, { kind: 'start' })
    expect(waits(play, 1)).toEqual([0.5])
    expect(waits(play, 13)).toEqual([1.05, 2.1, 4.2, 8.4, 16.8, 33.6, 67.2, 134.4, 268.8, 537.6, 1075.2, 2150.4, 3600])
    expect(waits(play, 2)).toEqual([3600, 3600])
  })

  it('changes each wait by at most a tenth, and the first SOLICIT only upwards [RFC 8415 §15, §18.2.1]', () => {
    for (const [chance, first, second] of [
      [0, 1000, 1900],
      [0.999_999, 1100, 2310],
    ] as const) {
      const play = playOf(createDhcpv6Client(STATEFUL))
      happen(play, { kind: 'start' }, () => chance)
      play.now = play.client.wakeAt ?? 0
      happen(play, { kind: 'tick' }, () => chance)
      expect((play.client.wakeAt ?? 0) - play.now).toBe(first)
      play.now = play.client.wakeAt ?? 0
      happen(play, { kind: 'tick' }, () => chance)
      expect((play.client.wakeAt ?? 0) - play.now).toBe(second)
    }
  })

  it('waits no longer than a server says, if that can be [RFC 8415 §21.24]', () => {
    for (const [said, longest] of [
      [60, 60],
      [59, 3600],
      [86_401, 3600],
    ] as const) {
      const play = at('soliciting')
      answer(play, 'advertise', { iaStatus: 2, more: [{ code: 82, value: seconds(said) }] })
      waits(play, 15)
      expect(waits(play, 1)).toEqual([longest])
    }
  })

  it('begins again after ten REQUESTs without an answer [RFC 8415 §7.6]', () => {
    const play = at('requesting')
    expect(waits(play, 9)).toEqual([1, 2, 4, 8, 16, 30, 30, 30, 30])
    expect(tickOn(play)).toEqual(['solicit 2001:db8::77 0'])
  })

  it('begins again soon after a refusal, then slower and slower', () => {
    const play = at('requesting')
    const paused: number[] = []
    for (let round = 0; round < 4; round += 1) {
      expect(answer(play, 'reply', { iaStatus: 4 })).toEqual([])
      paused.push((play.client.wakeAt ?? 0) - play.now)
      tickOn(play)
      answer(play, 'advertise')
    }
    expect(paused).toEqual([500, 4000, 8000, 16_000])
  })

  it('renews at T1, asks all at T2, gives the address up at the end [RFC 8415 §18.2.4, §18.2.5]', () => {
    const play = at('bound')
    const began = play.now
    const log: string[] = []
    while (play.client.state !== 'soliciting') {
      const said = tickOn(play)
      log.push(`${(play.now - began) / 1000} ${said.join(', ')}`)
    }
    expect(log.slice(0, 3)).toEqual([
      '1800 renew 2001:db8::77 server 0',
      '1810 renew 2001:db8::77 server 10',
      '1830 renew 2001:db8::77 server 30',
    ])
    expect(log.filter((entry) => entry.includes('rebind')).slice(0, 2)).toEqual([
      '2880 rebind 2001:db8::77 0',
      '2890 rebind 2001:db8::77 10',
    ])
    expect(log.at(-1)).toBe('7200 lost expired, solicit 0')
    expect(log.length).toBeLessThan(30)
  })

  it('knows what is due after a long sleep', () => {
    expect(tickOn(at('bound'), 3000_000)).toEqual(['rebind 2001:db8::77 0'])
    expect(tickOn(at('bound'), 10 ** 9)).toEqual(['lost expired', 'solicit 0'])
  })

  it('asks for options again when they are old, and keeps the old ones until then [RFC 8415 §21.23]', () => {
    const play = at('bound', STATELESS)
    const began = play.now
    expect(tickOn(play)).toEqual(['information-request 0'])
    expect((play.now - began) / 1000).toBe(86_400)
    expect(waits(play, 3)).toEqual([1, 2, 4])
    expect(tickOn(play, 10 ** 9)).toEqual(['information-request 655.35'])
    expect(answer(play, 'reply')).toEqual(['renewed options'])
    expect(happen(play, { kind: 'in-use' })).toEqual([])
    expect(happen(play, { kind: 'release' })).toEqual([])
    expect(play.client).toMatchObject({ state: 'init', wakeAt: undefined })
  })

  it('never renews an address for ever', () => {
    const play = at('requesting')
    answer(play, 'reply', { addresses: [['2001:db8::77', 0xffff_ffff, 0xffff_ffff]] })
    expect(play.client).toMatchObject({ state: 'bound', wakeAt: undefined })
  })
})

describe('a DHCPv6 client on a bad network', () => {
  it('ends bound as soon as the network is good, whatever came before, and never throws', () => {
    const fate = fc.oneof(
      fc.constantFrom<'lost' | 'once' | 'twice' | 'refused'>('lost', 'once', 'twice', 'refused'),
      damages,
    )
    const modes = fc.constantFrom('stateful', 'stateless')
    fc.assert(
      fc.property(fc.array(fate, { maxLength: 30 }), fc.nat(), modes, (fates, seed, mode) => {
        const rng = seeded(seed)
        let now = T0
        let client = stepDhcpv6(createDhcpv6Client({ mac: MAC, mode }), { kind: 'start' }, now, rng).client
        const left = [...fates]
        for (let round = 0; round < fates.length + 20; round += 1) {
          if (client.state === 'bound' && left.length === 0) break
          expect(client.wakeAt).toBeDefined()
          now = Math.max(now, client.wakeAt ?? 0)
          let step = stepDhcpv6(client, { kind: 'tick' }, now, rng)
          client = step.client
          let sent = step.outputs.flatMap((output) => (output.kind === 'send' ? [output.bytes] : []))
          while (sent.length > 0) {
            const { type, xid } = valueOf(decodeDhcpv6Message(sent[0] ?? new Uint8Array(0)))
            const dealt = left.shift() ?? 'once'
            const kind = type === 'solicit' ? 'advertise' : 'reply'
            const whole = replyV6Bytes(kind, xid, dealt === 'refused' ? { iaStatus: 4 } : {})
            const bytes = typeof dealt === 'string' ? whole : damaged(whole, dealt)
            sent = []
            for (let count = dealt === 'lost' ? 0 : dealt === 'twice' ? 2 : 1; count > 0; count -= 1) {
              step = stepDhcpv6(client, { kind: 'received', bytes }, now, rng)
              client = step.client
              sent.push(...step.outputs.flatMap((output) => (output.kind === 'send' ? [output.bytes] : [])))
            }
            expect(sent.length).toBeLessThanOrEqual(1)
          }
        }
        expect(client.state).toBe('bound')
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  it('takes random events in any order, is a plain value, and says the same again', () => {
    const answers = fc
      .tuple(fc.constantFrom('advertise', 'reply'), damages, fc.boolean())
      .map(([type, list, whole]) => damaged(replyV6Bytes(type, XID), whole ? [] : list))
    const clients = fc.constantFrom(STATEFUL, STATELESS).map(createDhcpv6Client)
    const chances = { clients, lastAddresses: fc.ipV6(), noise: fc.uint8Array({ maxLength: 100 }), answers }
    expectReplays(stepDhcpv6, chances, (before, { client, outputs }) => {
      for (const output of outputs) if (output.kind === 'ignored') expect(client.state).toBe(before.state)
    })
  })
})
