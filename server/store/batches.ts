/** Batches: phones that are prepared together for one customer, counted until they are shipped. */
import type { MacAddress } from '../../protocol/identity.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import type { DeviceState } from '../devices/mod.ts'
import { announce } from './changes.ts'
import { recordEvent } from './events.ts'
import { orderOf, type PageRequest, type SortColumn } from './paging.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import {
  boxesForLimited,
  STAGED_MAX,
  stagedBox,
  type StagingRow,
  stagingRows,
  type StagingView,
  unreadyOf,
} from './staging.ts'
import { newId } from './vault.ts'

/** Devices that are added or taken out by one request. */
export const BATCH_MACS_MAX = 10_000

export interface StoredBatch {
  readonly id: string
  readonly accountId: string
  readonly name: string
  /** Only phones of this model; null: any. */
  readonly model: string | null
  /** How many there will be. */
  readonly expected: number | null
  readonly state: 'open' | 'shipped'
  readonly createdBy: string
  readonly createdAt: Date
  readonly shippedAt: Date | null
  /** Its devices by state. */
  readonly progress: Readonly<Partial<Record<DeviceState, number>>>
}

const BATCH_COLUMNS = `b.id, b.account_id as "accountId", b.name, b.model, b.expected, b.state,
  b.created_by as "createdBy", b.created_at as "createdAt", b.shipped_at as "shippedAt",
  coalesce((select json_object_agg(x.state, x.total)
              from (select d.state, count(*) as total from device d where d.batch_id = b.id group by d.state) x),
           '{}') as progress`

export interface NewBatch {
  readonly accountId: string
  readonly name: string
  readonly model: string | undefined
  readonly expected: number | undefined
}

export async function createBatch(sql: Sql, who: string, batch: NewBatch): Promise<StoredBatch> {
  const id = newId('batch')
  await sql.run({
    name: 'create-batch',
    text: 'insert into batch (id, account_id, name, model, expected, created_by) values ($1, $2, $3, $4, $5, $6)',
    values: [id, batch.accountId, batch.name, batch.model ?? null, batch.expected ?? null, who],
  })
  await recordRevision(sql, { who, scope: 'batch', target: id, what: 'created', after: { ...batch } })
  const made = await findBatch(sql, id)
  if (made === undefined) throw new Error('Cannot store a batch')
  return made
}

export async function findBatch(sql: Pick<Sql, 'one'>, id: string): Promise<StoredBatch | undefined> {
  return sql.one<StoredBatch>({
    name: 'find-batch',
    text: `select ${BATCH_COLUMNS} from batch b where b.id = $1`,
    values: [id],
  })
}

export interface BatchFilter extends PageRequest {
  /** null: every account. */
  readonly reach: readonly string[] | null
  readonly accountId: string | undefined
  readonly state: StoredBatch['state'] | undefined
  readonly q: string | undefined
}

export const BATCH_SORTS = {
  createdAt: { expression: 'b.created_at', type: 'timestamptz' },
  name: { expression: 'lower(b.name)', type: 'text' },
} as const satisfies Record<string, SortColumn>

/** @returns undefined when `after` is no mark of this list */
export async function listBatches(
  sql: Pick<Sql, 'query'>,
  filter: BatchFilter,
): Promise<readonly (StoredBatch & { readonly sortMark: string })[] | undefined> {
  const order = orderOf(BATCH_SORTS, 'b.id', filter, 5)
  if (order === undefined) return undefined
  return sql.query({
    name: `list-batches-${order.name}`,
    text: `select ${BATCH_COLUMNS}, ${order.mark} as "sortMark" from batch b
            where ($1::text[] is null or b.account_id = any ($1)) and ($2::text is null or b.account_id = $2)
              and ($3::text is null or b.state = $3) and ($4::text is null or strpos(lower(b.name), lower($4)) > 0)
              and ${order.where} ${order.orderBy} limit $7`,
    values: [
      filter.reach === null ? null : [...filter.reach],
      filter.accountId ?? null,
      filter.state ?? null,
      filter.q ?? null,
      ...order.values,
      filter.limit,
    ],
  })
}

export type BatchProblem =
  | { readonly kind: 'no-batch' }
  | { readonly kind: 'shipped' }
  | { readonly kind: 'not-shipped' }
  | { readonly kind: 'not-empty'; readonly count: number }
  | { readonly kind: 'configured' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'unknown-devices'; readonly macs: readonly string[] }
  | { readonly kind: 'foreign-devices'; readonly macs: readonly string[] }
  | { readonly kind: 'other-model'; readonly macs: readonly string[]; readonly model: string }
  | { readonly kind: 'in-other-batch'; readonly macs: readonly string[] }
  | { readonly kind: 'unready-devices'; readonly macs: readonly string[] }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'not-ready'; readonly problems: readonly BoxProblem[] }

/** Why a box keeps its batch from being shipped; without a MAC: a box that nobody has scanned. */
export interface BoxProblem {
  readonly code: string
  readonly mac: MacAddress | undefined
  readonly message: string
}

async function lockBatch(sql: Sql, id: string): Promise<Result<StoredBatch, BatchProblem>> {
  await sql.one({ name: 'lock-batch-row', text: 'select id from batch where id = $1 for update', values: [id] })
  const batch = await findBatch(sql, id)
  return batch === undefined ? err({ kind: 'no-batch' }) : ok(batch)
}

/** Until the transaction ends nothing else comes in, goes out or ships. */
export async function lockOpenBatch(sql: Sql, id: string): Promise<Result<StoredBatch, BatchProblem>> {
  const batch = await lockBatch(sql, id)
  return batch.ok && batch.value.state === 'shipped' ? err({ kind: 'shipped' }) : batch
}

export interface BatchPatch {
  readonly name?: string
  readonly model?: string | null
  readonly expected?: number | null
}

export async function updateBatch(
  sql: Sql,
  who: string,
  id: string,
  patch: BatchPatch,
): Promise<Result<StoredBatch, BatchProblem>> {
  const batch = await lockOpenBatch(sql, id)
  if (!batch.ok) return batch
  const before = { name: batch.value.name, model: batch.value.model, expected: batch.value.expected }
  const after = { ...before, ...patch }
  if (after.model !== null) {
    const others = await devicesOfOtherModel(sql, id, after.model)
    if (others.length > 0) return err({ kind: 'other-model', macs: others, model: after.model })
  }
  await sql.run({
    name: 'update-batch',
    text: 'update batch set name = $2, model = $3, expected = $4 where id = $1',
    values: [id, after.name, after.model, after.expected],
  })
  await recordRevision(sql, { who, scope: 'batch', target: id, what: 'changed', before, after })
  return ok({ ...batch.value, ...after })
}

async function devicesOfOtherModel(sql: Sql, id: string, model: string): Promise<readonly string[]> {
  const rows = await sql.query<{ mac: string }>({
    name: 'batch-other-model',
    text: 'select mac from device where batch_id = $1 and model <> $2 order by mac limit 100',
    values: [id, model],
  })
  return rows.map(({ mac }) => mac)
}

/** What goes with a batch; its features go by themselves. */
const GOES_ALONG: Readonly<Record<string, string>> = {
  'drop-batch-layer': `delete from layer where scope = 'batch' and id = $1`,
  'drop-batch-draft': `delete from layer_draft where scope = 'batch' and id = $1`,
}

/**
 * Only an empty batch.
 * @param only `bare`: an open one without a layer, draft or feature of its own, for who may not change those; `empty`: any
 */
export async function deleteBatch(
  sql: Sql,
  who: string,
  id: string,
  only: 'bare' | 'empty',
): Promise<Result<void, BatchProblem>> {
  const batch = only === 'bare' ? await lockOpenBatch(sql, id) : await lockBatch(sql, id)
  if (!batch.ok) return batch
  const count = totalOf(batch.value)
  if (count > 0) return err({ kind: 'not-empty', count })
  if (only === 'bare' && (await isConfigured(sql, id))) return err({ kind: 'configured' })
  const { name, accountId } = batch.value
  await recordRevision(sql, { who, scope: 'batch', target: id, what: 'deleted', before: { name, accountId } })
  for (const [statement, text] of Object.entries(GOES_ALONG)) {
    await sql.run({ name: statement, text, values: [id] })
  }
  await sql.run({ name: 'delete-batch', text: 'delete from batch where id = $1', values: [id] })
  return ok(undefined)
}

/** Whether phones of this batch would be told something that those of other batches are not. */
async function isConfigured(sql: Pick<Sql, 'one'>, id: string): Promise<boolean> {
  const found = await sql.one({
    name: 'batch-configured',
    text: `select 1 from layer where scope = 'batch' and id = $1
           union all select 1 from layer_draft where scope = 'batch' and id = $1
           union all select 1 from feature where batch_id = $1 and retired_at is null limit 1`,
    values: [id],
  })
  return found !== undefined
}

/** Devices in a batch. */
export function totalOf({ progress }: Pick<StoredBatch, 'progress'>): number {
  return Object.values(progress).reduce((all, count) => all + count, 0)
}

interface MemberRow {
  readonly mac: MacAddress
  readonly account_id: string | null
  readonly model: string
  readonly batch_id: string | null
}

/** All of them or none; those that are in it already stay. */
export async function addToBatch(
  sql: Sql,
  who: string,
  id: string,
  macs: readonly MacAddress[],
): Promise<Result<StoredBatch, BatchProblem>> {
  const batch = await lockOpenBatch(sql, id)
  if (!batch.ok) return batch
  const rows = await lockMembers(sql, macs)
  const problem = memberProblem(batch.value, macs, rows)
  if (problem !== undefined) return err(problem)
  await putIntoBatch(sql, macs, id)
  await recordRevision(sql, { who, scope: 'batch', target: id, what: 'devices added', after: { macs } })
  await announce(sql, { kind: 'many' })
  return ok((await findBatch(sql, id)) ?? batch.value)
}

function memberProblem(
  batch: StoredBatch,
  macs: readonly MacAddress[],
  rows: readonly MemberRow[],
): BatchProblem | undefined {
  const known = new Set(rows.map(({ mac }) => mac))
  const macsOf = (wrong: (row: MemberRow) => boolean): readonly string[] => rows.filter(wrong).map(({ mac }) => mac)
  const unknown = macs.filter((mac) => !known.has(mac))
  if (unknown.length > 0) return { kind: 'unknown-devices', macs: unknown }
  const foreign = macsOf((row) => row.account_id !== batch.accountId)
  if (foreign.length > 0) return { kind: 'foreign-devices', macs: foreign }
  const elsewhere = macsOf((row) => row.batch_id !== null && row.batch_id !== batch.id)
  if (elsewhere.length > 0) return { kind: 'in-other-batch', macs: elsewhere }
  const { model } = batch
  const others = model === null ? [] : macsOf((row) => row.model !== model)
  return model !== null && others.length > 0 ? { kind: 'other-model', macs: others, model } : undefined
}

async function lockMembers(sql: Sql, macs: readonly MacAddress[]): Promise<readonly MemberRow[]> {
  return sql.query<MemberRow>({
    name: 'lock-batch-members',
    text: 'select mac, account_id, model, batch_id from device where mac = any ($1) order by mac for update',
    values: [[...macs]],
  })
}

async function putIntoBatch(sql: Sql, macs: readonly MacAddress[], id: string | null): Promise<void> {
  await sql.run({
    name: 'put-into-batch',
    text: 'update device set batch_id = $2 where mac = any ($1)',
    values: [[...macs], id],
  })
}

/** All of them or none. */
export async function takeFromBatch(
  sql: Sql,
  who: string,
  id: string,
  macs: readonly MacAddress[],
): Promise<Result<StoredBatch, BatchProblem>> {
  const batch = await lockOpenBatch(sql, id)
  if (!batch.ok) return batch
  const inside = new Set((await lockMembers(sql, macs)).filter((row) => row.batch_id === id).map(({ mac }) => mac))
  const unknown = macs.filter((mac) => !inside.has(mac))
  if (unknown.length > 0) return err({ kind: 'unknown-devices', macs: unknown })
  await putIntoBatch(sql, macs, null)
  await recordRevision(sql, { who, scope: 'batch', target: id, what: 'devices taken out', before: { macs } })
  await announce(sql, { kind: 'many' })
  return ok((await findBatch(sql, id)) ?? batch.value)
}

/**
 * A shipped batch is locked: nothing comes in or goes out.
 * @param how `force`: also with boxes that are not ready; held and disabled ones never leave. `reach`: accounts that
 *   whoever ships may know of; null: all
 */
export async function shipBatch(
  sql: Sql,
  who: string,
  id: string,
  { force, reach }: { readonly force: boolean; readonly reach: readonly string[] | null },
): Promise<Result<StoredBatch, BatchProblem>> {
  const batch = await lockOpenBatch(sql, id)
  if (!batch.ok) return batch
  const { accountId, expected, name, createdAt } = batch.value
  if (Object.keys(batch.value.progress).length === 0) return err({ kind: 'empty' })
  const rows = await stagingRows(sql, id)
  if (rows.length > STAGED_MAX && !force) return err({ kind: 'too-large' })
  const held = await sql.query<{ mac: string }>({
    name: 'batch-unready',
    text: `select mac from device where batch_id = $1 and state not in ('known', 'bound') order by mac limit 100`,
    values: [id],
  })
  if (held.length > 0) return err({ kind: 'unready-devices', macs: held.map(({ mac }) => mac) })
  const problems = boxProblems(rows, expected, { batchCreatedAt: createdAt, reach })
  if (problems.length > 0 && !force) return err({ kind: 'not-ready', problems })
  const shipped = await changeState(sql, who, id, 'shipped')
  const data = { batch: id, name, devices: totalOf(batch.value), unready: problems.length }
  await recordEvent(sql, { name: 'batch.shipped', trust: 'operator', mac: undefined, accountId, data })
  return shipped
}

function boxProblems(rows: readonly StagingRow[], expected: number | null, view: StagingView): readonly BoxProblem[] {
  const all = rows.map((row) => stagedBox(row, view))
  const problems = (view.reach === null ? all : boxesForLimited(all)).flatMap((box): readonly BoxProblem[] => {
    const problem = unreadyOf(box)
    return problem === undefined ? [] : [{ ...problem, mac: box.row.mac }]
  })
  if (expected === null || rows.length >= expected) return problems
  const message = `${expected - rows.length} of ${expected} expected boxes were not scanned`
  return [{ code: 'not-scanned', mac: undefined, message }, ...problems]
}

/** What was shipped by mistake. */
export async function reopenBatch(sql: Sql, who: string, id: string): Promise<Result<StoredBatch, BatchProblem>> {
  const batch = await lockBatch(sql, id)
  if (!batch.ok) return batch
  return batch.value.state === 'open' ? err({ kind: 'not-shipped' }) : changeState(sql, who, id, 'open')
}

async function changeState(
  sql: Sql,
  who: string,
  id: string,
  state: StoredBatch['state'],
): Promise<Result<StoredBatch, BatchProblem>> {
  await sql.run({
    name: 'change-batch-state',
    text: `update batch set state = $2, shipped_at = case when $2 = 'shipped' then now() end where id = $1`,
    values: [id, state],
  })
  await recordRevision(sql, { who, scope: 'batch', target: id, what: state === 'shipped' ? 'shipped' : 'opened again' })
  const row = await findBatch(sql, id)
  return row === undefined ? err({ kind: 'no-batch' }) : ok(row)
}
