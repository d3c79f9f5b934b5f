/** One-time codes and enrolment windows: how phones come to an account. */
import { randomInt } from 'node:crypto'
import type { MacAddress } from '../../protocol/identity.ts'
import { assert, err, ok, type Result } from '../../protocol/result.ts'
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

/** Held by whoever makes a code of digits, or a Customer ID that could be one: a phone asks for both by the same path. */
const DIGITS_LOCK = 727_011

/** Before any row is locked, so that two cannot wait for each other. */
async function lockDigits(sql: Sql): Promise<void> {
  await sql.one({ name: 'lock-digits', text: 'select pg_advisory_xact_lock($1)', values: [DIGITS_LOCK] })
}

/** How long a code that is typed at a phone is good. */
export const KEYPAD_CODE_S = 15 * 60
/** Digits of such a code. */
export const KEYPAD_DIGITS = { min: 8, max: 10 } as const
/** Of one account at a time: as many phones as people can type at in a quarter of an hour. */
export const KEYPAD_CODES_MAX = 20
/**
 * Of all accounts, for any phone, of ten digits; one of nine counts as ten of them, one of eight as a hundred. So a guess
 * meets one with a chance of at most one in ten million, whatever people ask for (docs/security.md).
 */
export const KEYPAD_OPEN_CODES_MAX = 1000
/**
 * Of these, what those of fewer than ten digits may take together: one account that asks for the shortest leaves room for
 * the sheets of all others.
 */
export const KEYPAD_SHORT_CODES_MAX = 500
/** Digits that were drawn in vain, because such a code or Customer ID is there. */
const DRAWS_MAX = 10

export interface NewKeypadCode {
  readonly accountId: string
  readonly digits: number
  /** The only phone that may use it, one of the account; undefined: any one phone. */
  readonly mac: MacAddress | undefined
}

/** There are too many that can still be used; the first of them ends in so many seconds. */
export interface KeypadProblem {
  readonly kind: 'too-many'
  readonly of: 'account' | 'platform'
  readonly retryAfterSeconds: number
}

/**
 * A code of digits alone, for one phone, good for `KEYPAD_CODE_S`. No other code and no Customer ID is the same.
 * @param draw so many digits by chance
 * @returns the code itself, told once and never again, beside its row
 */
export async function createKeypadCode(
  sql: Sql,
  who: string,
  asked: NewKeypadCode,
  draw: (digits: number) => string = randomDigits,
): Promise<Result<StoredCode & { readonly code: string }, KeypadProblem>> {
  await lockDigits(sql)
  const problem = await keypadProblem(sql, asked)
  if (problem !== undefined) return err(problem)
  for (let count = 0; count < DRAWS_MAX; count++) {
    const code = draw(asked.digits)
    const row = await insertKeypadCode(sql, who, asked, code)
    if (row === undefined) continue
    const { accountId } = row
    const after = { accountId, ...(asked.mac === undefined ? {} : { mac: asked.mac }) }
    await recordRevision(sql, { who, scope: 'code', target: row.id, what: 'created', after })
    await announce(sql, { kind: 'code', hash: hashOfToken(code).toString('hex'), until: row.expiresAt.getTime() })
    return ok({ ...row, code })
  }
  throw new Error(`Cannot find a free code of ${asked.digits} digits in ${DRAWS_MAX} draws`)
}

/**
 * @param customerIds that somebody is about to make, in the same transaction and before it locks an account
 * @returns those that are a keypad code which may still be used; none of them becomes one until the transaction ends
 */
export async function liveKeypadCodes(sql: Sql, customerIds: readonly string[]): Promise<ReadonlySet<string>> {
  const { min, max } = KEYPAD_DIGITS
  const digits = customerIds.filter((text) => /^[0-9]+$/.test(text) && text.length >= min && text.length <= max)
  if (digits.length === 0) return new Set()
  await lockDigits(sql)
  const byHash = new Map(digits.map((text) => [hashOfToken(text).toString('hex'), text]))
  const rows = await sql.query<{ hash: string }>({
    name: 'live-keypad-codes-named',
    text: `select encode(hash, 'hex') as hash from code
            where hash = any (select decode(x, 'hex') from unnest($1::text[]) x)
              and expires_at > now() and revoked_at is null`,
    values: [[...byHash.keys()]],
  })
  return new Set(rows.flatMap(({ hash }) => byHash.get(hash) ?? []))
}

function randomDigits(digits: number): string {
  return Array.from({ length: digits }, () => randomInt(10)).join('')
}

async function keypadProblem(sql: Sql, asked: NewKeypadCode): Promise<KeypadProblem | undefined> {
  // One after the other for an account: what is counted is then what there is. A few too many of all do no harm.
  await sql.one({
    name: 'lock-account-of-code',
    text: 'select id from account where id = $1 for no key update',
    values: [asked.accountId],
  })
  const live = await sql.one<{ own: number; open: number; short: number; ownEnds: number; openEnds: number }>({
    name: 'live-keypad-codes',
    text: `select count(*) filter (where c.account_id = $1)::int as own,
                  coalesce(sum(power(10, $2::int - c.keypad_digits)) filter (where c.device_mac is null), 0)::int as open,
                  coalesce(sum(power(10, $2::int - c.keypad_digits))
                             filter (where c.device_mac is null and c.keypad_digits < $2), 0)::int as short,
                  coalesce(extract(epoch from min(c.expires_at) filter (where c.account_id = $1) - now()), 0)::float8
                    as "ownEnds",
                  coalesce(extract(epoch from min(c.expires_at) filter (where c.device_mac is null) - now()), 0)::float8
                    as "openEnds"
             from code c
            where c.keypad_digits is not null and c.expires_at > now() and c.revoked_at is null
              and not exists (select from code_use u where u.code_id = c.id)`,
    values: [asked.accountId, KEYPAD_DIGITS.max],
  })
  assert(live !== undefined, 'a count has a row')
  if (live.own >= KEYPAD_CODES_MAX) return tooMany('account', live.ownEnds)
  const weight = 10 ** (KEYPAD_DIGITS.max - asked.digits)
  const full =
    live.open + weight > KEYPAD_OPEN_CODES_MAX || (weight > 1 && live.short + weight > KEYPAD_SHORT_CODES_MAX)
  if (asked.mac === undefined && full) return tooMany('platform', live.openEnds)
  return undefined
}

function tooMany(of: KeypadProblem['of'], seconds: number): KeypadProblem {
  return { kind: 'too-many', of, retryAfterSeconds: Math.max(1, Math.ceil(seconds)) }
}

/** @returns undefined: such a code or Customer ID is there */
async function insertKeypadCode(
  sql: Sql,
  who: string,
  { accountId, digits, mac }: NewKeypadCode,
  code: string,
): Promise<StoredCode | undefined> {
  return sql.one<StoredCode>({
    name: 'create-keypad-code',
    text: `insert into code (id, hash, account_id, devices, expires_at, created_by, keypad_digits, device_mac)
           select $1, $2, $3, 1, now() + make_interval(secs => $4), $5, $8, $6
            where not exists (select from account where customer_id = $7)
           on conflict (hash) do nothing
           returning id, account_id as "accountId", devices, line_ids as "lineIds", expires_at as "expiresAt"`,
    values: [newId('code'), hashOfToken(code), accountId, KEYPAD_CODE_S, who, mac ?? null, code, digits],
  })
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
  /** Of digits, to be typed at a phone. */
  readonly keypad: boolean
  /** The only phone that may use it; null: any. */
  readonly mac: string | null
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
                  c.keypad_digits is not null as keypad, c.device_mac as mac,
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
