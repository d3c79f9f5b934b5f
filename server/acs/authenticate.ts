/**
 * Who sends a request: by client certificate, by Digest, or over TLS by Basic. Nothing here asks the database for a
 * caller that we do not know. Source: TR-069 §2.4; RFC 7616.
 */
import { createHmac } from 'node:crypto'
import {
  checkDigest,
  parseBasicAuthorization,
  type ParsedDigest,
  parseDigestAuthorization,
} from '../../protocol/http/mod.ts'
import { type MacAddress, parseMacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import { acsCredentials, type DeviceFacts } from '../devices/mod.ts'
import { credentialChallenge, isFreshNonce, type ProvenCertificate, REALM, sameText } from '../fetch/mod.ts'

/** Somebody whom we believe to be a device. */
export type Caller =
  | { readonly proof: 'certified'; readonly mac: MacAddress; readonly certificate: ProvenCertificate }
  | { readonly proof: 'credentialed'; readonly mac: MacAddress }

export interface SentProof {
  readonly method: string
  readonly target: string
  readonly overTls: boolean
  readonly authorization: string | undefined
}

export interface ProofContext {
  readonly now: () => Millis
  readonly nonceKey: Uint8Array
  readonly knows: (mac: MacAddress) => boolean
  readonly device: (mac: MacAddress) => DeviceFacts | undefined | Promise<DeviceFacts | undefined>
}

/** Devices whose last nonce is remembered: the same answer is not taken twice. */
const NONCES_MAX = 50_000

export interface Authenticator {
  /** @returns undefined: ask for credentials */
  check(sent: SentProof): Promise<MacAddress | undefined>
  /** The header of a 401. */
  challenge(sent: SentProof): string
}

export function createAuthenticator(context: ProofContext): Authenticator {
  const used = new Map<string, { readonly nonce: string; readonly count: number }>()

  /**
   * Growing counts under one nonce, and no nonce older than the last: what was taken once is never taken again.
   * Without a count only over TLS, where nobody can listen and repeat.
   */
  function isNew(mac: MacAddress, digest: ParsedDigest, overTls: boolean): boolean {
    const count = digest.protection?.nonceCount
    if (count === undefined) return overTls
    const before = used.get(mac)
    if (before?.nonce === digest.nonce && count <= before.count) return false
    if (before !== undefined && timeOf(digest.nonce) < timeOf(before.nonce)) return false
    // The one that was longest unused goes first.
    used.delete(mac)
    if (used.size >= NONCES_MAX) used.delete(used.keys().next().value ?? '')
    used.set(mac, { nonce: digest.nonce, count })
    return true
  }

  async function passwordOf(username: string): Promise<{ mac: MacAddress; password: string } | undefined> {
    const mac = parseMacAddress(username)
    const facts = mac === undefined || !context.knows(mac) ? undefined : await context.device(mac)
    const known = facts?.device.state === 'bound' ? acsCredentials(facts) : undefined
    return mac === undefined || known === undefined ? undefined : { mac, password: known.password }
  }

  async function checkDigestHeader(digest: ParsedDigest, sent: SentProof): Promise<MacAddress | undefined> {
    if (!isFreshNonce(digest.nonce, context.now(), context.nonceKey) || !isTarget(digest.uri, sent.target))
      return undefined
    const expected = await passwordOf(digest.username)
    const right = checkDigest(digest, {
      method: sent.method,
      // A name that is not ours costs as much as one that is.
      password: expected?.password ?? nobodysPassword(context.nonceKey),
      realm: REALM,
      qopRequired: !sent.overTls,
    })
    if (!right || expected === undefined) return undefined
    return isNew(expected.mac, digest, sent.overTls) ? expected.mac : undefined
  }

  return {
    async check(sent) {
      const { authorization, overTls } = sent
      if (authorization === undefined) return undefined
      const digest = parseDigestAuthorization(authorization)
      if (digest !== undefined) return checkDigestHeader(digest, sent)
      const basic = overTls ? parseBasicAuthorization(authorization) : undefined
      if (basic === undefined) return undefined
      const expected = await passwordOf(basic.username)
      const right = sameText(basic.password, expected?.password ?? nobodysPassword(context.nonceKey))
      return right ? expected?.mac : undefined
    },
    challenge({ authorization }) {
      const nonce = authorization === undefined ? undefined : parseDigestAuthorization(authorization)?.nonce
      const stale = nonce !== undefined && !isFreshNonce(nonce, context.now(), context.nonceKey)
      return credentialChallenge(context.now(), context.nonceKey, stale)
    },
  }
}

/** When a nonce of ours was made: it begins with that, in hexadecimal digits. */
function timeOf(nonce: string): Millis {
  return Number.parseInt(nonce, 16)
}

/** Some clients name the whole URL. */
function isTarget(uri: string, target: string): boolean {
  return uri === target || (/^https?:\/\//i.test(uri) && uri.replace(/^https?:\/\/[^/]*/i, '') === target)
}

/** Nobody can know it. */
function nobodysPassword(nonceKey: Uint8Array): string {
  return createHmac('sha256', nonceKey).update('nobody').digest('base64url')
}
