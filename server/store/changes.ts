/**
 * Word of changes to all processes, sent inside the transaction that makes them: a binding, a key or a disablement is
 * in force everywhere as soon as the message arrives.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import type { FirmwareFacts } from '../fetch/mod.ts'
import type { Sql } from './sql.ts'

export const CHANGE_CHANNEL = 'offhook_change'

export type Change =
  /** Anything about one device; its facts are loaded anew. `path` when the device is new. */
  | { readonly kind: 'device'; readonly mac: MacAddress; readonly path?: string }
  /** A code was made, used or revoked; `until` is 0 when nothing can be done with it any more. */
  | { readonly kind: 'code'; readonly hash: string; readonly until: number }
  /** An account was made, or its windows changed; the Customer ID may be asked for. */
  | { readonly kind: 'customer'; readonly customerId: string }
  | { readonly kind: 'firmware'; readonly file: FirmwareFacts }
  | { readonly kind: 'firmware-gone'; readonly name: string }
  /** Device CAs. */
  | { readonly kind: 'trust' }
  /** The server's own certificate. */
  | { readonly kind: 'certificate' }
  /** A layer or account that many devices share. */
  | { readonly kind: 'many' }
  /** More devices, accounts or codes than can be named one by one came or went: the index is read again. */
  | { readonly kind: 'reload' }

/** Changes that are told one by one; beyond, every process reads its index again. */
export const NAMED_CHANGES_MAX = 100

export async function announce(sql: Sql, change: Change): Promise<void> {
  await sql.notify(CHANGE_CHANNEL, JSON.stringify(change))
}

/** Word of a code that is known by its id. */
export async function announceCode(sql: Sql, id: string): Promise<void> {
  const row = await sql.one<{ hash: string; until: number }>({
    name: 'code-announced',
    text: `select encode(hash, 'hex') as hash,
                  case when revoked_at is null then extract(epoch from expires_at)::float8 * 1000 else 0 end as until
             from code where id = $1`,
    values: [id],
  })
  if (row !== undefined) await announce(sql, { kind: 'code', ...row })
}

/** Word of an account's Customer ID. */
export async function announceCustomer(sql: Sql, accountId: string): Promise<void> {
  const row = await sql.one<{ customer_id: string }>({
    name: 'customer-announced',
    text: 'select customer_id from account where id = $1',
    values: [accountId],
  })
  if (row !== undefined) await announce(sql, { kind: 'customer', customerId: row.customer_id })
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
