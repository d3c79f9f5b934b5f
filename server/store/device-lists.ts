/** Moving in, written: layers, devices and lines of a plan in one transaction. */
import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import type { LayerParameter, LayerScope } from '../profiles/mod.ts'
import type { LineProposal } from '../profiles/moving-in/mod.ts'
import { viewDevice } from './device-views.ts'
import { registerDevice } from './devices.ts'
import { findLayer, replaceLayer } from './layers.ts'
import { createLine } from './lines.ts'
import type { Sql } from './sql.ts'
import type { Vault } from './vault.ts'

export interface MoveInPlan {
  readonly accountId: string
  readonly layers: readonly {
    readonly scope: LayerScope
    readonly id: string
    readonly parameters: ReadonlyMap<string, LayerParameter>
  }[]
  readonly devices: readonly PlannedDevice[]
  /** Replace values that a layer has already. */
  readonly overwrite: boolean
  readonly why: string | undefined
}

export interface PlannedDevice {
  /** For messages: the name of the file, or the MAC. */
  readonly label: string
  readonly mac: MacAddress | undefined
  readonly serial: SerialNumber | undefined
  readonly model: ProductName | undefined
  readonly lines: readonly LineProposal[]
  readonly parameters: ReadonlyMap<string, LayerParameter>
}

export interface MovedIn {
  readonly layers: number
  readonly devices: number
  readonly lines: number
  /** What could not be written, each with what to do. */
  readonly notApplied: readonly { readonly device: string; readonly message: string }[]
}

/** An element that a layer has with another value. */
export interface LayerConflict {
  readonly scope: LayerScope
  readonly id: string
  readonly element: string
}

/** Elements in conflict that are named. */
const CONFLICTS_MAX = 100

/** Whether the layers have other values already, which would change what other phones get. */
export async function moveInConflicts(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  layers: MoveInPlan['layers'],
): Promise<readonly LayerConflict[]> {
  const conflicts: LayerConflict[] = []
  for (const { scope, id, parameters } of layers) {
    const before = await findLayer(sql, vault, scope, id)
    for (const [element, { value }] of parameters) {
      const held = before?.parameters.get(element)
      if (held !== undefined && held.value !== value) conflicts.push({ scope, id, element })
    }
  }
  return conflicts.slice(0, CONFLICTS_MAX)
}

/**
 * Adds the parameters to the layers, registers the devices and makes their lines.
 * @returns the conflicts, and nothing is written, when a layer has other values and `overwrite` is false
 */
export async function applyMoveIn(
  sql: Sql,
  vault: Vault,
  who: string,
  plan: MoveInPlan,
): Promise<Result<MovedIn, readonly LayerConflict[]>> {
  const conflicts = plan.overwrite ? [] : await moveInConflicts(sql, vault, plan.layers)
  if (conflicts.length > 0) return err(conflicts)
  const { why } = plan
  for (const { scope, id, parameters } of plan.layers) await addToLayer(sql, vault, { scope, id, parameters, who, why })
  const done: Moved[] = []
  for (const device of plan.devices) done.push(await moveDevice(sql, vault, who, device, plan))
  return ok({
    layers: plan.layers.length,
    devices: done.filter(({ registered }) => registered).length,
    lines: done.reduce((sum, { lineCount }) => sum + lineCount, 0),
    notApplied: done.flatMap(({ notes }) => notes),
  })
}

async function addToLayer(sql: Sql, vault: Vault, change: Parameters<typeof replaceLayer>[2]): Promise<void> {
  const before = await findLayer(sql, vault, change.scope, change.id)
  const parameters = new Map([...(before?.parameters ?? []), ...change.parameters])
  await replaceLayer(sql, vault, { ...change, parameters })
}

interface Moved {
  readonly registered: boolean
  readonly lineCount: number
  readonly notes: MovedIn['notApplied']
}

async function moveDevice(
  sql: Sql,
  vault: Vault,
  who: string,
  device: PlannedDevice,
  plan: MoveInPlan,
): Promise<Moved> {
  const notes: { readonly device: string; readonly message: string }[] = []
  const tell = (message: string): void => void notes.push({ device: device.label, message })
  const { mac, serial, model } = device
  if (mac === undefined || serial === undefined || model === undefined) {
    const missing = [
      ...(mac === undefined ? ['MAC address'] : []),
      ...(serial === undefined ? ['serial number'] : []),
      ...(model === undefined ? ['model'] : []),
    ]
    tell(`The device is not registered: give its ${missing.join(', ')}`)
    return { registered: false, lineCount: 0, notes }
  }
  const there = await viewDevice(sql, mac)
  const isNew = there === undefined
  if (!isNew && there.account_id !== plan.accountId) {
    tell('The device is registered already, not for this account; release it there first')
    return { registered: false, lineCount: 0, notes }
  }
  const lineIds = isNew ? await makeLines(sql, vault, who, device, plan.accountId, tell) : []
  if (isNew) {
    const made = await registerDevice(sql, who, { mac, serial, model, accountId: plan.accountId, lineIds })
    if (!made.ok) throw new Error(`Device ${mac} came into the database while it was moved in`)
  } else if (device.lines.length > 0) {
    tell('The device is registered already: its lines were left as they are')
  }
  if (device.parameters.size > 0) {
    await addToLayer(sql, vault, { scope: 'device', id: mac, parameters: device.parameters, who, why: plan.why })
  }
  return { registered: isNew, lineCount: lineIds.length, notes }
}

async function makeLines(
  sql: Sql,
  vault: Vault,
  who: string,
  device: PlannedDevice,
  accountId: string,
  tell: (message: string) => void,
): Promise<readonly string[]> {
  const ids: string[] = []
  for (const line of device.lines.toSorted((a, b) => a.index - b.index)) {
    const id = await lineFor(sql, vault, who, accountId, line)
    if (id.ok) ids.push(id.value)
    else tell(`Line ${line.index} (user "${line.userId}"): ${id.error}`)
    // Lines get the extensions in their order, without gaps.
    if (id.ok && ids.length !== line.index) tell(`Line ${line.index} (user "${line.userId}") became line ${ids.length}`)
  }
  return ids
}

/** A new line, or the free one that the account has for this user. */
async function lineFor(
  sql: Sql,
  vault: Vault,
  who: string,
  accountId: string,
  line: LineProposal,
): Promise<Result<string, string>> {
  const held = await sql.one<{ id: string; device_mac: string | null }>({
    name: 'find-line-of-user',
    text: 'select id, device_mac from line where account_id = $1 and domain = $2 and user_id = $3',
    values: [accountId, line.domain, line.userId],
  })
  if (held !== undefined) return held.device_mac === null ? ok(held.id) : err('it is on another device already')
  const { password, ...rest } = line
  if (password === undefined) return err('its password is not in the file; make the line by hand')
  const made = await createLine(sql, vault, who, { ...rest, accountId, password })
  return made.ok ? ok(made.value.id) : err('the account has this user already')
}
