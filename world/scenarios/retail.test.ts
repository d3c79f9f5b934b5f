/** Retail distribution: a customer buys a phone in a shop and opens one link. */
import { describe, expect, it } from 'vitest'
import { PUBLIC_URL } from '../mod.ts'
import { minutes, openPremises, openScene } from '../testing.ts'

const premises = await openPremises()
const server = await premises.newServer()

describe('a customer with a phone from a shop', () => {
  it('opens the resync URL with the code once, and the phone works [guide: Retail Distribution]', async () => {
    const { world, operator, phone: newPhone } = openScene(premises, server, 1)
    const account = await operator.account()
    const code = await operator.code(account)
    const phone = await newPhone()
    phone.powerOn()
    expect(await world.until(() => phone.webReachable, minutes(2))).toBe(true)
    expect(phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)).toBe(200)
    const t = performance.now()
    const reg = await world.until(() => phone.registered().length === 1, minutes(15))
    await world.pass(minutes(10))
    console.log(performance.now() - t)
    for (const { at, event } of phone.says) console.log(new Date(at).toISOString(), event.name, event.text.replace(code, 'CODE'))
    console.log(await operator.deviceOf(phone), await operator.timelineOf(phone))
    expect(reg).toBe(true)
  })
})
