/** The database of a data directory without the platform on it: nothing is migrated, made or listened to. */
import { type Database, keepPostgres, openDatabase } from '../server/database/mod.ts'
import type { Settings } from '../server/main.ts'

/** The caller holds the lock of the data directory. */
export async function withBareDatabase<T>(settings: Settings, work: (db: Database) => Promise<T>): Promise<T> {
  const log = (): undefined => undefined
  const { databaseUrl, dataDir } = settings
  const postgres = databaseUrl === undefined ? await keepPostgres({ dataDir, log }) : undefined
  try {
    const where = postgres === undefined ? { url: databaseUrl ?? '' } : { connection: postgres.connection }
    const db = await openDatabase({ ...where, log })
    try {
      return await work(db)
    } finally {
      await db.close()
    }
  } finally {
    await postgres?.stop()
  }
}
