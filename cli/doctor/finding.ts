/** What a check found, and what the checks look at. */
import type { Settings } from '../../server/main.ts'
import type { Database } from '../../server/database/mod.ts'

export type Level = 'ok' | 'warning' | 'problem'

export interface Finding {
  readonly check: string
  readonly level: Level
  readonly what: string
  /** What was found: a path, a number, a date. */
  readonly value: string
  /** What to do; empty when all is well. */
  readonly advice: string
}

export interface Examined {
  readonly settings: Settings
  /** A server of ours answers at the API's port. */
  readonly running: boolean
  /** undefined: it cannot be looked into; the check of the database says why. */
  readonly db: Database | undefined
  readonly databaseProblem: string | undefined
}

export type Check = (examined: Examined) => Promise<readonly Finding[]>

/** How long anything on the network may take. */
export const NETWORK_MS = 3_000

export function ok(check: string, what: string, value = ''): Finding {
  return { check, level: 'ok', what, value, advice: '' }
}

export function warning(check: string, what: string, value: string, advice: string): Finding {
  return { check, level: 'warning', what, value, advice }
}

export function problem(check: string, what: string, value: string, advice: string): Finding {
  return { check, level: 'problem', what, value, advice }
}

/** The words of what was thrown. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}

/** Where a door that listens on an address is reached from here. */
export function reachable(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}

/** An address as it stands in a URL. */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
