/** Tasks as an operator asks for them, looks at them and calls them off. What carries them out is the ACS. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import {
  type TaskFault,
  type TaskKind,
  type TaskRequest,
  type TaskResult,
  type TaskState,
  withoutSecrets,
} from '../tr069/mod.ts'
import { tellAcs } from './acs-state.ts'
import { recordEvents } from './events.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { newCommandKey, newId, SECRET_CONTEXT, type Vault } from './vault.ts'

/** Devices of one request. */
export const TASK_DEVICES_MAX = 10_000
/** Tasks of one device that are not over. */
export const OPEN_TASKS_MAX = 100

export interface StoredTask {
  readonly id: string
  readonly mac: MacAddress
  readonly accountId: string | null
  readonly kind: TaskKind
  /** Its arguments without secrets. */
  readonly shown: Readonly<Record<string, unknown>>
  readonly commandKey: string
  readonly state: TaskState
  readonly who: string
  readonly tries: number
  readonly dueAt: Date
  readonly deadlineAt: Date
  readonly sentAt: Date | null
  readonly endedAt: Date | null
  readonly fault: TaskFault | null
  readonly result: TaskResult | null
  readonly createdAt: Date
}

const COLUMNS = `t.id, t.mac, t.account_id as "accountId", t.kind, t.shown, t.command_key as "commandKey", t.state, t.who,
  t.tries, t.due_at as "dueAt", t.deadline_at as "deadlineAt", t.sent_at as "sentAt", t.ended_at as "endedAt", t.fault,
  t.result, t.created_at as "createdAt"`

export interface NewTasks {
  readonly macs: readonly MacAddress[]
  readonly request: TaskRequest
  readonly who: string
  readonly now: Millis
  readonly deadlineSeconds: number
  /** For one device only; absent: one is made for each. */
  readonly commandKey?: string
}

/** Devices that are known here and have room for one more task get it. @returns their ids in no order */
export async function insertTasks(
  sql: Sql,
  vault: Vault,
  asked: NewTasks,
): Promise<readonly { readonly id: string; readonly mac: MacAddress; readonly accountId: string | null }[]> {
  const rows = asked.macs.map((mac) => {
    const id = newId('task')
    return { mac, id, sealed: vault.seal(SECRET_CONTEXT.acsTask(id), JSON.stringify(asked.request)) }
  })
  return sql.query({
    name: 'insert-acs-tasks',
    text: `insert into acs_task (id, mac, account_id, kind, asked, shown, command_key, who, due_at, deadline_at, created_at)
           select x.id, d.mac, d.account_id, $5, x.sealed, $6::jsonb, x.key, $7, t.now, t.now + make_interval(secs => $9), t.now
             from unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) as x (mac, id, sealed, key)
             join device d on d.mac = x.mac, lateral (select to_timestamp($8::float8 / 1000) as now) t
            where (select count(*) from acs_task o where o.mac = d.mac and o.ended_at is null) < ${OPEN_TASKS_MAX}
           returning id, mac, account_id as "accountId"`,
    values: [
      rows.map(({ mac }) => mac),
      rows.map(({ id }) => id),
      rows.map(({ sealed }) => sealed),
      rows.map(() => asked.commandKey ?? newCommandKey()),
      asked.request.kind,
      JSON.stringify(withoutSecrets(asked.request)),
      asked.who,
      asked.now,
      asked.deadlineSeconds,
    ],
  })
}

/** For an operator: with its line in the timeline and in the log of changes; every process hears of it. */
export async function askTasks(sql: Sql, vault: Vault, asked: NewTasks): Promise<readonly StoredTask[]> {
  const made = await insertTasks(sql, vault, asked)
  await recordEvents(
    sql,
    made.map(({ id, mac, accountId }) => ({
      name: 'tr069.task-asked',
      trust: 'operator',
      mac,
      accountId: accountId ?? undefined,
      data: { id, kind: asked.request.kind, who: asked.who },
    })),
  )
  if (made.length === 0) return []
  await recordRevision(sql, {
    who: asked.who,
    scope: made.length === 1 ? 'device' : 'tr069-task',
    target: made[0]?.mac ?? '',
    what: `asked for ${asked.request.kind}`,
    after: { count: made.length },
  })
  await wakeSoon(
    sql,
    made.map(({ mac }) => mac),
    asked.now,
  )
  return sql.query<StoredTask>({
    name: 'asked-acs-tasks',
    text: `select ${COLUMNS} from acs_task t where t.id = any($1::text[]) order by t.seq`,
    values: [made.map(({ id }) => id)],
  })
}

/** Something waits for these devices: they are asked to call. */
export async function wakeSoon(sql: Sql, macs: readonly MacAddress[], now: Millis): Promise<void> {
  await sql.run({
    name: 'acs-wake-from',
    text: `update acs_state set wake_from = coalesce(wake_from, to_timestamp($2::float8 / 1000)) where mac = any($1::text[])`,
    values: [[...macs], now],
  })
  await tellAcs(sql, macs)
}

export async function findTask(sql: Pick<Sql, 'one'>, id: string): Promise<StoredTask | undefined> {
  return sql.one<StoredTask>({
    name: 'find-acs-task',
    text: `select ${COLUMNS} from acs_task t where t.id = $1`,
    values: [id],
  })
}

/** Newest first; `after` is the last id of the page before. */
export async function listTasks(
  sql: Pick<Sql, 'query'>,
  filter: {
    readonly mac: string | undefined
    readonly state: TaskState | undefined
    readonly kind: TaskKind | undefined
    readonly reach: readonly string[] | null
    readonly after: string | undefined
    readonly limit: number
  },
): Promise<readonly StoredTask[]> {
  return sql.query<StoredTask>({
    name: 'list-acs-tasks',
    text: `select ${COLUMNS} from acs_task t
            where ($1::text is null or t.mac = $1) and ($2::text is null or t.state = $2)
              and ($3::text is null or t.kind = $3) and ($4::text[] is null or t.account_id = any ($4))
              and ($5::text is null or t.seq < (select p.seq from acs_task p where p.id = $5))
            order by t.seq desc limit $6`,
    values: [
      filter.mac ?? null,
      filter.state ?? null,
      filter.kind ?? null,
      filter.reach === null ? null : [...filter.reach],
      filter.after ?? null,
      filter.limit,
    ],
  })
}

interface EndedRow {
  readonly id: string
  readonly mac: MacAddress
  readonly accountId: string | null
  readonly kind: TaskKind
}

/** What was sent already may still be done by the device. @returns false when it is over */
export async function cancelTask(sql: Sql, id: string, who: string, now: Millis): Promise<boolean> {
  const rows = await sql.query<EndedRow>({
    name: 'cancel-acs-task',
    text: `update acs_task set state = 'cancelled', asked = null, ended_at = to_timestamp($2::float8 / 1000)
            where id = $1 and ended_at is null returning id, mac, account_id as "accountId", kind`,
    values: [id, now],
  })
  await recordEvents(
    sql,
    rows.map((row) => ({
      name: 'tr069.task-cancelled',
      trust: 'operator',
      mac: row.mac,
      accountId: row.accountId ?? undefined,
      data: { id: row.id, kind: row.kind, who },
    })),
  )
  await tellAcs(
    sql,
    rows.map(({ mac }) => mac),
  )
  return rows.length > 0
}

/** An ended one is asked again as a new task by the caller; a queued one only waits no longer. */
export async function expireTasks(sql: Sql, now: Millis): Promise<number> {
  const rows = await sql.query<EndedRow>({
    name: 'expire-acs-tasks',
    text: `update acs_task set state = 'expired', asked = null, ended_at = to_timestamp($1::float8 / 1000)
            where ended_at is null and deadline_at <= to_timestamp($1::float8 / 1000)
           returning id, mac, account_id as "accountId", kind`,
    values: [now],
  })
  await recordEvents(
    sql,
    rows.map((row) => ({
      name: 'tr069.task-expired',
      trust: 'system',
      mac: row.mac,
      accountId: row.accountId ?? undefined,
      data: { id: row.id, kind: row.kind },
    })),
  )
  await tellAcs(
    sql,
    rows.map(({ mac }) => mac),
  )
  return rows.length
}

/** Ended tasks stay this long. */
const TASK_DAYS = 90

export async function forgetOldTasks(sql: Pick<Sql, 'run'>): Promise<void> {
  await sql.run({
    name: 'forget-old-acs-tasks',
    text: `delete from acs_task where ended_at < now() - make_interval(days => ${TASK_DAYS})`,
    values: [],
  })
}
