import { ByteReader, concatBytes, utf8Bytes } from '../bytes.ts'
import type { MacAddress } from '../identity.ts'
import { ok } from '../result.ts'
import type { Result } from '../result.ts'
import { bytesToIpv4, bytesToMac, ipv4ToBytes, macToBytes } from './address.ts'
import { decodeText, joinOptionParts, problem, splitOption } from './options/vendor-data.ts'
import type { DhcpProblem } from './options/vendor-data.ts'

/*
 * A DHCP message (RFC 2131 §2, RFC 2132 §3, §9.3, §9.6). All numbers are big-endian.
 *
 *   0   op 1, 2    htype 1    hlen 6    hops          op: 1 from a client, 2 from a server
 *   4   xid (4)
 *   8   secs (2)              flags (2)               the highest bit of the flags: answer by broadcast
 *  12   ciaddr (4)   yiaddr (4)   siaddr (4)   giaddr (4)
 *  28   chaddr (16)                                   the MAC and ten zeros
 *  44   sname (64)                                    text up to a NUL, or options (overload)
 * 108   file (128)                                    the same
 * 236   63 82 53 63
 * 240   code  length  value   code  length  value ... 0 is padding, 255 is the end
 */

/** Kind of a message, option 53. Source: RFC 2132 §9.6. */
export type DhcpMessageType = 'discover' | 'offer' | 'request' | 'decline' | 'ack' | 'nak' | 'release' | 'inform'

/** One DHCP message. Addresses are dotted IPv4, `0.0.0.0` for none. */
export interface DhcpMessage {
  readonly op: 'request' | 'reply'
  readonly type: DhcpMessageType
  /** Number of 32 bits that an exchange has in common. */
  readonly xid: number
  /** Seconds since the client began, at most 65535. */
  readonly secs: number
  /** The client asks for answers by broadcast. */
  readonly broadcast: boolean
  readonly ciaddr: string
  readonly yiaddr: string
  readonly siaddr: string
  readonly giaddr: string
  readonly chaddr: MacAddress
  /** Name of the server, empty for none or where the field holds options. */
  readonly sname: string
  /** Name of the boot file, empty for none or where the field holds options. */
  readonly file: string
  /** Payload by code, parts joined (RFC 3396). 52 (overload) and 53 (type) are not in it. */
  readonly options: ReadonlyMap<number, Uint8Array>
}

/** Where clients listen (RFC 2131 §4.1). */
export const DHCP_CLIENT_PORT = 68

/** Where servers listen (RFC 2131 §4.1). */
export const DHCP_SERVER_PORT = 67

/** Longest message that is read or written, in bytes: more than twice what fits in one Ethernet frame. */
export const DHCP_MESSAGE_BYTES_MAX = 4096

/** Shortest message that is written, in bytes: what BOOTP had, which some relays insist on (RFC 1542 §2.1). */
export const DHCP_MESSAGE_BYTES_MIN = 300

const TYPES: readonly DhcpMessageType[] = ['discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform']
const COOKIE = 0x6382_5363
const ETHERNET = 1
const MAC_BYTES = 6
const HEAD_BYTES = 240
const SNAME_BYTES = 64
const FILE_BYTES = 128
const BROADCAST_FLAG = 0x8000
const PAD = 0
const END = 255
const OVERLOAD = 52
const MESSAGE_TYPE = 53

/**
 * Reads one datagram. Never throws. Options may be split over several (RFC 3396) and go on in `file`, then `sname` (option 52);
 * a missing end, and bytes behind the end, are taken. Payloads are copies only where they were joined.
 *
 * Errors: `too-long`, `truncated` (message, option), `bad-value` (no DHCP, other hardware, unknown type).
 */
export function decodeDhcpMessage(bytes: Uint8Array): Result<DhcpMessage, DhcpProblem> {
  if (bytes.length > DHCP_MESSAGE_BYTES_MAX) return tooLong('read', bytes.length)
  const reader = new ByteReader(bytes)
  const [op, hardware, hardwareBytes] = [reader.uint8(), reader.uint8(), reader.uint8()]
  reader.uint8()
  const [xid, secs, flags] = [reader.uint32(), reader.uint16(), reader.uint16()]
  const [ciaddr, yiaddr, siaddr, giaddr] = [reader.take(4), reader.take(4), reader.take(4), reader.take(4)]
  const [chaddr, sname, file, cookie] = [reader.take(16), reader.take(64), reader.take(128), reader.uint32()]
  if (reader.failed) {
    return problem('truncated', `Cannot read a DHCP message of ${bytes.length} bytes: expected at least ${HEAD_BYTES}`)
  }
  if ((op !== 1 && op !== 2) || cookie !== COOKIE) {
    return problem(
      'bad-value',
      `Cannot read a DHCP message: op ${op} and cookie ${cookie}, expected 1 or 2 and ${COOKIE}`,
    )
  }
  if (hardware !== ETHERNET || hardwareBytes !== MAC_BYTES) {
    return problem(
      'bad-value',
      `Cannot read a DHCP message for hardware ${hardware} with ${hardwareBytes} bytes: expected 1 with 6`,
    )
  }
  const gathered = gatherOptions(reader.rest(), file, sname)
  if (!gathered.ok) return gathered
  const { type, options, overload } = gathered.value
  return ok({
    op: op === 1 ? 'request' : 'reply',
    type,
    xid,
    secs,
    broadcast: (flags & BROADCAST_FLAG) !== 0,
    ciaddr: bytesToIpv4(ciaddr),
    yiaddr: bytesToIpv4(yiaddr),
    siaddr: bytesToIpv4(siaddr),
    giaddr: bytesToIpv4(giaddr),
    chaddr: bytesToMac(chaddr.subarray(0, MAC_BYTES)),
    sname: (overload & 2) === 0 ? fieldText(sname) : '',
    file: (overload & 1) === 0 ? fieldText(file) : '',
    options,
  })
}

/**
 * Writes one message: type first, then the options in the order of the map, each over several where it is longer than 255
 * bytes (RFC 3396), then the end and zeros up to {@link DHCP_MESSAGE_BYTES_MIN}. `file` and `sname` never hold options.
 *
 * Errors: `bad-value` (a number or an address out of range, a text with a NUL, option 0, 52, 53 or 255), `too-long` (a text, an
 * option, the message).
 */
export function encodeDhcpMessage(message: DhcpMessage): Result<Uint8Array, DhcpProblem> {
  const head = encodeHead(message)
  if (!head.ok) return head
  const parts: Uint8Array[] = [head.value, Uint8Array.of(MESSAGE_TYPE, 1, TYPES.indexOf(message.type) + 1)]
  for (const [code, payload] of message.options) {
    if (code === OVERLOAD || code === MESSAGE_TYPE) {
      return problem('bad-value', `Cannot send option ${code} of its own: it follows from the message, leave it out`)
    }
    const option = splitOption(code, payload)
    if (!option.ok) return option
    parts.push(option.value)
  }
  parts.push(Uint8Array.of(END))
  const joined = concatBytes(parts)
  if (joined.length > DHCP_MESSAGE_BYTES_MAX) return tooLong('send', joined.length)
  return ok(concatBytes([joined, new Uint8Array(Math.max(0, DHCP_MESSAGE_BYTES_MIN - joined.length))]))
}

/**
 * A cheap look, for one socket that many phones share.
 *
 * @returns xid and MAC of a server's message; undefined when it is none. What follows in it may still be broken.
 */
export function peekDhcpReply(bytes: Uint8Array): { readonly xid: number; readonly chaddr: MacAddress } | undefined {
  if (bytes.length < HEAD_BYTES || bytes[0] !== 2 || bytes[1] !== ETHERNET || bytes[2] !== MAC_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(236) !== COOKIE) return undefined
  return { xid: view.getUint32(4), chaddr: bytesToMac(bytes.subarray(28, 28 + MAC_BYTES)) }
}

interface GatheredOptions {
  readonly type: DhcpMessageType
  readonly options: ReadonlyMap<number, Uint8Array>
  readonly overload: number
}

/** Reads the options of the option field, then of `file` and `sname` where option 52 says so (RFC 3396 §5: in this order). */
function gatherOptions(field: Uint8Array, file: Uint8Array, sname: Uint8Array): Result<GatheredOptions, DhcpProblem> {
  const parts = new Map<number, Uint8Array[]>()
  const first = readOptions(field, parts)
  if (!first.ok) return first
  // Another value than 1, 2, 3 says nothing, and both fields stay what they are.
  const wanted = parts.get(OVERLOAD)?.[0]?.[0] ?? 0
  const overload = wanted <= 3 ? wanted : 0
  const overloaded = [...((overload & 1) === 0 ? [] : [file]), ...((overload & 2) === 0 ? [] : [sname])]
  for (const bytes of overloaded) {
    const read = readOptions(bytes, parts)
    if (!read.ok) return read
  }
  const options = new Map<number, Uint8Array>()
  for (const [code, payloads] of parts) {
    const [only] = payloads
    const joined = payloads.length === 1 && only !== undefined ? ok(only) : joinOptionParts(payloads)
    if (!joined.ok) return joined
    options.set(code, joined.value)
  }
  const typeBytes = options.get(MESSAGE_TYPE) ?? new Uint8Array(0)
  const type = typeBytes.length === 1 ? TYPES[(typeBytes[0] ?? 0) - 1] : undefined
  if (type === undefined) {
    return problem(
      'bad-value',
      `Cannot read a DHCP message of type "${typeBytes.join(' ')}": expected one byte of 1 to 8`,
    )
  }
  options.delete(MESSAGE_TYPE)
  options.delete(OVERLOAD)
  return ok({ type, options, overload })
}

function readOptions(bytes: Uint8Array, parts: Map<number, Uint8Array[]>): Result<undefined, DhcpProblem> {
  const reader = new ByteReader(bytes)
  while (reader.remainingCount > 0) {
    const code = reader.uint8()
    if (code === PAD) continue
    if (code === END) break
    const payload = reader.take(reader.uint8())
    if (reader.failed) {
      return problem('truncated', `Cannot read option ${code}: its length goes past the end of its field`)
    }
    const known = parts.get(code)
    if (known === undefined) parts.set(code, [payload])
    else known.push(payload)
  }
  return ok(undefined)
}

function encodeHead(message: DhcpMessage): Result<Uint8Array, DhcpProblem> {
  const head = new Uint8Array(HEAD_BYTES)
  const view = new DataView(head.buffer)
  if (!isWhole(message.xid, 0xffff_ffff) || !isWhole(message.secs, 0xffff)) {
    return problem(
      'bad-value',
      `Cannot send xid "${message.xid}" with secs "${message.secs}": expected whole numbers of 32 and of 16 bits`,
    )
  }
  head.set([message.op === 'request' ? 1 : 2, ETHERNET, MAC_BYTES, 0])
  view.setUint32(4, message.xid)
  view.setUint16(8, message.secs)
  view.setUint16(10, message.broadcast ? BROADCAST_FLAG : 0)
  for (const [index, name] of (['ciaddr', 'yiaddr', 'siaddr', 'giaddr'] as const).entries()) {
    const address = ipv4ToBytes(message[name])
    if (address === undefined) {
      return problem(
        'bad-value',
        `Cannot send ${name} "${message[name]}": expected a dotted IPv4 address, 0.0.0.0 for none`,
      )
    }
    head.set(address, 12 + index * 4)
  }
  head.set(macToBytes(message.chaddr), 28)
  const sname = encodeField('sname', message.sname, SNAME_BYTES)
  if (!sname.ok) return sname
  const file = encodeField('file', message.file, FILE_BYTES)
  if (!file.ok) return file
  head.set(sname.value, 44)
  head.set(file.value, 44 + SNAME_BYTES)
  view.setUint32(236, COOKIE)
  return ok(head)
}

/** Text of a field up to its first NUL; empty when it is no text, since nothing of it can be shown or asked for. */
function fieldText(field: Uint8Array): string {
  const end = field.indexOf(0)
  return decodeText(end === -1 ? field : field.subarray(0, end)) ?? ''
}

function encodeField(name: string, text: string, byteCount: number): Result<Uint8Array, DhcpProblem> {
  const bytes = utf8Bytes(text)
  if (bytes.length >= byteCount) {
    return problem(
      'too-long',
      `Cannot send ${name} of ${bytes.length} bytes: shorten it to at most ${byteCount - 1} bytes`,
    )
  }
  // What the decoder would read as no text is not sent.
  if (text !== '' && decodeText(bytes) !== text) {
    return problem('bad-value', `Cannot send ${name} with control characters or broken Unicode: remove them`)
  }
  return ok(bytes)
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max
}

function tooLong(what: 'read' | 'send', byteCount: number): { readonly ok: false; readonly error: DhcpProblem } {
  return problem(
    'too-long',
    `Cannot ${what} a DHCP message of ${byteCount} bytes: expected at most ${DHCP_MESSAGE_BYTES_MAX} bytes`,
  )
}
