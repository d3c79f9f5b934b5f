/** A phone is let go by its account: it loses its lines and secrets, but finds the way when somebody binds it again. */
import { describe, expect, it } from 'vitest'
import { PUBLIC_URL } from '../mod.ts'
import { hours, minutes, openPremises, openScene, type Scene } from '../testing.ts'
import { poweredOn } from './steps.ts'

const premises = await openPremises()
const server = await premises.newServer()

const DELIVERIES = [
  { delivery: 'https', seed: 1 },
  { delivery: 'sealed', seed: 2 },
] as const

async function boundPhone(scene: Scene, delivery: 'https' | 'sealed') {
  const { world, operator } = scene
  const account = await operator.account({ settings: { delivery } })
  const code = await operator.code(account)
  const phone = await poweredOn(scene, { rcReachable: false })
  phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
  expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)
  await world.pass(minutes(5))
  return { account, code, phone }
}

describe('a released phone', () => {
  it.each(DELIVERIES)(
    'gets its farewell once, is silent after it, and may be bound again ($delivery)',
    async ({ delivery, seed }) => {
      const scene = openScene(premises, server, seed)
      const { world, operator } = scene
      const { account, code, phone } = await boundPhone(scene, delivery)
      const key = phone.parameter('GPP_SA')
      expect(key).toMatch(/^[0-9a-f]{64}$/)

      await operator.release(phone, account)
      expect(await operator.deviceOf(phone)).toMatchObject({ state: 'released', accountId: null, lines: [] })
      // Its normal period is a day.
      expect(await world.until(() => phone.parameter('Line_Enable_1_') === 'No', hours(30))).toBe(true)
      await world.pass(hours(2))
      expect(phone.registered()).toEqual([])
      for (const element of ['GPP_SA', 'GPP_SB', 'Password_1_', 'Admin_Password']) {
        expect(phone.parameter(element) ?? '').toBe('')
      }
      expect((await operator.timelineOf(phone)).filter((name) => name === 'device.farewell')).toHaveLength(1)
      const [line] = account.lines
      expect(line && world.registrar.contactOf(line.userId, world.now)).toBeUndefined()

      // The code that it came with has had its turn.
      phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
      await world.pass(minutes(10))
      expect(await operator.deviceOf(phone)).toMatchObject({ state: 'released' })

      const fresh = await operator.code(account)
      expect(phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${fresh}`)).toBe(200)
      expect(await world.until(() => phone.registered().length > 0, hours(1))).toBe(true)
      await world.pass(minutes(5))
      expect(phone.parameter('GPP_SA')).not.toBe(key)
      expect(await operator.deviceOf(phone)).toMatchObject({ state: 'bound', keys: { issued: 2, confirmed: 2 } })
    },
  )
})

describe('a phone whose profile travels sealed', () => {
  it('confirms its key over TLS with its first look back, and opens every file with it from then on [MPP §2.2]', async () => {
    const scene = openScene(premises, server, 3)
    const { world, operator } = scene
    const { phone } = await boundPhone(scene, 'sealed')
    expect(await operator.deviceOf(phone)).toMatchObject({ keys: { issued: 1, confirmed: 1 } })

    await world.pass(hours(60))
    const sealed = world.server.leavings.filter(({ target }) => target.startsWith('/s/'))
    expect(sealed.length).toBeGreaterThanOrEqual(2)
    expect(sealed.map(({ door, certified, status }) => [door, certified, status])).toEqual(
      sealed.map(() => ['http', undefined, 200]),
    )
    for (const { bytes } of sealed) expect(Buffer.from(bytes).subarray(0, 8).toString()).toBe('Salted__')
    expect(phone.registered()).toHaveLength(1)
  })
})
