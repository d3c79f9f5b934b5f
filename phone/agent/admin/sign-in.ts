/**
 * Who is asking: digest (MD5) for both accounts, Basic over TLS, or the `&xuser=&xpassword=` suffix of command URLs.
 * Source: MPP §7.1, §7.3 (scheme is a Model), §7.2 (session timeouts); RFC 7616 §3.3, §3.4, §5.4; RFC 7617.
 *
 * An account without a password opens without a prompt; the "Set Password" page of a phone out of the box is a policy
 * (`set-password.ts`). Wrong passwords are slowed down (`lock-out.ts`).
 */
import {
  checkDigest,
  digestChallengeHeader,
  parseBasicAuthorization,
  parseDigestAuthorization,
} from '../../../protocol/http/mod.ts'
import type { Millis, Rng } from '../../../protocol/result.ts'
import type { ActionAccount } from '../../../protocol/http/mod.ts'
import { randomHex } from '../chance.ts'
import type { Agent, WebRequest } from '../types.ts'
import { passwordOf, secondsOf } from './settings.ts'
import { guessedRight, guessedWrong, lockedForMs } from './lock-out.ts'
import { PENDING_NONCE_MS, PENDING_NONCES_MAX, sameSecret, SESSIONS_MAX, withWeb } from './state.ts'
import type { Account, Session, WebState } from './state.ts'

export type SignIn =
  | { readonly kind: 'in'; readonly agent: Agent }
  /** Answer 401; `header` is the value of WWW-Authenticate. */
  | { readonly kind: 'challenge'; readonly agent: Agent; readonly header: string }
  /** Answer 429: too many wrong passwords came from there. */
  | { readonly kind: 'locked'; readonly agent: Agent; readonly waitMs: Millis }

interface Visit {
  readonly agent: Agent
  readonly account: Account
  readonly now: Millis
  readonly rng: Rng
  readonly peerAddress: string
}

/**
 * @param account  which account the page belongs to; the admin's credentials also open the user's pages
 * @returns the agent with its sessions brought up to date, or a challenge
 */
export function signIn(
  agent: Agent,
  account: Account,
  visit: { readonly request: WebRequest; readonly suffix: ActionAccount | undefined },
  now: Millis,
  rng: Rng,
): SignIn {
  if (passwordOf(agent, account) === '') return { kind: 'in', agent }
  const { request, suffix } = visit
  const authorization = request.headers.get('authorization') ?? ''
  const { peerAddress } = request
  const asked: Visit = { agent, account, now, rng, peerAddress }
  const waitMs = lockedForMs(agent.ram.web.guessers, peerAddress, now)
  // Who sends no password is only asked for one.
  if (waitMs > 0 && (suffix !== undefined || authorization !== '')) return { kind: 'locked', agent, waitMs }
  if (suffix !== undefined) return admit(asked, knows(asked, suffix.user, suffix.password))
  if (/^basic\s/i.test(authorization)) {
    const basic = request.tls ? parseBasicAuthorization(authorization) : undefined
    // Over plain HTTP a Basic password is not even looked at.
    return basic === undefined ? challenge(asked, false) : admit(asked, knows(asked, basic.username, basic.password))
  }
  return signInByDigest(asked, request, authorization)
}

function admit(visit: Visit, right: boolean): SignIn {
  return right ? { kind: 'in', agent: forgiven(visit) } : challenge(suspected(visit), false)
}

function forgiven({ agent, peerAddress }: Visit): Agent {
  const { web } = agent.ram
  const guessers = guessedRight(web.guessers, peerAddress)
  return guessers === web.guessers ? agent : withWeb(agent, { ...web, guessers })
}

function suspected(visit: Visit): Visit {
  const { agent, peerAddress, now } = visit
  const { web } = agent.ram
  return { ...visit, agent: withWeb(agent, { ...web, guessers: guessedWrong(web.guessers, peerAddress, now) }) }
}

/** The names that open a page: its own account, and admin for the pages of the user. */
function accountNamed(account: Account, name: string): Account | undefined {
  if (name === 'admin') return 'admin'
  return name === 'user' && account === 'user' ? 'user' : undefined
}

function knows({ agent, account }: Visit, name: string, password: string): boolean {
  const named = accountNamed(account, name)
  const expected = named === undefined ? '' : passwordOf(agent, named)
  return expected !== '' && sameSecret(password, expected)
}

function signInByDigest(visit: Visit, request: WebRequest, authorization: string): SignIn {
  const { agent, account, now } = visit
  const digest = parseDigestAuthorization(authorization)
  // A browser tries the sign-in of the other account first, by itself, where its pages lie below (RFC 7616 §3.6). With
  // another realm that opens nothing, so it is no guess either.
  if (digest === undefined || digest.realm !== account) return challenge(visit, false)
  const named = accountNamed(account, digest.username)
  const password = named === undefined ? '' : passwordOf(agent, named)
  // RFC 7616 §3.4.6: the URI of the digest must be the one that was asked for.
  const { method, target: uri, body } = request
  const right =
    password !== '' && checkDigest(digest, { method, uri, body, password, realm: account, qopRequired: true })
  const count = digest.protection?.nonceCount
  if (!right || named === undefined || count === undefined) return challenge(suspected(visit), false)
  const { web } = forgiven(visit).ram
  const session = web.sessions.find(({ nonce }) => nonce === digest.nonce)
  if (session === undefined) {
    const pending = web.pending.some(({ nonce, at }) => nonce === digest.nonce && now - at < PENDING_NONCE_MS)
    if (!pending) return challenge(visit, true)
    const started: Session = { nonce: digest.nonce, account: named, startedAt: now, usedAt: now, count }
    return { kind: 'in', agent: withWeb(agent, open(web, started)) }
  }
  // A session that has run out asks the person again: a fresh nonce that is not marked stale.
  if (isOver(agent, session, now)) return challenge({ ...visit, agent: withWeb(agent, close(web, session)) }, false)
  if (session.account !== named || count <= session.count) return challenge(visit, true)
  return { kind: 'in', agent: withWeb(agent, open(web, { ...session, usedAt: now, count })) }
}

function isOver(agent: Agent, session: Session, now: Millis): boolean {
  const longest = secondsOf(agent, 'Session_Max_Timeout', 3600) * 1000
  const idle = secondsOf(agent, 'Session_Idle_Timeout', 3600) * 1000
  return now - session.startedAt >= longest || now - session.usedAt >= idle
}

/** Puts a session at the end of the row, where the most recently used stand. */
function open(web: WebState, session: Session): WebState {
  const others = web.sessions.filter(({ nonce }) => nonce !== session.nonce)
  return {
    ...web,
    pending: web.pending.filter(({ nonce }) => nonce !== session.nonce),
    sessions: [...others, session].slice(-SESSIONS_MAX),
  }
}

function close(web: WebState, session: Session): WebState {
  return { ...web, sessions: web.sessions.filter(({ nonce }) => nonce !== session.nonce) }
}

function challenge({ agent, account, now, rng }: Visit, stale: boolean): SignIn {
  const nonce = randomHex(16, rng)
  const { web } = agent.ram
  const live = web.pending.filter(({ at }) => now - at < PENDING_NONCE_MS)
  const next = { ...web, pending: [...live, { nonce, at: now }].slice(-PENDING_NONCES_MAX) }
  const header = digestChallengeHeader({ realm: account, nonce, qop: 'auth', algorithm: 'MD5', stale })
  return { kind: 'challenge', agent: withWeb(agent, next), header }
}
