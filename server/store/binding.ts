/**
 * Writes a binding: the device's row, its keys and passwords, its lines, the use of the code or window. Always inside
 * one transaction, with the rows locked by `lockForBinding` before the decision was made.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import { assert } from '../../protocol/result.ts'
import { type DeviceState, nextState } from '../devices/mod.ts'
import type { FetchCommit, ProvenCertificate } from '../fetch/mod.ts'
import { forgetAcsDevice } from './acs-parameters.ts'
import { takeFreeLines } from './box-lines.ts'
import { announce, announceCode, announceCustomer } from './changes.ts'
import { createSecrets, dropSecrets } from './device-secrets.ts'
import { recordEvent } from './events.ts'
import type { Sql } from './sql.ts'
import { newProfilePath, type Vault } from './vault.ts'

type BindCommit = Extract<FetchCommit, { kind: 'bind' }>
type HoldCommit = Extract<FetchCommit, { kind: 'hold' }>

/** Locks what a binding decides on, always in this order: code, customer's windows, device. */
export async function lockForBinding(
  sql: Sql,
  keys: { readonly codeHash?: Uint8Array; readonly customerId?: string; readonly mac: MacAddress },
): Promise<void> {
  if (keys.codeHash !== undefined) {
    await sql.one({
      name: 'lock-code',
      text: 'select id from code where hash = $1 for update',
      values: [keys.codeHash],
    })
  }
  if (keys.customerId !== undefined) {
    await sql.one({
      name: 'lock-account',
      text: 'select id from account where customer_id = $1 for update',
      values: [keys.customerId],
    })
  }
  // A phone that nobody registered has no row to lock: the advisory lock stands for its MAC.
  await sql.one({
    name: 'lock-mac',
    text: `select pg_advisory_xact_lock(('x' || $1)::bit(64)::bigint)`,
    values: [keys.mac.padStart(16, '0')],
  })
  await sql.one({ name: 'lock-device', text: 'select mac from device where mac = $1 for update', values: [keys.mac] })
}

/** Ties the device to the account. The caller decided under the locks that it may. */
export async function commitBinding(sql: Sql, vault: Vault, commit: BindCommit): Promise<void> {
  const { mac } = commit.certificate
  const state = await ensureDevice(sql, commit.certificate)
  const next = nextState(state, 'bind')
  assert(next !== undefined, `a device in state "${state}" was decided to be bound`)
  const issued = await markBound(sql, commit, next)
  // Whoever had the device before may know its keys.
  if (state !== 'bound') {
    await dropSecrets(sql, mac, 'all')
    await forgetAcsDevice(sql, mac)
    await forgetRegistration(sql, mac)
  }
  await createSecrets(sql, vault, mac, issued)
  const lineCount = await assignLines(sql, mac, commit.accountId, commit.lineIds)
  await countUse(sql, commit)
  const about = { trust: 'certified', mac, accountId: commit.accountId } as const
  await recordEvent(sql, { ...about, name: 'device.bound', data: { by: commit.by, lines: lineCount } })
  await recordEvent(sql, { ...about, name: 'key.issued', data: { generation: issued } })
  await announce(sql, { kind: 'device', mac })
}

/** What it said of its registration it said of a line that it has no more. */
async function forgetRegistration(sql: Sql, mac: MacAddress): Promise<void> {
  await sql.run({
    name: 'forget-registration',
    text: 'update device_seen set registration_seconds = null where mac = $1',
    values: [mac],
  })
}

/** Makes a held phone its account's own: what a person confirmed. The state was checked by the caller. */
export async function commitConfirmation(
  sql: Sql,
  vault: Vault,
  device: { readonly mac: MacAddress; readonly accountId: string },
): Promise<void> {
  const row = await sql.one<{ key_issued: number }>({
    name: 'confirm-device',
    text: `update device set state = 'bound', account_id = $2, held_account_id = null, bound_at = now(),
             farewell_owed = false, key_issued = key_issued + 1 where mac = $1 returning key_issued`,
    values: [device.mac, device.accountId],
  })
  assert(row !== undefined, 'the confirmed device has a row')
  await dropSecrets(sql, device.mac, 'all')
  await forgetRegistration(sql, device.mac)
  await createSecrets(sql, vault, device.mac, row.key_issued)
  const lines = await assignLines(sql, device.mac, device.accountId, [])
  const about = { trust: 'operator', mac: device.mac, accountId: device.accountId } as const
  await recordEvent(sql, { ...about, name: 'device.confirmed', data: { lines } })
  await announce(sql, { kind: 'device', mac: device.mac })
}

export async function commitHold(sql: Sql, commit: HoldCommit): Promise<void> {
  const { certificate, accountId, windowId } = commit
  const state = await ensureDevice(sql, certificate)
  const next = nextState(state, 'hold')
  assert(next !== undefined, `a device in state "${state}" was decided to be held`)
  await sql.run({
    name: 'hold-device',
    text: `update device set state = $2, held_account_id = $3, account_id = null,
             pinned_ca = coalesce(pinned_ca, $4) where mac = $1`,
    values: [certificate.mac, next, accountId, certificate.caFingerprint],
  })
  await countWindow(sql, windowId, accountId)
  await recordEvent(sql, {
    name: 'device.held',
    trust: 'certified',
    mac: certificate.mac,
    accountId,
    data: { serial: certificate.serial, productName: certificate.productName },
  })
  await announce(sql, { kind: 'device', mac: certificate.mac })
}

/** @returns the state that the device had; a MAC that nobody registered becomes known by its certificate. */
async function ensureDevice(sql: Sql, certificate: ProvenCertificate): Promise<DeviceState> {
  const { mac, serial, productName } = certificate
  const path = newProfilePath()
  const made = await sql.run({
    name: 'device-from-certificate',
    text: `insert into device (mac, serial, model, state, profile_path) values ($1, $2, $3, 'known', $4)
           on conflict (mac) do nothing`,
    values: [mac, serial, productName, path],
  })
  if (made > 0) await announce(sql, { kind: 'device', mac, path })
  const row = await sql.one<{ state: DeviceState }>({
    name: 'device-state',
    text: 'select state from device where mac = $1',
    values: [mac],
  })
  assert(row !== undefined, 'the device was just made sure of')
  return row.state
}

async function markBound(sql: Sql, commit: BindCommit, state: DeviceState): Promise<number> {
  const row = await sql.one<{ key_issued: number }>({
    name: 'bind-device',
    text: `update device set state = $2, account_id = $3, held_account_id = null, farewell_owed = false,
             pinned_ca = coalesce(pinned_ca, $4), bound_at = now(), key_issued = key_issued + 1,
             served_version = null, running_version = null
           where mac = $1 returning key_issued`,
    values: [commit.certificate.mac, state, commit.accountId, commit.certificate.caFingerprint],
  })
  assert(row !== undefined, 'the bound device has a row')
  return row.key_issued
}

/**
 * Gives the device its lines: those named, as far as they are free, else the account's next free line when it has none.
 * @returns how many lines the device has then
 */
export async function assignLines(
  sql: Sql,
  mac: MacAddress,
  accountId: string,
  lineIds: readonly string[],
): Promise<number> {
  const before = await sql.query<{ line_index: number }>({
    name: 'lines-of-device',
    text: 'select line_index from line where device_mac = $1 order by line_index',
    values: [mac],
  })
  const wanted =
    lineIds.length > 0
      ? await freeLinesNamed(sql, accountId, lineIds)
      : before.length > 0
        ? []
        : (await takeFreeLines(sql, accountId, 1, [])).map(({ id }) => id)
  let index = before.at(-1)?.line_index ?? 0
  for (const id of wanted) {
    index += 1
    await sql.run({
      name: 'assign-line',
      text: 'update line set device_mac = $2, line_index = $3 where id = $1',
      values: [id, mac, index],
    })
  }
  return before.length + wanted.length
}

async function freeLinesNamed(sql: Sql, accountId: string, lineIds: readonly string[]): Promise<readonly string[]> {
  const rows = await sql.query<{ id: string }>({
    name: 'free-lines-named',
    text: `select id from line where account_id = $1 and id = any ($2) and device_mac is null
           order by array_position($2, id) for update`,
    values: [accountId, [...lineIds]],
  })
  return rows.map(({ id }) => id)
}

async function countUse(sql: Sql, commit: BindCommit): Promise<void> {
  if (commit.codeId !== undefined) {
    await sql.run({
      name: 'use-code',
      text: 'insert into code_use (code_id, mac) values ($1, $2) on conflict do nothing',
      values: [commit.codeId, commit.certificate.mac],
    })
    await announceCode(sql, commit.codeId)
  }
  if (commit.windowId !== undefined) await countWindow(sql, commit.windowId, commit.accountId)
}

async function countWindow(sql: Sql, windowId: string, accountId: string): Promise<void> {
  await sql.run({
    name: 'count-window',
    text: 'update enrolment_window set used = used + 1 where id = $1',
    values: [windowId],
  })
  await announceCustomer(sql, accountId)
}
