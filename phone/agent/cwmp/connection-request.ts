/**
 * The ACS knocks: a GET at the secret path, with digest, that makes the phone open a session by itself. Nothing in it is
 * obeyed but the wish [TR-069 §8.1].
 */
import { checkDigest, digestChallengeHeader, parseDigestAuthorization } from '../../../protocol/http/mod.ts'
import type { Millis } from '../../../protocol/result.ts'
import { randomHex } from '../chance.ts'
import { parameterText } from '../parameters.ts'
import type { Moment } from '../turn.ts'
import type { Agent, WebRequest, WebResponse } from '../types.ts'
import { withCwmp } from './events.ts'
import { isTr069On } from './settings.ts'

/** What everyone sees who knocks. */
const REALM = 'Connection Request'
/** Nonces that wait for their one use; the oldest goes first. */
const NONCES_MAX = 16
const NONCE_MS: Millis = 300_000
/** Requests with a user name that are looked at in one minute: an ACS knocks every 10 s at most, guessing is dull. */
export const REQUESTS_PER_MINUTE = 20
const MINUTE_MS: Millis = 60_000

/** What a knock leads to. */
export interface Knock {
  readonly agent: Agent
  readonly response: WebResponse
}

/** Answers one request at the listener; a session follows by itself when it was right. */
export function answerKnock(agent: Agent, request: WebRequest, moment: Moment): Knock {
  const { connectionPath } = agent.flash.tr069
  const path = request.target.split(/[?#]/)[0]
  if (!isTr069On(agent) || connectionPath === '' || path !== `/${connectionPath}`)
    return { agent, response: plain(404) }
  if (request.method !== 'GET') return { agent, response: plain(405, [['Allow', 'GET']]) }
  const authorization = request.headers.get('authorization')
  if (authorization === undefined) return challenge(agent, false, moment)
  const recent = agent.ram.cwmp.requestTimes.filter((at) => moment.now - at < MINUTE_MS)
  if (recent.length >= REQUESTS_PER_MINUTE) return { agent, response: plain(503, [['Retry-After', '60']]) }
  return judge(withCwmp(agent, { requestTimes: [...recent, moment.now] }), request, authorization, moment)
}

function judge(agent: Agent, request: WebRequest, authorization: string, moment: Moment): Knock {
  const digest = parseDigestAuthorization(authorization)
  const { nonces } = agent.ram.cwmp
  const right =
    digest !== undefined &&
    checkDigest(digest, {
      method: request.method,
      uri: request.target,
      username: parameterText(agent, 'Connection_Request_Username'),
      password: parameterText(agent, 'Connection_Request_Password'),
      realm: REALM,
      body: request.body,
      qopRequired: true,
    })
  if (digest === undefined || !right) return challenge(agent, false, moment)
  // Each nonce opens once, so that nobody can knock with what he has overheard.
  const fresh = nonces.some(({ nonce, at }) => nonce === digest.nonce && moment.now - at < NONCE_MS)
  if (!fresh) return challenge(agent, true, moment)
  const used = withCwmp(agent, { nonces: nonces.filter(({ nonce }) => nonce !== digest.nonce) })
  return { agent: withCwmp(used, { connectionRequested: true, due: true }), response: plain(200) }
}

function challenge(agent: Agent, stale: boolean, { now, rng }: Moment): Knock {
  const nonce = randomHex(16, rng)
  const live = agent.ram.cwmp.nonces.filter(({ at }) => now - at < NONCE_MS)
  const issued = withCwmp(agent, { nonces: [...live, { nonce, at: now }].slice(-NONCES_MAX) })
  const header = digestChallengeHeader({ realm: REALM, nonce, qop: 'auth', algorithm: 'MD5', stale })
  return { agent: issued, response: plain(401, [['WWW-Authenticate', header]]) }
}

function plain(status: number, headers: WebResponse['headers'] = []): WebResponse {
  return { status, headers, body: '' }
}
