/** A thousand devices in session with tasks while the server is killed: each task ends once, and is done once. */
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { acsCredentials } from '../../server/devices/mod.ts'
import type { Platform } from '../../server/main.ts'
import { createAccount, createSecrets, insertTasks, loadManyDeviceFacts } from '../../server/store/mod.ts'
import { DUTIES, DUTIFUL_TREE, DutifulPhone } from '../../server/testing-acs-phone.ts'
import { AcsDevice } from '../../server/testing-acs.ts'
import { plant, PN } from '../../server/testing.ts'
import { assert } from '../../protocol/result.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import { eventually, kill, Place } from '../life/testing.ts'
import { identityOf, macNumber, serve, withPlatform } from './testing.ts'

vi.setConfig({ testTimeout: 900_000 })

const DEVICES = 1000
const PATIENCE_MS = 400_000
const AGAIN_MS = 100
let place: Place
afterEach(async () => {
  await place.clear()
})

it('each of a thousand devices does each task once and each task ends once, whenever the server is killed', async () => {
  place = await Place.make()
  const port = await freePort()
  const env = { OFFHOOK_ACS_PORT: String(port) }
  const phones = await withPlatform(place, (platform) => fill(platform, port), env)
  let server = await serve(place, env)
  let failures = 0
  const ends = phones.map(async (phone) => {
    while (!phone.isDone || phone.owes) {
      await phone.call().catch(() => (failures += 1))
      await pause(AGAIN_MS)
    }
  })
  const done = Promise.all(ends)
  for (const share of [0.05, 0.3, 0.6, 0.85]) {
    const ready = () => phones.filter(({ isDone }) => isDone).length >= DEVICES * share
    await Promise.race([done, eventually(`${share} of the devices`, ready, PATIENCE_MS)])
    kill(server.pid)
    await server.ended
    server = await serve(place, env)
  }
  await done
  expect(failures).toBeGreaterThan(0)
  // What was heard last is told once more, so that each answer is known to be stored.
  for (const phone of phones) await phone.call()
  expect((await server.stop('SIGTERM', 'process')).code).toBe(0)
  expect(
    phones.filter(({ reboots, transfers, instances }) => reboots !== 1 || transfers !== 1 || instances !== 1),
  ).toEqual([])
  await withPlatform(place, async ({ db }) => {
    const rows = await db.query<{ state: string; ends: number; count: number }>({
      name: 'test-task-ends',
      text: `select x.state, x.ends::int as ends, count(*)::int as count from (
               select t.id, t.state, (select count(*) from event e where e.name like 'tr069.task-%' and e.name <> 'tr069.task-asked'
                                         and e.data ->> 'id' = t.id) as ends from acs_task t where t.who = 'test') x
              group by x.state, x.ends`,
      values: [],
    })
    expect(rows).toEqual([{ state: 'done', ends: 1, count: DEVICES * DUTIES.length }])
  })
})

/** Bound devices with their tasks, as if each had been asked for them before it called for the first time. */
async function fill(platform: Platform, port: number): Promise<readonly DutifulPhone[]> {
  const { vault } = platform
  const macs = Array.from({ length: DEVICES }, (_, index) => macNumber(index))
  await platform.change(async (sql) => {
    const about = {
      name: 'Shop',
      customerId: 'shop-tr069',
      kind: 'customer',
      settings: {},
      parentId: undefined,
    } as const
    const account = await createAccount(sql, 'test', about)
    assert(account.ok, 'the Customer ID is free')
    await sql.run({
      name: 'test-devices',
      text: `insert into device (mac, serial, model, account_id, state, profile_path, key_issued, key_confirmed, bound_at)
             select x.mac, x.serial, $3, $4, 'bound', md5(x.mac), 1, 1, now()
               from unnest($1::text[], $2::text[]) as x (mac, serial)`,
      values: [macs, macs.map((mac) => identityOf(mac).serial), PN, account.value.id],
    })
    for (const mac of macs) await createSecrets(sql, vault, mac, 1)
    for (const request of DUTIES) {
      await insertTasks(sql, vault, { macs, request, who: 'test', now: Date.now(), deadlineSeconds: 86_400 })
    }
  })
  return phonesOf(platform, macs, port)
}

async function phonesOf(
  { db, vault }: Platform,
  macs: readonly MacAddress[],
  port: number,
): Promise<readonly DutifulPhone[]> {
  const facts = await loadManyDeviceFacts(db, vault, macs)
  return macs.map((mac) => {
    const found = facts.get(mac)
    const known = found === undefined ? undefined : acsCredentials(found)
    assert(known !== undefined, 'the device is bound')
    const credentials = { username: known.username, password: plant(known.password) }
    const serial = identityOf(mac).serial
    return new DutifulPhone(
      new AcsDevice({ port, oui: '000E08', productClass: PN, serial, credentials, values: DUTIFUL_TREE }),
    )
  })
}

function freePort(): Promise<number> {
  return new Promise((known, failed) => {
    const server = createServer()
    server.on('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => known(port))
    })
  })
}
