/** Accounts, their lines, codes and enrolment windows: what an operator makes before a phone comes. */
import type { AccountSettings } from '../devices/mod.ts'
import { isUniqueViolation } from '../database/mod.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import { announce, announceCode, announceCustomer } from './changes.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { hashOfToken, newCode, newId, SECRET_CONTEXT, type Vault } from './vault.ts'

export interface StoredAccount {
  readonly id: string
  readonly name: string
  readonly customerId: string
  readonly kind: 'operator' | 'reseller' | 'customer'
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

/** @returns `taken` when another account has this Customer ID */
export async function createAccount(
  sql: Sql,
  who: string,
  account: NewAccount,
): Promise<Result<StoredAccount, 'taken'>> {
  const row = await sql.one<StoredAccount>({
    name: 'create-account',
    text: `insert into account (id, parent_id, kind, name, customer_id, settings) values ($1, $2, $3, $4, $5, $6)
           on conflict (customer_id) do nothing returning ${ACCOUNT_COLUMNS}`,
    values: [newId('acc'), account.parentId ?? null, account.kind, account.name, account.customerId, account.settings],
  })
  if (row === undefined) return err('taken')
  await recordRevision(sql, { who, scope: 'account', target: row.id, what: 'created', after: { name: row.name } })
  await announce(sql, { kind: 'customer', customerId: row.customerId })
  return ok(row)
}

export async function findAccount(sql: Pick<Sql, 'one'>, id: string): Promise<StoredAccount | undefined> {
  return sql.one<StoredAccount>({
    name: 'find-account',
    text: `select ${ACCOUNT_COLUMNS} from account where id = $1`,
    values: [id],
  })
}

export interface Page {
  readonly limit: number
  readonly after: string | undefined
}

/** In the order of ids; `after` is the last id of the page before. */
export async function listAccounts(sql: Pick<Sql, 'query'>, page: Page): Promise<readonly StoredAccount[]> {
  return sql.query<StoredAccount>({
    name: 'list-accounts',
    text: `select ${ACCOUNT_COLUMNS} from account where $1::text is null or id > $1 order by id limit $2`,
    values: [page.after ?? null, page.limit],
  })
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

export interface StoredLine {
  readonly id: string
  readonly accountId: string
  readonly userId: string
  readonly displayName: string
  readonly domain: string
  readonly authId: string | null
  readonly outboundProxy: string | null
  readonly transport: string | null
  readonly mac: string | null
  readonly index: number | null
}

const LINE_COLUMNS = `id, account_id as "accountId", user_id as "userId", display_name as "displayName", domain,
  auth_id as "authId", outbound_proxy as "outboundProxy", transport, device_mac as mac, line_index as index`

export interface NewLine {
  readonly accountId: string
  readonly userId: string
  readonly password: string
  readonly displayName: string
  readonly domain: string
  readonly authId: string | undefined
  readonly outboundProxy: string | undefined
  readonly transport: 'UDP' | 'TCP' | 'TLS' | 'AUTO' | undefined
}

/** @returns `taken` when the account has this user at the domain already */
export async function createLine(
  sql: Sql,
  vault: Vault,
  who: string,
  line: NewLine,
): Promise<Result<StoredLine, 'taken'>> {
  const id = newId('line')
  const row = await sql.one<StoredLine>({
    name: 'create-line',
    text: `insert into line (id, account_id, user_id, display_name, domain, auth_id, outbound_proxy, transport, password)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           on conflict (account_id, domain, user_id) do nothing returning ${LINE_COLUMNS}`,
    values: [
      id,
      line.accountId,
      line.userId,
      line.displayName,
      line.domain,
      line.authId ?? null,
      line.outboundProxy ?? null,
      line.transport ?? null,
      vault.seal(SECRET_CONTEXT.line(id), line.password),
    ],
  })
  if (row === undefined) return err('taken')
  await recordRevision(sql, { who, scope: 'line', target: id, what: 'created', after: { userId: line.userId } })
  return ok(row)
}

export async function listLines(sql: Pick<Sql, 'query'>, accountId: string): Promise<readonly StoredLine[]> {
  return sql.query<StoredLine>({
    name: 'list-lines',
    text: `select ${LINE_COLUMNS} from line where account_id = $1 order by created_order limit 10000`,
    values: [accountId],
  })
}

/** The password of a line, for whoever feeds the registrar. */
export async function revealLinePassword(sql: Pick<Sql, 'one'>, vault: Vault, id: string): Promise<string | undefined> {
  const row = await sql.one<{ password: Buffer }>({
    name: 'line-password',
    text: 'select password from line where id = $1',
    values: [id],
  })
  return row === undefined ? undefined : vault.open(SECRET_CONTEXT.line(id), row.password)
}

export interface StoredCode {
  readonly id: string
  readonly accountId: string
  readonly devices: number
  readonly lineIds: readonly string[]
  readonly expiresAt: Date
}

export interface NewCode {
  readonly accountId: string
  readonly ttlSeconds: number
  readonly devices: number
  readonly lineIds: readonly string[]
}

/** @returns the code itself, told once and never again, beside its row */
export async function createCode(
  sql: Sql,
  who: string,
  code: NewCode,
): Promise<StoredCode & { readonly code: string }> {
  const text = newCode()
  const hash = hashOfToken(text)
  const row = await sql.one<StoredCode>({
    name: 'create-code',
    text: `insert into code (id, hash, account_id, line_ids, devices, expires_at, created_by)
           values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), $7)
           returning id, account_id as "accountId", devices, line_ids as "lineIds", expires_at as "expiresAt"`,
    values: [newId('code'), hash, code.accountId, [...code.lineIds], code.devices, code.ttlSeconds, who],
  })
  if (row === undefined) throw new Error('Cannot store a code')
  await recordRevision(sql, {
    who,
    scope: 'code',
    target: row.id,
    what: 'created',
    after: { accountId: code.accountId },
  })
  await announce(sql, { kind: 'code', hash: hash.toString('hex'), until: row.expiresAt.getTime() })
  return { ...row, code: text }
}

/** @returns whether the account had such a code in force */
export async function revokeCode(sql: Sql, who: string, accountId: string, id: string): Promise<boolean> {
  const changed = await sql.run({
    name: 'revoke-code',
    text: 'update code set revoked_at = now() where id = $1 and account_id = $2 and revoked_at is null',
    values: [id, accountId],
  })
  if (changed === 0) return false
  await recordRevision(sql, { who, scope: 'code', target: id, what: 'revoked' })
  await announceCode(sql, id)
  return true
}

export interface StoredWindow {
  readonly id: string
  readonly accountId: string
  readonly until: Date
  readonly left: number
}

export async function openWindow(
  sql: Sql,
  who: string,
  window: {
    readonly accountId: string
    readonly seconds: number
    readonly devices: number
    readonly openedFrom: string
  },
): Promise<StoredWindow> {
  const row = await sql.one<StoredWindow>({
    name: 'open-window',
    text: `insert into enrolment_window (id, account_id, opened_from, until, devices)
           values ($1, $2, $3, now() + make_interval(secs => $4), $5)
           returning id, account_id as "accountId", until, devices - used as left`,
    values: [newId('win'), window.accountId, window.openedFrom, window.seconds, window.devices],
  })
  if (row === undefined) throw new Error('Cannot store an enrolment window')
  await recordRevision(sql, {
    who,
    scope: 'window',
    target: row.id,
    what: 'opened',
    after: { devices: window.devices },
  })
  await announceCustomer(sql, row.accountId)
  return row
}

/** Whether an error says that a line is already another device's. */
export function isLineTaken(error: unknown): boolean {
  return isUniqueViolation(error)
}
