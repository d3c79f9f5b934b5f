/** Import of SIP lines, on phones or free. A line is known by account, domain and user. */
import type { MacAddress, ProductName } from '../../../protocol/identity.ts'
import { modelInfo } from '../../../protocol/profile/mod.ts'
import {
  type BulkLine,
  insertLines,
  type KnownAccount,
  type KnownDevice,
  linePasswords,
  linesOfDevices,
  lockDevices,
  lockLines,
  newId,
  newPassword,
  type StoredLine,
  updateLines,
} from '../../store/mod.ts'
import { columnOf, LINE_COLUMNS } from './columns.ts'
import { type Import, type Imported, missing, namedAccounts, NOTHING, Overtaken } from './importing.ts'
import { cellProblem, readCells, refuseDoubles, type Row } from './row.ts'

interface Cells {
  readonly account?: string
  readonly userId?: string
  readonly domain?: string
  readonly password?: string
  readonly displayName?: string
  readonly authId?: string
  readonly outboundProxy?: string
  readonly transport?: string
  readonly mac?: MacAddress
  readonly index?: number
}

interface Item extends Cells {
  readonly row: Row
  readonly accountId: string
  readonly userId: string
  readonly domain: string
}

type ColumnName = (typeof LINE_COLUMNS)[number]['name']

export async function importLines(work: Import): Promise<Imported> {
  const items = await readItems(work)
  refuseDoubles(items, columnOf(LINE_COLUMNS, 'userId'), keyOf, work.problems)
  // Devices before lines, as everywhere.
  const macs = [...new Set(items.flatMap(({ mac }) => mac ?? []))]
  const devices = new Map((await lockDevices(work.sql, macs)).map((device) => [device.mac, device]))
  const known = new Map((await lockLines(work.sql, items)).map((line) => [keyOf(line), line]))
  const passwords = await knownPasswords(work, items, known)
  const places = placesOf(await linesOfDevices(work.sql, macs))
  const plan: Plan = { made: [], changed: [], phones: new Set(), unchanged: 0 }
  leavePlaces(items, known, places)
  for (const item of items) planLine(work, item, { devices, known, passwords, places }, plan)
  if (work.problems.count > 0) return NOTHING
  return carryOut(work, plan)
}

/** Account, domain and user as one text; none of them can hold the separator. */
function keyOf({ accountId, domain, userId }: Pick<StoredLine, 'accountId' | 'domain' | 'userId'>): string {
  return [accountId, domain, userId].join('\n')
}

async function readItems(work: Import): Promise<readonly Item[]> {
  const read = work.rows.map((row) => ({ row, cells: readCells(row, LINE_COLUMNS, work.problems) as Cells }))
  const accounts = await namedAccounts(
    work,
    read.map(({ cells }) => cells.account),
  )
  return read.flatMap(({ row, cells }) => itemOf(work, row, cells, accounts) ?? [])
}

function itemOf(work: Import, row: Row, cells: Cells, accounts: ReadonlyMap<string, KnownAccount>): Item | undefined {
  for (const name of ['account', 'userId', 'domain'] as const) {
    if (!row.cells.has(name)) work.problems.add(missing(row, columnOf(LINE_COLUMNS, name)))
  }
  const { account, userId, domain } = cells
  const accountId = account === undefined ? undefined : accounts.get(account)?.id
  if (account !== undefined && accountId === undefined) {
    const what = { code: 'unknown-account', message: `There is no account "${account}"` }
    work.problems.add(cellProblem(row, columnOf(LINE_COLUMNS, 'account'), what))
  }
  if (accountId === undefined || userId === undefined || domain === undefined) return undefined
  return { ...cells, row, accountId, userId, domain }
}

async function knownPasswords(
  work: Import,
  items: readonly Item[],
  known: ReadonlyMap<string, StoredLine>,
): Promise<ReadonlyMap<string, string>> {
  const named = items.filter(({ password }) => password !== undefined)
  const ids = named.flatMap((item) => known.get(keyOf(item))?.id ?? [])
  return ids.length === 0 ? new Map() : linePasswords(work.sql, work.vault, ids)
}

/** Which line stands at which extension, by `mac index`. */
type Places = Map<string, string>

function placesOf(lines: readonly { readonly id: string; readonly mac: string; readonly index: number }[]): Places {
  return new Map(lines.map(({ id, mac, index }) => [`${mac} ${index}`, id]))
}

/** Lines that get another place in this file leave theirs first, so that two may change places. */
function leavePlaces(items: readonly Item[], known: ReadonlyMap<string, StoredLine>, places: Places): void {
  for (const item of items) {
    const before = known.get(keyOf(item))
    const moves = item.index !== undefined && item.index !== before?.index
    if (before !== undefined && before.mac !== null && moves) places.delete(`${before.mac} ${before.index}`)
  }
}

interface Known {
  readonly devices: ReadonlyMap<MacAddress, KnownDevice>
  readonly known: ReadonlyMap<string, StoredLine>
  readonly passwords: ReadonlyMap<string, string>
  readonly places: Places
}

interface Plan {
  readonly made: BulkLine[]
  readonly changed: BulkLine[]
  readonly phones: Set<MacAddress>
  unchanged: number
}

function planLine(work: Import, item: Item, facts: Known, plan: Plan): void {
  const before = facts.known.get(keyOf(item))
  if (before !== undefined && work.mode === 'create') {
    refuse(work, item, 'userId', 'line-taken', `"${item.userId}" exists at "${item.domain}" in this account already`)
    return
  }
  const place = placeOf(work, item, before, facts)
  if (place === undefined) return
  const old = before ?? newLine(item)
  const after: BulkLine = {
    ...old,
    displayName: item.displayName ?? old.displayName,
    authId: item.authId ?? old.authId,
    outboundProxy: item.outboundProxy ?? old.outboundProxy,
    transport: item.transport ?? old.transport,
    ...place,
    password: newPasswordOf(item, before, facts),
  }
  if (before === undefined) plan.made.push(after)
  else if (isSame(before, after)) {
    plan.unchanged += 1
    return
  } else plan.changed.push(after)
  if (after.mac !== null) plan.phones.add(after.mac as MacAddress)
}

function newLine({ accountId, userId, domain }: Item): StoredLine {
  const empty = { authId: null, outboundProxy: null, transport: null, mac: null, index: null }
  return { id: newId('line'), accountId, userId, domain, displayName: '', ...empty, passwordGeneration: 1 }
}

/** undefined: the stored one stays. */
function newPasswordOf(item: Item, before: StoredLine | undefined, { passwords }: Known): string | undefined {
  if (before === undefined) return item.password ?? newPassword()
  return item.password === passwords.get(before.id) ? undefined : item.password
}

function refuse(work: Import, item: Item, column: ColumnName, code: string, message: string): undefined {
  work.problems.add(cellProblem(item.row, columnOf(LINE_COLUMNS, column), { code, message }))
  return undefined
}

type Place = Pick<StoredLine, 'mac' | 'index'>

function placeOf(work: Import, item: Item, before: StoredLine | undefined, facts: Known): Place | undefined {
  const { mac } = item
  const was: Place = { mac: before?.mac ?? null, index: before?.index ?? null }
  if (mac === undefined) {
    if (item.index === undefined || (item.index === was.index && was.mac !== null)) return was
    return refuse(work, item, 'index', 'missing-mac', 'An index needs the MAC address of its phone')
  }
  if (was.mac !== null && was.mac !== mac) {
    return refuse(work, item, 'mac', 'line-in-use', `The line is on ${was.mac}: unassign it there first`)
  }
  const device = facts.devices.get(mac)
  if (device?.accountId !== item.accountId || (device.state !== 'known' && device.state !== 'bound')) {
    return refuse(work, item, 'mac', 'unknown-device', `The account has no known or bound device ${mac}`)
  }
  const most = modelInfo(device.model as ProductName)?.lines ?? 1
  const index = item.index ?? was.index ?? firstFree(mac, facts.places)
  if (index > most) {
    return refuse(work, item, 'index', 'too-many-lines', `A ${device.model} has ${most} line(s), not ${index}`)
  }
  const other = facts.places.get(`${mac} ${index}`)
  if (other !== undefined && other !== before?.id) {
    return refuse(work, item, 'index', 'index-in-use', `Extension ${index} of ${mac} has another line`)
  }
  facts.places.set(`${mac} ${index}`, before?.id ?? keyOf(item))
  return { mac, index }
}

function firstFree(mac: string, places: Places): number {
  let index = 1
  while (places.has(`${mac} ${index}`)) index++
  return index
}

const COMPARED = ['displayName', 'authId', 'outboundProxy', 'transport', 'mac', 'index'] as const

function isSame(before: StoredLine, after: BulkLine): boolean {
  return after.password === undefined && COMPARED.every((name) => before[name] === after[name])
}

async function carryOut(work: Import, plan: Plan): Promise<Imported> {
  // First those that are there: they may make room for new ones.
  if (plan.changed.length > 0) await updateLines(work.sql, work.vault, plan.changed)
  const made = plan.made.length === 0 ? 0 : await insertLines(work.sql, work.vault, plan.made)
  if (made !== plan.made.length) throw new Overtaken('a line of the import was made meanwhile')
  return {
    created: plan.made.length,
    updated: plan.changed.length,
    unchanged: plan.unchanged,
    made: [],
    changed: [...plan.phones],
  }
}
