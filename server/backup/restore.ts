/** Reads a backup into an empty database, all of it or nothing. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import type { Database, Sql } from '../store/mod.ts'
import { BackupHeader, BackupLine, BackupProblem, LINE_CHARS_MAX } from './format.ts'
import { schemaName, tablesInOrder } from './tables.ts'

const ROWS_AT_ONCE = 500
const BATCH_CHARS_MAX = 8 * 1024 * 1024

export interface RestoreCounts {
  readonly rows: number
  readonly files: number
}

/** What a backup says of itself. @throws BackupProblem for a file that is none */
export async function readBackupHeader(path: string): Promise<BackupHeader> {
  for await (const line of linesOf(path)) return headerOf(line, path)
  throw new BackupProblem(`"${path}" is no backup: it is empty`)
}

function headerOf(line: string, path: string): BackupHeader {
  const header = BackupHeader.safeParse(jsonOf(line))
  if (!header.success) throw new BackupProblem(`"${path}" is no backup of Offhook, or of a newer release`)
  return header.data
}

/**
 * @param db           migrated to the backup's schema, without data
 * @param firmwarePath where files go; they are checked by their name, which is their SHA-256
 */
export async function restoreBackup(
  db: Database,
  path: string,
  firmwarePath: (file: { readonly sha256: string }) => string,
): Promise<RestoreCounts> {
  const files = new FileWriter(firmwarePath)
  try {
    return await db.transaction(async (tx) => {
      await refuseData(tx)
      return readInto(tx, path, files)
    })
  } finally {
    await files.abandon()
  }
}

async function refuseData(tx: Sql): Promise<void> {
  for (const table of await tablesInOrder(tx)) {
    const row = await tx.one({ name: `restore-any-${table}`, text: `select 1 from "${table}" limit 1`, values: [] })
    if (row !== undefined) {
      throw new BackupProblem(
        `Cannot restore: there is data in this database already (table "${table}"). Restore into a new data directory.`,
      )
    }
  }
}

async function readInto(tx: Sql, path: string, files: FileWriter): Promise<RestoreCounts> {
  const tables = new TableWriter(tx, await schemaName(tx), await tablesInOrder(tx))
  let header: BackupHeader | undefined
  let ended: { readonly rows: number; readonly files: number } | undefined
  for await (const text of linesOf(path)) {
    if (header === undefined) {
      header = headerOf(text, path)
      continue
    }
    const line = BackupLine.safeParse(jsonOf(text))
    if (!line.success || ended !== undefined) throw damaged(path, tables.rows)
    if ('row' in line.data) await tables.add(line.data.row, text.length)
    else if ('table' in line.data) await tables.begin(line.data.table)
    else if ('file' in line.data) await files.add(line.data.file, Buffer.from(line.data.part, 'base64'))
    else ended = line.data
  }
  await tables.finish()
  await files.finish()
  if (ended === undefined || ended.rows !== tables.rows || ended.files !== files.count) throw damaged(path, tables.rows)
  return { rows: tables.rows, files: files.count }
}

function damaged(path: string, rows: number): BackupProblem {
  return new BackupProblem(
    `Cannot restore "${path}": it is cut off or damaged after ${rows} rows. Nothing was restored; take another copy.`,
  )
}

/** Rows go in by hundreds; a column that this schema lacks, or lacks in the backup, has its default. */
class TableWriter {
  readonly #tx: Sql
  readonly #known: ReadonlySet<string>
  readonly #schema: string
  #table: string | undefined
  #insert = ''
  #waiting: unknown[] = []
  #chars = 0
  rows = 0

  constructor(tx: Sql, schema: string, known: readonly string[]) {
    this.#tx = tx
    this.#schema = schema
    this.#known = new Set(known)
  }

  async begin(table: string): Promise<void> {
    await this.finish()
    if (!this.#known.has(table)) throw new BackupProblem(`Cannot restore: this schema has no table "${table}"`)
    this.#insert = await insertOf(this.#tx, this.#schema, table)
    this.#table = table
  }

  async add(row: Readonly<Record<string, unknown>>, chars: number): Promise<void> {
    this.#waiting.push(row)
    this.#chars += chars
    this.rows += 1
    if (this.#waiting.length >= ROWS_AT_ONCE || this.#chars > BATCH_CHARS_MAX) await this.#flush()
  }

  /** What waits is written, and the table's counter goes on behind its highest number. */
  async finish(): Promise<void> {
    await this.#flush()
    const table = this.#table
    this.#table = undefined
    if (table === undefined) return
    await this.#tx.query({
      name: `restore-counter-${table}`,
      text: `select setval(pg_get_serial_sequence(c.table_name, c.column_name),
                    greatest(1, (select max((to_jsonb(t) ->> c.column_name)::bigint) from "${table}" t)))
               from information_schema.columns c
              where c.table_schema = current_schema() and c.table_name = '${table}' and c.is_identity = 'YES'`,
      values: [],
    })
  }

  async #flush(): Promise<void> {
    if (this.#waiting.length === 0) return
    if (this.#table === undefined) throw new BackupProblem('Cannot restore: rows without a table')
    const rows = JSON.stringify(this.#waiting)
    this.#waiting = []
    this.#chars = 0
    await this.#tx.run({
      name: `restore-rows-${this.#table}`,
      text: this.#insert,
      values: [rows],
    })
  }
}

/**
 * Numbers of transactions belong to the cluster that counted them: here all rows were written by this one. Whoever
 * follows a table by (transaction, id) goes on where it was.
 */
async function insertOf(tx: Sql, schema: string, table: string): Promise<string> {
  const columns = await tx.query<{ name: string; type: string }>({
    name: 'restore-columns',
    text: `select column_name as name, udt_name as type from information_schema.columns
            where table_schema = $1 and table_name = $2 and is_generated = 'NEVER' order by ordinal_position`,
    values: [schema, table],
  })
  const names = columns.map(({ name }) => `"${name}"`).join(', ')
  const values = columns.map(({ name, type }) => (type === 'xid8' ? 'pg_current_xact_id()' : `r."${name}"`)).join(', ')
  // Without its schema, "line" would be PostgreSQL's own type of that name.
  return `insert into "${table}" (${names}) overriding system value
          select ${values} from jsonb_populate_recordset(null::"${schema}"."${table}", $1::jsonb) r`
}

/** One file after the other, under another name until its digest is right. */
class FileWriter {
  readonly #pathOf: (file: { readonly sha256: string }) => string
  #current:
    | { sha256: string; path: string; handle: Awaited<ReturnType<typeof open>>; hash: ReturnType<typeof createHash> }
    | undefined
  count = 0

  constructor(pathOf: (file: { readonly sha256: string }) => string) {
    this.#pathOf = pathOf
  }

  async add(sha256: string, part: Uint8Array): Promise<void> {
    if (this.#current?.sha256 !== sha256) {
      await this.finish()
      const path = `${this.#pathOf({ sha256 })}.restoring`
      this.#current = { sha256, path, handle: await open(path, 'w', 0o600), hash: createHash('sha256') }
    }
    await this.#current?.handle.write(part)
    this.#current?.hash.update(part)
  }

  async finish(): Promise<void> {
    const current = this.#current
    if (current === undefined) return
    if (current.hash.digest('hex') !== current.sha256) {
      throw new BackupProblem(`Cannot restore: the firmware file ${current.sha256} is damaged. Nothing was restored.`)
    }
    await current.handle.sync()
    await current.handle.close()
    this.#current = undefined
    await rename(current.path, this.#pathOf(current))
    this.count += 1
  }

  /** After a failure: no half file is left. */
  async abandon(): Promise<void> {
    const current = this.#current
    if (current === undefined) return
    this.#current = undefined
    await current.handle.close()
    await rm(current.path, { force: true })
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // The schema refuses it in words.
    return undefined
  }
}

/** Lines of the unpacked file, each of bounded length. @throws BackupProblem for what is no gzip file */
async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path)
  const unpacked = createGunzip()
  file.on('error', (error) => unpacked.destroy(error))
  const lines = createInterface({ input: file.pipe(unpacked), crlfDelay: Number.POSITIVE_INFINITY })
  try {
    for await (const line of lines) {
      if (line.length > LINE_CHARS_MAX) throw new BackupProblem(`"${path}" is no backup: a line is too long`)
      yield line
    }
  } catch (error) {
    if (error instanceof BackupProblem) throw error
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new BackupProblem(`There is no file "${path}"`)
    if (code === 'EACCES') throw new BackupProblem(`Cannot read "${path}": this user may not. Run as one who may`)
    throw new BackupProblem(`"${path}" cannot be read to its end: ${message}. It is cut off, or no backup.`)
  } finally {
    file.destroy()
    unpacked.destroy()
  }
}
