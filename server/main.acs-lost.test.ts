/** The ACS and a connection that is lost at any message: nothing is lost, nothing is done twice [TR-069 §11]. */
import { pino } from 'pino'
import { afterAll, expect, it } from 'vitest'
import { assert } from '../protocol/result.ts'
import { createTestDatabase } from './database/testing.ts'
import { acsCredentials } from './devices/mod.ts'
import { startServer } from './main.ts'
import { askTasks, listTasks } from './store/mod.ts'
import { DUTIES, DUTIFUL_TREE, DutifulPhone } from './testing-acs-phone.ts'
import { AcsDevice } from './testing-acs.ts'
import { providerOn, WHO } from './testing-provider.ts'
import { plant, plantSecretsOf, PN, serialFor, testSettings } from './testing.ts'

const database = await createTestDatabase()
const server = await startServer({
  settings: testSettings(database.url, { lab: true }),
  what: 'a test',
  log: pino({ level: 'silent' }),
})
const { platform } = server
const { db, vault } = platform
const provider = providerOn(platform)
afterAll(async () => {
  await plantSecretsOf(platform)
  await server.stop()
  await database.drop()
})

async function phoneWithDuties(): Promise<DutifulPhone> {
  const { mac } = await provider.bound()
  for (const request of DUTIES) {
    const asked = { macs: [mac], request, who: WHO, now: Date.now(), deadlineSeconds: 3600 }
    await db.transaction((tx) => askTasks(tx, vault, asked))
  }
  const facts = await platform.directory.device(mac)
  const known = facts === undefined ? undefined : acsCredentials(facts)
  assert(known !== undefined, 'a bound device has credentials')
  const credentials = { username: known.username, password: plant(known.password) }
  const serial = serialFor(mac)
  const oui = mac.slice(0, 6).toUpperCase()
  return new DutifulPhone(
    new AcsDevice({ port: server.ports.acs, oui, productClass: PN, serial, credentials, values: DUTIFUL_TREE }),
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
