/** PostgreSQL of the bench: one of its own in a temporary folder, and a filled database for each size. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
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
  close(): Promise<void>
}

export type PlatformWorker = Worker<PlatformCalls>

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
    async close() {
      const running = await postgres
      await running?.stop()
      if (running !== undefined) await rm(running.folder, { recursive: true, force: true })
      await rm(root, { recursive: true, force: true })
    },
  }
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
