/** Reports of phones: sealed at rest (they may carry what a customer typed), the newest few kept per device. */
import { type FetchCommit, type ReportKind, readReport } from '../fetch/mod.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

/** Reports kept per device. */
export const REPORTS_PER_DEVICE_MAX = 20

type ReportCommit = Extract<FetchCommit, { kind: 'store-report' }>

export async function insertReport(sql: Sql, vault: Vault, report: ReportCommit): Promise<void> {
  const text = new TextDecoder().decode(report.body)
  await sql.run({
    name: 'insert-report',
    text: `insert into report (mac, kind, trust, peer, byte_count, sealed) values ($1, $2, $3, $4, $5, $6)`,
    values: [
      report.mac ?? null,
      readReport(report.body).kind,
      report.trust,
      report.peer,
      report.body.length,
      vault.seal(SECRET_CONTEXT.report(report.mac), text),
    ],
  })
  await sql.run({
    name: 'drop-old-reports',
    text: `delete from report where mac = $1 and id not in
             (select id from report where mac = $1 order by at desc, id desc limit $2)`,
    values: [report.mac ?? null, REPORTS_PER_DEVICE_MAX],
  })
}

export interface StoredReport {
  readonly id: number
  readonly at: Date
  readonly kind: ReportKind
  readonly trust: string
  readonly byteCount: number
}

/** Newest first. */
export async function listReports(sql: Pick<Sql, 'query'>, mac: string): Promise<readonly StoredReport[]> {
  return sql.query<StoredReport>({
    name: 'list-reports',
    text: `select id, at, kind, trust, byte_count as "byteCount" from report where mac = $1 order by at desc, id desc limit $2`,
    values: [mac, REPORTS_PER_DEVICE_MAX],
  })
}
