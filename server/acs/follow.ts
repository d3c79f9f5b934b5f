/**
 * Follows changes of what is wished: a phone that TR-069 leads is asked to call when it is not in step any more. What
 * many phones share is looked at phone by phone, slowly enough not to disturb those that call.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Job, Services } from '../services.ts'
import { listLedByAcs, wakeSoon } from '../store/mod.ts'
import type { AcsContext } from './context.ts'
import { fingerprintOf } from './wanted.ts'

/** Changes come in bursts: a phone is looked at once for all of them. */
const LOOK_EVERY_MS = 500
/** Changed phones that the database is asked about together: most are not led by TR-069, and cost no more than that. */
const ASKED_TOGETHER = 1000
/** Phones looked at together. */
const TOGETHER = 20
/** Phones that wait to be asked about, and to be looked at. */
const WAITING_MAX = 100_000

export function followWished(context: AcsContext, services: Services): Job {
  const changed = new Set<MacAddress>()
  const led = new Set<MacAddress>()
  let all = false
  let looking: Promise<void> | undefined
  services.directory.onChange((change) => {
    if (change.kind === 'device' && changed.size < WAITING_MAX) changed.add(change.mac)
    // An import tells of its accounts and of many phones by 'reload'.
    else if (change.kind === 'many' || change.kind === 'reload') all = true
  })

  /** Takes the first of a set. */
  function take(from: Set<MacAddress>, most: number): readonly MacAddress[] {
    const some = [...from].slice(0, most)
    for (const mac of some) from.delete(mac)
    return some
  }

  async function findLed(): Promise<void> {
    if (!all && (changed.size === 0 || led.size >= WAITING_MAX)) return
    const macs = all ? undefined : take(changed, ASKED_TOGETHER)
    if (all) changed.clear()
    all = false
    for (const mac of await listLedByAcs(services.db, macs, WAITING_MAX)) led.add(mac)
  }

  async function look(): Promise<void> {
    await findLed()
    const behind: MacAddress[] = []
    for (const mac of take(led, TOGETHER)) if (await isBehind(context, mac)) behind.push(mac)
    if (behind.length > 0) await services.change((sql) => wakeSoon(sql, behind, services.now()))
  }

  const timer = setInterval(() => {
    if (looking !== undefined || (changed.size === 0 && led.size === 0 && !all)) return
    looking = look()
      .catch((error: unknown) => services.log.warn({ err: error }, 'changes for TR-069 phones could not be followed'))
      .finally(() => (looking = undefined))
  }, LOOK_EVERY_MS)
  timer.unref()
  return {
    async close() {
      clearInterval(timer)
      await looking
    },
  }
}

/** Brought to another state than the one that is wished now. One that was never brought to any calls by itself. */
async function isBehind(context: AcsContext, mac: MacAddress): Promise<boolean> {
  const facts = await context.device(mac)
  if (facts?.account?.settings.ledBy !== 'tr069' || facts.device.state !== 'bound') return false
  const state = await context.store.state(mac)
  if (state?.inStep === undefined) return false
  return [true, false].every((secure) => fingerprintOf(context, { facts, secure }) !== state.inStep)
}
