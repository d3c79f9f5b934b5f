/** Import of accounts. One is known by its Customer ID; its kind and its place in the tree stay as they are. */
import { ACCOUNT_LEVELS_MAX, type AccountKind, MAY_HOLD, mayStandBelow } from '../../accounts/mod.ts'
import type { AccountSettings } from '../../devices/mod.ts'
import {
  accountDepths,
  accountsNamed,
  insertAccounts,
  type KnownAccount,
  liveKeypadCodes,
  newId,
  updateAccounts,
} from '../../store/mod.ts'
import { withoutAbsent } from '../query.ts'
import { ACCOUNT_COLUMNS, columnOf } from './columns.ts'
import { type Import, type Imported, missing, NOTHING, Overtaken } from './importing.ts'
import { cellProblem, readCells, refuseDoubles, type Row } from './row.ts'

interface Cells extends Partial<AccountSettings> {
  readonly customerId?: string
  readonly name?: string
  readonly kind?: AccountKind
  readonly parent?: string
}

interface Item {
  readonly row: Row
  readonly customerId: string
  readonly cells: Cells
}

type ColumnName = (typeof ACCOUNT_COLUMNS)[number]['name']

export async function importAccounts(work: Import): Promise<Imported> {
  const items = work.rows.flatMap((row) => readItem(work, row) ?? [])
  refuseDoubles(items, columnOf(ACCOUNT_COLUMNS, 'customerId'), ({ customerId }) => customerId, work.problems)
  const names = items.flatMap(({ customerId, cells }) => [customerId, cells.parent ?? []].flat())
  const found = names.length === 0 ? [] : await accountsNamed(work.sql, [...new Set(names)])
  const byCustomer = new Map(found.map((account) => [account.customerId, account]))
  const plan: Plan = { made: new Map(), changed: [], unchanged: 0 }
  for (const item of items) planAccount(work, item, byCustomer.get(item.customerId), plan)
  const codes = await liveKeypadCodes(work.sql, [...plan.made.keys()])
  for (const item of items) {
    if (codes.has(item.customerId)) refuse(work, item, 'customerId', 'customer-id-taken', inUse(item.customerId))
  }
  const reachable = found.filter(({ id }) => work.reach === null || work.reach.includes(id))
  const above = new Map([...byName(reachable), ...plan.made])
  for (const item of items) placeAccount(work, item, { plan, above, byCustomer })
  await refuseDepth(work, items, plan, reachable)
  if (work.problems.count > 0) return NOTHING
  return carryOut(work, plan)
}

function byName(accounts: readonly KnownAccount[]): readonly (readonly [string, KnownAccount])[] {
  return accounts.flatMap((account) => [[account.id, account] as const, [account.customerId, account] as const])
}

function readItem(work: Import, row: Row): Item | undefined {
  const cells = readCells(row, ACCOUNT_COLUMNS, work.problems) as Cells
  if (cells.customerId !== undefined) return { row, customerId: cells.customerId, cells }
  if (!row.cells.has('customerId')) work.problems.add(missing(row, columnOf(ACCOUNT_COLUMNS, 'customerId')))
  return undefined
}

interface Plan {
  /** By Customer ID. */
  readonly made: Map<string, KnownAccount>
  readonly changed: KnownAccount[]
  unchanged: number
}

function refuse(work: Import, item: Item, column: ColumnName, code: string, message: string): undefined {
  work.problems.add(cellProblem(item.row, columnOf(ACCOUNT_COLUMNS, column), { code, message }))
  return undefined
}

function planAccount(work: Import, item: Item, before: KnownAccount | undefined, plan: Plan): void {
  const { customerId, cells } = item
  const { customerId: _id, name, kind, parent: _parent, ...named } = cells
  const settings = withoutAbsent<AccountSettings>(named)
  if (before === undefined) {
    if (name === undefined && !item.row.cells.has('name')) {
      work.problems.add(missing(item.row, columnOf(ACCOUNT_COLUMNS, 'name')))
    }
    const made = { id: newId('acc'), customerId, name: name ?? '', kind: kind ?? 'customer', parentId: null, settings }
    plan.made.set(customerId, made)
    return
  }
  const outside = work.reach !== null && !work.reach.includes(before.id)
  if (outside || work.mode === 'create') {
    refuse(work, item, 'customerId', 'customer-id-taken', inUse(customerId))
    return
  }
  if (kind !== undefined && kind !== before.kind) {
    refuse(work, item, 'kind', 'fixed', `Account "${customerId}" is a ${before.kind}; that stays`)
    return
  }
  const after = { ...before, name: name ?? before.name, settings: { ...before.settings, ...settings } }
  if (after.name === before.name && sameSettings(before.settings, after.settings)) plan.unchanged += 1
  else plan.changed.push(after)
}

/** Which of both it is says nothing to who may not see it. */
function inUse(customerId: string): string {
  return `"${customerId}" is in use as a Customer ID, or as a code for a keypad`
}

function sameSettings(a: Partial<AccountSettings>, b: Partial<AccountSettings>): boolean {
  return (Object.keys(b) as (keyof AccountSettings)[]).every((name) => a[name] === b[name])
}

interface Tree {
  readonly plan: Plan
  /** Parents by id and Customer ID, those of the file too. */
  readonly above: ReadonlyMap<string, KnownAccount>
  readonly byCustomer: ReadonlyMap<string, KnownAccount>
}

/** Finds the parent of a new account; that of a known one must be what it is. */
function placeAccount(work: Import, item: Item, { plan, above, byCustomer }: Tree): void {
  const { parent: name } = item.cells
  const made = plan.made.get(item.customerId)
  if (name === undefined) {
    if (made !== undefined && work.reach !== null) {
      work.problems.add(missing(item.row, columnOf(ACCOUNT_COLUMNS, 'parent')))
    }
    return
  }
  const parent = above.get(name)
  if (parent === undefined) {
    // Its own account's parent is above the reach of a limited token, yet its export names it.
    const before = byCustomer.get(item.customerId)
    const own = before !== undefined && [...byCustomer.values()].some(({ id }) => id === before.parentId)
    if (!own)
      refuse(work, item, 'parent', 'unknown-account', `There is no account "${name}", neither here nor in the file`)
    return
  }
  if (made === undefined) {
    const before = byCustomer.get(item.customerId)
    if (before !== undefined && before.parentId !== parent.id) {
      refuse(work, item, 'parent', 'fixed', `Account "${item.customerId}" stands elsewhere; move it by PATCH`)
    }
    return
  }
  if (!mayStandBelow(made.kind, parent.kind)) {
    const may = MAY_HOLD[parent.kind].join(', ')
    refuse(work, item, 'parent', 'wrong-parent', `A ${made.kind} cannot stand below a ${parent.kind}, only: ${may}`)
    return
  }
  plan.made.set(item.customerId, { ...made, parentId: parent.id })
}

/** Walks up from each new account: to the top, to what is stored, or in a circle. */
async function refuseDepth(
  work: Import,
  items: readonly Item[],
  plan: Plan,
  stored: readonly KnownAccount[],
): Promise<void> {
  const depths = await accountDepths(
    work.sql,
    stored.map(({ id }) => id),
  )
  const madeById = new Map([...plan.made.values()].map((account) => [account.id, account]))
  for (const item of items) {
    let at = plan.made.get(item.customerId)
    let levels = 0
    while (at !== undefined && levels <= ACCOUNT_LEVELS_MAX) {
      levels += 1
      if (at.parentId !== null) levels += depths.get(at.parentId) ?? 0
      at = at.parentId === null ? undefined : madeById.get(at.parentId)
    }
    if (levels > ACCOUNT_LEVELS_MAX) {
      refuse(work, item, 'parent', 'tree-too-deep', `A circle, or more than ${ACCOUNT_LEVELS_MAX} levels of accounts`)
    }
  }
}

async function carryOut(work: Import, plan: Plan): Promise<Imported> {
  const accounts = [...plan.made.values()]
  const made = accounts.length === 0 ? 0 : await insertAccounts(work.sql, accounts)
  if (made !== accounts.length) throw new Overtaken('an account of the import was made meanwhile')
  if (plan.changed.length > 0) await updateAccounts(work.sql, plan.changed)
  return { created: made, updated: plan.changed.length, unchanged: plan.unchanged, made: [], changed: [] }
}
