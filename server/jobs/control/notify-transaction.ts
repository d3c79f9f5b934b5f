/**
 * One NOTIFY to a phone as a conversation: what arrives and the time go in, what to send comes out. No sockets, no timers.
 *
 *   calling --1xx--> proceeding        calling, proceeding --2xx..6xx--> completed --K--> terminated
 *      |  ^                            --401, 407--> calling anew: next CSeq, new branch, credentials
 *      +--+ E (UDP: T1, 2*T1, … T2)    --F, transport--> terminated
 *
 * The 407 of the provider's proxy is answered with our account there, the 401 of the phone with the credentials of its
 * line; whoever calls makes sure that answers come from the proxy that was asked.
 * Source: RFC 3261 §17.1.2 (timers E, F, K), §22.2, §22.3; RFC 6665 §4.1; MPP §8.
 */
import { type DigestChallenge, digestAuthorization, parseAuthChallenges } from '../../../protocol/http/mod.ts'
import type { Millis, Step } from '../../../protocol/result.ts'
import { assertNever } from '../../../protocol/result.ts'
import {
  BRANCH_PREFIX,
  buildRequest,
  encodeSip,
  header,
  headerAll,
  parseSipUri,
  parseVia,
  printSipUri,
  type SipHeader,
  type SipResponse,
} from '../../../protocol/sip/mod.ts'

/** RFC 3261 §17.1.1.1: an estimate of the round trip; Timer E begins with it and Timer F is 64 of it. */
export const T1_MS: Millis = 500
/** The longest interval between two sendings of one request. */
export const T2_MS: Millis = 4000
/** How long a datagram lives; Timer K. */
export const T4_MS: Millis = 5000
/** Challenges that are answered in one conversation: proxy, phone, and each once more for a nonce that has become stale. */
export const CHALLENGES_MAX = 4

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** What is asked of whom, and who we are. */
export interface NotifyCall {
  /** Value of the Event header: `resync`, `reboot_now`, `restart_now`, `report`, `resync;profile="…"`. */
  readonly event: string
  /** The line: user and domain (with its port if it has one). */
  readonly userId: string
  readonly domain: string
  /** What we call ourselves: our user at the proxy, and its host. */
  readonly from: { readonly user: string; readonly host: string }
  readonly via: { readonly transport: 'UDP' | 'TCP'; readonly host: string; readonly port: number }
  /** Our account at the proxy, for 407. */
  readonly proxyAccount: Credentials | undefined
  /** Of the line, for the phone's 401. */
  readonly lineAccount: Credentials
  readonly userAgent: string
}

export type NotifyFailure =
  /** The final answer was no success. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  /** Asked for credentials again after it had got them. */
  | { readonly kind: 'wrong-credentials'; readonly of: 'proxy' | 'line' }
  /** The proxy asks for credentials and none are set. */
  | { readonly kind: 'no-account' }
  /** 401 or 407 without a digest that we know. */
  | { readonly kind: 'unknown-challenge'; readonly status: number }
  /** Timer F. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'undelivered'; readonly detail: string }
  /** The address of the proxy is one that whoever named it may not make us talk to. */
  | { readonly kind: 'forbidden'; readonly detail: string }

export type NotifyInput =
  /** From the proxy that was asked; whether it is ours is looked at here. */
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'timer' }
  /** The transport could not deliver. */
  | { readonly kind: 'undelivered'; readonly detail: string }

export type NotifyOutput =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'challenged'; readonly by: 'proxy' | 'phone' }
  /** @property sentAt when the request that was accepted went out first */
  | { readonly kind: 'accepted'; readonly status: number; readonly sentAt: Millis }
  | { readonly kind: 'failed'; readonly failure: NotifyFailure }

interface Answered {
  readonly challenge: DigestChallenge
  /** Uses of this nonce so far. */
  readonly count: number
}

export interface NotifyState {
  readonly call: NotifyCall
  readonly phase: 'calling' | 'proceeding' | 'completed' | 'terminated'
  readonly callId: string
  readonly fromTag: string
  readonly cseq: number
  readonly branch: string
  readonly bytes: Uint8Array
  readonly sentAt: Millis
  /** Timer E: when to send again, and the interval that led there. */
  readonly resendAt: Millis | undefined
  readonly resendIntervalMs: Millis
  /** Timer F, after the final answer Timer K. */
  readonly endsAt: Millis
  readonly proxy: Answered | undefined
  readonly phone: Answered | undefined
  readonly lastChallengedBy: 'proxy' | 'phone' | undefined
  readonly challengeCount: number
}

type NotifyStep = Step<NotifyState, NotifyOutput>

/** Fresh random text of at least 64 bits, safe in a token. Handed in: chance belongs to the caller. */
export type Fresh = () => string

/** Sends the first request. */
export function startNotify(call: NotifyCall, now: Millis, fresh: Fresh): NotifyStep {
  const blank = { call, callId: fresh(), fromTag: fresh(), cseq: 0, proxy: undefined, phone: undefined } as const
  return send({ ...blank, lastChallengedBy: undefined, challengeCount: 0 }, now, fresh)
}

/** @returns when `timer` is due; undefined once it is over */
export function notifyWake(state: NotifyState): Millis | undefined {
  if (state.phase === 'terminated') return undefined
  return Math.min(state.endsAt, state.resendAt ?? state.endsAt)
}

/** Moves on by one input. Never throws for what the network sent. */
export function stepNotify(state: NotifyState, input: NotifyInput, now: Millis, fresh: Fresh): NotifyStep {
  if (state.phase === 'terminated') return { state, outputs: [] }
  switch (input.kind) {
    case 'response':
      return state.phase === 'completed' || !answers(state, input.response)
        ? { state, outputs: [] }
        : onResponse(state, input.response, now, fresh)
    case 'timer':
      return onTimer(state, now)
    case 'undelivered':
      if (state.phase === 'completed') return { state, outputs: [] }
      return failed(terminated(state), { kind: 'undelivered', detail: input.detail })
    default:
      return assertNever(input)
  }
}

/** RFC 3261 §17.1.3: branch and method; the rest is looked at too, for it costs nothing. */
function answers(state: NotifyState, response: SipResponse): boolean {
  const branch = parseVia(header(response, 'Via') ?? '')?.params.get('branch')
  const [, number, method] = /^\s*([0-9]{1,10})\s+(\S+)\s*$/.exec(header(response, 'CSeq') ?? '') ?? []
  return (
    branch === state.branch &&
    Number(number) === state.cseq &&
    method?.toUpperCase() === 'NOTIFY' &&
    header(response, 'Call-ID') === state.callId
  )
}

function onTimer(state: NotifyState, now: Millis): NotifyStep {
  if (now >= state.endsAt) {
    return state.phase === 'completed'
      ? { state: terminated(state), outputs: [] }
      : failed(terminated(state), { kind: 'silence' })
  }
  if (state.resendAt === undefined || now < state.resendAt) return { state, outputs: [] }
  // §17.1.2.2: Timer E doubles up to T2; in `proceeding` it is T2.
  const doubled = state.phase === 'proceeding' ? T2_MS : Math.min(state.resendIntervalMs * 2, T2_MS)
  const next = { ...state, resendIntervalMs: doubled, resendAt: now + doubled }
  return { state: next, outputs: [{ kind: 'send', bytes: state.bytes }] }
}

function onResponse(state: NotifyState, response: SipResponse, now: Millis, fresh: Fresh): NotifyStep {
  const { status } = response
  if (status < 200) return { state: { ...state, phase: 'proceeding' }, outputs: [] }
  if (status === 401 || status === 407) return challenged(state, response, now, fresh)
  const done = completed(state, now)
  if (status < 300) return { state: done, outputs: [{ kind: 'accepted', status, sentAt: state.sentAt }] }
  return failed(done, { kind: 'refused', status, reason: response.reason })
}

function challenged(state: NotifyState, response: SipResponse, now: Millis, fresh: Fresh): NotifyStep {
  const by = response.status === 407 ? 'proxy' : 'phone'
  const challenge = firstDigest(response)
  const done = completed(state, now)
  if (challenge === undefined) return failed(done, { kind: 'unknown-challenge', status: response.status })
  if (by === 'proxy' && state.call.proxyAccount === undefined) return failed(done, { kind: 'no-account' })
  if (!isWorthAnswering(state, by, challenge)) {
    return failed(done, { kind: 'wrong-credentials', of: by === 'proxy' ? 'proxy' : 'line' })
  }
  const answered: Answered = { challenge, count: 0 }
  const counts = { lastChallengedBy: by, challengeCount: state.challengeCount + 1 } as const
  const again = send(
    by === 'proxy' ? { ...state, ...counts, proxy: answered } : { ...state, ...counts, phone: answered },
    now,
    fresh,
  )
  return { state: again.state, outputs: [{ kind: 'challenged', by }, ...again.outputs] }
}

/**
 * A second challenge means that the first answer was wrong, unless the nonce was merely stale, or the proxy takes each
 * nonce once and has let us pass to the phone in between.
 */
function isWorthAnswering(state: NotifyState, by: 'proxy' | 'phone', challenge: DigestChallenge): boolean {
  if (state.challengeCount >= CHALLENGES_MAX) return false
  const before = state[by]
  if (before === undefined) return true
  if (before.challenge.nonce === challenge.nonce && !challenge.stale) return false
  return challenge.stale || (by === 'proxy' && state.lastChallengedBy === 'phone')
}

function firstDigest(response: SipResponse): DigestChallenge | undefined {
  const name = response.status === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate'
  const challenges = headerAll(response, name).flatMap(parseAuthChallenges)
  return challenges.flatMap((found) => (found.scheme === 'digest' ? [found.challenge] : []))[0]
}

type Unsent = Pick<
  NotifyState,
  'call' | 'callId' | 'fromTag' | 'cseq' | 'proxy' | 'phone' | 'lastChallengedBy' | 'challengeCount'
>

/** A transaction of its own: RFC 3261 §22.2 asks for the next CSeq, §8.1.1.7 for a new branch. */
function send(unsent: Unsent, now: Millis, fresh: Fresh): NotifyStep {
  const { call } = unsent
  const branch = `${BRANCH_PREFIX}${fresh()}`
  const cseq = unsent.cseq + 1
  const uri = lineUri(call)
  const proxy = counted(unsent.proxy)
  const phone = counted(unsent.phone)
  const request = buildRequest({
    method: 'NOTIFY',
    uri,
    from: printSipUri({ scheme: 'sip', ...call.from }),
    fromTag: unsent.fromTag,
    to: uri,
    callId: unsent.callId,
    cseq,
    branch,
    via: call.via,
    headers: [
      ['Contact', `<${printSipUri({ scheme: 'sip', user: call.from.user, ...contactPlace(call.via) })}>`],
      ['Event', call.event],
      // RFC 6665 §4.1.3: nobody subscribed, and nothing follows.
      ['Subscription-State', 'terminated'],
      ['User-Agent', call.userAgent],
      ...credentials('Proxy-Authorization', proxy, call.proxyAccount, uri, fresh),
      ...credentials('Authorization', phone, call.lineAccount, uri, fresh),
    ],
  })
  const bytes = encodeSip(request)
  const unreliable = call.via.transport === 'UDP'
  const state: NotifyState = {
    ...unsent,
    proxy,
    phone,
    phase: 'calling',
    cseq,
    branch,
    bytes,
    sentAt: now,
    resendAt: unreliable ? now + T1_MS : undefined,
    resendIntervalMs: T1_MS,
    endsAt: now + 64 * T1_MS,
  }
  return { state, outputs: [{ kind: 'send', bytes }] }
}

/** The URI of the line, as the proxy's registrar knows it. */
function lineUri({ userId, domain }: NotifyCall): string {
  const place = parseSipUri(`sip:x@${domain}`) ?? { host: domain }
  return printSipUri({ scheme: 'sip', ...pickPlace(place), user: userId })
}

function pickPlace({ host, port }: { readonly host: string; readonly port?: number }) {
  return { host, ...(port === undefined ? {} : { port }) }
}

function contactPlace({ host, port, transport }: NotifyCall['via']) {
  return { host, port, ...(transport === 'TCP' ? { params: new Map([['transport', 'tcp']]) } : {}) }
}

function counted(answered: Answered | undefined): Answered | undefined {
  return answered === undefined ? undefined : { ...answered, count: answered.count + 1 }
}

function credentials(
  name: 'Authorization' | 'Proxy-Authorization',
  answered: Answered | undefined,
  account: Credentials | undefined,
  uri: string,
  fresh: Fresh,
): readonly SipHeader[] {
  if (answered === undefined || account === undefined) return []
  const answer = { ...account, method: 'NOTIFY', uri, cnonce: fresh(), nonceCount: answered.count }
  return [[name, digestAuthorization(answered.challenge, answer)]]
}

/** Timer K: answers that come again are still ours; a stream does not repeat itself. */
function completed(state: NotifyState, now: Millis): NotifyState {
  if (state.call.via.transport === 'TCP') return terminated(state)
  return { ...state, phase: 'completed', resendAt: undefined, endsAt: now + T4_MS }
}

function terminated(state: NotifyState): NotifyState {
  return { ...state, phase: 'terminated', resendAt: undefined }
}

function failed(state: NotifyState, failure: NotifyFailure): NotifyStep {
  return { state, outputs: [{ kind: 'failed', failure }] }
}
