/**
 * Asks a phone by the command URL of its own web server, as its digest or basic challenge wants it.
 * Source: MPP §7.1, §7.2, §7.3.
 */
import { randomBytes } from 'node:crypto'
import {
  type AuthChallenge,
  basicAuthorization,
  digestAuthorization,
  parseAuthChallenges,
} from '../../../protocol/http/mod.ts'
import { err, ok, type Millis, type Result } from '../../../protocol/result.ts'
import type { DeviceFacts } from '../../devices/mod.ts'
import { guardedRequest } from '../../outbound/mod.ts'

const TIMEOUT_MS: Millis = 10_000
/** A page of a phone that says what it does. */
const ANSWER_BYTES_MAX = 256 * 1024
const ADMIN = 'admin'

export interface UrlAction {
  /** As `commandUrl` gives it. */
  readonly url: string
  readonly facts: DeviceFacts
  /** `settings.outboundAllow`. */
  readonly allow: readonly string[]
  readonly challenged: () => void
}

/** @returns the status of a success, or a sentence that says what went wrong */
export async function askByUrl(action: UrlAction): Promise<Result<number, string>> {
  const request = { url: action.url, method: 'GET', timeoutMs: TIMEOUT_MS, answerBytesMax: ANSWER_BYTES_MAX } as const
  const first = await guardedRequest({ ...request, allow: action.allow })
  if (!first.ok) return err(first.error.message)
  if (first.value.status !== 401) return verdict(first.value.status)
  const authorization = answerTo(action, first.value.headers['www-authenticate'] ?? '')
  if (!authorization.ok) return authorization
  action.challenged()
  const second = await guardedRequest({
    ...request,
    headers: { authorization: authorization.value },
    allow: action.allow,
  })
  if (!second.ok) return err(second.error.message)
  return verdict(second.value.status)
}

function answerTo({ url, facts }: UrlAction, header: string): Result<string, string> {
  const password = facts.secrets?.adminPassword
  if (password === undefined || password === '') return err('The phone asks for a password, and none of it is stored')
  const challenges = parseAuthChallenges(header)
  const digest = challenges.find(isDigest)
  if (digest !== undefined) {
    // As the request line has it: URL leaves out a `?` with nothing behind it.
    const { pathname, search } = new URL(url)
    const uri = `${pathname}${search}`
    const answer = { username: ADMIN, password, method: 'GET', uri, nonceCount: 1 }
    return ok(digestAuthorization(digest.challenge, { ...answer, cnonce: randomBytes(8).toString('hex') }))
  }
  if (!challenges.some(({ scheme }) => scheme === 'basic'))
    return err('The phone asks for credentials of an unknown kind')
  // In clear it would tell everybody on the way the password of the phone.
  if (!url.startsWith('https:')) return err('The phone asks for its password in clear over HTTP; it is not told')
  return ok(basicAuthorization(ADMIN, password))
}

function isDigest(challenge: AuthChallenge): challenge is Extract<AuthChallenge, { scheme: 'digest' }> {
  return challenge.scheme === 'digest'
}

function verdict(status: number): Result<number, string> {
  if (status >= 200 && status < 300) return ok(status)
  if (status === 401) return err('The phone does not take its admin password: it runs another one than is stored')
  if (status === 403) return err('The phone answered 403: its command URLs are off (Enable_Direct_Action_Url)')
  return err(`The phone answered ${status}`)
}
