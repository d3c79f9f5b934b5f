/** What an operator changes on a device besides its life: identity, account, batch, words; and taking it out. */
import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import { type DeviceState, nextState } from '../devices/mod.ts'
import { announce } from './changes.ts'
import { dropSecrets } from './device-secrets.ts'
import { type DeviceProblem, type LockedDevice, lockDevice } from './devices.ts'
import { recordEvent } from './events.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'

/** What is named is changed; null takes a value away. */
export interface DevicePatch {
  readonly label?: string
  readonly notes?: string
  readonly batchId?: string | null
  readonly serial?: SerialNumber
  readonly model?: ProductName
  readonly accountId?: string | null
}

export type PatchProblem =
  | DeviceProblem
  /** Serial, model and account are proved or promised by then. */
  | { readonly kind: 'fixed'; readonly what: 'serial' | 'model' | 'accountId'; readonly state: DeviceState }
  | { readonly kind: 'has-lines'; readonly count: number }
  | { readonly kind: 'no-batch' }
  | { readonly kind: 'batch-shipped' }
  | { readonly kind: 'batch-of-other-account' }
  | { readonly kind: 'batch-of-other-model'; readonly model: string }

/** Changes words and batch of any device, and identity and account of one that has not proved itself yet. */
export async function updateDevice(
  sql: Sql,
  who: string,
  mac: MacAddress,
  patch: DevicePatch,
): Promise<Result<void, PatchProblem>> {
  const row = await lockDevice(sql, mac)
  if (row === undefined) return err({ kind: 'unknown' })
  const before = shown(row)
  const after = { ...before, ...patch }
  const problem =
    (await identityProblem(sql, mac, row.state, before, after)) ?? (await batchProblem(sql, before, after))
  if (problem !== undefined) return err(problem)
  await sql.run({
    name: 'update-device',
    text: `update device set label = $2, notes = $3, batch_id = $4, serial = $5, model = $6, account_id = $7,
             pinned_ca = case when serial = $5 then pinned_ca end where mac = $1`,
    values: [mac, after.label, after.notes, after.batchId, after.serial, after.model, after.accountId],
  })
  await recordRevision(sql, { who, scope: 'device', target: mac, what: 'changed', before, after })
  const accountId = after.accountId ?? undefined
  await recordEvent(sql, {
    name: 'device.changed',
    trust: 'operator',
    mac,
    accountId,
    data: { what: Object.keys(patch).join(' ') },
  })
  await announce(sql, { kind: 'device', mac })
  return ok(undefined)
}

interface Shown {
  readonly label: string
  readonly notes: string
  readonly batchId: string | null
  readonly serial: string
  readonly model: string
  readonly accountId: string | null
}

function shown(row: LockedDevice): Shown {
  const { label, notes, serial, model } = row
  return { label, notes, batchId: row.batch_id, serial, model, accountId: row.account_id }
}

async function identityProblem(
  sql: Sql,
  mac: MacAddress,
  state: DeviceState,
  before: Shown,
  after: Shown,
): Promise<PatchProblem | undefined> {
  const changed = (['serial', 'model', 'accountId'] as const).find((what) => before[what] !== after[what])
  if (changed === undefined) return undefined
  if (state !== 'known') return { kind: 'fixed', what: changed, state }
  if (before.accountId === after.accountId) return undefined
  const lines = await sql.one<{ count: number }>({
    name: 'count-lines-of-device',
    text: 'select count(*) as count from line where device_mac = $1',
    values: [mac],
  })
  const count = lines?.count ?? 0
  return count === 0 ? undefined : { kind: 'has-lines', count }
}

interface BatchRow {
  readonly account_id: string
  readonly model: string | null
  readonly state: 'open' | 'shipped'
}

/** Both the batch that it leaves and the one that it enters must be open. */
async function batchProblem(sql: Sql, before: Shown, after: Shown): Promise<PatchProblem | undefined> {
  const moved = before.batchId !== after.batchId
  if (moved && before.batchId !== null) {
    const left = await lockBatch(sql, before.batchId)
    if (left?.state === 'shipped') return { kind: 'batch-shipped' }
  }
  if (after.batchId === null) return undefined
  const same = !moved && before.model === after.model && before.accountId === after.accountId
  if (same) return undefined
  const batch = await lockBatch(sql, after.batchId)
  if (batch === undefined) return { kind: 'no-batch' }
  if (batch.state === 'shipped') return { kind: 'batch-shipped' }
  if (batch.account_id !== after.accountId) return { kind: 'batch-of-other-account' }
  if (batch.model !== null && batch.model !== after.model) {
    return { kind: 'batch-of-other-model', model: batch.model }
  }
  return undefined
}

async function lockBatch(sql: Pick<Sql, 'one'>, id: string): Promise<BatchRow | undefined> {
  return sql.one<BatchRow>({
    name: 'lock-batch',
    text: 'select account_id, model, state from batch where id = $1 for share',
    values: [id],
  })
}

/** A disabled device may prove itself again: known, with its account and nothing else of before. */
export async function enableDevice(sql: Sql, who: string, mac: MacAddress): Promise<Result<void, DeviceProblem>> {
  const row = await lockDevice(sql, mac)
  if (row === undefined) return err({ kind: 'unknown' })
  const next = row.state === 'disabled' ? nextState(row.state, 'register') : undefined
  if (next === undefined) return err({ kind: 'not-allowed', state: row.state })
  await sql.run({
    name: 'enable-device',
    text: 'update device set state = $2, farewell_owed = false where mac = $1',
    values: [mac, next],
  })
  await dropSecrets(sql, mac, 'all')
  await recordRevision(sql, { who, scope: 'device', target: mac, what: 'enabled' })
  const accountId = row.account_id ?? undefined
  await recordEvent(sql, { name: 'device.enabled', trust: 'operator', mac, accountId, data: {} })
  await announce(sql, { kind: 'device', mac })
  return ok(undefined)
}

/** States in which a device may be taken out: nothing was promised to it, or it was let go. */
const DELETABLE: readonly DeviceState[] = ['known', 'released', 'disabled']

/** What hangs on a device by its MAC; keys, features and what was seen go by themselves. */
const GOES_ALONG: Readonly<Record<string, string>> = {
  'free-lines-of-device': 'update line set device_mac = null, line_index = null where device_mac = $1',
  'drop-device-layer': `delete from layer where scope = 'device' and id = $1`,
  'drop-device-draft': `delete from layer_draft where scope = 'device' and id = $1`,
}

/**
 * Takes a device out of the list; its timeline stays. A farewell that is still owed will not be served. Throws a
 * foreign-key violation when something else still names it.
 */
export async function deleteDevice(sql: Sql, who: string, mac: MacAddress): Promise<Result<void, DeviceProblem>> {
  const row = await lockDevice(sql, mac)
  if (row === undefined) return err({ kind: 'unknown' })
  if (!DELETABLE.includes(row.state)) return err({ kind: 'not-allowed', state: row.state })
  const accountId = row.account_id ?? undefined
  await recordRevision(sql, { who, scope: 'device', target: mac, what: 'deleted', before: shown(row) })
  await recordEvent(sql, {
    name: 'device.deleted',
    trust: 'operator',
    mac,
    accountId,
    data: { state: row.state, farewellOwed: row.farewell_owed },
  })
  for (const [name, text] of Object.entries(GOES_ALONG)) await sql.run({ name, text, values: [mac] })
  await sql.run({ name: 'delete-device', text: 'delete from device where mac = $1', values: [mac] })
  await announce(sql, { kind: 'device', mac })
  return ok(undefined)
}
