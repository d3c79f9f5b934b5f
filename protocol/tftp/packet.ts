import { assert, assertNever, err, ok } from '../result.ts'
import type { Result } from '../result.ts'

/*
 * TFTP packets (RFC 1350 §5, RFC 2347 §2). All numbers are big-endian; strings end with a zero byte.
 *
 *            2 bytes   string   1   string  1   string   1   string   1
 *           +--------+---------+---+-------+---+--------+---+--------+---+
 * RRQ, WRQ  |  1, 2  | file    | 0 | mode  | 0 | option | 0 | value  | 0 |  ...
 *           +--------+---------+---+-------+---+--------+---+--------+---+
 *
 *            2 bytes   2 bytes   0 to blksize bytes
 *           +--------+---------+-------------------------+
 * DATA      |   3    | block   | data                    |   shorter than blksize: the last one
 *           +--------+---------+-------------------------+
 * ACK       |   4    | block   |
 *           +--------+---------+----------+---+
 * ERROR     |   5    | code    | message  | 0 |
 *           +--------+---------+---+------+---+
 * OACK      |   6    | option  | 0 | value | 0 |  ...
 *           +--------+---------+---+-------+---+
 */

/** One TFTP packet. Names of options are lower case; `mode` is as sent. */
export type TftpPacket =
  | TftpRequestPacket
  | { readonly kind: 'data'; readonly block: number; readonly data: Uint8Array }
  | { readonly kind: 'ack'; readonly block: number }
  | { readonly kind: 'error'; readonly code: number; readonly message: string }
  | { readonly kind: 'oack'; readonly options: ReadonlyMap<string, string> }

/** A read or write request. Source: RFC 1350 §5, RFC 2347 §2. */
export type TftpRequestPacket = RequestPacket<'rrq'> | RequestPacket<'wrq'>

interface RequestPacket<Kind> {
  readonly kind: Kind
  readonly filename: string
  readonly mode: string
  readonly options: ReadonlyMap<string, string>
}

/** Why bytes are no TFTP packet. */
export interface TftpProblem {
  readonly code: 'truncated' | 'too-large' | 'unknown-opcode' | 'unterminated'
  readonly message: string
}

/** Largest block of RFC 2348 §2, in bytes. */
export const BLOCK_BYTES_MAX = 65464

/** Block size when none is agreed (RFC 1350 §2), in bytes. */
export const BLOCK_BYTES_PLAIN = 512

/** Largest request or OACK that is read, in bytes: twice what RFC 2347 §2 allows, for long paths. */
export const REQUEST_BYTES_MAX = 1024

/** Longest file name that is sent, in bytes: leaves room for every option within the 512 bytes of RFC 2347 §2. */
export const FILENAME_BYTES_MAX = 400

/** Options read from one packet; there are five in use, the rest is dropped. */
export const OPTIONS_MAX = 16

/** Longest error text kept or sent, in bytes. */
export const ERROR_TEXT_BYTES_MAX = 256

/** Error codes. Source: RFC 1350 appendix I, RFC 2347 §4 (8). */
export const TFTP_ERROR = {
  undefinedError: 0,
  fileNotFound: 1,
  accessViolation: 2,
  diskFull: 3,
  illegalOperation: 4,
  unknownTransfer: 5,
  fileExists: 6,
  noSuchUser: 7,
  optionRefused: 8,
} as const

/** The one text of every refusal with code 1, so that a stranger learns nothing from it. */
export const FILE_NOT_FOUND_TEXT = 'File not found'

const OPCODE = { rrq: 1, wrq: 2, data: 3, ack: 4, error: 5, oack: 6 } as const

const utf8Writer = new TextEncoder()
const utf8Reader = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Reads one datagram. Never throws.
 *
 * Lenient where devices are known to be sloppy: option names in any case, a half-written last option, an error text
 * without its zero byte, bytes after an ACK. An option given twice keeps its first value (RFC 2347 §2: only once).
 * The data of a DATA packet is a view of `bytes`.
 */
export function decodePacket(bytes: Uint8Array): Result<TftpPacket, TftpProblem> {
  if (bytes.length < 2) return problem('truncated', `${bytes.length} bytes, expected at least 2`)
  const opcode = uint16(bytes, 0)
  const isNumbered = opcode === OPCODE.data || opcode === OPCODE.ack || opcode === OPCODE.error
  if (isNumbered && bytes.length < 4) return problem('truncated', `${bytes.length} bytes, expected at least 4`)
  switch (opcode) {
    case OPCODE.rrq:
      return decodeRequest('rrq', bytes)
    case OPCODE.wrq:
      return decodeRequest('wrq', bytes)
    case OPCODE.data:
      if (bytes.length > BLOCK_BYTES_MAX + 4) return problem('too-large', `a block of ${bytes.length - 4} bytes`)
      return ok({ kind: 'data', block: uint16(bytes, 2), data: bytes.subarray(4) })
    case OPCODE.ack:
      return ok({ kind: 'ack', block: uint16(bytes, 2) })
    case OPCODE.error:
      return ok({ kind: 'error', code: uint16(bytes, 2), message: decodeErrorText(bytes) })
    case OPCODE.oack:
      if (bytes.length > REQUEST_BYTES_MAX) return problem('too-large', `an OACK of ${bytes.length} bytes`)
      return ok({ kind: 'oack', options: decodeOptions(splitStrings(bytes)) })
    default:
      return problem('unknown-opcode', `opcode ${opcode}, expected 1 to 6`)
  }
}

/**
 * Writes one packet. Throws an assertion error for what no packet can hold: a zero byte in a string, a request over
 * {@link REQUEST_BYTES_MAX}, a block over {@link BLOCK_BYTES_MAX}, a number over 65535. Error texts are cut instead.
 */
export function encodePacket(packet: TftpPacket): Uint8Array {
  switch (packet.kind) {
    case 'rrq':
    case 'wrq':
      return encodeStrings(OPCODE[packet.kind], [packet.filename, packet.mode, ...optionStrings(packet.options)])
    case 'data':
      return encodeData(packet.block, packet.data)
    case 'ack':
      return encodeNumbered(OPCODE.ack, packet.block, 0)
    case 'error':
      return encodeError(packet.code, packet.message)
    case 'oack':
      return encodeStrings(OPCODE.oack, optionStrings(packet.options))
    default:
      return assertNever(packet)
  }
}

/** True for a name that a request can carry: at most {@link FILENAME_BYTES_MAX} bytes of UTF-8, no zero byte. */
export function isEncodableFilename(filename: string): boolean {
  return !filename.includes('\0') && utf8Writer.encode(filename).length <= FILENAME_BYTES_MAX
}

/** True for bytes that claim to be a read or write request, well-formed or not. */
export function looksLikeRequest(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && (bytes[1] === OPCODE.rrq || bytes[1] === OPCODE.wrq)
}

function decodeRequest(kind: 'rrq' | 'wrq', bytes: Uint8Array): Result<TftpRequestPacket, TftpProblem> {
  if (bytes.length > REQUEST_BYTES_MAX) return problem('too-large', `a request of ${bytes.length} bytes`)
  const strings = splitStrings(bytes)
  const [filename, mode, ...rest] = strings
  if (filename === undefined || mode === undefined) return problem('unterminated', 'a request without name or mode')
  return ok({ kind, filename, mode, options: decodeOptions(rest) })
}

function splitStrings(bytes: Uint8Array): readonly string[] {
  const strings: string[] = []
  const stringsMax = 2 + OPTIONS_MAX * 2
  let start = 2
  while (strings.length < stringsMax) {
    const end = bytes.indexOf(0, start)
    if (end < 0) break
    strings.push(utf8Reader.decode(bytes.subarray(start, end)))
    start = end + 1
  }
  return strings
}

function decodeOptions(strings: readonly string[]): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  for (let index = 0; index + 1 < strings.length && options.size < OPTIONS_MAX; index += 2) {
    const name = (strings[index] ?? '').toLowerCase()
    if (name !== '' && !options.has(name)) options.set(name, strings[index + 1] ?? '')
  }
  return options
}

function decodeErrorText(bytes: Uint8Array): string {
  const zero = bytes.indexOf(0, 4)
  const end = Math.min(zero < 0 ? bytes.length : zero, 4 + ERROR_TEXT_BYTES_MAX)
  return utf8Reader.decode(bytes.subarray(4, end))
}

function optionStrings(options: ReadonlyMap<string, string>): readonly string[] {
  return [...options].flat()
}

function encodeStrings(opcode: number, strings: readonly string[]): Uint8Array {
  assert(!strings.some((text) => text.includes('\0')), 'no zero byte inside a TFTP string')
  const body = utf8Writer.encode(strings.map((text) => `${text}\0`).join(''))
  assert(body.length + 2 <= REQUEST_BYTES_MAX, `a TFTP request has at most ${REQUEST_BYTES_MAX} bytes`)
  const bytes = new Uint8Array(2 + body.length)
  bytes[1] = opcode
  bytes.set(body, 2)
  return bytes
}

function encodeData(block: number, data: Uint8Array): Uint8Array {
  assert(data.length <= BLOCK_BYTES_MAX, `a TFTP block has at most ${BLOCK_BYTES_MAX} bytes`)
  const bytes = encodeNumbered(OPCODE.data, block, data.length)
  bytes.set(data, 4)
  return bytes
}

function encodeError(code: number, message: string): Uint8Array {
  const clean = message.replaceAll('\0', ' ')
  const target = new Uint8Array(ERROR_TEXT_BYTES_MAX)
  const { written } = utf8Writer.encodeInto(clean, target)
  const bytes = encodeNumbered(OPCODE.error, code, written + 1)
  bytes.set(target.subarray(0, written), 4)
  return bytes
}

function encodeNumbered(opcode: number, value: number, roomBytes: number): Uint8Array {
  assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, 'a TFTP number has 16 bits')
  const bytes = new Uint8Array(4 + roomBytes)
  bytes[1] = opcode
  bytes[2] = value >> 8
  bytes[3] = value & 0xff
  return bytes
}

function uint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0)
}

function problem(code: TftpProblem['code'], found: string): Result<never, TftpProblem> {
  return err({ code, message: `Cannot read TFTP packet: ${found}` })
}
