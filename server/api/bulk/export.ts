/** Exports, written while they are read: page by page, in the columns that an import takes. */
import { exportPage, linePasswords, type StoredAccount, type Vault } from '../../store/mod.ts'
import type { ApiPlatform } from '../context.ts'
import { ACCOUNT_COLUMNS, DEVICE_COLUMNS, LINE_COLUMNS } from './columns.ts'
import type { Column } from './row.ts'
import { csvRow } from './write.ts'

export type BulkNoun = 'accounts' | 'lines' | 'devices'

const COLUMNS: Readonly<Record<BulkNoun, readonly Column[]>> = {
  accounts: ACCOUNT_COLUMNS,
  lines: LINE_COLUMNS,
  devices: DEVICE_COLUMNS,
}

const PAGE_ROWS = 1000

interface ExportRow {
  readonly id: string
  readonly settings?: StoredAccount['settings']
  readonly [column: string]: unknown
}

export interface ExportOptions {
  readonly noun: BulkNoun
  readonly format: 'csv' | 'json'
  readonly reach: readonly string[] | null
  /** Lines with their passwords. */
  readonly reveal: boolean
}

export async function* exportText(
  platform: Pick<ApiPlatform, 'db' | 'vault'>,
  options: ExportOptions,
): AsyncGenerator<string> {
  const columns = COLUMNS[options.noun].filter(({ secret }) => secret !== true || options.reveal)
  const csv = options.format === 'csv'
  yield csv ? `${columns.map(({ name }) => name).join(',')}\r\n` : '{"items":['
  let first = true
  for await (const rows of pagesOf(platform, options)) {
    const texts = rows.map((row) =>
      csv ? csvRow(columns.map(({ name }) => cellText(row[name]))) : JSON.stringify(jsonRow(columns, row)),
    )
    yield csv ? texts.join('') : `${first ? '' : ','}${texts.join(',')}`
    first = false
  }
  if (!csv) yield ']}'
}

async function* pagesOf(
  { db, vault }: Pick<ApiPlatform, 'db' | 'vault'>,
  { noun, reach, reveal }: ExportOptions,
): AsyncGenerator<readonly ExportRow[]> {
  let after = ''
  for (;;) {
    const rows = await exportPage<ExportRow>(db, noun, { reach, after, limit: PAGE_ROWS })
    const last = rows.at(-1)
    if (last === undefined) return
    const flat = rows.map(({ settings, ...row }) => ({ ...row, ...settings }))
    yield noun === 'lines' && reveal ? await withPasswords(db, vault, flat) : flat
    if (rows.length < PAGE_ROWS) return
    after = last.id
  }
}

async function withPasswords(
  db: ApiPlatform['db'],
  vault: Vault,
  rows: readonly ExportRow[],
): Promise<readonly ExportRow[]> {
  const passwords = await linePasswords(
    db,
    vault,
    rows.map(({ id }) => id),
  )
  return rows.map((row) => ({ ...row, password: passwords.get(row.id) ?? null }))
}

function cellText(value: unknown): string {
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : ''
}

function jsonRow(columns: readonly Column[], row: ExportRow): Readonly<Record<string, unknown>> {
  return Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null]))
}
