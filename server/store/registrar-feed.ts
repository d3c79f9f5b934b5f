/** What the provider's registrar says of our lines, and how it is asked. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import { askActions } from './actions.ts'
import { CONTROL_CHANNEL } from './action-states.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'

export interface RegistrarFeed {
  readonly kind: 'kamailio'
  /** Of its JSON-RPC over HTTP, e.g. `http://10.0.0.5:5060/RPC`. */
  readonly url: string
  /** Whether its addresses of record have a domain: `1001@example.com`. */
  readonly domains: boolean
  /** Questions a second, of all processes together. */
  readonly perSecond: number
}

const COLUMNS = 'kind, url, domains, per_second as "perSecond"'

export async function findRegistrarFeed(sql: Pick<Sql, 'one'>): Promise<RegistrarFeed | undefined> {
  return sql.one<RegistrarFeed>({
    name: 'find-registrar-feed',
    text: `select ${COLUMNS} from registrar_feed`,
    values: [],
  })
}

export async function putRegistrarFeed(sql: Sql, who: string, feed: RegistrarFeed): Promise<void> {
  const before = await findRegistrarFeed(sql)
  await sql.run({
    name: 'put-registrar-feed',
    text: `insert into registrar_feed (id, kind, url, domains, per_second) values ('-', $1, $2, $3, $4)
           on conflict (id) do update set kind = excluded.kind, url = excluded.url, domains = excluded.domains,
             per_second = excluded.per_second, updated_at = now()`,
    values: [feed.kind, feed.url, feed.domains, feed.perSecond],
  })
  const earlier = before === undefined ? {} : { before }
  await recordRevision(sql, { who, scope: 'registrar-feed', target: '-', what: 'set', ...earlier, after: feed })
  await sql.notify(CONTROL_CHANNEL, 'feed')
}

/** What it said is forgotten with it. @returns whether there was one */
export async function dropRegistrarFeed(sql: Sql, who: string): Promise<boolean> {
  const dropped = await sql.run({ name: 'drop-registrar-feed', text: 'delete from registrar_feed', values: [] })
  if (dropped === 0) return false
  await sql.run({ name: 'drop-registrations', text: 'delete from registration', values: [] })
  await recordRevision(sql, { who, scope: 'registrar-feed', target: '-', what: 'removed' })
  await sql.notify(CONTROL_CHANNEL, 'feed')
  return true
}

/** A line that the registrar is to be asked about. */
export interface AskedLine {
  readonly lineId: string
  readonly userId: string
  readonly domain: string
}

/**
 * Takes lines of bound devices to ask about: first those that were never asked or whose device waits to be told to
 * resync, then those that were asked longest ago. Run it in a transaction; several processes share the lines.
 * @param agedMs a line that was asked later than this ago is left alone, one that waits only a twelfth of it
 */
export async function takeLinesToAsk(
  sql: Sql,
  limit: number,
  agedMs: Millis,
  now: Millis,
): Promise<readonly AskedLine[]> {
  await sql.run({
    name: 'make-registrations',
    text: `insert into registration (line_id, asked_at)
           select l.id, to_timestamp(0) from line l join device d on d.mac = l.device_mac and d.state = 'bound'
            where not exists (select 1 from registration r where r.line_id = l.id) limit $1
           on conflict do nothing`,
    values: [limit],
  })
  return sql.query<AskedLine>({
    name: 'take-lines-to-ask',
    text: `with taken as (
             select r.line_id from registration r join line l on l.id = r.line_id
               join device d on d.mac = l.device_mac and d.state = 'bound'
              where r.asked_at < to_timestamp(($1::float8 - case when r.registered is distinct from true
                      and d.running_version is null then $2::float8 / 12 else $2::float8 end) / 1000)
              order by (r.registered is distinct from true and d.running_version is null) desc, r.asked_at
              limit $3 for update of r skip locked)
           update registration r set asked_at = to_timestamp($1::float8 / 1000) from taken, line l
            where r.line_id = taken.line_id and l.id = taken.line_id
           returning r.line_id as "lineId", l.user_id as "userId", l.domain`,
    values: [now, agedMs, limit],
  })
}

/** What the registrar answered about one line. */
export interface RegistrationSeen {
  readonly lineId: string
  readonly registered: boolean
  readonly contact: string | undefined
  readonly userAgent: string | undefined
  readonly expiresAt: Millis | undefined
}

export async function recordRegistrations(sql: Sql, seen: readonly RegistrationSeen[], now: Millis): Promise<void> {
  await sql.run({
    name: 'record-registrations',
    text: `update registration r set registered = x.registered, contact = x.contact, user_agent = x.agent,
             expires_at = to_timestamp(x.expires / 1000), seen_at = to_timestamp($6::float8 / 1000),
             changed_at = case when r.registered is distinct from x.registered then to_timestamp($6::float8 / 1000)
                               else r.changed_at end
             from unnest($1::text[], $2::bool[], $3::text[], $4::text[], $5::float8[])
                  as x (line_id, registered, contact, agent, expires)
            where r.line_id = x.line_id`,
    values: [
      seen.map(({ lineId }) => lineId),
      seen.map(({ registered }) => registered),
      seen.map(({ contact }) => contact ?? null),
      seen.map(({ userAgent }) => userAgent ?? null),
      seen.map(({ expiresAt }) => expiresAt ?? null),
      now,
    ],
  })
}

/**
 * Asks phones to resync that were bound and are registered now, but have not said what they run: so their marker comes at
 * once. Once a binding, and only where a proxy is set. Run it in a transaction.
 */
export async function askNewlyRegistered(
  sql: Sql,
  lineIds: readonly string[],
  now: Millis,
): Promise<readonly MacAddress[]> {
  const rows = await sql.query<{ mac: MacAddress }>({
    name: 'newly-registered',
    text: `select d.mac from device d
            where d.state = 'bound' and d.running_version is null
              and d.mac in (select l.device_mac from line l join registration r on r.line_id = l.id
                             where l.id = any ($1) and r.registered and r.seen_at > d.bound_at)
              and not exists (select 1 from action a where a.mac = d.mac and a.kind = 'resync'
                                 and a.created_at > d.bound_at)
            for update of d skip locked`,
    values: [[...lineIds]],
  })
  const macs = rows.map(({ mac }) => mac)
  if (macs.length === 0) return []
  await askActions(
    sql,
    { macs, accountId: undefined, batchId: undefined, model: undefined, state: undefined, reach: null },
    { kind: 'resync', via: 'sip', profile: undefined, who: 'system:registrar', now, bulk: undefined },
  )
  return macs
}

/** What is shown of one line of a device. */
export interface LineRegistration {
  readonly lineId: string
  readonly index: number
  readonly userId: string
  readonly registered: boolean | null
  readonly contact: string | null
  readonly userAgent: string | null
  readonly expiresAt: Date | null
  readonly seenAt: Date | null
  readonly changedAt: Date | null
}

export async function listRegistrations(
  sql: Pick<Sql, 'query'>,
  mac: MacAddress,
): Promise<readonly LineRegistration[]> {
  return sql.query<LineRegistration>({
    name: 'list-registrations',
    text: `select l.id as "lineId", l.line_index as index, l.user_id as "userId", r.registered, r.contact,
                  r.user_agent as "userAgent", r.expires_at as "expiresAt", r.seen_at as "seenAt",
                  r.changed_at as "changedAt"
             from line l left join registration r on r.line_id = l.id where l.device_mac = $1 order by l.line_index`,
    values: [mac],
  })
}
