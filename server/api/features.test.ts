import { describe, expect, it } from 'vitest'
import { readProfile } from '../../protocol/profile/mod.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import { createToken, loadDeviceFacts, replaceLayer } from '../store/mod.ts'
import { certifiedFetch, freshMac, plant, plantSecretsOf, productName, serialFor } from '../testing.ts'
import { providerOn, valuesOf } from '../testing-provider.ts'
import { type Answer, openTestApi } from './testing.ts'

const api = await openTestApi()
const { platform, openAnother } = api
const provider = providerOn(platform)

async function call(method: string, path: string, body?: unknown, token?: string): Promise<Answer> {
  return api.call(method, `/api/v1/${path}`, { body, token })
}

const KEY_3 = { kind: 'key', key: 3 }
const FRONT_DESK = { kind: 'speed-dial', place: KEY_3, name: 'Front desk', number: '9000' }
const SCRIPT = 'fnc=sd;ext=9000@$PROXY;nme=Front desk'

async function save(scope: string, id: string, feature: unknown, more: object = {}): Promise<Answer> {
  return call('POST', 'features', { scope, id, feature, ...more })
}

async function configOf(
  mac: string,
  query = '',
): Promise<any> /* oxlint-disable-line typescript/no-explicit-any -- a shape under test */ {
  return (await call('GET', `devices/${mac}/config${query}`)).json.parameters
}

async function registered(accountId: string, model: string): Promise<MacAddress> {
  const mac = freshMac()
  const made = await call('POST', 'devices', { mac, serial: serialFor(mac), model, accountId })
  expect(made.status).toBe(201)
  return mac
}

async function childOf(parentId: string): Promise<string> {
  return (await call('POST', 'accounts', { name: 'Below', parentId })).json.id
}

async function tokenOf(accountId: string): Promise<string> {
  return plant(await createToken(platform.db, { name: 'limited', scopes: ['write'], accountId }))
}

describe('a feature of an account', () => {
  it('reaches all its phones, and the phone gets it with its next profile', async () => {
    const { account, mac } = await provider.bound()
    const made = await save('account', account.id, FRONT_DESK, { why: 'they asked' })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({ scope: 'account', scopeId: account.id, kind: 'speed-dial', feature: FRONT_DESK })
    const values = valuesOf(await certifiedFetch(platform, '/cisco-init', mac))
    expect(values.get('Extended_Function_3_')).toBe(SCRIPT)
    expect(values.get('Extension_3_')).toBe('Disabled')
  })

  it('reaches the phones of accounts below, where a narrower one wins, and not those beside', async () => {
    const top = await provider.accountWith()
    const below = await childOf(await childOf(top.id))
    const mac = await registered(below, 'CP-8851-3PCC')
    await save('account', top.id, FRONT_DESK)
    expect((await configOf(mac))['Extended_Function_3_'].value).toBe(SCRIPT)
    expect((await save('account', below, { ...FRONT_DESK, number: '7' })).status).toBe(201)
    const found = (await configOf(mac))['Extended_Function_3_']
    expect(found).toMatchObject({ value: 'fnc=sd;ext=7@$PROXY;nme=Front desk', origin: { id: below } })
    expect(found.overrode).toMatchObject([{ value: SCRIPT, origin: { kind: 'feature', id: top.id } }])
    const { mac: stranger } = await provider.bound()
    expect((await configOf(stranger))['Extended_Function_3_']).toBeUndefined()
  })

  it('can be changed, listed and taken back, each time with a revision', async () => {
    const { account, mac } = await provider.bound()
    const { id } = (await save('account', account.id, FRONT_DESK)).json
    const changed = await call('PUT', `features/${id}`, { feature: { ...FRONT_DESK, number: '8000' }, why: 'moved' })
    expect(changed.json).toMatchObject({ id, feature: { number: '8000' } })
    expect((await call('GET', `features?accountId=${account.id}`)).json.items).toEqual([changed.json])
    expect((await call('GET', `features/${id}`)).json).toEqual(changed.json)
    expect((await call('DELETE', `features/${id}?why=enough`)).status).toBe(204)
    expect((await call('GET', `features/${id}`)).status).toBe(404)
    // A phone keeps what its profile leaves out [MPP §1.6].
    expect((await configOf(mac))['Extension_3_']).toMatchObject({
      value: '3',
      origin: { kind: 'feature', featureKind: 'speed-dial', takenBack: true, who: 'token:admin', why: 'enough' },
    })
    expect((await configOf(mac))['Extended_Function_3_'].value).toBe('')
    const revisions = await platform.db.query<{ what: string; why: string | null; who: string; account_id: string }>({
      name: 'test-feature-revisions',
      text: 'select what, why, who, account_id from revision where target = $1 order by id',
      values: [id],
    })
    const by = { who: 'token:admin', account_id: account.id }
    expect(revisions).toMatchObject([
      { ...by, what: 'created' },
      { ...by, what: 'changed', why: 'moved' },
      { ...by, what: 'deleted', why: 'enough' },
    ])
  })

  it('what is said otherwise, again and again, leaves one trace', async () => {
    const { account, mac } = await provider.bound()
    const { id } = (await save('account', account.id, FRONT_DESK)).json
    for (const key of [4, 3, 4, 3, 5]) {
      await call('PUT', `features/${id}`, { feature: { ...FRONT_DESK, place: { kind: 'key', key } } })
    }
    const facts = await loadDeviceFacts(platform.db, platform.vault, mac)
    expect([facts?.features.length, facts?.pastFeatures.length]).toEqual([1, 2])
    const config = await configOf(mac)
    expect([3, 4, 5].map((key) => config[`Extension_${key}_`].value)).toEqual(['3', '4', 'Disabled'])
  })

  it('pages are walked without a gap', async () => {
    const { id } = await provider.accountWith()
    for (const entry of [2, 3, 4, 5, 6]) {
      await save('account', id, { kind: 'speed-dial', place: { kind: 'list', entry }, name: `N${entry}`, number: '1' })
    }
    const seen: string[] = []
    for (let after = ''; ; ) {
      const { json } = await call('GET', `features?accountId=${id}&limit=2${after}`)
      seen.push(...json.items.map((item: { feature: { name: string } }) => item.feature.name))
      if (json.next === null) break
      after = `&after=${json.next}`
    }
    expect(seen).toEqual(['N2', 'N3', 'N4', 'N5', 'N6'])
  })

  it('is in force in another process within a second', async () => {
    const other = await openAnother()
    const { account, mac } = await provider.bound()
    expect((await other.directory.device(mac))?.features).toEqual([])
    const heard = new Promise<void>((resolve) => other.directory.onChange(() => resolve()))
    await save('account', account.id, FRONT_DESK)
    await heard
    expect((await other.directory.device(mac))?.features.map(({ body }) => body.kind)).toEqual(['speed-dial'])
  })
})

describe('order', () => {
  it('shared layers, lines, features of account, batch and device, then the layer of the device', async () => {
    const { account, mac } = await provider.bound()
    const batch = (await call('POST', 'batches', { accountId: account.id, name: 'May' })).json.id
    await platform.db.run({
      name: 'test-batch-of',
      text: 'update device set batch_id = $1 where mac = $2',
      values: [batch, mac],
    })
    const name = (text: string) => ({ kind: 'key-names', keys: [], phone: text })
    const layer = (scope: 'provider' | 'account' | 'batch' | 'device', id: string, value: string) =>
      platform.change((tx) =>
        replaceLayer(tx, platform.vault, {
          scope,
          id,
          parameters: new Map([['Station_Display_Name', { value }]]),
          who: 'test',
          why: undefined,
        }),
      )
    await layer('account', account.id, 'layer of the account')
    await layer('batch', batch, 'layer of the batch')
    await save('account', account.id, name('account'))
    await save('batch', batch, name('batch'))
    await save('device', mac, name('device'))
    await layer('device', mac, 'layer of the device')
    const { value, overrode } = (await configOf(mac, '?element=Station_Display_Name'))['Station_Display_Name']
    expect([value, ...overrode.map((each: { value: string }) => each.value)]).toEqual([
      'layer of the device',
      'device',
      'batch',
      'account',
      'layer of the batch',
      'layer of the account',
    ])
  })

  it('devices of one account share the very same layers and features', async () => {
    const { id } = await provider.accountWith()
    const macs = [await registered(id, 'CP-8851-3PCC'), await registered(id, 'CP-8851-3PCC')]
    await save('account', id, FRONT_DESK)
    const [first, second] = await Promise.all(macs.map((mac) => loadDeviceFacts(platform.db, platform.vault, mac)))
    expect(first?.features[0]).toBeDefined()
    expect(first?.features[0]).toBe(second?.features[0])
  })

  it('a feature of a device is gone with its account', async () => {
    const { mac } = await provider.bound()
    await save('device', mac, FRONT_DESK)
    expect((await loadDeviceFacts(platform.db, platform.vault, mac))?.features).toHaveLength(1)
    await provider.end(mac, 'release')
    expect((await loadDeviceFacts(platform.db, platform.vault, mac))?.features).toEqual([])
  })
})

describe('what some phones cannot do', () => {
  const KEY_5 = { ...FRONT_DESK, place: { kind: 'key', key: 5 } }

  it('is said before it is saved, and saved only if that is accepted', async () => {
    const { id } = await provider.accountWith()
    await registered(id, 'CP-8851-3PCC')
    expect((await save('account', id, KEY_5)).status).toBe(201)
    const small = await registered(id, 'CP-7841-3PCC')
    const refused = await save('account', id, { ...KEY_5, place: { kind: 'key', key: 6 } })
    expect([refused.status, refused.json.type]).toEqual([422, 'too-few-keys'])
    expect(refused.json.problems).toMatchObject([{ code: 'too-few-keys', place: 'Extended_Function_6_' }])
    expect(refused.json.detail).toContain('A CP-7841-3PCC has 4 line key(s)')
    const taken = await save('account', id, { ...KEY_5, place: { kind: 'key', key: 6 } }, { acceptProblems: true })
    expect(taken.status).toBe(201)
    expect((await configOf(small))['Extended_Function_6_']).toBeUndefined()
  })

  it('two that want one key: both are named, and nothing is saved', async () => {
    const { id } = await provider.accountWith()
    const first = (await save('account', id, FRONT_DESK)).json.id
    const second = await save('account', id, { kind: 'blf', place: KEY_3, name: 'Bob', user: '101' })
    expect([second.status, second.json.type]).toEqual([422, 'same-key'])
    expect(second.json.detail).toContain('Front desk')
    expect(second.json.detail).toContain('Bob')
    expect(second.json.detail).toContain(first)
    expect((await call('GET', `features?accountId=${id}`)).json.items).toHaveLength(1)
  })

  it('of two that want one key at once, one is saved', async () => {
    const { id } = await provider.accountWith()
    const both = await Promise.all(
      ['101', '102'].map((user) => save('account', id, { kind: 'blf', place: KEY_3, name: user, user })),
    )
    expect(both.map(({ status }) => String(status)).toSorted()).toEqual(['201', '422'])
  })

  it('a line that would lose its only key is named', async () => {
    const { account } = await provider.bound()
    const refused = await save('account', account.id, { ...FRONT_DESK, place: { kind: 'key', key: 1 } })
    expect([refused.status, refused.json.type]).toEqual([422, 'line-without-key'])
  })

  it('a fault in the feature itself is named with its place', async () => {
    const { id } = await provider.accountWith()
    const refused = await save('account', id, { kind: 'blf', place: { kind: 'key', key: 99 }, name: 'B' })
    expect([refused.status, refused.json.type]).toEqual([422, 'bad-feature'])
    expect(refused.json.problems.map((each: { place: string }) => each.place)).toEqual(['place.key', 'user'])
  })
})

describe('POST features/check', () => {
  it('shows each model in use and each named device, and saves nothing', async () => {
    const { id } = await provider.accountWith()
    const [big, small] = [await registered(id, 'CP-8851-3PCC'), await registered(id, 'CP-7811-3PCC')]
    const { status, json } = await call('POST', 'features/check', {
      scope: 'account',
      id,
      feature: FRONT_DESK,
      macs: [big, small],
    })
    expect(status).toBe(200)
    expect(
      json.models.map((each: any /* oxlint-disable-line typescript/no-explicit-any -- a shape under test */) => [
        each.model,
        each.deviceCount,
        each.problems.length,
      ]),
    ).toEqual([
      ['CP-7811-3PCC', 1, 1],
      ['CP-8851-3PCC', 1, 0],
    ])
    expect(json.models[1].parameters['Extended_Function_3_']).toEqual({ value: SCRIPT })
    expect(json.devices).toMatchObject([
      { mac: big, problems: [] },
      { mac: small, problems: [{ code: 'too-few-keys' }] },
    ])
    expect((await call('GET', `features?accountId=${id}`)).json.items).toEqual([])
  })

  it('a feature that is changed does not contradict itself', async () => {
    const { id } = await provider.accountWith()
    const stored = (await save('account', id, FRONT_DESK)).json.id
    const asked = { scope: 'account', id, feature: { ...FRONT_DESK, number: '8' } }
    expect((await call('POST', 'features/check', asked)).json.problems).toHaveLength(1)
    expect((await call('POST', 'features/check', { ...asked, replaces: stored })).json.problems).toEqual([])
    expect((await call('PUT', `features/${stored}`, { feature: asked.feature })).status).toBe(200)
  })
})

describe('hunt groups', () => {
  it('the SIP side is handed out as data: who rings, in which order, where', async () => {
    const { account, mac } = await provider.bound()
    const user = provider.lastUserId()
    const group = { kind: 'hunt-group', name: 'Sales', number: '2000', strategy: 'linear', ringSeconds: 15 }
    const made = await save('account', account.id, { ...group, members: [user, 'x-77'], onPhones: { kind: 'nothing' } })
    expect(made.status).toBe(201)
    const { json } = await call('GET', `accounts/${account.id}/hunt-groups`)
    expect(json.items).toMatchObject([
      {
        name: 'Sales',
        number: '2000',
        strategy: 'linear',
        ringSeconds: 15,
        members: [
          { order: 1, userId: user, domain: 'sip.example.com', mac },
          { order: 2, userId: 'x-77', domain: null, lineId: null, mac: null },
        ],
      },
    ])
  })

  it("a member's phone shows the group, and a key that is taken there is named", async () => {
    const { account, mac } = await provider.bound()
    const user = provider.lastUserId()
    const onPhones = { kind: 'pickup-keys', fromKey: 3 }
    const group = { kind: 'hunt-group', name: 'Sales', number: '2000', members: [user, '77'], onPhones }
    expect((await save('account', account.id, group)).status).toBe(201)
    expect((await configOf(mac))['Extended_Function_3_'].value).toContain('sub=77@$PROXY')
    const refused = await save('account', account.id, FRONT_DESK)
    expect([refused.status, refused.json.type]).toEqual([422, 'same-key'])
    expect(refused.json.detail).toContain('Sales')
    const asked = { scope: 'account', id: account.id, feature: FRONT_DESK, macs: [mac] }
    expect((await call('POST', 'features/check', asked)).json.devices[0].problems).toMatchObject([{ code: 'same-key' }])
  })
})

describe('reach', () => {
  it('a token of one account sees and changes nothing of another', async () => {
    const mine = await provider.accountWith()
    const { account: other, mac } = await provider.bound()
    const token = await tokenOf(mine.id)
    const foreign = (await save('account', other.id, FRONT_DESK)).json.id
    const asked = { scope: 'account', id: other.id, feature: FRONT_DESK }
    const answers = await Promise.all([
      call('GET', `features/${foreign}`, undefined, token),
      call('PUT', `features/${foreign}`, { feature: FRONT_DESK }, token),
      call('DELETE', `features/${foreign}`, undefined, token),
      call('POST', 'features', asked, token),
      call('POST', 'features', { ...asked, scope: 'device', id: mac }, token),
      call('POST', 'features/check', asked, token),
      call('POST', 'features/check', { ...asked, id: mine.id, macs: [mac] }, token),
      call('GET', `accounts/${other.id}/hunt-groups`, undefined, token),
      call('GET', `devices/${mac}/config`, undefined, token),
      call('GET', `devices/${mac}/diff`, undefined, token),
      call('POST', `devices/${mac}/passwords/rotate`, {}, token),
    ])
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404))
    expect((await call('GET', 'features', undefined, token)).json.items).toEqual([])
    expect((await call('GET', `features/${foreign}`)).status).toBe(200)
    expect((await call('POST', 'features', { ...asked, id: mine.id }, token)).status).toBe(201)
  })
})

describe('devices/{mac}/config', () => {
  it('says by whom, when and why each value is what it is', async () => {
    const { account, mac } = await provider.bound()
    const { id, revisionId } = (await save('account', account.id, FRONT_DESK, { why: 'they asked' })).json
    await call('PUT', `layers/account/${account.id}`, { parameters: { Time_Zone: { value: 'GMT' } }, why: 'London' })
    const config = await configOf(mac)
    expect(config['Extended_Function_3_'].origin).toMatchObject({
      kind: 'feature',
      scope: 'account',
      id: account.id,
      featureId: id,
      featureKind: 'speed-dial',
      revisionId,
      who: 'token:admin',
      why: 'they asked',
    })
    expect(Date.parse(config['Extended_Function_3_'].origin.at)).toBeGreaterThan(Date.now() - 60_000)
    expect(config['Time_Zone'].origin).toMatchObject({
      kind: 'layer',
      scope: 'account',
      who: 'token:admin',
      why: 'London',
    })
    expect(config['User_ID_1_'].origin).toMatchObject({ kind: 'line', who: 'test' })
    expect(config['Provision_Enable'].origin).toEqual({ kind: 'platform' })
  })

  it('shows one element, or what has a text, and finds no secret by its value', async () => {
    const { mac } = await provider.bound()
    expect(Object.keys(await configOf(mac, '?element=User_ID_1_'))).toEqual(['User_ID_1_'])
    expect(Object.keys(await configOf(mac, '?q=resync_per'))).toEqual(['Resync_Periodic'])
    const password = (await loadDeviceFacts(platform.db, platform.vault, mac))?.lines[0]?.password ?? ''
    await plantSecretsOf(platform)
    expect(password.length).toBeGreaterThan(8)
    expect(Object.keys(await configOf(mac, `?q=${encodeURIComponent(password)}`))).toEqual([])
  })

  it('a limit on users changes the access and leaves the value', async () => {
    const { account, mac } = await provider.bound()
    await call('PUT', `layers/account/${account.id}`, { parameters: { Default_Ring_1_: { value: '4', ua: 'rw' } } })
    await save('account', account.id, { kind: 'user-limits', access: [{ of: 'ringtone', access: 'ro' }] })
    const config = await configOf(mac)
    expect(config['Default_Ring_1_']).toMatchObject({ value: '4', ua: 'ro', origin: { kind: 'feature' } })
    expect(config['Default_Ring_2_']).toMatchObject({ ua: 'ro', preserve: true })
    const delivery = await certifiedFetch(platform, '/cisco-init', mac)
    const text = delivery.kind === 'bytes' ? new TextDecoder().decode(delivery.bytes) : ''
    expect(text).toContain('<Default_Ring_1_ ua="ro">4</Default_Ring_1_>')
    expect(text).toMatch(/<Default_Ring_2_ ua="ro" preserve-value="y"/)
  })

  it('hosts that a feature allows come besides those that the profile needs', async () => {
    const { account, mac } = await provider.bound()
    await save('account', account.id, { kind: 'user-limits', domains: ['files.example.com'] })
    const { value } = (await configOf(mac))['Restricted_Access_Domains']
    expect(value.split(',')).toEqual(
      expect.arrayContaining(['prov.example.com', 'sip.example.com', 'files.example.com']),
    )
  })
})

describe('passwords of the web pages', () => {
  it('new ones are made on demand, and a feature says whether they win', async () => {
    const { account, mac } = await provider.bound()
    const secretsOf = async () => (await loadDeviceFacts(platform.db, platform.vault, mac))?.secrets
    const before = await secretsOf()
    const rotated = await call('POST', `devices/${mac}/passwords/rotate`, { accounts: ['admin'] })
    expect(rotated.json).toEqual({ mac, rotated: ['admin'] })
    await plantSecretsOf(platform)
    const after = await secretsOf()
    expect([after?.adminPassword === before?.adminPassword, after?.userPassword === before?.userPassword]).toEqual([
      false,
      true,
    ])
    await save('account', account.id, { kind: 'user-limits', userPassword: 'ours', adminPassword: 'theirs' })
    const config = await configOf(mac)
    expect(config['User_Password']).toMatchObject({ value: null, secret: true, userPref: false })
    expect(config['Admin_Password']).toMatchObject({ value: null, secret: true, preserve: true })
    const kept = await certifiedFetch(platform, '/cisco-init', mac)
    const profile = readProfile(kept.kind === 'bytes' ? new TextDecoder().decode(kept.bytes) : '')
    const admins = profile.ok ? profile.value.elements.find(({ name }) => name === 'Admin_Password') : undefined
    expect(admins?.preserveValue).toBe(true)
  })

  it('a phone that was never bound has none', async () => {
    const { id } = await provider.accountWith()
    const mac = await registered(id, productName('CP-8851-3PCC'))
    expect((await call('POST', `devices/${mac}/passwords/rotate`, {})).status).toBe(409)
  })
})
