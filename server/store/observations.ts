/** What requests said about their phones, written in batches. Nothing here decides anything. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Observation } from '../devices/mod.ts'
import { announce } from './changes.ts'
import type { Sql } from './sql.ts'

/** Writes the newest observation of each device; believed and claimed ones go to different columns. */
export async function recordObservations(sql: Sql, observations: readonly Observation[]): Promise<void> {
  const believed = newestByMac(observations.filter(({ trust }) => trust !== 'claimed'))
  const claimed = newestByMac(observations.filter(({ trust }) => trust === 'claimed'))
  if (believed.length > 0) await writeBelieved(sql, believed)
  if (claimed.length > 0) await writeClaimed(sql, claimed)
  const changed = await writeVersions(sql, believed)
  for (const { mac } of changed) await announce(sql, { kind: 'device', mac })
}

/** Later ones win, field by field: a request without a marker does not wipe out the marker before it. */
function newestByMac(observations: readonly Observation[]): readonly Observation[] {
  const byMac = new Map<string, Observation>()
  for (const observation of observations) byMac.set(observation.mac, { ...byMac.get(observation.mac), ...observation })
  return [...byMac.values()]
}

async function writeBelieved(sql: Sql, rows: readonly Observation[]): Promise<void> {
  await sql.run({
    name: 'seen-believed',
    text: `insert into device_seen (mac, first_at, believed_at, believed_from, firmware, cause, registration_seconds, product)
           select x.mac, to_timestamp(x.at / 1000.0), to_timestamp(x.at / 1000.0), x.peer, x.firmware, x.cause, x.reg, x.product
             from unnest($1::text[], $2::float8[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[])
                  as x (mac, at, peer, firmware, cause, reg, product)
             join device d on d.mac = x.mac
           on conflict (mac) do update set first_at = coalesce(device_seen.first_at, excluded.first_at),
             believed_at = excluded.believed_at, believed_from = excluded.believed_from,
             firmware = coalesce(excluded.firmware, device_seen.firmware),
             cause = coalesce(excluded.cause, device_seen.cause),
             registration_seconds = coalesce(excluded.registration_seconds, device_seen.registration_seconds),
             product = coalesce(excluded.product, device_seen.product)`,
    values: [
      rows.map((row) => row.mac),
      rows.map((row) => row.at),
      rows.map((row) => row.from),
      rows.map((row) => row.firmware ?? null),
      rows.map((row) => row.cause ?? null),
      rows.map((row) => row.registrationSeconds ?? null),
      rows.map((row) => row.product ?? null),
    ],
  })
}

async function writeClaimed(sql: Sql, rows: readonly Observation[]): Promise<void> {
  await sql.run({
    name: 'seen-claimed',
    text: `insert into device_seen (mac, claimed_at, claimed_from)
           select x.mac, to_timestamp(x.at / 1000.0), x.peer
             from unnest($1::text[], $2::float8[], $3::text[]) as x (mac, at, peer)
             join device d on d.mac = x.mac
           on conflict (mac) do update set claimed_at = excluded.claimed_at, claimed_from = excluded.claimed_from`,
    values: [rows.map((row) => row.mac), rows.map((row) => row.at), rows.map((row) => row.from)],
  })
}

/** @returns devices whose served or running version really changed */
async function writeVersions(sql: Sql, rows: readonly Observation[]): Promise<readonly { mac: Observation['mac'] }[]> {
  const named = rows.filter((row) => row.runningVersion !== undefined || row.servedVersion !== undefined)
  if (named.length === 0) return []
  return sql.query<{ mac: Observation['mac'] }>({
    name: 'device-versions',
    text: `update device d set running_version = coalesce(x.running, d.running_version),
                               served_version = coalesce(x.served, d.served_version)
             from unnest($1::text[], $2::text[], $3::text[]) as x (mac, running, served)
            where d.mac = x.mac and (coalesce(x.running, d.running_version) is distinct from d.running_version
                                  or coalesce(x.served, d.served_version) is distinct from d.served_version)
           returning d.mac`,
    values: [
      named.map((row) => row.mac),
      named.map((row) => row.runningVersion ?? null),
      named.map((row) => row.servedVersion ?? null),
    ],
  })
}

/** @returns the device with that serial number, if there is exactly one */
export async function findMacBySerial(sql: Pick<Sql, 'query'>, serial: string): Promise<MacAddress | undefined> {
  const rows = await sql.query<{ mac: MacAddress }>({
    name: 'mac-by-serial',
    text: 'select mac from device where serial = $1 limit 2',
    values: [serial],
  })
  return rows.length === 1 ? rows[0]?.mac : undefined
}

/** @returns the device that was last believed from that address, if there is exactly one: behind a router there are many */
export async function findMacByAddress(sql: Pick<Sql, 'query'>, address: string): Promise<MacAddress | undefined> {
  const rows = await sql.query<{ mac: MacAddress }>({
    name: 'mac-by-address',
    text: 'select mac from device_seen where believed_from = $1 limit 2',
    values: [address],
  })
  return rows.length === 1 ? rows[0]?.mac : undefined
}
