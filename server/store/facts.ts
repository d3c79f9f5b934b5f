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
import type { Database } from '../database/mod.ts'
import type { CodeFacts, CustomerFacts } from '../fetch/mod.ts'
import type { Feature, Layer, LayerScope } from '../profiles/mod.ts'
import type { LayerRow } from './layer-rows.ts'
import { type FeatureRow, layerKey, sharedFeature, sharedLayer, widestLayers } from './shared-values.ts'
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
  readonly features: readonly FeatureRow[] | null
}

/** Levels of the account tree above a device that are walked. */
const ANCESTORS_MAX = 16

/**
 * `up` is the way from the device's account to the root; ranks put wider scopes first. Each part of a union names its
 * rows by an index, whatever the size of the tables.
 */
const UP = `
with recursive up (id, parent_id, depth) as (
  select a.id, a.parent_id, 0 from device d join account a on a.id = d.account_id where d.mac = $1
  union all
  select a.id, a.parent_id, u.depth + 1 from account a join up u on a.id = u.parent_id where u.depth < ${ANCESTORS_MAX}
)`

/** Where the layers of device `d` lie. */
const PLACES = `
               select 0 as rank, 'platform' as scope, '-' as id
                union all select 1, 'provider', '-'
                union all select 2, 'model', d.model
                union all select 100 - u.depth, 'account', u.id from up u
                union all select 200, 'batch', d.batch_id where d.batch_id is not null
                union all select 300, 'device', d.mac`

const DEVICE_FACTS = `${UP}
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
                 'parameters', y.parameters) order by w.rank)
          from (${PLACES}) w
          join layer y on y.scope = w.scope and y.id = w.id) as layers,
       (select json_agg(json_build_object('id', f.id, 'scope', f.scope, 'scope_id',
                 coalesce(f.batch_id, f.device_mac, f.account_id), 'revision_id', f.revision_id, 'body', f.body,
                 'past', f.retired_at is not null)
                 order by f.rank, f.created_order)
          from (select 100 - u.depth as rank, a.* from up u
                  join feature a on a.account_id = u.id and a.scope = 'account'
                union all select 200, b.* from feature b where b.batch_id = d.batch_id
                union all select 300, c.* from feature c
                           where c.device_mac = d.mac and c.account_id = d.account_id) f) as features
  from device d where d.mac = $1`

/** The same for many: the work of beginning and ending a statement is shared. `$2` are layers that need not be sent. */
const MANY_DEVICE_FACTS = `select f.* from unnest($1::text[]) as asked (mac) cross join lateral (${DEVICE_FACTS.replaceAll(
  '$1',
  'asked.mac',
).replace(
  "'parameters', y.parameters)",
  "'parameters', case when y.scope || '/' || y.id || '/' || y.revision_id = any($2::text[]) then null else y.parameters end)",
)}) f`

/** One device with everything that its profile and its decisions need: one statement by key. */
export async function loadDeviceFacts(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  mac: MacAddress,
): Promise<DeviceFacts | undefined> {
  const row = await sql.one<DeviceFactsRow>({ name: 'device-facts', text: DEVICE_FACTS, values: [mac] })
  if (row === undefined) return undefined
  return factsFromRow(row, vault, (layer) => sharedLayer(layer, vault))
}

/** @returns those that there are, in one statement on the connection for hot statements */
export async function loadManyDeviceFacts(
  sql: Pick<Database, 'hot'>,
  vault: Vault,
  macs: readonly MacAddress[],
): Promise<ReadonlyMap<MacAddress, DeviceFacts>> {
  const known = widestLayers(vault)
  const values = [macs, [...known.keys()]]
  const { rows } = await sql.hot.query({ name: 'many-device-facts', text: MANY_DEVICE_FACTS, values })
  const facts = (rows as readonly DeviceFactsRow[]).map((row) =>
    factsFromRow(row, vault, (layer) => known.get(layerKey(layer)) ?? sharedLayer(layer, vault)),
  )
  return new Map(facts.map((each) => [each.device.mac, each]))
}

function factsFromRow(row: DeviceFactsRow, vault: Vault, layerOf: (row: LayerRow) => Layer): DeviceFacts {
  return {
    device: deviceFromRow(row),
    account: row.account === null ? undefined : accountFromRow(row.account),
    lines: (row.lines ?? []).map((line) => lineFromRow(line, vault)),
    secrets: secretsFromRows(row.mac, row.secrets ?? [], vault),
    layers: (row.layers ?? []).map(layerOf),
    features: featuresFromRows(row.features ?? [], false, vault),
    pastFeatures: featuresFromRows(row.features ?? [], true, vault),
  }
}

function featuresFromRows(rows: readonly FeatureRow[], past: boolean, vault: Vault): readonly Feature[] {
  return rows.filter((row) => (row.past ?? false) === past).flatMap((row) => sharedFeature(row, vault) ?? [])
}

/** Where a device may have layers, weakest first, whether there is one or not. */
export async function loadLayerPlaces(
  sql: Pick<Sql, 'query'>,
  mac: MacAddress,
): Promise<readonly { readonly scope: LayerScope; readonly id: string }[]> {
  return sql.query({
    name: 'layer-places',
    text: `${UP} select w.scope, w.id from device d cross join lateral (${PLACES}) w where d.mac = $1 order by w.rank`,
    values: [mac],
  })
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
  const profileKeys = new Map<number, string>()
  for (const row of rows) if (row.name === 'profile-key') profileKeys.set(row.generation, openedSecret(mac, row, vault))
  return {
    adminPassword: namedSecret(mac, rows, 'admin-password', vault),
    userPassword: namedSecret(mac, rows, 'user-password', vault),
    uidPassword: namedSecret(mac, rows, 'uid-password', vault),
    profileKeys,
  }
}

function namedSecret(mac: MacAddress, rows: readonly SecretRow[], name: string, vault: Vault): string {
  const row = rows.find((each) => each.name === name)
  return row === undefined ? '' : openedSecret(mac, row, vault)
}

function openedSecret(mac: MacAddress, { name, generation, sealed }: SecretRow, vault: Vault): string {
  return vault.open(SECRET_CONTEXT.device(mac, name, generation), Buffer.from(sealed, 'base64'))
}

interface CodeRow {
  readonly id: string
  readonly line_ids: readonly string[]
  readonly devices: number
  readonly expires_at: Date
  readonly revoked_at: Date | null
  readonly device_mac: MacAddress | null
  readonly account: AccountRow
  readonly used_by: readonly MacAddress[] | null
}

/** @param hash SHA-256 of the code */
export async function loadCodeFacts(sql: Pick<Sql, 'one'>, hash: Uint8Array): Promise<CodeFacts | undefined> {
  const row = await sql.one<CodeRow>({
    name: 'code-facts',
    text: `
select c.id, c.line_ids, c.devices, c.expires_at, c.revoked_at, c.device_mac,
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
    forMac: row.device_mac ?? undefined,
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
