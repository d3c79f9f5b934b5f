/**
 * Reports of phones: sealed at rest (they may carry what a customer typed), the newest few kept per device. What all of
 * them together say outlives them in one row, and so does where that differs from what is wanted. A report belongs to the
 * account that had the device when it came; no other ever sees it.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import {
  decodeReported,
  type Drift,
  driftOf,
  encodeReported,
  type FetchCommit,
  type Reported,
  type ReportKind,
  withReport,
} from '../fetch/mod.ts'
import { recordEvent } from './events.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

/** Reports kept per device: believed ones, and claimed ones, which must not push the others out. */
export const REPORTS_PER_DEVICE_MAX = 20
const CLAIMED_PER_DEVICE_MAX = 5
/** Names of elements in an event. */
const NAMES_SHOWN_MAX = 8

type ReportCommit = Extract<FetchCommit, { kind: 'store-report' }>

/** Keeps the report, takes it into what the phone says, and compares that with what is wanted. */
export async function insertReport(sql: Sql, vault: Vault, report: ReportCommit): Promise<void> {
  const { mac, trust, peer, body, content, problem } = report
  // What did not open is of no use to anybody; the reason is kept.
  const text = content.kind === 'unknown' && problem !== undefined ? '' : new TextDecoder().decode(body)
  await sql.run({
    name: 'insert-report',
    text: `insert into report (mac, account_id, kind, trust, peer, byte_count, firmware, problem, sealed, at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, to_timestamp($10 / 1000.0))`,
    values: [
      mac ?? null,
      report.accountId ?? null,
      content.kind,
      trust,
      peer,
      body.length,
      content.state.firmware ?? null,
      problem ?? null,
      vault.seal(SECRET_CONTEXT.report(mac), text),
      report.at,
    ],
  })
  await sql.run({
    name: 'drop-old-reports',
    text: `delete from report where mac = $1 and id not in
             (select id from (select id, row_number() over (partition by trust = 'claimed' order by at desc, id desc) as n,
                                     trust from report where mac = $1) x
               where x.n <= case when x.trust = 'claimed' then $3::int else $2::int end)`,
    values: [mac ?? null, REPORTS_PER_DEVICE_MAX, CLAIMED_PER_DEVICE_MAX],
  })
  if (mac !== undefined && report.basis !== undefined) await takeIn(sql, vault, mac, report)
}

async function takeIn(sql: Sql, vault: Vault, mac: MacAddress, report: ReportCommit): Promise<void> {
  const { accountId, content, basis, at } = report
  const before = await findReported(sql, vault, mac, accountId)
  const after = withReport(before, content, at)
  if (after === undefined || after === before || basis === undefined) return
  await sql.run({
    name: 'put-reported',
    text: `insert into device_reported (mac, account_id, at, full_at, sealed)
           values ($1, $2, to_timestamp($3 / 1000.0), to_timestamp($4 / 1000.0), $5)
           on conflict (mac) do update set account_id = excluded.account_id, at = excluded.at,
             full_at = excluded.full_at, sealed = excluded.sealed`,
    values: [
      mac,
      accountId ?? null,
      after.at,
      after.fullAt ?? null,
      vault.seal(SECRET_CONTEXT.reported(mac), encodeReported(after)),
    ],
  })
  await noteDrift(sql, { mac, accountId, trust: report.trust, at }, driftOf(after, basis))
}

async function noteDrift(
  sql: Sql,
  about: {
    readonly mac: MacAddress
    readonly accountId: string | undefined
    readonly trust: ReportCommit['trust']
    readonly at: Millis
  },
  drifts: readonly Drift[],
): Promise<void> {
  const { mac, accountId, trust, at } = about
  const counted = drifts.filter(({ allowed }) => !allowed)
  const before = await sql.one<{ count: number }>({
    name: 'drift-before',
    text: 'select count from device_drift where mac = $1 and account_id is not distinct from $2',
    values: [mac, accountId ?? null],
  })
  await sql.run({
    name: 'put-drift',
    text: `insert into device_drift (mac, account_id, at, count, elements)
           values ($1, $2, to_timestamp($3 / 1000.0), $4, $5)
           on conflict (mac) do update set account_id = excluded.account_id, at = excluded.at, count = excluded.count,
             elements = excluded.elements`,
    values: [
      mac,
      accountId ?? null,
      at,
      counted.length,
      JSON.stringify(Object.fromEntries(counted.map(({ element, since }) => [element, since]))),
    ],
  })
  if (counted.length > 0 === (before?.count ?? 0) > 0) return
  const names = counted.slice(0, NAMES_SHOWN_MAX).map(({ element }) => element)
  await recordEvent(sql, {
    name: 'device.drift',
    trust,
    mac,
    accountId,
    data: { count: counted.length, ...(names.length === 0 ? {} : { elements: names.join(', ') }) },
  })
}

export interface StoredReport {
  readonly id: number
  readonly at: Date
  readonly kind: ReportKind
  readonly trust: string
  readonly peer: string
  readonly byteCount: number
  readonly firmware: string | null
  readonly problem: string | null
}

const COLUMNS = `id, at, kind, trust, peer, byte_count as "byteCount", firmware, problem`

/** Those of this account, newest first; there are never more than a page. */
export async function listReports(
  sql: Pick<Sql, 'query'>,
  mac: string,
  accountId: string | undefined,
): Promise<readonly StoredReport[]> {
  return sql.query<StoredReport>({
    name: 'list-reports',
    text: `select ${COLUMNS} from report where mac = $1 and account_id is not distinct from $2
           order by at desc, id desc limit $3`,
    values: [mac, accountId ?? null, REPORTS_PER_DEVICE_MAX + CLAIMED_PER_DEVICE_MAX],
  })
}

/** One with its text, opened. */
export async function findReport(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  mac: string,
  accountId: string | undefined,
  id: number,
): Promise<(StoredReport & { readonly text: string }) | undefined> {
  const row = await sql.one<StoredReport & { readonly sealed: Uint8Array }>({
    name: 'find-report',
    text: `select ${COLUMNS}, sealed from report where mac = $1 and account_id is not distinct from $2 and id = $3`,
    values: [mac, accountId ?? null, id],
  })
  if (row === undefined) return undefined
  const { sealed, ...report } = row
  return { ...report, text: vault.open(SECRET_CONTEXT.report(mac), sealed) }
}

/** What the phone says of itself, as far as reports of this account told; undefined before the first. */
export async function findReported(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  mac: string,
  accountId: string | undefined,
): Promise<Reported | undefined> {
  const row = await sql.one<{ sealed: Uint8Array }>({
    name: 'find-reported',
    text: 'select sealed from device_reported where mac = $1 and account_id is not distinct from $2',
    values: [mac, accountId ?? null],
  })
  return row === undefined ? undefined : decodeReported(vault.open(SECRET_CONTEXT.reported(mac), row.sealed))
}

/** A device that differed from what was wanted when it last reported. */
export interface DriftingDevice {
  readonly mac: string
  readonly accountId: string | null
  readonly model: string
  readonly count: number
  readonly at: Date
  readonly elements: Readonly<Record<string, Millis>>
}

/** @param accounts whose devices; null: all. By MAC, after the one given. */
export async function listDrift(
  sql: Pick<Sql, 'query'>,
  filter: { readonly accounts: readonly string[] | null; readonly after: string | undefined; readonly limit: number },
): Promise<readonly DriftingDevice[]> {
  return sql.query<DriftingDevice>({
    name: 'list-drift',
    text: `select d.mac, d.account_id as "accountId", d.model, x.count, x.at, x.elements
             from device_drift x join device d on d.mac = x.mac and d.account_id is not distinct from x.account_id
            where x.count > 0 and d.state = 'bound' and ($1::text[] is null or d.account_id = any($1))
              and ($2::text is null or d.mac > $2)
            order by d.mac limit $3`,
    values: [filter.accounts === null ? null : [...filter.accounts], filter.after ?? null, filter.limit],
  })
}
