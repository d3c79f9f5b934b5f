/** Phones that turned up, told in batches. Nothing here decides anything; the table is bounded by what kind of word it is. */
import { isIPv4 } from 'node:net'
import type { MacAddress } from '../../protocol/identity.ts'
import { isPublicAddress, network64Of, plainAddress, type Sighting } from '../devices/mod.ts'
import type { Sql } from './sql.ts'

export type { Sighting }

/**
 * Rows of each kind, 100,000 together: beyond, those that were seen longest ago go. A flood of claims so displaces no
 * phone that proved who it is.
 */
export const SIGHTINGS_MAX: Readonly<Record<Sighting['source'], number>> = {
  certificate: 40_000,
  path: 40_000,
  dhcp: 20_000,
}

/** Of one account that tells us of leases: it displaces its own. */
export const REPORTED_MAX = 5000

/**
 * Writes the newest sighting of each phone by each way. `at` must not lie in the future: who takes it from somebody else
 * sees to that.
 */
export async function recordSightings(sql: Pick<Sql, 'query' | 'run'>, sightings: readonly Sighting[]): Promise<void> {
  const rows = newestOfEach(sightings)
  if (rows.length === 0) return
  const made = await sql.query<{ source: Sighting['source']; reporter: string }>({
    name: 'record-sightings',
    text: `with put as (
             insert into sighting as s (mac, source, reporter, address, network, serial, product_name, problem, profile_at,
                                        first_at, last_at)
             select x.mac, x.source, x.reporter, x.address, x.network, x.serial, x.product, x.problem,
                    case when x.profile then to_timestamp(x.at / 1000.0) end, to_timestamp(x.first / 1000.0),
                    to_timestamp(x.at / 1000.0)
               from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                           $9::bool[], $10::float8[], $11::float8[])
                    as x (mac, source, reporter, address, network, serial, product, problem, profile, first, at)
             on conflict (mac, source, reporter) do update set address = excluded.address, network = excluded.network,
               serial = coalesce(excluded.serial, s.serial),
               product_name = coalesce(excluded.product_name, s.product_name), problem = excluded.problem,
               profile_at = coalesce(s.profile_at, excluded.profile_at),
               first_at = least(s.first_at, excluded.first_at), last_at = excluded.last_at
             where excluded.last_at >= s.last_at
             returning s.source, s.reporter, s.xmax = 0 as made)
           select distinct source, reporter from put where made`,
    values: [
      rows.map(({ mac }) => mac),
      rows.map(({ source }) => source),
      rows.map((row) => row.reporter ?? ''),
      rows.map(({ address }) => address),
      rows.map(({ address }) => networkOf(address) ?? null),
      rows.map((row) => row.serial ?? null),
      rows.map((row) => row.productName ?? null),
      rows.map((row) => row.problem ?? null),
      rows.map((row) => row.firstProfile === true),
      rows.map(({ firstAt }) => firstAt),
      rows.map(({ at }) => at.getTime()),
    ],
  })
  await keepBounds(sql, made)
}

/** In the order of their keys, so that two processes lock rows in one order. */
function newestOfEach(sightings: readonly Sighting[]): readonly (Sighting & { readonly firstAt: number })[] {
  const byKey = new Map<string, Sighting & { readonly firstAt: number }>()
  for (const sighting of sightings) {
    const key = `${sighting.mac} ${sighting.source} ${sighting.reporter ?? ''}`
    const at = sighting.at.getTime()
    const before = byKey.get(key)
    const firstAt = Math.min(before?.firstAt ?? at, at)
    if (before === undefined || at >= before.at.getTime()) {
      const firstProfile = sighting.firstProfile === true || before?.firstProfile === true
      byKey.set(key, { ...withoutProblem(before), ...sighting, firstProfile, firstAt })
    } else byKey.set(key, { ...before, firstAt })
  }
  return [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}

/** What a phone did before does not speak against it when it did better since. */
function withoutProblem(before: Sighting | undefined): Partial<Sighting> {
  if (before === undefined) return {}
  const { problem: _past, ...rest } = before
  return rest
}

/** Only rows that are new can be too many. By their places, which are short: this is sorted for each new phone of a storm. */
async function keepBounds(
  sql: Pick<Sql, 'run'>,
  made: readonly { readonly source: Sighting['source']; readonly reporter: string }[],
): Promise<void> {
  for (const source of new Set(made.map((each) => each.source))) {
    await sql.run({
      name: 'forget-sightings',
      text: `delete from sighting where ctid in (
               select ctid from sighting where source = $1 order by last_at desc offset $2)`,
      values: [source, SIGHTINGS_MAX[source]],
    })
  }
  for (const reporter of new Set(made.map((each) => each.reporter))) {
    if (reporter === '') continue
    await sql.run({
      name: 'forget-reported-sightings',
      text: `delete from sighting where ctid in (
               select ctid from sighting where reporter = $1 and reporter <> '' order by last_at desc offset $2)`,
      values: [reporter, REPORTED_MAX],
    })
  }
}

/** Those that were seen so long ago go as events do: addresses of phones are not kept for ever. @returns how many */
export async function forgetOldSightings(sql: Pick<Sql, 'run'>, days: number): Promise<number> {
  return sql.run({
    name: 'forget-old-sightings',
    text: 'delete from sighting where last_at < now() - make_interval(days => $1)',
    values: [days],
  })
}

/** A phone that turned up lately and that nobody has registered: the strongest word of it, and how long it is about. */
export interface StrangerSeen {
  readonly mac: MacAddress
  readonly serial: string | null
  readonly productName: string | null
  readonly address: string
  readonly source: Sighting['source']
  readonly problem: string | null
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Strangers that one answer names: a bench has fewer. */
export const STRANGERS_MAX = 200

/**
 * Phones seen since then that have no device row, newest first.
 * @param near undefined: all of them. Else only what was seen in one of these networks (see `networkOf`) by our own
 *   doors, and what one of these accounts told us of itself.
 */
export async function listStrangers(
  sql: Pick<Sql, 'query'>,
  since: Date,
  near: { readonly networks: readonly string[]; readonly reporters: readonly string[] } | undefined,
): Promise<readonly StrangerSeen[]> {
  if (near !== undefined && near.networks.length === 0 && near.reporters.length === 0) return []
  const rows = await sql.query<StrangerSeen>(
    near === undefined
      ? { name: 'strangers', text: strangersWhere('$1::timestamptz <= s.last_at'), values: [since, STRANGERS_MAX] }
      : {
          name: 'strangers-near',
          text: strangersWhere(
            `$1::timestamptz <= s.last_at and ((s.reporter = '' and s.network = any ($3)) or (s.reporter <> '' and s.reporter = any ($4)))`,
          ),
          values: [since, STRANGERS_MAX, [...near.networks], [...near.reporters]],
        },
  )
  return rows.toSorted((a, b) => b.lastAt.getTime() - a.lastAt.getTime())
}

/** The newest rows, then one a phone: proved words before those of a DHCP server, those before claims. */
function strangersWhere(which: string): string {
  return `with seen as (
             select s.* from sighting s
              where ${which} and not exists (select 1 from device d where d.mac = s.mac)
              order by s.last_at desc limit $2)
           select distinct on (mac) mac, serial, product_name as "productName", address, source, problem,
                  min(first_at) over (partition by mac) as "firstAt", max(last_at) over (partition by mac) as "lastAt"
             from seen order by mac, array_position(array['certificate', 'dhcp', 'path'], source), last_at desc`
}

/**
 * Where whoever stands in one place is seen from: the /64 of an IPv6 address, the /24 of a private IPv4 one, and of any
 * other IPv4 address itself, since those beside it are of other people.
 * @returns `2001:db8:0:1::/64`, `10.1.2.0/24`, `8.8.8.8/32`; undefined: it is no address
 */
export function networkOf(address: string): string | undefined {
  const before = networks.get(address)
  if (before !== undefined || networks.has(address)) return before
  if (networks.size >= NETWORKS_MAX) networks.clear()
  const network = networkOfText(address)
  networks.set(address, network)
  return network
}

/** Phones of one place come from few addresses, again and again, and reading an address takes its time. */
const networks = new Map<string, string | undefined>()
const NETWORKS_MAX = 10_000

function networkOfText(address: string): string | undefined {
  const plain = plainAddress(address)
  if (isIPv4(plain)) {
    return isOfOneLine(plain) ? `${plain}/32` : `${plain.split('.').slice(0, 3).join('.')}.0/24`
  }
  const groups = network64Of(plain)
  return groups === undefined ? undefined : `${groups}::/64`
}

/** Public, or one that a carrier gives to a subscriber. Source: RFC 6598. */
function isOfOneLine(address: string): boolean {
  return isPublicAddress(address) || /^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(address)
}
