/** Writes a backup: one snapshot of every table, then the firmware files that it names. */
import { createReadStream } from 'node:fs'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Database, Sql } from '../store/mod.ts'
import { BACKUP_FORMAT, type BackupHeader, type BackupLine, BackupProblem } from './format.ts'
import { ownReferences, tablesInOrder } from './tables.ts'

const ROWS_AT_ONCE = 500
const PART_BYTES = 192 * 1024

export interface BackupCounts {
  readonly tables: number
  readonly rows: number
  readonly files: number
}

export interface BackupOptions {
  readonly db: Database
  readonly now: number
  /** Where a firmware file lies; undefined leaves the files out. */
  readonly firmwarePath: ((file: { readonly sha256: string }) => string) | undefined
}

/**
 * Writes a whole backup and ends the stream. A server may go on meanwhile: rows are those of one moment.
 * @throws BackupProblem when a firmware file is missing; errors of the database and the stream as they come
 */
export async function writeBackup(options: BackupOptions, out: Writable): Promise<BackupCounts> {
  const packed = createGzip()
  const arrived = once(out, 'finish')
  // Whoever waits for the end hears of a failure; until then it must not end the process.
  arrived.catch(() => undefined)
  packed.on('error', (error) => out.destroy(error))
  packed.pipe(out)
  const say = async (line: BackupHeader | BackupLine): Promise<void> => {
    if (!packed.write(`${JSON.stringify(line)}\n`)) await Promise.race([once(packed, 'drain'), arrived])
  }
  const counts = await options.db.transaction((tx) => writeRows(tx, options, say), {
    isolation: 'repeatable read',
    readOnly: true,
  })
  let files = 0
  for (const sha256 of counts.sha256s) {
    await writeFile(sha256, options, say)
    files += 1
  }
  await say({ end: true, rows: counts.rows, files })
  packed.end()
  await arrived
  return { tables: counts.tables, rows: counts.rows, files }
}

type Say = (line: BackupHeader | BackupLine) => Promise<void>

async function writeRows(tx: Sql, options: BackupOptions, say: Say) {
  await say(await header(tx, options.now))
  const tables = await tablesInOrder(tx)
  const own = await ownReferences(tx)
  let rows = 0
  for (const table of tables) {
    await say({ table })
    rows += await writeTable(tx, table, own.get(table), say)
  }
  const sha256s = options.firmwarePath === undefined ? [] : await firmwareFiles(tx)
  return { tables: tables.length, rows, sha256s }
}

async function header(tx: Sql, now: number): Promise<BackupHeader> {
  const row = await tx.one<{ schema: number; key_check: Buffer | null }>({
    name: 'backup-header',
    text: `select (select max(version) from schema_migration) as schema,
                  (select sealed from platform_secret where name = 'key-check') as key_check`,
    values: [],
  })
  if (row === undefined || row.key_check === null)
    throw new BackupProblem('Cannot back up: this database was never used by a server')
  return {
    offhook: 'backup',
    format: BACKUP_FORMAT,
    schema: row.schema,
    keyCheck: row.key_check.toString(),
    at: new Date(now).toISOString(),
  }
}

/** @param parent the column by which a row refers to another of the same table, which then comes first */
async function writeTable(tx: Sql, table: string, parent: string | undefined, say: Say): Promise<number> {
  await tx.run({
    name: `backup-declare-${table}`,
    text: `declare backup_rows cursor for ${select(table, parent)}`,
    values: [],
  })
  let count = 0
  for (;;) {
    const rows = await tx.query<{ row: Readonly<Record<string, unknown>> }>({
      name: 'backup-fetch',
      text: `fetch ${ROWS_AT_ONCE} from backup_rows`,
      values: [],
    })
    for (const { row } of rows) await say({ row })
    count += rows.length
    if (rows.length < ROWS_AT_ONCE) break
  }
  await tx.run({ name: 'backup-close', text: 'close backup_rows', values: [] })
  return count
}

/** Table and column names come from the database's own catalogue. */
function select(table: string, parent: string | undefined): string {
  if (parent === undefined) return `select to_jsonb(t) as row from "${table}" t`
  return `with recursive tree as (
            select t.*, 0 as backup_depth from "${table}" t where t."${parent}" is null
            union all
            select t.*, tree.backup_depth + 1 from "${table}" t join tree on t."${parent}" = tree.id)
          select to_jsonb(tree) - 'backup_depth' as row from tree order by backup_depth`
}

async function firmwareFiles(tx: Sql): Promise<readonly string[]> {
  const rows = await tx.query<{ sha256: string }>({
    name: 'backup-firmware',
    text: 'select distinct sha256 from firmware order by sha256',
    values: [],
  })
  return rows.map(({ sha256 }) => sha256)
}

async function writeFile(sha256: string, { firmwarePath }: BackupOptions, say: Say): Promise<void> {
  if (firmwarePath === undefined) return
  try {
    for await (const part of createReadStream(firmwarePath({ sha256 }), { highWaterMark: PART_BYTES })) {
      await say({ file: sha256, part: (part as Buffer).toString('base64') })
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new BackupProblem(
      `Cannot back up: the firmware file ${sha256} is in the database but not on disk. Delete or upload it again, or leave firmware out.`,
    )
  }
}
