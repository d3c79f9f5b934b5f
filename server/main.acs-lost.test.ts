/** The ACS and a connection that is lost at any message: nothing is lost, nothing is done twice [TR-069 §11]. */
import { expect, it } from 'vitest'
import { askTasks, listTasks } from './store/mod.ts'
import { DUTIES, DUTIFUL_TREE, DutifulPhone } from './testing-acs-phone.ts'
import { openAcsBench } from './testing-acs-bench.ts'
import { AcsDevice } from './testing-acs.ts'
import { WHO } from './testing-provider.ts'
import { PN, serialFor } from './testing.ts'

const bench = await openAcsBench()
const { platform, ports } = bench.server
const { db, vault } = platform

async function phoneWithDuties(): Promise<DutifulPhone> {
  const { mac, credentials } = await bench.bound()
  for (const request of DUTIES) {
    const asked = { macs: [mac], request, who: WHO, now: Date.now(), deadlineSeconds: 3600 }
    await db.transaction((tx) => askTasks(tx, vault, asked))
  }
  const serial = serialFor(mac)
  const oui = mac.slice(0, 6).toUpperCase()
  return new DutifulPhone(
    new AcsDevice({ port: ports.acs, oui, productClass: PN, serial, credentials, values: DUTIFUL_TREE }),
  )
}

/** Sessions until everything is done and told. @returns how many were lost */
async function live(phone: DutifulPhone): Promise<number> {
  let lost = 0
  for (let sessions = 0; sessions < 12 && (!phone.isDone || phone.owes); sessions++) {
    await phone.call().catch(() => (lost += 1))
  }
  await phone.call()
  phone.device.close()
  return lost
}

async function stateOf({ device }: DutifulPhone) {
  await platform.flush()
  const all = await listTasks(db, {
    mac: undefined,
    state: undefined,
    kind: undefined,
    reach: null,
    after: undefined,
    limit: 1000,
  })
  return all.filter(({ mac }) => serialFor(mac) === device.serial).map(({ kind, state }) => `${kind} ${state}`)
}

it('ends each task once and has it done once, whichever message or answer is lost [TR-069 §11]', async () => {
  const whole = await phoneWithDuties()
  expect(await live(whole)).toBe(0)
  const { exchanges } = whole.device
  expect(exchanges).toBeGreaterThan(12)
  const wrong: string[] = []
  for (let exchange = 1; exchange <= exchanges - 3; exchange++) {
    for (const what of ['request', 'answer'] as const) {
      const phone = await phoneWithDuties()
      phone.device.loses = { exchange, what }
      const lost = await live(phone)
      const states = (await stateOf(phone)).toSorted()
      const done = states.join(', ') === 'add-object done, download done, reboot done, set-values done'
      if (lost !== 1 || !phone.isDone || !done) {
        wrong.push(
          `${what} ${exchange}: lost ${lost}, ${phone.reboots} reboots, ${phone.transfers} transfers, ${phone.instances} instances, ${states.join(', ')}`,
        )
      }
    }
  }
  expect(wrong).toEqual([])
}, 240_000)
