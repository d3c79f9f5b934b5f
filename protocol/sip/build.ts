/**
 * Messages of our own: requests, their authorised repetition, and responses. Pure: branches, tags, call ids and
 * client nonces are handed in by whoever has chance.
 */
import { type DigestChallenge, digestAuthorization, parseAuthChallenges } from '../http/mod.ts'
import { bracketIpv6, changeViaParams, parseAddress, parseVia } from './address.ts'
import { oneLine } from './head.ts'
import { header, headerAll, headerName, type SipHeader, type SipRequest, type SipResponse } from './message.ts'

/** RFC 3261 §8.1.1.7: every branch begins with this. */
export const BRANCH_PREFIX = 'z9hG4bK'

/** What every request needs (RFC 3261 §8.1.1). */
export interface SipRequestParts {
  readonly method: string
  /** The request URI. */
  readonly uri: string
  /** Address of record of the sender, e.g. `sip:1001@example.com`. */
  readonly from: string
  readonly fromTag: string
  readonly displayName?: string
  readonly to: string
  readonly callId: string
  /** 1 to 2^31-1; grows with every request of a call id. */
  readonly cseq: number
  /** Begins with `z9hG4bK`, never used twice. */
  readonly branch: string
  /** Where the answer is to go. */
  readonly via: { readonly transport: 'UDP' | 'TCP' | 'TLS'; readonly host: string; readonly port: number }
  /** Further headers, in order, e.g. `Event`. */
  readonly headers?: readonly SipHeader[]
  readonly body?: Uint8Array
}

/** What a registration needs beyond any request. */
export interface SipRegisterParts
  extends Pick<SipRequestParts, 'callId' | 'cseq' | 'branch' | 'fromTag' | 'displayName' | 'via' | 'headers'> {
  /** Where to register, e.g. `sip:example.com`. */
  readonly registrar: string
  /** The address of record, e.g. `sip:1001@example.com`. */
  readonly address: string
  /** Where calls are to go, e.g. `sip:1001@192.168.1.100:5060`. */
  readonly contact: string
  /** 0 removes the registration. */
  readonly expiresSeconds: number
  readonly userAgent?: string
}

/** Who repeats a challenged request, and under which fresh names. */
export interface SipAuthorization {
  readonly username: string
  readonly password: string
  /** A new branch: the repetition is a transaction of its own (RFC 3261 §22.2). */
  readonly branch: string
  readonly cnonce: string
  /** How often this nonce has been used, this time included; 1 unless it is kept. */
  readonly nonceCount?: number
}

/** What a response may add to what it copies. */
export interface SipResponseParts {
  readonly status: number
  readonly reason: string
  /** Put on `To` if it has no tag and the status is above 100. */
  readonly toTag?: string
  /** Where the request came from, for `received` and `rport` of the top Via (RFC 3261 §18.2.1, RFC 3581 §4). */
  readonly source?: { readonly address: string; readonly port: number }
  readonly headers?: readonly SipHeader[]
  readonly body?: Uint8Array
}

/** @returns a request outside of a dialog; control characters in values become blanks. Source: RFC 3261 §8.1.1. */
export function buildRequest(parts: SipRequestParts): SipRequest {
  const { via } = parts
  const name = parts.displayName === undefined ? '' : `"${parts.displayName.replace(/["\\]/g, '\\$&')}" `
  return {
    kind: 'request',
    method: parts.method,
    uri: parts.uri,
    headers: fitLines([
      ['Via', `SIP/2.0/${via.transport} ${bracketIpv6(via.host)}:${via.port};branch=${parts.branch};rport`],
      ['Max-Forwards', '70'],
      ['From', `${name}<${parts.from}>;tag=${parts.fromTag}`],
      ['To', `<${parts.to}>`],
      ['Call-ID', parts.callId],
      ['CSeq', `${parts.cseq} ${parts.method}`],
      ...(parts.headers ?? []),
    ]),
    body: parts.body ?? new Uint8Array(0),
  }
}

/** @returns a registration of one contact. Source: RFC 3261 §10.2. */
export function buildRegister(parts: SipRegisterParts): SipRequest {
  return buildRequest({
    ...parts,
    method: 'REGISTER',
    uri: parts.registrar,
    from: parts.address,
    to: parts.address,
    headers: [
      ['Contact', `<${parts.contact}>;expires=${parts.expiresSeconds}`],
      ['Expires', String(parts.expiresSeconds)],
      ...(parts.userAgent === undefined ? [] : ([['User-Agent', parts.userAgent]] as const)),
      ...(parts.headers ?? []),
    ],
  })
}

/**
 * Repeats a request that was answered with 401 or 407: the next CSeq, a new branch, and the answer to the first
 * digest that we know. An answer to an earlier challenge is replaced.
 * @returns undefined if the response is no challenge, or none that we can answer
 * Source: RFC 3261 §22.2, §22.3.
 */
export function authorizeRequest(
  request: SipRequest,
  response: SipResponse,
  authorization: SipAuthorization,
): SipRequest | undefined {
  const names = CHALLENGE_HEADERS.get(response.status)
  const challenge = names === undefined ? undefined : firstDigest(headerAll(response, names.challenge))
  const via = header(request, 'Via')
  const [, number] = /^(\d{1,10})[ \t]+[^ \t]+$/.exec(header(request, 'CSeq') ?? '') ?? []
  if (names === undefined || challenge === undefined || via === undefined || number === undefined) return undefined
  const { method, uri, body } = request
  const { branch, nonceCount = 1 } = authorization
  const answer = digestAuthorization(challenge, { ...authorization, method, uri, body, nonceCount })
  const answerName = headerName(names.answer)
  const kept = request.headers.filter(([name]) => headerName(name) !== answerName)
  const replaced = replaceFirst(
    replaceFirst(kept, 'cseq', `${Number(number) + 1} ${method}`),
    'via',
    withBranch(via, branch),
  )
  return { ...request, headers: [...replaced, [names.answer, answer]] }
}

/**
 * Answers a request: Via, From, To, Call-ID and CSeq come from it.
 * @returns a response; what the request lacks, the response lacks
 * Source: RFC 3261 §8.2.6.
 */
export function buildResponse(request: SipRequest, parts: SipResponseParts): SipResponse {
  const copied = COPIED_HEADERS.flatMap((name) => headerAll(request, name).map((value): SipHeader => [name, value]))
  const top = header(request, 'Via')
  const withSource =
    parts.source === undefined || top === undefined
      ? copied
      : replaceFirst(copied, 'via', withReceived(top, parts.source))
  const to = header(request, 'To')
  const tagged = parts.toTag === undefined || to === undefined || parts.status === 100 ? to : withTag(to, parts.toTag)
  return {
    kind: 'response',
    status: parts.status,
    reason: parts.reason,
    headers: fitLines([
      ...(tagged === undefined ? withSource : replaceFirst(withSource, 'to', tagged)),
      ...(parts.headers ?? []),
    ]),
    body: parts.body ?? new Uint8Array(0),
  }
}

const COPIED_HEADERS = ['Via', 'From', 'To', 'Call-ID', 'CSeq'] as const

const CHALLENGE_HEADERS: ReadonlyMap<number, { readonly challenge: string; readonly answer: string }> = new Map([
  [401, { challenge: 'WWW-Authenticate', answer: 'Authorization' }],
  [407, { challenge: 'Proxy-Authenticate', answer: 'Proxy-Authorization' }],
])

/** Values come from profiles and peers: a line end in a display name must not make a header of its own. */
function fitLines(headers: readonly SipHeader[]): readonly SipHeader[] {
  return headers.map(([name, value]): SipHeader => [name, oneLine(value)])
}

function firstDigest(values: readonly string[]): DigestChallenge | undefined {
  const challenges = values.flatMap(parseAuthChallenges)
  return challenges.flatMap((found) => (found.scheme === 'digest' ? [found.challenge] : []))[0]
}

function replaceFirst(headers: readonly SipHeader[], name: string, value: string): readonly SipHeader[] {
  const index = headers.findIndex(([found]) => headerName(found) === name)
  return headers.map((line, position): SipHeader => (position === index ? [line[0], value] : line))
}

function withBranch(via: string, branch: string): string {
  return changeViaParams(via, (name, text) => (name === 'branch' ? `branch=${branch}` : text))
}

function withTag(to: string, tag: string): string {
  const address = parseAddress(to)
  return address === undefined || address.params.has('tag') ? to : `${to};tag=${tag}`
}

/** RFC 3581 §4: with an empty rport both are filled in; RFC 3261 §18.2.1: else `received` where the name differs. */
function withReceived(value: string, source: { readonly address: string; readonly port: number }): string {
  const via = parseVia(value)
  if (via === undefined) return value
  const asked = via.params.get('rport') === ''
  const received = asked || via.host !== source.address.toLowerCase() ? [`received=${source.address}`] : []
  return changeViaParams(
    value,
    (name, text) => {
      if (name === 'received') return undefined
      return name === 'rport' && asked ? `rport=${source.port}` : text
    },
    received,
  )
}
