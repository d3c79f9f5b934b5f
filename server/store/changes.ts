/**
 * Word of changes to all processes, sent inside the transaction that makes them: a binding, a key or a disablement is
 * in force everywhere as soon as the message arrives.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Sql } from './sql.ts'

export const CHANGE_CHANNEL = 'offhook_change'

export type Change =
  /** Anything about one device; its facts are loaded anew. `path` when the device is new. */
  | { readonly kind: 'device'; readonly mac: MacAddress; readonly path?: string }
  /** A code was made or revoked. */
  | { readonly kind: 'code'; readonly hash: string; readonly until: number }
  /** An account was made; the Customer ID may be asked for. */
  | { readonly kind: 'customer'; readonly customerId: string }
  | { readonly kind: 'firmware'; readonly name: string }
  /** Device CAs. */
  | { readonly kind: 'trust' }
  /** A layer or account that many devices share. */
  | { readonly kind: 'many' }

export async function announce(sql: Sql, change: Change): Promise<void> {
  await sql.notify(CHANGE_CHANNEL, JSON.stringify(change))
}

/** Our own messages only: what another program put on the channel counts as "something changed". */
export function readChange(payload: string): Change {
  try {
    return JSON.parse(payload) as Change
  } catch {
    // Unreadable: dropping every cached fact is always right.
    return { kind: 'many' }
  }
}
