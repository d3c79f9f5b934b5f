import { it } from 'vitest'
import { openPremises, openScene } from '../testing.ts'
import { play } from './life.ts'
import { planOf } from './life-plan.ts'
const premises = await openPremises()
it('trace', async () => {
  const server = await premises.newServer()
  const seed = Number(process.env['WORLD_SEED'])
  const scene = openScene(premises, server, seed)
  console.log(planOf(seed))
  try { console.log(await play(scene, planOf(seed))) } catch (e) { console.log(e) }
  for (const phone of scene.world.phones) {
    console.log(phone.says.map(({at, event}) => new Date(at).toISOString().slice(8, 23) + ' ' + event.name + ' ' + event.text).slice(0, 60).join('\n'))
    console.log('...')
    console.log(phone.says.map(({at, event}) => new Date(at).toISOString().slice(8, 23) + ' ' + event.name + ' ' + event.text).slice(60).slice(-50).join('\n'))
  }
}, 100000)
