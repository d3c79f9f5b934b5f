/** Journey 1: a phone from a shop, and a customer who signed up. Source: guide: Retail Distribution. */
import { describe, expect, it } from 'vitest'
import { LOOK_BACK_S, openBench } from './testing.ts'
import { upgradeAfterCall } from './testing-upgrade.ts'

const bench = await openBench()
const INIT = `${bench.server.publicUrl}/cisco-init`
/** A held phone asks again within this time (`Resync_Periodic` is 30+20). */
const HELD_S = 50

describe('retail, with a one-time code', () => {
  it('goes from the box to its line, and the server knows it by its certificate from then on [guide: Retail Distribution]', async () => {
    const account = await bench.account()
    const phone = await bench.phone()
    expect(await phone.openLink(`${INIT}/${await bench.code(account)}`)).toBe(200)
    await bench.registered(phone, account)
    expect(await bench.device(phone.mac)).toMatchObject({
      state: 'bound',
      accountId: account.id,
      keys: { issued: 1, confirmed: 0 },
      versions: { running: null },
    })
    // MPP §9.1: another source than RC has provisioned it.
    expect(phone.customization()).toBe('Aborted')

    const before = phone.said.length
    phone.later(LOOK_BACK_S)
    const device = await bench.upToDate(phone.mac)
    expect(phone.asked(before)[0]).toContain(`${INIT}?v=${device.versions.running}&why=1&`)
    expect(device.keys).toEqual({ issued: 1, confirmed: 1 })
    expect(device.seen).toMatchObject({ cause: '1', registrationSeconds: 0 })
    expect(await bench.story(phone.mac)).toEqual([
      'rc.unowned',
      'device.bound',
      'key.issued',
      'profile.served',
      'key.confirmed',
      'profile.running',
    ])
  })

  it('is upgraded over HTTPS on the way, after the call is over [MPP §6]', async () => {
    const account = await bench.account()
    const phone = await bench.phone()
    await phone.openLink(`${INIT}/${await bench.code(account)}`)
    await bench.registered(phone, account)
    await upgradeAfterCall(bench, phone, account, 'https')
  })

  it('comes back after a factory reset by the link without a code [guide: Retail Distribution]', async () => {
    const account = await bench.account()
    const phone = await bench.phone({ rcUrl: 'https://localhost:1/' })
    await phone.openLink(`${INIT}/${await bench.code(account)}`)
    await bench.registered(phone, account)
    await phone.factoryReset()
    expect(phone.customization()).toBe('Open')
    expect(await phone.openLink(INIT)).toBe(200)
    await bench.registered(phone, account)
    phone.later(LOOK_BACK_S)
    await bench.upToDate(phone.mac)
    const bindings = (await bench.events(phone.mac)).filter(({ name }) => name === 'device.bound')
    expect(bindings).toHaveLength(1)
  })
})

describe('retail, with the Customer ID', () => {
  it('is held without a line until somebody confirms it, and then registers [guide: Retail Distribution]', async () => {
    const account = await bench.account()
    await bench.api('POST', `accounts/${account.id}/windows`, { seconds: 600, devices: 1 })
    const phone = await bench.phone()
    await phone.openLink(`${INIT}/${account.customerId}`)
    await phone.says('resync-finished')
    expect(await bench.device(phone.mac)).toMatchObject({ state: 'held', accountId: null, heldAccountId: account.id })

    const held = phone.said.length
    phone.later(HELD_S)
    await phone.says('resync-finished', held)
    expect((await bench.device(phone.mac)).state).toBe('held')
    expect(phone.names()).not.toContain('registered')
    expect(await bench.bindingsOf(account)).toEqual([])

    await bench.api('POST', `devices/${phone.mac}/confirm`, {})
    phone.later(HELD_S)
    await bench.registered(phone, account)
    expect(await bench.device(phone.mac)).toMatchObject({ state: 'bound', accountId: account.id, heldAccountId: null })
    phone.later(LOOK_BACK_S)
    await bench.upToDate(phone.mac)
    expect((await bench.story(phone.mac)).filter((name) => /^(?:device|profile)\./.test(name))).toEqual([
      'device.held',
      'device.confirmed',
      'profile.served',
      'profile.running',
    ])
  })

  it('gets nothing when no window is open', async () => {
    const account = await bench.account()
    const phone = await bench.phone()
    await phone.openLink(`${INIT}/${account.customerId}`)
    await phone.resyncFails()
    await expect(bench.device(phone.mac)).rejects.toThrow('404')
    expect(phone.customization()).not.toBe('Aborted')
  })
})
