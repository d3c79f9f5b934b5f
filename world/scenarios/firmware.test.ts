/** Firmware on the way, by each transport and in each journey. A call comes first: nothing interrupts it. */
import { describe, expect, it } from 'vitest'
import { PROVISIONING_ADDRESS, PROVISIONING_HOST, PUBLIC_URL, type WorldPhone } from '../mod.ts'
import { FACTORY_LOAD, hours, minutes, NEW_LOAD, NEXT_LOAD, openPremises, openScene, type Scene } from '../testing.ts'
import { newsOf, poweredOn, urlsOf } from './steps.ts'

const premises = await openPremises()
const server = await premises.newServer()

const TRANSPORTS = ['tftp', 'http', 'https'] as const
const CALL_MS = minutes(25)

function loadAt(transport: string, load = NEW_LOAD): string {
  return `${transport}://${PROVISIONING_HOST}/firmware/${load}.loads`
}

/** How a phone in its box comes to its provider; each ends with the phone on its way. */
const JOURNEYS = {
  async retail(scene: Scene, layer: Record<string, string>): Promise<WorldPhone> {
    const account = await scene.operator.account({ layer })
    const code = await scene.operator.code(account)
    const phone = await poweredOn(scene)
    phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
    return phone
  },
  async 'RC bulk'(scene: Scene, layer: Record<string, string>): Promise<WorldPhone> {
    const phone = await scene.phone()
    await scene.operator.register(phone, await scene.operator.account({ layer }))
    phone.powerOn()
    return phone
  },
  async 'in-house bulk'(scene: Scene, layer: Record<string, string>): Promise<WorldPhone> {
    const phone = await scene.phone({ lease: { options: new Map([[66, PROVISIONING_ADDRESS]]) } })
    await scene.operator.register(phone, await scene.operator.account({ layer }))
    phone.powerOn()
    return phone
  },
} as const

const CASES = Object.entries(JOURNEYS).flatMap(([name, journey]) =>
  TRANSPORTS.map((transport) => ({ name, journey, transport })),
)

describe('the new load', () => {
  it.each(CASES)(
    'comes by $transport in the $name journey, after the call [MPP §6]',
    async ({ name, journey, transport }) => {
      const seed = 1 + CASES.findIndex((each) => each.name === name && each.transport === transport)
      const scene = openScene(premises, server, seed)
      const { world, operator } = scene
      const phone = await journey(scene, { Upgrade_Rule: loadAt(transport) })

      // Somebody picks up the handset while the profile is on its way.
      const asksForIts = () => phone.fetches.some(({ request }) => request.path.startsWith('/cisco-init'))
      expect(await world.until(asksForIts, minutes(5))).toBe(true)
      phone.send({ kind: 'call-started', line: 1 })
      await world.pass(CALL_MS)
      expect(phone.load).toBe(FACTORY_LOAD)
      expect(newsOf(phone, 'profile-applied').length).toBeGreaterThan(0)
      expect(newsOf(phone, 'upgrade-started', 'reboot')).toEqual([])

      phone.send({ kind: 'call-ended', line: 1 })
      expect(await world.until(() => phone.load === NEW_LOAD && phone.registered().length > 0, minutes(10))).toBe(true)
      const directory = `${transport}://${PROVISIONING_HOST}/firmware`
      expect(urlsOf(phone, 'firmware')).toEqual([loadAt(transport)])
      expect(urlsOf(phone, 'firmware-part')).toEqual([
        `${directory}/rootfs88xx.12-0-4MPP0001-101.sbn`,
        `${directory}/kern88xx.12-0-4MPP0001-101.sbn`,
      ])
      expect(phone.agent.flash.rebootHistory.map(({ reason }) => reason)).toContain('Upgrade')

      await world.pass(minutes(10))
      const device = await operator.deviceOf(phone)
      expect(device).toMatchObject({ state: 'bound', firmware: NEW_LOAD, keys: { issued: 1, confirmed: 1 } })
      expect(device?.versions.running).toBe(device?.versions.wanted)
    },
  )

  it('is reached over an intermediate one when the rule says so [guide: Provisioning]', async () => {
    const scene = openScene(premises, server, 20)
    const { world } = scene
    const rule = `($SWVER lt 12-0-4MPP0001-101)? ${loadAt('http')} | ${loadAt('http', NEXT_LOAD)}`
    const phone = await JOURNEYS.retail(scene, { Upgrade_Rule: rule })
    expect(await world.until(() => phone.load === NEXT_LOAD && phone.registered().length > 0, hours(2))).toBe(true)
    expect(urlsOf(phone, 'firmware')).toEqual([loadAt('http'), loadAt('http', NEXT_LOAD)])
  })

  it('is fetched again after a failure, although the phone restarts in between [MPP §6]', async () => {
    const scene = openScene(premises, server, 21)
    const { world } = scene
    let cut = 0
    world.cutAnswers(({ purpose }) => purpose === 'firmware-part' && (cut += 1) === 1)
    const phone = await JOURNEYS.retail(scene, { Upgrade_Rule: loadAt('https') })
    expect(await world.until(() => phone.load === NEW_LOAD && phone.registered().length > 0, hours(3))).toBe(true)
  })
})
