/** Finds the lines and the end of a message's head: what a datagram and a stream have in common. */
import { err, ok, type Result } from '../result.ts'
import { headerName, SIP_BYTES_MAX, SIP_HEADERS_MAX, type SipHeader, type SipProblem } from './message.ts'

/** The part of a message before its body. */
export interface SipHead {
  readonly startLine: string
  readonly headers: readonly SipHeader[]
  /** Where the body begins, in bytes from the start of the buffer. */
  readonly bodyOffset: number
  /** What `Content-Length` says, or undefined without one. */
  readonly bodyBytes: number | undefined
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/** @returns the offset behind the line ends at `offset`: keep-alives, and spare ones before a message (RFC 3261 §7.5). */
export function skipLineEnds(bytes: Uint8Array, offset: number): number {
  let position = offset
  while (bytes[position] === LINE_FEED || bytes[position] === CARRIAGE_RETURN) position++
  return position
}

/**
 * Reads the head that begins at `offset`, which is no line end. Lines end with CRLF or LF; a line that begins with a
 * blank goes on with the one before; control characters become blanks.
 * @returns undefined while the empty line has not come within the limit
 */
export function readHead(bytes: Uint8Array, offset: number): Result<SipHead, SipProblem> | undefined {
  const window = bytes.subarray(offset, offset + SIP_BYTES_MAX)
  const headBytes = findHeadEnd(window)
  if (headBytes === undefined) return undefined
  // Not fatal: a name in Latin-1 must not make a phone deaf.
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(window.subarray(0, headBytes))
  const lines: string[] = []
  for (const line of text.split('\n').map(cleanLine)) {
    if (line === '') break
    const isFolded = lines.length > 1 && isBlank(line[0])
    lines.push(isFolded ? `${lines.pop() ?? ''} ${trimBlanks(line)}` : trimBlanks(line))
    if (lines.length > SIP_HEADERS_MAX + 1) {
      return err({ code: 'too-many-headers', message: `The message has more than ${SIP_HEADERS_MAX} headers` })
    }
  }
  return parseLines(lines, offset + headBytes)
}

/** RFC 3261 §25.1: SP and HTAB; other spaces of Unicode are part of a value. */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  // By hand: `/[ \t]+$/` takes a time that grows with the square of a long run of blanks.
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

/** Makes any text fit for one line of a message. */
export function oneLine(text: string): string {
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, ' ')
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

/** @returns the offset behind the empty line: behind LF LF or LF CR LF. */
function findHeadEnd(bytes: Uint8Array): number | undefined {
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
    if (bytes[at + 1] === LINE_FEED) return at + 2
    if (bytes[at + 1] === CARRIAGE_RETURN && bytes[at + 2] === LINE_FEED) return at + 3
  }
  return undefined
}

function cleanLine(line: string): string {
  return oneLine(line.endsWith('\r') ? line.slice(0, -1) : line)
}

function parseLines(lines: readonly string[], bodyOffset: number): Result<SipHead, SipProblem> {
  const [startLine = '', ...headerLines] = lines
  const headers: SipHeader[] = []
  for (const line of headerLines) {
    const colon = line.indexOf(':')
    const name = trimBlanks(line.slice(0, Math.max(0, colon)))
    if (!isToken(name)) return err({ code: 'bad-header', message: `Header ${headers.length + 1} has no name` })
    headers.push([name, trimBlanks(line.slice(colon + 1))])
  }
  const lengths = new Set(headers.flatMap(([name, value]) => (headerName(name) === 'content-length' ? [value] : [])))
  const [length] = lengths
  if (lengths.size > 1 || (length !== undefined && !/^\d{1,9}$/.test(length))) {
    return err({ code: 'bad-length', message: 'Content-Length is not one number' })
  }
  return ok({ startLine, headers, bodyOffset, bodyBytes: length === undefined ? undefined : Number(length) })
}

/** RFC 3261 §25.1, `token`. */
export function isToken(text: string): boolean {
  return /^[A-Za-z0-9\-.!%*_+`'~]+$/.test(text)
}
