/** The trees of TR-069 devices: one row for each object and parameter. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import { type KnownParameter, withNews } from '../tr069/mod.ts'
import { jsonOf } from './json.ts'
import type { Sql } from './sql.ts'

/** Rows kept of one device; what a device reports beyond is dropped. */
export const PARAMETERS_MAX = 20_000

/** A row as a session reads it. */
interface ParameterRow {
  readonly path: string
  readonly type: KnownParameter['type'] | null
  readonly writable: boolean | null
  readonly value: string | null
  readonly notification: number | null
  readonly sentMac: string | null
}

const COLUMNS = `path, type, writable, value, notification, sent_mac as "sentMac"`

/** The whole tree by path. */
export async function loadTree(sql: Pick<Sql, 'query'>, mac: MacAddress): Promise<ReadonlyMap<string, KnownParameter>> {
  const rows = await sql.query<ParameterRow>({
    name: 'load-acs-tree',
    text: `select ${COLUMNS} from acs_parameter where mac = $1 order by path limit ${PARAMETERS_MAX}`,
    values: [mac],
  })
  return new Map(rows.map((row) => [row.path, knownOf(row)]))
}

function knownOf(row: ParameterRow): KnownParameter {
  return {
    path: row.path,
    type: row.type ?? undefined,
    writable: row.writable ?? undefined,
    value: row.value ?? undefined,
    notification: row.notification ?? undefined,
    sentMac: row.sentMac ?? undefined,
  }
}

/** Parameters of one device, seen at one time. */
export interface SeenParameters {
  readonly mac: MacAddress
  readonly at: Millis
  readonly rows: readonly KnownParameter[]
}

/** What a row leaves out stays as it was. One statement for any number of devices; later ones win. */
export async function recordParameters(sql: Pick<Sql, 'run'>, seen: readonly SeenParameters[]): Promise<void> {
  const all = onceEach(seen)
  if (all.length === 0) return
  await sql.run({
    name: 'record-acs-parameters',
    text: `insert into acs_parameter (mac, at, path, type, writable, value, notification, sent_mac)
           select x.mac, to_timestamp(x.at / 1000.0), x.path, x.type, x.writable, x.value, x.notification, x."sentMac"
             from json_to_recordset($1::json) as x (mac text, at float8, path text, type text, writable bool, value text,
                                                    notification smallint, "sentMac" text)
             join device d on d.mac = x.mac
           on conflict (mac, path) do update set at = excluded.at, type = coalesce(excluded.type, acs_parameter.type),
             writable = coalesce(excluded.writable, acs_parameter.writable),
             value = coalesce(excluded.value, acs_parameter.value),
             notification = coalesce(excluded.notification, acs_parameter.notification),
             sent_mac = coalesce(excluded.sent_mac, acs_parameter.sent_mac)`,
    // One text is quicker to write than an array for each column.
    values: [jsonOf(all)],
  })
}

interface DatedRow extends KnownParameter {
  readonly mac: string
  readonly at: Millis
}

/** One statement may touch a row only once. */
function onceEach(seen: readonly SeenParameters[]): readonly DatedRow[] {
  const byDevice = new Map<string, Map<string, DatedRow>>()
  for (const { mac, at, rows } of seen) {
    const byPath = byDevice.get(mac) ?? new Map<string, DatedRow>()
    byDevice.set(mac, byPath)
    for (const row of rows) byPath.set(row.path, { mac, at, ...withNews(byPath.get(row.path), row) })
  }
  return [...byDevice.values()].flatMap((byPath) => [...byPath.values()])
}

/** Of a device's tree the tables of its lines and what is in them, as objects alone. */
export async function loadLineObjects(
  sql: Pick<Sql, 'query'>,
  mac: MacAddress,
): Promise<ReadonlyMap<string, KnownParameter>> {
  const rows = await sql.query<{ path: string }>({
    name: 'load-acs-line-objects',
    text: `select path from acs_parameter where mac = $1 and path ~ '[.]VoiceProfile[.][0-9]+[.](Line[.]([0-9]+[.])?)?$'`,
    values: [mac],
  })
  return new Map(rows.map(({ path }) => [path, { path }]))
}

/** An instance and all below it, or with an empty path the whole tree. */
export async function forgetBelow(sql: Pick<Sql, 'run'>, mac: MacAddress, path: string): Promise<void> {
  await sql.run({
    name: 'forget-parameters-below',
    text: `delete from acs_parameter where mac = $1 and starts_with(path, $2)`,
    values: [mac, path],
  })
}

/** A device that changes hands: nothing of what it told its owner before stays, and nothing is asked of it any more. */
export async function forgetAcsDevice(sql: Pick<Sql, 'run'>, mac: MacAddress): Promise<void> {
  await sql.run({
    name: 'forget-acs-device',
    text: `with parameters as (delete from acs_parameter where mac = $1),
                messages as (delete from acs_message where mac = $1),
                states as (delete from acs_state where mac = $1)
           update acs_task set state = 'cancelled', asked = null, ended_at = now() where mac = $1 and ended_at is null`,
    values: [mac],
  })
}

export interface ShownParameter {
  readonly path: string
  readonly type: string | null
  readonly writable: boolean | null
  readonly value: string | null
  readonly notification: number | null
  readonly at: Date
}

/**
 * In the order of their paths.
 * @param below only these: a path that ends with a dot, or empty
 * @param q     text within path or value, whatever the case
 * @param after the last path of the page before
 */
export async function listParameters(
  sql: Pick<Sql, 'query'>,
  mac: MacAddress,
  which: {
    readonly below: string
    readonly q: string | undefined
    readonly after: string | undefined
    readonly limit: number
  },
): Promise<readonly ShownParameter[]> {
  return sql.query<ShownParameter>({
    name: 'list-acs-parameters',
    text: `select path, type, writable, value, notification, at from acs_parameter
            where mac = $1 and starts_with(path, $2) and ($4::text is null or path > $4)
              and ($3::text is null or position(lower($3) in lower(path)) > 0
                   or position(lower($3) in lower(coalesce(value, ''))) > 0)
            order by path limit $5`,
    values: [mac, which.below, which.q ?? null, which.after ?? null, which.limit],
  })
}

export async function countParameters(sql: Pick<Sql, 'one'>, mac: MacAddress): Promise<number> {
  const row = await sql.one<{ count: number }>({
    name: 'count-acs-parameters',
    text: 'select count(*)::int as count from acs_parameter where mac = $1',
    values: [mac],
  })
  return row?.count ?? 0
}
