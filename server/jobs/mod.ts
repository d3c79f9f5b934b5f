/** Background work: what is done without anybody asking at a door. Each may run in several processes at once. */
import { startCertificates } from './certificates/mod.ts'
import { startControl } from './control/mod.ts'
import type { Job, Services } from '../services.ts'
import { startWatch } from './watch/mod.ts'
import { startWebhooks } from './webhooks/mod.ts'

const JOBS: readonly ((platform: Services) => Promise<Job>)[] = [
  startCertificates,
  startControl,
  startWatch,
  startWebhooks,
]

/** Starts all or none. */
export async function startJobs(platform: Services): Promise<Job> {
  const started: Job[] = []
  async function close(): Promise<void> {
    for (const job of started.toReversed()) await job.close()
  }
  try {
    for (const start of JOBS) started.push(await start(platform))
    return { close }
  } catch (error) {
    await close()
    throw error
  }
}
