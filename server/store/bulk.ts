/**
 * Rows of an import, read and written in sets: one statement for any number of them. Always inside the one transaction
 * of the import.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import type { AccountKind } from '../accounts/mod.ts'
import type { DeviceState } from '../devices/mod.ts'
import { announce, NAMED_CHANGES_MAX } from './changes.ts'
import { recordEvents } from './events.ts'
import type { StoredAccount } from './accounts.ts'
import type { StoredLine } from './lines.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { newProfilePath, SECRET_CONTEXT, type Vault } from './vault.ts'

type Noun = 'accounts' | 'lines' | 'devices'

export interface KnownAccount {
  readonly id: string
  readonly customerId: string
  readonly name: string
  readonly kind: AccountKind
  readonly parentId: string | null
  readonly settings: StoredAccount['settings']
}

/** Accounts that are named by id or by Customer ID. */
export async function accountsNamed(
  sql: Pick<Sql, 'query'>,
  names: readonly string[],
): Promise<readonly KnownAccount[]> {
  return sql.query<KnownAccount>({
    name: 'bulk-accounts-named',
    text: `select id, customer_id as "customerId", name, kind, parent_id as "parentId", settings from account
            where id = any ($1) or customer_id = any ($1)`,
    values: [[...names]],
  })
}

/** How deep each account stands, its root being 1. */
export async function accountDepths(
  sql: Pick<Sql, 'query'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.query<{ id: string; depth: number }>({
    name: 'bulk-account-depths',
    text: `
with recursive above (id, parent_id, depth) as (
  select id, parent_id, 1 from account where id = any ($1)
  union all
  select b.id, a.parent_id, b.depth + 1 from account a join above b on a.id = b.parent_id where b.depth < 32
) select id, max(depth) as depth from above group by id`,
    values: [[...ids]],
  })
  return new Map(rows.map(({ id, depth }) => [id, depth]))
}

/** All at once: parents may stand behind their children. */
export async function insertAccounts(sql: Sql, accounts: readonly KnownAccount[]): Promise<number> {
  return sql.run({
    name: 'bulk-insert-accounts',
    text: `insert into account (id, customer_id, name, kind, parent_id, settings)
           select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
           on conflict (customer_id) do nothing`,
    values: accountColumns(accounts),
  })
}

export async function updateAccounts(sql: Sql, accounts: readonly KnownAccount[]): Promise<void> {
  await sql.run({
    name: 'bulk-update-accounts',
    text: `update account a set name = x.name, settings = x.settings
             from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
                  as x (id, customer_id, name, kind, parent_id, settings) where a.id = x.id`,
    values: accountColumns(accounts),
  })
}

function accountColumns(accounts: readonly KnownAccount[]): readonly unknown[] {
  return [
    accounts.map(({ id }) => id),
    accounts.map(({ customerId }) => customerId),
    accounts.map(({ name }) => name),
    accounts.map(({ kind }) => kind),
    accounts.map(({ parentId }) => parentId),
    accounts.map(({ settings }) => JSON.stringify(settings)),
  ]
}

export interface KnownDevice {
  readonly mac: MacAddress
  readonly serial: string
  readonly model: string
  readonly state: DeviceState
  readonly accountId: string | null
  readonly heldAccountId: string | null
  readonly batchId: string | null
  readonly label: string
  readonly notes: string
}

/** Those that are there, locked in the order of their MACs. */
export async function lockDevices(sql: Pick<Sql, 'query'>, macs: readonly string[]): Promise<readonly KnownDevice[]> {
  return sql.query<KnownDevice>({
    name: 'bulk-lock-devices',
    text: `select mac, serial, model, state, account_id as "accountId", held_account_id as "heldAccountId",
                  batch_id as "batchId", label, notes from device where mac = any ($1) order by mac for update`,
    values: [[...macs]],
  })
}

/** @returns those that were made, with their profile paths: fewer when somebody else was first */
export async function insertDevices(
  sql: Pick<Sql, 'query'>,
  devices: readonly KnownDevice[],
): Promise<readonly { readonly mac: MacAddress; readonly path: string }[]> {
  return sql.query({
    name: 'bulk-insert-devices',
    text: `insert into device (mac, serial, model, account_id, batch_id, label, notes, profile_path, state)
           select x.*, 'known' from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
             $7::text[], $8::text[]) as x
           on conflict (mac) do nothing returning mac, profile_path as path`,
    values: [...deviceColumns(devices), devices.map(() => newProfilePath())],
  })
}

/** Writes what may change; those that were let go and get an account are known anew, without what they had. */
export async function updateDevices(sql: Sql, devices: readonly KnownDevice[], anew: readonly string[]): Promise<void> {
  await sql.run({
    name: 'bulk-update-devices',
    text: `update device d set serial = x.serial, model = x.model, account_id = x.account_id, batch_id = x.batch_id,
             label = x.label, notes = x.notes, pinned_ca = case when d.serial = x.serial then d.pinned_ca end
             from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
                  as x (mac, serial, model, account_id, batch_id, label, notes) where d.mac = x.mac`,
    values: deviceColumns(devices),
  })
  if (anew.length === 0) return
  await sql.run({
    name: 'bulk-register-again',
    text: `update device set state = 'known', held_account_id = null, farewell_owed = false where mac = any ($1)`,
    values: [[...anew]],
  })
  await sql.run({
    name: 'bulk-drop-secrets',
    text: 'delete from device_secret where mac = any ($1)',
    values: [[...anew]],
  })
}

function deviceColumns(devices: readonly KnownDevice[]): readonly unknown[] {
  return [
    devices.map(({ mac }) => mac),
    devices.map(({ serial }) => serial),
    devices.map(({ model }) => model),
    devices.map(({ accountId }) => accountId),
    devices.map(({ batchId }) => batchId),
    devices.map(({ label }) => label),
    devices.map(({ notes }) => notes),
  ]
}

export interface KnownBatch {
  readonly id: string
  readonly name: string
  readonly accountId: string
  readonly model: string | null
  readonly state: 'open' | 'shipped'
}

/** Batches that are named by id or by name. */
export async function batchesNamed(sql: Pick<Sql, 'query'>, names: readonly string[]): Promise<readonly KnownBatch[]> {
  return sql.query<KnownBatch>({
    name: 'bulk-batches-named',
    text: `select id, name, account_id as "accountId", model, state from batch
            where id = any ($1) or name = any ($1) for share`,
    values: [[...names]],
  })
}

export interface BulkLine extends StoredLine {
  /** In clear; undefined: the one that is stored stays. */
  readonly password: string | undefined
}

const LINE_COLUMNS = `id, account_id as "accountId", user_id as "userId", display_name as "displayName", domain,
  auth_id as "authId", outbound_proxy as "outboundProxy", transport, device_mac as mac, line_index as index,
  password_generation as "passwordGeneration"`

type LineKey = Pick<StoredLine, 'accountId' | 'domain' | 'userId'>

/** Those that are there, locked. */
export async function lockLines(sql: Pick<Sql, 'query'>, keys: readonly LineKey[]): Promise<readonly StoredLine[]> {
  return sql.query<StoredLine>({
    name: 'bulk-lock-lines',
    text: `select ${LINE_COLUMNS} from line
            where (account_id, domain, user_id) in (select * from unnest($1::text[], $2::text[], $3::text[]))
            order by id for update`,
    values: [
      keys.map(({ accountId }) => accountId),
      keys.map(({ domain }) => domain),
      keys.map(({ userId }) => userId),
    ],
  })
}

/** Passwords of lines in clear, by id. */
export async function linePasswords(
  sql: Pick<Sql, 'query'>,
  vault: Vault,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.query<{ id: string; password: Buffer }>({
    name: 'bulk-line-passwords',
    text: 'select id, password from line where id = any ($1)',
    values: [[...ids]],
  })
  return new Map(rows.map(({ id, password }) => [id, vault.open(SECRET_CONTEXT.line(id), password)]))
}

/** @returns how many were made: fewer when somebody else was first */
export async function insertLines(sql: Sql, vault: Vault, lines: readonly BulkLine[]): Promise<number> {
  return sql.run({
    name: 'bulk-insert-lines',
    text: `insert into line (id, account_id, user_id, domain, display_name, auth_id, outbound_proxy, transport,
                             device_mac, line_index, password)
           select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::text[], $9::text[], $10::integer[], $11::bytea[])
           on conflict (account_id, domain, user_id) do nothing`,
    values: [
      ...lineColumns(lines),
      lines.map(({ id, password }) => vault.seal(SECRET_CONTEXT.line(id), password ?? '')),
    ],
  })
}

export async function updateLines(sql: Sql, vault: Vault, lines: readonly BulkLine[]): Promise<void> {
  // Lines may change places: all leave theirs before one takes another's.
  await sql.run({
    name: 'bulk-leave-places',
    text: 'update line set line_index = null where id = any ($1)',
    values: [lines.map(({ id }) => id)],
  })
  await sql.run({
    name: 'bulk-update-lines',
    text: `update line l set display_name = x.display_name, auth_id = x.auth_id, outbound_proxy = x.outbound_proxy,
             transport = x.transport, device_mac = x.mac, line_index = x.index,
             password = coalesce(x.password, l.password),
             password_generation = l.password_generation + case when x.password is null then 0 else 1 end
             from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::text[], $10::integer[], $11::bytea[])
                  as x (id, account_id, user_id, domain, display_name, auth_id, outbound_proxy, transport, mac, index,
                        password)
            where l.id = x.id`,
    values: [
      ...lineColumns(lines),
      lines.map(({ id, password }) => (password === undefined ? null : vault.seal(SECRET_CONTEXT.line(id), password))),
    ],
  })
}

function lineColumns(lines: readonly BulkLine[]): readonly unknown[] {
  return [
    lines.map(({ id }) => id),
    lines.map(({ accountId }) => accountId),
    lines.map(({ userId }) => userId),
    lines.map(({ domain }) => domain),
    lines.map(({ displayName }) => displayName),
    lines.map(({ authId }) => authId),
    lines.map(({ outboundProxy }) => outboundProxy),
    lines.map(({ transport }) => transport),
    lines.map(({ mac }) => mac),
    lines.map(({ index }) => index),
  ]
}

/** Says of an import who did it, what came of it, and which phones are concerned. */
export async function noteImport(
  sql: Sql,
  who: string,
  noun: Noun,
  counts: Readonly<Record<string, number>>,
  phones: { readonly made: readonly KnownDevice[]; readonly changed: readonly MacAddress[] },
): Promise<void> {
  const importId = await recordRevision(sql, { who, scope: 'import', target: noun, what: 'imported', after: counts })
  const about = { trust: 'operator', data: { importId } } as const
  await recordEvents(sql, [
    ...phones.made.map(({ mac, accountId }) => ({
      ...about,
      name: 'device.registered' as const,
      mac,
      accountId: accountId ?? undefined,
    })),
    ...phones.changed.map((mac) => ({ ...about, name: 'device.changed' as const, mac, accountId: undefined })),
  ])
  const named = phones.made.length === 0 && phones.changed.length <= NAMED_CHANGES_MAX && noun !== 'accounts'
  if (!named) await announce(sql, { kind: 'reload' })
  else for (const mac of phones.changed) await announce(sql, { kind: 'device', mac })
}

/** One page of an export, by key. */
export async function exportPage<T>(
  sql: Pick<Sql, 'query'>,
  noun: Noun,
  page: { readonly reach: readonly string[] | null; readonly after: string; readonly limit: number },
): Promise<readonly T[]> {
  return sql.query<T>({
    ...EXPORTS[noun],
    values: [page.reach === null ? null : [...page.reach], page.after, page.limit],
  })
}

const EXPORTS: Readonly<Record<Noun, { readonly name: string; readonly text: string }>> = {
  accounts: {
    name: 'export-accounts',
    text: `select a.id, a.customer_id as "customerId", a.name, a.kind, p.customer_id as parent, a.settings
             from account a left join account p on p.id = a.parent_id
            where ($1::text[] is null or a.id = any ($1)) and a.id > $2 order by a.id limit $3`,
  },
  lines: {
    name: 'export-lines',
    text: `select l.id, a.customer_id as account, l.user_id as "userId", l.domain, l.display_name as "displayName",
                  l.auth_id as "authId", l.outbound_proxy as "outboundProxy", l.transport, l.device_mac as mac,
                  l.line_index as index
             from line l join account a on a.id = l.account_id
            where ($1::text[] is null or l.account_id = any ($1)) and l.id > $2 order by l.id limit $3`,
  },
  devices: {
    name: 'export-devices',
    text: `select d.mac as id, d.mac, d.serial, d.model, a.customer_id as account, d.batch_id as batch, d.label, d.notes,
                  d.state
             from device d left join account a on a.id = coalesce(d.account_id, d.held_account_id)
            where ($1::text[] is null or coalesce(d.account_id, d.held_account_id) = any ($1)) and d.mac > $2
            order by d.mac limit $3`,
  },
}
