/** Devices as an operator handles them: registered in advance, confirmed, released, disabled, looked at. */
import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import { type DeviceState, nextState } from '../devices/mod.ts'
import { assignLines, commitConfirmation } from './binding.ts'
import { dropSecrets } from './device-secrets.ts'
import { forgetAcsDevice } from './acs-parameters.ts'
import { announce } from './changes.ts'
import { recordEvent } from './events.ts'
import { deleteLayer } from './layers.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { newPassword, newProfilePath, SECRET_CONTEXT, type Vault } from './vault.ts'

export type DeviceProblem =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'not-allowed'; readonly state: DeviceState }
  | { readonly kind: 'taken'; readonly state: DeviceState }

export interface NewDevice {
  readonly mac: MacAddress
  readonly serial: SerialNumber
  readonly model: ProductName
  readonly accountId: string | undefined
  readonly lineIds: readonly string[]
  /** Accounts that whoever registers it may touch; null or absent: all. Looked at under the lock of the device. */
  readonly reach?: readonly string[] | null
}

export interface LockedDevice {
  readonly state: DeviceState
  readonly account_id: string | null
  readonly held_account_id: string | null
  readonly serial: string
  readonly model: string
  readonly batch_id: string | null
  readonly label: string
  readonly notes: string
  readonly farewell_owed: boolean
}

export async function lockDevice(sql: Sql, mac: MacAddress): Promise<LockedDevice | undefined> {
  return sql.one<LockedDevice>({
    name: 'lock-device-row',
    text: `select state, account_id, held_account_id, serial, model, batch_id, label, notes, farewell_owed
             from device where mac = $1 for update`,
    values: [mac],
  })
}

/**
 * Enters MAC and serial before the phone asks for anything; a released or disabled one starts anew.
 * @returns `taken` for a device that is held or bound already
 */
export async function registerDevice(sql: Sql, who: string, device: NewDevice): Promise<Result<void, DeviceProblem>> {
  const path = newProfilePath()
  const made = await sql.run({
    name: 'register-device',
    text: `insert into device (mac, serial, model, account_id, state, profile_path)
           values ($1, $2, $3, $4, 'known', $5) on conflict (mac) do nothing`,
    values: [device.mac, device.serial, device.model, device.accountId ?? null, path],
  })
  if (made === 0) {
    const again = await registerAgain(sql, device)
    if (!again.ok) return again
  }
  if (device.accountId !== undefined && device.lineIds.length > 0) {
    await assignLines(sql, device.mac, device.accountId, device.lineIds)
  }
  await recordRevision(sql, {
    who,
    scope: 'device',
    target: device.mac,
    what: 'registered',
    after: { model: device.model },
  })
  await recordEvent(sql, {
    name: 'device.registered',
    trust: 'operator',
    mac: device.mac,
    accountId: device.accountId,
    data: {},
  })
  await announce(sql, { kind: 'device', mac: device.mac, ...(made === 0 ? {} : { path }) })
  return ok(undefined)
}

async function registerAgain(sql: Sql, device: NewDevice): Promise<Result<void, DeviceProblem>> {
  const row = await lockDevice(sql, device.mac)
  if (row === undefined) return err({ kind: 'unknown' })
  const next = nextState(row.state, 'register')
  const owned = row.state === 'known' && row.account_id !== null && row.account_id !== device.accountId
  const owner = row.account_id ?? row.held_account_id
  const foreign = owner !== null && device.reach?.includes(owner) === false
  if (next === undefined || owned || foreign) return err({ kind: 'taken', state: row.state })
  await sql.run({
    name: 'register-device-again',
    text: `update device set state = $2, serial = $3, model = $4, account_id = $5, held_account_id = null,
             farewell_owed = false, pinned_ca = case when serial = $3 then pinned_ca end where mac = $1`,
    values: [device.mac, next, device.serial, device.model, device.accountId ?? null],
  })
  await dropSecrets(sql, device.mac, 'all')
  return ok(undefined)
}

/** A person of the account says that the held phone is theirs. */
export async function confirmDevice(
  sql: Sql,
  vault: Vault,
  who: string,
  mac: MacAddress,
): Promise<Result<void, DeviceProblem>> {
  const row = await lockDevice(sql, mac)
  if (row === undefined) return err({ kind: 'unknown' })
  const accountId = row.held_account_id
  if (nextState(row.state, 'confirm') === undefined || accountId === null)
    return err({ kind: 'not-allowed', state: row.state })
  await commitConfirmation(sql, vault, { mac, accountId })
  await recordRevision(sql, { who, scope: 'device', target: mac, what: 'confirmed' })
  return ok(undefined)
}

/**
 * Lets a device go, or shuts it out: its lines get new passwords and are free again, a farewell is owed if it ever had
 * secrets. Any older registration at the SIP side ends with the password.
 */
export async function endDevice(
  sql: Sql,
  vault: Vault,
  who: string,
  mac: MacAddress,
  how: 'release' | 'disable',
): Promise<Result<void, DeviceProblem>> {
  const row = await lockDevice(sql, mac)
  if (row === undefined) return err({ kind: 'unknown' })
  const next = nextState(row.state, how)
  if (next === undefined) return err({ kind: 'not-allowed', state: row.state })
  // One that was let go and is then shut out still has its farewell to come.
  const owed = row.state === 'bound' || row.farewell_owed
  const owner = row.account_id ?? row.held_account_id
  await rotateLinePasswords(sql, vault, mac)
  if (how === 'release') await forgetWords(sql, who, mac)
  await sql.run({
    name: 'end-device',
    text: `update device set state = $2, held_account_id = null, farewell_owed = $3,
             account_id = case when $4 then account_id end,
             running_version = null, served_version = null, pinned_ca = case when $4 then pinned_ca end
           where mac = $1`,
    values: [mac, next, owed, how === 'disable'],
  })
  await dropSecrets(sql, mac, owed ? 'but-keys' : 'all')
  await forgetAcsDevice(sql, mac)
  const whose = owner === null ? {} : { accountId: owner }
  await recordRevision(sql, { who, scope: 'device', target: mac, what: next, ...whose })
  await recordEvent(sql, {
    name: how === 'release' ? 'device.released' : 'device.disabled',
    trust: 'operator',
    mac,
    accountId: row.account_id ?? undefined,
    data: {},
  })
  await announce(sql, { kind: 'device', mac })
  return ok(undefined)
}

/** What its account wrote about it and into its layer is not for the account that gets it next. */
async function forgetWords(sql: Sql, who: string, mac: MacAddress): Promise<void> {
  await sql.run({
    name: 'forget-words-of-device',
    text: `update device set label = '', notes = '', batch_id = null where mac = $1`,
    values: [mac],
  })
  await deleteLayer(sql, who, { scope: 'device', id: mac }, undefined)
  await sql.run({
    name: 'forget-draft-of-device',
    text: `delete from layer_draft where scope = 'device' and id = $1`,
    values: [mac],
  })
}

async function rotateLinePasswords(sql: Sql, vault: Vault, mac: MacAddress): Promise<void> {
  const lines = await sql.query<{ id: string }>({
    name: 'line-ids-of-device',
    text: 'select id from line where device_mac = $1 for update',
    values: [mac],
  })
  for (const { id } of lines) {
    await sql.run({
      name: 'rotate-line-password',
      text: `update line set password = $2, password_generation = password_generation + 1,
               device_mac = null, line_index = null where id = $1`,
      values: [id, vault.seal(SECRET_CONTEXT.line(id), newPassword())],
    })
  }
}
