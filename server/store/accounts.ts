/** Accounts as a tree: operator, resellers, customers and their sites. */
import { type AccountKind, treeProblem, type TreeProblem } from '../accounts/mod.ts'
import type { AccountSettings } from '../devices/mod.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import { announce } from './changes.ts'
import { liveKeypadCodes } from './codes.ts'
import { orderOf, type PageRequest, type SortColumn } from './paging.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { newId } from './vault.ts'

export interface StoredAccount {
  readonly id: string
  readonly name: string
  readonly customerId: string
  readonly kind: AccountKind
  readonly parentId: string | null
  readonly settings: Partial<AccountSettings>
  readonly createdAt: Date
}

const ACCOUNT_COLUMNS = `id, name, customer_id as "customerId", kind, parent_id as "parentId", settings, created_at as "createdAt"`

export interface NewAccount {
  readonly name: string
  readonly customerId: string
  readonly kind: StoredAccount['kind']
  readonly parentId: string | undefined
  readonly settings: Partial<AccountSettings>
}

/** Why an account cannot be made or moved there. */
export type AccountProblem = { readonly kind: 'taken' } | { readonly kind: 'no-parent' } | TreeProblem

/** @returns `taken` when another account has this Customer ID, or it is a code that may still be typed at a phone */
export async function createAccount(
  sql: Sql,
  who: string,
  account: NewAccount,
): Promise<Result<StoredAccount, AccountProblem>> {
  const place = await placeProblem(sql, undefined, account.kind, account.parentId)
  if (place !== undefined) return err(place)
  if ((await liveKeypadCodes(sql, [account.customerId])).size > 0) return err({ kind: 'taken' })
  const row = await sql.one<StoredAccount>({
    name: 'create-account',
    text: `insert into account (id, parent_id, kind, name, customer_id, settings) values ($1, $2, $3, $4, $5, $6)
           on conflict (customer_id) do nothing returning ${ACCOUNT_COLUMNS}`,
    values: [newId('acc'), account.parentId ?? null, account.kind, account.name, account.customerId, account.settings],
  })
  if (row === undefined) return err({ kind: 'taken' })
  await recordRevision(sql, { who, scope: 'account', target: row.id, what: 'created', after: { name: row.name } })
  await announce(sql, { kind: 'customer', customerId: row.customerId })
  return ok(row)
}

/** Held by whoever changes the shape of the tree: two moves at once could make a circle. */
const TREE_LOCK = 727_003

async function placeProblem(
  sql: Sql,
  id: string | undefined,
  kind: AccountKind,
  parentId: string | undefined,
): Promise<AccountProblem | undefined> {
  if (parentId === undefined) return undefined
  await sql.one({ name: 'lock-account-tree', text: 'select pg_advisory_xact_lock($1)', values: [TREE_LOCK] })
  const path = await pathOf(sql, parentId)
  const parent = path[0]
  if (parent === undefined) return { kind: 'no-parent' }
  const height = id === undefined ? 1 : await heightOf(sql, id)
  const ids = path.map((each) => each.id).toReversed()
  return treeProblem(id, { kind, height, parent: { kind: parent.kind, path: ids } })
}

/** More levels than a tree may have, so that a walk ends whatever is stored. */
const WALK_MAX = 32

/** The account and those above it, itself first. */
async function pathOf(
  sql: Pick<Sql, 'query'>,
  id: string,
): Promise<readonly { readonly id: string; readonly kind: AccountKind }[]> {
  return sql.query({
    name: 'account-path',
    text: `
with recursive above (id, kind, parent_id, depth) as (
  select id, kind, parent_id, 0 from account where id = $1
  union all
  select a.id, a.kind, a.parent_id, b.depth + 1 from account a join above b on a.id = b.parent_id where b.depth < $2
) select id, kind from above order by depth`,
    values: [id, WALK_MAX],
  })
}

async function heightOf(sql: Pick<Sql, 'one'>, id: string): Promise<number> {
  const row = await sql.one<{ height: number }>({
    name: 'account-height',
    text: `
with recursive below (id, depth) as (
  select $1::text, 1
  union all
  select a.id, b.depth + 1 from account a join below b on a.parent_id = b.id where b.depth < $2
) select max(depth) as height from below`,
    values: [id, WALK_MAX],
  })
  return row?.height ?? 1
}

export async function findAccount(sql: Pick<Sql, 'one'>, id: string): Promise<StoredAccount | undefined> {
  return sql.one<StoredAccount>({
    name: 'find-account',
    text: `select ${ACCOUNT_COLUMNS} from account where id = $1`,
    values: [id],
  })
}

export interface AccountFilter extends PageRequest {
  /** null: every account. */
  readonly reach: readonly string[] | null
  readonly parentId: string | undefined
  readonly kind: AccountKind | undefined
  /** Part of the name or of the Customer ID, in any case. */
  readonly q: string | undefined
}

export const ACCOUNT_SORTS = {
  id: { expression: 'id', type: 'text' },
  name: { expression: 'lower(name)', type: 'text' },
  customerId: { expression: 'customer_id', type: 'text' },
  createdAt: { expression: 'created_at', type: 'timestamptz' },
} as const satisfies Record<string, SortColumn>

/** @returns undefined when `after` is no mark of this list */
export async function listAccounts(
  sql: Pick<Sql, 'query'>,
  filter: AccountFilter,
): Promise<readonly (StoredAccount & { readonly sortMark: string })[] | undefined> {
  const order = orderOf(ACCOUNT_SORTS, 'id', filter, 5)
  if (order === undefined) return undefined
  return sql.query({
    name: `list-accounts-${order.name}`,
    text: `select ${ACCOUNT_COLUMNS}, ${order.mark} as "sortMark" from account
            where ($1::text[] is null or id = any ($1)) and ($2::text is null or parent_id = $2)
              and ($3::text is null or kind = $3)
              and ($4::text is null or strpos(lower(name), lower($4)) > 0 or strpos(lower(customer_id), lower($4)) > 0)
              and ${order.where} ${order.orderBy} limit $7`,
    values: [
      filter.reach === null ? null : [...filter.reach],
      filter.parentId ?? null,
      filter.kind ?? null,
      filter.q ?? null,
      ...order.values,
      filter.limit,
    ],
  })
}

/** Accounts of one tree that are shown at once. */
export const TREE_ACCOUNTS_MAX = 10_000

export interface TreeRow extends StoredAccount {
  readonly deviceCount: number
  readonly lineCount: number
}

/** An account and all below it, parents before their children. */
export async function accountTree(sql: Pick<Sql, 'query'>, id: string): Promise<readonly TreeRow[]> {
  return sql.query<TreeRow>({
    name: 'account-tree',
    text: `
with recursive below (id, depth) as (
  select id, 0 from account where id = $1
  union all
  select a.id, b.depth + 1 from account a join below b on a.parent_id = b.id where b.depth < $2
)
select a.id, a.name, a.customer_id as "customerId", a.kind, a.parent_id as "parentId", a.settings,
       a.created_at as "createdAt",
       (select count(*) from device d where d.account_id = a.id) as "deviceCount",
       (select count(*) from line l where l.account_id = a.id) as "lineCount"
  from below b join account a on a.id = b.id order by b.depth, lower(a.name), a.id limit $3`,
    values: [id, WALK_MAX, TREE_ACCOUNTS_MAX],
  })
}

export interface AccountPatch {
  readonly name?: string
  readonly customerId?: string
  /** null: to the root. */
  readonly parentId?: string | null
}

/** @returns undefined when there is no such account */
export async function updateAccount(
  sql: Sql,
  who: string,
  id: string,
  patch: AccountPatch,
): Promise<Result<StoredAccount, AccountProblem> | undefined> {
  const before = await findAccount(sql, id)
  if (before === undefined) return undefined
  const parentId = patch.parentId === undefined ? before.parentId : patch.parentId
  if (parentId !== before.parentId) {
    const place = await placeProblem(sql, id, before.kind, parentId ?? undefined)
    if (place !== undefined) return err(place)
  }
  const after = { name: patch.name ?? before.name, customerId: patch.customerId ?? before.customerId, parentId }
  if (after.customerId !== before.customerId && (await customerIdTaken(sql, after.customerId))) {
    return err({ kind: 'taken' })
  }
  const row = await sql.one<StoredAccount>({
    name: 'update-account',
    text: `update account set name = $2, customer_id = $3, parent_id = $4 where id = $1 returning ${ACCOUNT_COLUMNS}`,
    values: [id, after.name, after.customerId, after.parentId],
  })
  if (row === undefined) return undefined
  const { name, customerId } = before
  await recordRevision(sql, {
    who,
    scope: 'account',
    target: id,
    what: 'changed',
    before: { name, customerId, parentId: before.parentId },
    after,
  })
  // Names and Customer ID may stand in profiles, and layers come down from the accounts above.
  await announce(sql, { kind: 'many' })
  await announce(sql, { kind: 'customer', customerId: row.customerId })
  return ok(row)
}

async function customerIdTaken(sql: Sql, customerId: string): Promise<boolean> {
  if ((await liveKeypadCodes(sql, [customerId])).size > 0) return true
  const row = await sql.one({
    name: 'customer-id-taken',
    text: 'select id from account where customer_id = $1',
    values: [customerId],
  })
  return row !== undefined
}

/** Settings that are named are changed, others stay. */
export async function changeAccountSettings(
  sql: Sql,
  who: string,
  id: string,
  settings: Partial<AccountSettings>,
): Promise<StoredAccount | undefined> {
  const before = await findAccount(sql, id)
  if (before === undefined) return undefined
  await recordRevision(sql, {
    who,
    scope: 'account',
    target: id,
    what: 'settings',
    before: before.settings,
    after: settings,
  })
  await announce(sql, { kind: 'many' })
  return sql.one<StoredAccount>({
    name: 'change-account-settings',
    text: `update account set settings = settings || $2 where id = $1 returning ${ACCOUNT_COLUMNS}`,
    values: [id, settings],
  })
}

/** What an account still has; all 0 for one that may be deleted. */
export interface AccountContents {
  readonly accounts: number
  readonly devices: number
  readonly lines: number
  readonly batches: number
  readonly tokens: number
}

export async function accountContents(sql: Pick<Sql, 'one'>, id: string): Promise<AccountContents> {
  const row = await sql.one<AccountContents>({
    name: 'account-contents',
    text: `select (select count(*) from account where parent_id = $1) as accounts,
                  (select count(*) from device where account_id = $1 or held_account_id = $1) as devices,
                  (select count(*) from line where account_id = $1) as lines,
                  (select count(*) from batch where account_id = $1) as batches,
                  (select count(*) from token where account_id = $1 and revoked_at is null
                      and (expires_at is null or expires_at > now())) as tokens`,
    values: [id],
  })
  return row ?? { accounts: 0, devices: 0, lines: 0, batches: 0, tokens: 0 }
}

/** What goes with an account; everything else has to be gone before. */
const GOES_ALONG: Readonly<Record<string, string>> = {
  'drop-account-code-uses': 'delete from code_use where code_id in (select id from code where account_id = $1)',
  'drop-account-codes': 'delete from code where account_id = $1',
  'drop-account-windows': 'delete from enrolment_window where account_id = $1',
  'drop-account-layer': `delete from layer where scope = 'account' and id = $1`,
  'drop-account-draft': `delete from layer_draft where scope = 'account' and id = $1`,
  'drop-account-features': 'delete from feature where account_id = $1',
  // Only tokens that are over: they open nothing.
  'drop-account-tokens': 'delete from token where account_id = $1',
}

/**
 * Deletes an empty account with its codes, windows and layer. The caller asked `accountContents` in the same
 * transaction. Throws a foreign-key violation when something else still names the account.
 */
export async function deleteAccount(sql: Sql, who: string, account: StoredAccount): Promise<void> {
  for (const [name, text] of Object.entries(GOES_ALONG)) await sql.run({ name, text, values: [account.id] })
  await sql.run({ name: 'delete-account', text: 'delete from account where id = $1', values: [account.id] })
  const { name, customerId, kind, parentId } = account
  await recordRevision(sql, {
    who,
    scope: 'account',
    target: account.id,
    what: 'deleted',
    before: { name, customerId, kind, parentId },
  })
  await announce(sql, { kind: 'many' })
}
