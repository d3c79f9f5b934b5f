/** SIP messages as values, and their headers by name (RFC 3261 §7). */

/** As on the wire: the name in the sender's case, perhaps compact; the value unfolded and trimmed. */
export type SipHeader = readonly [name: string, value: string]

export interface SipRequest {
  readonly kind: 'request'
  readonly method: string
  readonly uri: string
  readonly headers: readonly SipHeader[]
  readonly body: Uint8Array
}

export interface SipResponse {
  readonly kind: 'response'
  /** 100 to 699. */
  readonly status: number
  readonly reason: string
  readonly headers: readonly SipHeader[]
  readonly body: Uint8Array
}

export type SipMessage = SipRequest | SipResponse

/** Why bytes are not a SIP message. */
export interface SipProblem {
  readonly code: 'too-large' | 'truncated' | 'bad-start-line' | 'bad-header' | 'too-many-headers' | 'bad-length'
  readonly message: string
}

/** The most bytes of one message; a datagram cannot hold more, and phones send a few KiB. */
export const SIP_BYTES_MAX = 65_536
/** The most header lines of one message; ordinary ones have under 30. */
export const SIP_HEADERS_MAX = 128

/** RFC 3261 §7.3.3 and §20, and the registered extensions. */
const COMPACT_NAMES: ReadonlyMap<string, string> = new Map([
  ['a', 'accept-contact'],
  ['b', 'referred-by'],
  ['c', 'content-type'],
  ['d', 'request-disposition'],
  ['e', 'content-encoding'],
  ['f', 'from'],
  ['i', 'call-id'],
  ['j', 'reject-contact'],
  ['k', 'supported'],
  ['l', 'content-length'],
  ['m', 'contact'],
  ['n', 'identity-info'],
  ['o', 'event'],
  ['r', 'refer-to'],
  ['s', 'subject'],
  ['t', 'to'],
  ['u', 'allow-events'],
  ['v', 'via'],
  ['x', 'session-expires'],
  ['y', 'identity'],
])

/** @returns the name in lower case and long form: `i` and `CALL-ID` are both `call-id`. */
export function headerName(name: string): string {
  const lower = name.toLowerCase()
  return COMPACT_NAMES.get(lower) ?? lower
}

/** @returns the value of the first header of that name, in any case, long or compact; or undefined. */
export function header(message: SipMessage, name: string): string | undefined {
  return headerAll(message, name)[0]
}

/** @returns the values of all headers of that name in order, one a line of the message; lists are not split. */
export function headerAll(message: SipMessage, name: string): readonly string[] {
  const wanted = headerName(name)
  return message.headers.flatMap(([found, value]) => (headerName(found) === wanted ? [value] : []))
}
