/** Alarms: one for one thing, raised once, counted while it goes on, cleared when it is over. Canaries. */
import { recordEvents } from './events.ts'
import type { Sql } from './sql.ts'
import { newId } from './vault.ts'

export const ALARM_KINDS = ['silence', 'loop', 'unknown-macs', 'canary', 'overload'] as const
export type AlarmKind = (typeof ALARM_KINDS)[number]
export const ALARM_STATES = ['open', 'acknowledged', 'cleared'] as const
export type AlarmState = (typeof ALARM_STATES)[number]

/** Standing alarms of one kind; beyond it no more are raised: a person must look at those first. */
export const STANDING_ALARMS_MAX = 2000
/** Rows in one statement. */
const ROWS_MAX = 500

/** Texts, numbers and lists of texts; never a secret. */
export type AlarmData = Readonly<Record<string, string | number | boolean | readonly string[]>>

export interface NewAlarm {
  readonly kind: AlarmKind
  /** What it is about: a MAC, a network, `account/<id>`, `-`. */
  readonly subject: string
  readonly mac?: string
  readonly accountId?: string
  readonly data: AlarmData
}

export interface StoredAlarm {
  readonly id: string
  readonly seq: number
  readonly kind: AlarmKind
  readonly subject: string
  readonly mac: string | null
  readonly accountId: string | null
  readonly state: AlarmState
  readonly count: number
  readonly data: AlarmData
  readonly raisedAt: Date
  readonly lastAt: Date
  readonly acknowledgedAt: Date | null
  readonly acknowledgedBy: string | null
  readonly clearedAt: Date | null
}

const COLUMNS = `id, seq, kind, subject, mac, account_id as "accountId", state, count, data, raised_at as "raisedAt",
  last_at as "lastAt", acknowledged_at as "acknowledgedAt", acknowledged_by as "acknowledgedBy", cleared_at as "clearedAt"`

/**
 * Raises what is new and counts what stands already. An event tells only of what is new.
 * @returns those that are new
 */
export async function raiseAlarms(
  sql: Pick<Sql, 'query' | 'run'>,
  alarms: readonly NewAlarm[],
  now: number,
): Promise<readonly StoredAlarm[]> {
  const raised: StoredAlarm[] = []
  for (let from = 0; from < alarms.length; from += ROWS_MAX) {
    raised.push(...(await raiseSome(sql, alarms.slice(from, from + ROWS_MAX), now)))
  }
  await tell(sql, 'alarm.raised', raised, now)
  return raised
}

async function raiseSome(
  sql: Pick<Sql, 'query' | 'run'>,
  alarms: readonly NewAlarm[],
  now: number,
): Promise<readonly StoredAlarm[]> {
  const rows = await sql.query<StoredAlarm & { isNew: boolean }>({
    name: 'raise-alarms',
    text: `insert into alarm (id, kind, subject, mac, account_id, data, raised_at, last_at)
           select x.id, x.kind, x.subject, x.mac, x.account_id, x.data, to_timestamp($7 / 1000.0), to_timestamp($7 / 1000.0)
             from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
                  as x (id, kind, subject, mac, account_id, data)
            where exists (select 1 from alarm a where a.kind = x.kind and a.subject = x.subject and a.state <> 'cleared')
               or (select count(*) from alarm a where a.kind = x.kind and a.state <> 'cleared') < $8
           on conflict (kind, subject) where state <> 'cleared' do update
             set count = alarm.count + 1, last_at = excluded.last_at, data = excluded.data
           returning ${COLUMNS}, (xmax = 0) as "isNew"`,
    values: [
      alarms.map(() => newId('alm')),
      alarms.map(({ kind }) => kind),
      alarms.map(({ subject }) => subject),
      alarms.map(({ mac }) => mac ?? null),
      alarms.map(({ accountId }) => accountId ?? null),
      alarms.map(({ data }) => JSON.stringify(data)),
      now,
      STANDING_ALARMS_MAX,
    ],
  })
  return rows.filter(({ isNew }) => isNew)
}

/** @returns those that stood until now */
export async function clearAlarms(
  sql: Pick<Sql, 'query' | 'run'>,
  ids: readonly string[],
  now: number,
): Promise<readonly StoredAlarm[]> {
  if (ids.length === 0) return []
  const cleared = await sql.query<StoredAlarm>({
    name: 'clear-alarms',
    text: `update alarm set state = 'cleared', cleared_at = to_timestamp($2 / 1000.0)
            where id = any($1::text[]) and state <> 'cleared' returning ${COLUMNS}`,
    values: [[...ids], now],
  })
  await tell(sql, 'alarm.cleared', cleared, now)
  return cleared
}

async function tell(
  sql: Pick<Sql, 'run'>,
  name: 'alarm.raised' | 'alarm.cleared',
  alarms: readonly StoredAlarm[],
  at: number,
): Promise<void> {
  await recordEvents(
    sql,
    alarms.map((alarm) => ({
      name,
      trust: 'system' as const,
      mac: alarm.mac ?? undefined,
      accountId: alarm.accountId ?? undefined,
      at,
      data: { alarm: alarm.id, kind: alarm.kind, subject: alarm.subject },
    })),
  )
}

/** Standing alarms of a kind. */
export async function standingAlarms(sql: Pick<Sql, 'query'>, kind: AlarmKind): Promise<readonly StoredAlarm[]> {
  return sql.query<StoredAlarm>({
    name: 'standing-alarms',
    text: `select ${COLUMNS} from alarm where kind = $1 and state <> 'cleared' order by seq limit $2`,
    values: [kind, STANDING_ALARMS_MAX + 1],
  })
}

export interface AlarmQuery {
  /** null: every account. */
  readonly reach: readonly string[] | null
  readonly states: readonly AlarmState[] | undefined
  readonly kind: AlarmKind | undefined
  readonly mac: string | undefined
  readonly accountId: string | undefined
  /** `seq` of the last one of the page before. */
  readonly before: number | undefined
  readonly limit: number
}

/** Newest first. What belongs to no account is seen only by who sees everything. */
export async function listAlarms(sql: Pick<Sql, 'query'>, query: AlarmQuery): Promise<readonly StoredAlarm[]> {
  return sql.query<StoredAlarm>({
    name: 'list-alarms',
    text: `select ${COLUMNS} from alarm
            where ($1::text[] is null or account_id = any($1)) and ($2::text[] is null or state = any($2))
              and ($3::text is null or kind = $3) and ($4::text is null or mac = $4)
              and ($5::text is null or account_id = $5) and ($6::bigint is null or seq < $6)
            order by seq desc limit $7`,
    values: [
      query.reach === null ? null : [...query.reach],
      query.states === undefined ? null : [...query.states],
      query.kind ?? null,
      query.mac ?? null,
      query.accountId ?? null,
      query.before ?? null,
      query.limit,
    ],
  })
}

export async function findAlarm(sql: Pick<Sql, 'one'>, id: string): Promise<StoredAlarm | undefined> {
  return sql.one<StoredAlarm>({
    name: 'find-alarm',
    text: `select ${COLUMNS} from alarm where id = $1`,
    values: [id],
  })
}

/** Somebody looks after it. @returns the alarm as it is now */
export async function acknowledgeAlarm(
  sql: Pick<Sql, 'one'>,
  id: string,
  who: string,
): Promise<StoredAlarm | undefined> {
  return sql.one<StoredAlarm>({
    name: 'acknowledge-alarm',
    text: `update alarm set state = case when state = 'open' then 'acknowledged' else state end,
                  acknowledged_at = coalesce(acknowledged_at, now()), acknowledged_by = coalesce(acknowledged_by, $2)
            where id = $1 returning ${COLUMNS}`,
    values: [id, who],
  })
}

/** Old alarms that are over go. */
export async function dropOldAlarms(sql: Pick<Sql, 'run'>, before: number): Promise<void> {
  await sql.run({
    name: 'drop-old-alarms',
    text: `delete from alarm where cleared_at < to_timestamp($1 / 1000.0)`,
    values: [before],
  })
}

export interface StoredCanary {
  readonly mac: string
  readonly note: string
  readonly createdBy: string
  readonly createdAt: Date
}

/** Canaries of one platform; each process keeps all of them in memory. */
export const CANARIES_MAX = 10_000

const CANARY_COLUMNS = 'mac, note, created_by as "createdBy", created_at as "createdAt"'

/** Says to every process that the canaries are others now; sent with the transaction that changes them. */
export const CANARY_CHANNEL = 'offhook_canary'

/** @returns undefined when the MAC is that of a device, or there are too many */
export async function addCanary(
  sql: Pick<Sql, 'one' | 'notify'>,
  canary: { readonly mac: string; readonly note: string; readonly who: string },
): Promise<StoredCanary | undefined> {
  const added = await sql.one<StoredCanary>({
    name: 'add-canary',
    text: `insert into canary (mac, note, created_by)
           select $1, $2, $3 where not exists (select 1 from device where mac = $1)
                               and (select count(*) from canary) < ${CANARIES_MAX}
           on conflict (mac) do update set note = excluded.note returning ${CANARY_COLUMNS}`,
    values: [canary.mac, canary.note, canary.who],
  })
  if (added !== undefined) await sql.notify(CANARY_CHANNEL, 'changed')
  return added
}

export async function removeCanary(sql: Pick<Sql, 'run' | 'notify'>, mac: string): Promise<boolean> {
  const removed = await sql.run({ name: 'remove-canary', text: 'delete from canary where mac = $1', values: [mac] })
  if (removed > 0) await sql.notify(CANARY_CHANNEL, 'changed')
  return removed > 0
}

export async function listCanaries(
  sql: Pick<Sql, 'query'>,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly StoredCanary[]> {
  return sql.query<StoredCanary>({
    name: 'list-canaries',
    text: `select ${CANARY_COLUMNS} from canary where ($1::text is null or mac > $1) order by mac limit $2`,
    values: [page.after ?? null, page.limit],
  })
}
