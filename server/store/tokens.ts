/** API tokens and the sessions of users: told once, stored as a hash. */
import { randomBytes } from 'node:crypto'
import { orderOf, type PageRequest, type SortColumn } from './paging.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { scopesOfRole, type UserRole } from './roles.ts'
import { hashOfToken, newId } from './vault.ts'

export const TOKEN_SCOPES = ['admin', 'write', 'read', 'stage', 'secrets'] as const
export type TokenScope = (typeof TOKEN_SCOPES)[number]

/** How long tokens are remembered after their end, so that an audit can still name them. */
const KEPT_DAYS = 30

export interface StoredToken {
  readonly id: string
  readonly name: string
  readonly scopes: readonly TokenScope[]
  /** null: reaches every account; else that account and all below it. */
  readonly accountId: string | null
  readonly kind: 'api' | 'session'
  /** Whose session it is, or the person at the root of the tokens that made it. */
  readonly userId: string | null
  readonly userEmail: string | null
  readonly expiresAt: Date | null
}

export interface NewToken {
  readonly name: string
  readonly scopes: readonly TokenScope[]
  readonly ttlSeconds?: number
  readonly accountId?: string | null
  readonly createdBy?: string
  readonly kind?: 'api' | 'session'
  readonly userId?: string | null
}

/** @returns the token text; only its hash is kept */
export async function createToken(sql: Pick<Sql, 'run'>, token: NewToken): Promise<string> {
  const { text } = await insertToken(sql, token)
  return text
}

/** @returns its id too */
export async function insertToken(
  sql: Pick<Sql, 'run'>,
  token: NewToken,
): Promise<{ readonly id: string; readonly text: string }> {
  const id = newId('tok')
  const text = `oh_${randomBytes(32).toString('base64url')}`
  await sql.run({
    name: 'create-token',
    text: `insert into token (id, hash, name, scopes, expires_at, account_id, created_by, kind, user_id)
           values ($1, $2, $3, $4, now() + make_interval(secs => $5), $6, $7, $8, $9)`,
    values: [
      id,
      hashOfToken(text),
      token.name,
      [...token.scopes],
      token.ttlSeconds ?? null,
      token.accountId ?? null,
      token.createdBy ?? 'cli',
      token.kind ?? 'api',
      token.userId ?? null,
    ],
  })
  return { id, text }
}

interface FoundToken extends StoredToken {
  readonly role: UserRole | null
}

/** A session has the rights and reach that its user has now; a disabled user's tokens are good for nothing. */
export async function findToken(sql: Pick<Sql, 'one'>, text: string): Promise<StoredToken | undefined> {
  const row = await sql.one<FoundToken>({
    name: 'find-token',
    text: `select t.id, t.name, t.scopes, t.kind, t.user_id as "userId", u.email as "userEmail", u.role, t.expires_at as "expiresAt",
                  case when t.kind = 'session' then u.account_id else t.account_id end as "accountId"
             from token t left join api_user u on u.id = t.user_id
            where t.hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
              and (u.id is null or not u.disabled)`,
    values: [hashOfToken(text)],
  })
  if (row === undefined) return undefined
  const { role, ...token } = row
  return token.kind === 'session' && role !== null ? { ...token, scopes: scopesOfRole(role) } : token
}

export interface ListedToken {
  readonly id: string
  readonly name: string
  readonly scopes: readonly TokenScope[]
  readonly accountId: string | null
  readonly kind: 'api' | 'session'
  readonly userEmail: string | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
}

const LISTED = `t.id, t.name, t.scopes, t.kind, u.email as "userEmail", t.created_by as "createdBy",
  case when t.kind = 'session' then u.account_id else t.account_id end as "accountId",
  t.created_at as "createdAt", t.expires_at as "expiresAt", t.last_used_at as "lastUsedAt"`

/** Those that are not revoked; expired ones are shown until they are deleted. */
const VISIBLE = `t.revoked_at is null and ($1::text[] is null
  or (case when t.kind = 'session' then u.account_id else t.account_id end) = any($1))`

export const TOKEN_SORT = {
  name: { expression: 't.name', type: 'text' },
  createdAt: { expression: 't.created_at', type: 'timestamptz' },
} as const satisfies Readonly<Record<string, SortColumn>>

/** @returns undefined when `after` is no mark of this list */
export async function listTokens(
  sql: Pick<Sql, 'query'>,
  reach: readonly string[] | null,
  page: PageRequest & { readonly q?: string | undefined },
): Promise<readonly (ListedToken & { readonly sortMark: string })[] | undefined> {
  const order = orderOf(TOKEN_SORT, 't.id', page, 3)
  if (order === undefined) return undefined
  return sql.query({
    name: `list-tokens-${order.name}`,
    text: `select ${LISTED}, ${order.mark} as "sortMark" from token t left join api_user u on u.id = t.user_id
            where ${VISIBLE} and ($2::text is null or position(lower($2) in lower(t.name)) > 0)
              and ${order.where} ${order.orderBy} limit $5`,
    values: [reach, page.q ?? null, ...order.values, page.limit],
  })
}

export async function findListedToken(
  sql: Pick<Sql, 'one'>,
  reach: readonly string[] | null,
  id: string,
): Promise<ListedToken | undefined> {
  return sql.one<ListedToken>({
    name: 'find-listed-token',
    text: `select ${LISTED} from token t left join api_user u on u.id = t.user_id where ${VISIBLE} and t.id = $2`,
    values: [reach, id],
  })
}

/** A revocation is in force at once, everywhere: no process keeps tokens in memory. */
export async function revokeToken(sql: Pick<Sql, 'one' | 'run'>, who: string, id: string): Promise<boolean> {
  const row = await sql.one<{ name: string }>({
    name: 'revoke-token',
    text: 'update token set revoked_at = now() where id = $1 and revoked_at is null returning name',
    values: [id],
  })
  if (row === undefined) return false
  await recordRevision(sql, { who, scope: 'token', target: id, what: 'revoked', before: { name: row.name } })
  return true
}

/**
 * Ends sessions of a user, and with `all` also every token that goes back to this person.
 * @returns how many
 */
export async function revokeTokensOf(
  sql: Pick<Sql, 'run'>,
  userId: string,
  which: 'sessions' | 'all',
): Promise<number> {
  return sql.run({
    name: 'revoke-tokens-of',
    text: `update token set revoked_at = now()
            where user_id = $1 and revoked_at is null and ($2 or kind = 'session')`,
    values: [userId, which === 'all'],
  })
}

/** Written in batches: when a token was used last is for people, not for decisions. */
export async function recordTokenUse(sql: Pick<Sql, 'run'>, uses: ReadonlyMap<string, number>): Promise<void> {
  await sql.run({
    name: 'token-use',
    text: `update token t set last_used_at = greatest(t.last_used_at, to_timestamp(x.at / 1000.0))
             from unnest($1::text[], $2::float8[]) as x (id, at) where t.id = x.id`,
    values: [[...uses.keys()], [...uses.values()]],
  })
}

/** Deletes tokens that ended 30 days ago. @returns how many */
export async function forgetOldTokens(sql: Pick<Sql, 'run'>): Promise<number> {
  return sql.run({
    name: 'forget-old-tokens',
    text: `delete from token where coalesce(revoked_at, expires_at) < now() - make_interval(days => $1)`,
    values: [KEPT_DAYS],
  })
}
