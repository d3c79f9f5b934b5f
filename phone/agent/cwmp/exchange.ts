/** One HTTP exchange with the ACS: what is sent, and what an answer asks for before it counts [TR-069 §2]. */
import { CWMP_BYTES_MAX } from '../../../protocol/cwmp/mod.ts'
import { basicAuthorization, digestAuthorization, parseAuthChallenges } from '../../../protocol/http/mod.ts'
import { randomHex } from '../chance.ts'
import { printAuthority } from '../http-request.ts'
import { softwareName } from '../macros.ts'
import type { Moment } from '../turn.ts'
import type { Agent, FetchRequest } from '../types.ts'
import { cookieHeader } from './cookies.ts'
import { acsTarget } from './settings.ts'
import type { AcsTarget, CwmpSession } from './types.ts'

/** Challenges answered for one message: the first, and one more when the nonce was too old. */
const AUTH_TRIES_MAX = 2
/** Redirects followed in one session [TR-069 §2.1]. */
const REDIRECTS_MAX = 5

/** @returns the request that carries the outgoing message of a session */
export function acsRequest(agent: Agent, session: CwmpSession, moment: Moment): FetchRequest {
  const { target, outgoing } = session
  const authorization = authorizationHeader(session, moment)
  const cookie = cookieHeader(session.cookies)
  return {
    purpose: 'cwmp',
    ...target,
    method: 'POST',
    headers: [
      ['Host', printAuthority(target.scheme, target.host, target.port)],
      ['User-Agent', softwareName(agent)],
      // An empty message has neither of the two [TR-069 §2].
      ...(outgoing.body.length === 0
        ? []
        : ([
            ['Content-Type', 'text/xml; charset="utf-8"'],
            ['SOAPAction', '""'],
          ] as const)),
      ...(cookie === undefined ? [] : [['Cookie', cookie] as const]),
      ...(authorization === undefined ? [] : [['Authorization', authorization] as const]),
    ],
    body: outgoing.body,
    bytesMax: CWMP_BYTES_MAX,
    customCaPem: agent.flash.customCa.pem,
    certificateName: undefined,
  }
}

/** @returns the session that answers a 401, or undefined when there is nothing (more) to try [TR-069 §2.4] */
export function authorized(session: CwmpSession, header: string | undefined): CwmpSession | undefined {
  if (header === undefined || session.authTries >= AUTH_TRIES_MAX) return undefined
  const challenges = parseAuthChallenges(header)
  const digests = challenges.flatMap((offer) => (offer.scheme === 'digest' ? [offer.challenge] : []))
  const challenge = digests.find(({ algorithm }) => algorithm === 'MD5') ?? digests[0]
  const authTries = session.authTries + 1
  if (challenge !== undefined)
    return { ...session, authTries, authorization: { scheme: 'digest', challenge, nonceCount: 0 } }
  // Basic would show the password to everybody on the way.
  const basic = session.target.scheme === 'https' && challenges.some(({ scheme }) => scheme === 'basic')
  return basic && session.authorization?.scheme !== 'basic'
    ? { ...session, authTries, authorization: { scheme: 'basic' } }
    : undefined
}

/** @returns the session under the new address, or undefined for a redirect that cannot be followed [TR-069 §2.1] */
export function redirected(session: CwmpSession, location: string | undefined): CwmpSession | undefined {
  const { target } = session
  const base = `${target.scheme}://${printAuthority(target.scheme, target.host, target.port)}${target.path}`
  if (session.redirectCount >= REDIRECTS_MAX || location === undefined || !URL.canParse(location, base))
    return undefined
  const next = acsTarget(new URL(location, base).href)
  if (next === undefined) return undefined
  const moved = { ...session, target: next, redirectCount: session.redirectCount + 1 }
  // Cookies and challenges belong to the one who gave them.
  return isSameServer(target, next) ? moved : { ...moved, cookies: {}, authorization: undefined, authTries: 0 }
}

function isSameServer(a: AcsTarget, b: AcsTarget): boolean {
  return a.scheme === b.scheme && a.host === b.host && a.port === b.port
}

/** @returns the session with the next use of its nonce counted */
export function nextNonceUse(session: CwmpSession): CwmpSession {
  const { authorization } = session
  if (authorization?.scheme !== 'digest') return session
  return { ...session, authorization: { ...authorization, nonceCount: authorization.nonceCount + 1 } }
}

function authorizationHeader(session: CwmpSession, { rng }: Moment): string | undefined {
  const { authorization, target, outgoing } = session
  if (authorization === undefined) return undefined
  const { username, password } = session.account
  if (authorization.scheme === 'basic') return basicAuthorization(username, password)
  return digestAuthorization(authorization.challenge, {
    username,
    password,
    method: 'POST',
    uri: target.path,
    cnonce: randomHex(8, rng),
    nonceCount: authorization.nonceCount,
    body: outgoing.body,
  })
}
