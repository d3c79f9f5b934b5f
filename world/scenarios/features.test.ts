/** What people say about phones reaches the phones: said by the API's own functions, read from the phone. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  applyProfile,
  catalogue,
  MODELS,
  readProfile,
  storedParameter,
  validateValue,
} from '../../protocol/profile/mod.ts'
import { assert } from '../../protocol/result.ts'
import { type FeatureScope, readFeature, renderOwnProfile, resolveDevice } from '../../server/profiles/mod.ts'
import { anyFeatures } from '../../server/profiles/features/testing-features.ts'
import { announce, createFeature, deleteFeature, findFeature, type StoredFeature } from '../../server/store/mod.ts'
import { deviceFacts, lineOf, platformFacts } from '../../server/testing-facts.ts'
import { PUBLIC_URL, type WorldPhone } from '../mod.ts'
import { type AccountOfWorld, hours, minutes, openPremises, openScene, type Scene } from '../testing.ts'
import { poweredOn } from './steps.ts'

const premises = await openPremises()
const server = await premises.newServer()
const { platform } = premises

/** Waits until the phones' server has heard of everything that was committed before. */
async function heard(scene: Scene): Promise<void> {
  const customerId = `features-${scene.world.seed}-${scene.world.now}-${Math.trunc(performance.now() * 1000)}`
  await server.hears(customerId, () => platform.db.transaction((tx) => announce(tx, { kind: 'customer', customerId })))
}

async function say(scene: Scene, scope: FeatureScope, accountId: string, scopeId: string, said: object) {
  const read = readFeature(said)
  assert(read.ok, 'the feature can be read')
  const change = { who: 'operator', why: undefined, body: read.value }
  const made = await platform.db.transaction((tx) => createFeature(tx, { accountId, scope, scopeId }, change))
  await heard(scene)
  return made
}

async function takeBack(scene: Scene, { id }: StoredFeature): Promise<void> {
  await platform.db.transaction(async (tx) => {
    const feature = await findFeature(tx, id)
    assert(feature !== undefined, 'the feature is there')
    await deleteFeature(tx, feature, { who: 'operator', why: undefined })
  })
  await heard(scene)
}

async function boundPhone(scene: Scene): Promise<{ phone: WorldPhone; account: AccountOfWorld }> {
  const account = await scene.operator.account()
  const code = await scene.operator.code(account)
  const phone = await poweredOn(scene)
  phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
  expect(await scene.world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)
  await scene.world.pass(minutes(3))
  return { phone, account }
}

/** The longest wait until the next normal run, with its jitter. */
const NEXT_RUN = hours(30)

describe('a phone whose account was given features', () => {
  it('shows them after its next resync, and runs the version that is wanted', async () => {
    const scene = openScene(premises, server, 71)
    const { world, operator } = scene
    const { phone, account } = await boundPhone(scene)
    await say(scene, 'account', account.id, account.id, {
      kind: 'blf',
      place: { kind: 'key', key: 3 },
      name: 'Bob',
      user: '101',
    })
    await say(scene, 'account', account.id, account.id, { kind: 'time-and-locale', timeZone: 'Europe/Berlin' })
    await say(scene, 'device', account.id, phone.hardware.mac, {
      kind: 'speed-dial',
      place: { kind: 'list', entry: 2 },
      name: 'Front desk',
      number: '9000',
    })
    expect(phone.parameter('Extended_Function_3_') ?? '').toBe('')

    expect(await world.until(() => phone.parameter('Time_Zone') === 'GMT+01:00', NEXT_RUN)).toBe(true)
    expect(phone.parameter('Extended_Function_3_')).toBe('fnc=blf+sd+cp;sub=101@$PROXY;ext=101@$PROXY;nme=Bob')
    expect(phone.parameter('Extension_3_')).toBe('Disabled')
    expect(phone.parameter('Speed_Dial_2_Number')).toBe('9000')
    expect(phone.registered()).toEqual([account.lines[0]?.userId])

    await world.pass(minutes(3))
    const { versions } = (await operator.deviceOf(phone)) ?? {}
    expect([versions?.running, versions?.served]).toEqual([versions?.wanted, versions?.wanted])
  })

  it('cannot be reached by its web page or its menus any more, when that was said [MPP §7.2]', async () => {
    const scene = openScene(premises, server, 72)
    const { world } = scene
    const { phone, account } = await boundPhone(scene)
    const limits = await say(scene, 'account', account.id, account.id, {
      kind: 'user-limits',
      web: 'off',
      screen: 'read-only',
      profileRuleOnScreen: false,
      access: [{ of: 'ringtone', access: 'na' }],
    })
    expect(await world.until(() => phone.parameter('Enable_Web_Server') === 'No', NEXT_RUN)).toBe(true)
    expect(phone.parameter('Phone-UI-readonly')).toBe('Yes')
    expect(phone.parameter('User_Configurable_Resync')).toBe('No')
    expect(storedParameter(phone.agent.flash.parameters, 'Default_Ring_1_')).toMatchObject({ value: '1', ua: 'na' })
    expect(phone.webReachable).toBe(false)

    // A phone keeps what its profile leaves out [MPP §1.6]: what is taken back is written once more as it left the factory.
    await takeBack(scene, limits)
    const isBack = () => storedParameter(phone.agent.flash.parameters, 'Enable_Web_Server').value === 'Yes'
    expect(await world.until(isBack, NEXT_RUN)).toBe(true)
    const { parameters } = phone.agent.flash
    expect(storedParameter(parameters, 'User_Configurable_Resync').value).toBe('Yes')
    expect(storedParameter(parameters, 'Default_Ring_1_')).toMatchObject({ value: '1', ua: 'rw' })
    expect(phone.webReachable).toBe(true)
  })
})

describe('what the server previews is what the phone does, with any features', () => {
  it('every previewed value that is valid is stored by the phone as it was previewed, with its access', () => {
    const PLATFORM = platformFacts()
    let fromFeatures = 0
    fc.assert(
      fc.property(anyFeatures, fc.constantFrom(...MODELS), (features, { productName: model }) => {
        const facts = deviceFacts({ model }, { lines: [lineOf(1)], features })
        const profile = readProfile(renderOwnProfile(facts, PLATFORM).text)
        assert(profile.ok, 'what the server renders can be read')
        const { store, ignored } = applyProfile(new Map(), profile.value, model)
        expect(ignored).toEqual([])
        for (const [element, { value, ua, origin, preserve }] of resolveDevice(facts, PLATFORM)) {
          const row = catalogue.find(element)
          if (row === undefined || validateValue(row, value) !== undefined) continue
          const stored = storedParameter(store, element)
          if (origin.kind === 'feature') fromFeatures += 1
          // Where the phone's own value is to stay, a preview knows only the access.
          const same = preserve || stored.value === value
          expect([element, same, ua === undefined || stored.ua === ua]).toEqual([element, true, true])
        }
      }),
      { numRuns: 200 },
    )
    expect(fromFeatures).toBeGreaterThan(1000)
  })
})
