/** TR-069 devices as an operator looks at them. Reads only. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { DeviceState } from '../devices/mod.ts'
import type { Sql } from './sql.ts'

/** What a device said in its last Inform, and when it first and last called. */
export interface AcsContact {
  readonly firstAt: Date
  readonly lastAt: Date
  readonly lastFrom: string
  /** Over TLS, and proved. */
  readonly secure: boolean
  readonly manufacturer: string
  readonly oui: string
  readonly productClass: string
  readonly software: string | null
  /** Where its tree begins, with the dot. */
  readonly root: string
  readonly namespace: string
  readonly events: readonly string[]
  readonly connectionRequestUrl: string | null
  /** When it was last asked to call; null: nothing waits, or nobody has asked yet. */
  readonly wakeAt: Date | null
  /** Seconds between calls by the clock, as its tree says. */
  readonly interval: string | null
}

/** @returns undefined for a device that has never called */
export async function findAcsContact(sql: Pick<Sql, 'one'>, mac: MacAddress): Promise<AcsContact | undefined> {
  return sql.one<AcsContact>({
    name: 'find-acs-contact',
    text: `select s.first_at as "firstAt", s.last_at as "lastAt", s.last_from as "lastFrom", s.secure, s.manufacturer,
                  s.oui, s.product_class as "productClass", s.software, s.root, s.namespace, s.events,
                  s.connection_request_url as "connectionRequestUrl", s.wake_at as "wakeAt", p.value as interval
             from acs_state s
             left join acs_parameter p on p.mac = s.mac and p.path = s.root || 'ManagementServer.PeriodicInformInterval'
            where s.mac = $1`,
    values: [mac],
  })
}

/** How a device was last brought to call, or that it could not be. */
export interface LastWake {
  readonly at: Date
  /** `connection-request`, `sip-…`, `periodic` or `its own call`. */
  readonly way: string
  /** From the wish to the call, ms; null: it was not reached. */
  readonly waitedMs: number | null
}

/** As far as events are kept. */
export async function findLastWake(sql: Pick<Sql, 'one'>, mac: MacAddress): Promise<LastWake | undefined> {
  return sql.one<LastWake>({
    name: 'find-last-wake',
    text: `select at, coalesce(data->>'way', data->>'next', '') as way, (data->>'waitedMs')::float8 as "waitedMs"
             from event where mac = $1 and name = any($2::text[]) order by id desc limit 1`,
    values: [mac, ['tr069.woken', 'tr069.wake-failed']],
  })
}

/** Keyed hashes of the secrets that were last written, by path. */
export async function findSentMacs(
  sql: Pick<Sql, 'query'>,
  mac: MacAddress,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.query<{ path: string; sentMac: string }>({
    name: 'find-sent-macs',
    text: `select path, sent_mac as "sentMac" from acs_parameter
            where mac = $1 and path = any($2::text[]) and sent_mac is not null`,
    values: [mac, [...paths]],
  })
  return new Map(rows.map(({ path, sentMac }) => [path, sentMac]))
}

/** Tasks that are not over. @param reach accounts whose tasks count; null: all */
export async function countOpenTasks(
  sql: Pick<Sql, 'one'>,
  mac: MacAddress,
  reach: readonly string[] | null,
): Promise<number> {
  const row = await sql.one<{ count: number }>({
    name: 'count-open-acs-tasks',
    text: `select count(*)::int as count from acs_task
            where mac = $1 and ended_at is null and ($2::text[] is null or account_id = any ($2))`,
    values: [mac, reach === null ? null : [...reach]],
  })
  return row?.count ?? 0
}

/** Whether a device can be given a task. */
export interface TaskDevice {
  readonly mac: MacAddress
  readonly state: DeviceState
  /** Whose it is, or for whom it is held. */
  readonly accountId: string | null
  readonly openTasks: number
}

/** Of those that are registered, in no order. */
export async function listTaskDevices(
  sql: Pick<Sql, 'query'>,
  macs: readonly MacAddress[],
): Promise<readonly TaskDevice[]> {
  return sql.query<TaskDevice>({
    name: 'list-acs-task-devices',
    text: `select d.mac, d.state, coalesce(d.account_id, d.held_account_id) as "accountId",
                  (select count(*)::int from acs_task t where t.mac = d.mac and t.ended_at is null) as "openTasks"
             from device d where d.mac = any($1::text[])`,
    values: [[...macs]],
  })
}

/** Since when what is kept of a device is its present account's to see; undefined: nothing of it is. */
export async function findAcsSince(sql: Pick<Sql, 'one'>, mac: MacAddress): Promise<Date | undefined> {
  const row = await sql.one<{ boundAt: Date | null }>({
    name: 'find-acs-since',
    text: `select bound_at as "boundAt" from device where mac = $1 and state = 'bound'`,
    values: [mac],
  })
  return row?.boundAt ?? undefined
}
