/**
 * The last few profiles that each device was served, so that what it runs can be compared with what we want. The text
 * holds secrets, so it is sealed.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import { gunzip, gzip } from '../../protocol/envelope/mod.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

/** Versions kept of each device, besides the one served last and the one it runs. */
export const VERSIONS_KEPT = 5

/** A profile that left, as it was rendered for its device. */
export interface ServedProfile {
  readonly mac: MacAddress
  readonly version: string
  readonly bytes: Uint8Array
}

/** Of a version that is the newest one known already nothing is written. */
export async function recordServedProfiles(
  sql: Pick<Sql, 'run'>,
  vault: Vault,
  served: readonly ServedProfile[],
): Promise<void> {
  const rows = [...new Map(served.map((each) => [`${each.mac}/${each.version}`, each])).values()]
  if (rows.length === 0) return
  await sql.run({
    name: 'record-profile-versions',
    text: `insert into profile_version (mac, version, sealed)
           select x.mac, x.version, x.sealed from unnest($1::text[], $2::text[], $3::bytea[]) as x (mac, version, sealed)
             join device d on d.mac = x.mac
           on conflict (mac, version) do update set at = now()
             where exists (select 1 from profile_version n
                            where n.mac = excluded.mac and n.at > profile_version.at)`,
    values: [rows.map(({ mac }) => mac), rows.map(({ version }) => version), rows.map((row) => sealedText(row, vault))],
  })
  await sql.run({
    name: 'forget-profile-versions',
    text: `delete from profile_version v using device d
            where d.mac = any($1::text[]) and v.mac = d.mac
              and v.version is distinct from d.served_version and v.version is distinct from d.running_version
              and v.at < (select min(n.at) from (select x.at from profile_version x where x.mac = d.mac
                                                  order by x.at desc limit $2) n)`,
    values: [[...new Set(rows.map(({ mac }) => mac))], VERSIONS_KEPT],
  })
}

export interface KnownVersion {
  readonly version: string
  readonly at: Date
}

/** Newest first. */
export async function knownVersions(sql: Pick<Sql, 'query'>, mac: MacAddress): Promise<readonly KnownVersion[]> {
  return sql.query<KnownVersion>({
    name: 'profile-versions',
    text: 'select version, at from profile_version where mac = $1 order by at desc',
    values: [mac],
  })
}

/** @returns the text of a version, with its secrets; undefined when it was never served or is forgotten */
export async function findServedProfile(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  mac: MacAddress,
  version: string,
): Promise<{ readonly text: string; readonly at: Date } | undefined> {
  const row = await sql.one<{ sealed: Buffer; at: Date }>({
    name: 'find-profile-version',
    text: 'select sealed, at from profile_version where mac = $1 and version = $2',
    values: [mac, version],
  })
  if (row === undefined) return undefined
  const packed = Buffer.from(vault.open(SECRET_CONTEXT.profileVersion(mac, version), row.sealed), 'base64')
  const text = gunzip(packed, TEXT_BYTES_MAX)
  if (!text.ok) throw new Error(`Cannot unpack version "${version}" of ${mac}: ${text.error.message}`)
  return { text: new TextDecoder().decode(text.value), at: row.at }
}

const TEXT_BYTES_MAX = 8 * 1024 * 1024

function sealedText({ mac, version, bytes }: ServedProfile, vault: Vault): Buffer {
  return vault.seal(SECRET_CONTEXT.profileVersion(mac, version), Buffer.from(gzip(bytes)).toString('base64'))
}
