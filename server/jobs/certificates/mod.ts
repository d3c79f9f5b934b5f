/** Certificates of the server: asked for by ACME before they end, and told of when an end is near. */
import type { Job, Services } from '../../services.ts'
import { openEndings } from './ending.ts'
import { openRenewals } from './renewals.ts'

const TICK_MS = 2_000

/** Runs in every process; what is to be done is done by one. */
export async function startCertificates(services: Services): Promise<Job> {
  const renewals = openRenewals(services)
  const endings = openEndings(services)
  let running: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function tick(): Promise<void> {
    try {
      await renewals.tick()
      await endings.tick()
    } catch (error) {
      // The database went away: the next look is soon.
      if (!closed)
        services.log.warn({ event: 'certificates-failed', err: error }, 'certificates could not be looked after')
    }
  }

  function again(): void {
    if (closed) return
    timer = setTimeout(() => {
      running = tick().then(again)
    }, TICK_MS).unref()
  }

  again()
  return {
    async close() {
      closed = true
      clearTimeout(timer)
      renewals.stop()
      await running
    },
  }
}
