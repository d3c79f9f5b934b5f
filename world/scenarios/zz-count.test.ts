import { it } from 'vitest'
import { openPremises, openScene } from '../testing.ts'
import { play } from './life.ts'
import { planOf } from './life-plan.ts'
const premises = await openPremises()
it('count', async () => {
  const server = await premises.newServer()
  const stat = async () => (await premises.platform.db.query<any>({ name: 'x', text: `select xact_commit::float8 as c, xact_rollback::float8 as r from pg_stat_database where datname = current_database()`, values: [] }))[0]
  const times: [number, string][] = []
  await new Promise((r) => setTimeout(r, 1500))
  const before = await stat()
  const cpu0 = process.cpuUsage()
  for (let seed = 1; seed <= 60; seed++) {
    const t = performance.now()
    const scene = openScene(premises, server, seed)
    await play(scene, planOf(seed))
    const plan = planOf(seed)
    times.push([performance.now() - t, `${seed} ${plan.journey} restarts ${plan.restarts.length} back ${plan.wayBack} fetches ${scene.world.phones[0]!.fetches.length} leavings ${scene.world.server.leavings.length} strangers ${plan.strangers.length} says ${scene.world.phones[0]!.says.length}`])
  }
  const cpu = process.cpuUsage(cpu0)
  await new Promise((r) => setTimeout(r, 1500))
  const after = await stat()
  console.log('tx per seed', (after.c - before.c) / 60, 'cpu ms per seed', (cpu.user) / 60000, cpu.system / 60000)
  console.log(times.sort((a, b) => b[0] - a[0]).slice(0, 60).map(([t, x]) => t.toFixed(0) + ' ' + x).join('\n'))
}, 100000)
