import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import pg from 'pg'

import { type Database, openDatabase } from './connect.ts'
import type { Connection } from './home.ts'
import { clearLeftovers } from './leftovers.ts'
import { type Migration, migrate, readMigrations } from './migrate.ts'
import { type ManagedPostgres, startPostgres } from './postgres.ts'

// Test support: imported by tests and by tools, never by what is shipped.
//
// A test run has one PostgreSQL. It belongs to the process that runs the global setup, and is started when the first
// test asks for a database, over a socket whose path is in the environment; a run without databases pays nothing. For
// each folder of migrations that is asked for, a template is migrated once; a test's database is a copy of it.

/** The environment's name for the socket of the process that owns the test server. */
export const TEST_SERVER_VARIABLE = 'OFFHOOK_TEST_PG'
const MIGRATIONS = new URL('../store/migrations/', import.meta.url)
const FOLDER_PREFIX = 'offhook-pg-run-'
const REQUEST_CHARS_MAX = 10_000

/** A database for one test file, or one test. */
export interface TestDatabase {
  readonly connection: Connection
  /** The same as a DATABASE_URL. */
  readonly url: string
  /** Opens it as the server does. Closed by `drop`, if not before. */
  open(): Promise<Database>
  /** Removes the database, cutting whoever is still connected. */
  drop(): Promise<void>
}

/** Copies the migrated template. Takes about 0.1 s. The first call in a run also starts the server, about 1 s. */
export async function createTestDatabase(options: { readonly migrations?: URL | 'none' } = {}): Promise<TestDatabase> {
  const socket = process.env[TEST_SERVER_VARIABLE]
  if (socket === undefined) {
    throw new Error(
      `${TEST_SERVER_VARIABLE} is not set: server/database/testing-global.ts must be a globalSetup of this run`,
    )
  }
  const { migrations = MIGRATIONS } = options
  const template = await askForTemplate(socket, migrations === 'none' ? 'none' : migrations.href)
  return copyTemplate(template)
}

async function copyTemplate(template: Connection): Promise<TestDatabase> {
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`
  const connection = { ...template, database: name }
  await asAdmin(
    template,
    `create database ${pg.escapeIdentifier(name)} template ${pg.escapeIdentifier(template.database)}`,
  )
  const opened: Database[] = []
  return {
    connection,
    url: urlOf(connection),
    async open() {
      const database = await openDatabase({ connection, log: () => undefined })
      opened.push(database)
      return database
    },
    async drop() {
      await Promise.all(opened.map((database) => database.close()))
      await asAdmin(template, `drop database if exists ${pg.escapeIdentifier(name)} with (force)`)
    },
  }
}

/** The URL form of a connection over a socket. */
export function urlOf({ host, port, user, database }: Connection): string {
  return `postgres://${user}@/${database}?host=${encodeURIComponent(host)}&port=${port}`
}

async function asAdmin(connection: Connection, text: string): Promise<void> {
  const client = new pg.Client({ ...connection, database: 'postgres' })
  client.on('error', (error) => error.message)
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

function askForTemplate(path: string, migrations: string): Promise<Connection> {
  return new Promise((done, failed) => {
    const socket = connect({ path })
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => {
      text += part
    })
    socket.on('error', failed)
    socket.on('end', () => {
      const answer = JSON.parse(text) as { readonly connection: Connection } | { readonly error: string }
      if ('error' in answer) failed(new Error(answer.error))
      else done(answer.connection)
    })
    socket.write(`${migrations}\n`)
  })
}

/** The server of a test run, or of a tool that wants a throw-away one. */
export interface TestServer {
  /** What other processes need to find it, as `OFFHOOK_TEST_PG`. */
  readonly socket: string
  stop(): Promise<void>
}

/** Clears away what killed runs left: their PostgreSQL has mostly ended with them, their folders lie about. */
async function removeDeadRuns(): Promise<void> {
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith(FOLDER_PREFIX))
  for (const folder of folders.map((name) => join(tmpdir(), name))) {
    if (!(await isDead(join(folder, 'ask')))) continue
    await clearLeftovers(join(folder, 'data', 'postgres', 'cluster'), () => undefined)
    await rm(folder, { recursive: true, force: true })
  }
}

/** Whether the socket is there and nobody behind it. A folder without one belongs to a run that is just beginning. */
function isDead(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ path })
    socket.on('connect', () => {
      socket.destroy()
      done(false)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNREFUSED'))
  })
}

/** Opens the door to a test server; PostgreSQL itself starts at the first request. */
export async function openTestServer(): Promise<TestServer> {
  await removeDeadRuns()
  const folder = await mkdtemp(join(tmpdir(), FOLDER_PREFIX))
  await chmod(folder, 0o755)
  const templates = new TemplateStore(folder)
  const server = createServer((socket) => answer(socket, templates))
  const socket = join(folder, 'ask')
  await new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen({ path: socket }, done)
  })
  return {
    socket,
    async stop() {
      server.close()
      await templates.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function answer(socket: Socket, templates: TemplateStore): void {
  let text = ''
  let asked = false
  socket.setEncoding('utf8')
  socket.on('error', () => socket.destroy())
  socket.on('data', (part: string) => {
    text += part
    if (text.length > REQUEST_CHARS_MAX) socket.destroy()
    if (asked || !text.endsWith('\n')) return
    asked = true
    templates.find(text.trim()).then(
      (connection) => socket.end(JSON.stringify({ connection })),
      (error: unknown) => socket.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) })),
    )
  })
}

/** The templates of a run, each made once. */
class TemplateStore {
  readonly #folder: string
  readonly #templates = new Map<string, Promise<Connection>>()
  #postgres: Promise<ManagedPostgres> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** @param migrations URL of the folder, or `none` for an empty database */
  async find(migrations: string): Promise<Connection> {
    const files = migrations === 'none' ? [] : await readMigrationsIfAny(new URL(migrations))
    const mark = createHash('sha256')
      .update(JSON.stringify([migrations, files.map((file) => file.sha256)]))
      .digest('hex')
    const known = this.#templates.get(mark)
    if (known !== undefined) return known
    const made = this.#make(`template_${mark.slice(0, 16)}`, files.length === 0 ? undefined : new URL(migrations))
    this.#templates.set(mark, made)
    return made
  }

  async stop(): Promise<void> {
    const postgres = await this.#postgres
    if (postgres === undefined) return
    await postgres.stop()
    // Not in our folder when the temporary folder is closed to PostgreSQL's user.
    await rm(postgres.folder, { recursive: true, force: true })
  }

  async #make(name: string, migrations: URL | undefined): Promise<Connection> {
    this.#postgres ??= startPostgres({ dataDir: join(this.#folder, 'data'), log: () => undefined, fsync: false })
    const { connection } = await this.#postgres
    const template = { ...connection, database: name }
    await asAdmin(connection, `create database ${pg.escapeIdentifier(name)}`)
    if (migrations === undefined) return template
    const database = await openDatabase({ connection: template, log: () => undefined, poolMax: 1 })
    try {
      await migrate(database, migrations)
    } finally {
      await database.close()
    }
    // A copy is refused while anybody is connected to the template, and the server sees our goodbye a moment later than
    // we say it.
    await asAdmin(connection, `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${name}'`)
    return template
  }
}

/** No folder, as before the first migration is written, means an empty database. */
async function readMigrationsIfAny(folder: URL): Promise<readonly Migration[]> {
  try {
    await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  return readMigrations(folder)
}
