/** Loads what decisions need, as plain values. Reads only; no opinions. */
import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'
import { accountSettings } from '../accounts/mod.ts'
import type {
  AccountFacts,
  AccountSettings,
  Device,
  DeviceFacts,
  DeviceLine,
  DeviceSecrets,
  DeviceState,
} from '../devices/mod.ts'
import type { CodeFacts, CustomerFacts } from '../fetch/mod.ts'
import type { Layer } from '../profiles/mod.ts'
import { type LayerRow, layerFromRow } from './layer-rows.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

interface AccountRow {
  readonly id: string
  readonly customer_id: string
  readonly name: string
  readonly settings: Partial<AccountSettings>
}

interface LineRow {
  readonly id: string
  readonly line_index: number
  readonly user_id: string
  readonly display_name: string
  readonly domain: string
  readonly auth_id: string | null
  readonly outbound_proxy: string | null
  readonly transport: DeviceLine['transport'] | null
  readonly password: string
}

interface SecretRow {
  readonly name: string
  readonly generation: number
  readonly sealed: string
}

export interface DeviceRow {
  readonly mac: MacAddress
  readonly serial: SerialNumber
  readonly model: ProductName
  readonly account_id: string | null
  readonly held_account_id: string | null
  readonly state: DeviceState
  readonly pinned_ca: string | null
  readonly profile_path: string
  readonly key_issued: number
  readonly key_confirmed: number
  readonly farewell_owed: boolean
  readonly served_version: string | null
  readonly running_version: string | null
}

interface DeviceFactsRow extends DeviceRow {
  readonly account: AccountRow | null
  readonly lines: readonly LineRow[] | null
  readonly secrets: readonly SecretRow[] | null
  readonly layers: readonly LayerRow[] | null
}

const DEVICE_FACTS = `
select d.mac, d.serial, d.model, d.account_id, d.held_account_id, d.state, d.pinned_ca, d.profile_path,
       d.key_issued, d.key_confirmed, d.farewell_owed, d.served_version, d.running_version,
       (select json_build_object('id', a.id, 'customer_id', a.customer_id, 'name', a.name, 'settings', a.settings)
          from account a where a.id = coalesce(d.account_id, d.held_account_id)) as account,
       (select json_agg(json_build_object('id', l.id, 'line_index', l.line_index, 'user_id', l.user_id,
                 'display_name', l.display_name, 'domain', l.domain, 'auth_id', l.auth_id,
                 'outbound_proxy', l.outbound_proxy, 'transport', l.transport,
                 'password', encode(l.password, 'base64')) order by l.line_index)
          from line l where l.device_mac = d.mac) as lines,
       (select json_agg(json_build_object('name', s.name, 'generation', s.generation,
                 'sealed', encode(s.sealed, 'base64')))
          from device_secret s where s.mac = d.mac) as secrets,
       (select json_agg(json_build_object('scope', y.scope, 'id', y.id, 'revision_id', y.revision_id,
                 'parameters', y.parameters))
          from layer y
         where (y.scope, y.id) in (('platform', '-'), ('provider', '-'), ('model', d.model),
                                   ('account', coalesce(d.account_id, '')), ('device', d.mac))) as layers
  from device d where d.mac = $1`

/** One device with everything that its profile and its decisions need: one statement by key. */
export async function loadDeviceFacts(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  mac: MacAddress,
): Promise<DeviceFacts | undefined> {
  const row = await sql.one<DeviceFactsRow>({ name: 'device-facts', text: DEVICE_FACTS, values: [mac] })
  if (row === undefined) return undefined
  return {
    device: deviceFromRow(row),
    account: row.account === null ? undefined : accountFromRow(row.account),
    lines: (row.lines ?? []).map((line) => lineFromRow(line, vault)),
    secrets: secretsFromRows(row.mac, row.secrets ?? [], vault),
    layers: sortedLayers((row.layers ?? []).map((layer) => layerFromRow(layer, vault))),
  }
}

export function deviceFromRow(row: DeviceRow): Device {
  return {
    mac: row.mac,
    serial: row.serial,
    model: row.model,
    accountId: row.account_id ?? undefined,
    heldAccountId: row.held_account_id ?? undefined,
    state: row.state,
    pinnedCa: row.pinned_ca ?? undefined,
    profilePath: row.profile_path,
    keyIssued: row.key_issued,
    keyConfirmed: row.key_confirmed,
    farewellOwed: row.farewell_owed,
    servedVersion: row.served_version ?? undefined,
    runningVersion: row.running_version ?? undefined,
  }
}

function accountFromRow(row: AccountRow): AccountFacts {
  return { id: row.id, customerId: row.customer_id, name: row.name, settings: accountSettings(row.settings) }
}

function lineFromRow(row: LineRow, vault: Vault): DeviceLine {
  return {
    id: row.id,
    index: row.line_index,
    userId: row.user_id,
    displayName: row.display_name,
    domain: row.domain,
    authId: row.auth_id ?? undefined,
    outboundProxy: row.outbound_proxy ?? undefined,
    transport: row.transport ?? undefined,
    password: vault.open(SECRET_CONTEXT.line(row.id), Buffer.from(row.password, 'base64')),
  }
}

function secretsFromRows(mac: MacAddress, rows: readonly SecretRow[], vault: Vault): DeviceSecrets | undefined {
  if (rows.length === 0) return undefined
  const open = (row: SecretRow): string =>
    vault.open(SECRET_CONTEXT.device(mac, row.name, row.generation), Buffer.from(row.sealed, 'base64'))
  const named = (name: string): string => {
    const row = rows.find((each) => each.name === name)
    return row === undefined ? '' : open(row)
  }
  const keys = rows.filter((row) => row.name === 'profile-key')
  return {
    adminPassword: named('admin-password'),
    userPassword: named('user-password'),
    uidPassword: named('uid-password'),
    profileKeys: new Map(keys.map((row) => [row.generation, open(row)])),
  }
}

const SCOPE_ORDER: readonly Layer['scope'][] = ['platform', 'provider', 'model', 'account', 'device']

function sortedLayers(layers: readonly Layer[]): readonly Layer[] {
  return layers.toSorted((a, b) => SCOPE_ORDER.indexOf(a.scope) - SCOPE_ORDER.indexOf(b.scope))
}

interface CodeRow {
  readonly id: string
  readonly line_ids: readonly string[]
  readonly devices: number
  readonly expires_at: Date
  readonly revoked_at: Date | null
  readonly account: AccountRow
  readonly used_by: readonly MacAddress[] | null
}

/** @param hash SHA-256 of the code */
export async function loadCodeFacts(sql: Pick<Sql, 'one'>, hash: Uint8Array): Promise<CodeFacts | undefined> {
  const row = await sql.one<CodeRow>({
    name: 'code-facts',
    text: `
select c.id, c.line_ids, c.devices, c.expires_at, c.revoked_at,
       json_build_object('id', a.id, 'customer_id', a.customer_id, 'name', a.name, 'settings', a.settings) as account,
       (select array_agg(u.mac) from code_use u where u.code_id = c.id) as used_by
  from code c join account a on a.id = c.account_id where c.hash = $1`,
    values: [hash],
  })
  if (row === undefined) return undefined
  return {
    id: row.id,
    account: accountFromRow(row.account),
    lineIds: row.line_ids,
    expiresAt: row.expires_at.getTime(),
    revoked: row.revoked_at !== null,
    devices: row.devices,
    usedBy: row.used_by ?? [],
  }
}

interface CustomerRow {
  readonly account: AccountRow
  readonly windows: readonly { id: string; opened_from: string; until_ms: number; left: number }[] | null
}

export async function loadCustomerFacts(sql: Pick<Sql, 'one'>, customerId: string): Promise<CustomerFacts | undefined> {
  const row = await sql.one<CustomerRow>({
    name: 'customer-facts',
    text: `
select json_build_object('id', a.id, 'customer_id', a.customer_id, 'name', a.name, 'settings', a.settings) as account,
       (select json_agg(json_build_object('id', w.id, 'opened_from', w.opened_from,
                 'until_ms', extract(epoch from w.until) * 1000, 'left', w.devices - w.used) order by w.until)
          from enrolment_window w
         where w.account_id = a.id and w.until > now() - interval '1 day' and w.used < w.devices) as windows
  from account a where a.customer_id = $1`,
    values: [customerId],
  })
  if (row === undefined) return undefined
  const windows = (row.windows ?? []).map((window) => ({
    id: window.id,
    openedFrom: window.opened_from,
    until: window.until_ms,
    left: window.left,
  }))
  return { account: accountFromRow(row.account), windows }
}
