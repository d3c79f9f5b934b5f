/** What the watch keeps: when devices should be back, how often they downloaded, what processes can do. */
import type { Downloads } from '../metrics/mod.ts'
import type { Sql } from './sql.ts'

/** Downloads are counted in slots of ten minutes and looked at for an hour. */
const SLOT_MS = 10 * 60_000
const SPAN_MS = 60 * 60_000
const KEPT_MS = 2 * SPAN_MS
/** Devices of one look. */
const LOOK_MAX = 5000

/** Adds what was counted since the last time, and remembers periods that differ from the platform's. */
export async function recordDownloads(
  sql: Pick<Sql, 'run'>,
  downloads: readonly Downloads[],
  platformPeriodSeconds: number,
): Promise<void> {
  if (downloads.length === 0) return
  await addDownloads(sql, downloads)
  await keepPeriods(sql, downloads, platformPeriodSeconds)
}

async function addDownloads(sql: Pick<Sql, 'run'>, downloads: readonly Downloads[]): Promise<void> {
  await sql.run({
    name: 'watch-downloads',
    text: `insert into watch_download (mac, slot, total, power, periodic, retry, commanded, unmatched)
           select x.mac, to_timestamp(x.slot / 1000.0), x.total, x.power, x.periodic, x.retry, x.commanded, x.unmatched
             from unnest($1::text[], $2::float8[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[])
                  as x (mac, slot, total, power, periodic, retry, commanded, unmatched)
             join device d on d.mac = x.mac
           on conflict (mac, slot) do update
             set total = watch_download.total + excluded.total, power = watch_download.power + excluded.power,
                 periodic = watch_download.periodic + excluded.periodic, retry = watch_download.retry + excluded.retry,
                 commanded = watch_download.commanded + excluded.commanded,
                 unmatched = watch_download.unmatched + excluded.unmatched`,
    values: [
      downloads.map(({ mac }) => mac),
      downloads.map(({ at }) => Math.floor(at / SLOT_MS) * SLOT_MS),
      downloads.map(({ total }) => total),
      downloads.map(({ power }) => power),
      downloads.map(({ periodic }) => periodic),
      downloads.map(({ retry }) => retry),
      downloads.map(({ commanded }) => commanded),
      downloads.map(({ unmatched }) => unmatched),
    ],
  })
}

async function keepPeriods(
  sql: Pick<Sql, 'run'>,
  downloads: readonly Downloads[],
  platformPeriodSeconds: number,
): Promise<void> {
  const usual = downloads.filter(({ periodSeconds }) => periodSeconds === platformPeriodSeconds)
  const other = downloads.filter(({ periodSeconds }) => periodSeconds !== platformPeriodSeconds)
  await sql.run({
    name: 'watch-usual-periods',
    text: 'delete from watch_period where mac = any($1::text[])',
    values: [usual.map(({ mac }) => mac)],
  })
  await sql.run({
    name: 'watch-periods',
    text: `insert into watch_period (mac, period_seconds, updated_at)
           select x.mac, x.period, to_timestamp(x.at / 1000.0)
             from unnest($1::text[], $2::float8[], $3::float8[]) as x (mac, period, at) join device d on d.mac = x.mac
           on conflict (mac) do update set period_seconds = excluded.period_seconds, updated_at = excluded.updated_at`,
    values: [
      other.map(({ mac }) => mac),
      other.map(({ periodSeconds }) => periodSeconds ?? 0),
      other.map(({ at }) => at),
    ],
  })
}

export interface SilentDevice {
  readonly mac: string
  readonly accountId: string
  readonly lastAt: Date
  readonly periodSeconds: number
}

export interface SilenceTimes {
  readonly now: number
  /** Nobody watched before: what was due then may come later. */
  readonly since: number
  readonly platformPeriodSeconds: number
  /** A period times this, and the grace, is how long one may stay away. */
  readonly slack: number
  readonly graceSeconds: number
}

/** Bound devices that should have been back by now, longest first. */
export async function findSilentDevices(
  sql: Pick<Sql, 'query'>,
  times: SilenceTimes,
): Promise<readonly SilentDevice[]> {
  return sql.query<SilentDevice>({
    name: 'silent-devices',
    text: `select d.mac, d.account_id as "accountId", coalesce(s.believed_at, d.bound_at, d.created_at) as "lastAt",
                  coalesce(w.period_seconds, $3)::float8 as "periodSeconds"
             from device d left join device_seen s on s.mac = d.mac left join watch_period w on w.mac = d.mac
            where d.state = 'bound' and coalesce(w.period_seconds, $3) > 0
              and greatest(coalesce(s.believed_at, d.bound_at, d.created_at), to_timestamp($2 / 1000.0))
                  + make_interval(secs => coalesce(w.period_seconds, $3) * $4::float8 + $5::float8)
                  < to_timestamp($1 / 1000.0)
            order by 3 limit $6`,
    values: [times.now, times.since, times.platformPeriodSeconds, times.slack, times.graceSeconds, LOOK_MAX],
  })
}

/** Bound devices by account. */
export async function countBoundDevices(sql: Pick<Sql, 'query'>): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.query<{ accountId: string; count: number }>({
    name: 'count-bound-devices',
    text: `select account_id as "accountId", count(*)::int as count from device where state = 'bound' group by account_id`,
    values: [],
  })
  return new Map(rows.map(({ accountId, count }) => [accountId, count]))
}

/** Devices by state, for the metrics. */
export async function countDevicesByState(
  sql: Pick<Sql, 'query'>,
): Promise<readonly { readonly state: string; readonly count: number }[]> {
  return sql.query({
    name: 'count-devices-by-state',
    text: 'select state, count(*)::int as count from device group by state',
    values: [],
  })
}

export interface HourOfDownloads {
  readonly mac: string
  readonly accountId: string | null
  readonly total: number
  readonly power: number
  readonly periodic: number
  readonly retry: number
  readonly commanded: number
  readonly unmatched: number
  /** undefined where the platform's holds; 0: never by itself. */
  readonly periodSeconds: number | null
}

/** Full downloads within the last hour of devices with at least so many, and of those asked for by name. */
export async function findBusyDevices(
  sql: Pick<Sql, 'query'>,
  ask: { readonly now: number; readonly least: number; readonly macs: readonly string[] },
): Promise<readonly HourOfDownloads[]> {
  return sql.query<HourOfDownloads>({
    name: 'busy-devices',
    text: `select w.mac, d.account_id as "accountId", sum(w.total)::int as total, sum(w.power)::int as power,
                  sum(w.periodic)::int as periodic, sum(w.retry)::int as retry, sum(w.commanded)::int as commanded,
                  sum(w.unmatched)::int as unmatched, max(p.period_seconds)::float8 as "periodSeconds"
             from watch_download w join device d on d.mac = w.mac left join watch_period p on p.mac = w.mac
            where w.slot > to_timestamp($1 / 1000.0)
            group by w.mac, d.account_id having sum(w.total) >= $2 or w.mac = any($3::text[])
            order by 3 desc limit $4`,
    values: [ask.now - SPAN_MS, ask.least, [...ask.macs], LOOK_MAX],
  })
}

export async function dropOldDownloads(sql: Pick<Sql, 'run'>, now: number): Promise<void> {
  await sql.run({
    name: 'drop-old-downloads',
    text: 'delete from watch_download where slot < to_timestamp($1 / 1000.0)',
    values: [now - KEPT_MS],
  })
}

/** A longer pause means that nobody watched. */
const PAUSE_MAX_MS = 5 * 60_000

/**
 * Takes the turn if it is due and nobody else has it; to be called inside the transaction that does the work.
 * @returns since when somebody has always taken it, ms; undefined when it is not ours
 */
export async function takeTurn(
  sql: Pick<Sql, 'one'>,
  turn: { readonly name: string; readonly now: number; readonly everyMs: number },
): Promise<number | undefined> {
  const row = await sql.one<{ since: number }>({
    name: 'take-turn',
    text: `insert into watch_turn as t (name, done_at, since)
           values ($1, to_timestamp($2 / 1000.0), to_timestamp($2 / 1000.0))
           on conflict (name) do update
             set since = case when t.done_at < excluded.done_at - make_interval(secs => $4 / 1000.0)
                              then excluded.done_at else t.since end,
                 done_at = excluded.done_at
           where t.done_at <= excluded.done_at - make_interval(secs => $3 / 1000.0)
           returning extract(epoch from since)::float8 * 1000 as since`,
    values: [turn.name, turn.now, turn.everyMs, PAUSE_MAX_MS],
  })
  return row?.since
}

/** What a process was measured to do, each alone and at full speed. */
export interface MeasuredCapacity {
  readonly handshakesPerSecond: number
  readonly requestsPerSecond: number
  readonly rendersPerSecond: number
}

/** What a process does just now. */
export interface CapacityNow {
  readonly handshakesPerSecond: number
  readonly requestsPerSecond: number
  readonly loopDelayMs: number
  /** Share of its time that the process works, 0 to 1. */
  readonly utilisation: number
}

export interface StoredCapacity {
  readonly process: string
  readonly askedAt: Date | null
  readonly measuredAt: Date | null
  readonly measured: MeasuredCapacity | null
  readonly at: Date
  readonly now: CapacityNow
}

const CAPACITY_COLUMNS = 'process, asked_at as "askedAt", measured_at as "measuredAt", measured, at, now'

/** Says what this process does now. @returns whether somebody asked for a measurement since the last one */
export async function reportCapacity(
  sql: Pick<Sql, 'one'>,
  report: { readonly process: string; readonly at: number; readonly now: CapacityNow },
): Promise<StoredCapacity | undefined> {
  return sql.one<StoredCapacity>({
    name: 'report-capacity',
    text: `insert into capacity (process, at, now) values ($1, to_timestamp($2 / 1000.0), $3)
           on conflict (process) do update set at = excluded.at, now = excluded.now
           returning ${CAPACITY_COLUMNS}`,
    values: [report.process, report.at, JSON.stringify(report.now)],
  })
}

export async function recordMeasurement(
  sql: Pick<Sql, 'run'>,
  measurement: { readonly process: string; readonly measured: MeasuredCapacity },
): Promise<void> {
  await sql.run({
    name: 'record-measurement',
    text: 'update capacity set measured = $2, measured_at = now(), asked_at = null where process = $1',
    values: [measurement.process, JSON.stringify(measurement.measured)],
  })
}

/** Processes heard of since; those of the dead are dropped. */
export async function listCapacity(sql: Pick<Sql, 'query'>, since: number): Promise<readonly StoredCapacity[]> {
  return sql.query<StoredCapacity>({
    name: 'list-capacity',
    text: `select ${CAPACITY_COLUMNS} from capacity where at >= to_timestamp($1 / 1000.0) order by process`,
    values: [since],
  })
}

/** Asks every process that is heard of to measure itself. @returns how many */
export async function askForMeasurement(sql: Pick<Sql, 'run'>, since: number): Promise<number> {
  return sql.run({
    name: 'ask-for-measurement',
    text: 'update capacity set asked_at = now() where at >= to_timestamp($1 / 1000.0)',
    values: [since],
  })
}

export async function dropOldCapacity(sql: Pick<Sql, 'run'>, before: number): Promise<void> {
  await sql.run({
    name: 'drop-old-capacity',
    text: 'delete from capacity where at < to_timestamp($1 / 1000.0)',
    values: [before],
  })
}
