/**
 * Asks a phone by the command URL of its own web server, as its digest or basic challenge wants it.
 * Source: MPP §7.1, §7.2, §7.3.
 */
import { isIP } from 'node:net'
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
import { type PlatformFacts, resolveDevice } from '../../profiles/mod.ts'
import type { ActionKind } from '../../store/mod.ts'

const TIMEOUT_MS: Millis = 10_000
/** A page of a phone that says what it does. */
const ANSWER_BYTES_MAX = 256 * 1024
const ADMIN = 'admin'

export interface UrlAction {
  readonly kind: ActionKind
  readonly profile: string | undefined
  readonly facts: DeviceFacts
  readonly platform: PlatformFacts
  /** Address of its last believed request. */
  readonly address: string
  /** `settings.outboundAllow`. */
  readonly allow: readonly string[]
  readonly challenged: () => void
}

/** @returns the status of a success, or a sentence that says what went wrong */
export async function askByUrl(action: UrlAction): Promise<Result<number, string>> {
  const place = commandUrl(action)
  if (!place.ok) return place
  const request = { url: place.value, method: 'GET', timeoutMs: TIMEOUT_MS, answerBytesMax: ANSWER_BYTES_MAX } as const
  const first = await guardedRequest({ ...request, allow: action.allow })
  if (!first.ok) return err(first.error.message)
  if (first.value.status !== 401) return verdict(first.value.status)
  const authorization = answerTo(action, place.value, first.value.headers['www-authenticate'] ?? '')
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

/** Whether the profile leaves the phone's own command URLs open at all; a sentence that says what is in the way. */
export function commandUrlProblem(facts: DeviceFacts, platform: PlatformFacts): string | undefined {
  const values = resolveDevice(facts, platform)
  for (const element of ['Enable_Web_Server', 'Enable_Web_Admin_Access', 'Enable_Direct_Action_Url']) {
    const value = values.get(element)?.value
    if (value !== undefined && !/^yes$/i.test(value))
      return `The profile of the phone sets ${element} to "${value}", so its command URLs are off. Set it to "Yes" in a layer, or ask by SIP`
  }
  return undefined
}

function commandUrl({ kind, profile, facts, platform, address }: UrlAction): Result<string, string> {
  if (kind === 'report') return err('A phone has no command URL that asks for a report. Ask by SIP')
  const problem = commandUrlProblem(facts, platform)
  if (problem !== undefined) return err(problem)
  const values = resolveDevice(facts, platform)
  const scheme = /^https$/i.test(values.get('Enable_Protocol')?.value ?? 'Http') ? 'https' : 'http'
  const port = Number(values.get('Web_Server_Port')?.value ?? (scheme === 'https' ? 443 : 80))
  const host = isIP(address) === 6 ? `[${address}]` : address
  const path = kind === 'resync' ? `/admin/resync?${profile ?? ''}` : '/admin/reboot?'
  return ok(`${scheme}://${host}:${port}${path}`)
}

function answerTo(action: UrlAction, url: string, header: string): Result<string, string> {
  const password = action.facts.secrets?.adminPassword
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
