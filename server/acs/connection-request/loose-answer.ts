/**
 * Reads answers of HTTP as small agents send them: lines that end with LF alone, folded headers, no blank line at the
 * end, HTTP/1.0, odd status lines. Platform parsers refuse half of these. Pure; the caller bounds the bytes.
 * Source: [TR-069 §8.1]; RFC 9112.
 */
import { utf8Text } from '../../../protocol/bytes.ts'

export interface LooseAnswer {
  /** 200 to 599: interim answers are passed over. */
  readonly status: number
  /** In their order; names in lower case, values unfolded and trimmed. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Whether it ended where it said it would, and another request may follow on this connection. */
  readonly reusable: boolean
}

export type Reading =
  /** All of it is here. */
  | { readonly kind: 'whole'; readonly answer: LooseAnswer }
  /** More may come. `answer` as soon as its headers are complete: enough to decide, if nothing more is to be waited for. */
  | { readonly kind: 'part'; readonly answer: LooseAnswer | undefined }
  | { readonly kind: 'broken'; readonly detail: string }

/** Characters of a wrong first line that are shown. */
const SHOWN_CHARS = 40
/** `HTTP/1.1 200 OK`; without a reason, with more spaces, without a version, in any case. */
const STATUS_LINE = /^HTTP(?:\/(\d+(?:\.\d+)?))?[ \t]+([1-5]\d\d)(?!\d)/i

/** Lines up to the blank one. */
interface Head {
  readonly lines: readonly string[]
  /** Offset behind the blank line. */
  readonly end: number
  /** Whether the blank line is there. */
  readonly complete: boolean
}

/**
 * @param bytes all that came since the request was sent
 * @param ended whether nothing more will come; what is there is then taken for the answer if its status is there
 * Never throws.
 */
export function readLooseAnswer(bytes: Uint8Array, ended: boolean): Reading {
  // One character a byte, so that offsets in the text are offsets in the bytes.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  let offset = 0
  for (;;) {
    const head = readHead(text, offset)
    const [first, ...rest] = head.lines
    if (first === undefined) return ended ? broken('Nothing came that could be an answer') : PART
    const [, version, digits] = STATUS_LINE.exec(first) ?? []
    if (digits === undefined) {
      // The first line may still be on its way.
      if (!ended && head.lines.length === 1 && !head.complete) return PART
      return broken(`An answer begins with "${shown(first)}", expected a line such as HTTP/1.1 200 OK`)
    }
    if (!head.complete && !ended) return PART
    const status = Number(digits)
    if (status >= 200) return wholeOrPart(text, head, { status, version, headers: readHeaders(rest), ended })
    if (!head.complete) return broken(`Only an interim answer came (${status})`)
    offset = head.end
  }
}

const PART: Reading = { kind: 'part', answer: undefined }

function broken(detail: string): Reading {
  return { kind: 'broken', detail }
}

function shown(line: string): string {
  return line.slice(0, SHOWN_CHARS).replace(/[^\x20-\x7e]/g, '?')
}

/** Blank lines before the first one are passed over (RFC 9112 §2.2). */
function readHead(text: string, from: number): Head {
  const lines: string[] = []
  let at = from
  while (at < text.length) {
    const newline = text.indexOf('\n', at)
    const line = text.slice(at, newline < 0 ? text.length : newline).replace(/\r+$/, '')
    at = newline < 0 ? text.length : newline + 1
    if (line !== '') lines.push(line)
    else if (lines.length > 0 && newline >= 0) return { lines, end: at, complete: true }
  }
  return { lines, end: at, complete: false }
}

/** A line that begins with a space goes on with the one before (RFC 9112 §5.2); one without a colon is passed over. */
function readHeaders(lines: readonly string[]): readonly (readonly [string, string])[] {
  const headers: [name: string, value: string][] = []
  let open: [name: string, value: string] | undefined
  for (const line of lines) {
    if (/^[ \t]/.test(line)) {
      if (open !== undefined) open[1] = `${open[1]} ${line.trim()}`.trim()
      continue
    }
    const colon = line.indexOf(':')
    open = colon < 1 ? undefined : [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
    if (open !== undefined) headers.push(open)
  }
  return headers.map(([name, value]) => [name, inUtf8(value)])
}

/** A realm beyond ASCII is hashed as the bytes that were sent, which are UTF-8 nowadays; anything else stays Latin-1. */
function inUtf8(value: string): string {
  return /^[\x20-\x7e]*$/.test(value) ? value : (utf8Text(Buffer.from(value, 'latin1')) ?? value)
}

interface Beginning {
  readonly status: number
  readonly version: string | undefined
  readonly headers: LooseAnswer['headers']
  readonly ended: boolean
}

/** Only a body of a stated length is waited for: it makes the connection good for another request. */
function wholeOrPart(text: string, head: Head, { status, version, headers, ended }: Beginning): Reading {
  const length = bodyLength(status, headers)
  const answer = { status, headers, reusable: false }
  if (ended || length === undefined) return { kind: 'whole', answer }
  const end = head.end + length
  if (text.length < end) return { kind: 'part', answer }
  // More than was announced belongs to nothing that we asked.
  const reusable = text.length === end && staysOpen(version, headers)
  return { kind: 'whole', answer: { ...answer, reusable } }
}

/** @returns undefined where only the end of the connection, or chunks, tell (RFC 9112 §6.3). */
function bodyLength(status: number, headers: LooseAnswer['headers']): number | undefined {
  if (status === 204 || status === 304) return 0
  if (valuesOf(headers, 'transfer-encoding').length > 0) return undefined
  const lengths = new Set(valuesOf(headers, 'content-length'))
  const [length = ''] = lengths
  return lengths.size === 1 && /^\d{1,9}$/.test(length) ? Number(length) : undefined
}

function staysOpen(version: string | undefined, headers: LooseAnswer['headers']): boolean {
  const wishes = valuesOf(headers, 'connection').flatMap((value) =>
    value.split(',').map((wish) => wish.trim().toLowerCase()),
  )
  return version === '1.1' ? !wishes.includes('close') : wishes.includes('keep-alive')
}

/** @returns every value of a header, in order */
export function valuesOf(headers: LooseAnswer['headers'], wanted: string): readonly string[] {
  return headers.flatMap(([name, value]) => (name === wanted ? [value] : []))
}
