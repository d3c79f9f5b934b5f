import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { deviceFacts, freshMac, platformFacts, plant, serialFor } from '../../testing.ts'
import { lintFile } from '../../profiles/lint/mod.ts'
import {
  renderEmptyProfile,
  renderFarewellProfile,
  renderFirstProfile,
  renderHeldProfile,
  renderOwnProfile,
  renderRcRedirect,
  renderSealedProfile,
} from '../../profiles/mod.ts'
import { loadDeviceFacts } from '../../store/mod.ts'
import { openTestApi } from '../testing.ts'

const api = await openTestApi()
const { platform } = api

async function account(): Promise<string> {
  const made = await api.call('POST', '/api/v1/accounts', { body: { name: 'Shop' } })
  return made.json.id
}
const xml = (values: Readonly<Record<string, string>>): string =>
  `<flat-profile>${Object.entries(values)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('\n')}</flat-profile>`

const secret = (): string => plant(randomBytes(9).toString('hex'))
let user = 7000

function phone(more: Readonly<Record<string, string>> = {}) {
  const mac = freshMac()
  const userId = String(++user)
  const values = {
    Time_Zone: 'GMT+01:00',
    Proxy_1_: 'sip.example.com',
    User_ID_1_: userId,
    Password_1_: secret(),
    Station_Name: `Desk ${userId}`,
    ...more,
  }
  return { mac, userId, file: { name: `${mac}.xml`, text: xml(values), serial: serialFor(mac), model: 'CP-8851-3PCC' } }
}

const move = (body: unknown, token?: string) =>
  api.call('POST', '/api/v1/moving-in/profiles', { body, ...(token === undefined ? {} : { token }) })

describe('POST /api/v1/moving-in/profiles', () => {
  it('proposes and changes nothing, and shows no secret', async () => {
    const accountId = await account()
    const phones = [phone(), phone()]
    const answer = await move({ accountId, files: phones.map(({ file }) => file) })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({
      layers: [{ scope: 'account', id: accountId, parameters: { Time_Zone: { value: 'GMT+01:00' } }, fileCount: 2 }],
      counts: { files: 2, account: 1, device: 2, lines: 2 },
      conflicts: [],
      applied: null,
    })
    expect(answer.json.devices[0].lines).toMatchObject([{ index: 1, passwordKnown: true }])
    expect((await api.call('GET', `/api/v1/devices/${phones[0]?.mac}`)).status).toBe(404)
    expect((await api.call('GET', `/api/v1/layers/account/${accountId}`)).json.revisionId).toBe(0)
  })

  it('writes layers, devices and lines in one go', async () => {
    const accountId = await account()
    const phones = [phone(), phone()]
    const answer = await move({ accountId, files: phones.map(({ file }) => file), apply: true })
    expect(answer.json.applied).toEqual({ layers: 1, devices: 2, lines: 2, notApplied: [] })
    for (const { mac, userId } of phones) {
      const facts = await loadDeviceFacts(platform.db, platform.vault, mac)
      expect(facts?.lines.map((line) => [line.index, line.userId])).toEqual([[1, userId]])
      expect(facts?.layers.map(({ scope, parameters }) => [scope, [...parameters.keys()]])).toEqual([
        ['account', ['Time_Zone']],
        ['device', ['Station_Name']],
      ])
    }
  })

  it('keeps what a layer has, and refuses whole when it has another value', async () => {
    const accountId = await account()
    const put = { parameters: { Time_Zone: { value: 'GMT' }, Debug_Level: { value: 'INFO' } } }
    await api.call('PUT', `/api/v1/layers/account/${accountId}`, { body: put })
    const one = phone()
    const refused = await move({ accountId, files: [one.file], apply: true })
    expect(refused).toMatchObject({ status: 409, json: { type: 'has-other-value' } })
    expect(refused.json.problems[0].place).toBe(`account/${accountId}/Time_Zone`)
    expect((await api.call('GET', `/api/v1/devices/${one.mac}`)).status).toBe(404)
    expect((await move({ accountId, files: [one.file], apply: true, overwrite: true })).status).toBe(200)
    const layer = await api.call('GET', `/api/v1/layers/account/${accountId}`)
    expect(layer.json.parameters).toMatchObject({ Time_Zone: { value: 'GMT+01:00' }, Debug_Level: { value: 'INFO' } })
  })

  it('says which device lacks what, and writes the others', async () => {
    const accountId = await account()
    const whole = phone()
    const { serial: _serial, ...nameless } = phone().file
    const answer = await move({ accountId, files: [whole.file, nameless], apply: true })
    expect(answer.json.applied).toMatchObject({
      devices: 1,
      notApplied: [{ device: nameless.name, message: expect.stringContaining('serial number') }],
    })
  })

  it('leaves devices of other accounts alone', async () => {
    const [first, second] = [await account(), await account()]
    const one = phone()
    await move({ accountId: first, files: [one.file], apply: true })
    const answer = await move({ accountId: second, files: [one.file], apply: true })
    expect(answer.json.applied).toMatchObject({ devices: 0, lines: 0 })
    expect((await api.call('GET', `/api/v1/devices/${one.mac}`)).json.accountId).toBe(first)
  })

  it('is limited by the reach of the token', async () => {
    const [mine, other] = [await account(), await account()]
    const token = await api.tokenFor(['write'], { accountId: mine })
    expect((await move({ accountId: other, files: [phone().file] }, token)).status).toBe(404)
    expect((await move({ accountId: mine, files: [phone().file], modelLayers: true }, token)).status).toBe(403)
    const files = [
      phone().file,
      phone().file,
      { ...phone().file, model: 'CP-7841-3PCC', text: xml({ Debug_Level: 'INFO' }) },
    ]
    const answer = await move({ accountId: mine, files, apply: true }, token)
    expect(answer.json.layers.map(({ scope }: { scope: string }) => scope)).not.toContain('model')
    expect(answer.status).toBe(200)
  })

  it.each([
    [{ files: [] }, 422],
    [{ files: [{ name: 'x', text: 'y', model: 'SPA504G' }] }, 422],
    [{ files: [{ name: 'x', text: '<!DOCTYPE a [<!ENTITY b "c">]><flat-profile/>' }] }, 200],
  ])('%j is answered with %d', async (body, status) => {
    expect((await move({ accountId: await account(), ...body })).status).toBe(status)
  })
})

describe('POST /api/v1/moving-in/devices', () => {
  const send = (body: unknown) => api.call('POST', '/api/v1/moving-in/devices', { body })

  it('reads the CSV of FusionPBX and registers its phones with their lines', async () => {
    const accountId = await account()
    const [mac, other] = [freshMac(), freshMac()]
    const userId = String(++user)
    const list = [
      '"device_uuid","device_mac_address","device_label","device_vendor","device_template","device_enabled","line_number","server_address","user_id","password"',
      `"u1","${mac}","Front, desk","cisco","cisco/8851","true","1","pbx.example.com","${userId}","${secret()}"`,
      `"u2","${other}","Old","cisco","cisco/spa504g","true","","","",""`,
    ].join('\r\n')
    const proposed = await send({ accountId, list })
    expect(proposed.json).toMatchObject({
      format: 'fusionpbx',
      devices: [{ mac, label: 'Front, desk', serial: null }],
      applied: null,
    })
    expect(proposed.json.problems.map(({ code }: { code: string }) => code)).toEqual(['serial-missing', 'no-mpp-phone'])
    const applied = await send({ accountId, list, serials: { [mac]: serialFor(mac) }, apply: true })
    expect(applied.json.applied).toEqual({ layers: 0, devices: 1, lines: 1, notApplied: [] })
    const device = await api.call('GET', `/api/v1/devices/${mac}`)
    expect(device.json).toMatchObject({ accountId, model: 'CP-8851-3PCC', lines: [{ index: 1, userId }] })
  })

  it('reads the JSON and the CSV of wazo', async () => {
    const accountId = await account()
    const row = {
      mac: freshMac(),
      model: '8841',
      vendor: 'Cisco',
      sn: 'FCH2305DMH1',
      options: { switchboard: false },
      ip: null,
    }
    const json = await send({ accountId, list: JSON.stringify({ items: [row], total: 1 }), apply: true })
    expect(json.json).toMatchObject({ format: 'wazo', problems: [], applied: { devices: 1 } })
    const csv = await send({ accountId, list: `\ufeffmac,sn,vendor,model\n${freshMac()},FCH2305DMH2,cisco,CP-7821\n` })
    expect(csv.json).toMatchObject({ format: 'wazo', devices: [{ model: 'CP-7821-3PCC', serial: 'FCH2305DMH2' }] })
  })

  it.each([
    ['name,serial\nx,y\n', 'unknown-list'],
    ['"mac\n', 'bad-csv'],
    ['[{"mac": ', 'bad-json'],
    ['[]', 'unknown-list'],
    ['[null, 7, "x"]', 'unknown-list'],
  ])('%j is refused as %s', async (list, type) => {
    expect(await send({ accountId: await account(), list })).toMatchObject({ status: 422, json: { type } })
  })
})

describe('POST /api/v1/lint', () => {
  const lint = (body: unknown) => api.call('POST', '/api/v1/lint', { body })

  it('lints a profile, and the parameters of a layer', async () => {
    const profile = await lint({ profile: xml({ User_ID_9_: 'x' }), model: '7811' })
    expect(profile.json.problems).toMatchObject([
      { code: 'unknown-element', element: 'User_ID_9_', severity: 'error', line: 1 },
    ])
    const parameters = await lint({ parameters: { Password_n_: { value: '{{line2.userId}}' } } })
    expect(parameters.json.problems).toMatchObject([{ code: 'foreign-line-variable', element: 'Password_n_' }])
  })

  it.each([
    [{}],
    [{ profile: '', parameters: {} }],
    [{ profile: 'x', model: 'SPA504G' }],
    [{ profile: 'x', firmware: 'newest' }],
  ])('refuses %j', async (body) => {
    expect((await lint(body)).status).toBe(422)
  })
})

describe('lint on what Offhook itself renders', () => {
  const facts = platformFacts({ ntpServer: 'ntp.example.com', customCaUrl: 'http://prov.example.com/ca.pem' })

  it('finds nothing, whatever the profile is for', async () => {
    const accountId = await account()
    const one = phone()
    await move({ accountId, files: [one.file], apply: true })
    const stored = await loadDeviceFacts(platform.db, platform.vault, one.mac)
    if (stored === undefined) throw new Error('the device is there')
    const bound = deviceFacts({ mac: one.mac, state: 'bound' }, { lines: stored.lines, layers: stored.layers })
    for (const delivery of ['https', 'sealed'] as const) {
      const owned = bound.account
      if (owned === undefined) throw new Error('a bound device has an account')
      for (const credentialed of [false, true]) {
        const device = { ...bound, account: { ...owned, settings: { ...owned.settings, delivery, credentialed } } }
        const texts = [
          renderOwnProfile(device, facts).text,
          renderSealedProfile(device, facts, 1),
          renderFarewellProfile(device, facts),
        ]
        for (const text of texts) expect(lintFile(text, { model: bound.device.model, firmware: '12.0.2' })).toEqual([])
      }
    }
    const others = [renderFirstProfile(facts), renderHeldProfile(facts), renderEmptyProfile(), renderRcRedirect(facts)]
    for (const text of others) expect(lintFile(text)).toEqual([])
  })
})
