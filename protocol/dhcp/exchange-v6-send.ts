import { ByteReader, concatBytes } from '../bytes.ts'
import type { MacAddress } from '../identity.ts'
import { assert } from '../result.ts'
import type { Millis, Rng } from '../result.ts'
import { ipv6ToBytes, macToBytes } from './address.ts'
import { DHCPV6_FIELD } from './exchange-v6-lease.ts'
import { duidOfMac, encodeDhcpv6Message, encodeDhcpv6Options } from './message-v6.ts'
import type { Dhcpv6Message, Dhcpv6Option } from './message-v6.ts'

/** What a phone sends beside the protocol's own fields. */
export interface Dhcpv6Ask {
  readonly mac: MacAddress
  /** `stateful`: an address and options; `stateless`: options only, the phone made its address of what the router says. */
  readonly mode: 'stateful' | 'stateless'
  /** Codes of the option request; {@link DHCPV6_ASKED} unless said otherwise. */
  readonly asked?: readonly number[]
  /** Further options by code, e.g. 16 and 17. Codes that the protocol has of its own are left out. */
  readonly extra?: ReadonlyMap<number, Uint8Array>
}

/** What is different from message to message. */
export interface Dhcpv6ClientMessage {
  readonly type: Exclude<Dhcpv6Message['type'], 'advertise' | 'reply' | 'confirm' | 'reconfigure'>
  readonly xid: number
  /** Milliseconds since the first message of the exchange. */
  readonly elapsedMs: Millis
  readonly serverDuid?: Uint8Array
  /** The address that is meant, IPv6. */
  readonly address?: string
}

/** Options that a phone asks for: vendor data, the two URLs, DNS, domains, NTP (MPP §10.1). */
export const DHCPV6_ASKED: readonly number[] = [17, 159, 160, 23, 24, 56]

/** Longest message that a phone sends, in bytes: what every IPv6 link carries in one piece behind IP and UDP. */
export const DHCPV6_CLIENT_MESSAGE_BYTES_MAX = 1232

/** First and longest wait for an answer, milliseconds. Source: RFC 8415 §7.6. */
export const DHCPV6_WAITS = {
  soliciting: { firstMs: 1000, maxMs: 3_600_000 },
  requesting: { firstMs: 1000, maxMs: 30_000 },
  informing: { firstMs: 1000, maxMs: 3_600_000 },
  renewing: { firstMs: 10_000, maxMs: 600_000 },
  rebinding: { firstMs: 10_000, maxMs: 600_000 },
} as const

const OWN_CODES: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 8, 13])

/** @returns the wait after a sending: the first, or about twice the one before, a tenth more or less (RFC 8415 §15). */
export function nextWaitMs(
  beforeMs: Millis | undefined,
  limits: { readonly firstMs: Millis; readonly maxMs: Millis },
  rng: Rng,
): Millis {
  const chance = rng() * 0.2 - 0.1
  const plain = beforeMs === undefined ? limits.firstMs * (1 + chance) : beforeMs * (2 + chance)
  return Math.round(plain > limits.maxMs ? limits.maxMs * (1 + chance) : plain)
}

/** @returns a number for a new exchange, 24 bits. */
export function drawXidV6(rng: Rng): number {
  return Math.min(0xff_ffff, Math.floor(rng() * 2 ** 24))
}

/** @returns the number of the phone's one IA_NA: the end of its MAC, the same after each start (RFC 8415 §12). */
export function iaidOf(mac: MacAddress): number {
  return new ByteReader(macToBytes(mac).subarray(2)).uint32()
}

/** @returns the bytes of a client's message. Throws an assertion error when the ask does not fit into one. */
export function writeClientMessageV6(ask: Dhcpv6Ask, message: Dhcpv6ClientMessage): Uint8Array {
  const { type, xid, serverDuid } = message
  const hundredths = Math.min(0xffff, Math.max(0, Math.floor(message.elapsedMs / 10)))
  const options: Dhcpv6Option[] = [{ code: DHCPV6_FIELD.clientId, value: duidOfMac(ask.mac) }]
  if (serverDuid !== undefined) options.push({ code: DHCPV6_FIELD.serverId, value: serverDuid })
  if (type !== 'information-request') {
    options.push({ code: DHCPV6_FIELD.addresses, value: identityAssociation(ask.mac, message.address) })
  }
  options.push({ code: DHCPV6_FIELD.elapsed, value: twoBytes(hundredths) })
  const farewell = type === 'release' || type === 'decline'
  const encoded = encodeDhcpv6Message({ type, xid, options: farewell ? options : [...options, ...wishes(ask, type)] })
  assert(encoded.ok, encoded.ok ? '' : encoded.error.message)
  assert(
    encoded.value.length <= DHCPV6_CLIENT_MESSAGE_BYTES_MAX,
    `a DHCPv6 message of ${encoded.value.length} bytes: expected at most ${DHCPV6_CLIENT_MESSAGE_BYTES_MAX}`,
  )
  return encoded.value
}

/** IA_NA: number, T1 and T2 left to the server, and the address that is meant, its lifetimes left too (RFC 8415 §21.4, §21.6). */
function identityAssociation(mac: MacAddress, address: string | undefined): Uint8Array {
  const bytes = address === undefined ? undefined : ipv6ToBytes(address)
  const value =
    bytes === undefined ? [] : [{ code: DHCPV6_FIELD.address, value: concatBytes([bytes, new Uint8Array(8)]) }]
  const inner = encodeDhcpv6Options(value)
  assert(inner.ok, 'an address of 24 bytes always fits')
  return concatBytes([macToBytes(mac).subarray(2), new Uint8Array(8), inner.value])
}

/** The waits and the refresh time are asked for in every message that may carry them (RFC 8415 §21.23 to §21.25). */
function wishes(ask: Dhcpv6Ask, type: Dhcpv6ClientMessage['type']): readonly Dhcpv6Option[] {
  const { refreshTime, solicitWaitMax, informWaitMax } = DHCPV6_FIELD
  const ours = type === 'information-request' ? [refreshTime, informWaitMax] : [solicitWaitMax]
  const asked = [...new Set([...(ask.asked ?? DHCPV6_ASKED), ...ours])].filter(isOptionCode)
  const extra = [...(ask.extra ?? [])].filter(([code]) => isOptionCode(code) && !OWN_CODES.has(code))
  return [
    { code: DHCPV6_FIELD.asked, value: concatBytes(asked.map(twoBytes)) },
    ...extra.map(([code, value]) => ({ code, value })),
  ]
}

function isOptionCode(code: number): boolean {
  return Number.isInteger(code) && code > 0 && code <= 0xffff
}

function twoBytes(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255)
}
