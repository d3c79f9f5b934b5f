/**
 * Writes REGISTER requests and reads what a registrar grants. Values in, values out.
 * Source: RFC 3261 §10.2, §20.10, §22; RFC 3581 (rport); RFC 8760 §2.4 (order of challenges).
 */
import { digestAuthorization, parseAuthChallenges } from '../../../protocol/http/mod.ts'
import type { DigestChallenge } from '../../../protocol/http/mod.ts'
import { buildRegister, encodeSip, header, headerAll, parseAddress, splitSipList } from '../../../protocol/sip/mod.ts'
import type { SipResponse } from '../../../protocol/sip/mod.ts'
import type { Millis, Rng } from '../../../protocol/result.ts'
import { randomHex } from '../chance.ts'
import { parameterText } from '../parameters.ts'
import type { Agent } from '../types.ts'
import { cleanText, escapeUser, hostPortText, secondsOf, softwareName } from './settings.ts'
import type { LineAccount, Registration } from './state.ts'

/** The methods that the phone answers; REGISTER and every 405 name them. */
export const ALLOWED_METHODS = 'INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY'

/** Longest registration lifetime that is believed, in seconds. */
const GRANTED_SECONDS_MAX = 2_000_000

/** What a step needs beside its input. */
export interface World {
  readonly agent: Agent
  readonly now: Millis
  readonly rng: Rng
}

/** Where the phone itself listens: the address of its lease and the port that its surroundings opened. */
export function ownAddress(agent: Agent, line: number): { readonly host: string; readonly port: number } {
  const configured = secondsOf(agent, `SIP_Port_${line}_`, 5059 + line)
  return { host: agent.ram.lease?.address ?? '0.0.0.0', port: agent.ram.sipPort > 0 ? agent.ram.sipPort : configured }
}

/** The phone's contact URI for one account. */
export function contactUri(agent: Agent, account: LineAccount): string {
  const transport = account.peer.transport === 'udp' ? '' : `;transport=${account.peer.transport}`
  return `sip:${escapeUser(account.userId)}@${hostPortText(ownAddress(agent, account.line))}${transport}`
}

/** One REGISTER on the wire. Signed when the registration keeps a challenge and `sign` says so. */
export function registerRequest(
  { agent, rng }: World,
  registration: Registration,
  how: { readonly branch: string; readonly expiresSeconds: number; readonly sign: boolean },
): Uint8Array {
  const { account, callId, fromTag, sequence } = registration
  const name = parameterText(agent, 'SIP_Reg_User_Agent_Name') || parameterText(agent, 'SIP_User_Agent_Name')
  const userAgent = softwareName(agent, name)
  const displayName = cleanText(account.displayName)
  const request = buildRegister({
    registrar: account.registrarUri,
    address: account.addressOfRecord,
    ...(displayName === '' ? {} : { displayName }),
    contact: contactUri(agent, account),
    callId,
    cseq: sequence,
    branch: how.branch,
    fromTag,
    via: { transport: VIA_NAMES[account.peer.transport], ...ownAddress(agent, account.line) },
    expiresSeconds: how.expiresSeconds,
    ...(userAgent === '' ? {} : { userAgent }),
    headers: [['Allow', ALLOWED_METHODS], ...(how.sign ? signature(registration, rng) : [])],
  })
  return encodeSip(request)
}

const VIA_NAMES = { udp: 'UDP', tcp: 'TCP', tls: 'TLS' } as const

function signature({ account, kept }: Registration, rng: Rng): readonly (readonly [string, string])[] {
  if (kept === undefined) return []
  const value = digestAuthorization(kept.challenge, {
    username: account.authId,
    password: account.password,
    method: 'REGISTER',
    uri: account.registrarUri,
    cnonce: randomHex(8, rng),
    nonceCount: kept.nonceCount + 1,
  })
  return [[kept.proxy ? 'Proxy-Authorization' : 'Authorization', value]]
}

/** @returns the Digest challenge to answer in a 401 or 407, or undefined when there is none that we know. */
export function challengeOf(response: SipResponse, proxy: boolean, preferSha256: boolean): DigestChallenge | undefined {
  const digests = headerAll(response, proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate').flatMap((value) =>
    parseAuthChallenges(value).flatMap((found) => (found.scheme === 'digest' ? [found.challenge] : [])),
  )
  const wanted = preferSha256 ? 'SHA-256' : 'MD5'
  return digests.find((challenge) => challenge.algorithm === wanted) ?? digests[0]
}

/** Seconds that a 2xx grants to our contact (RFC 3261 §10.3 step 8): its `expires`, else Expires, else what was asked. */
export function grantedSeconds(response: SipResponse, ownContact: string, asked: number): number {
  const contacts = headerAll(response, 'Contact')
    .flatMap(splitSipList)
    .flatMap((value) => {
      const address = parseAddress(value)
      return address === undefined ? [] : [address]
    })
  const ours = contacts.find((contact) => contact.uri.toLowerCase() === ownContact.toLowerCase())
  // Behind NAT a registrar may rewrite the address; a single contact is still ours.
  const contact = ours ?? (contacts.length === 1 ? contacts[0] : undefined)
  const granted = wholeSeconds(contact?.params.get('expires')) ?? wholeSeconds(header(response, 'Expires')) ?? asked
  return Math.min(granted, GRANTED_SECONDS_MAX)
}

/** @returns a header that holds whole seconds, e.g. Min-Expires or Retry-After (whose comment is ignored). */
export function wholeSeconds(text: string | undefined): number | undefined {
  const match = /^\s*([0-9]{1,10})(?![0-9])/.exec(text ?? '')
  return match?.[1] === undefined ? undefined : Number(match[1])
}

/** When to refresh a binding: half a minute before it ends, or half-way when it is short. */
export function refreshAfterMs(granted: number): Millis {
  return (granted > 64 ? granted - 32 : granted / 2) * 1000
}
