/** A bound phone is reset to factory state; it comes back by every way that leads to its provider. */
import { describe, expect, it } from 'vitest'
import { PROVISIONING_ADDRESS, PUBLIC_URL, type WorldPhone } from '../mod.ts'
import { type AccountOfWorld, hours, minutes, openPremises, openScene, type Scene } from '../testing.ts'
import { pathsOf, poweredOn } from './steps.ts'

const premises = await openPremises()
const server = await premises.newServer()

interface Bound {
  readonly phone: WorldPhone
  readonly account: AccountOfWorld
  readonly code: string
}

async function bound(scene: Scene, rcReachable: boolean): Promise<Bound> {
  const { world, operator } = scene
  const account = await operator.account({ lines: 2 })
  const code = await operator.code(account)
  const phone = await poweredOn(scene, { rcReachable })
  phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
  expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)
  await world.pass(minutes(5))
  return { phone, account, code }
}

async function reset(scene: Scene, phone: WorldPhone): Promise<void> {
  phone.factoryReset()
  expect(await scene.world.until(() => phone.customization === 'Open', minutes(1))).toBe(true)
  expect(phone.parameter('Password_1_') ?? '').toBe('')
  expect(phone.parameter('GPP_SA') ?? '').toBe('')
}

/** The same phone, the same line, the same key: nothing was bound anew. */
async function isBackAsBefore(scene: Scene, { phone, account }: Bound): Promise<void> {
  const { world, operator } = scene
  expect(await world.until(() => phone.registered().length > 0, hours(1))).toBe(true)
  expect(phone.registered()).toEqual([account.lines[0]?.userId])
  await world.pass(minutes(5))
  const device = await operator.deviceOf(phone)
  expect(device).toMatchObject({ state: 'bound', accountId: account.id, lines: [account.lines[0]?.userId] })
  expect(device?.keys).toEqual({ issued: 1, confirmed: 1 })
  expect(device?.versions.running).toBe(device?.versions.wanted)
  expect(await operator.usesOfCodes(account)).toEqual([phone.hardware.mac])
}

describe('a bound phone after a factory reset', () => {
  it('comes back by DHCP [MPP §9.3]', async () => {
    const scene = openScene(premises, server, 1)
    const before = await bound(scene, false)
    before.phone.lease = { ...before.phone.lease, options: new Map([[66, PROVISIONING_ADDRESS]]) }
    await reset(scene, before.phone)
    await isBackAsBefore(scene, before)
    expect(before.phone.customization).toBe('Aborted')
    expect(pathsOf(before.phone, 'profile')).toContain('/8851-3PCC.xml')
  })

  it('comes back by the redirect service, which knows whose it is [MPP §9.2]', async () => {
    const scene = openScene(premises, server, 2)
    const before = await bound(scene, true)
    await reset(scene, before.phone)
    await isBackAsBefore(scene, before)
    expect(before.phone.customization).toBe('Acquired')
  })

  it('comes back by the link without a code: its certificate is enough [guide: Retail Distribution]', async () => {
    const scene = openScene(premises, server, 3)
    const { world } = scene
    const before = await bound(scene, false)
    await reset(scene, before.phone)
    expect(await world.until(() => before.phone.webReachable, minutes(2))).toBe(true)
    await world.pass(minutes(5))
    expect(before.phone.registered()).toEqual([])
    expect(before.phone.openResyncLink(`${PUBLIC_URL}/cisco-init`)).toBe(200)
    await isBackAsBefore(scene, before)
  })

  it('comes back by a new code of its account', async () => {
    const scene = openScene(premises, server, 4)
    const { world, operator } = scene
    const before = await bound(scene, false)
    const code = await operator.code(before.account)
    await reset(scene, before.phone)
    expect(await world.until(() => before.phone.webReachable, minutes(2))).toBe(true)
    expect(before.phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)).toBe(200)
    await isBackAsBefore(scene, before)
  })

  it('comes back by its own code while the time of that lasts', async () => {
    const scene = openScene(premises, server, 5)
    const { world } = scene
    const before = await bound(scene, false)
    await reset(scene, before.phone)
    expect(await world.until(() => before.phone.webReachable, minutes(2))).toBe(true)
    expect(before.phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${before.code}`)).toBe(200)
    await isBackAsBefore(scene, before)
  })

  it('is refused with the code of another account, and both accounts hear of it', async () => {
    const scene = openScene(premises, server, 6)
    const { world, operator } = scene
    const before = await bound(scene, false)
    const foreign = await operator.account()
    const code = await operator.code(foreign)
    await reset(scene, before.phone)
    expect(await world.until(() => before.phone.webReachable, minutes(2))).toBe(true)
    before.phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
    await world.pass(minutes(30))
    expect(before.phone.registered()).toEqual([])
    expect(await operator.deviceOf(before.phone)).toMatchObject({ state: 'bound', accountId: before.account.id })
    expect((await operator.timelineOf(before.phone)).filter((name) => name === 'binding.refused')).toHaveLength(2)
  })
})
