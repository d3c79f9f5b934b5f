/** One-time codes and enrolment windows: how phones come to an account. */
import { announce, announceCode, announceCustomer } from './changes.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { hashOfToken, newCode, newId } from './vault.ts'

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

/** A code as it is listed: never the code itself. */
export interface ListedCode extends StoredCode {
  readonly usedBy: readonly string[]
  readonly state: 'open' | 'used' | 'expired' | 'revoked'
  readonly createdAt: Date
  readonly createdBy: string
}

export interface AccountPage {
  readonly accountId: string
  readonly limit: number
  readonly after: string | undefined
}

/** Newest first; `after` is the last id of the page before. */
export async function listCodes(sql: Pick<Sql, 'query'>, page: AccountPage): Promise<readonly ListedCode[]> {
  return sql.query<ListedCode>({
    name: 'list-codes',
    text: `select c.id, c.account_id as "accountId", c.devices, c.line_ids as "lineIds", c.expires_at as "expiresAt",
                  c.created_at as "createdAt", c.created_by as "createdBy", u.macs as "usedBy",
                  case when c.revoked_at is not null then 'revoked' when cardinality(u.macs) >= c.devices then 'used'
                       when c.expires_at <= now() then 'expired' else 'open' end as state
             from code c
             cross join lateral (select coalesce(array_agg(x.mac order by x.at), '{}') as macs
                                   from code_use x where x.code_id = c.id) u
            where c.account_id = $1
              and ($2::text is null or (c.created_at, c.id) < (select p.created_at, p.id from code p where p.id = $2))
            order by c.created_at desc, c.id desc limit $3`,
    values: [page.accountId, page.after ?? null, page.limit],
  })
}

export interface ListedWindow extends StoredWindow {
  /** The address of whoever opened it: phones behind the same one are theirs. */
  readonly openedFrom: string
  readonly openedAt: Date
  readonly devices: number
  readonly used: number
  readonly state: 'open' | 'full' | 'closed'
}

/** Newest first; `after` is the last id of the page before. */
export async function listWindows(sql: Pick<Sql, 'query'>, page: AccountPage): Promise<readonly ListedWindow[]> {
  return sql.query<ListedWindow>({
    name: 'list-windows',
    text: `select id, account_id as "accountId", opened_from as "openedFrom", opened_at as "openedAt", until, devices,
                  used, devices - used as left,
                  case when until <= now() then 'closed' when used >= devices then 'full' else 'open' end as state
             from enrolment_window w
            where account_id = $1
              and ($2::text is null
                   or (opened_at, id) < (select p.opened_at, p.id from enrolment_window p where p.id = $2))
            order by opened_at desc, id desc limit $3`,
    values: [page.accountId, page.after ?? null, page.limit],
  })
}

/** @returns whether the account had such a window open */
export async function closeWindow(sql: Sql, who: string, accountId: string, id: string): Promise<boolean> {
  const changed = await sql.run({
    name: 'close-window',
    text: 'update enrolment_window set until = now() where id = $1 and account_id = $2 and until > now()',
    values: [id, accountId],
  })
  if (changed === 0) return false
  await recordRevision(sql, { who, scope: 'window', target: id, what: 'closed' })
  await announceCustomer(sql, accountId)
  return true
}
