import pg from 'pg'

import type { Log } from './events.ts'
import type { Runner } from './statement.ts'
import { SteadyClient } from './steady-client.ts'

/**
 * Statements on their way at once. A hot statement takes well under a millisecond, so this many waiting means that the
 * database hangs, and a refusal now is better than memory without end.
 */
export const HOT_IN_FLIGHT_MAX = 20_000

/**
 * The connection for hot single statements: written one behind the other without waiting for answers (`pipeline`),
 * which a pool cannot do. No transactions here: everybody shares it. While it is lost, statements go through the pool.
 */
export interface HotClient extends Runner {
  readonly connected: boolean
}

/** Opens the hot connection. */
export async function openHotClient(
  config: pg.ClientConfig,
  pool: Runner,
  log: Log,
): Promise<HotClient & { close(): Promise<void> }> {
  const steady = new SteadyClient(
    { ...config, pipeline: true },
    {
      prepare: () => Promise.resolve(),
      onLost: (error) => log('database-connection-lost', { connection: 'hot', reason: error?.message ?? 'closed' }),
      onBack: () => log('database-connection-back', { connection: 'hot' }),
    },
  )
  await steady.start()
  let inFlight = 0
  async function query(statement: pg.QueryConfig): Promise<pg.QueryResult> {
    const client = steady.client
    if (client === undefined) return pool.query(statement)
    if (inFlight >= HOT_IN_FLIGHT_MAX)
      throw new DatabaseBusy(`${HOT_IN_FLIGHT_MAX} statements are on their way already`)
    inFlight++
    try {
      return await client.query(statement)
    } finally {
      inFlight--
    }
  }
  return {
    query,
    get connected() {
      return steady.client !== undefined
    },
    close: () => steady.close(),
  }
}

/**
 * So much is waiting for the database already that one more would not be answered in time. Say "later" to whoever
 * asked.
 */
export class DatabaseBusy extends Error {
  override readonly name = 'DatabaseBusy'
}
