/** What the web server remembers between two requests; lost by a power cut. Source: MPP §7.1, RFC 7616 §3.4, §5.4. */
import type { Millis } from '../../../protocol/result.ts'
import type { Agent, Command, WebResponse } from '../types.ts'
import type { Guesser } from './lock-out.ts'

/** Nonces that nobody has answered yet. The oldest goes first; an early visitor then gets a fresh one, marked stale. */
export const PENDING_NONCES_MAX = 64
/** Signed-in browsers and scripts. The least recently used goes first. */
export const SESSIONS_MAX = 16
/** How long a nonce waits for its first use. */
export const PENDING_NONCE_MS = 300_000

export type Account = 'admin' | 'user'

export interface PendingNonce {
  readonly nonce: string
  readonly at: Millis
}

/** A nonce that was answered rightly: `Session_Max_Timeout` and `Session_Idle_Timeout` count for it. */
export interface Session {
  readonly nonce: string
  readonly account: Account
  readonly startedAt: Millis
  readonly usedAt: Millis
  /** The highest nonce count seen; a request that does not go beyond it is a replay. */
  readonly count: number
}

export interface WebState {
  /** Addresses that have sent wrong passwords. */
  readonly guessers: readonly Guesser[]
  readonly pending: readonly PendingNonce[]
  readonly sessions: readonly Session[]
  /** Drawn at the first request after a boot; every form of that account carries it (CSRF). */
  readonly formTokens: Readonly<Record<Account, string>> | undefined
}

export const initialWebState: WebState = { guessers: [], pending: [], sessions: [], formTokens: undefined }

/** What a request leads to: the phone after it, the answer, and work for the core. */
export interface WebAnswer {
  readonly agent: Agent
  readonly response: WebResponse
  readonly commands: readonly Command[]
}

/** @returns the agent with another web state. */
export function withWeb(agent: Agent, web: WebState): Agent {
  return { ...agent, ram: { ...agent.ram, web } }
}

/** @returns whether two texts are the same, in a time that does not tell where they differ. */
export function sameSecret(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let index = 0; index < a.length; index += 1)
    difference |= a.charCodeAt(index) ^ b.charCodeAt(index % (b.length || 1))
  return difference === 0
}
