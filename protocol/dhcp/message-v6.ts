import { ByteReader, concatBytes } from '../bytes.ts'
import type { MacAddress } from '../identity.ts'
import { ok } from '../result.ts'
import type { Result } from '../result.ts'
import { bytesToMac, macToBytes } from './address.ts'
import { problem } from './options/vendor-data.ts'
import type { DhcpProblem } from './options/vendor-data.ts'

/*
 * A DHCPv6 message between client and server (RFC 8415 §8, §21.1). All numbers are big-endian.
 *
 *   type (1)   transaction id (3)   code (2)  length (2)  value   code (2)  length (2)  value ...
 */

/** Kind of a message. Source: RFC 8415 §7.3. Relay messages have another layout and are not read. */
export type Dhcpv6MessageType =
  | 'solicit'
  | 'advertise'
  | 'request'
  | 'confirm'
  | 'renew'
  | 'rebind'
  | 'reply'
  | 'release'
  | 'decline'
  | 'reconfigure'
  | 'information-request'

/** One option: code 0 to 65535, value of at most 65535 bytes. */
export interface Dhcpv6Option {
  readonly code: number
  readonly value: Uint8Array
}

/** One DHCPv6 message. Options in the order of the wire, since one code may come several times. */
export interface Dhcpv6Message {
  readonly type: Dhcpv6MessageType
  /** Transaction id of 24 bits. */
  readonly xid: number
  readonly options: readonly Dhcpv6Option[]
}

/** Where clients listen (RFC 8415 §7.2). */
export const DHCPV6_CLIENT_PORT = 546

/** Where servers and relays listen (RFC 8415 §7.2). */
export const DHCPV6_SERVER_PORT = 547

/** All servers and relays of the link (RFC 8415 §7.1). */
export const DHCPV6_GROUP = 'ff02::1:2'

/** Longest message that is read or written, in bytes: more than twice what fits in one Ethernet frame. */
export const DHCPV6_MESSAGE_BYTES_MAX = 4096

const TYPES: readonly Dhcpv6MessageType[] = [
  'solicit',
  'advertise',
  'request',
  'confirm',
  'renew',
  'rebind',
  'reply',
  'release',
  'decline',
  'reconfigure',
  'information-request',
]
const CLIENT_ID = 1
/** DUID type 3 (link-layer address), hardware type 1 (Ethernet). Source: RFC 8415 §11.4. */
const DUID_LL_HEAD = Uint8Array.of(0, 3, 0, 1)

/**
 * Reads one datagram. Never throws. Values are views of `bytes`.
 *
 * Errors: `too-long`, `truncated` (message, option), `bad-value` (unknown type).
 */
export function decodeDhcpv6Message(bytes: Uint8Array): Result<Dhcpv6Message, DhcpProblem> {
  if (bytes.length > DHCPV6_MESSAGE_BYTES_MAX) return tooLong('read', bytes.length)
  const reader = new ByteReader(bytes)
  const [typeNumber, high, low] = [reader.uint8(), reader.uint8(), reader.uint16()]
  if (reader.failed) {
    return problem('truncated', `Cannot read a DHCPv6 message of ${bytes.length} bytes: expected at least 4`)
  }
  const type = TYPES[typeNumber - 1]
  if (type === undefined) {
    return problem('bad-value', `Cannot read a DHCPv6 message of type ${typeNumber}: expected 1 to ${TYPES.length}`)
  }
  const options = decodeDhcpv6Options(reader.rest())
  return options.ok ? ok({ type, xid: high * 65_536 + low, options: options.value }) : options
}

/** Writes one message. Errors: `bad-value` (a number out of range), `too-long` (the message). */
export function encodeDhcpv6Message(message: Dhcpv6Message): Result<Uint8Array, DhcpProblem> {
  const { type, xid } = message
  if (!Number.isInteger(xid) || xid < 0 || xid > 0xff_ffff) {
    return problem('bad-value', `Cannot send DHCPv6 transaction "${xid}": expected a whole number of 24 bits`)
  }
  const options = encodeDhcpv6Options(message.options)
  if (!options.ok) return options
  const head = Uint8Array.of(TYPES.indexOf(type) + 1, xid >> 16, (xid >> 8) & 255, xid & 255)
  const bytes = concatBytes([head, options.value])
  return bytes.length > DHCPV6_MESSAGE_BYTES_MAX ? tooLong('send', bytes.length) : ok(bytes)
}

/** Reads code, length, value until the bytes end: the options of a message, or those inside another option. */
export function decodeDhcpv6Options(bytes: Uint8Array): Result<readonly Dhcpv6Option[], DhcpProblem> {
  if (bytes.length > DHCPV6_MESSAGE_BYTES_MAX) return tooLong('read', bytes.length)
  const reader = new ByteReader(bytes)
  const options: Dhcpv6Option[] = []
  while (reader.remainingCount > 0) {
    const code = reader.uint16()
    const value = reader.take(reader.uint16())
    if (reader.failed) {
      return problem('truncated', `Cannot read option ${code}: its length goes past the end of the bytes`)
    }
    options.push({ code, value })
  }
  return ok(options)
}

/** @returns code, length, value of each in order; refuses what their 16 bits cannot hold. */
export function encodeDhcpv6Options(options: readonly Dhcpv6Option[]): Result<Uint8Array, DhcpProblem> {
  const parts: Uint8Array[] = []
  for (const { code, value } of options) {
    if (!Number.isInteger(code) || code < 0 || code > 0xffff) {
      return problem('bad-value', `Cannot send DHCPv6 option "${code}": expected a code of 0 to 65535`)
    }
    if (value.length > DHCPV6_MESSAGE_BYTES_MAX) return tooLong('send', value.length)
    parts.push(Uint8Array.of(code >> 8, code & 255, value.length >> 8, value.length & 255), value)
  }
  return ok(concatBytes(parts))
}

/** @returns the DUID of a phone, from its MAC: the same after a factory reset. Source: RFC 8415 §11.4 (DUID-LL). */
export function duidOfMac(mac: MacAddress): Uint8Array {
  return concatBytes([DUID_LL_HEAD, macToBytes(mac)])
}

/**
 * A cheap look, for one socket that many phones share.
 *
 * @returns transaction and MAC of a server's message (ADVERTISE, REPLY) to a client whose DUID is made of a MAC; undefined
 * when it is none.
 */
export function peekDhcpv6Reply(bytes: Uint8Array): { readonly xid: number; readonly mac: MacAddress } | undefined {
  const decoded = decodeDhcpv6Message(bytes)
  if (!decoded.ok || (decoded.value.type !== 'advertise' && decoded.value.type !== 'reply')) return undefined
  const duid = decoded.value.options.find(({ code }) => code === CLIENT_ID)?.value
  if (duid?.length !== 10 || !DUID_LL_HEAD.every((byte, index) => duid[index] === byte)) return undefined
  return { xid: decoded.value.xid, mac: bytesToMac(duid.subarray(4)) }
}

function tooLong(what: 'read' | 'send', byteCount: number): { readonly ok: false; readonly error: DhcpProblem } {
  return problem(
    'too-long',
    `Cannot ${what} DHCPv6 of ${byteCount} bytes: expected at most ${DHCPV6_MESSAGE_BYTES_MAX} bytes`,
  )
}
