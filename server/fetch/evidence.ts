/**
 * Who asks. Evidence is graded once here and never upgraded later: certified > credentialed > claimed > none.
 * Source: guide "Retail Distribution" (client certificate), MPP §7.6 and §11.3 (Basic, Digest), §11.2 (subjects).
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import {
  checkDigest,
  digestChallengeHeader,
  parseBasicAuthorization,
  parseDigestAuthorization,
  parseUserAgent,
} from '../../protocol/http/mod.ts'
import { type MacAddress, parseMacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { Evidence, FetchRequest, Route } from './types.ts'

/** A nonce that we gave out is good for this long. */
const NONCE_LIFE_MS = 5 * 60_000
export const REALM = 'offhook'

/** Evidence without credentials: those need the device's secret and are checked by `checkCredentials`. */
export function identify(request: FetchRequest, route: Route): Evidence {
  if (request.certificate !== undefined) return { kind: 'certified', certificate: request.certificate }
  const mac = claimedMac(request, route)
  return mac === undefined ? { kind: 'none' } : { kind: 'claimed', mac }
}

function claimedMac(request: FetchRequest, route: Route): MacAddress | undefined {
  if (route.kind === 'mac' || route.kind === 'rc') return route.mac
  return request.userAgent === undefined ? undefined : parseUserAgent(request.userAgent)?.mac
}

/** The user name of an Authorization header read as a MAC; only over TLS (the doors hand the header on only there). */
export function credentialedMac(request: FetchRequest): MacAddress | undefined {
  if (request.authorization === undefined || request.door !== 'https') return undefined
  const user =
    parseBasicAuthorization(request.authorization)?.username ??
    parseDigestAuthorization(request.authorization)?.username
  return user === undefined ? undefined : parseMacAddress(user)
}

/** @returns whether the Authorization header proves the password. Constant time in the password. */
export function checkCredentials(request: FetchRequest, password: string, now: Millis, nonceKey: Uint8Array): boolean {
  if (request.authorization === undefined) return false
  const basic = parseBasicAuthorization(request.authorization)
  if (basic !== undefined) return sameText(basic.password, password)
  const digest = parseDigestAuthorization(request.authorization)
  if (digest === undefined || !isFreshNonce(digest.nonce, now, nonceKey)) return false
  return digest.uri === request.target && checkDigest(digest, { method: request.method, password, qopRequired: true })
}

/** The header of a 401; its nonce carries its own time and seal, so that nothing is kept. */
export function credentialChallenge(now: Millis, nonceKey: Uint8Array, stale: boolean): string {
  return digestChallengeHeader({
    realm: REALM,
    nonce: nonceAt(now, nonceKey),
    qop: 'auth',
    algorithm: 'MD5',
    stale,
  })
}

/** Whether the header answers a challenge that we gave out once, but too long ago. */
export function answersOldChallenge(request: FetchRequest, now: Millis, nonceKey: Uint8Array): boolean {
  if (request.authorization === undefined || request.door !== 'https') return false
  const nonce = parseDigestAuthorization(request.authorization)?.nonce
  if (nonce === undefined || isFreshNonce(nonce, now, nonceKey)) return false
  const at = nonceTime(nonce)
  return at !== undefined && at <= now && sameText(nonce, nonceAt(at, nonceKey))
}

function nonceTime(nonce: string): Millis | undefined {
  const text = /^([0-9a-f]{1,13})-/.exec(nonce)?.[1]
  return text === undefined ? undefined : Number.parseInt(text, 16)
}

/** A nonce that carries its own time and seal, so that nothing is kept. */
function nonceAt(at: Millis, nonceKey: Uint8Array): string {
  const time = Math.floor(at).toString(16)
  return `${time}-${createHmac('sha256', nonceKey).update(time).digest('hex').slice(0, 32)}`
}

/** Whether we gave it out, and not too long ago. */
export function isFreshNonce(nonce: string, now: Millis, nonceKey: Uint8Array): boolean {
  const at = nonceTime(nonce)
  if (at === undefined || at > now || now - at > NONCE_LIFE_MS) return false
  return sameSeal(nonce, nonceAt(at, nonceKey))
}

/** Of seals, whose length is no secret. */
function sameSeal(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** In constant time. */
export function sameText(left: string, right: string): boolean {
  const key = 'compare'
  const a = createHmac('sha256', key).update(left).digest()
  const b = createHmac('sha256', key).update(right).digest()
  return timingSafeEqual(a, b)
}
