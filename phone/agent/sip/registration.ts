/**
 * One registration as a conversation: answers, timers and failures go in, the next state and what to send come out.
 *
 *   registering --2xx--> registered --nextAt--> (refresh) --2xx--> registered
 *        |                    |                     |
 *        +--failure--> failed <-----failure---------+      failed --nextAt--> registering
 *
 * Source: RFC 3261 §10.2 (client of a registrar), §17.1.2 (non-INVITE transaction), §22 (digest); MPP §13.8 (retries).
 */
import { BRANCH_PREFIX, header } from '../../../protocol/sip/mod.ts'
import type { SipResponse } from '../../../protocol/sip/mod.ts'
import { randomHex } from '../chance.ts'
import { say } from '../mask.ts'
import type { AgentAction, SipPeer } from '../types.ts'
import { challengeOf, contactUri, grantedSeconds, refreshAfterMs, registerRequest, wholeSeconds } from './register.ts'
import type { World } from './register.ts'
import { cleanText, hostPortText, retryAfterMs, samePeer, secondsOf, timersOf } from './settings.ts'
import type { LineAccount, PendingRegister, Registration } from './state.ts'

/** Longest wait that Retry-After can ask for, in seconds. */
const RETRY_AFTER_SECONDS_MAX = 86_400

/** The registration after one input; undefined when it is over. */
export interface Moved {
  readonly registration: Registration | undefined
  readonly actions: readonly AgentAction[]
}

/** Sends the first REGISTER of an account. `lostAt`: since when the line has been without registration. */
export function beginRegistration(world: World, account: LineAccount, lostAt: number | undefined): Moved {
  const { now, rng } = world
  const registration: Registration = {
    account,
    phase: 'registering',
    since: now,
    lostAt: lostAt ?? now,
    callId: randomHex(16, rng),
    fromTag: randomHex(8, rng),
    sequence: Math.floor(rng() * 0x7fff),
    pending: undefined,
    kept: undefined,
    nextAt: undefined,
    failures: 0,
    answeredFrom: undefined,
  }
  return send(world, registration, { expiresSeconds: account.expiresSeconds, signed: 'not', lengthened: false })
}

/** Takes a binding back (`Expires: 0`); a line that never registered just ends. */
export function leaveRegistration(world: World, registration: Registration): Moved {
  if (registration.phase !== 'registered') return { registration: undefined, actions: [] }
  const leaving: Registration = { ...registration, phase: 'leaving', since: world.now, nextAt: undefined }
  const sent = send(world, leaving, { expiresSeconds: 0, signed: keptSignature(leaving), lengthened: false })
  const { line, userId } = registration.account
  const said = say(world.agent, 'unregistered', `Line ${line} gives up its registration`, { line, userId })
  return { registration: sent.registration, actions: [...sent.actions, said] }
}

/** Does what is due: retransmits, gives up, refreshes, tries again. */
export function onTime(world: World, registration: Registration): Moved {
  const { now } = world
  const { pending } = registration
  if (pending !== undefined) {
    if (now >= pending.givesUpAt)
      return failed(world, registration, { status: undefined, reason: 'no answer', askedSeconds: 0 })
    if (pending.resendAt !== undefined && now >= pending.resendAt) return resend(world, registration, pending)
    return { registration, actions: [] }
  }
  if (registration.nextAt === undefined || now < registration.nextAt) return { registration, actions: [] }
  const again: Registration =
    registration.phase === 'failed'
      ? { ...registration, phase: 'registering', since: now, nextAt: undefined }
      : { ...registration, nextAt: undefined }
  return send(world, again, {
    expiresSeconds: registration.account.expiresSeconds,
    signed: keptSignature(again),
    lengthened: false,
  })
}

/** The transport could not deliver our request. */
export function onUndelivered(world: World, registration: Registration, peer: SipPeer, detail: string): Moved {
  if (registration.pending === undefined || !samePeer(peer, registration.account.peer))
    return { registration, actions: [] }
  return failed(world, registration, {
    status: undefined,
    reason: cleanText(detail).slice(0, 80) || 'not reachable',
    askedSeconds: 0,
  })
}

/** @returns whether a response belongs to the REGISTER that is out (RFC 3261 §17.1.3). */
export function answersRegistration(
  registration: Registration,
  branch: string | undefined,
  response: SipResponse,
): boolean {
  return (
    registration.pending !== undefined &&
    branch === registration.pending.branch &&
    header(response, 'Call-ID') === registration.callId &&
    /^\s*([0-9]+)\s+REGISTER\s*$/i.exec(header(response, 'CSeq') ?? '')?.[1] === String(registration.sequence)
  )
}

/** A response that `answersRegistration` found to be ours. */
export function onAnswer(world: World, registration: Registration, response: SipResponse, from: SipPeer): Moved {
  const { pending } = registration
  if (pending === undefined) return { registration, actions: [] }
  const { status } = response
  if (status < 200) return { registration: { ...registration, pending: proceeding(world, pending) }, actions: [] }
  if (status === 401 || status === 407) return challenged(world, registration, pending, response)
  if (registration.phase === 'leaving') return { registration: undefined, actions: [] }
  if (status < 300) return accepted(world, registration, pending, response, from)
  if (status === 423) return tooBrief(world, registration, pending, response)
  return failed(world, registration, refusal(registration, response))
}

function accepted(
  world: World,
  registration: Registration,
  pending: PendingRegister,
  response: SipResponse,
  from: SipPeer,
): Moved {
  const { agent, now } = world
  const { account } = registration
  const granted = grantedSeconds(response, contactUri(agent, account), pending.expiresSeconds)
  if (granted < Math.max(1, secondsOf(agent, 'Reg_Min_Expires', 1))) {
    return failed(world, registration, {
      status: response.status,
      reason: 'the registrar granted too short a time',
      askedSeconds: 0,
    })
  }
  const fresh = registration.phase !== 'registered'
  const registered: Registration = {
    ...registration,
    phase: 'registered',
    since: fresh ? now : registration.since,
    lostAt: undefined,
    pending: undefined,
    nextAt: now + refreshAfterMs(granted),
    failures: 0,
    answeredFrom: from,
  }
  if (!fresh) return { registration: registered, actions: [] }
  const { line, userId } = account
  const server = hostPortText(account.peer)
  const text = `Line ${line} (${userId}) is registered at ${server} for ${granted} s`
  return {
    registration: registered,
    actions: [say(agent, 'registered', text, { line, userId, server, expiresSeconds: granted })],
  }
}

/** RFC 3261 §22.2, §22.3: answer a challenge once, and once more when only the nonce was stale. */
function challenged(world: World, registration: Registration, pending: PendingRegister, response: SipResponse): Moved {
  const proxy = response.status === 407
  const challenge = challengeOf(response, proxy, registration.account.preferSha256)
  const signed = challenge === undefined ? undefined : nextSignature(pending.signed, challenge.stale)
  if (challenge === undefined || signed === undefined) {
    return failed(world, { ...registration, kept: undefined }, refusal(registration, response))
  }
  const answering: Registration = { ...registration, kept: { challenge, proxy, nonceCount: 0 } }
  return send(world, answering, { expiresSeconds: pending.expiresSeconds, signed, lengthened: pending.lengthened })
}

function nextSignature(before: PendingRegister['signed'], stale: boolean): PendingRegister['signed'] | undefined {
  switch (before) {
    case 'not':
    case 'kept-challenge':
      return 'answer'
    case 'answer':
      return stale ? 'answer-after-stale' : undefined
    case 'answer-after-stale':
      return undefined
  }
}

/** RFC 3261 §10.2.8: ask again for as long as the registrar wants, if that is not too long (Reg_Max_Expires). */
function tooBrief(world: World, registration: Registration, pending: PendingRegister, response: SipResponse): Moved {
  const minimum = wholeSeconds(header(response, 'Min-Expires'))
  const longest = secondsOf(world.agent, 'Reg_Max_Expires', 7200)
  if (minimum === undefined || pending.lengthened || minimum <= pending.expiresSeconds || minimum > longest) {
    return failed(world, registration, refusal(registration, response))
  }
  const signed = keptSignature(registration)
  return send(world, registration, { expiresSeconds: minimum, signed, lengthened: true })
}

interface Failure {
  readonly status: number | undefined
  readonly reason: string
  readonly askedSeconds: number
}

function failed(world: World, registration: Registration, failure: Failure): Moved {
  const { agent, now, rng } = world
  if (registration.phase === 'leaving') return { registration: undefined, actions: [] }
  const { line, userId, peer } = registration.account
  const retryMs = retryAfterMs(agent, { ...failure, failures: registration.failures }, rng)
  const next: Registration = {
    ...registration,
    phase: 'failed',
    since: now,
    lostAt: registration.lostAt ?? now,
    pending: undefined,
    nextAt: retryMs === undefined ? undefined : now + retryMs,
    failures: registration.failures + 1,
  }
  const server = hostPortText(peer)
  const retrySeconds = retryMs === undefined ? null : Math.round(retryMs / 1000)
  const code = failure.status === undefined ? '' : `${failure.status} `
  const text = `Line ${line} (${userId}) is not registered at ${server}: ${code}${failure.reason}`
  const data = { line, userId, server, status: failure.status ?? null, reason: failure.reason, retrySeconds }
  return { registration: next, actions: [say(agent, 'registration-failed', text, data)] }
}

function refusal({ account }: Registration, response: SipResponse): Failure {
  const asked = wholeSeconds(header(response, 'Retry-After')) ?? 0
  const phrase = cleanText(response.reason).slice(0, 80)
  // A registrar that echoes the password must not get it into an event.
  const reason = account.password !== '' && phrase.includes(account.password) ? 'refused' : phrase || 'refused'
  return { status: response.status, reason, askedSeconds: Math.min(asked, RETRY_AFTER_SECONDS_MAX) }
}

function keptSignature(registration: Registration): PendingRegister['signed'] {
  return registration.kept === undefined ? 'not' : 'kept-challenge'
}

function send(
  world: World,
  registration: Registration,
  how: { readonly expiresSeconds: number; readonly signed: PendingRegister['signed']; readonly lengthened: boolean },
): Moved {
  const { agent, now, rng } = world
  const { t1Ms, timerFMs } = timersOf(agent)
  const branch = `${BRANCH_PREFIX}${randomHex(12, rng)}`
  const sign = how.signed !== 'not'
  const numbered: Registration = { ...registration, sequence: registration.sequence + 1 }
  const bytes = registerRequest(world, numbered, { branch, expiresSeconds: how.expiresSeconds, sign })
  const { peer } = registration.account
  const pending: PendingRegister = {
    ...how,
    branch,
    bytes,
    // RFC 3261 §17.1.2.2: Timer E runs over unreliable transports only.
    resendAt: peer.transport === 'udp' ? now + t1Ms : undefined,
    resendIntervalMs: t1Ms,
    givesUpAt: now + timerFMs,
  }
  const kept =
    sign && numbered.kept !== undefined ? { ...numbered.kept, nonceCount: numbered.kept.nonceCount + 1 } : numbered.kept
  return { registration: { ...numbered, pending, kept }, actions: [{ kind: 'send-sip', peer, bytes }] }
}

function resend(world: World, registration: Registration, pending: PendingRegister): Moved {
  const interval = Math.min(pending.resendIntervalMs * 2, timersOf(world.agent).t2Ms)
  const next = { ...pending, resendIntervalMs: interval, resendAt: world.now + interval }
  const action: AgentAction = { kind: 'send-sip', peer: registration.account.peer, bytes: pending.bytes }
  return { registration: { ...registration, pending: next }, actions: [action] }
}

/** A provisional answer slows retransmission down to T2 (RFC 3261 §17.1.2.2). */
function proceeding(world: World, pending: PendingRegister): PendingRegister {
  if (pending.resendAt === undefined) return pending
  const { t2Ms } = timersOf(world.agent)
  return { ...pending, resendIntervalMs: t2Ms, resendAt: world.now + t2Ms }
}
