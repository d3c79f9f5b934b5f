/**
 * "To disable/enable the Web server, use the resync URL command": the profile that the URL fetches says so. Once it is
 * off, nothing at the phone itself answers any more; it comes back by a profile or by a factory reset.
 */
import { describe, expect, it } from 'vitest'
import { PUBLIC_URL } from '../mod.ts'
import { hours, minutes, openPremises, openScene, type Scene } from '../testing.ts'
import { poweredOn } from './steps.ts'

const premises = await openPremises()
const server = await premises.newServer()

async function phoneWithoutWebServer(scene: Scene) {
  const { world, operator } = scene
  const account = await operator.account({ layer: { Enable_Web_Server: 'No' } })
  const code = await operator.code(account)
  const phone = await poweredOn(scene, { rcReachable: false })
  expect(phone.openPage('/')).toBe(200)
  expect(phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)).toBe(200)
  expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)
  return { account, phone }
}

describe('a phone whose web server the resync URL switched off [guide: Resynchronization Process]', () => {
  it('answers nobody, the resync URL neither', async () => {
    const { phone } = await phoneWithoutWebServer(openScene(premises, server, 1))
    expect(phone.webReachable).toBe(false)
    expect(phone.openPage('/')).toBe(0)
    expect(phone.openResyncLink(`${PUBLIC_URL}/cisco-init`)).toBe(0)
  })

  it('opens it again when a later profile says so', async () => {
    const scene = openScene(premises, server, 2)
    const { world, operator } = scene
    const { account, phone } = await phoneWithoutWebServer(scene)
    await operator.layer('account', account.id, { Enable_Web_Server: 'Yes' })
    expect(await world.until(() => phone.webReachable, hours(30))).toBe(true)
    // Its pages now ask for the password that the platform gave them.
    expect(phone.openPage('/admin/advanced')).toBe(401)
  })

  it('opens it again after a factory reset, until it is provisioned anew', async () => {
    const scene = openScene(premises, server, 3)
    const { world } = scene
    const { phone } = await phoneWithoutWebServer(scene)
    phone.factoryReset()
    expect(await world.until(() => phone.webReachable, minutes(3))).toBe(true)
    expect(phone.openPage('/')).toBe(200)
    expect(phone.openResyncLink(`${PUBLIC_URL}/cisco-init`)).toBe(200)
    expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)
    expect(phone.webReachable).toBe(false)
  })
})
