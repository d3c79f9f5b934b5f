import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'

import type pg from 'pg'

import type { Database } from './connect.ts'

/** Held while migrations run: any number will do as long as nothing else of ours uses it. */
const ADVISORY_LOCK = 7_306_646_572
/** A migration may rewrite a large table; the usual limits of a statement would cut it. */
const STATEMENT_MAX_MS = 24 * 60 * 60_000
const FILE_NAME = /^(\d{4})-([a-z0-9]+(?:-[a-z0-9]+)*)\.sql$/
const BREAKS_LINE = /^-- Breaks older releases: (no|yes, .+)$/

const CREATE_TABLE = `
create table if not exists schema_migration (
  version integer primary key,
  name text not null,
  sha256 text not null,
  at timestamptz not null default now()
)`

/** One SQL file of the folder. */
export interface Migration {
  /** 1 and up, without gaps. */
  readonly version: number
  readonly name: string
  readonly text: string
  readonly sha256: string
  /** Whether the release before this one fails on the schema after it. */
  readonly breaksOlderReleases: boolean
}

/** The database and the files of this release do not belong together. The message is for people. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused'
  readonly code: 'newer-database' | 'foreign-database' | 'changed-file' | 'bad-file'

  constructor(code: MigrationRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Brings the schema to the version of the folder's last file. Each file runs in a transaction of its own; when one
 * fails, those before it stay. Several processes may call this at once: one works, the others wait and find nothing
 * left to do.
 *
 * Files are named `0001-devices.sql`, and their first line is `-- Breaks older releases: no` or `… yes, <what and since
 * when>`.
 *
 * @param upTo the version to stop at, as a backup of an older release needs it; absent: the newest
 */
export async function migrate(
  db: Pick<Database, 'pool'>,
  folder: URL,
  upTo = Number.POSITIVE_INFINITY,
): Promise<{ from: number; to: number }> {
  const migrations = (await readMigrations(folder)).filter(({ version }) => version <= upTo)
  const client = await db.pool.connect()
  let broken: Error | undefined
  try {
    await client.query(`set statement_timeout = 0`)
    await long(client, `select pg_advisory_lock(${ADVISORY_LOCK})`)
    return await apply(client, migrations)
  } catch (error) {
    broken = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    // Ending the connection gives back the lock and the settings in any case.
    client.release(broken ?? true)
  }
}

function long(client: pg.PoolClient, text: string): Promise<pg.QueryResult> {
  const config = { text, query_timeout: STATEMENT_MAX_MS }
  return client.query(config)
}

async function apply(client: pg.PoolClient, migrations: readonly Migration[]): Promise<{ from: number; to: number }> {
  await refuseForeign(client)
  await client.query(CREATE_TABLE)
  const { rows } = await client.query<Applied>('select version, name, sha256 from schema_migration order by version')
  checkApplied(rows, migrations)
  const from = rows.at(-1)?.version ?? 0
  for (const migration of migrations.slice(from)) await applyOne(client, migration)
  return { from, to: migrations.length }
}

/** Columns of our own table, and up to three others of the schema; those of extensions do not count. */
const LOOK_AROUND = `
select c.relname as name,
       c.relname = 'schema_migration' and (select count(*) from pg_attribute a where a.attrelid = c.oid
         and a.attname in ('version', 'name', 'sha256', 'at')) = 4 as ours,
       has_schema_privilege(current_schema(), 'create') as "mayCreate"
  from (select 1) one
  left join pg_class c on c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
   and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')
 order by ours desc nulls last, c.relname limit 3`

/** Before anything is made: a database of another program stays as it is. */
async function refuseForeign(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ name: string | null; ours: boolean | null; mayCreate: boolean | null }>(
    LOOK_AROUND,
  )
  const [first] = rows
  if (first?.ours === true) return
  if (first?.mayCreate !== true) {
    const advice = 'Make this user the owner of the database, or grant it "create" on the schema'
    throw new MigrationRefused('foreign-database', `Cannot use this database: its user may make no tables. ${advice}`)
  }
  const others = rows.flatMap(({ name }) => (name === null ? [] : [`"${name}"`]))
  if (others.length === 0) return
  throw new MigrationRefused(
    'foreign-database',
    `Cannot use this database: it holds tables of another program (${others.join(', ')}). Make an empty one with "createdb", and name that`,
  )
}

interface Applied {
  readonly version: number
  readonly name: string
  readonly sha256: string
}

/** What has run must be the beginning of what we have, unchanged. */
function checkApplied(applied: readonly Applied[], migrations: readonly Migration[]): void {
  const newest = applied.at(-1)
  if (newest !== undefined && newest.version > migrations.length) {
    const have = `its schema has version ${newest.version} ("${newest.name}")`
    const know = `this release knows versions up to ${migrations.length}`
    const advice = 'Install the newer release again, or restore the backup from before it'
    throw new MigrationRefused('newer-database', `Cannot use this database: ${have}, and ${know}. ${advice}`)
  }
  applied.forEach((row, index) => {
    const ours = migrations[index]
    if (ours?.version === row.version && ours.sha256 === row.sha256) return
    const ran = `version ${row.version} ("${row.name}") is in the database`
    const advice = 'A migration that was released must not change: write a new one'
    throw new MigrationRefused(
      'changed-file',
      `Cannot migrate: ${ran}, and the file of this release differs. ${advice}`,
    )
  })
}

async function applyOne(client: pg.PoolClient, migration: Migration): Promise<void> {
  const { version, name, sha256 } = migration
  try {
    await client.query('begin')
    const before = await transactionId(client)
    await long(client, migration.text)
    if ((await transactionId(client)) !== before) throw new Error('it contains a commit or rollback of its own')
    await client.query('insert into schema_migration (version, name, sha256) values ($1, $2, $3)', [
      version,
      name,
      sha256,
    ])
    const committed = await client.query('commit')
    if (committed.command !== 'COMMIT') throw new Error('it was rolled back')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`Cannot apply migration ${version} ("${name}"): ${why}`, { cause: error })
  }
}

async function transactionId(client: pg.PoolClient): Promise<string | undefined> {
  const { rows } = await client.query<{ id: string }>('select pg_current_xact_id()::text as id')
  return rows[0]?.id
}

/** Reads and checks the folder. Throws `MigrationRefused` for a file that is not as it should be. */
export async function readMigrations(folder: URL): Promise<readonly Migration[]> {
  const base = new URL(folder.href.endsWith('/') ? folder.href : `${folder.href}/`)
  const files = (await readdir(base)).filter((file) => file.endsWith('.sql')).toSorted()
  const migrations = await Promise.all(
    files.map(async (file) => readMigration(file, await readFile(new URL(file, base), 'utf8'))),
  )
  migrations.forEach(({ version }, index) => {
    if (version === index + 1) return
    throw new MigrationRefused(
      'bad-file',
      `Cannot use migration "${files[index]}": expected version ${index + 1} at its place`,
    )
  })
  return migrations
}

function readMigration(file: string, text: string): Migration {
  const [, digits, name] = FILE_NAME.exec(file) ?? []
  if (digits === undefined || name === undefined) {
    throw new MigrationRefused('bad-file', `Cannot use migration "${file}": expected a name like "0001-devices.sql"`)
  }
  const [, breaks] = BREAKS_LINE.exec(text.split('\n', 1)[0] ?? '') ?? []
  if (breaks === undefined) {
    const expected = '"-- Breaks older releases: no" or "-- Breaks older releases: yes, <what>"'
    throw new MigrationRefused('bad-file', `Cannot use migration "${file}": expected the first line ${expected}`)
  }
  const sha256 = createHash('sha256').update(text).digest('hex')
  return { version: Number(digits), name, text, sha256, breaksOlderReleases: breaks !== 'no' }
}
