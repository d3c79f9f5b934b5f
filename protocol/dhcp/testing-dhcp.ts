import fc from 'fast-check'

import { concatBytes, utf8Bytes } from '../bytes.ts'
import { parseMacAddress } from '../identity.ts'
import type { MacAddress } from '../identity.ts'
import { assert } from '../result.ts'
import type { Rng } from '../result.ts'
import { ipv4ToBytes, ipv6ToBytes } from './address.ts'
import type { DhcpAsk } from './exchange-send.ts'
import { encodeDhcpMessage } from './message.ts'
import type { DhcpMessage } from './message.ts'
import { duidOfMac, encodeDhcpv6Message, encodeDhcpv6Options } from './message-v6.ts'
import type { Dhcpv6Message, Dhcpv6Option } from './message-v6.ts'
import { valueOf } from './options/testing-options.ts'

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
