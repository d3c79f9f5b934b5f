/** Bytes to SIP messages. Tolerant: folded and compact headers, bare LF, any case, blanks where none should be. */
import { utf8Bytes } from '../bytes.ts'
import { err, ok, type Result } from '../result.ts'
import { isToken, readHead, type SipHead, skipLineEnds, trimBlanks } from './head.ts'
import { SIP_BYTES_MAX, type SipMessage, type SipProblem } from './message.ts'

/**
 * Decodes one message, as a datagram holds it. Bytes behind `Content-Length` are dropped (RFC 3261 §18.3);
 * without `Content-Length` the body goes to the end. The body is a view of the given bytes.
 * @returns `too-large`, `truncated` (no empty line, or the body is shorter than it says), `bad-start-line`,
 *   `bad-header`, `too-many-headers`, or `bad-length`. Never throws.
 * Source: RFC 3261 §7, §18.3.
 */
export function decodeSip(bytes: Uint8Array | string): Result<SipMessage, SipProblem> {
  const buffer = typeof bytes === 'string' ? utf8Bytes(bytes) : bytes
  if (buffer.length > SIP_BYTES_MAX) {
    return err({ code: 'too-large', message: `The message has more than ${SIP_BYTES_MAX} bytes` })
  }
  const head = readHead(buffer, skipLineEnds(buffer, 0))
  if (head === undefined) return err({ code: 'truncated', message: 'The message has no empty line' })
  if (!head.ok) return head
  const { bodyOffset, bodyBytes = buffer.length - bodyOffset } = head.value
  if (bodyOffset + bodyBytes > buffer.length) {
    return err({ code: 'truncated', message: `The body has fewer than ${bodyBytes} bytes` })
  }
  return parseStartLine(head.value, buffer.subarray(bodyOffset, bodyOffset + bodyBytes))
}

/** What a stream holds so far. The messages are views of the buffer. */
export interface SipStreamSplit {
  readonly messages: readonly Uint8Array[]
  /** The beginning of a message that is not yet complete: put it before the next bytes. */
  readonly rest: Uint8Array
  /** True if the stream cannot be followed any more and has to be closed; `rest` is then empty. */
  readonly broken: boolean
}

/**
 * Cuts a TCP or TLS stream into messages by `Content-Length`, which a stream must have; without it a message has
 * no body. Line ends between messages (keep-alives) are dropped.
 * @returns `broken` when a head does not end, or is not SIP, or a message has more than 64 KiB
 * Source: RFC 3261 §18.3, §20.14.
 */
export function splitSipStream(buffer: Uint8Array): SipStreamSplit {
  const messages: Uint8Array[] = []
  let offset = skipLineEnds(buffer, 0)
  while (offset < buffer.length) {
    const head = readHead(buffer, offset)
    const available = buffer.length - offset
    if (head === undefined && available < SIP_BYTES_MAX) break
    if (head === undefined || !head.ok) return { messages, rest: new Uint8Array(0), broken: true }
    const messageBytes = head.value.bodyOffset + (head.value.bodyBytes ?? 0) - offset
    if (messageBytes > SIP_BYTES_MAX) return { messages, rest: new Uint8Array(0), broken: true }
    if (messageBytes > available) break
    messages.push(buffer.subarray(offset, offset + messageBytes))
    offset = skipLineEnds(buffer, offset + messageBytes)
  }
  return { messages, rest: buffer.subarray(offset), broken: false }
}

function parseStartLine(head: SipHead, body: Uint8Array): Result<SipMessage, SipProblem> {
  const line = trimBlanks(head.startLine)
  const [, statusText, reason = ''] = /^SIP\/2\.0[ \t]+([1-6][0-9]{2})(?:[ \t]+([^]*))?$/i.exec(line) ?? []
  if (statusText !== undefined) {
    return ok({ kind: 'response', status: Number(statusText), reason, headers: head.headers, body })
  }
  const [, method = '', uri = ''] = /^([^ \t]+)[ \t]+([^ \t]+)[ \t]+SIP\/2\.0$/i.exec(line) ?? []
  if (!isToken(method)) return err({ code: 'bad-start-line', message: 'The first line is neither request nor status' })
  return ok({ kind: 'request', method, uri, headers: head.headers, body })
}
