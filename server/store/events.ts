/** The event table: append only. Events of decisions are written with them; observations come in batches. */
import type { EventName } from '../events.ts'
import type { Sql } from './sql.ts'

export interface EventRecord {
  readonly name: EventName
  readonly trust: 'certified' | 'credentialed' | 'sealed' | 'claimed' | 'operator' | 'system'
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
      events.map((event) => JSON.stringify(event.data)),
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
