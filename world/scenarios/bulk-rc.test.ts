/** Bulk distribution of RC units: the provider enters MAC and serial, a sealed phone finds it from any network. */
import { describe, expect, it } from 'vitest'
import { PROVISIONING_ADDRESS, PUBLIC_URL, REDIRECT_HOST } from '../mod.ts'
import { hours, minutes, openPremises, openScene } from '../testing.ts'
import { newsOf, pathsOf, poweredOn, urlsOf } from './steps.ts'

const premises = await openPremises()
const server = await premises.newServer()

describe('a sealed phone', () => {
  it('asks the redirect service, learns its provider, and registers [MPP §9.2]', async () => {
    const scene = openScene(premises, server, 1)
    const { world, operator } = scene
    const account = await operator.account()
    const phone = await scene.phone()
    await operator.register(phone, account)
    phone.powerOn()
    expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)

    expect(phone.customization).toBe('Acquired')
    expect(urlsOf(phone, 'rc')).toEqual([`https://${REDIRECT_HOST}/software/edos/callhome/rc`])
    expect(pathsOf(phone, 'profile')[0]).toBe('/cisco-init')
    const states = phone.says
      .filter(({ event }) => event.name === 'customization')
      .map(({ event }) => event.data['state'])
    expect(states).toEqual(['Pending', 'Custom-Pending', 'Acquired'])
    expect(phone.agent.flash.rebootHistory.map(({ reason }) => reason)).toContain('RC')
    await world.pass(minutes(5))
    const device = await operator.deviceOf(phone)
    expect(device).toMatchObject({ state: 'bound', accountId: account.id, keys: { issued: 1, confirmed: 1 } })
    expect(device?.versions.running).toBe(device?.versions.wanted)
  })

  it('that nobody owns is Unavailable, and asks again [MPP §9.1]', async () => {
    const scene = openScene(premises, server, 2)
    const { world, operator } = scene
    const phone = await poweredOn(scene)
    await world.pass(hours(2))
    expect(phone.customization).toBe('Unavailable')
    expect(phone.registered()).toEqual([])
    expect(await operator.deviceOf(phone)).toBeUndefined()
    expect(pathsOf(phone, 'rc').length).toBeGreaterThan(1)

    const account = await operator.account()
    await operator.register(phone, account)
    expect(await world.until(() => phone.registered().length > 0, hours(3))).toBe(true)
    expect(phone.customization).toBe('Acquired')
  })

  it('whose serial number is another than the registered one gets nothing', async () => {
    const scene = openScene(premises, server, 3)
    const { world, operator } = scene
    const account = await operator.account()
    const other = await scene.phone({ number: 1 })
    const phone = await scene.phone()
    await operator.register({ hardware: { ...phone.hardware, serial: other.hardware.serial } }, account)
    phone.powerOn()
    await world.pass(hours(1))
    expect(phone.customization).toBe('Unavailable')
    expect(await operator.deviceOf(phone)).toMatchObject({ state: 'known', lines: [] })
    expect(await operator.timelineOf(phone)).toContain('identity.mismatch')
  })

  it('that DHCP provisions is Aborted and never asks the redirect service [MPP §9.1]', async () => {
    const scene = openScene(premises, server, 4)
    const { world, operator } = scene
    const phone = await scene.phone({ lease: { options: new Map([[66, PROVISIONING_ADDRESS]]) } })
    await operator.register(phone, await operator.account())
    phone.powerOn()
    expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)
    expect(phone.customization).toBe('Aborted')
    expect(pathsOf(phone, 'rc')).toEqual([])
  })
})

describe('a phone that was Acquired', () => {
  it('stays so whatever DHCP, keypad or web say later [MPP §9.1]', async () => {
    const scene = openScene(premises, server, 5)
    const { world, operator } = scene
    const phone = await scene.phone()
    await operator.register(phone, await operator.account())
    phone.powerOn()
    await world.until(() => phone.registered().length > 0, minutes(5))
    expect(phone.customization).toBe('Acquired')
    const rcQuestions = pathsOf(phone, 'rc').length

    phone.lease = { ...phone.lease, options: new Map([[66, PROVISIONING_ADDRESS]]) }
    phone.powerOn()
    await world.pass(minutes(10))
    expect(phone.customization).toBe('Acquired')

    phone.send({ kind: 'keypad', entry: { kind: 'enter-profile-rule', rule: `${PUBLIC_URL}/cisco-init` } })
    phone.send({ kind: 'keypad', entry: { kind: 'resync' } })
    phone.openResyncLink(`${PUBLIC_URL}/cisco-init`)
    await world.pass(minutes(10))
    expect(phone.customization).toBe('Acquired')
    expect(phone.registered()).toHaveLength(1)
    expect(pathsOf(phone, 'rc')).toHaveLength(rcQuestions)
    expect(newsOf(phone, 'customization')).toHaveLength(3)
  })
})
