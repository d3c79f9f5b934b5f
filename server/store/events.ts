/** The event table: append only. Events of decisions are written with them; observations come in batches. */
import { type EventName, EVENTS } from '../events.ts'
import { jsonOf } from './json.ts'
import type { Sql } from './sql.ts'

export type EventTrust = 'certified' | 'credentialed' | 'sealed' | 'claimed' | 'operator' | 'system'

export interface EventRecord {
  readonly name: EventName
  readonly trust: EventTrust
  readonly mac: string | undefined
  readonly accountId: string | undefined
  readonly peer?: string
  readonly at?: number
  readonly data: Readonly<Record<string, string | number | boolean>>
}

export async function recordEvent(sql: Pick<Sql, 'run'>, event: EventRecord): Promise<void> {
  await recordEvents(sql, [event])
}

/** One statement for any number of rows. */
export async function recordEvents(sql: Pick<Sql, 'run'>, events: readonly EventRecord[]): Promise<void> {
  if (events.length === 0) return
  await sql.run({
    name: 'record-events',
    text: `insert into event (at, name, trust, mac, account_id, peer, data)
           select coalesce(to_timestamp(x.at / 1000.0), now()), x.name, x.trust, x.mac, x.account_id, x.peer, x.data
             from unnest($1::float8[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
                  as x (at, name, trust, mac, account_id, peer, data)`,
    values: [
      events.map((event) => event.at ?? null),
      events.map((event) => event.name),
      events.map((event) => event.trust),
      events.map((event) => event.mac ?? null),
      events.map((event) => event.accountId ?? null),
      events.map((event) => event.peer ?? null),
      events.map((event) => jsonOf(event.data)),
    ],
  })
}

/** Makes the partitions of today and tomorrow and drops those past the retention. Safe to run in several processes. */
export async function keepEventPartitions(sql: Pick<Sql, 'one'>, retentionDays: number): Promise<void> {
  await sql.one({
    name: 'event-partitions',
    text: 'select keep_event_partitions($1)',
    values: [retentionDays],
  })
}

export interface EventRow {
  readonly id: number
  readonly at: Date
  readonly name: string
  readonly trust: string
  readonly mac: string | null
  readonly accountId: string | null
  readonly peer: string | null
  readonly data: Readonly<Record<string, unknown>>
}

/** An event as the API shows it and webhooks send it. */
export interface EventView extends Omit<EventRow, 'at' | 'data'> {
  readonly at: string
  readonly text: string
  data: Record<string, unknown>
}

export function eventView(row: EventRow): EventView {
  const { id, name, trust, mac, accountId, peer } = row
  const text = EVENTS[name as EventName]?.text ?? name
  return { id, at: row.at.toISOString(), name, text, trust, mac, accountId, peer, data: { ...row.data } }
}

/** Which events. Absent parts do not narrow. */
export interface EventFilter {
  /** null: those of every account and of nobody. */
  readonly reach: readonly string[] | null
  readonly mac?: string | undefined
  readonly accountId?: string | undefined
  /** Names, or patterns with `*` for any text. */
  readonly names?: readonly string[] | undefined
  readonly trust?: readonly string[] | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly q?: string | undefined
}

/** Names of events and patterns of them: letters, digits, dots and dashes, so that nothing else means anything in LIKE. */
export const EVENT_PATTERN_FORM = /^[a-z0-9.*-]{1,64}$/

const COLUMNS = `id, at, name, trust, mac, account_id as "accountId", peer, data`

/** Eight parameters from $1. */
const FILTER = `($1::text[] is null or account_id = any($1)) and ($2::text is null or mac = $2)
  and ($3::text is null or account_id = $3) and ($4::text[] is null or name like any($4))
  and ($5::text[] is null or trust = any($5)) and ($6::timestamptz is null or at >= $6)
  and ($7::timestamptz is null or at < $7)
  and ($8::text is null or position(lower($8) in lower(concat_ws(' ', name, mac, peer, data::text))) > 0)`

function filterValues(filter: EventFilter): readonly unknown[] {
  return [
    filter.reach,
    filter.mac ?? null,
    filter.accountId ?? null,
    filter.names?.map((name) => name.replaceAll('*', '%')) ?? null,
    filter.trust ?? null,
    filter.since ?? null,
    filter.until ?? null,
    filter.q ?? null,
  ]
}

/** Newest first. @param before id of the last event of the page before */
export async function searchEvents(
  sql: Pick<Sql, 'query'>,
  filter: EventFilter,
  page: { readonly before: number | undefined; readonly limit: number },
): Promise<readonly EventRow[]> {
  return sql.query<EventRow>({
    name: 'search-events',
    text: `select ${COLUMNS} from event where ${FILTER}
              and ($9::bigint is null or (at, id) < (select p.at, p.id from event p where p.id = $9))
            order by at desc, id desc limit $10`,
    values: [...filterValues(filter), page.before ?? null, page.limit],
  })
}

/**
 * A place in the order in which events are followed: by transaction, then by id. Ids alone would not do: a transaction
 * that began early may commit late, and its events would then appear behind a follower that is past their ids.
 */
export interface EventPlace {
  /** A 64-bit transaction number as text. */
  readonly xid: string
  readonly id: number
}

/** Past all ids: the end of a transaction. */
const LAST_ID = Number.MAX_SAFE_INTEGER

export function printPlace(place: EventPlace): string {
  return `${place.xid}.${place.id}`
}

/** @returns undefined when the text is no place */
export function readPlace(text: string): EventPlace | undefined {
  const [, xid, id] = /^(\d{1,19})\.(\d{1,16})$/.exec(text) ?? []
  if (xid === undefined || id === undefined || BigInt(xid) > 2n ** 63n || Number(id) > LAST_ID) return undefined
  return { xid, id: Number(id) }
}

/**
 * Events after a place, oldest first, with their places. Only those of transactions older than every one under way:
 * nothing can appear before them any more, so a follower loses none and sees none twice.
 */
export async function eventsAfter(
  sql: Pick<Sql, 'query'>,
  filter: EventFilter,
  place: EventPlace,
  limit: number,
): Promise<readonly (EventRow & { readonly xid: string })[]> {
  return sql.query({
    name: 'events-after',
    text: `select ${COLUMNS}, xid::text as xid from event where ${FILTER}
              and (xid, id) > ($9::text::xid8, $10::bigint) and xid < pg_snapshot_xmin(pg_current_snapshot())
            order by event.xid, id limit $11`,
    values: [...filterValues(filter), place.xid, place.id, limit],
  })
}

/** Where a follower begins that wants only what comes from now on. */
export async function eventsUntilNow(sql: Pick<Sql, 'one'>): Promise<EventPlace> {
  const row = await sql.one<{ xid: string }>({
    name: 'events-until-now',
    text: 'select pg_snapshot_xmin(pg_current_snapshot())::text as xid',
    values: [],
  })
  if (row === undefined) throw new Error('Cannot read the current transaction')
  return { xid: String(BigInt(row.xid) - 1n), id: LAST_ID }
}

/** The place of the newest event that followers may see; it stands still while nothing happens. */
export async function newestPlace(sql: Pick<Sql, 'one'>): Promise<EventPlace> {
  const row = await sql.one<EventPlace>({
    name: 'newest-event',
    text: `select xid::text as xid, id from event where xid < pg_snapshot_xmin(pg_current_snapshot())
            order by event.xid desc, id desc limit 1`,
    values: [],
  })
  return row ?? { xid: '0', id: 0 }
}

/**
 * A database that was restored elsewhere counts transactions anew, and events of the old count would lie in its future.
 * They get the number of now; so do webhooks that stopped there. @returns how many events
 */
export async function mendEventOrder(sql: Pick<Sql, 'run'>): Promise<number> {
  await sql.run({
    name: 'mend-webhook-places',
    text: `update webhook set last_xid = pg_current_xact_id(), last_id = 0
            where last_xid > pg_snapshot_xmax(pg_current_snapshot())`,
    values: [],
  })
  return sql.run({
    name: 'mend-event-order',
    text: 'update event set xid = pg_current_xact_id() where xid > pg_snapshot_xmax(pg_current_snapshot())',
    values: [],
  })
}
