/** People who sign in. Their passwords are argon2id, and those hashes are sealed too. */
import { orderOf, type PageRequest, type SortColumn } from './paging.ts'
import { recordRevision } from './revisions.ts'
import type { UserRole } from './roles.ts'
import type { Sql } from './sql.ts'
import { revokeTokensOf } from './tokens.ts'
import { newId, SECRET_CONTEXT, type Vault } from './vault.ts'

export * from './roles.ts'

export interface StoredUser {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly role: UserRole
  readonly accountId: string | null
  readonly disabled: boolean
  readonly hasPassword: boolean
  readonly createdBy: string
  readonly createdAt: Date
  readonly lastLoginAt: Date | null
}

const COLUMNS = `id, email, name, role, account_id as "accountId", disabled, password is not null as "hasPassword",
  created_by as "createdBy", created_at as "createdAt", last_login_at as "lastLoginAt"`

export interface NewUser {
  readonly email: string
  readonly name: string
  readonly role: UserRole
  readonly accountId: string | null
  /** argon2id; undefined: cannot sign in yet. */
  readonly passwordHash: string | undefined
}

/** @returns undefined when the address has a user already */
export async function createUser(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  who: string,
  user: NewUser,
): Promise<StoredUser | undefined> {
  const id = newId('usr')
  const row = await sql.one<StoredUser>({
    name: 'create-user',
    text: `insert into api_user (id, email, name, role, account_id, password, created_by)
           values ($1, $2, $3, $4, $5, $6, $7) on conflict (email) do nothing returning ${COLUMNS}`,
    values: [
      id,
      user.email,
      user.name,
      user.role,
      user.accountId,
      user.passwordHash === undefined ? null : vault.seal(SECRET_CONTEXT.user(id), user.passwordHash),
      who,
    ],
  })
  if (row === undefined) return undefined
  await recordRevision(sql, { who, scope: 'user', target: id, what: 'created', after: shown(row) })
  return row
}

/** What of a user stands in revisions. */
function shown({ email, name, role, accountId, disabled }: StoredUser): Readonly<Record<string, unknown>> {
  return { email, name, role, accountId, disabled }
}

export async function findUser(
  sql: Pick<Sql, 'one'>,
  reach: readonly string[] | null,
  id: string,
): Promise<StoredUser | undefined> {
  return sql.one<StoredUser>({
    name: 'find-user',
    text: `select ${COLUMNS} from api_user where id = $2 and ($1::text[] is null or account_id = any($1))`,
    values: [reach, id],
  })
}

/** What a sign-in needs; the hash is opened only here. */
export async function findLogin(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  email: string,
): Promise<{ readonly user: StoredUser; readonly passwordHash: string } | undefined> {
  const row = await sql.one<StoredUser & { readonly password: Buffer | null }>({
    name: 'find-login',
    text: `select ${COLUMNS}, password from api_user where email = $1 and not disabled`,
    values: [email],
  })
  if (row === undefined || row.password === null) return undefined
  const { password, ...user } = row
  return { user, passwordHash: vault.open(SECRET_CONTEXT.user(user.id), password) }
}

export async function recordLogin(sql: Pick<Sql, 'run'>, userId: string): Promise<void> {
  await sql.run({
    name: 'user-login',
    text: 'update api_user set last_login_at = now() where id = $1',
    values: [userId],
  })
}

export const USER_SORT = {
  email: { expression: 'email', type: 'text' },
  name: { expression: 'name', type: 'text' },
  createdAt: { expression: 'created_at', type: 'timestamptz' },
} as const satisfies Readonly<Record<string, SortColumn>>

/** @returns undefined when `after` is no mark of this list */
export async function listUsers(
  sql: Pick<Sql, 'query'>,
  reach: readonly string[] | null,
  page: PageRequest & { readonly q?: string | undefined; readonly role?: UserRole | undefined },
): Promise<readonly (StoredUser & { readonly sortMark: string })[] | undefined> {
  const order = orderOf(USER_SORT, 'id', page, 4)
  if (order === undefined) return undefined
  return sql.query({
    name: `list-users-${order.name}`,
    text: `select ${COLUMNS}, ${order.mark} as "sortMark" from api_user
            where ($1::text[] is null or account_id = any($1))
              and ($2::text is null or position(lower($2) in lower(email || ' ' || name)) > 0)
              and ($3::text is null or role = $3) and ${order.where} ${order.orderBy} limit $6`,
    values: [reach, page.q ?? null, page.role ?? null, ...order.values, page.limit],
  })
}

export interface UserChange {
  readonly name?: string
  readonly role?: UserRole
  /** undefined: as it was. */
  readonly accountId?: string | null
  readonly disabled?: boolean
  readonly passwordHash?: string
}

/** So that two demotions at once cannot leave the platform without an owner. */
const OWNER_LOCK = 727_004

/** A new password ends the sessions; another role or account, or a disablement, every token of this person. */
export async function changeUser(
  sql: Pick<Sql, 'one' | 'run'>,
  vault: Vault,
  who: string,
  id: string,
  change: UserChange,
): Promise<StoredUser | 'last-owner' | undefined> {
  await lockOwners(sql)
  const before = await findUser(sql, null, id)
  if (before === undefined) return undefined
  const after = {
    ...before,
    ...change,
    accountId: change.accountId === undefined ? before.accountId : change.accountId,
  }
  if (isOwner(before) && !isOwner(after) && (await isLastOwner(sql, id))) return 'last-owner'
  const row = await sql.one<StoredUser>({
    name: 'change-user',
    text: `update api_user set name = $2, role = $3, account_id = $4, disabled = $5, password = coalesce($6, password)
            where id = $1 returning ${COLUMNS}`,
    values: [
      id,
      after.name,
      after.role,
      after.accountId,
      after.disabled,
      change.passwordHash === undefined ? null : vault.seal(SECRET_CONTEXT.user(id), change.passwordHash),
    ],
  })
  if (row === undefined) return undefined
  const lessTrusted = row.disabled || row.role !== before.role || row.accountId !== before.accountId
  if (lessTrusted) await revokeTokensOf(sql, id, 'all')
  else if (change.passwordHash !== undefined) await revokeTokensOf(sql, id, 'sessions')
  const what = change.passwordHash === undefined ? 'changed' : 'changed, with a new password'
  await recordRevision(sql, { who, scope: 'user', target: id, what, before: shown(before), after: shown(row) })
  return row
}

/** With all tokens of this person. */
export async function deleteUser(
  sql: Pick<Sql, 'one' | 'run'>,
  who: string,
  id: string,
): Promise<'deleted' | 'last-owner' | undefined> {
  await lockOwners(sql)
  const before = await findUser(sql, null, id)
  if (before === undefined) return undefined
  if (isOwner(before) && (await isLastOwner(sql, id))) return 'last-owner'
  // The revision first: it looks up whose the user was.
  await recordRevision(sql, { who, scope: 'user', target: id, what: 'deleted', before: shown(before) })
  await sql.run({ name: 'delete-user', text: 'delete from api_user where id = $1', values: [id] })
  return 'deleted'
}

async function lockOwners(sql: Pick<Sql, 'one'>): Promise<void> {
  await sql.one({ name: 'lock-owners', text: 'select pg_advisory_xact_lock($1)', values: [OWNER_LOCK] })
}

function isOwner(user: Pick<StoredUser, 'role' | 'disabled' | 'accountId'>): boolean {
  return user.role === 'owner' && !user.disabled && user.accountId === null
}

async function isLastOwner(sql: Pick<Sql, 'one'>, id: string): Promise<boolean> {
  const row = await sql.one<{ others: boolean }>({
    name: 'other-owners',
    text: `select exists (select 1 from api_user
                           where role = 'owner' and not disabled and account_id is null and id <> $1) as others`,
    values: [id],
  })
  return row?.others !== true
}
