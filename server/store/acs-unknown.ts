/** Devices that proved who they are by a certificate and that nobody has registered. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { Sql } from './sql.ts'

/** Beyond so many, those that have not called for longest are forgotten. */
export const UNKNOWN_MAX = 10_000

export interface UnknownCaller {
  readonly mac: MacAddress
  readonly serial: string
  readonly manufacturer: string
  readonly productClass: string
  readonly ca: string
  readonly at: Millis
  readonly from: string
}

export async function recordUnknownCallers(sql: Pick<Sql, 'run'>, callers: readonly UnknownCaller[]): Promise<void> {
  const rows = [...new Map(callers.map((each) => [each.mac, each])).values()]
  if (rows.length === 0) return
  await sql.run({
    name: 'record-acs-unknown',
    text: `insert into acs_unknown (mac, serial, manufacturer, product_class, ca, first_at, last_at, last_from)
           select x.mac, x.serial, x.manufacturer, x.class, x.ca, to_timestamp(x.at / 1000.0),
                  to_timestamp(x.at / 1000.0), x.peer
             from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::text[])
                  as x (mac, serial, manufacturer, class, ca, at, peer)
            where not exists (select 1 from device d where d.mac = x.mac)
           on conflict (mac) do update set last_at = excluded.last_at, last_from = excluded.last_from`,
    values: [
      rows.map((row) => row.mac),
      rows.map((row) => row.serial),
      rows.map((row) => row.manufacturer),
      rows.map((row) => row.productClass),
      rows.map((row) => row.ca),
      rows.map((row) => row.at),
      rows.map((row) => row.from),
    ],
  })
  await sql.run({
    name: 'forget-acs-unknown',
    text: `delete from acs_unknown where mac in (select mac from acs_unknown order by last_at desc offset ${UNKNOWN_MAX})`,
    values: [],
  })
}

export interface ShownUnknown {
  readonly mac: MacAddress
  readonly serial: string
  readonly manufacturer: string
  readonly productClass: string
  readonly ca: string
  readonly firstAt: Date
  readonly lastAt: Date
  readonly lastFrom: string
}

/** In the order of their MACs; those registered meanwhile are left out. */
export async function listUnknownCallers(
  sql: Pick<Sql, 'query'>,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly ShownUnknown[]> {
  return sql.query<ShownUnknown>({
    name: 'list-acs-unknown',
    text: `select u.mac, u.serial, u.manufacturer, u.product_class as "productClass", u.ca, u.first_at as "firstAt",
                  u.last_at as "lastAt", u.last_from as "lastFrom"
             from acs_unknown u
            where ($1::text is null or u.mac > $1) and not exists (select 1 from device d where d.mac = u.mac)
            order by u.mac limit $2`,
    values: [page.after ?? null, page.limit],
  })
}
