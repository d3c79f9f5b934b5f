/**
 * Opens the store of a data directory for one command: beside a running server through its database socket, or alone
 * with a PostgreSQL of its own for as long as the command takes.
 */
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { type Database, lockDataDirectory, openDatabase, postgresSocketOf } from '../server/database/mod.ts'
import { type Settings, StartProblem } from '../server/config.ts'
import type { Platform } from '../server/main.ts'

/** A server that is just starting, or another command, gets this long to finish. */
const WAIT_MAX_MS = 60_000
const WAIT_POLL_MS = 100
/** By this name a command holds a data directory without a server. */
const COMMAND = 'an offhook command'

/** What a server or a command leaves in a data directory at its first use; the lock while it starts. */
const STORE_FILE = /^(?:master\.key|postgres\.json|lock-[0-9a-f]+\.sock)$/

/**
 * Throws StartProblem for a data directory that nobody has used: its name is mistyped more often than a new one is wanted.
 *
 * @param advice  what else to do, as the end of the message
 */
export function refuseAbsentStore({ databaseUrl, dataDir }: Settings, advice: string): void {
  if (databaseUrl !== undefined || filesIn(dataDir).some((name) => STORE_FILE.test(name))) return
  throw new StartProblem(`There is no Offhook data in "${resolve(dataDir)}". ${advice}`)
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw new StartProblem(
      `Cannot read "${resolve(folder)}": ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/**
 * Runs the work with the database of the server that runs on these settings; without the platform, which takes longer to
 * open than most work takes.
 *
 * @returns undefined when none runs on this data directory, or its database does not answer
 */
export async function withRunningDatabase<T>(
  { databaseUrl, dataDir }: Settings,
  work: (db: Database) => Promise<T>,
): Promise<T | undefined> {
  const socket = databaseUrl === undefined ? postgresSocketOf(dataDir) : undefined
  if (databaseUrl === undefined && socket === undefined) return undefined
  const where = socket === undefined ? { url: databaseUrl ?? '' } : { connection: socket }
  let db: Database
  try {
    db = await openDatabase({ ...where, log: () => undefined })
  } catch {
    // The socket of a server that ended, or an external database that is away.
    return undefined
  }
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}

/** Whether a refusal of the lock says that a command has it, which will be done in a moment. */
export function isHeldByCommand(refusal: string): boolean {
  return refusal.includes(`: ${COMMAND} (pid `)
}

/** Runs the work with the platform of the settings' data directory, and closes it again. */
export async function withStore<T>(settings: Settings, work: (platform: Platform) => Promise<T>): Promise<T> {
  // Most who load this file ask a server that runs: only who needs the platform waits until it is loaded.
  const { openPlatform } = await import('../server/main.ts')
  const log = pino({ level: 'silent' })
  const deadline = Date.now() + WAIT_MAX_MS
  for (;;) {
    const lock = await lockDataDirectory(settings.dataDir, COMMAND)
    if (lock.ok) {
      try {
        return await use(await openPlatform({ settings, log }), work)
      } finally {
        await lock.value.release()
      }
    }
    if (lock.error.code !== 'in-use') throw new StartProblem(lock.error.message)
    // The database of another command ends with it.
    const beside = isHeldByCommand(lock.error.message) ? undefined : await besideRunning(settings)
    if (beside !== undefined) return use(await openPlatform({ settings: beside, log }), work)
    if (Date.now() > deadline) throw new StartProblem(noAnswer(lock.error.message))
    await pause(WAIT_POLL_MS)
  }
}

async function use<T>(platform: Platform, work: (platform: Platform) => Promise<T>): Promise<T> {
  try {
    return await work(platform)
  } finally {
    await platform.close()
  }
}

/** The same settings with the running server's database, or undefined while it does not answer. */
async function besideRunning(settings: Settings): Promise<Settings | undefined> {
  if (settings.databaseUrl !== undefined) return settings
  const socket = postgresSocketOf(settings.dataDir)
  if (socket === undefined) return undefined
  try {
    const db = await openDatabase({ connection: socket, log: () => undefined })
    await db.close()
  } catch {
    // Not up yet: the caller tries again until its deadline.
    return undefined
  }
  const host = encodeURIComponent(socket.host)
  return { ...settings, databaseUrl: `postgres://${socket.user}@/${socket.database}?host=${host}&port=${socket.port}` }
}

function noAnswer(refusal: string): string {
  return `${refusal}. Its database did not answer within ${WAIT_MAX_MS / 1000} s; if it is an external one, set DATABASE_URL here too`
}
