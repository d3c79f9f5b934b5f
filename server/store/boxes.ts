/**
 * Boxes that are scanned into a batch: each is registered for the batch's account, gets a line while there are free ones,
 * and is put into the batch. A box that cannot be is refused alone.
 */
import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'
import { modelInfo } from '../../protocol/profile/mod.ts'
import { assert, ok, type Result } from '../../protocol/result.ts'
import { type BatchProblem, findBatch, lockOpenBatch, type StoredBatch, takeFromBatch } from './batches.ts'
import {
  lineIndexes,
  type LinePlace,
  lockWishedLines,
  placeLines,
  takeFreeLines,
  type WishedLines,
} from './box-lines.ts'
import { insertDevices, type KnownDevice, lockDevices, updateDevices } from './bulk.ts'
import { announce, NAMED_CHANGES_MAX } from './changes.ts'
import { deleteDevice } from './device-changes.ts'
import { recordEvents } from './events.ts'
import { firstFreeIndex } from './lines.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { STAGED_MAX } from './staging.ts'

/** Boxes of one request. */
export const BOXES_MAX = 1000
/** Of the locks of accounts into which boxes are scanned. */
const SCAN_LOCK = 727_010

/** A box as it was scanned. */
export interface ScannedBox {
  /** In the request, from 0. */
  readonly index: number
  readonly mac: MacAddress
  readonly serial: SerialNumber
  /** undefined: the model of the batch, or what is known of the device. */
  readonly model: ProductName | undefined
  /** undefined: as it was. */
  readonly name: string | undefined
  readonly lineId: string | undefined
  /** The user of its line. */
  readonly line: string | undefined
}

export interface BoxRefusal {
  readonly index: number
  readonly code: string
  readonly message: string
}

export interface BoxesScanned {
  readonly added: number
  readonly already: number
  readonly refused: readonly BoxRefusal[]
  readonly batch: StoredBatch
}

/** What a scan is to do with a box. */
interface Plan {
  readonly box: ScannedBox
  readonly how: 'made' | 'joined' | 'anew' | 'already'
  /** As it is to be. */
  readonly device: KnownDevice
  readonly wished: { readonly id: string; readonly userId: string } | undefined
}

interface Facts {
  readonly batch: StoredBatch
  readonly reach: readonly string[] | null
  readonly devices: ReadonlyMap<MacAddress, KnownDevice>
  /** MACs of the account and of the request, by serial number. */
  readonly serials: Map<string, MacAddress>
  readonly lines: WishedLines
  readonly indexes: ReadonlyMap<string, readonly number[]>
  /** How many the batch still takes. */
  room: number
}

/**
 * @param reach accounts that whoever scans may know of; null: all
 * @returns `shipped` and `no-batch` concern all of them
 */
export async function scanBoxes(
  sql: Sql,
  who: string,
  batchId: string,
  boxes: readonly ScannedBox[],
  reach: readonly string[] | null,
): Promise<Result<BoxesScanned, BatchProblem>> {
  const locked = await lockOpenBatch(sql, batchId)
  if (!locked.ok) return locked
  await lockSerials(sql, locked.value.accountId)
  const work: Work = { sql, who, batch: locked.value, reach }
  const first = await scanOnce(work, boxes)
  // Somebody registered these between our look and our insert: they are there now, and are looked at again.
  const second = first.overtaken.length === 0 ? undefined : await scanOnce(work, first.overtaken)
  const plans = [...first.plans, ...(second?.plans ?? [])]
  const macs = [...first.changed, ...(second?.changed ?? [])]
  if (macs.length > 0) {
    await recordRevision(sql, { who, scope: 'batch', target: batchId, what: 'boxes scanned', after: { macs } })
  }
  const already = plans.filter(({ how }) => how === 'already').length
  return ok({
    added: plans.length - already,
    already: already + first.again + (second?.again ?? 0),
    refused: [...first.refused, ...(second?.refused ?? [])].toSorted((a, b) => a.index - b.index),
    batch: (await findBatch(sql, batchId)) ?? locked.value,
  })
}

/**
 * Those who scan for one account come one after the other, into whichever of its batches: a serial number that one of them
 * has just put on a phone is seen by the next. After the batch, before the devices; phones that come to be bound do not wait.
 */
async function lockSerials(sql: Sql, accountId: string): Promise<void> {
  await sql.one({
    name: 'lock-scanned-serials',
    text: 'select pg_advisory_xact_lock($1, hashtext($2))',
    values: [SCAN_LOCK, accountId],
  })
}

interface Work {
  readonly sql: Sql
  readonly who: string
  readonly batch: StoredBatch
  readonly reach: readonly string[] | null
}

interface Pass {
  readonly plans: readonly Plan[]
  readonly refused: readonly BoxRefusal[]
  /** Boxes that stood in the request twice. */
  readonly again: number
  readonly overtaken: readonly ScannedBox[]
  /** What was made, moved, named or given a line, also of boxes that were in the batch before. */
  readonly changed: readonly MacAddress[]
}

async function scanOnce(work: Work, boxes: readonly ScannedBox[]): Promise<Pass> {
  const facts = await factsOf(work, boxes)
  const plans = new Map<MacAddress, Plan>()
  const refused: BoxRefusal[] = []
  let again = 0
  for (const box of boxes) {
    const planned = planBox(box, facts, plans.get(box.mac))
    if ('code' in planned) refused.push({ index: box.index, ...planned })
    else if (plans.has(box.mac)) again += 1
    else {
      plans.set(box.mac, planned)
      if (planned.how !== 'already') facts.room -= 1
    }
  }
  const made = await insertBoxes(work, [...plans.values()])
  const standing = [...plans.values()].filter(({ how, box }) => how !== 'made' || made.has(box.mac))
  const overtaken = [...plans.values()].filter((plan) => !standing.includes(plan)).map(({ box }) => box)
  const touched = await carryOut(work, standing, facts)
  const changed = standing.flatMap(({ how, box }) => (how !== 'already' || touched.has(box.mac) ? [box.mac] : []))
  return { plans: standing, refused, again, overtaken, changed }
}

async function factsOf({ sql, batch, reach }: Work, boxes: readonly ScannedBox[]): Promise<Facts> {
  const macs = [...new Set(boxes.map(({ mac }) => mac))]
  const devices = new Map((await lockDevices(sql, macs)).map((each) => [each.mac, each]))
  const same = await sql.query<{ mac: MacAddress; serial: string }>({
    name: 'boxes-by-serial',
    text: 'select mac, serial from device where serial = any ($1) and account_id = $2',
    values: [boxes.map(({ serial }) => serial), batch.accountId],
  })
  const count = await sql.one<{ total: number }>({
    name: 'count-boxes',
    text: 'select count(*)::integer as total from device where batch_id = $1',
    values: [batch.id],
  })
  return {
    batch,
    reach,
    devices,
    serials: new Map(same.map(({ mac, serial }) => [serial, mac])),
    lines: await lockWishedLines(sql, batch.accountId, boxes),
    indexes: await lineIndexes(sql, macs),
    room: STAGED_MAX - (count?.total ?? 0),
  }
}

type Refused = Omit<BoxRefusal, 'index'>

/** @param before what an earlier box of the request with the same MAC came to */
function planBox(box: ScannedBox, facts: Facts, before: Plan | undefined): Plan | Refused {
  const { mac, serial } = box
  const known = before?.device ?? facts.devices.get(mac)
  const holder = facts.serials.get(serial)
  if (holder !== undefined && holder !== mac) {
    const message = `the serial number "${serial}" is that of the phone ${holder}, which was scanned before; was the wrong label scanned?`
    return refuse(box, 'serial-in-use', message)
  }
  const planned = known === undefined ? newBox(box, facts) : knownBox(box, known, facts)
  if ('code' in planned) return planned
  if (before !== undefined) return before
  if (planned.how !== 'already' && facts.room <= 0) {
    return refuse(box, 'batch-full', `a batch takes ${STAGED_MAX} boxes; make another batch for the others`)
  }
  const wish = wishedLine(box, planned, facts)
  if ('code' in wish) return wish
  facts.serials.set(serial, mac)
  return { ...planned, wished: wish.line }
}

function refuse({ mac }: Pick<ScannedBox, 'mac'>, code: string, why: string): Refused {
  return { code, message: `Cannot take the box ${mac}: ${why}.` }
}

function newBox(box: ScannedBox, { batch }: Facts): Plan | Refused {
  const { mac, serial, name = '' } = box
  const model = box.model ?? batch.model
  if (model === null) {
    return refuse(box, 'no-model', 'neither the box nor the batch names a model; give one, like CP-8851-3PCC')
  }
  if (batch.model !== null && model !== batch.model) return otherModel(box, model, batch.model)
  const about = { state: 'known', accountId: batch.accountId, heldAccountId: null, batchId: batch.id } as const
  return { box, how: 'made', device: { mac, serial, model, label: name, notes: '', ...about }, wished: undefined }
}

function otherModel(box: ScannedBox, model: string, wanted: string): Refused {
  return refuse(box, 'other-model', `it is a "${model}", and the batch is for "${wanted}" only`)
}

function knownBox(box: ScannedBox, device: KnownDevice, facts: Facts): Plan | Refused {
  const { batch, reach } = facts
  const owner = device.accountId ?? device.heldAccountId
  if (owner !== null && owner !== batch.accountId) {
    const visible = reach === null || reach.includes(owner)
    const why = visible
      ? `it belongs to the account "${owner}", which must let it go first`
      : 'it cannot be registered for this account; whoever had it before must let it go first'
    return refuse(box, 'not-available', why)
  }
  if (device.state === 'held' || device.state === 'disabled') {
    const todo = device.state === 'held' ? 'confirm or release it first' : 'enable it first'
    return refuse(box, 'wrong-state', `it is ${device.state}; ${todo}`)
  }
  if (owner === null) return anewBox(box, device, facts)
  if (device.serial !== box.serial) {
    const why = `the serial number "${box.serial}" was scanned, but "${device.serial}" is registered; compare both with the label`
    return refuse(box, 'other-serial', why)
  }
  if (box.model !== undefined && box.model !== device.model) return otherModel(box, box.model, device.model)
  if (batch.model !== null && device.model !== batch.model) return otherModel(box, device.model, batch.model)
  if (device.batchId !== null && device.batchId !== batch.id) {
    return refuse(box, 'in-other-batch', `it is in the batch "${device.batchId}"; take it out there first`)
  }
  const how = device.batchId === batch.id ? 'already' : 'joined'
  return { box, how, device: { ...device, batchId: batch.id, label: box.name ?? device.label }, wished: undefined }
}

/** One that nobody has, or that was let go: what it was before is not for its new account. */
function anewBox(box: ScannedBox, device: KnownDevice, facts: Facts): Plan | Refused {
  const fresh = newBox({ ...box, model: box.model ?? (device.model as ProductName) }, facts)
  return 'code' in fresh ? fresh : { ...fresh, box, how: 'anew' }
}

function wishedLine(box: ScannedBox, { device }: Plan, facts: Facts): { readonly line: Plan['wished'] } | Refused {
  if (box.lineId === undefined && box.line === undefined) return { line: undefined }
  const most = modelInfo(device.model as ProductName)?.lines
  const has = facts.indexes.get(box.mac)?.length ?? 0
  const found = facts.lines(box, box.mac)
  if ('code' in found) return refuse(box, found.code, found.message)
  // It has it already.
  if (found.line?.mac === box.mac) return { line: undefined }
  if (most !== undefined && has >= most) {
    return refuse(box, 'too-many-lines', `a ${device.model} has ${most} line(s), and all are in use`)
  }
  return { line: found.line }
}

/** @returns those that were made: not those that somebody else registered meanwhile */
async function insertBoxes({ sql }: Work, plans: readonly Plan[]): Promise<ReadonlySet<MacAddress>> {
  // In the order of their MACs, as everybody locks them.
  const devices = plans
    .flatMap(({ how, device }) => (how === 'made' ? [device] : []))
    .toSorted((a, b) => (a.mac < b.mac ? -1 : 1))
  if (devices.length === 0) return new Set()
  const rows = await insertDevices(sql, devices)
  if (rows.length > NAMED_CHANGES_MAX) await announce(sql, { kind: 'reload' })
  else for (const { mac, path } of rows) await announce(sql, { kind: 'device', mac, path })
  return new Set(rows.map(({ mac }) => mac))
}

/** @returns devices that were there and were changed, or have a line now */
async function carryOut(work: Work, plans: readonly Plan[], facts: Facts): Promise<ReadonlySet<MacAddress>> {
  const { sql, batch } = work
  const changed = plans.filter(({ how, device }) => how !== 'made' && isChanged(device, facts.devices.get(device.mac)))
  if (changed.length > 0) {
    const anew = changed.filter(({ how }) => how === 'anew').map(({ box }) => box.mac)
    await updateDevices(
      sql,
      changed.map(({ device }) => device),
      anew,
    )
  }
  await noteBoxes(work, plans)
  const placed = await giveLines(work, plans, facts)
  const registered = plans.filter(({ how }) => how === 'made' || how === 'anew')
  await recordEvents(
    sql,
    registered.map(({ box }) => ({
      name: 'device.registered' as const,
      trust: 'operator' as const,
      mac: box.mac,
      accountId: batch.accountId,
      data: { batch: batch.id },
    })),
  )
  const told = new Set([...changed.map(({ box }) => box.mac), ...placed])
  if (told.size > NAMED_CHANGES_MAX) await announce(sql, { kind: 'many' })
  else for (const mac of told) await announce(sql, { kind: 'device', mac })
  return told
}

const COMPARED = ['serial', 'model', 'state', 'accountId', 'batchId', 'label'] as const

function isChanged(device: KnownDevice, before: KnownDevice | undefined): boolean {
  return before === undefined || COMPARED.some((name) => device[name] !== before[name])
}

/** In the order of scanning. */
async function noteBoxes({ sql, who, batch }: Work, plans: readonly Plan[]): Promise<void> {
  const taken = plans.filter(({ how }) => how !== 'already')
  if (taken.length === 0) return
  const macs = taken.map(({ box }) => box.mac)
  await sql.run({
    name: 'note-boxes',
    text: `insert into batch_box (mac, batch_id, scanned_by, registered)
           select x.mac, $1, $2, x.registered
             from unnest($3::text[], $4::bool[]) with ordinality as x (mac, registered, place) order by x.place`,
    values: [batch.id, who, macs, taken.map(({ how }) => how === 'made')],
  })
}

/** What was asked for; then the account's next free line for each that has none and is not bound yet. */
async function giveLines({ sql, batch }: Work, plans: readonly Plan[], facts: Facts): Promise<readonly MacAddress[]> {
  const places: LinePlace[] = plans.flatMap(({ box: { mac }, wished }) => {
    const index = firstFreeIndex(facts.indexes.get(mac) ?? [])
    return wished === undefined ? [] : [{ lineId: wished.id, userId: wished.userId, mac, index }]
  })
  const served = new Set(places.map(({ mac }) => mac))
  const bare = plans.filter(
    ({ box: { mac }, device }) => device.state !== 'bound' && !served.has(mac) && !facts.indexes.has(mac),
  )
  const free = await takeFreeLines(
    sql,
    batch.accountId,
    bare.length,
    places.map(({ lineId }) => lineId),
  )
  for (const [place, { id, userId }] of free.entries()) {
    const plan = bare[place]
    if (plan !== undefined) places.push({ lineId: id, userId, mac: plan.box.mac, index: 1 })
  }
  await placeLines(sql, batch.accountId, places)
  return places.map(({ mac }) => mac)
}

/**
 * Takes a box out of its batch. A device that came with the scan and has not proved itself goes with it, and its line is
 * free again. Throws a foreign-key violation when something else still names that device.
 */
export async function removeBox(
  sql: Sql,
  who: string,
  batchId: string,
  mac: MacAddress,
): Promise<Result<StoredBatch, BatchProblem>> {
  const open = await lockOpenBatch(sql, batchId)
  if (!open.ok) return open
  // It may prove itself at this very moment: what it is counts from its lock on.
  await lockDevices(sql, [mac])
  const row = await sql.one<{ registered: boolean; state: string }>({
    name: 'scanned-box',
    text: `select x.registered, d.state from batch_box x join device d on d.mac = x.mac and d.batch_id = x.batch_id
            where x.mac = $1 and x.batch_id = $2`,
    values: [mac, batchId],
  })
  const taken = await takeFromBatch(sql, who, batchId, [mac])
  if (!taken.ok || row?.registered !== true || row.state !== 'known') return taken
  const gone = await deleteDevice(sql, who, mac)
  assert(gone.ok, 'a device that is known and locked may be deleted')
  return taken
}
