/** Retail distribution: a customer buys a phone in a shop, signs up, and opens one link. */
import { describe, expect, it } from 'vitest'
import { PUBLIC_URL } from '../mod.ts'
import { hours, minutes, openPremises, openScene } from '../testing.ts'
import { pathsOf, poweredOn } from './steps.ts'

const premises = await openPremises()
const server = await premises.newServer()

describe('a customer with a one-time code', () => {
  it('opens the resync URL once, and the phone works from then on [guide: Retail Distribution]', async () => {
    const scene = openScene(premises, server, 1)
    const { world, operator } = scene
    const account = await operator.account()
    const code = await operator.code(account)
    const phone = await poweredOn(scene)

    expect(phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)).toBe(200)
    expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)

    expect(phone.registered()).toEqual([account.lines[0]?.userId])
    expect(phone.customization).toBe('Aborted')
    // One step: the code was asked for once, and the permanent URL stands in its place.
    expect(pathsOf(phone, 'profile')).toEqual([`/cisco-init/${code}`])
    expect(phone.parameter('Profile_Rule')).toMatch(new RegExp(`^${PUBLIC_URL}/cisco-init\\?`))
    expect(phone.parameter('Profile_Rule')).not.toContain(code)
  })

  it('sees the provider learn within minutes what the phone runs, and that its key arrived', async () => {
    const scene = openScene(premises, server, 2)
    const { world, operator } = scene
    const account = await operator.account()
    const code = await operator.code(account)
    const phone = await poweredOn(scene)
    phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
    await world.until(() => phone.registered().length > 0, minutes(5))

    const early = await operator.deviceOf(phone)
    expect(early).toMatchObject({ state: 'bound', accountId: account.id, keys: { issued: 1, confirmed: 0 } })
    expect(early?.versions).toMatchObject({ served: early?.versions.wanted, running: null })

    await world.pass(minutes(3))
    const later = await operator.deviceOf(phone)
    expect(later).toMatchObject({ keys: { issued: 1, confirmed: 1 }, lines: [account.lines[0]?.userId] })
    expect(later?.versions.running).toBe(later?.versions.wanted)
    expect(await operator.timelineOf(phone)).toEqual(
      expect.arrayContaining(['device.bound', 'key.issued', 'profile.served', 'key.confirmed', 'profile.running']),
    )
  })

  it('opens the link again when the connection was cut after the binding, and gets the same profile', async () => {
    const scene = openScene(premises, server, 3)
    const { world, operator } = scene
    const account = await operator.account({ lines: 2 })
    const code = await operator.code(account)
    const link = `${PUBLIC_URL}/cisco-init/${code}`
    const phone = await poweredOn(scene, { rcReachable: false })
    let cut = 0
    world.cutAnswers(({ path }) => path.startsWith('/cisco-init') && (cut += 1) <= 2)

    phone.openResyncLink(link)
    await world.pass(minutes(1))
    expect(await operator.deviceOf(phone)).toMatchObject({ state: 'bound' })
    expect(phone.registered()).toEqual([])

    phone.openResyncLink(link)
    await world.pass(minutes(1))
    expect(phone.registered()).toEqual([])

    phone.openResyncLink(link)
    expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)

    const answers = world.server.leavings.filter(({ target }) => target === `/cisco-init/${code}`)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(new Set(answers.map(({ bytes }) => Buffer.from(bytes).toString('base64'))).size).toBe(1)
    expect(await operator.deviceOf(phone)).toMatchObject({ lines: [account.lines[0]?.userId], keys: { issued: 1 } })
    expect(await operator.usesOfCodes(account)).toEqual([phone.hardware.mac])
  })

  it('cannot bind a second phone with it', async () => {
    const scene = openScene(premises, server, 4)
    const { world, operator } = scene
    const account = await operator.account({ lines: 2 })
    const code = await operator.code(account)
    const [first, second] = [await poweredOn(scene), await poweredOn(scene, { number: 1 })]
    first.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
    await world.pass(minutes(5))
    second.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
    await world.pass(hours(1))

    expect(first.registered()).toEqual([account.lines[0]?.userId])
    expect(second.registered()).toEqual([])
    expect(await operator.deviceOf(second)).toBeUndefined()
    expect(await operator.usesOfCodes(account)).toEqual([first.hardware.mac])
  })

  it('binds one phone of two that come with it at the same moment', async () => {
    const scene = openScene(premises, server, 9)
    const { world, operator } = scene
    const account = await operator.account({ lines: 2 })
    const code = await operator.code(account)
    const phones = [await poweredOn(scene), await poweredOn(scene, { number: 1 })]
    for (const phone of phones) phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
    await world.pass(hours(1))

    const winners = phones.filter((phone) => phone.registered().length > 0)
    expect(winners).toHaveLength(1)
    expect(await operator.usesOfCodes(account)).toEqual(winners.map(({ hardware }) => hardware.mac))
  })

  it('finds the link refused when the code was made for another time', async () => {
    const scene = openScene(premises, server, 5)
    const { world, operator } = scene
    const code = await operator.code(await operator.account())
    const phone = await poweredOn(scene)
    await world.pass(hours(24 * 8))
    phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
    await world.pass(minutes(10))

    expect(await operator.deviceOf(phone)).toBeUndefined()
    expect(world.server.leavings.filter(({ target }) => target.endsWith(code)).map(({ status }) => status)).toEqual([
      404,
    ])
  })
})

describe('a customer with a Customer ID', () => {
  it('gets the phone held without a line until somebody of the account confirms it', async () => {
    const scene = openScene(premises, server, 6)
    const { world, operator } = scene
    const account = await operator.account()
    await operator.window(account, '2a0a:ffff::1')
    const phone = await poweredOn(scene)
    phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${account.customerId}`)
    await world.pass(minutes(20))

    expect(await operator.deviceOf(phone)).toMatchObject({ state: 'held', lines: [], keys: { issued: 0 } })
    expect(phone.registered()).toEqual([])
    expect(phone.parameter('Password_1_') ?? '').toBe('')

    await operator.confirm(phone)
    expect(await world.until(() => phone.registered().length > 0, minutes(3))).toBe(true)
    await world.pass(minutes(5))
    const device = await operator.deviceOf(phone)
    expect(device).toMatchObject({ state: 'bound', accountId: account.id, keys: { issued: 1, confirmed: 1 } })
    expect(device?.versions.running).toBe(device?.versions.wanted)
  })

  it('has it bound at once when the phone stands behind the address that opened the window', async () => {
    const scene = openScene(premises, server, 7)
    const { world, operator } = scene
    const account = await operator.account()
    const phone = await poweredOn(scene)
    await operator.window(account, phone.caller.address)
    phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${account.customerId}`)
    expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)
    expect(await operator.deviceOf(phone)).toMatchObject({ state: 'bound', accountId: account.id })
  })

  it('gets nothing without an open window', async () => {
    const scene = openScene(premises, server, 8)
    const { world, operator } = scene
    const account = await operator.account()
    const phone = await poweredOn(scene)
    phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${account.customerId}`)
    await world.pass(minutes(30))
    expect(await operator.deviceOf(phone)).toBeUndefined()
    expect(phone.registered()).toEqual([])
  })
})
