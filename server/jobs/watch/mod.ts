/** The watch: alarms about silence, loops, searches and overload, and the capacity meter. */
import type { Job, Services } from '../../services.ts'
import { CANARY_CHANNEL } from '../../store/mod.ts'
import { learnCanaries, openWatch } from './watch.ts'

export { openWatch, type Watch } from './watch.ts'

const TICK_MS = 2000

/** Runs in every process; what is common to all is done by one at a time. */
export async function startWatch(services: Services): Promise<Job> {
  const watch = openWatch(services)
  let running: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const listening = await services.db.listen(CANARY_CHANNEL, {
    onMessage: learn,
    onLost: () => undefined,
    onBack: learn,
  })

  /** The next look takes them in as well, should the database be away now. */
  function learn(): void {
    learnCanaries(services).catch((error: unknown) => {
      if (!closed) services.log.warn({ event: 'watch-failed', err: error }, 'the canaries could not be read')
    })
  }

  function again(): void {
    if (closed) return
    timer = setTimeout(() => {
      running = watch
        .tick()
        .catch((error: unknown) => {
          // The database went away, or the machine had no time to be measured: the next look is soon.
          if (!closed) services.log.warn({ event: 'watch-failed', err: error }, 'the watch could not look')
        })
        .then(again)
    }, TICK_MS).unref()
  }

  learn()
  again()
  return {
    async close() {
      closed = true
      clearTimeout(timer)
      await listening.close()
      await running
      await watch.close()
    },
  }
}
