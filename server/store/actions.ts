/** Actions as an operator asks for them, looks at them and calls them off. What carries them out is in `action-work.ts`. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { DeviceState } from '../devices/mod.ts'
import { type ActionKind, type ActionState, type ActionStep, CONTROL_CHANNEL, withSteps } from './action-states.ts'
import { recordEvents } from './events.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { newId } from './vault.ts'

/** Devices of one bulk. */
export const BULK_MAX = 100_000
/** How long an action may take from the moment that it is due. A phone in a call resyncs when it is idle. */
export const ACTION_SECONDS = 900
/** Depth of the account tree that is looked through for a proxy. */
const DEPTH_MAX = 32

export interface StoredAction {
  readonly id: string
  readonly bulkId: string | null
  readonly mac: MacAddress
  readonly accountId: string | null
  readonly kind: ActionKind
  readonly via: 'sip' | 'url'
  readonly profile: string | null
  readonly state: ActionState
  readonly who: string
  readonly steps: readonly ActionStep[]
  readonly dueAt: Date
  readonly createdAt: Date
  readonly updatedAt: Date
}

const COLUMNS = `a.id, a.bulk_id as "bulkId", a.mac, a.account_id as "accountId", a.kind, a.via, a.profile, a.state,
  a.who, a.steps, a.due_at as "dueAt", a.created_at as "createdAt", a.updated_at as "updatedAt"`

/** Which devices; what is undefined does not matter. */
export interface ActionFilter {
  readonly macs: readonly string[] | undefined
  readonly accountId: string | undefined
  readonly batchId: string | undefined
  readonly model: string | undefined
  readonly state: DeviceState | undefined
  /** Accounts that may be touched; null: all. */
  readonly reach: readonly string[] | null
  /** Devices that are left out although they fit. */
  readonly except?: readonly string[]
}

export interface NewActions {
  readonly kind: ActionKind
  readonly via: 'auto' | 'sip' | 'url'
  readonly profile: string | undefined
  readonly who: string
  readonly now: Millis
  /** undefined: one at a time, and without a number of its own. */
  readonly bulk: { readonly perSecond: number } | undefined
}

export interface AskedActions {
  readonly bulkId: string | undefined
  readonly ids: readonly string[]
}

/** The proxy of each account: its own, else that of the nearest account above it, else the platform's. */
const NEAREST_PROXY = `
with recursive up (account_id, at, depth) as (
  select id, id, 0 from account
  union all
  select up.account_id, a.parent_id, up.depth + 1 from up join account a on a.id = up.at
   where a.parent_id is not null and up.depth < ${DEPTH_MAX}
), own as (
  select distinct on (up.account_id) up.account_id, p.scope
    from up join sip_proxy p on p.scope = up.at order by up.account_id, up.depth
), platform_proxy as (select scope from sip_proxy where scope = '-')`

/** @returns the scope of the proxy that a NOTIFY for this account goes through */
export async function proxyScopeOf(sql: Pick<Sql, 'one'>, accountId: string): Promise<string | undefined> {
  const row = await sql.one<{ scope: string | null }>({
    name: 'proxy-scope-of',
    text: `${NEAREST_PROXY}
           select coalesce((select scope from own where account_id = $1), (select scope from platform_proxy)) as scope`,
    values: [accountId],
  })
  return row?.scope ?? undefined
}

/** Bound devices that have a line and fit the filter; parameters 2 to 7. */
const FITTING = `device d left join own on own.account_id = d.account_id
   where d.state = 'bound' and exists (select 1 from line l where l.device_mac = d.mac)
     and ($2::text[] is null or d.mac = any ($2)) and ($3::text is null or d.account_id = $3)
     and ($4::text is null or d.batch_id = $4) and ($5::text is null or d.model = $5)
     and ($6::text is null or d.state = $6) and ($7::text[] is null or d.account_id = any ($7))`

function fittingValues({ macs, accountId, batchId, model, state, reach }: ActionFilter) {
  const lists = { macs: macs === undefined ? null : [...macs], reach: reach === null ? null : [...reach] }
  return [lists.macs, accountId ?? null, batchId ?? null, model ?? null, state ?? null, lists.reach]
}

/** A device that an action cannot reach by SIP, or is not to. */
export interface WithoutSip {
  readonly mac: MacAddress
  readonly hasProxy: boolean
  /** Address of its last believed request. */
  readonly believedFrom: string | null
}

/** Those that fit and cannot be asked by SIP, or with `via` url are not to be: whoever asks looks whether they can be asked at all. */
export async function listWithoutSip(
  sql: Pick<Sql, 'query'>,
  filter: ActionFilter,
  via: NewActions['via'],
): Promise<readonly WithoutSip[]> {
  return sql.query<WithoutSip>({
    name: 'list-without-sip',
    text: `${NEAREST_PROXY}, found as (
             select d.mac, coalesce(own.scope, (select scope from platform_proxy)) is not null as "hasProxy"
               from ${FITTING})
           select f.mac, f."hasProxy", s.believed_from as "believedFrom"
             from found f left join device_seen s on s.mac = f.mac
            where $1 = 'url' or not f."hasProxy" order by f.mac limit ${BULK_MAX}`,
    values: [via, ...fittingValues(filter)],
  })
}

const ASK_ACTIONS = `${NEAREST_PROXY}, found as (
  select d.mac, d.account_id, coalesce(own.scope, (select scope from platform_proxy)) as scope,
         row_number() over (order by md5(d.mac || coalesce($1, ''))) - 1 as place
    from ${FITTING} and d.mac <> all ($15::text[])
     and ($8 <> 'sip' or coalesce(own.scope, (select scope from platform_proxy)) is not null)
   order by place limit ${BULK_MAX})
insert into action (id, bulk_id, mac, account_id, kind, via, pace_key, profile, who, due_at, deadline_at, created_at,
                    updated_at, steps)
select 'act_' || replace(gen_random_uuid()::text, '-', ''), $1, mac, account_id, $9,
       case when $8 = 'url' or scope is null then 'url' else 'sip' end,
       case when $8 = 'url' or scope is null then 'url' else scope end,
       $10, $11, t.due, t.due + make_interval(secs => $12), t.now, t.now,
       jsonb_build_array(jsonb_build_object('at', to_char(t.now at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'state', 'queued', 'text', 'Asked for by ' || $11))
  from found, lateral (select to_timestamp($13::float8 / 1000) as now,
                              to_timestamp($13::float8 / 1000 + place * $14::float8) as due) t
returning id, mac, account_id`

/**
 * Writes an action for each bound device that has a line and fits the filter, spread over time. `auto` goes by SIP where
 * a proxy is set, else to the phone's own URL; what cannot go the asked way is left out.
 */
export async function askActions(sql: Sql, filter: ActionFilter, asked: NewActions): Promise<AskedActions> {
  const bulkId = asked.bulk === undefined ? undefined : newId('bulk')
  const rows = await sql.query<{ id: string; mac: MacAddress; account_id: string }>({
    name: 'ask-actions',
    text: ASK_ACTIONS,
    values: [
      bulkId ?? null,
      ...fittingValues(filter),
      asked.via,
      asked.kind,
      asked.profile ?? null,
      asked.who,
      ACTION_SECONDS,
      asked.now,
      asked.bulk === undefined ? 0 : 1 / asked.bulk.perSecond,
      [...(filter.except ?? [])],
    ],
  })
  if (rows.length === 0) return { bulkId, ids: [] }
  await recordEvents(
    sql,
    rows.map(({ id, mac, account_id: accountId }) => ({
      name: 'action.asked',
      trust: 'operator',
      mac,
      accountId,
      data: { id, kind: asked.kind, who: asked.who },
    })),
  )
  const target = bulkId ?? rows[0]?.mac ?? ''
  await recordRevision(sql, {
    who: asked.who,
    scope: 'action',
    target,
    what: `asked for ${asked.kind}`,
    after: { count: rows.length },
  })
  await sql.notify(CONTROL_CHANNEL, 'action')
  return { bulkId, ids: rows.map(({ id }) => id) }
}

export async function findAction(sql: Pick<Sql, 'one'>, id: string): Promise<StoredAction | undefined> {
  return sql.one<StoredAction>({
    name: 'find-action',
    text: `select ${COLUMNS} from action a where a.id = $1`,
    values: [id],
  })
}

/** Newest first; `after` is the last id of the page before. */
export async function listActions(
  sql: Pick<Sql, 'query'>,
  filter: {
    readonly mac: string | undefined
    readonly bulkId: string | undefined
    readonly state: ActionState | undefined
    readonly reach: readonly string[] | null
    readonly after: string | undefined
    readonly limit: number
  },
): Promise<readonly StoredAction[]> {
  return sql.query<StoredAction>({
    name: 'list-actions',
    text: `select ${COLUMNS} from action a
            where ($1::text is null or a.mac = $1) and ($2::text is null or a.bulk_id = $2)
              and ($3::text is null or a.state = $3) and ($4::text[] is null or a.account_id = any ($4))
              and ($5::text is null or a.seq < (select p.seq from action p where p.id = $5))
            order by a.seq desc limit $6`,
    values: [
      filter.mac ?? null,
      filter.bulkId ?? null,
      filter.state ?? null,
      filter.reach === null ? null : [...filter.reach],
      filter.after ?? null,
      filter.limit,
    ],
  })
}

const CALLED_OFF = `jsonb_build_array(jsonb_build_object('at', $5::text, 'state', 'cancelled', 'text', $6::text))`

/** Calls off what is not over; a phone that was already told does what it was told. @returns how many */
export async function cancelActions(
  sql: Sql,
  which: { readonly id: string } | { readonly bulkId: string; readonly reach: readonly string[] | null },
  who: string,
  now: Millis,
): Promise<number> {
  const text = `Called off by ${who}`
  const rows = await sql.query<{ id: string; mac: MacAddress; account_id: string | null; kind: ActionKind }>({
    name: 'cancel-actions',
    text: `update action a set ${withSteps(CALLED_OFF)}, ended_at = to_timestamp($4::float8 / 1000), leased_by = null,
             lease_until = null, updated_at = to_timestamp($4::float8 / 1000)
           where ended_at is null and ($1::text is null or id = $1) and ($2::text is null or bulk_id = $2)
             and ($1::text is not null or $2::text is not null)
             and ($3::text[] is null or account_id = any ($3))
           returning id, mac, account_id, kind`,
    values: [
      'id' in which ? which.id : null,
      'id' in which ? null : which.bulkId,
      'id' in which || which.reach === null ? null : [...which.reach],
      now,
      new Date(now).toISOString(),
      text,
    ],
  })
  await recordEvents(
    sql,
    rows.map(({ id, mac, account_id: accountId, kind }) => ({
      name: 'action.cancelled',
      trust: 'operator',
      mac,
      accountId: accountId ?? undefined,
      data: { id, kind, who },
    })),
  )
  return rows.length
}
