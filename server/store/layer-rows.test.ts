import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MasterKey } from '../database/mod.ts'
import { openTestPlatform, plant } from '../testing.ts'
import { providerOn } from '../testing-provider.ts'
import { usesOfFirmware } from './firmware-images.ts'
import { layerFromRow, storedParameters } from './layer-rows.ts'
import { findLayer, replaceLayer } from './layers.ts'
import { registerDevice } from './devices.ts'
import { createVault } from './vault.ts'

const { platform } = await openTestPlatform()
const provider = providerOn(platform)
const word = () => plant(randomBytes(9).toString('hex'))
const vault = createVault(new MasterKey(randomBytes(32)))

describe('a layer at rest', () => {
  it.each([
    ['--key', (secret: string) => `[--key ${secret}]https://h/x.cfg`],
    ['--pwd', (secret: string) => `[--uid u --pwd ${secret}]https://h/x.cfg`],
    ['a URL with a password', (secret: string) => `https://u:${secret}@h/x.cfg`],
  ])('has no secret that a rule spells out with %s, and gives the rule back as it was', (_, ruleOf) => {
    const secret = word()
    const parameters = new Map([['Profile_Rule_B', { value: ruleOf(secret) }]])
    const stored = storedParameters('account', 'acc_1', parameters, vault)
    expect(JSON.stringify(stored)).not.toContain(secret)
    const row = { scope: 'account', id: 'acc_1', revision_id: 1, parameters: stored } as const
    expect(layerFromRow(row, vault).parameters).toEqual(parameters)
  })

  it('is read as an older release stored it, and keeps in clear what holds no secret', () => {
    const value = 'https://h/$MA.cfg'
    const parameters = { Profile_Rule_B: { value: `[--key ${word()}]${value}` }, Profile_Rule_C: { value } }
    const row = { scope: 'account', id: 'acc_1', revision_id: 1, parameters } as const
    expect(layerFromRow(row, vault).parameters).toEqual(new Map(Object.entries(parameters)))
    const rule = new Map([['Profile_Rule_B', { value: `[--key $SA]${value}` }]])
    expect(storedParameters('account', 'acc_1', rule, vault)).toEqual(Object.fromEntries(rule))
  })

  it('has its sealed rules looked through for firmware that is still named, revisions and all', async () => {
    const { account } = await provider.bound()
    const secret = word()
    const parameters = new Map([['Upgrade_Rule', { value: `https://u:${secret}@h/used.loads` }]])
    const change = { scope: 'account', id: account.id, parameters, who: 'test', why: undefined } as const
    await platform.change((tx) => replaceLayer(tx, platform.vault, change))
    expect((await findLayer(platform.db, platform.vault, 'account', account.id))?.parameters).toEqual(parameters)
    const kept = await platform.db.query<{ text: string }>({
      name: 'test-kept',
      text: 'select layer::text as text from layer union all select revision::text from revision',
      values: [],
    })
    expect(kept.map(({ text }) => text).join()).not.toContain(secret)
    const uses = (name: string) => usesOfFirmware(platform.db, platform.vault, name)
    expect(await uses('used.loads')).toEqual([{ scope: 'account', id: account.id, element: 'Upgrade_Rule' }])
    expect(await uses('other.loads')).toEqual([])
  })
})

describe('registering a device again', () => {
  it('is refused under the lock when it is held for an account out of reach by then', async () => {
    const [mine, other] = [await provider.accountWith(), await provider.bound()]
    const { mac } = other
    await platform.db.run({
      name: 'test-held',
      text: `update device set state = 'held', account_id = null, held_account_id = $2 where mac = $1`,
      values: [mac, other.account.id],
    })
    const { serial, model } = (await platform.directory.device(mac))?.device ?? {}
    if (serial === undefined || model === undefined) throw new Error('the device is there')
    const again = (reach: readonly string[] | null) =>
      platform.change((tx) =>
        registerDevice(tx, 'test', { mac, serial, model, accountId: mine.id, lineIds: [], reach }),
      )
    expect(await again([mine.id])).toMatchObject({ ok: false, error: { kind: 'taken' } })
    expect((await again(null)).ok).toBe(true)
  })
})
