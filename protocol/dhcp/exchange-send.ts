import { concatBytes } from '../bytes.ts'
import type { MacAddress } from '../identity.ts'
import { assert } from '../result.ts'
import type { Millis, Rng } from '../result.ts'
import { ipv4ToBytes, macToBytes, NO_ADDRESS } from './address.ts'
import { encodeDhcpMessage } from './message.ts'
import type { DhcpMessage } from './message.ts'
import { encodeText, LENGTH_BYTE_MAX } from './options/vendor-data.ts'

/** What a phone sends beside the protocol's own fields (MPP §10.2). */
export interface DhcpAsk {
  readonly mac: MacAddress
  /** Option 12; left out when it is empty or cannot be sent. */
  readonly hostName: string
  /** Payload of option 60; left out when empty. */
  readonly vendorClass: Uint8Array
  /** Codes of option 55, 1 to 254; others and repetitions are left out. */
  readonly asked: readonly number[]
  /** Further options by code, e.g. 124 and 125. Codes that the protocol or this record has of its own are left out. */
  readonly extra: ReadonlyMap<number, Uint8Array>
}

/** What is different from message to message. Addresses are dotted IPv4. */
export interface ClientMessage {
  readonly type: 'discover' | 'request' | 'decline' | 'release'
  readonly xid: number
  readonly secs: number
  /** Address that the client has and uses. */
  readonly ciaddr?: string
  /** Address that it wants, or that it declines: option 50. */
  readonly requested?: string
  /** Server that it means: option 54. */
  readonly serverId?: string
}

/** Longest message that the phone takes and sends, in bytes, option 57: what one Ethernet frame holds behind IP and UDP. */
export const CLIENT_MESSAGE_BYTES_MAX = 1472

/** Wait before the first repetition; it doubles each time. Source: RFC 2131 §4.1. */
const FIRST_WAIT_MS = 4000

/** Longest wait between repetitions (RFC 2131 §4.1), before jitter. */
const WAIT_MAX_MS = 64_000

/** Most that a wait is changed by chance, either way (RFC 2131 §4.1). */
const JITTER_MS = 1000

const OPTION = { hostName: 12, requested: 50, serverId: 54, asked: 55, bytesMax: 57, vendorClass: 60, clientId: 61 }
const OVERLOAD = 52
const MESSAGE_TYPE = 53
const OWN_CODES: ReadonlySet<number> = new Set([...Object.values(OPTION), OVERLOAD, MESSAGE_TYPE])

/** @returns milliseconds to wait after the `n`th sending, n from 1: 4, 8, 16, 32, 64, 64 … seconds, one more or less. */
export function waitAfter(n: number, rng: Rng): Millis {
  const plain = Math.min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** Math.min(n - 1, 10))
  return Math.round(plain + (rng() * 2 - 1) * JITTER_MS)
}

/** @returns a number for a new exchange. */
export function drawXid(rng: Rng): number {
  return Math.min(0xffff_ffff, Math.floor(rng() * 2 ** 32))
}

/**
 * @returns the bytes of a client's message. Throws an assertion error when the ask does not fit into
 * {@link CLIENT_MESSAGE_BYTES_MAX}. What only says farewell carries no wishes, and asks for no answer (RFC 2131 §4.4.1 table 5).
 */
export function writeClientMessage(ask: DhcpAsk, message: ClientMessage): Uint8Array {
  const asks = message.type === 'discover' || message.type === 'request'
  const options = new Map<number, Uint8Array>()
  options.set(OPTION.clientId, concatBytes([Uint8Array.of(1), macToBytes(ask.mac)]))
  if (message.requested !== undefined) options.set(OPTION.requested, addressBytes(message.requested))
  if (message.serverId !== undefined) options.set(OPTION.serverId, addressBytes(message.serverId))
  const encoded = encodeDhcpMessage({
    ...EMPTY,
    type: message.type,
    xid: message.xid,
    secs: Math.min(0xffff, Math.max(0, Math.floor(message.secs))),
    broadcast: asks,
    ciaddr: message.ciaddr ?? NO_ADDRESS,
    chaddr: ask.mac,
    options: asks ? new Map([...options, ...wishes(ask)]) : options,
  })
  assert(encoded.ok, encoded.ok ? '' : encoded.error.message)
  assert(
    encoded.value.length <= CLIENT_MESSAGE_BYTES_MAX,
    `a DHCP message of ${encoded.value.length} bytes: expected at most ${CLIENT_MESSAGE_BYTES_MAX}`,
  )
  return encoded.value
}

const EMPTY: Omit<DhcpMessage, 'type' | 'xid' | 'chaddr'> = {
  op: 'request',
  secs: 0,
  broadcast: false,
  ciaddr: NO_ADDRESS,
  yiaddr: NO_ADDRESS,
  siaddr: NO_ADDRESS,
  giaddr: NO_ADDRESS,
  sname: '',
  file: '',
  options: new Map(),
}

function wishes(ask: DhcpAsk): ReadonlyMap<number, Uint8Array> {
  const options = new Map<number, Uint8Array>()
  options.set(OPTION.bytesMax, Uint8Array.of(CLIENT_MESSAGE_BYTES_MAX >> 8, CLIENT_MESSAGE_BYTES_MAX & 255))
  const hostName = encodeText('host name', ask.hostName, LENGTH_BYTE_MAX)
  if (hostName.ok) options.set(OPTION.hostName, hostName.value)
  if (ask.vendorClass.length > 0) options.set(OPTION.vendorClass, ask.vendorClass)
  const asked = [...new Set(ask.asked)].filter(isOptionCode)
  if (asked.length > 0) options.set(OPTION.asked, Uint8Array.from(asked))
  for (const [code, payload] of ask.extra) {
    if (isOptionCode(code) && !OWN_CODES.has(code)) options.set(code, payload)
  }
  return options
}

function isOptionCode(code: number): boolean {
  return Number.isInteger(code) && code > 0 && code < 255
}

function addressBytes(text: string): Uint8Array {
  const bytes = ipv4ToBytes(text)
  assert(bytes !== undefined, `"${text}" is no IPv4 address`)
  return bytes
}
