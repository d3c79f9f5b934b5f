/**
 * A phone takes the place of another: lines, layer, features, batch and words move in one transaction. The old phone is let go with its
 * farewell. Its lines get new passwords, for it knows the old ones. The new phone is registered and bound to nothing
 * until it proves itself with its own certificate; then it gets keys of its own.
 */
import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'
import { appliesTo, catalogue, modelInfo } from '../../protocol/profile/mod.ts'
import { assert, err, ok, type Result } from '../../protocol/result.ts'
import type { DeviceFacts, DeviceState } from '../devices/mod.ts'
import type { Layer, LayerParameter } from '../profiles/mod.ts'
import { lockForBinding } from './binding.ts'
import { announce } from './changes.ts'
import { endDevice, type LockedDevice, lockDevice, registerDevice } from './devices.ts'
import { recordEvents } from './events.ts'
import { loadDeviceFacts } from './facts.ts'
import { moveDeviceFeatures } from './features.ts'
import { deleteLayer, replaceLayer } from './layers.ts'
import { linesOfDevices } from './lines.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { newPassword, SECRET_CONTEXT, type Vault } from './vault.ts'

/** What the new model cannot do, or what stays behind. */
export interface ReplaceNotice {
  readonly code: string
  readonly element: string
  readonly message: string
  readonly advice: string
}

export interface MovedLine {
  readonly id: string
  readonly index: number
  readonly userId: string
  readonly domain: string
  /** The registrar needs the password of this generation. */
  readonly passwordGeneration: number
}

export interface ReplaceReport {
  readonly lines: readonly MovedLine[]
  /** Lines that do not fit and become free. */
  readonly droppedLines: readonly MovedLine[]
  readonly layerElements: readonly string[]
  readonly features: readonly string[]
  readonly batchId: string | null
  readonly notices: readonly ReplaceNotice[]
  readonly old: { readonly state: DeviceState; readonly farewell: 'owed' | null }
}

export type ReplaceProblem =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'same' }
  | { readonly kind: 'wrong-state'; readonly state: DeviceState }
  | { readonly kind: 'unknown-model' }
  | { readonly kind: 'taken'; readonly state: DeviceState }
  | { readonly kind: 'has-lines'; readonly count: number }
  | { readonly kind: 'too-few-lines'; readonly most: number; readonly lines: readonly MovedLine[] }

export interface Replacement {
  readonly mac: MacAddress
  readonly to: { readonly mac: MacAddress; readonly serial: SerialNumber; readonly model: ProductName }
}

export interface ReplaceOptions {
  /** Lines that do not fit become free instead of being refused. */
  readonly force: boolean
  /** What the new model cannot do of the features that are in force. */
  readonly featureProblems: (features: DeviceFacts['features'], model: ProductName) => readonly ReplaceNotice[]
}

/** Everything or nothing. A dry run does the same and rolls back. */
export async function replaceDevice(
  sql: Sql,
  vault: Vault,
  who: string,
  replacement: Replacement,
  options: ReplaceOptions,
): Promise<Result<ReplaceReport, ReplaceProblem>> {
  const { mac, to } = replacement
  if (mac === to.mac) return err({ kind: 'same' })
  const most = modelInfo(to.model)?.lines
  if (most === undefined) return err({ kind: 'unknown-model' })
  // Always in the same order, or two replacements that cross could wait for each other.
  for (const each of [mac, to.mac].toSorted()) await lockForBinding(sql, { mac: each })
  const old = await lockDevice(sql, mac)
  if (old === undefined) return err({ kind: 'unknown' })
  if (old.account_id === null || (old.state !== 'bound' && old.state !== 'known')) {
    return err({ kind: 'wrong-state', state: old.state })
  }
  const taken = await newcomerProblem(sql, to.mac, old.account_id)
  if (taken !== undefined) return err(taken)
  const facts = await loadDeviceFacts(sql, vault, mac)
  assert(facts !== undefined, 'the locked device has facts')
  const lines = await movedLines(sql, mac)
  const tooMany = lines.filter(({ index }) => index > most)
  if (tooMany.length > 0 && !options.force) return err({ kind: 'too-few-lines', most, lines: tooMany })
  return ok(await carryOut(sql, vault, who, { replacement, old, facts, lines, most, options }))
}

/** The new phone must be nobody's, or known to the same account with nothing on it. */
async function newcomerProblem(sql: Sql, mac: MacAddress, accountId: string): Promise<ReplaceProblem | undefined> {
  const row = await lockDevice(sql, mac)
  if (row === undefined) return undefined
  const foreign = row.account_id !== null && row.account_id !== accountId
  if (row.state === 'held' || row.state === 'bound' || foreign) return { kind: 'taken', state: row.state }
  const lines = await linesOfDevices(sql, [mac])
  return lines.length > 0 ? { kind: 'has-lines', count: lines.length } : undefined
}

async function movedLines(sql: Sql, mac: MacAddress): Promise<readonly MovedLine[]> {
  const lines = await linesOfDevices(sql, [mac])
  return lines.map(({ id, index, userId, domain, passwordGeneration }) => ({
    id,
    index,
    userId,
    domain,
    passwordGeneration: passwordGeneration + 1,
  }))
}

interface Work {
  readonly replacement: Replacement
  readonly old: LockedDevice
  readonly facts: DeviceFacts
  readonly lines: readonly MovedLine[]
  readonly most: number
  readonly options: ReplaceOptions
}

async function carryOut(sql: Sql, vault: Vault, who: string, work: Work): Promise<ReplaceReport> {
  const { replacement, old, facts, lines, most, options } = work
  const { mac, to } = replacement
  const accountId = old.account_id ?? undefined
  const registered = await registerDevice(sql, who, { ...to, accountId, lineIds: [] })
  assert(registered.ok, 'the new phone was found to be free')
  await moveWords(sql, to.mac, old)
  const fitting = lines.filter(({ index }) => index <= most)
  await moveLines(sql, vault, to.mac, fitting)
  const layer = await moveLayer(sql, vault, who, { facts, to })
  const features = facts.features.filter(({ scope }) => scope === 'device').map(({ id }) => id)
  await moveDeviceFeatures(sql, mac, to.mac)
  // What is still on the old phone is taken from it with new passwords too.
  const state = await letGo(sql, vault, who, mac, old)
  await noteReplacement(sql, who, replacement, accountId, fitting.length)
  return {
    lines: fitting,
    droppedLines: lines.filter(({ index }) => index > most),
    layerElements: layer.moved,
    features,
    batchId: old.batch_id,
    notices: [...layer.notices, ...options.featureProblems(facts.features, to.model)],
    old: { state, farewell: old.state === 'bound' ? 'owed' : null },
  }
}

async function moveWords(sql: Sql, to: MacAddress, old: LockedDevice): Promise<void> {
  await sql.run({
    name: 'move-words',
    text: 'update device set label = $2, notes = $3, batch_id = $4 where mac = $1',
    values: [to, old.label, old.notes, old.batch_id],
  })
}

async function moveLines(sql: Sql, vault: Vault, to: MacAddress, lines: readonly MovedLine[]): Promise<void> {
  for (const { id } of lines) {
    await sql.run({
      name: 'move-line',
      text: `update line set device_mac = $2, password = $3, password_generation = password_generation + 1
              where id = $1`,
      values: [id, to, vault.seal(SECRET_CONTEXT.line(id), newPassword())],
    })
  }
}

async function moveLayer(
  sql: Sql,
  vault: Vault,
  who: string,
  { facts, to }: { readonly facts: DeviceFacts; readonly to: Replacement['to'] },
): Promise<{ readonly moved: readonly string[]; readonly notices: readonly ReplaceNotice[] }> {
  const layer = facts.layers.find(({ scope }) => scope === 'device')
  if (layer === undefined) return { moved: [], notices: [] }
  const { kept, notices } = fittingParameters(layer, to.model)
  const why = `${facts.device.mac} was replaced by ${to.mac}`
  await replaceLayer(sql, vault, { scope: 'device', id: to.mac, parameters: kept, who, why, what: 'moved' })
  await deleteLayer(sql, who, layer, undefined)
  await sql.run({
    name: 'drop-moved-draft',
    text: `delete from layer_draft where scope = 'device' and id = $1`,
    values: [facts.device.mac],
  })
  return { moved: [...kept.keys()], notices }
}

/** Elements that the new model lacks are left out and named. */
function fittingParameters(
  layer: Layer,
  model: ProductName,
): { readonly kept: ReadonlyMap<string, LayerParameter>; readonly notices: readonly ReplaceNotice[] } {
  const fits = (element: string): boolean => catalogue.find(element) === undefined || appliesTo(element, model)
  const kept = [...layer.parameters].filter(([element]) => fits(element))
  const lost = [...layer.parameters.keys()].filter((element) => !fits(element))
  const notices = lost.map((element) => ({
    code: 'unknown-element',
    element,
    message: `${model} has no "${element}": it stays behind`,
    advice: 'Look whether the new phone has another parameter for it.',
  }))
  return { kept: new Map(kept), notices }
}

/** A bound phone is released; one that never proved itself is known still, and nobody's. */
async function letGo(sql: Sql, vault: Vault, who: string, mac: MacAddress, old: LockedDevice): Promise<DeviceState> {
  await sql.run({ name: 'leave-batch', text: 'update device set batch_id = null where mac = $1', values: [mac] })
  if (old.state === 'bound') {
    const ended = await endDevice(sql, vault, who, mac, 'release')
    assert(ended.ok, 'a bound device may be released')
    return 'released'
  }
  await sql.run({
    name: 'let-known-go',
    text: 'update device set account_id = null where mac = $1',
    values: [mac],
  })
  await freeLines(sql, vault, mac)
  await announce(sql, { kind: 'device', mac })
  return 'known'
}

/** Those that do not fit the new phone. The old one never had them, but the report promised new passwords. */
async function freeLines(sql: Sql, vault: Vault, mac: MacAddress): Promise<void> {
  for (const { id } of await linesOfDevices(sql, [mac])) {
    await sql.run({
      name: 'free-replaced-line',
      text: `update line set device_mac = null, line_index = null, password = $2,
               password_generation = password_generation + 1 where id = $1`,
      values: [id, vault.seal(SECRET_CONTEXT.line(id), newPassword())],
    })
  }
}

async function noteReplacement(
  sql: Sql,
  who: string,
  { mac, to }: Replacement,
  accountId: string | undefined,
  lines: number,
): Promise<void> {
  await recordRevision(sql, {
    who,
    scope: 'device',
    target: to.mac,
    what: 'replaced another',
    before: { mac },
    after: { ...to },
  })
  const about = { name: 'device.replaced', trust: 'operator', accountId } as const
  await recordEvents(sql, [
    { ...about, mac, data: { by: to.mac, lines } },
    { ...about, mac: to.mac, data: { replaces: mac, lines } },
  ])
}
