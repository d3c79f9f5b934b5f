/** The firmware upgrade on the way of a journey: released meanwhile, put off by a call, done after it. Source: MPP §6. */
import { expect } from 'vitest'
import { eventually } from '../life/testing.ts'
import {
  type Account,
  type Bench,
  type BenchPhone,
  type DeviceJson,
  FACTORY_LOAD,
  LOOK_BACK_S,
  NEW_LOAD,
  type Transport,
} from './testing.ts'

/** @param phone  registered, and not yet back for its first look at what has changed */
export async function upgradeAfterCall(
  bench: Bench,
  phone: BenchPhone,
  account: Account,
  from: Transport,
): Promise<void> {
  await bench.release(from)
  const before = phone.said.length
  phone.callWhenNextProfileComes()
  phone.later(LOOK_BACK_S)
  await phone.says('resync-finished', before)
  // Were the phone idle, the upgrade would have begun in the very step that ended the resync.
  expect(phone.agent().ram.busyLines).toEqual([1])
  expect(phone.agent().ram.pendingUpgrade).toBeDefined()
  expect(phone.names(before)).not.toContain('upgrade-started')
  expect(phone.load()).toBe(FACTORY_LOAD)

  phone.phone.send({ kind: 'call-ended', line: 1 })
  const started = await phone.says('upgrade-started', before)
  expect(started.data).toMatchObject({ load: NEW_LOAD, from: FACTORY_LOAD })
  expect(started.data['url']).toBe(`${from}://localhost:${bench.server.ports[from]}/firmware/${NEW_LOAD}.loads`)
  await phone.says('upgrade-done', before)
  expect(phone.names(before).filter((name) => name === 'upgrade-part')).toHaveLength(3)
  const after = phone.said.length
  // MPP §5.1: it comes back at once after an upgrade, and tells what it runs now.
  await phone.says('resync-finished', after)
  await bench.registered(phone, account)
  expect(phone.load()).toBe(NEW_LOAD)
  expect(phone.agent().flash.rebootHistory.map(({ reason }) => reason)).toContain('Upgrade')
  const device = await upgraded(bench, phone)
  expect(device.versions.running).toBe(device.versions.wanted)
  await bench.withdraw()
}

async function upgraded(bench: Bench, phone: BenchPhone): Promise<DeviceJson> {
  await eventually('the new load in what the platform knows', async () => {
    return (await bench.device(phone.mac)).seen.firmware === NEW_LOAD
  })
  return bench.upToDate(phone.mac)
}
