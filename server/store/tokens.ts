/** API tokens: told once, stored as a hash. */
import { randomBytes } from 'node:crypto'
import type { Sql } from './sql.ts'
import { hashOfToken, newId } from './vault.ts'

export const TOKEN_SCOPES = ['admin', 'write', 'read', 'secrets'] as const
export type TokenScope = (typeof TOKEN_SCOPES)[number]

export interface StoredToken {
  readonly id: string
  readonly name: string
  readonly scopes: readonly TokenScope[]
  /** null: reaches every account; else that account and all below it. */
  readonly accountId: string | null
}

/** @returns the token text; only its hash is kept */
export async function createToken(
  sql: Pick<Sql, 'run'>,
  token: { readonly name: string; readonly scopes: readonly TokenScope[]; readonly ttlSeconds?: number },
): Promise<string> {
  const text = `oh_${randomBytes(32).toString('base64url')}`
  await sql.run({
    name: 'create-token',
    text: `insert into token (id, hash, name, scopes, expires_at)
           values ($1, $2, $3, $4, now() + make_interval(secs => $5))`,
    values: [newId('tok'), hashOfToken(text), token.name, [...token.scopes], token.ttlSeconds ?? null],
  })
  return text
}

export async function findToken(sql: Pick<Sql, 'one'>, text: string): Promise<StoredToken | undefined> {
  return sql.one<StoredToken>({
    name: 'find-token',
    text: `select id, name, scopes, account_id as "accountId" from token
            where hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    values: [hashOfToken(text)],
  })
}
