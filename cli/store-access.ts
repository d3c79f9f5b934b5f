/**
 * Opens the store of a data directory for one command: beside a running server through its database socket, or alone
 * with a PostgreSQL of its own for as long as the command takes.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { lockDataDirectory, openDatabase, postgresSocketOf } from '../server/database/mod.ts'
import { openPlatform, type Platform, type Settings, StartProblem } from '../server/main.ts'

/** A server that is just starting, or another command, gets this long to finish. */
const WAIT_MAX_MS = 60_000
const WAIT_POLL_MS = 100
/** By this name a command holds a data directory without a server. */
const COMMAND = 'an offhook command'

/** Whether a refusal of the lock says that a command has it, which will be done in a moment. */
export function isHeldByCommand(refusal: string): boolean {
  return refusal.includes(`: ${COMMAND} (pid `)
}

/** Runs the work with the platform of the settings' data directory, and closes it again. */
export async function withStore<T>(settings: Settings, work: (platform: Platform) => Promise<T>): Promise<T> {
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
