import fc from 'fast-check'
import { expect } from 'vitest'

import { concatBytes, utf8Bytes } from '../bytes.ts'
import { parseMacAddress } from '../identity.ts'
import type { MacAddress } from '../identity.ts'
import { assert } from '../result.ts'
import type { Millis, Rng } from '../result.ts'
import { ipv4ToBytes, ipv6ToBytes } from './address.ts'
import type { DhcpAsk } from './exchange-send.ts'
import type { DhcpClientEvent } from './exchange.ts'
import { encodeDhcpMessage } from './message.ts'
import type { DhcpMessage } from './message.ts'
import { duidOfMac, encodeDhcpv6Message, encodeDhcpv6Options } from './message-v6.ts'
import type { Dhcpv6Message, Dhcpv6Option } from './message-v6.ts'
import { SEED, valueOf } from './options/testing-options.ts'

/** A MAC, or a throw. */
export function macOf(text: string): MacAddress {
  const mac = parseMacAddress(text)
  assert(mac !== undefined, `no MAC: ${text}`)
  return mac
}

/** The phone of the tests. */
export const MAC = macOf('000e08aabbcc')

/** What it asks. */
export const ASK: DhcpAsk = {
  mac: MAC,
  hostName: 'SEP000E08AABBCC',
  vendorClass: utf8Bytes('CP-8851-3PCC\0'),
  asked: [1, 3, 6, 15, 42, 43, 66, 125, 150, 159, 160],
  extra: new Map([[125, Uint8Array.of(0, 0, 13, 233, 2, 1, 0)]]),
}

/** The bytes of one IPv4 address. */
export function ip(text: string): Uint8Array {
  const bytes = ipv4ToBytes(text)
  assert(bytes !== undefined, `no IPv4: ${text}`)
  return bytes
}

/** The bytes of one IPv6 address. */
export function ip6(text: string): Uint8Array {
  const bytes = ipv6ToBytes(text)
  assert(bytes !== undefined, `no IPv6: ${text}`)
  return bytes
}

/** Four bytes. */
export function seconds(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

/** The options of a good lease of one hour. */
export const GOOD_OPTIONS: readonly (readonly [number, Uint8Array])[] = [
  [54, ip('192.0.2.1')],
  [51, seconds(3600)],
  [1, ip('255.255.255.0')],
  [3, ip('192.0.2.1')],
  [6, concatBytes([ip('192.0.2.53'), ip('198.51.100.53')])],
  [15, utf8Bytes('example.com')],
]

/** What a test says differently from a good reply; an option of undefined is left out. */
export interface ReplyChange {
  readonly xid?: number
  readonly chaddr?: MacAddress
  readonly yiaddr?: string
  readonly options?: ReadonlyMap<number, Uint8Array | undefined>
}

/** A reply of the test server, as a message. */
export function reply(type: DhcpMessage['type'], xid: number, change: ReplyChange = {}): DhcpMessage {
  const options = new Map(GOOD_OPTIONS)
  for (const [code, value] of change.options ?? []) {
    if (value === undefined) options.delete(code)
    else options.set(code, value)
  }
  return {
    op: 'reply',
    type,
    xid: change.xid ?? xid,
    secs: 0,
    broadcast: true,
    ciaddr: '0.0.0.0',
    yiaddr: change.yiaddr ?? (type === 'nak' ? '0.0.0.0' : '192.0.2.77'),
    siaddr: '0.0.0.0',
    giaddr: '0.0.0.0',
    chaddr: change.chaddr ?? MAC,
    sname: '',
    file: '',
    options,
  }
}

/** A reply of the test server, as bytes. */
export function replyBytes(type: DhcpMessage['type'], xid: number, change: ReplyChange = {}): Uint8Array {
  return valueOf(encodeDhcpMessage(reply(type, xid, change)))
}

/** The name of the test server. */
export const SERVER_DUID = duidOfMac(macOf('0050560a0b0c'))

/** What a test says differently from a good DHCPv6 reply; a list of undefined is left out. */
export interface ReplyV6Change {
  readonly mac?: MacAddress | undefined
  readonly serverDuid?: Uint8Array | undefined
  readonly iaid?: number
  readonly t1?: number
  readonly t2?: number
  readonly addresses?: readonly (readonly [string, preferred: number, valid: number])[] | undefined
  readonly iaStatus?: number
  readonly more?: readonly Dhcpv6Option[]
}

/** A reply of the DHCPv6 test server: IA_NA with 2001:db8::77 for an hour, unless said otherwise. */
export function replyV6(type: Dhcpv6Message['type'], xid: number, change: ReplyV6Change = {}): Dhcpv6Message {
  const options: Dhcpv6Option[] = []
  const mac = 'mac' in change ? change.mac : MAC
  if (mac !== undefined) options.push({ code: 1, value: duidOfMac(mac) })
  const serverDuid = 'serverDuid' in change ? change.serverDuid : SERVER_DUID
  if (serverDuid !== undefined) options.push({ code: 2, value: serverDuid })
  const addresses = 'addresses' in change ? change.addresses : ([['2001:db8::77', 3600, 7200]] as const)
  if (addresses !== undefined) options.push({ code: 3, value: ia(change, addresses) })
  return { type, xid, options: [...options, ...(change.more ?? [])] }
}

function ia(change: ReplyV6Change, addresses: NonNullable<ReplyV6Change['addresses']>): Uint8Array {
  const inner: Dhcpv6Option[] = addresses.map(([address, preferred, valid]) => ({
    code: 5,
    value: concatBytes([ip6(address), seconds(preferred), seconds(valid)]),
  }))
  if (change.iaStatus !== undefined) inner.push({ code: 13, value: Uint8Array.of(0, change.iaStatus) })
  const head = [seconds(change.iaid ?? 0x08aa_bbcc), seconds(change.t1 ?? 0), seconds(change.t2 ?? 0)]
  return concatBytes([...head, valueOf(encodeDhcpv6Options(inner))])
}

/** The same, as bytes. */
export function replyV6Bytes(type: Dhcpv6Message['type'], xid: number, change: ReplyV6Change = {}): Uint8Array {
  return valueOf(encodeDhcpv6Message(replyV6(type, xid, change)))
}

/** Chance that a seed replays (xorshift of 32 bits). */
export function seeded(seed: number): Rng {
  let state = (seed | 0) === 0 ? 1 : seed | 0
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** What happens to one datagram under way. */
export interface Damage {
  readonly at: number
  readonly to: number
  readonly cut: number
}

/** Bytes that were changed at some places and cut. */
export function damaged(bytes: Uint8Array, damages: readonly Damage[]): Uint8Array {
  return damages.reduce((before, { at, to, cut }) => {
    const after = before.slice(0, before.length - Math.min(cut, before.length))
    if (after.length > 0) after[at % after.length] = to
    return after
  }, bytes)
}

/** Some damages. */
export const damages: fc.Arbitrary<readonly Damage[]> = fc.array(
  fc.record({
    at: fc.nat(1500),
    to: fc.nat(255),
    cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(300) }),
  }),
  { minLength: 1, maxLength: 6 },
)

/** No jitter: half of the range. */
export const STILL: Rng = () => 0.5

/** When all plays begin. */
export const T0 = 1_000_000

/** A play: a client, its clock, and what it said in the last step. */
export interface Play<Client> {
  client: Client
  now: Millis
  said: readonly string[]
}

/** @returns a play that has not begun. */
export function playOf<Client>(client: Client): Play<Client> {
  return { client, now: T0, said: [] }
}

interface Stepped<Client, Output> {
  readonly client: Client
  readonly outputs: readonly Output[]
}

type Step<Client, Output> = (client: Client, event: DhcpClientEvent, now: Millis, rng: Rng) => Stepped<Client, Output>

/** What can happen in the plays of one kind of client; each answers with what the client said. */
export interface Stage<Client> {
  readonly happen: (play: Play<Client>, event: DhcpClientEvent, rng?: Rng) => readonly string[]
  /** Goes to the moment that the client waits for, or `afterMs` later, and ticks. */
  readonly tickOn: (play: Play<Client>, afterMs?: Millis) => readonly string[]
  /** Ticks `count` times. @returns how long the client waited each time, in seconds */
  readonly waits: (play: Play<Client>, count: number) => readonly number[]
}

/** @returns the stage of the clients that `step` moves; `line` prints an output. */
export function stageOf<Client extends { readonly wakeAt: Millis | undefined }, Output>(
  step: Step<Client, Output>,
  line: (output: Output) => string,
): Stage<Client> {
  const happen: Stage<Client>['happen'] = (play, event, rng = STILL) => {
    const { client, outputs } = step(play.client, event, play.now, rng)
    play.client = client
    play.said = outputs.map(line)
    return play.said
  }
  const tickOn: Stage<Client>['tickOn'] = (play, afterMs) => {
    play.now = afterMs === undefined ? (play.client.wakeAt ?? play.now) : play.now + afterMs
    return happen(play, { kind: 'tick' })
  }
  const waits: Stage<Client>['waits'] = (play, count) =>
    Array.from({ length: count }, () => {
      const before = play.now
      tickOn(play)
      return (play.now - before) / 1000
    })
  return { happen, tickOn, waits }
}

/** What comes about in random plays. */
export interface Chances<Client> {
  readonly clients: fc.Arbitrary<Client>
  readonly lastAddresses: fc.Arbitrary<string>
  /** Datagrams of two kinds: any bytes, and answers whole or damaged. */
  readonly noise: fc.Arbitrary<Uint8Array>
  readonly answers: fc.Arbitrary<Uint8Array>
}

/** Plays random events in any order: a client is a plain value, which says the same again. `look` sees each step and its client before. */
export function expectReplays<Client, Output>(
  step: Step<Client, Output>,
  { clients, lastAddresses, noise, answers }: Chances<Client>,
  look: (before: Client, stepped: Stepped<Client, Output>) => void,
): void {
  const received = (bytes: Uint8Array): DhcpClientEvent => ({ kind: 'received', bytes })
  const event: fc.Arbitrary<DhcpClientEvent> = fc.oneof(
    fc.record({ kind: fc.constantFrom('tick', 'in-use', 'release', 'start') }),
    lastAddresses.map((lastAddress) => ({ kind: 'start' as const, lastAddress })),
    noise.map(received),
    answers.map(received),
  )
  const events = fc.array(fc.tuple(event, fc.integer({ min: -1000, max: 4_000_000 })), { maxLength: 40 })
  fc.assert(
    fc.property(events, clients, (list, first) => {
      let client = first
      let now = T0
      for (const [happened, passed] of list) {
        now += passed
        const stepped = step(client, happened, now, STILL)
        expect(step(structuredClone(client), happened, now, STILL)).toEqual(stepped)
        look(client, stepped)
        client = stepped.client
      }
    }),
    { seed: SEED, numRuns: 300 },
  )
}
