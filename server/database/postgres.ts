import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, chown, mkdir, readFile, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'

import type { Log } from './events.ts'
import {
  type Connection,
  connectionOf,
  DATABASE_NAME,
  DATABASE_USER,
  exists,
  type Home,
  openHome,
  removeUnfinished,
  SOCKET_PORT,
  syncFolder,
  writeNote,
} from './home.ts'
import { clearLeftovers, readPidFile } from './leftovers.ts'
import { lockFolder } from './lock.ts'
import { findPrograms, type Programs } from './programs.ts'
import { CHILD_ENVIRONMENT, run } from './run-as.ts'

/** Recovery after a crash reads the log since the last checkpoint, which on a slow disk takes minutes. */
const START_MAX_MS = 10 * 60_000
const READY_POLL_MS = 10
const FAST_STOP_MS = 30_000
const IMMEDIATE_STOP_MS = 10_000
/** What PostgreSQL said last, kept for the message when it does not start. */
const LAST_LINES_MAX = 20
const LINE_CHARS_MAX = 2_000

/** A PostgreSQL of our own: a direct child on a private socket. */
export interface ManagedPostgres {
  readonly connection: Connection
  readonly pid: number
  readonly major: number
  /** Where the cluster is; not always in the data directory. */
  readonly folder: string
  /**
   * Stops it and waits until it is gone. Close pools and clients first: their connections are cut. May be called twice.
   */
  stop(): Promise<void>
  /** Calls back when it ends without `stop`, at once if it already has. */
  onExit(callback: (how: PostgresExit) => void): void
}

/** How PostgreSQL ended by itself. */
export interface PostgresExit {
  readonly code: number | undefined
  readonly signal: string | undefined
  /** What it said last. */
  readonly lastLines: readonly string[]
}

export interface PostgresOptions {
  readonly dataDir: string
  readonly log: Log
  /** Switched off only for clusters that are thrown away, as in tests. */
  readonly fsync?: boolean
  /**
   * Where the system allows it, PostgreSQL stops by itself when we are killed. Switched off only to make an orphan in
   * tests.
   */
  readonly dieWithParent?: boolean
}

/**
 * Starts the PostgreSQL of a data directory, and makes its cluster at the first start. Whatever an earlier run left
 * behind is stopped or cleared away first. Throws an error with a message for people when it cannot.
 */
export async function startPostgres(options: PostgresOptions): Promise<ManagedPostgres> {
  const dataDir = resolve(options.dataDir)
  const home = await openHome(dataDir)
  const subject = `Cannot use the database in "${home.folder}"`
  const lock = await lockFolder(home.folder, { name: 'lock', what: 'another Offhook', subject })
  if (!lock.ok) throw new Error(lock.error.message)
  try {
    const programs = await prepareCluster(home, options)
    await writeNote(dataDir, home)
    await clearLeftovers(home.cluster, options.log)
    const server = await launch(home, programs, options)
    return manage(server, home, programs, lock.value.release)
  } catch (error) {
    await lock.value.release()
    throw error
  }
}

/** Finds the programs that fit the cluster, and makes the cluster where there is none. */
async function prepareCluster(home: Home, options: PostgresOptions): Promise<Programs> {
  const made = await exists(join(home.cluster, 'PG_VERSION'))
  const major = made ? Number((await readFile(join(home.cluster, 'PG_VERSION'), 'utf8')).trim()) : undefined
  const programs = await findPrograms(major, home.runAs, home.folder)
  if (!programs.ok) throw new Error(`Cannot run a database for "${options.dataDir}": ${programs.error}`)
  if (!made) await makeCluster(home, programs.value, options)
  return programs.value
}

/** `initdb` beside the final name and then a rename, so that a cluster is either whole or not there. */
async function makeCluster(home: Home, programs: Programs, options: PostgresOptions): Promise<void> {
  await removeUnfinished(home)
  const unfinished = join(home.folder, `cluster.new-${randomBytes(4).toString('hex')}`)
  await mkdir(unfinished, { mode: 0o700 })
  if (home.runAs !== undefined) await chown(unfinished, home.runAs.uid, home.runAs.gid)
  // Trust is fair: only this user and root can enter the folder of the socket, and both could read the files just as
  // well.
  const args = ['-D', unfinished, '-U', DATABASE_USER, '-E', 'UTF8', '--locale=C', '--auth=trust', '--no-instructions']
  const made = await run(
    programs.initdb,
    [...args, '--data-checksums', ...(options.fsync === false ? ['-N'] : [])],
    home.runAs,
  )
  if (made.code !== 0) throw new Error(`Cannot make a database in "${home.folder}": ${made.output}`)
  await rename(unfinished, home.cluster)
  if (options.fsync !== false) await syncFolder(home.folder)
  options.log('database-created', { folder: home.folder, version: programs.version })
}

interface Server {
  readonly child: ChildProcess
  readonly pid: number
  readonly exited: Promise<PostgresExit>
  hasExited(): boolean
}

async function launch(home: Home, programs: Programs, options: PostgresOptions): Promise<Server> {
  const startedAt = Date.now()
  const server = await spawnServer(home, programs, options)
  try {
    await waitUntilReady(server, home)
    await makeDatabase(connectionOf(home.socketFolder))
  } catch (error) {
    await stopServer(server)
    throw error
  }
  options.log('database-started', { pid: server.pid, version: programs.version, tookMs: Date.now() - startedAt })
  return server
}

function serverArguments(home: Home, options: PostgresOptions): readonly string[] {
  const settings = [
    'listen_addresses=',
    'unix_socket_permissions=0700',
    'log_destination=stderr',
    // Errors of statements reach whoever sent them, and their details may hold values that belong into no log.
    'log_min_messages=log',
    'log_min_error_statement=panic',
    'log_checkpoints=off',
    ...(options.fsync === false ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : []),
  ]
  const where = ['-D', home.cluster, '-k', home.socketFolder, '-p', String(SOCKET_PORT)]
  return [...where, ...settings.flatMap((setting) => ['-c', setting])]
}

async function spawnServer(home: Home, programs: Programs, options: PostgresOptions): Promise<Server> {
  const args = serverArguments(home, options)
  const setpriv = options.dieWithParent === false ? undefined : await setprivProgram()
  const [program, all] =
    setpriv === undefined
      ? [programs.postgres, args]
      : // It becomes the program that it is given, so this is still our direct child.
        [setpriv, ['--pdeathsig', 'INT', programs.postgres, ...args]]
  // In a session of its own: Ctrl-C is for us, and we stop it when our own work is done.
  const child = spawn(program, all, {
    ...home.runAs,
    cwd: '/',
    env: CHILD_ENVIRONMENT,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lastLines = followLog(child, options.log)
  let ended = false
  const exited = new Promise<PostgresExit>((done) => {
    function finish(code: number | undefined, signal: string | undefined): void {
      ended = true
      done({ code, signal, lastLines: [...lastLines] })
    }
    child.once('error', (error) => {
      lastLines.push(error.message)
      if (child.pid === undefined) finish(undefined, undefined)
    })
    child.once('close', (code, signal) => finish(code ?? undefined, signal ?? undefined))
  })
  return { child, pid: child.pid ?? 0, exited, hasExited: () => ended }
}

async function setprivProgram(): Promise<string | undefined> {
  for (const program of ['/usr/bin/setpriv', '/bin/setpriv']) {
    try {
      await access(program, constants.X_OK)
    } catch (error) {
      if (error instanceof Error && 'code' in error) continue
      throw error
    }
    // Busybox has one that does not know this option.
    if ((await run(program, ['--pdeathsig', 'INT', '/bin/true'], undefined)).code === 0) return program
  }
  return undefined
}

/** Passes on what PostgreSQL says beyond its routine, and keeps its last lines. */
function followLog(child: ChildProcess, log: Log): string[] {
  const lastLines: string[] = []
  let rest = ''
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    const lines = (rest + part).split('\n')
    rest = (lines.pop() ?? '').slice(0, LINE_CHARS_MAX)
    for (const line of lines) {
      lastLines.push(line.slice(0, LINE_CHARS_MAX))
      if (lastLines.length > LAST_LINES_MAX) lastLines.shift()
      const level = /\b(WARNING|FATAL|PANIC): {2}(.*)/.exec(line)
      if (level !== null) log('database-says', { level: level[1], message: level[2] })
    }
  })
  return lastLines
}

/**
 * Ready is: the pid file names *our* child (else an older server's file would do) and says so. The connection that
 * follows shows it once more.
 */
async function waitUntilReady(server: Server, home: Home): Promise<void> {
  const deadline = Date.now() + START_MAX_MS
  for (;;) {
    if (server.hasExited()) throw new Error(startFailure(home, await server.exited))
    const file = await readPidFile(home.cluster)
    if (file?.pid === server.pid && file.status === 'ready') return
    if (Date.now() > deadline)
      throw new Error(`${cannotStart(home)}: it was not ready after ${START_MAX_MS / 60_000} minutes`)
    await sleep(READY_POLL_MS)
  }
}

function cannotStart(home: Home): string {
  return `Cannot start PostgreSQL in "${home.folder}"`
}

function startFailure(home: Home, exit: PostgresExit): string {
  const said = exit.lastLines.filter((line) => line.trim() !== '').slice(-3)
  return `${cannotStart(home)}: ${said.length === 0 ? `it ended with code ${exit.code}` : said.join(' | ')}`
}

/** The database itself; looked for at every start, since the first one may have been interrupted just before this. */
async function makeDatabase(connection: Connection): Promise<void> {
  const client = new pg.Client({ ...connection, database: 'postgres' })
  client.on('error', () => client.connection.stream.destroy())
  await client.connect()
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE_NAME])
    if (found.rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(DATABASE_NAME)}`)
  } finally {
    await client.end()
  }
}

function manage(server: Server, home: Home, programs: Programs, release: () => Promise<void>): ManagedPostgres {
  let stopping: Promise<void> | undefined
  async function stopAndRelease(): Promise<void> {
    await stopServer(server)
    await release()
  }
  return {
    connection: connectionOf(home.socketFolder),
    pid: server.pid,
    major: programs.major,
    folder: home.folder,
    stop() {
      stopping ??= stopAndRelease()
      return stopping
    },
    onExit(callback) {
      void server.exited.then(async (how) => {
        if (stopping !== undefined) return
        await release()
        callback(how)
      })
    },
  }
}

/**
 * Fast stop: open transactions are rolled back, everything is written. Harder ways lose nothing either, but must
 * recover.
 */
async function stopServer(server: Server): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', IMMEDIATE_STOP_MS],
  ] as const) {
    if (server.hasExited()) return
    server.child.kill(signal)
    const timeUp = new AbortController()
    const late = sleep(waitMs, 'late', { signal: timeUp.signal }).catch(() => 'ended')
    const how = await Promise.race([server.exited, late])
    timeUp.abort()
    if (how !== 'late') return
  }
  server.child.kill('SIGKILL')
  await server.exited
}
