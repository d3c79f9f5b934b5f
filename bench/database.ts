/** PostgreSQL of the bench: one of its own in a temporary folder, and a filled database for each size. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type ManagedPostgres, startPostgres } from '../server/database/mod.ts'
import type { PlatformCalls, ServerSettings } from './platform-worker.ts'
import { startWorker, type Worker } from './worker.ts'

export interface BenchDatabases {
  /** A filled database, made at the first call. */
  filled(count: number): Promise<ServerSettings>
  /** A folder that goes when the bench does. */
  folder(name: string): string
  /** Time that all processes of the database have computed for so far, ms. */
  cpuMs(): Promise<number>
  close(): Promise<void>
}

export type PlatformWorker = Worker<PlatformCalls>
export type PlatformPorts = Awaited<ReturnType<PlatformCalls['start']>>

export async function openDatabases(say: (text: string) => void): Promise<BenchDatabases> {
  const root = await mkdtemp(join(tmpdir(), 'offhook-bench-'))
  await chmod(root, 0o755)
  const masterKey = randomBytes(32).toString('hex')
  let postgres: Promise<ManagedPostgres> | undefined
  const made = new Map<number, Promise<ServerSettings>>()

  async function make(count: number): Promise<ServerSettings> {
    postgres ??= startPostgres({ dataDir: join(root, 'postgres'), log: () => undefined })
    const { connection } = await postgres
    const database = `bench_${count}`
    const admin = new pg.Client({ ...connection, database: 'postgres' })
    await admin.connect()
    await admin.query(`create database ${database}`)
    await admin.end()
    const { host, port, user } = connection
    const databaseUrl = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}&port=${port}`
    const settings = { dataDir: join(root, database), databaseUrl, masterKey }
    const startedAt = performance.now()
    const worker = startWorker<PlatformCalls>('platform-worker')
    try {
      await worker.call('start', settings)
      await worker.call('fill', { count })
    } finally {
      await worker.stop()
    }
    await analyse(databaseUrl)
    say(`filled a database with ${count} devices in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
    return settings
  }

  return {
    filled(count) {
      const known = made.get(count) ?? make(count)
      made.set(count, known)
      return known
    },
    folder: (name) => join(root, name),
    cpuMs: async () => databaseCpuMs((await postgres)?.pid),
    async close() {
      const running = await postgres
      await running?.stop()
      if (running !== undefined) await rm(running.folder, { recursive: true, force: true })
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Kernel ticks in a second. */
const TICKS = 100

/** The first process and its children: those that have ended count with the first. */
async function databaseCpuMs(first: number | undefined): Promise<number> {
  const times = await Promise.all((await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(statOf))
  return times
    .filter((each) => each !== undefined)
    .filter(({ pid, parent }) => pid === first || parent === first)
    .reduce((sum, { pid, own, ended }) => sum + (own + (pid === first ? ended : 0)) * (1000 / TICKS), 0)
}

/** proc(5): fields 4, 14 to 17, counted after the name. */
async function statOf(pid: string) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [parent = 0, user = 0, system = 0, endedUser = 0, endedSystem = 0] = [1, 11, 12, 13, 14].map((at) => fields[at])
  return { pid: Number(pid), parent, own: user + system, ended: endedUser + endedSystem }
}

/** What autovacuum would do in its own time, in the middle of a round. */
async function analyse(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query('vacuum analyze')
  await client.end()
}

/** A fresh server on that database, and its ports. */
export async function startPlatform(settings: ServerSettings) {
  const worker = startWorker<PlatformCalls>('platform-worker')
  try {
    return { worker, ports: await worker.call('start', settings) }
  } catch (error) {
    await worker.stop()
    throw error
  }
}
