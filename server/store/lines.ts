/** SIP lines of accounts: made, changed, given to phones and taken away. */
import type { MacAddress } from '../../protocol/identity.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import { announce } from './changes.ts'
import { recordEvent } from './events.ts'
import { orderOf, type PageRequest, type SortColumn } from './paging.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { newId, newPassword, SECRET_CONTEXT, type Vault } from './vault.ts'

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
  /** Counts up with each new password. */
  readonly passwordGeneration: number
}

const LINE_COLUMNS = `id, account_id as "accountId", user_id as "userId", display_name as "displayName", domain,
  auth_id as "authId", outbound_proxy as "outboundProxy", transport, device_mac as mac, line_index as index,
  password_generation as "passwordGeneration"`

export type LineTransport = 'UDP' | 'TCP' | 'TLS' | 'AUTO'

export interface NewLine {
  readonly accountId: string
  readonly userId: string
  readonly password: string
  readonly displayName: string
  readonly domain: string
  readonly authId: string | undefined
  readonly outboundProxy: string | undefined
  readonly transport: LineTransport | undefined
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

/** All lines of one account in the order of their making, as far as they can be shown at once. */
export async function listLines(sql: Pick<Sql, 'query'>, accountId: string): Promise<readonly StoredLine[]> {
  return sql.query<StoredLine>({
    name: 'list-lines',
    text: `select ${LINE_COLUMNS} from line where account_id = $1 order by created_order limit 10000`,
    values: [accountId],
  })
}

/** The lines with these ids, of whatever account, in the order of the ids. */
export async function linesNamed(sql: Pick<Sql, 'query'>, ids: readonly string[]): Promise<readonly StoredLine[]> {
  return sql.query<StoredLine>({
    name: 'lines-named',
    text: `select ${LINE_COLUMNS} from line where id = any ($1) order by array_position($1, id)`,
    values: [[...ids]],
  })
}

export async function linesOfDevices(
  sql: Pick<Sql, 'query'>,
  macs: readonly string[],
): Promise<readonly (StoredLine & { readonly mac: string; readonly index: number })[]> {
  return sql.query({
    name: 'lines-of-devices',
    text: `select ${LINE_COLUMNS} from line where device_mac = any ($1) order by device_mac, line_index`,
    values: [[...macs]],
  })
}

export interface LineFilter extends PageRequest {
  /** null: every account. */
  readonly reach: readonly string[] | null
  readonly accountId: string | undefined
  readonly domain: string | undefined
  /** Part of the user, the display name or the authentication name, in any case. */
  readonly q: string | undefined
  /** Only lines on a phone, or only lines that are free. */
  readonly assigned: boolean | undefined
}

export const LINE_SORTS = {
  createdAt: { expression: 'created_order', type: 'bigint' },
  userId: { expression: 'user_id', type: 'text' },
  domain: { expression: 'domain', type: 'text' },
  displayName: { expression: 'lower(display_name)', type: 'text' },
} as const satisfies Record<string, SortColumn>

/** @returns undefined when `after` is no mark of this list */
export async function searchLines(
  sql: Pick<Sql, 'query'>,
  filter: LineFilter,
): Promise<readonly (StoredLine & { readonly sortMark: string })[] | undefined> {
  const order = orderOf(LINE_SORTS, 'id', filter, 6)
  if (order === undefined) return undefined
  return sql.query({
    name: `search-lines-${order.name}`,
    text: `select ${LINE_COLUMNS}, ${order.mark} as "sortMark" from line
            where ($1::text[] is null or account_id = any ($1)) and ($2::text is null or account_id = $2)
              and ($3::text is null or domain = $3)
              and ($4::text is null or strpos(lower(user_id), lower($4)) > 0
                   or strpos(lower(display_name), lower($4)) > 0 or strpos(lower(coalesce(auth_id, '')), lower($4)) > 0)
              and ($5::boolean is null or (device_mac is not null) = $5)
              and ${order.where} ${order.orderBy} limit $8`,
    values: [
      filter.reach === null ? null : [...filter.reach],
      filter.accountId ?? null,
      filter.domain ?? null,
      filter.q ?? null,
      filter.assigned ?? null,
      ...order.values,
      filter.limit,
    ],
  })
}

export async function findLine(sql: Pick<Sql, 'one'>, id: string): Promise<StoredLine | undefined> {
  return sql.one<StoredLine>({
    name: 'find-line',
    text: `select ${LINE_COLUMNS} from line where id = $1`,
    values: [id],
  })
}

async function lockLine(sql: Pick<Sql, 'one'>, id: string): Promise<StoredLine | undefined> {
  return sql.one<StoredLine>({
    name: 'lock-line',
    text: `select ${LINE_COLUMNS} from line where id = $1 for update`,
    values: [id],
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

/** What is named is changed; null takes a value away. */
export interface LinePatch {
  readonly userId?: string
  readonly displayName?: string
  readonly domain?: string
  readonly authId?: string | null
  readonly outboundProxy?: string | null
  readonly transport?: LineTransport | null
  /** A new generation of the password. */
  readonly password?: string
}

/** @returns undefined when there is no such line; `taken` when the account has this user at the domain already */
export async function updateLine(
  sql: Sql,
  vault: Vault,
  who: string,
  id: string,
  patch: LinePatch,
): Promise<Result<StoredLine, 'taken'> | undefined> {
  const before = await lockLine(sql, id)
  if (before === undefined) return undefined
  const { password, ...named } = patch
  const after = { ...before, ...named }
  if (await isTaken(sql, after)) return err('taken')
  await sql.run({
    name: 'update-line',
    text: `update line set user_id = $2, display_name = $3, domain = $4, auth_id = $5, outbound_proxy = $6,
             transport = $7 where id = $1`,
    values: [id, after.userId, after.displayName, after.domain, after.authId, after.outboundProxy, after.transport],
  })
  if (password !== undefined) await putPassword(sql, vault, id, password)
  await recordRevision(sql, {
    who,
    scope: 'line',
    target: id,
    what: 'changed',
    before: shownIn(before),
    after: { ...shownIn(after), ...(password === undefined ? {} : { password: 'changed' }) },
  })
  await announcePhone(sql, before.mac)
  const row = await findLine(sql, id)
  return row === undefined ? undefined : ok(row)
}

function shownIn(line: StoredLine): Readonly<Record<string, unknown>> {
  const { userId, displayName, domain, authId, outboundProxy, transport } = line
  return { userId, displayName, domain, authId, outboundProxy, transport }
}

async function isTaken(sql: Pick<Sql, 'one'>, line: StoredLine): Promise<boolean> {
  const row = await sql.one({
    name: 'line-taken',
    text: 'select id from line where account_id = $1 and domain = $2 and user_id = $3 and id <> $4',
    values: [line.accountId, line.domain, line.userId, line.id],
  })
  return row !== undefined
}

async function putPassword(sql: Pick<Sql, 'run'>, vault: Vault, id: string, password: string): Promise<void> {
  await sql.run({
    name: 'put-line-password',
    text: 'update line set password = $2, password_generation = password_generation + 1 where id = $1',
    values: [id, vault.seal(SECRET_CONTEXT.line(id), password)],
  })
}

/** @returns the line as it was; undefined when there was none */
export async function deleteLine(sql: Sql, who: string, id: string): Promise<StoredLine | undefined> {
  const before = await lockLine(sql, id)
  if (before === undefined) return undefined
  await recordRevision(sql, {
    who,
    scope: 'line',
    target: id,
    what: 'deleted',
    before: { ...shownIn(before), accountId: before.accountId, mac: before.mac, index: before.index },
  })
  await sql.run({ name: 'delete-line', text: 'delete from line where id = $1', values: [id] })
  await announcePhone(sql, before.mac)
  return before
}

export type AssignProblem =
  | { readonly kind: 'no-line' }
  /** The phone is not one of the line's account. */
  | { readonly kind: 'foreign-device' }
  | { readonly kind: 'line-in-use'; readonly mac: string }
  | { readonly kind: 'index-in-use'; readonly index: number; readonly by: StoredLine }
  | { readonly kind: 'no-such-index'; readonly most: number }

/**
 * Puts a line on a phone of its account.
 * @param place `index` from 1, undefined: the first that is free; `most`: extensions of the model
 */
export async function assignLine(
  sql: Sql,
  who: string,
  id: string,
  place: { readonly mac: MacAddress; readonly index: number | undefined; readonly most: number },
): Promise<Result<StoredLine, AssignProblem>> {
  const device = await sql.one<{ account_id: string | null }>({
    name: 'lock-device-for-line',
    text: `select account_id from device where mac = $1 and state in ('known', 'bound') for update`,
    values: [place.mac],
  })
  const line = await lockLine(sql, id)
  if (line === undefined) return err({ kind: 'no-line' })
  if (device?.account_id !== line.accountId) return err({ kind: 'foreign-device' })
  if (line.mac !== null && line.mac !== place.mac) return err({ kind: 'line-in-use', mac: line.mac })
  const others = (await linesOfDevices(sql, [place.mac])).filter((each) => each.id !== id)
  const index = place.index ?? line.index ?? firstFreeIndex(others.map((each) => each.index))
  if (index > place.most) return err({ kind: 'no-such-index', most: place.most })
  const by = others.find((each) => each.index === index)
  if (by !== undefined) return err({ kind: 'index-in-use', index, by })
  await sql.run({
    name: 'put-line-on-phone',
    text: 'update line set device_mac = $2, line_index = $3 where id = $1',
    values: [id, place.mac, index],
  })
  await recordRevision(sql, { who, scope: 'line', target: id, what: 'assigned', after: { mac: place.mac, index } })
  await lineEvent(sql, 'line.assigned', place.mac, line, { index })
  await announcePhone(sql, place.mac)
  return ok({ ...line, mac: place.mac, index })
}

/** @returns the first place from 1 that no line has */
export function firstFreeIndex(taken: readonly number[]): number {
  let index = 1
  while (taken.includes(index)) index++
  return index
}

/**
 * Takes a line off its phone. With a new password a phone that does not come back cannot go on using it.
 * @returns undefined when there is no such line
 */
export async function unassignLine(
  sql: Sql,
  vault: Vault,
  who: string,
  id: string,
  how: { readonly rotatePassword: boolean },
): Promise<StoredLine | undefined> {
  const before = await lockLine(sql, id)
  if (before === undefined || before.mac === null) return before
  await sql.run({
    name: 'unassign-line',
    text: 'update line set device_mac = null, line_index = null where id = $1',
    values: [id],
  })
  if (how.rotatePassword) await putPassword(sql, vault, id, newPassword())
  const { mac, index } = before
  await recordRevision(sql, { who, scope: 'line', target: id, what: 'unassigned', before: { mac, index } })
  await lineEvent(sql, 'line.unassigned', mac, before, { newPassword: how.rotatePassword })
  await announcePhone(sql, mac)
  return findLine(sql, id)
}

async function lineEvent(
  sql: Sql,
  name: 'line.assigned' | 'line.unassigned',
  mac: string,
  line: StoredLine,
  data: Readonly<Record<string, string | number | boolean>>,
): Promise<void> {
  const { accountId, userId } = line
  await recordEvent(sql, { name, trust: 'operator', mac, accountId, data: { ...data, userId } })
}

async function announcePhone(sql: Sql, mac: string | null): Promise<void> {
  if (mac !== null) await announce(sql, { kind: 'device', mac: mac as MacAddress })
}
