/** A dry run is the change itself, rolled back: what it reports cannot differ. */
import type { Sql } from '../store/mod.ts'
import type { ApiPlatform } from './context.ts'

/** What a transaction found, and whether what it did stays. */
interface Found<T> {
  readonly found: T
  readonly keep: boolean
}

/** Leaves the transaction with what it found, so that nothing of it stays. */
class RolledBack extends Error {
  override readonly name = 'RolledBack'
}

/** One transaction, as `change`, that rolls itself back when `work` says so. */
export async function changeOrRollBack<T>(
  platform: Pick<ApiPlatform, 'change'>,
  work: (sql: Sql) => Promise<Found<T>>,
): Promise<T> {
  let left: Found<T> | undefined
  try {
    return await platform.change(async (sql) => {
      left = undefined
      const done = await work(sql)
      if (done.keep) return done.found
      left = done
      throw new RolledBack('nothing was changed')
    })
  } catch (error) {
    if (error instanceof RolledBack && left !== undefined) return left.found
    throw error
  }
}
