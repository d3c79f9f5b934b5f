/**
 * What the lines of a phone remember between two events. Lost by a power cut, like all of `Ram`.
 * Source: RFC 3261 §10.2, §17.1.2, §17.2.2.
 */
import type { DigestChallenge } from '../../../protocol/http/mod.ts'
import type { Millis } from '../../../protocol/result.ts'
import type { Agent, AgentAction, Command, SipPeer } from '../types.ts'

/** Answers kept for retransmitted requests; more than a proxy has in flight towards one phone. */
export const TRANSACTIONS_MAX = 64
/** How long an answer is kept: Timer J over UDP, 64*T1 (RFC 3261 §17.2.2). */
export const TRANSACTION_MS = 32_000
/** Challenges in flight; the oldest goes first. */
export const CHALLENGES_MAX = 32
/** How long a NOTIFY may take to come back with credentials. */
export const CHALLENGE_MS = 300_000
/** Requests longer than this are refused with 513; a NOTIFY for a phone has a few hundred bytes. */
export const REQUEST_BYTES_MAX = 8192
/** Registrations of former accounts that are still being taken back; the oldest is dropped first. */
export const LEAVING_MAX = 32

/** One account at one registrar, read from the parameters of extension n (MPP §13.4). */
export interface LineAccount {
  readonly line: number
  readonly userId: string
  readonly displayName: string
  readonly authId: string
  readonly password: string
  /** Request-URI of REGISTER, e.g. `sip:example.net:5080`. */
  readonly registrarUri: string
  /** Address of record, e.g. `sip:1001@example.net`. */
  readonly addressOfRecord: string
  /** Where requests are sent: the outbound proxy when there is one. */
  readonly peer: SipPeer
  /** Seconds asked for, 32 to 2000000. */
  readonly expiresSeconds: number
  /** Choose SHA-256 when the registrar offers it (RFC 8760). */
  readonly preferSha256: boolean
}

/** A REGISTER that waits for its final answer. */
export interface PendingRegister {
  readonly branch: string
  readonly bytes: Uint8Array
  readonly expiresSeconds: number
  /** How the request was signed, which decides what a 401 means. */
  readonly signed: 'not' | 'kept-challenge' | 'answer' | 'answer-after-stale'
  /** 423 was answered once already. */
  readonly lengthened: boolean
  /** Next retransmission over UDP. */
  readonly resendAt: Millis | undefined
  readonly resendIntervalMs: Millis
  /** Timer F. */
  readonly givesUpAt: Millis
}

/** The last challenge, kept so that the next REGISTER can be signed at once (RFC 3261 §22.2). */
export interface KeptChallenge {
  readonly challenge: DigestChallenge
  readonly proxy: boolean
  readonly nonceCount: number
}

/**
 * One registration.
 * - `registering`: the first REGISTER, or a new try, is out.
 * - `registered`: a binding is in force; a refresh may be out.
 * - `failed`: waits for `nextAt`, or for ever when that is undefined.
 * - `leaving`: `Expires: 0` is out; the entry goes with its answer.
 */
export interface Registration {
  readonly account: LineAccount
  readonly phase: 'registering' | 'registered' | 'failed' | 'leaving'
  readonly since: Millis
  /** Since when the line is without registration; undefined while registered. */
  readonly lostAt: Millis | undefined
  readonly callId: string
  readonly fromTag: string
  readonly sequence: number
  readonly pending: PendingRegister | undefined
  readonly kept: KeptChallenge | undefined
  /** When to refresh (registered) or to try again (failed). */
  readonly nextAt: Millis | undefined
  /** Failures in a row, for the back-off of Reg_Retry_Intvl_Cap. */
  readonly failures: number
  /** The address that the registrar truly answered from, for Block_Nonproxy_SIP. */
  readonly answeredFrom: SipPeer | undefined
}

export interface AnsweredRequest {
  readonly key: string
  readonly at: Millis
  readonly response: Uint8Array
}

export interface IssuedChallenge {
  readonly nonce: string
  readonly line: number
  readonly at: Millis
}

export interface LinesState {
  readonly running: boolean
  /** At most one per line. */
  readonly registrations: readonly Registration[]
  readonly leaving: readonly Registration[]
  readonly answered: readonly AnsweredRequest[]
  readonly challenges: readonly IssuedChallenge[]
}

/** No line does anything before `start`. */
export const initialLinesState: LinesState = {
  running: false,
  registrations: [],
  leaving: [],
  answered: [],
  challenges: [],
}

export type LinesInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'config-changed' }
  | { readonly kind: 'received'; readonly peer: SipPeer; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly peer: SipPeer; readonly detail: string }
  | { readonly kind: 'stop' }

export interface LinesStep {
  readonly agent: Agent
  readonly actions: readonly AgentAction[]
  readonly commands: readonly Command[]
}
