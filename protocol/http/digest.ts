/**
 * Digest access authentication, both sides, for HTTP and SIP (RFC 7616, RFC 2617, and RFC 2069 without qop).
 * Nonces and client nonces are handed in: chance belongs to the caller.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

import { utf8Bytes } from '../bytes.ts'
import { type AuthScheme, parseAuthSchemes, quote } from './auth-header.ts'

export type DigestAlgorithm = 'MD5' | 'SHA-256'

/** What a server asks for in `WWW-Authenticate`. Realm and nonce are plain text, without quotes or escapes. */
export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  /** A comma list such as `auth` or `auth,auth-int`; absent: the server speaks RFC 2069. */
  readonly qop?: string
  readonly opaque?: string
  readonly algorithm: DigestAlgorithm
  /** True if only the nonce was too old: the same password may be tried again without asking anyone. */
  readonly stale: boolean
}

/** One challenge that we can answer. */
export type AuthChallenge =
  | { readonly scheme: 'digest'; readonly challenge: DigestChallenge }
  | { readonly scheme: 'basic'; readonly realm: string }

/** Who answers a challenge, and for which request. */
export interface DigestAnswer {
  readonly username: string
  readonly password: string
  readonly method: string
  /** The request target exactly as in the request line, for SIP the request URI. */
  readonly uri: string
  /** Random text of the client; sent only where the server offered a qop. */
  readonly cnonce: string
  /** 1 for the first request under this nonce, at most 2^32-1. */
  readonly nonceCount: number
  /** The message body; it counts only where the server offered nothing but `auth-int`. */
  readonly body?: Uint8Array
}

/** What a client sent in `Authorization`. Nothing in it is proven until {@link checkDigest} says so. */
export interface ParsedDigest {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly algorithm: DigestAlgorithm
  /** Lower-case hex, 32 or 64 digits by algorithm. */
  readonly response: string
  /** Absent for RFC 2069. */
  readonly protection?: DigestProtection
  readonly opaque?: string
}

/** The part that came with `qop`. */
export interface DigestProtection {
  readonly qop: 'auth' | 'auth-int'
  readonly cnonce: string
  readonly nonceCount: number
  /** The eight hex digits as sent, since they are hashed as sent. */
  readonly nonceCountText: string
}

/** What the server knows. A field that is given must be what the client sent. */
export interface DigestExpectation {
  readonly method: string
  readonly password: string
  readonly username?: string
  readonly realm?: string
  readonly nonce?: string
  readonly uri?: string
  readonly algorithm?: DigestAlgorithm
  /** Needed for `auth-int` only; without it such a response is refused. */
  readonly body?: Uint8Array
  /** Refuses RFC 2069 responses, which a server that offered a qop must do to count uses of its nonce. */
  readonly qopRequired?: boolean
}

/**
 * Reads `WWW-Authenticate` or `Proxy-Authenticate`, also with several challenges in one header.
 * @returns the challenges that we can answer, in the server's order: Basic, and Digest with MD5 or SHA-256.
 *   Others, and those without realm or nonce, are left out. Never throws.
 * Source: RFC 7616 §3.3, §3.7.
 */
export function parseAuthChallenges(header: string): readonly AuthChallenge[] {
  return parseAuthSchemes(header).flatMap((scheme): readonly AuthChallenge[] => {
    if (scheme.name === 'basic') return [{ scheme: 'basic', realm: scheme.parameters.get('realm') ?? '' }]
    const challenge = scheme.name === 'digest' ? digestChallengeOf(scheme) : undefined
    return challenge === undefined ? [] : [{ scheme: 'digest', challenge }]
  })
}

/** @returns the value of `WWW-Authenticate` for a challenge. */
export function digestChallengeHeader(challenge: DigestChallenge): string {
  return `Digest ${[
    `realm=${quote(challenge.realm)}`,
    `nonce=${quote(challenge.nonce)}`,
    ...(challenge.qop === undefined ? [] : [`qop=${quote(challenge.qop)}`]),
    ...(challenge.opaque === undefined ? [] : [`opaque=${quote(challenge.opaque)}`]),
    `algorithm=${challenge.algorithm}`,
    ...(challenge.stale ? ['stale=true'] : []),
  ].join(', ')}`
}

/**
 * Answers a challenge. With a qop list `auth` is taken if offered, else `auth-int`; a list of neither counts as
 * none. A user name beyond ASCII goes as `username*` (RFC 7616 §3.4.4).
 * @returns the value of `Authorization`
 * Source: RFC 7616 §3.4.
 */
export function digestAuthorization(challenge: DigestChallenge, answer: DigestAnswer): string {
  const { algorithm, nonce, opaque, realm } = challenge
  const protection = chooseProtection(challenge.qop, answer)
  const response = digestResponse({
    ...answer,
    algorithm,
    realm,
    nonce,
    protection,
    body: answer.body ?? new Uint8Array(0),
  })
  return `Digest ${[
    printUsername(answer.username),
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(answer.uri)}`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
    ...(protection === undefined
      ? []
      : [`qop=${protection.qop}`, `nc=${protection.nonceCountText}`, `cnonce=${quote(protection.cnonce)}`]),
  ].join(', ')}`
}

/**
 * Reads `Authorization` or `Proxy-Authorization`.
 * @returns undefined if it is not exactly one complete digest of an algorithm we know, or hides its user name
 *   (`userhash`). Never throws.
 * Source: RFC 7616 §3.4.
 */
export function parseDigestAuthorization(header: string): ParsedDigest | undefined {
  const [scheme, ...others] = parseAuthSchemes(header)
  if (scheme === undefined || scheme.name !== 'digest' || others.length > 0) return undefined
  const values = scheme.parameters
  const username = readUsername(values)
  const [realm, nonce, uri, opaque] = ['realm', 'nonce', 'uri', 'opaque'].map((name) => values.get(name))
  const algorithm = algorithmOf(values.get('algorithm'))
  const response = values.get('response')?.toLowerCase() ?? ''
  const protection = values.has('qop') ? readProtection(values) : undefined
  if (username === undefined || realm === undefined || nonce === undefined || uri === undefined) return undefined
  if (algorithm === undefined || !/^[0-9a-f]*$/.test(response)) return undefined
  if (response.length !== (algorithm === 'MD5' ? 32 : 64)) return undefined
  if (values.has('qop') && protection === undefined) return undefined
  return {
    username,
    realm,
    nonce,
    uri,
    algorithm,
    response,
    ...(protection === undefined ? {} : { protection }),
    ...(opaque === undefined ? {} : { opaque }),
  }
}

/**
 * Whether the client knows the password, for this method and what else is expected. The responses are compared
 * in a time that does not tell where they differ. Replay is the caller's matter: see `protection.nonceCount`.
 * Source: RFC 7616 §3.4.6, §5.12.
 */
export function checkDigest(parsed: ParsedDigest, expected: DigestExpectation): boolean {
  const matches = (['username', 'realm', 'nonce', 'uri', 'algorithm'] as const).every(
    (name) => expected[name] === undefined || expected[name] === parsed[name],
  )
  if (!matches || (expected.qopRequired === true && parsed.protection === undefined)) return false
  if (parsed.protection?.qop === 'auth-int' && expected.body === undefined) return false
  const response = digestResponse({
    ...parsed,
    method: expected.method,
    password: expected.password,
    protection: parsed.protection,
    body: expected.body ?? new Uint8Array(0),
  })
  // Equal lengths: the parser only lets through as many digits as the algorithm gives.
  return (
    response.length === parsed.response.length && timingSafeEqual(Buffer.from(response), Buffer.from(parsed.response))
  )
}

function digestChallengeOf(scheme: AuthScheme): DigestChallenge | undefined {
  const values = scheme.parameters
  const [realm, nonce, qop, opaque] = ['realm', 'nonce', 'qop', 'opaque'].map((name) => values.get(name))
  const algorithm = algorithmOf(values.get('algorithm'))
  if (realm === undefined || nonce === undefined || algorithm === undefined) return undefined
  return {
    realm,
    nonce,
    algorithm,
    stale: values.get('stale')?.toLowerCase() === 'true',
    ...(qop === undefined ? {} : { qop }),
    ...(opaque === undefined ? {} : { opaque }),
  }
}

/** RFC 7616 §3.3: without the parameter it is MD5. */
function algorithmOf(text: string | undefined): DigestAlgorithm | undefined {
  switch (text?.toUpperCase()) {
    case undefined:
    case 'MD5':
      return 'MD5'
    case 'SHA-256':
      return 'SHA-256'
    default:
      return undefined
  }
}

function chooseProtection(offered: string | undefined, answer: DigestAnswer): DigestProtection | undefined {
  const names = (offered ?? '').split(',').map((name) => name.trim().toLowerCase())
  const qop = (['auth', 'auth-int'] as const).find((name) => names.includes(name))
  if (qop === undefined) return undefined
  const { cnonce, nonceCount } = answer
  return { qop, cnonce, nonceCount, nonceCountText: nonceCount.toString(16).padStart(8, '0') }
}

function readProtection(values: ReadonlyMap<string, string>): DigestProtection | undefined {
  const qop = values.get('qop')?.toLowerCase()
  const cnonce = values.get('cnonce')
  const nonceCountText = values.get('nc') ?? ''
  if ((qop !== 'auth' && qop !== 'auth-int') || cnonce === undefined) return undefined
  if (!/^[0-9a-f]{8}$/i.test(nonceCountText)) return undefined
  return { qop, cnonce, nonceCount: Number.parseInt(nonceCountText, 16), nonceCountText }
}

interface ResponseParts {
  readonly username: string
  readonly realm: string
  readonly password: string
  readonly method: string
  readonly uri: string
  readonly nonce: string
  readonly algorithm: DigestAlgorithm
  readonly protection: DigestProtection | undefined
  readonly body: Uint8Array
}

/** RFC 7616 §3.4.1 to §3.4.3; without protection RFC 2069 §2.1.2. */
function digestResponse(parts: ResponseParts): string {
  const { algorithm, protection } = parts
  const identity = hash(algorithm, `${parts.username}:${parts.realm}:${parts.password}`)
  const bodyPart = protection?.qop === 'auth-int' ? `:${hash(algorithm, parts.body)}` : ''
  const request = hash(algorithm, `${parts.method}:${parts.uri}${bodyPart}`)
  if (protection === undefined) return hash(algorithm, `${identity}:${parts.nonce}:${request}`)
  const { cnonce, nonceCountText, qop } = protection
  return hash(algorithm, `${identity}:${parts.nonce}:${nonceCountText}:${cnonce}:${qop}:${request}`)
}

function hash(algorithm: DigestAlgorithm, data: string | Uint8Array): string {
  return createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
    .update(data)
    .digest('hex')
}

function printUsername(username: string): string {
  // What is not ASCII cannot stand in a header that is one byte a character.
  if (/^[\x20-\x7e]*$/.test(username)) return `username=${quote(username)}`
  return `username*=UTF-8''${Array.from(utf8Bytes(username), percentEncode).join('')}`
}

function percentEncode(byte: number): string {
  const character = String.fromCharCode(byte)
  return /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

function readUsername(values: ReadonlyMap<string, string>): string | undefined {
  const plain = values.get('username')
  const extended = values.get('username*')
  if (values.get('userhash')?.toLowerCase() === 'true') return undefined
  if (extended === undefined) return plain
  const encoded = plain === undefined ? /^utf-8'[^']*'(.*)$/i.exec(extended)?.[1] : undefined
  if (encoded === undefined) return undefined
  try {
    return decodeURIComponent(encoded)
  } catch {
    // A broken percent escape: the user name cannot be known.
    return undefined
  }
}
