import { setTimeout as pause } from 'node:timers/promises'

import { backOffMs } from './back-off.ts'
import { type ManagedPostgres, type PostgresOptions, startPostgres } from './postgres.ts'

/** A managed PostgreSQL that is started again when it ends by itself; connections come back by themselves. */
export interface KeptPostgres {
  readonly connection: ManagedPostgres['connection']
  stop(): Promise<void>
}

/** @throws as `startPostgres`, for the first start only; later ones are tried until `stop` */
export async function keepPostgres(options: PostgresOptions): Promise<KeptPostgres> {
  let stopped = false
  let current = await startPostgres(options)
  let coming: Promise<void> = Promise.resolve()

  async function startAgain(): Promise<void> {
    for (let attempt = 0; !stopped; attempt++) {
      try {
        current = await startPostgres(options)
        watch()
        return
      } catch (error) {
        options.log('database-not-back', { attempt, reason: error instanceof Error ? error.message : String(error) })
        await pause(backOffMs(attempt, Math.random))
      }
    }
  }

  function watch(): void {
    current.onExit(({ code, signal }) => {
      options.log('database-ended', { code, signal })
      coming = startAgain()
    })
  }

  watch()
  return {
    connection: current.connection,
    async stop() {
      stopped = true
      await coming
      await current.stop()
    },
  }
}
