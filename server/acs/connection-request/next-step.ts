/** What to do with an answer: be content, give up, or ask once more with a proof. Pure. Source: [TR-069 §8.1]. */
import {
  type AuthChallenge,
  basicAuthorization,
  type DigestChallenge,
  digestAuthorization,
  parseAuthChallenges,
} from '../../../protocol/http/mod.ts'
import { type LooseAnswer, valuesOf } from './loose-answer.ts'
import type { ConnectionRequest, ConnectionRequestOutcome } from './types.ts'

/** Requests for one connection request at most: without a proof, with a digest, and once more for a stale nonce. */
export const ASKS_MAX = 3

/** The proof that the last request carried. `digest-again`: after the device called the first one's nonce stale. */
export type Proof = 'none' | 'digest' | 'digest-again' | 'basic'

/** One request as it was sent. */
export interface Asked {
  readonly proof: Proof
  /** The request target of the request line. */
  readonly path: string
}

export interface Means {
  readonly request: ConnectionRequest
  /** Basic shows the password to everybody on the way: only where the profile of the device says so. */
  readonly allowBasic: boolean
  /** Random text, new for every answer. */
  readonly cnonce: string
}

export type NextStep =
  | { readonly kind: 'ask'; readonly proof: Proof; readonly authorization: string }
  | { readonly kind: 'done'; readonly outcome: ConnectionRequestOutcome }

export function nextStep(answer: LooseAnswer, asked: Asked, means: Means): NextStep {
  const { status } = answer
  if (status >= 200 && status < 300) return { kind: 'done', outcome: { kind: 'accepted', status } }
  if (status === 503) return { kind: 'done', outcome: { kind: 'busy' } }
  if (status === 401) return afterChallenge(answer, asked, means)
  if (status >= 300 && status < 400) return refused(status, 'It answers with a redirect, which is not followed')
  return refused(status, `It answers with status ${status}`)
}

function afterChallenge(answer: LooseAnswer, { proof, path }: Asked, means: Means): NextStep {
  const { status } = answer
  const challenges = challengesOf(answer)
  // The server names what it likes best first (RFC 7616 §3.7).
  const digest = challenges.find((each) => each.scheme === 'digest')?.challenge
  switch (proof) {
    case 'none':
      if (digest !== undefined) return withDigest('digest', digest, path, means)
      return withoutDigest(status, challenges, means)
    case 'digest':
      if (digest?.stale === true) return withDigest('digest-again', digest, path, means)
      return refused(status, 'It does not accept the user name or the password')
    case 'digest-again':
      return refused(status, 'It called a nonce of its own stale twice, or does not accept the password')
    case 'basic':
      return refused(status, 'It does not accept the user name or the password')
  }
}

/** Each header by itself, so that one that cannot be read does not hide the next. */
function challengesOf(answer: LooseAnswer): readonly AuthChallenge[] {
  return valuesOf(answer.headers, 'www-authenticate').flatMap((value) => parseAuthChallenges(value))
}

function withDigest(proof: Proof, challenge: DigestChallenge, path: string, { request, cnonce }: Means): NextStep {
  const { username, password } = request
  // Every nonce is used once, so its count is always 1.
  const answer = { username, password, method: 'GET', uri: path, cnonce, nonceCount: 1 }
  return { kind: 'ask', proof, authorization: digestAuthorization(challenge, answer) }
}

function withoutDigest(status: number, challenges: readonly AuthChallenge[], { request, allowBasic }: Means): NextStep {
  if (challenges.length === 0)
    return refused(status, 'It asks for no proof that is known here (Digest with MD5 or SHA-256)')
  if (!allowBasic) return refused(status, 'It asks for Basic, which would show the password and is not allowed')
  return { kind: 'ask', proof: 'basic', authorization: basicAuthorization(request.username, request.password) }
}

function refused(status: number, detail: string): NextStep {
  return { kind: 'done', outcome: { kind: 'refused', status, detail } }
}
