/**
 * What a provider can ask of a phone with SIP NOTIFY, and who may ask it. Source: MPP §8; RFC 6665 §8.2.1, RFC 3261 §22.
 */
import { checkDigest, digestChallengeHeader, parseDigestAuthorization } from '../../../protocol/http/mod.ts'
import { evaluateRule, UNKNOWN_HERE } from '../../../protocol/rule/mod.ts'
import { header, headerAll, parseEvent } from '../../../protocol/sip/mod.ts'
import type { SipRequest } from '../../../protocol/sip/mod.ts'
import { assertNever } from '../../../protocol/result.ts'
import { randomHex } from '../chance.ts'
import { say } from '../mask.ts'
import { parameterText, parameterYes } from '../parameters.ts'
import { REMOTE_DESCRIPTION } from '../prt.ts'
import type { Agent, Command, SipPeer } from '../types.ts'
import type { World } from './register.ts'
import type { Reply } from './requests.ts'
import { cleanText, parseHostPort } from './settings.ts'
import { CHALLENGE_MS, CHALLENGES_MAX } from './state.ts'
import type { IssuedChallenge } from './state.ts'

/**
 * The events of MPP §8 that this phone acts on. `XML-service` needs a browser, which a virtual phone has not; like
 * `check-sync` it is answered 489.
 */
const EVENTS = [
  'resync',
  'reboot_now',
  'restart_now',
  'reboot',
  'restart',
  'report',
  'prt-gen',
  'factory-reset',
] as const
type NotifyEvent = (typeof EVENTS)[number]

/** Value of Allow-Events. */
export const ALLOWED_EVENTS = EVENTS.join(', ')

/** Longest profile rule in an Event header. */
const PROFILE_CHARS_MAX = 4096

/** Decides about a NOTIFY for one line: unknown event, challenge, switched off, or done. */
export function answerNotify(world: World, request: SipRequest, line: number, peer: SipPeer): Reply {
  const parsed = parseEvent(header(request, 'Event') ?? '')
  const event = EVENTS.find((known) => known === parsed?.name.toLowerCase())
  if (event === undefined) return { status: 489, reason: 'Bad Event', headers: [['Allow-Events', ALLOWED_EVENTS]] }
  const admitted = parameterYes(world.agent, `Auth_Resync-Reboot_${line}_`)
    ? authenticate(world, request, line)
    : { kind: 'yes' as const }
  if (admitted.kind === 'no') return admitted.reply
  const reply = perform(world.agent, event, parsed?.params.get('profile')?.trim() || undefined, peer)
  const text = `NOTIFY ${event} for line ${line}: ${reply.status === 200 ? 'accepted' : `refused, ${reply.reason}`}`
  const says = [say(world.agent, 'sip-notify', text, { line, event, status: reply.status })]
  return { ...reply, says, ...(admitted.challenges === undefined ? {} : { challenges: admitted.challenges }) }
}

function perform(agent: Agent, event: NotifyEvent, profile: string | undefined, peer: SipPeer): Reply {
  switch (event) {
    case 'resync':
      return resync(agent, profile, peer)
    case 'reboot_now':
    case 'restart_now':
    case 'reboot':
    case 'restart':
      // MPP §8 tells cold from warm restarts; a virtual phone has one kind.
      return accepted({ kind: 'reboot', reason: 'SIP Triggered', resyncAfter: false })
    case 'report':
      return accepted({ kind: 'report' })
    case 'prt-gen':
      return accepted({ kind: 'problem-report', description: REMOTE_DESCRIPTION })
    case 'factory-reset':
      return accepted({ kind: 'factory-reset' })
    default:
      return assertNever(event)
  }
}

function resync(agent: Agent, profile: string | undefined, peer: SipPeer): Reply {
  if (!parameterYes(agent, 'Resync_From_SIP')) return { status: 403, reason: 'Resync_From_SIP is No' }
  if (!parameterYes(agent, 'Provision_Enable')) return { status: 403, reason: 'Provision_Enable is No' }
  if (profile !== undefined && !usableRule(profile)) return { status: 400, reason: 'Bad Profile Rule' }
  return accepted({ kind: 'resync', rule: profile, by: 'sip', callerAddress: peer.host })
}

function usableRule(rule: string): boolean {
  // Macros have their values only when the rule runs; here it must merely make sense.
  return rule.length <= PROFILE_CHARS_MAX && evaluateRule(rule, 'profile', () => UNKNOWN_HERE).kind !== 'invalid'
}

function accepted(command: Command): Reply {
  return { status: 200, reason: 'OK', commands: [command] }
}

type Admission =
  | { readonly kind: 'yes'; readonly challenges?: readonly IssuedChallenge[] }
  | { readonly kind: 'no'; readonly reply: Reply }

/** MPP §8: honours a NOTIFY only with a fresh nonce of ours and the credentials of the line. Each nonce serves once. */
function authenticate(world: World, request: SipRequest, line: number): Admission {
  const { agent, now } = world
  const live = agent.ram.lines.challenges.filter((issued) => now - issued.at < CHALLENGE_MS)
  const password = parameterText(agent, `Password_${line}_`)
  for (const value of headerAll(request, 'Authorization').slice(0, 4)) {
    const digest = parseDigestAuthorization(value)
    if (digest === undefined || password === '' || !isNameOfLine(agent, line, digest.username)) continue
    // A proxy may have rewritten the Request-URI, so the URI of the digest itself counts (RFC 3261 §22.4 item 5).
    const expected = { method: 'NOTIFY', password, realm: realmOf(agent, line), body: request.body, qopRequired: true }
    if (!checkDigest(digest, expected)) continue
    const issued = live.find(({ nonce, line: owner }) => nonce === digest.nonce && owner === line)
    if (issued === undefined) return challenge(world, line, live, true)
    return { kind: 'yes', challenges: live.filter((other) => other !== issued) }
  }
  return challenge(world, line, live, false)
}

function challenge(
  { agent, now, rng }: World,
  line: number,
  live: readonly IssuedChallenge[],
  stale: boolean,
): Admission {
  const nonce = randomHex(16, rng)
  const value = digestChallengeHeader({ realm: realmOf(agent, line), nonce, qop: 'auth', algorithm: 'MD5', stale })
  return {
    kind: 'no',
    reply: {
      status: 401,
      reason: 'Unauthorized',
      headers: [['WWW-Authenticate', value]],
      challenges: [...live, { nonce, line, at: now }].slice(-CHALLENGES_MAX),
    },
  }
}

/** The phone's own realm: `Auth_Page_Realm_n_`, else the domain of the line, else the product name (MPP §8, inferred). */
function realmOf(agent: Agent, line: number): string {
  const configured = cleanText(parameterText(agent, `Auth_Page_Realm_${line}_`)).replace(/["\\]/g, '')
  return configured || parseHostPort(parameterText(agent, `Proxy_${line}_`))?.host || agent.hardware.productName
}

function isNameOfLine(agent: Agent, line: number, username: string): boolean {
  const names = [parameterText(agent, `User_ID_${line}_`), parameterText(agent, `Auth_ID_${line}_`)].map((name) =>
    name.trim(),
  )
  return username !== '' && names.includes(username)
}
