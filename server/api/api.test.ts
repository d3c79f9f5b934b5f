import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { pino } from 'pino'
import { readProfile } from '../../protocol/profile/mod.ts'
import { createToken, type TokenScope } from '../store/mod.ts'
import { bodyOfPem, certifiedFetch, freshMac, openTestPlatform } from '../testing.ts'
import { plant, plantSecretsOf, PN, serialFor } from '../testing.ts'
import { createCa } from '../pki/mod.ts'
import { listenApi } from './mod.ts'

const { platform } = await openTestPlatform()
let ready = false
const door = await listenApi({
  host: '127.0.0.1',
  port: 0,
  platform: () => (ready ? platform : undefined),
  log: pino({ level: 'silent' }),
})
afterAll(() => door.close())
const BASE = `http://127.0.0.1:${door.port}`

async function tokenFor(...scopes: TokenScope[]): Promise<string> {
  return plant(await createToken(platform.db, { name: scopes.join(), scopes }))
}
const tokens = {
  admin: await tokenFor('admin'),
  write: await tokenFor('write'),
  read: await tokenFor('read'),
  secrets: await tokenFor('read', 'secrets'),
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly json: any // oxlint-disable-line typescript/no-explicit-any -- the tests look at the shapes themselves
  readonly text: string
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  token: string | undefined = tokens.admin,
): Promise<Answer> {
  const headers: Record<string, string> = {}
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
  const url = `${BASE}${path.startsWith('/health') ? '' : '/api/v1/'}${path}`
  const response = await fetch(url, { method, headers, ...init })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  return { status: response.status, type, text, json: type.includes('json') ? JSON.parse(text) : undefined }
}

const before = {
  health: await call('GET', '/health', undefined, undefined as never),
  accounts: await call('GET', 'accounts'),
}
ready = true

let lastUser = 3000
const lineInput = () => ({
  userId: String(++lastUser),
  password: plant(randomBytes(12).toString('hex')),
  displayName: 'Desk',
  domain: 'sip.example.com',
})

async function account(): Promise<string> {
  const made = await call('POST', 'accounts', { name: 'Shop' })
  return made.json.id
}

async function boundPhone() {
  const id = await account()
  const line = lineInput()
  await call('POST', `accounts/${id}/lines`, line)
  const { json } = await call('POST', `accounts/${id}/codes`, {})
  plant(json.code)
  const mac = freshMac()
  // Word of the new code comes over a socket; asking too early would count as a wrong code.
  while ((await platform.directory.code(json.code)) === undefined) await new Promise(setImmediate)
  expect((await certifiedFetch(platform, `/cisco-init/${json.code}`, mac)).kind).toBe('bytes')
  await plantSecretsOf(platform)
  return { id, line, mac }
}

describe('/health', () => {
  it('is 503 before every door listens, and 200 after; other routes say that it starts', async () => {
    expect([before.health.status, before.health.json.status]).toEqual([503, 'starting'])
    expect([before.accounts.status, before.accounts.json.type]).toEqual([503, 'starting'])
    const after = await call('GET', '/health')
    expect([after.status, after.json.status]).toEqual([200, 'ok'])
    expect(after.json.doors).toEqual({ tftp: true, http: true, https: true, api: true, syslog: true, database: true })
  })
})

describe('accounts, lines, codes, windows', () => {
  it('POST accounts gives 201 with id and Customer ID', async () => {
    const made = await call('POST', 'accounts', { name: 'Shop' })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({ name: 'Shop', kind: 'customer', parentId: null })
    expect(made.json.customerId).toMatch(/^[A-Za-z0-9_-]{4,64}$/)
    expect((await call('GET', `accounts/${made.json.id}`)).json).toEqual(made.json)
    expect((await call('GET', 'accounts?limit=1000')).json.items).toContainEqual(made.json)
  })

  it('takes a Customer ID once', async () => {
    const customerId = `c_${randomBytes(4).toString('hex')}`
    expect((await call('POST', 'accounts', { name: 'A', customerId })).json.customerId).toBe(customerId)
    expect(await call('POST', 'accounts', { name: 'B', customerId })).toMatchObject({
      status: 409,
      json: { type: 'customer-id-taken' },
    })
  })

  it.each([
    {},
    { name: '' },
    { name: 'x', customerId: 'abc' },
    { name: 'x', customerId: 'a b c d' },
    { name: 5 },
    { name: 'a\u0000b' },
  ])('refuses %o as a problem', async (input) => {
    const answer = await call('POST', 'accounts', input)
    expect(answer.status).toBe(422)
    expect(answer.type).toContain('application/problem+json')
    expect(answer.json).toMatchObject({ status: 422, type: 'not-valid', problems: [{ place: expect.any(String) }] })
  })

  it('settings are changed one by one', async () => {
    const id = await account()
    await call('PATCH', `accounts/${id}/settings`, { delivery: 'sealed' })
    expect((await call('PATCH', `accounts/${id}/settings`, { credentialed: true })).json.settings).toEqual({
      delivery: 'sealed',
      credentialed: true,
    })
    expect((await call('PATCH', `accounts/${id}/settings`, { delivery: 'carrier pigeon' })).status).toBe(422)
    expect((await call('PATCH', 'accounts/acc_0/settings', {})).status).toBe(404)
  })

  it('POST lines gives 201, its password as null with secret: true', async () => {
    const id = await account()
    const line = lineInput()
    const made = await call('POST', `accounts/${id}/lines`, line)
    expect(made).toMatchObject({
      status: 201,
      json: { userId: line.userId, accountId: id, password: null, secret: true, mac: null },
    })
    expect(made.text.includes(line.password)).toBe(false)
    expect(await call('POST', `accounts/${id}/lines`, line)).toMatchObject({
      status: 409,
      json: { type: 'line-taken' },
    })
    expect((await call('POST', 'accounts/acc_0/lines', lineInput())).status).toBe(404)
    expect((await call('POST', `accounts/${id}/lines`, { ...lineInput(), domain: 'a b' })).status).toBe(422)
  })

  it('line passwords are shown only with the scope for it, and that is noted', async () => {
    const id = await account()
    const line = lineInput()
    await call('POST', `accounts/${id}/lines`, line)
    expect((await call('GET', `accounts/${id}/lines`)).json.items[0].password).toBeNull()
    expect((await call('GET', `accounts/${id}/lines?reveal=true`, undefined, tokens.read)).status).toBe(403)
    expect(
      (await call('GET', `accounts/${id}/lines?reveal=true`, undefined, tokens.secrets)).json.items[0].password ===
        line.password,
    ).toBe(true)
    const shown = await platform.db.query<{ what: string }>({
      name: 'test-audit-account',
      text: `select what from revision where target = $1 and what = 'secrets shown'`,
      values: [id],
    })
    expect(shown).toHaveLength(1)
  })

  it('POST codes gives 201 with the code once, also with an empty body', async () => {
    const id = await account()
    for (const body of [{}, '', undefined, { ttlSeconds: 60, devices: 2 }]) {
      const made = await call('POST', `accounts/${id}/codes`, body)
      expect(made.status).toBe(201)
      plant(made.json.code)
      expect(Buffer.from(made.json.code, 'base64url').length).toBeGreaterThanOrEqual(16)
      expect(made.json.url.includes(`/cisco-init/${made.json.code}`)).toBe(true)
    }
    expect((await call('POST', `accounts/${id}/codes`, { devices: 0 })).status).toBe(422)
    expect((await call('POST', `accounts/${id}/codes`, { lineIds: ['line_0'] })).status).toBeGreaterThanOrEqual(400)
    expect((await call('POST', 'accounts/acc_0/codes', {})).status).toBe(404)
  })

  it('DELETE of a code revokes it, once', async () => {
    const id = await account()
    const { json } = await call('POST', `accounts/${id}/codes`, {})
    plant(json.code)
    expect((await call('DELETE', `accounts/${await account()}/codes/${json.id}`)).status).toBe(404)
    expect((await call('DELETE', `accounts/${id}/codes/${json.id}`)).status).toBe(204)
    expect((await call('DELETE', `accounts/${id}/codes/${json.id}`)).status).toBe(404)
  })

  it('POST windows gives 201 with id, until and places left', async () => {
    const id = await account()
    const made = await call('POST', `accounts/${id}/windows`, { seconds: 60, devices: 3 })
    expect(made).toMatchObject({ status: 201, json: { accountId: id, left: 3 } })
    expect(Date.parse(made.json.until) - Date.now()).toBeGreaterThan(50_000)
    expect((await call('POST', `accounts/${id}/windows`, { seconds: 0, devices: 3 })).status).toBe(422)
  })
})

describe('devices', () => {
  it.each(['000E08AABBCC', '00:0e:08:aa:bb:cc', '00-0E-08-AA-BB-CC', '000e.08aa.bbcc'])(
    'the MAC may be written %s',
    async (written) => {
      const made = await call('POST', 'devices', { mac: written, serial: 'fch2305dmh0', model: 'cp-8851-3pcc' })
      expect(made).toMatchObject({
        status: 201,
        json: { mac: '000e08aabbcc', serial: 'FCH2305DMH0', model: 'CP-8851-3PCC', accountId: null, state: 'known' },
      })
      expect((await call('GET', `devices/${encodeURIComponent(written)}`)).json.mac).toBe('000e08aabbcc')
    },
  )

  it.each([{ mac: '000e08aabb' }, { serial: '!' }, { model: 'Nokia' }, { mac: undefined }])(
    '%o is refused as a problem',
    async (wrong) => {
      const input = { mac: freshMac(), serial: 'FCH2305DMH0', model: PN, ...wrong }
      expect(await call('POST', 'devices', input)).toMatchObject({ status: 422, json: { type: 'not-valid' } })
    },
  )

  it('lines must be the account’s, and no more than the model has', async () => {
    const [mine, other] = [await account(), await account()]
    const { json } = await call('POST', `accounts/${other}/lines`, lineInput())
    const input = { mac: freshMac(), serial: 'FCH2305DMH0', model: PN }
    expect(
      (await call('POST', 'devices', { ...input, accountId: mine, lineIds: [json.id] })).status,
    ).toBeGreaterThanOrEqual(400)
    expect((await call('POST', 'devices', { ...input, lineIds: [json.id] })).status).toBe(422)
    expect((await call('POST', 'devices', { ...input, accountId: 'acc_0' })).status).toBe(404)
    expect(
      await call('POST', 'devices', { ...input, model: 'CP-7811-3PCC', accountId: other, lineIds: [json.id, json.id] }),
    ).toMatchObject({ status: 422 })
    const made = await call('POST', 'devices', { ...input, accountId: other, lineIds: [json.id] })
    expect(made).toMatchObject({ status: 201, json: { lines: [{ id: json.id, index: 1 }] } })
    const inUse = { status: 409, json: { type: 'line-in-use' } }
    const another = { ...input, mac: freshMac(), accountId: other, lineIds: [json.id] }
    expect(await call('POST', 'devices', another)).toMatchObject(inUse)
    expect(await call('POST', `accounts/${other}/codes`, { lineIds: [json.id] })).toMatchObject(inUse)
  })

  it('shows state and versions, and goes from bound to released to disabled', async () => {
    const { mac, id } = await boundPhone()
    const shown = await call('GET', `devices/${mac}`)
    expect(shown.json).toMatchObject({
      mac,
      serial: serialFor(mac),
      model: PN,
      accountId: id,
      state: 'bound',
      keys: { issued: 1, confirmed: 0 },
    })
    expect(shown.json.versions.wanted).toMatch(/^[0-9a-f]{16}$/)
    expect(shown.json.versions).toMatchObject({ served: shown.json.versions.wanted, running: null })
    expect(await call('POST', `devices/${mac}/confirm`, '')).toMatchObject({
      status: 409,
      json: { type: 'wrong-state' },
    })
    expect(await call('POST', 'devices', { mac, serial: serialFor(mac), model: PN })).toMatchObject({
      status: 409,
      json: { type: 'device-taken' },
    })
    expect((await call('POST', `devices/${mac}/release`)).json).toMatchObject({
      state: 'released',
      accountId: null,
      lines: [],
    })
    expect((await call('POST', `devices/${mac}/disable`, {})).json.state).toBe('disabled')
    expect((await call('POST', `devices/${freshMac()}/disable`)).status).toBe(404)
    expect((await call('GET', 'devices/nonsense')).status).toBe(422)
  })

  it('lists by account and state, page by page', async () => {
    const { mac, id } = await boundPhone()
    await call('POST', 'devices', { mac: freshMac(), serial: 'FCH2305DMH0', model: PN, accountId: id })
    const all = await call('GET', `devices?accountId=${id}`)
    expect(all.json.items).toHaveLength(2)
    expect(
      (await call('GET', `devices?accountId=${id}&state=bound`)).json.items.map((each: { mac: string }) => each.mac),
    ).toEqual([mac])
    const first = await call('GET', `devices?accountId=${id}&limit=1`)
    const second = await call('GET', `devices?accountId=${id}&limit=1&after=${first.json.next}`)
    expect([...first.json.items, ...second.json.items]).toEqual(all.json.items)
    expect((await call('GET', 'devices?limit=0')).status).toBe(422)
  })

  it('events are newest first, with words for people', async () => {
    const { mac, id } = await boundPhone()
    await call('GET', `devices/${mac}`)
    const events = await call('GET', `devices/${mac}/events`)
    expect(events.json.items.map((event: { name: string }) => event.name)).toEqual([
      'profile.served',
      'key.issued',
      'device.bound',
    ])
    expect(events.json.items[2]).toMatchObject({
      text: 'Bound to the account',
      trust: 'certified',
      accountId: id,
      data: { by: 'code', lines: 1 },
    })
    const page = await call('GET', `devices/${mac}/events?limit=2`)
    expect(
      (await call('GET', `devices/${mac}/events?before=${page.json.next}`)).json.items.map(
        (event: { name: string }) => event.name,
      ),
    ).toEqual(['device.bound'])
  })

  it('reports are listed', async () => {
    const { mac } = await boundPhone()
    expect((await call('GET', `devices/${mac}/reports`)).json).toEqual({ items: [], next: null })
  })
})

describe('the configuration of a device', () => {
  it('tells values and origins; secrets are null with secret: true', async () => {
    const { mac, line } = await boundPhone()
    const config = await call('GET', `devices/${mac}/config`, undefined, tokens.read)
    const { parameters } = config.json
    expect(parameters.User_ID_1_).toMatchObject({ value: line.userId, origin: { kind: 'line' } })
    expect(parameters.Enable_Direct_Action_Url).toMatchObject({ value: 'No', ua: 'na', origin: { kind: 'platform' } })
    for (const element of ['Password_1_', 'GPP_SA', 'GPP_SB', 'Admin_Password', 'User_Password']) {
      expect(parameters[element]).toMatchObject({ value: null, secret: true })
    }
    expect(config.text.includes(line.password)).toBe(false)
  })

  it('as XML holds no secret either', async () => {
    const { mac, line } = await boundPhone()
    const xml = await call('GET', `devices/${mac}/config?format=xml`, undefined, tokens.read)
    expect(xml.type).toContain('text/xml')
    const profile = readProfile(xml.text)
    const names = profile.ok ? profile.value.elements.map(({ name }) => name) : []
    expect(names).toContain('User_ID_1_')
    expect(names.filter((name) => /^(?:GPP_S[A-D]|Password_1_|Admin_Password|User_Password)$/.test(name))).toEqual([])
    expect(xml.text).toContain('<!-- <Password_1_ secret="true"/> -->')
    expect(xml.text.includes(line.password)).toBe(false)
  })

  it('shows secrets to the scope for it, in both forms, and notes who saw them', async () => {
    const { mac, line } = await boundPhone()
    for (const format of ['json', 'xml']) {
      const target = `devices/${mac}/config?reveal=true&format=${format}`
      expect((await call('GET', target, undefined, tokens.write)).status).toBe(403)
      expect((await call('GET', target, undefined, tokens.secrets)).text.includes(line.password)).toBe(true)
    }
    const shown = await platform.db.query<{ who: string }>({
      name: 'test-audit-device',
      text: `select who from revision where target = $1 and what = 'secrets shown'`,
      values: [mac],
    })
    expect(shown).toHaveLength(2)
  })

  it('also what a narrower layer won over is hidden when it is secret', async () => {
    const { mac, id } = await boundPhone()
    const [outer, inner] = [plant(randomBytes(12).toString('hex')), plant(randomBytes(12).toString('hex'))]
    await call('PUT', `layers/account/${id}`, { parameters: { XML_Password: { value: outer } } })
    await call('PUT', `layers/device/${mac}`, { parameters: { XML_Password: { value: inner } } })
    const config = await call('GET', `devices/${mac}/config`)
    expect(config.json.parameters.XML_Password).toMatchObject({
      value: null,
      secret: true,
      origin: { scope: 'device' },
      overrode: [{ value: null }],
    })
    expect(config.text.includes(outer) || config.text.includes(inner)).toBe(false)
  })
})

describe('layers', () => {
  it('PUT replaces the whole layer, in every scope', async () => {
    const { mac, id } = await boundPhone()
    for (const [scope, layerId] of [
      ['platform', '-'],
      ['provider', '-'],
      ['model', PN],
      ['account', id],
      ['device', mac.toUpperCase()],
    ]) {
      await call('PUT', `layers/${scope}/${layerId}`, {
        parameters: { Station_Name: { value: 'first' }, Time_Zone: { value: 'GMT', ua: 'ro' } },
      })
      const put = await call('PUT', `layers/${scope}/${layerId}`, {
        parameters: { Station_Name: { value: `by ${scope}` } },
      })
      expect(put).toMatchObject({
        status: 200,
        json: { scope, parameters: { Station_Name: { value: `by ${scope}` } } },
      })
      expect((await call('GET', `layers/${scope}/${layerId}`)).json).toEqual(put.json)
      expect(Object.keys(put.json.parameters)).toEqual(['Station_Name'])
    }
    const config = await call('GET', `devices/${mac}/config`)
    expect(config.json.parameters.Station_Name).toMatchObject({
      value: 'by device',
      origin: { kind: 'layer', scope: 'device', id: mac },
    })
    expect(config.json.parameters.Station_Name.overrode.map(({ value }: { value: string }) => value)).toEqual([
      'by account',
      `by model`,
      'by provider',
      'by platform',
    ])
  })

  it.each([
    ['account/acc_0', 404],
    ['device/000000000000', 404],
    ['platform/x', 422],
    ['model/Nokia', 422],
    ['galaxy/-', 422],
  ])('%s is refused with %i', async (target, status) => {
    expect((await call('PUT', `layers/${target}`, { parameters: {} })).status).toBe(status)
  })

  it('names every problem with place and advice, and saves nothing', async () => {
    const id = await account()
    const put = await call('PUT', `layers/account/${id}`, {
      parameters: { Nope: { value: '' }, Provision_Enable: { value: 'maybe' }, GPP_SA: { value: 'x' } },
    })
    expect(put.status).toBe(422)
    expect(put.json.problems.map(({ code, place }: { code: string; place: string }) => [code, place])).toEqual([
      ['unknown-element', 'Nope'],
      ['bad-value', 'Provision_Enable'],
      ['reserved-element', 'GPP_SA'],
    ])
    expect((await call('GET', `layers/account/${id}`)).json).toMatchObject({ revisionId: 0, parameters: {} })
  })

  it('a secret in a layer is sealed at rest and not shown', async () => {
    const id = await account()
    const secret = plant(randomBytes(12).toString('hex'))
    const put = await call('PUT', `layers/account/${id}`, { parameters: { XML_Password: { value: secret } } })
    expect(put.json.parameters.XML_Password).toEqual({ value: null, secret: true })
    const rows = await platform.db.query<{ text: string }>({
      name: 'test-rows',
      text: `select parameters::text as text from layer where id = $1 union all select coalesce(after::text, '') from revision where target = $1`,
      values: [id],
    })
    expect(rows.length).toBeGreaterThan(1)
    expect(rows.some(({ text }) => text.includes(secret))).toBe(false)
  })
})

describe('firmware and trust', () => {
  it('POST firmware takes the raw body', async () => {
    const body = randomBytes(100_000)
    const upload = (name: string, token = tokens.write) =>
      fetch(`${BASE}/api/v1/firmware?name=${name}`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      })
    const made = await upload('sip88xx.12-0-7.loads')
    expect(made.status).toBe(201)
    expect(await made.json()).toMatchObject({
      name: 'sip88xx.12-0-7.loads',
      byteCount: 100_000,
      url: 'https://prov.example.com/firmware/sip88xx.12-0-7.loads',
    })
    expect((await upload('../x')).status).toBe(422)
    expect((await upload('x.loads', tokens.read)).status).toBe(403)
    expect((await call('GET', 'firmware')).json.items).toHaveLength(1)
    expect((await call('POST', 'firmware?name=x.loads')).status).toBe(400)
  })

  it('device CAs are listed, installed and removed; the lab CA steps back', async () => {
    const pair = await createCa('Vendor root', Date.now())
    plant(bodyOfPem(pair.keyPem))
    expect((await call('GET', 'device-cas')).json.items).toMatchObject([{ kind: 'lab', inForce: true }])
    const made = await call('POST', 'device-cas', { name: 'Vendor', pem: pair.certPem, models: ['CP-88*'] })
    expect(made).toMatchObject({ status: 201, json: { kind: 'vendor', models: ['CP-88*'], inForce: true } })
    expect((await call('GET', 'device-cas')).json.items.map(({ inForce }: { inForce: boolean }) => inForce)).toEqual([
      false,
      true,
    ])
    expect((await call('POST', 'device-cas', { name: 'x', pem: 'no certificate' })).status).toBe(422)
    expect((await call('POST', 'device-cas', { name: 'x', pem: pair.certPem }, tokens.write)).status).toBe(403)
    expect((await call('DELETE', `device-cas/${made.json.fingerprint}`)).status).toBe(204)
    expect((await call('DELETE', `device-cas/${made.json.fingerprint}`)).status).toBe(404)
  })
})

describe('who may what', () => {
  interface Operation {
    readonly parameters?: readonly { readonly name: string; readonly in: string }[]
    readonly security: readonly { readonly token: readonly string[] }[]
  }
  /** Of all routes that need a token, with the scope that it must have. */
  async function operations(): Promise<readonly (readonly [method: string, path: string, scope: string])[]> {
    const { json } = await call('GET', 'openapi.json')
    const paths = Object.entries(json.paths as Record<string, Record<string, Operation>>)
    return paths.flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { security }]) =>
        // Behind the first stands one that is enough, too.
        security.slice(0, 1).flatMap(({ token }) => token.map((scope) => [method.toUpperCase(), path, scope] as const)),
      ),
    )
  }

  it('no route but health and the document answers without a token, with a wrong one or with a revoked one', async () => {
    const revoked = await tokenFor('admin')
    await platform.db.run({
      name: 'test-revoke',
      text: `update token set revoked_at = now() where hash = sha256($1)`,
      values: [Buffer.from(revoked)],
    })
    const guarded = (await operations()).filter(([, path]) => path.startsWith('/api/v1/'))
    expect(guarded.length).toBeGreaterThan(20)
    for (const [method, path] of guarded) {
      const target = path.replace('/api/v1/', '').replaceAll(/\{[^}]+\}/g, 'x')
      for (const token of ['', 'nonsense', revoked]) {
        const answer = await call(method, target, method === 'GET' || method === 'DELETE' ? undefined : {}, token)
        expect([method, path, answer.status, answer.json?.type]).toEqual([method, path, 401, 'no-token'])
        expect(answer.type).toContain('application/problem+json')
      }
    }
  })

  it('a token that may only read changes nothing', async () => {
    const changing = (await operations()).filter(([method, , scope]) => method !== 'GET' && scope !== 'read')
    expect(changing.length).toBeGreaterThan(20)
    for (const [method, path] of changing) {
      const target = path.replace('/api/v1/', '').replaceAll(/\{[^}]+\}/g, 'x')
      const answer = await call(method, target, method === 'DELETE' ? undefined : {}, tokens.read)
      expect([method, path, answer.status]).toEqual([method, path, 403])
    }
  })

  it.each([
    ['GET', 'nowhere', 404],
    ['POST', 'accounts', 400],
  ])('%s %s with a broken body or path is a problem document', async (method, path, status) => {
    const answer = await call(method, path, method === 'POST' ? '{"name":' : undefined)
    expect(answer.status).toBe(status)
    expect(answer.type).toContain('application/problem+json')
    expect(answer.json).toMatchObject({ status, title: expect.any(String), type: expect.any(String) })
  })

  it('names that reach for the prototype are plain text', async () => {
    const answer = await call('POST', 'accounts', '{"name":"x","__proto__":{"isAdmin":true}}')
    expect([201, 400, 422]).toContain(answer.status)
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })
})

describe('the OpenAPI document', () => {
  it('is 3.1, names every route and its references resolve', async () => {
    const { json, text } = await call('GET', 'openapi.json', undefined, '')
    expect(json.openapi).toMatch(/^3\.1\./)
    const named = Object.keys(json.paths)
    for (const path of [
      'accounts',
      'accounts/{id}',
      'accounts/{id}/lines',
      'accounts/{id}/codes',
      'accounts/{id}/codes/{codeId}',
      'accounts/{id}/windows',
      'devices',
      'devices/{mac}',
      'devices/{mac}/confirm',
      'devices/{mac}/release',
      'devices/{mac}/disable',
      'devices/{mac}/config',
      'devices/{mac}/events',
      'layers/{scope}/{id}',
      'firmware',
      'device-cas',
    ]) {
      expect(named).toContain(`/api/v1/${path}`)
    }
    expect(named).toContain('/health')
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(references.length).toBeGreaterThan(10)
    for (const reference of references) {
      const found = reference
        .slice(2)
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], json)
      expect(found, reference).toBeDefined()
    }
    for (const [path, methods] of Object.entries(
      json.paths as Record<string, Record<string, { summary?: string; responses?: object }>>,
    )) {
      for (const operation of Object.values(methods))
        expect([path, typeof operation.summary, typeof operation.responses]).toEqual([path, 'string', 'object'])
    }
  })
})
