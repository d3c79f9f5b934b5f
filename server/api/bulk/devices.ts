/** Import of devices: those that are new are registered, those that are there are changed as far as their state allows. */
import type { MacAddress, ProductName, SerialNumber } from '../../../protocol/identity.ts'
import { modelInfo } from '../../../protocol/profile/mod.ts'
import {
  batchesNamed,
  insertDevices,
  type KnownAccount,
  type KnownBatch,
  type KnownDevice,
  lockDevices,
  updateDevices,
} from '../../store/mod.ts'
import { columnOf, DEVICE_COLUMNS } from './columns.ts'
import { type Import, type Imported, missing, namedAccounts, NOTHING, Overtaken } from './importing.ts'
import { cellProblem, readCells, refuseDoubles, type Row } from './row.ts'

interface Item {
  readonly row: Row
  readonly mac: MacAddress
  readonly serial?: SerialNumber
  readonly model?: ProductName
  readonly account?: string
  readonly batch?: string
  readonly label?: string
  readonly notes?: string
}

type ColumnName = (typeof DEVICE_COLUMNS)[number]['name']

export async function importDevices(work: Import): Promise<Imported> {
  const items = work.rows.flatMap((row) => readItem(work, row) ?? [])
  refuseDoubles(items, columnOf(DEVICE_COLUMNS, 'mac'), ({ mac }) => mac, work.problems)
  const accounts = await namedAccounts(
    work,
    items.map(({ account }) => account),
  )
  const known = new Map(
    (
      await lockDevices(
        work.sql,
        items.map(({ mac }) => mac),
      )
    ).map((each) => [each.mac, each]),
  )
  const batchNames = [
    ...new Set(items.flatMap(({ mac, batch }) => [batch ?? [], known.get(mac)?.batchId ?? []].flat())),
  ]
  const batches = batchNames.length === 0 ? [] : await batchesNamed(work.sql, batchNames)
  const plan = planDevices(work, items, { accounts, known, batches })
  if (work.problems.count > 0) return NOTHING
  return carryOut(work, plan)
}

function readItem(work: Import, row: Row): Item | undefined {
  const values = readCells(row, DEVICE_COLUMNS, work.problems) as Omit<Item, 'row' | 'mac'> & { mac?: MacAddress }
  if (values.mac !== undefined) return { ...values, row, mac: values.mac }
  if (!row.cells.has('mac')) work.problems.add(missing(row, columnOf(DEVICE_COLUMNS, 'mac')))
  return undefined
}

interface Known {
  readonly accounts: ReadonlyMap<string, KnownAccount>
  readonly known: ReadonlyMap<MacAddress, KnownDevice>
  readonly batches: readonly KnownBatch[]
}

interface Plan {
  readonly made: KnownDevice[]
  readonly changed: KnownDevice[]
  /** Of the changed ones those that are known anew. */
  readonly anew: MacAddress[]
  unchanged: number
}

function planDevices(work: Import, items: readonly Item[], facts: Known): Plan {
  const plan: Plan = { made: [], changed: [], anew: [], unchanged: 0 }
  for (const item of items) {
    const refuse = refuser(work, item)
    const account = item.account === undefined ? undefined : facts.accounts.get(item.account)
    if (item.account !== undefined && account === undefined) {
      refuse('account', 'unknown-account', `There is no account "${item.account}"`)
      continue
    }
    const before = facts.known.get(item.mac)
    const after = before === undefined ? newDevice(work, item, account) : changedDevice(work, item, before, account)
    if (after === undefined) continue
    const placed = withBatch(item, before, after, facts.batches, refuse)
    if (placed === undefined) continue
    if (before === undefined) plan.made.push(placed)
    else if (isSame(before, placed)) plan.unchanged += 1
    else {
      plan.changed.push(placed)
      if (before.state !== placed.state) plan.anew.push(placed.mac)
    }
  }
  return plan
}

type Refuse = (column: ColumnName, code: string, message: string, expected?: string) => undefined

function refuser(work: Import, item: Item): Refuse {
  return (column, code, message, expected) => {
    const what = { code, message, ...(expected === undefined ? {} : { expected }) }
    work.problems.add(cellProblem(item.row, columnOf(DEVICE_COLUMNS, column), what))
    return undefined
  }
}

function newDevice(work: Import, item: Item, account: KnownAccount | undefined): KnownDevice | undefined {
  const { row, mac, serial, model } = item
  for (const name of ['serial', 'model'] as const) {
    if (item[name] === undefined && !row.cells.has(name))
      work.problems.add(missing(row, columnOf(DEVICE_COLUMNS, name)))
  }
  if (account === undefined && work.reach !== null) {
    work.problems.add(missing(row, columnOf(DEVICE_COLUMNS, 'account')))
    return undefined
  }
  if (serial === undefined || model === undefined || !knowsModel(work, item, model)) return undefined
  return {
    mac,
    serial,
    model,
    state: 'known',
    accountId: account?.id ?? null,
    heldAccountId: null,
    batchId: null,
    label: item.label ?? '',
    notes: item.notes ?? '',
  }
}

/** A model that we know nothing of is a misprint more often than a phone: one by one it can still be registered. */
function knowsModel(work: Import, item: Item, model: ProductName): boolean {
  if (modelInfo(model) !== undefined) return true
  refuser(work, item)('model', 'unknown-model', `"${model}" is no model that Offhook knows`)
  return false
}

function changedDevice(
  work: Import,
  item: Item,
  before: KnownDevice,
  account: KnownAccount | undefined,
): KnownDevice | undefined {
  const refuse = refuser(work, item)
  const owner = before.accountId ?? before.heldAccountId
  if (owner !== null && work.reach !== null && !work.reach.includes(owner)) {
    return refuse('mac', 'device-taken', `${item.mac} is another account's`, 'a device that its account let go')
  }
  if (work.mode === 'create') {
    return refuse(
      'mac',
      'device-taken',
      `${item.mac} is there already, as ${before.state}`,
      'a new one, or mode=upsert',
    )
  }
  if (account !== undefined && owner !== null && account.id !== owner) {
    return refuse('account', 'other-account', `${item.mac} is another account's: release it there first`)
  }
  const words = { label: item.label ?? before.label, notes: item.notes ?? before.notes }
  const free = before.state === 'released' && account !== undefined
  if (before.state === 'known' || free) return knownAnew(work, item, { ...before, ...words }, account)
  for (const name of ['serial', 'model'] as const) {
    if (item[name] === undefined || item[name] === before[name]) continue
    return refuse(
      name,
      `wrong-${name}`,
      `${item.mac} is ${before.state} and has the ${name} "${before[name]}"`,
      before[name],
    )
  }
  return { ...before, ...words }
}

function knownAnew(
  work: Import,
  item: Item,
  before: KnownDevice,
  account: KnownAccount | undefined,
): KnownDevice | undefined {
  const { serial, model } = item
  if (model !== undefined && model !== before.model && !knowsModel(work, item, model)) return undefined
  return {
    ...before,
    state: 'known',
    serial: serial ?? before.serial,
    model: model ?? before.model,
    accountId: account?.id ?? before.accountId,
  }
}

function withBatch(
  item: Item,
  before: KnownDevice | undefined,
  after: KnownDevice,
  batches: readonly KnownBatch[],
  refuse: Refuse,
): KnownDevice | undefined {
  if (item.batch === undefined) return after
  const own = batches.filter((batch) => batch.accountId === after.accountId)
  const found = own.filter(({ id, name }) => id === item.batch || name === item.batch)
  const [batch] = found
  if (batch === undefined) return refuse('batch', 'unknown-batch', `Its account has no batch "${item.batch}"`)
  if (found.length > 1)
    return refuse('batch', 'unclear-batch', `${found.length} batches are named "${item.batch}"`, 'the id')
  if (batch.id === before?.batchId) return { ...after, batchId: batch.id }
  const left = batches.find(({ id }) => id === before?.batchId)
  if (left?.state === 'shipped') return refuse('batch', 'batch-shipped', `${item.mac} is in a batch that is shipped`)
  if (batch.state === 'shipped') return refuse('batch', 'batch-shipped', `The batch "${item.batch}" is shipped`)
  if (batch.model !== null && batch.model !== after.model) {
    return refuse('batch', 'other-model', `The batch "${item.batch}" is for ${batch.model} only`)
  }
  return { ...after, batchId: batch.id }
}

const COMPARED = ['serial', 'model', 'state', 'accountId', 'batchId', 'label', 'notes'] as const

function isSame(before: KnownDevice, after: KnownDevice): boolean {
  return COMPARED.every((name) => before[name] === after[name])
}

async function carryOut(work: Import, plan: Plan): Promise<Imported> {
  const made = plan.made.length === 0 ? [] : await insertDevices(work.sql, plan.made)
  if (made.length !== plan.made.length) throw new Overtaken('a device of the import was registered meanwhile')
  if (plan.changed.length > 0) await updateDevices(work.sql, plan.changed, plan.anew)
  return {
    created: plan.made.length,
    updated: plan.changed.length,
    unchanged: plan.unchanged,
    made: plan.made,
    changed: plan.changed.map(({ mac }) => mac),
  }
}
