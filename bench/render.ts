/** Render, gzip and seal of a profile of 1,300 parameters on one core. */
import type { Pace } from './http.ts'
import type { RenderCalls } from './render-worker.ts'
import { median } from './rounds.ts'
import type { Row } from './row.ts'
import { startWorker } from './worker.ts'

const AIMS = [
  { shared: false, what: '1,300 parameters, sealed, all of it new', least: 350 },
  { shared: true, what: '1,300 parameters, sealed, common parts known', least: 2000 },
] as const

export async function renderRows({ rounds, ms }: Pace): Promise<readonly Row[]> {
  const worker = startWorker<RenderCalls>('render-worker')
  const results: number[][] = AIMS.map(() => [])
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const [index, { shared }] of AIMS.entries()) {
        const { perSecond } = await worker.call('run', { ms: ms / 2, shared })
        if (round > 0) results[index]?.push(perSecond)
      }
    }
  } finally {
    await worker.stop()
  }
  return AIMS.map(({ what, least }, index): Row => {
    const ours = median(results[index] ?? [])
    const aim = { text: `≥ ${least.toLocaleString('en')}`, met: ours >= least }
    return { group: 'render', what, unit: 'profiles/s', ours, aim, rounds }
  })
}
