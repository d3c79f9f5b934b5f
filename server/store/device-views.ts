/** Devices as they are shown, listed and counted. Reads only. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { DeviceState } from '../devices/mod.ts'
import type { DeviceRow } from './facts.ts'
import { orderOf, type PageRequest, type SortColumn } from './paging.ts'
import type { Sql } from './sql.ts'

/** A device as it is shown: identity, state, what was seen and what is only claimed. */
export interface DeviceView extends DeviceRow {
  readonly label: string
  readonly notes: string
  readonly batch_id: string | null
  readonly bound_at: Date | null
  readonly created_at: Date
  readonly believed_at: Date | null
  readonly believed_from: string | null
  readonly firmware: string | null
  readonly cause: string | null
  readonly registration_seconds: number | null
  readonly claimed_at: Date | null
  readonly claimed_from: string | null
  /** When its first request came that proved who sent it. */
  readonly first_seen_at: Date | null
  /** When it was entered at the vendor's redirect service. */
  readonly rc_entered_at: Date | null
}

const COLUMNS = `d.mac, d.serial, d.model, d.account_id, d.held_account_id, d.state, d.pinned_ca, d.profile_path,
       d.key_issued, d.key_confirmed, d.farewell_owed, d.served_version, d.running_version, d.bound_at, d.created_at,
       d.label, d.notes, d.batch_id,
       s.believed_at, s.believed_from, s.firmware, s.cause, s.registration_seconds, s.claimed_at, s.claimed_from,
       s.first_at as first_seen_at, r.entered_at as rc_entered_at`
const FROM = 'from device d left join device_seen s on s.mac = d.mac left join rc_entry r on r.mac = d.mac'

export async function viewDevice(sql: Pick<Sql, 'one'>, mac: MacAddress): Promise<DeviceView | undefined> {
  return sql.one<DeviceView>({
    name: 'view-device',
    text: `select ${COLUMNS} ${FROM} where d.mac = $1`,
    values: [mac],
  })
}

/** What narrows a list or a count; undefined: any. */
export interface DeviceFilter {
  /** Accounts that may be seen; null: all, and devices of nobody. */
  readonly reach: readonly string[] | null
  /** Accounts that are asked for: one, or one and all below it. */
  readonly accountIds: readonly string[] | undefined
  readonly state: DeviceState | undefined
  readonly model: string | undefined
  readonly batchId: string | undefined
  /** Part of MAC, serial, label, or of a user or number of its lines, in any case. */
  readonly q: string | undefined
  readonly seenAfter: string | undefined
  /** Also those never seen. */
  readonly seenBefore: string | undefined
  /** Bound, but not known to run what was last served to it. */
  readonly outOfDate: boolean | undefined
}

const MATCHES = `
       ($1::text[] is null or coalesce(d.account_id, d.held_account_id) = any ($1))
   and ($2::text[] is null or d.account_id = any ($2) or d.held_account_id = any ($2))
   and ($3::text is null or d.state = $3) and ($4::text is null or d.model = $4)
   and ($5::text is null or d.batch_id = $5)
   and ($6::text is null or strpos(d.mac, $7) > 0 or strpos(lower(d.serial), $6) > 0
        or strpos(lower(d.label), $6) > 0
        or exists (select 1 from line l where l.device_mac = d.mac
                    and (strpos(lower(l.user_id), $6) > 0 or strpos(lower(l.display_name), $6) > 0)))
   and ($8::timestamptz is null or s.believed_at >= $8)
   and ($9::timestamptz is null or s.believed_at is null or s.believed_at < $9)
   and ($10::boolean is null or (d.state = 'bound' and (d.running_version is null
        or d.running_version is distinct from d.served_version)) = $10)`
const MATCH_COUNT = 10

function matchValues(filter: DeviceFilter): readonly unknown[] {
  const q = filter.q?.toLowerCase()
  return [
    filter.reach === null ? null : [...filter.reach],
    filter.accountIds === undefined ? null : [...filter.accountIds],
    filter.state ?? null,
    filter.model ?? null,
    filter.batchId ?? null,
    q ?? null,
    // A MAC may be typed with any separators; a text that is none at all must not match every MAC as "".
    q === undefined ? null : macPart(q),
    filter.seenAfter ?? null,
    filter.seenBefore ?? null,
    filter.outOfDate ?? null,
  ]
}

function macPart(q: string): string {
  return /^[0-9a-f]{2}(?:[:.-]?[0-9a-f]{1,4})*[:.-]?$/.test(q) ? q.replaceAll(/[:.-]/g, '') : q
}

export const DEVICE_SORTS = {
  mac: { expression: 'd.mac', type: 'text' },
  createdAt: { expression: 'd.created_at', type: 'timestamptz' },
  seenAt: { expression: `coalesce(s.believed_at, '-infinity')`, type: 'timestamptz' },
  serial: { expression: 'd.serial', type: 'text' },
  model: { expression: 'd.model', type: 'text' },
  label: { expression: 'lower(d.label)', type: 'text' },
} as const satisfies Record<string, SortColumn>

/** @returns undefined when `after` is no mark of this list */
export async function listDevices(
  sql: Pick<Sql, 'query'>,
  filter: DeviceFilter,
  page: PageRequest,
): Promise<readonly (DeviceView & { readonly sortMark: string })[] | undefined> {
  const order = orderOf(DEVICE_SORTS, 'd.mac', page, MATCH_COUNT + 1)
  if (order === undefined) return undefined
  return sql.query({
    name: `list-devices-${order.name}`,
    text: `select ${COLUMNS}, ${order.mark} as "sortMark" ${FROM}
            where ${MATCHES} and ${order.where} ${order.orderBy} limit $${MATCH_COUNT + 3}`,
    values: [...matchValues(filter), ...order.values, page.limit],
  })
}

/** How many devices a filter finds, and of which kind. */
export interface DeviceCounts {
  readonly total: number
  readonly byState: Readonly<Record<string, number>>
  readonly byModel: Readonly<Record<string, number>>
  readonly outOfDate: number
  readonly farewellOwed: number
  readonly neverSeen: number
}

export async function countDevices(sql: Pick<Sql, 'query'>, filter: DeviceFilter): Promise<DeviceCounts> {
  const rows = await sql.query<{
    state: DeviceState
    model: string
    total: number
    outOfDate: number
    farewellOwed: number
    neverSeen: number
  }>({
    name: 'count-devices',
    text: `select d.state, d.model, count(*) as total,
                  count(*) filter (where d.state = 'bound' and (d.running_version is null
                    or d.running_version is distinct from d.served_version)) as "outOfDate",
                  count(*) filter (where d.farewell_owed) as "farewellOwed",
                  count(*) filter (where s.believed_at is null) as "neverSeen"
             ${FROM} where ${MATCHES} group by d.state, d.model order by d.state, d.model`,
    values: [...matchValues(filter)],
  })
  const sum = (of: (row: (typeof rows)[number]) => number): number => rows.reduce((all, row) => all + of(row), 0)
  return {
    total: sum((row) => row.total),
    byState: sumsBy(rows, (row) => row.state),
    byModel: sumsBy(rows, (row) => row.model),
    outOfDate: sum((row) => row.outOfDate),
    farewellOwed: sum((row) => row.farewellOwed),
    neverSeen: sum((row) => row.neverSeen),
  }
}

function sumsBy<Row extends { readonly total: number }>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): Readonly<Record<string, number>> {
  const sums = new Map<string, number>()
  for (const row of rows) sums.set(keyOf(row), (sums.get(keyOf(row)) ?? 0) + row.total)
  return Object.fromEntries(sums)
}
