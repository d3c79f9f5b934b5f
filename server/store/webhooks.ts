/** Webhooks and what is to be delivered to them. Every step is a row: processes share the work and none is lost. */
import { randomBytes } from 'node:crypto'
import { type EventFilter, type EventPlace, type EventRow, eventsAfter, eventsUntilNow } from './events.ts'
import { orderOf, type PageRequest, type SortColumn } from './paging.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { newId, SECRET_CONTEXT, type Vault } from './vault.ts'

/** In all: each is looked at whenever an event happens. */
export const WEBHOOKS_MAX = 200
/** Deliveries of one webhook that wait; further events stay where they are, in the event table. */
const QUEUE_MAX = 1000
/** Ended deliveries that are kept of each webhook, and for how long. */
const ENDED_MAX = 1000
const ENDED_DAYS = 7
/** Events that become deliveries in one transaction. */
const EVENTS_AT_ONCE = 200

export interface StoredWebhook {
  readonly id: string
  readonly url: string
  readonly events: readonly string[]
  readonly accountId: string | null
  readonly enabled: boolean
  readonly disabledReason: string | null
  readonly failureCount: number
  readonly failingSince: Date | null
  readonly queuedCount: number
  readonly createdBy: string
  readonly createdAt: Date
}

const COLUMNS = `w.id, w.url, w.events, w.account_id as "accountId", w.enabled, w.disabled_reason as "disabledReason",
  w.failure_count as "failureCount", w.failing_since as "failingSince", w.created_by as "createdBy",
  w.created_at as "createdAt",
  (select count(*) from delivery d where d.webhook_id = w.id and d.state = 'queued')::integer as "queuedCount"`

export interface NewWebhook {
  readonly url: string
  readonly events: readonly string[]
  readonly accountId: string | null
}

export function newWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64url')}`
}

/** So that two at once cannot both be the last that fits. */
const WEBHOOK_LOCK = 727_006

/** @returns undefined when there are as many as there may be */
export async function createWebhook(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  who: string,
  webhook: NewWebhook & { readonly secret: string },
): Promise<StoredWebhook | undefined> {
  const id = newId('whk')
  await sql.one({ name: 'lock-webhooks', text: 'select pg_advisory_xact_lock($1)', values: [WEBHOOK_LOCK] })
  const place = await eventsUntilNow(sql)
  const made = await sql.one({
    name: 'create-webhook',
    text: `insert into webhook (id, account_id, url, events, secret, last_xid, last_id, created_by)
           select $1, $2, $3, $4, $5, $6::text::xid8, $7, $8 where (select count(*) from webhook) < $9 returning id`,
    values: [
      id,
      webhook.accountId,
      webhook.url,
      [...webhook.events],
      vault.seal(SECRET_CONTEXT.webhook(id), webhook.secret),
      place.xid,
      place.id,
      who,
      WEBHOOKS_MAX,
    ],
  })
  if (made === undefined) return undefined
  const { url, events, accountId } = webhook
  await recordRevision(sql, { who, scope: 'webhook', target: id, what: 'created', after: { url, events, accountId } })
  return findWebhook(sql, null, id)
}

export async function findWebhook(
  sql: Pick<Sql, 'one'>,
  reach: readonly string[] | null,
  id: string,
): Promise<StoredWebhook | undefined> {
  return sql.one<StoredWebhook>({
    name: 'find-webhook',
    text: `select ${COLUMNS} from webhook w where w.id = $2 and ($1::text[] is null or w.account_id = any($1))`,
    values: [reach, id],
  })
}

export const WEBHOOK_SORT = {
  createdAt: { expression: 'w.created_at', type: 'timestamptz' },
  url: { expression: 'w.url', type: 'text' },
} as const satisfies Readonly<Record<string, SortColumn>>

/** @returns undefined when `after` is no mark of this list */
export async function listWebhooks(
  sql: Pick<Sql, 'query'>,
  reach: readonly string[] | null,
  page: PageRequest & { readonly q?: string | undefined },
): Promise<readonly (StoredWebhook & { readonly sortMark: string })[] | undefined> {
  const order = orderOf(WEBHOOK_SORT, 'w.id', page, 3)
  if (order === undefined) return undefined
  return sql.query({
    name: `list-webhooks-${order.name}`,
    text: `select ${COLUMNS}, ${order.mark} as "sortMark" from webhook w
            where ($1::text[] is null or w.account_id = any($1))
              and ($2::text is null or position(lower($2) in lower(w.url)) > 0)
              and ${order.where} ${order.orderBy} limit $5`,
    values: [reach, page.q ?? null, ...order.values, page.limit],
  })
}

export interface WebhookChange {
  readonly url?: string
  readonly events?: readonly string[]
  readonly enabled?: boolean
  readonly secret?: string
}

/** Enabled again, a webhook begins with what happens from now on: nobody wants a flood of last week's events. */
export async function changeWebhook(
  sql: Pick<Sql, 'one' | 'run'>,
  vault: Vault,
  who: string,
  before: StoredWebhook,
  change: WebhookChange,
): Promise<StoredWebhook | undefined> {
  const again = change.enabled === true && !before.enabled
  const place = again ? await eventsUntilNow(sql) : undefined
  await sql.run({
    name: 'change-webhook',
    text: `update webhook set url = coalesce($2, url), events = coalesce($3, events), enabled = coalesce($4, enabled),
             secret = coalesce($5, secret), last_xid = coalesce($6::text::xid8, last_xid),
             last_id = coalesce($7, last_id),
             disabled_reason = case when $8 then null when $4 = false then 'by a person' else disabled_reason end,
             failure_count = case when $8 then 0 else failure_count end,
             failing_since = case when $8 then null else failing_since end,
             paused_until = case when $8 or $2 is not null then '-infinity' else paused_until end
            where id = $1`,
    values: [
      before.id,
      change.url ?? null,
      change.events === undefined ? null : [...change.events],
      change.enabled ?? null,
      change.secret === undefined ? null : vault.seal(SECRET_CONTEXT.webhook(before.id), change.secret),
      place?.xid ?? null,
      place?.id ?? null,
      again,
    ],
  })
  const { secret, ...shown } = change
  await recordRevision(sql, {
    who,
    scope: 'webhook',
    target: before.id,
    what: secret === undefined ? 'changed' : 'changed, with a new secret',
    before: { url: before.url, events: before.events, enabled: before.enabled },
    after: shown,
  })
  return findWebhook(sql, null, before.id)
}

/** With its deliveries. */
export async function deleteWebhook(
  sql: Pick<Sql, 'one' | 'run'>,
  who: string,
  webhook: StoredWebhook,
): Promise<boolean> {
  const { id, url, events } = webhook
  await recordRevision(sql, { who, scope: 'webhook', target: id, what: 'deleted', before: { url, events } })
  return (await sql.run({ name: 'delete-webhook', text: 'delete from webhook where id = $1', values: [id] })) > 0
}

export interface StoredDelivery {
  readonly id: number
  readonly webhookId: string
  readonly eventId: number | null
  readonly eventName: string
  readonly state: 'queued' | 'delivered' | 'failed'
  readonly attemptCount: number
  readonly nextAt: Date
  readonly lastStatus: number | null
  readonly lastError: string | null
  readonly createdAt: Date
  readonly endedAt: Date | null
  readonly body: string
}

const DELIVERY = `d.id, d.webhook_id as "webhookId", d.event_id as "eventId", d.event_name as "eventName", d.state,
  d.attempt_count as "attemptCount", d.next_at as "nextAt", d.last_status as "lastStatus",
  d.last_error as "lastError", d.created_at as "createdAt", d.ended_at as "endedAt", d.body`

/** Newest first. */
export async function listDeliveries(
  sql: Pick<Sql, 'query'>,
  webhookId: string,
  page: { readonly after: number | undefined; readonly state: string | undefined; readonly limit: number },
): Promise<readonly StoredDelivery[]> {
  return sql.query<StoredDelivery>({
    name: 'list-deliveries',
    text: `select ${DELIVERY} from delivery d where d.webhook_id = $1 and ($2::bigint is null or d.id < $2)
              and ($3::text is null or d.state = $3) order by d.id desc limit $4`,
    values: [webhookId, page.after ?? null, page.state ?? null, page.limit],
  })
}

export async function findDelivery(
  sql: Pick<Sql, 'one'>,
  reach: readonly string[] | null,
  id: number,
): Promise<StoredDelivery | undefined> {
  return sql.one<StoredDelivery>({
    name: 'find-delivery',
    text: `select ${DELIVERY} from delivery d join webhook w on w.id = d.webhook_id
            where d.id = $2 and ($1::text[] is null or w.account_id = any($1))`,
    values: [reach, id],
  })
}

/**
 * A delivery that somebody asked for: a test, or an earlier one again.
 * @returns undefined when the queue of the webhook is full
 */
export async function queueDelivery(
  sql: Pick<Sql, 'one'>,
  delivery: {
    readonly webhookId: string
    readonly eventId: number | null
    readonly eventName: string
    readonly body: string
  },
): Promise<StoredDelivery | undefined> {
  return sql.one<StoredDelivery>({
    name: 'queue-delivery',
    text: `insert into delivery as d (webhook_id, event_id, event_name, body)
           select $1, $2, $3, $4
            where (select count(*) from delivery q where q.webhook_id = $1 and q.state = 'queued') < $5
           returning ${DELIVERY}`,
    values: [delivery.webhookId, delivery.eventId, delivery.eventName, delivery.body, QUEUE_MAX],
  })
}

interface Follower {
  readonly id: string
  readonly events: readonly string[]
  readonly accountId: string | null
  readonly xid: string
  readonly lastId: number
}

/**
 * Makes deliveries of the events that came since the last time, for each webhook once: its row is locked meanwhile, and
 * a process that finds it locked goes on to the next.
 * @param until  the newest place that followers may see
 * @param reachOf the accounts of a webhook that is limited
 * @returns whether there is more to do
 */
export async function queueEvents(
  sql: Pick<Sql, 'one' | 'query' | 'run'>,
  webhookId: string,
  until: EventPlace,
  print: (row: EventRow) => string,
  reachOf: (accountId: string) => Promise<readonly string[]>,
): Promise<boolean> {
  const follower = await sql.one<Follower & { readonly queued: number }>({
    name: 'lock-follower',
    text: `select w.id, w.events, w.account_id as "accountId", w.last_xid::text as xid, w.last_id as "lastId",
                  (select count(*) from delivery d where d.webhook_id = w.id and d.state = 'queued')::integer as queued
             from webhook w where w.id = $1 and w.enabled for update of w skip locked`,
    values: [webhookId],
  })
  const room = Math.min(EVENTS_AT_ONCE, QUEUE_MAX - (follower?.queued ?? QUEUE_MAX))
  if (follower === undefined || room <= 0) return false
  const reach = follower.accountId === null ? null : await reachOf(follower.accountId)
  const filter: EventFilter = { reach, names: follower.events }
  const rows = await eventsAfter(sql, filter, { xid: follower.xid, id: follower.lastId }, room)
  await insertDeliveries(sql, webhookId, rows, print)
  const last = rows.at(-1)
  const more = rows.length === room
  const place = more && last !== undefined ? { xid: last.xid, id: last.id } : furthest(follower, last, until)
  await sql.run({
    name: 'move-follower',
    text: 'update webhook set last_xid = $2::text::xid8, last_id = $3 where id = $1',
    values: [webhookId, place.xid, place.id],
  })
  return more
}

/** Past everything that was looked at: events that did not fit need not be looked at again. */
function furthest(follower: Follower, last: (EventRow & { xid: string }) | undefined, until: EventPlace): EventPlace {
  const at = last === undefined ? { xid: follower.xid, id: follower.lastId } : { xid: last.xid, id: last.id }
  const [a, b] = [BigInt(at.xid), BigInt(until.xid)]
  return b > a || (b === a && until.id > at.id) ? until : at
}

async function insertDeliveries(
  sql: Pick<Sql, 'run'>,
  webhookId: string,
  rows: readonly EventRow[],
  print: (row: EventRow) => string,
): Promise<void> {
  if (rows.length === 0) return
  await sql.run({
    name: 'insert-deliveries',
    text: `insert into delivery (webhook_id, event_id, event_name, body)
           select $1, x.event_id, x.event_name, x.body
             from unnest($2::bigint[], $3::text[], $4::text[]) with ordinality as x (event_id, event_name, body, place)
            order by x.place`,
    values: [webhookId, rows.map((row) => row.id), rows.map((row) => row.name), rows.map(print)],
  })
}

/** Enabled webhooks with something unread. */
export async function webhooksBehind(sql: Pick<Sql, 'query'>, until: EventPlace): Promise<readonly string[]> {
  const rows = await sql.query<{ id: string }>({
    name: 'webhooks-behind',
    text: `select id from webhook where enabled and (last_xid, last_id) < ($1::text::xid8, $2::bigint) order by id`,
    values: [until.xid, until.id],
  })
  return rows.map(({ id }) => id)
}

export interface ClaimedWebhook {
  readonly id: string
  readonly url: string
  readonly secret: Buffer
  readonly accountId: string | null
  readonly failureCount: number
}

/**
 * Takes a webhook that has something due, for a while: a process that dies gives it back by doing nothing.
 * @param lease a name that nobody else uses
 */
export async function claimWebhook(
  sql: Pick<Sql, 'one'>,
  lease: string,
  leaseMs: number,
): Promise<ClaimedWebhook | undefined> {
  return sql.one<ClaimedWebhook>({
    name: 'claim-webhook',
    text: `update webhook set lease = $1, leased_until = now() + make_interval(secs => $2)
            where id = (
              select w.id from webhook w
               where w.enabled and w.paused_until <= now() and w.leased_until <= now() and exists (
                 select 1 from delivery d where d.webhook_id = w.id and d.state = 'queued' and d.next_at <= now())
               order by w.leased_until limit 1 for update of w skip locked)
           returning id, url, secret, account_id as "accountId", failure_count as "failureCount"`,
    values: [lease, leaseMs / 1000],
  })
}

/** The oldest that is due, and more time for it. undefined: nothing is due, or the webhook is not ours any more. */
export async function nextDelivery(
  sql: Pick<Sql, 'one'>,
  webhookId: string,
  lease: string,
  leaseMs: number,
): Promise<StoredDelivery | undefined> {
  return sql.one<StoredDelivery>({
    name: 'next-delivery',
    text: `with held as (
             update webhook set leased_until = now() + make_interval(secs => $3)
              where id = $1 and lease = $2 and enabled and paused_until <= now() returning id)
           select ${DELIVERY} from delivery d join held on held.id = d.webhook_id
            where d.state = 'queued' and d.next_at <= now() order by d.id limit 1`,
    values: [webhookId, lease, leaseMs / 1000],
  })
}

export async function giveBackWebhook(sql: Pick<Sql, 'run'>, webhookId: string, lease: string): Promise<void> {
  await sql.run({
    name: 'give-back-webhook',
    text: `update webhook set leased_until = '-infinity', lease = null where id = $1 and lease = $2`,
    values: [webhookId, lease],
  })
}

export async function recordDelivered(sql: Pick<Sql, 'run'>, delivery: StoredDelivery, status: number): Promise<void> {
  await sql.run({
    name: 'delivery-done',
    text: `update delivery set state = 'delivered', attempt_count = attempt_count + 1, last_status = $2,
             last_error = null, ended_at = now() where id = $1 and state = 'queued'`,
    values: [delivery.id, status],
  })
  await sql.run({
    name: 'webhook-well',
    text: `update webhook set failure_count = 0, failing_since = null, paused_until = '-infinity'
            where id = $1 and failure_count > 0`,
    values: [delivery.webhookId],
  })
}

export interface FailedAttempt {
  readonly status: number | undefined
  readonly error: string
  /** undefined: it is given up. */
  readonly retryMs: number | undefined
  /** How long the webhook as a whole is left alone. */
  readonly pauseMs: number
}

/** @returns failures in a row, and since when, in seconds */
export async function recordFailure(
  sql: Pick<Sql, 'one' | 'run'>,
  delivery: StoredDelivery,
  failure: FailedAttempt,
): Promise<{ readonly failureCount: number; readonly failingSeconds: number } | undefined> {
  await sql.run({
    name: 'delivery-failed',
    text: `update delivery set attempt_count = attempt_count + 1, last_status = $2, last_error = $3,
             state = case when $4::float8 is null then 'failed' else state end,
             ended_at = case when $4::float8 is null then now() end,
             next_at = now() + make_interval(secs => coalesce($4::float8, 0))
            where id = $1 and state = 'queued'`,
    values: [
      delivery.id,
      failure.status ?? null,
      failure.error,
      failure.retryMs === undefined ? null : failure.retryMs / 1000,
    ],
  })
  return sql.one({
    name: 'webhook-ill',
    text: `update webhook set failure_count = failure_count + 1, failing_since = coalesce(failing_since, now()),
             paused_until = now() + make_interval(secs => $2::float8)
            where id = $1
           returning failure_count as "failureCount",
                     extract(epoch from now() - failing_since)::float8 as "failingSeconds"`,
    values: [delivery.webhookId, failure.pauseMs / 1000],
  })
}

/** @returns false when it was disabled already */
export async function disableWebhook(sql: Pick<Sql, 'one'>, id: string, reason: string): Promise<boolean> {
  const row = await sql.one({
    name: 'disable-webhook',
    text: `update webhook set enabled = false, disabled_reason = $2 where id = $1 and enabled returning id`,
    values: [id, reason],
  })
  if (row === undefined) return false
  await recordRevision(sql, { who: 'system', scope: 'webhook', target: id, what: 'disabled', why: reason })
  return true
}

/** Deletes ended deliveries that are old or many. */
export async function forgetDeliveries(sql: Pick<Sql, 'run'>): Promise<number> {
  return sql.run({
    name: 'forget-deliveries',
    text: `delete from delivery where ended_at < now() - make_interval(days => $1) or id in (
             select id from (select id, row_number() over (partition by webhook_id order by id desc) as place
                               from delivery where ended_at is not null) as ended
              where place > $2)`,
    values: [ENDED_DAYS, ENDED_MAX],
  })
}
