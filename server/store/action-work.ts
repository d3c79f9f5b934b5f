/**
 * How processes share the work on actions: who may send how many now, who has which in hand, what came of it. A row is
 * taken with a lease; when its process dies, another takes it after that time. Times are the caller's.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import { type ActionKind, type ActionState, type ActionStep, stateAfter, withSteps } from './action-states.ts'
import { type EventRecord, recordEvents } from './events.ts'
import type { EventName } from '../events.ts'
import type { Sql } from './sql.ts'

/** One that a process has in hand. */
export interface ClaimedAction {
  readonly id: string
  readonly mac: MacAddress
  readonly kind: ActionKind
  readonly via: 'sip' | 'url'
  readonly paceKey: string
  readonly profile: string | null
  /** How often it was taken, this time included. */
  readonly tries: number
}

/** The keys under which something is due. */
export async function duePaceKeys(sql: Pick<Sql, 'query'>, now: Millis): Promise<readonly string[]> {
  const rows = await sql.query<{ key: string }>({
    name: 'due-pace-keys',
    text: `select distinct pace_key as key from action
            where ended_at is null and asked_at is null and due_at <= to_timestamp($1::float8 / 1000)
              and (lease_until is null or lease_until <= to_timestamp($1::float8 / 1000)) limit 1000`,
    values: [now],
  })
  return rows.map(({ key }) => key)
}

export interface Claim {
  readonly key: string
  readonly owner: string
  readonly leaseMs: Millis
  /** From when the next one may go: what may go now, and when the one after it. */
  readonly pace: (
    nextAt: Millis,
    now: Millis,
  ) => { readonly granted: number; readonly interval: Millis; readonly from: Millis }
  readonly atMost: number
  readonly now: Millis
}

/**
 * Takes what is due and may go now. Single requests go before those of bulks. Run it in a transaction: another process
 * that wants the same key meanwhile gets nothing.
 */
export async function claimActions(sql: Sql, claim: Claim): Promise<readonly ClaimedAction[]> {
  const { key, now } = claim
  await sql.run({
    name: 'make-action-pace',
    text: 'insert into action_pace (key, next_at) values ($1, to_timestamp(0)) on conflict do nothing',
    values: [key],
  })
  const pace = await sql.one<{ next: number }>({
    name: 'lock-action-pace',
    text: `select extract(epoch from next_at)::float8 * 1000 as next from action_pace where key = $1
           for update skip locked`,
    values: [key],
  })
  if (pace === undefined) return []
  const { granted, interval, from } = claim.pace(pace.next, now)
  const most = Math.min(granted, claim.atMost)
  if (most <= 0) return []
  const rows = await takeRows(sql, claim, most)
  await sql.run({
    name: 'move-action-pace',
    text: 'update action_pace set next_at = to_timestamp($2::float8 / 1000) where key = $1',
    values: [key, from + rows.length * interval],
  })
  return rows
}

/** Nothing of it is out yet: that it was sent is a step of its own. */
const TAKEN_UP_AGAIN = `case when a.tries = 0 then '[]'::jsonb else jsonb_build_array(jsonb_build_object(
  'at', $5::text, 'state', 'queued', 'text', 'Taken up once more')) end`

async function takeRows(
  sql: Sql,
  { key, owner, leaseMs, now }: Claim,
  most: number,
): Promise<readonly ClaimedAction[]> {
  return sql.query<ClaimedAction>({
    name: 'claim-actions',
    text: `update action a set leased_by = $2, lease_until = to_timestamp($4::float8 / 1000), tries = tries + 1,
             updated_at = to_timestamp($3::float8 / 1000), ${withSteps(TAKEN_UP_AGAIN)}
            where id in (select id from action
                          where pace_key = $1 and ended_at is null and asked_at is null
                            and due_at <= to_timestamp($3::float8 / 1000)
                            and (lease_until is null or lease_until <= to_timestamp($3::float8 / 1000))
                          order by (bulk_id is not null), due_at, seq limit $6 for update skip locked)
           returning a.id, a.mac, a.kind, a.via, a.pace_key as "paceKey", a.profile, a.tries`,
    values: [key, owner, now, now + leaseMs, new Date(now).toISOString(), most],
  })
}

/** What has become of one action in hand. */
export interface ActionProgress {
  readonly id: string
  /** At least one; the last says the state. */
  readonly steps: readonly ActionStep[]
  /** With `accepted`: when the request went out that was accepted. */
  readonly askedAt?: Millis
  /** With `queued`: when to try again. */
  readonly dueAt?: Millis
  /** Why, for the event. */
  readonly reason?: string
}

const ENDED: readonly ActionState[] = ['runs-version', 'failed', 'timed-out', 'cancelled']

/**
 * Writes what this process saw, and the events that follow. What was called off, or was taken over by another process,
 * is left alone: so an action ends once.
 */
export async function recordProgress(
  sql: Sql,
  owner: string,
  progress: readonly ActionProgress[],
  times: { readonly now: Millis; readonly leaseMs: Millis },
): Promise<void> {
  const { now, leaseMs } = times
  const changed = await sql.query<ChangedAction>({
    name: 'record-action-progress',
    text: `update action a set ${withSteps('x.steps')}, updated_at = to_timestamp($6::float8 / 1000),
             asked_at = coalesce(to_timestamp(x.asked / 1000), a.asked_at),
             checked_at = coalesce(to_timestamp(x.asked / 1000), a.checked_at),
             due_at = coalesce(to_timestamp(x.due / 1000), a.due_at),
             ended_at = case when ${stateAfter('x.steps')} = any ($7) then to_timestamp($6::float8 / 1000) end,
             leased_by = case when ${stateAfter('x.steps')} in ('sent', 'challenged') then a.leased_by end,
             lease_until = case when ${stateAfter('x.steps')} in ('sent', 'challenged')
                                then to_timestamp($8::float8 / 1000) end
             from unnest($2::text[], $3::jsonb[], $4::float8[], $5::float8[]) as x (id, steps, asked, due)
            where a.id = x.id and a.leased_by = $1 and a.ended_at is null
           returning a.id, a.mac, a.account_id as "accountId", a.kind, a.state`,
    values: [
      owner,
      progress.map(({ id }) => id),
      progress.map(({ steps }) => JSON.stringify(steps)),
      progress.map(({ askedAt }) => askedAt ?? null),
      progress.map(({ dueAt }) => dueAt ?? null),
      now,
      ENDED,
      now + leaseMs,
    ],
  })
  const reasons = new Map(progress.map(({ id, reason }) => [id, reason]))
  await recordEvents(
    sql,
    changed.flatMap((row) => eventOf(row, reasons.get(row.id))),
  )
}

/** Its request is out and was accepted; the phone has asked for something since. */
export interface FollowedAction {
  readonly id: string
  readonly mac: MacAddress
  readonly kind: ActionKind
  readonly state: 'accepted' | 'came-back'
  readonly runningVersion: string | null
  /** The last believed request. */
  readonly believedAt: Date
}

/** Takes phones that came back, or whose report has come; run it in a transaction. */
export async function takeReturned(sql: Sql, limit: number): Promise<readonly FollowedAction[]> {
  return sql.query<FollowedAction>({
    name: 'take-returned-actions',
    text: `select a.id, a.mac, a.kind, a.state, d.running_version as "runningVersion",
                  coalesce(s.believed_at, a.checked_at) as "believedAt"
             from action a join device d on d.mac = a.mac left join device_seen s on s.mac = a.mac
            where a.ended_at is null and a.asked_at is not null
              and case when a.kind = 'report'
                       then exists (select 1 from report r where r.mac = a.mac and r.at > a.asked_at
                                       and r.trust <> 'claimed')
                       else s.believed_at > a.checked_at end
            order by a.checked_at limit $1 for update of a skip locked`,
    values: [limit],
  })
}

/** What is known of a followed action now. */
export interface FollowedProgress {
  readonly id: string
  readonly ended: boolean
  /** None: nothing is new but that it was looked at. */
  readonly steps: readonly ActionStep[]
  readonly checkedAt: Millis
}

export async function recordFollowed(sql: Sql, progress: readonly FollowedProgress[], now: Millis): Promise<void> {
  const changed = await sql.query<ChangedAction>({
    name: 'record-followed-actions',
    text: `update action a set ${withSteps('x.steps')}, updated_at = to_timestamp($5::float8 / 1000),
             checked_at = to_timestamp(x.checked / 1000),
             ended_at = case when x.ended then to_timestamp($5::float8 / 1000) end
             from unnest($1::text[], $2::bool[], $3::jsonb[], $4::float8[]) as x (id, ended, steps, checked)
            where a.id = x.id and a.ended_at is null
           returning a.id, a.mac, a.account_id as "accountId", a.kind, a.state`,
    values: [
      progress.map(({ id }) => id),
      progress.map(({ ended }) => ended),
      progress.map(({ steps }) => JSON.stringify(steps)),
      progress.map(({ checkedAt }) => checkedAt),
      now,
    ],
  })
  const news = new Map(progress.map(({ id, steps }) => [id, steps]))
  const events = changed.flatMap((row) =>
    (news.get(row.id) ?? []).flatMap((step) => eventOf({ ...row, state: step.state }, undefined)),
  )
  await recordEvents(sql, events)
}

const LATE = `jsonb_build_array(jsonb_build_object('at', $3::text, 'state', 'timed-out', 'text', late.text))`

/** Ends what has taken too long. @returns how many */
export async function timeOutActions(sql: Sql, now: Millis, limit: number): Promise<number> {
  const rows = await sql.query<ChangedAction & { readonly text: string }>({
    name: 'time-out-actions',
    text: `with late as (
             select id, case state
                 when 'queued' then 'It could not be sent in time'
                 when 'accepted' then 'The phone said yes, but no believed request of it has come since'
                 when 'came-back' then 'The phone came back, but does not say that it runs what is wanted'
                 else 'No answer came in time' end as text
               from action where ended_at is null and deadline_at <= to_timestamp($1::float8 / 1000)
              order by deadline_at limit $2 for update skip locked)
           update action a set ${withSteps(LATE)}, ended_at = to_timestamp($1::float8 / 1000), leased_by = null,
             lease_until = null, updated_at = to_timestamp($1::float8 / 1000)
             from late where a.id = late.id
           returning a.id, a.mac, a.account_id as "accountId", a.kind, a.state, late.text`,
    values: [now, limit, new Date(now).toISOString()],
  })
  await recordEvents(
    sql,
    rows.flatMap((row) => eventOf(row, row.text)),
  )
  return rows.length
}

/** What is to be done next. */
export interface ControlAgenda {
  /** Whether phones are followed that said yes. */
  readonly following: boolean
  /** When the next one is due, a lease ends, or a deadline passes; undefined: nothing is open. */
  readonly nextAt: Millis | undefined
}

export async function controlAgenda(sql: Pick<Sql, 'one'>): Promise<ControlAgenda> {
  const row = await sql.one<{ following: boolean; next: number | null }>({
    name: 'control-agenda',
    text: `select exists (select 1 from action where ended_at is null and asked_at is not null) as following,
             extract(epoch from least(
               (select min(greatest(due_at, lease_until)) from action where ended_at is null and asked_at is null),
               (select min(deadline_at) from action where ended_at is null)))::float8 * 1000 as next`,
    values: [],
  })
  return { following: row?.following === true, nextAt: row?.next ?? undefined }
}

/** Forgets what is over for so long. */
export async function pruneActions(sql: Pick<Sql, 'run'>, before: Millis, limit: number): Promise<number> {
  return sql.run({
    name: 'prune-actions',
    text: `delete from action where id in (select id from action where ended_at < to_timestamp($1::float8 / 1000)
                                           order by ended_at limit $2)`,
    values: [before, limit],
  })
}

interface ChangedAction {
  readonly id: string
  readonly mac: MacAddress
  readonly accountId: string | null
  readonly kind: ActionKind
  readonly state: ActionState
}

const EVENT_OF: Readonly<Partial<Record<ActionState, EventName>>> = {
  accepted: 'action.accepted',
  'came-back': 'action.came-back',
  'runs-version': 'action.runs-version',
  failed: 'action.failed',
  'timed-out': 'action.timed-out',
}

function eventOf(row: ChangedAction, reason: string | undefined): readonly EventRecord[] {
  const name = EVENT_OF[row.state]
  if (name === undefined) return []
  const data = { id: row.id, kind: row.kind, ...(reason === undefined ? {} : { reason }) }
  return [{ name, trust: 'system', mac: row.mac, accountId: row.accountId ?? undefined, data }]
}
