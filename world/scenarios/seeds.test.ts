/**
 * Thousands of lives of phones, each from a seed: five ways to the provider, firmware on the way or not, four ways back
 * from a factory reset, and a network that loses, delays, doubles and reorders while the server restarts.
 *
 * `WORLD_SEEDS=20000` plays more of them, `WORLD_SEED=17` plays one again.
 */
import { describe, expect, it } from 'vitest'
import { openPremises, openScene } from '../testing.ts'
import { play } from './life.ts'
import { planOf } from './life-plan.ts'

const SEEDS_DEFAULT = 2000
/** Worlds at once, each with a server of its own on the one database. */
const LANES = 4
const FAILURES_SHOWN = 10
const MINUTES_MAX = 30

const premises = await openPremises()

describe('a phone in a network that does its worst', () => {
  it(
    'is registered in the end, bound once to its account, on the wanted version, and no secret has leaked',
    async () => {
      const one = process.env['WORLD_SEED']
      const count = Number(process.env['WORLD_SEEDS'] ?? SEEDS_DEFAULT)
      const seeds = one === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(one)]
      const failures: string[] = []
      async function lane(): Promise<void> {
        const server = await premises.newServer()
        for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
          for (const problem of await problemsOf(seed)) failures.push(`${problem}; ${replayOf(seed)}`)
        }
        async function problemsOf(seed: number): Promise<readonly string[]> {
          try {
            await server.start()
            return await play(openScene(premises, server, seed), planOf(seed))
          } catch (error) {
            return [error instanceof Error ? error.message : String(error)]
          }
        }
      }
      await Promise.all(Array.from({ length: Math.min(LANES, seeds.length) }, lane))
      expect(failures.slice(0, FAILURES_SHOWN)).toEqual([])
    },
    MINUTES_MAX * 60_000,
  )
})

function replayOf(seed: number): string {
  return `replay: WORLD_SEED=${seed} npx vitest run world/scenarios/seeds.test.ts`
}
