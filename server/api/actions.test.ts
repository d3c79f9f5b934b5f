import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { certifiedFetch, freshMac, openTestPlatform, plant, PN, serialFor } from '../testing.ts'
import { init, providerOn } from '../testing-provider.ts'
import { createToken, type NewToken } from '../store/mod.ts'
import { listenApi } from './mod.ts'

const { platform } = await openTestPlatform()
const provider = providerOn(platform)
const log = pino({ level: 'silent' })
const door = await listenApi({ host: '127.0.0.1', port: 0, platform: () => platform, log })
afterAll(() => door.close())

async function token(more: Partial<NewToken> = {}): Promise<string> {
  return plant(await createToken(platform.db, { name: 'test', scopes: ['admin'], ...more }))
}
const ADMIN = await token()

async function call(method: string, path: string, body?: unknown, by = ADMIN) {
  const response = await fetch(`http://127.0.0.1:${door.port}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, text, json: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}

async function seenAt(mac: string, address: string | null): Promise<void> {
  await platform.flush()
  await platform.db.run({
    name: 'test-seen-at',
    text: `insert into device_seen (mac, believed_at, believed_from) values ($1, now(), $2)
           on conflict (mac) do update set believed_from = excluded.believed_from`,
    values: [mac, address],
  })
}

const PROXY = { host: 'proxy.example.net', user: 'offhook' }

describe('actions over the API', () => {
  it('are asked for, listed, looked at and called off', async () => {
    const { mac } = await provider.bound()
    await call('PUT', 'sip-proxy', PROXY)
    const asked = await call('POST', `devices/${mac}/actions`, { kind: 'resync' })
    expect(asked).toMatchObject({ status: 202, json: { mac, kind: 'resync', via: 'sip', state: 'queued' } })
    const id = String(asked.json['id'])
    expect((await call('GET', `actions/${id}`)).json).toMatchObject({ id, steps: [{ state: 'queued' }] })
    expect((await call('GET', `actions?mac=${mac}&state=queued`)).json).toMatchObject({ items: [{ id }], next: null })
    expect((await call('GET', `devices/${mac}/actions`)).json).toMatchObject({ items: [{ id }] })
    expect(await call('POST', `actions/${id}/cancel`)).toMatchObject({ status: 200, json: { state: 'cancelled' } })
    expect(await call('POST', `actions/${id}/cancel`)).toMatchObject({ status: 409, json: { type: 'action-over' } })
  })

  it.each([
    [{ kind: 'dance' }, 422],
    [{ kind: 'report', via: 'url' }, 422],
    [{ kind: 'reboot', profile: 'http://h/p' }, 422],
    [{ kind: 'resync', profile: 'http://h/"\r\nX: y' }, 422],
    [{ kind: 'resync', profile: 'http://h/p.xml' }, 202],
  ])('%j is answered %i', async (body, status) => {
    const { mac } = await provider.bound()
    expect((await call('POST', `devices/${mac}/actions`, body)).status).toBe(status)
  })

  it('are refused for a phone that is not bound, has no line, or has no proxy, and say what to do', async () => {
    const mac = freshMac()
    expect((await call('POST', `devices/${mac}/actions`, { kind: 'resync' })).status).toBe(404)
    await call('POST', 'devices', { mac, serial: serialFor(mac), model: PN })
    expect(await call('POST', `devices/${mac}/actions`, { kind: 'resync' })).toMatchObject({
      status: 409,
      json: { type: 'wrong-state', detail: expect.stringContaining('only bound phones') as string },
    })
    const account = await provider.accountWith({ lines: 0 })
    const bare = freshMac()
    await certifiedFetch(platform, init(await provider.codeOf(account.id)), bare)
    expect(await call('POST', `devices/${bare}/actions`, { kind: 'resync' })).toMatchObject({
      status: 409,
      json: { type: 'no-line' },
    })
    await call('DELETE', 'sip-proxy')
    const { mac: bound } = await provider.bound()
    expect(await call('POST', `devices/${bound}/actions`, { kind: 'resync', via: 'sip' })).toMatchObject({
      status: 409,
      json: { type: 'no-proxy' },
    })
    // Out of the box: no proxy, and the profile switches the phone's command URLs off.
    const noWay = (words: string) => ({
      status: 409,
      json: { type: 'no-way', detail: expect.stringContaining(words) as string },
    })
    const ask = (via: string, kind = 'resync') => call('POST', `devices/${bound}/actions`, { kind, via })
    expect(await ask('auto')).toMatchObject(noWay('PUT /api/v1/sip-proxy'))
    expect(await ask('auto')).toMatchObject(noWay('Enable_Direct_Action_Url'))
    expect(await ask('url')).toMatchObject(noWay('Enable_Direct_Action_Url'))
    expect(await ask('auto', 'report')).toMatchObject(noWay('no command URL that asks for a report'))
    const layer = { parameters: { Enable_Direct_Action_Url: { value: 'Yes' } } }
    expect((await call('PUT', `layers/device/${bound}`, layer)).status).toBeLessThan(300)
    await seenAt(bound, null)
    expect(await ask('url')).toMatchObject(noWay('no believed request'))
    await seenAt(bound, '127.0.0.1')
    expect(await ask('url')).toMatchObject(noWay('OFFHOOK_OUTBOUND_ALLOW'))
    await seenAt(bound, '9.9.9.9')
    expect(await ask('auto')).toMatchObject({ status: 202, json: { via: 'url' } })
    expect((await call('GET', `actions?mac=${bound}`)).json['items']).toHaveLength(1)
  })

  it('in bulk leave out and name the phones that cannot be asked in any way', async () => {
    await call('DELETE', 'sip-proxy')
    const [one, two, open] = [await provider.bound(), await provider.bound(), await provider.bound()]
    await call('PUT', `accounts/${open.account.id}/sip-proxy`, PROXY)
    const macs = [one.mac, two.mac, open.mac]
    const asked = await call('POST', 'actions', { kind: 'resync', macs })
    expect(asked).toMatchObject({ status: 202, json: { count: 1, leftOut: { count: 2 } } })
    const { devices } = asked.json['leftOut'] as { devices: { mac: string; type: string; reason: string }[] }
    expect(devices.map(({ mac, type }) => [mac, type])).toEqual([one.mac, two.mac].toSorted().map((m) => [m, 'no-way']))
    expect(devices[0]?.reason).toContain('Enable_Direct_Action_Url')
    const { items } = (await call('GET', `actions?bulkId=${String(asked.json['bulkId'])}`)).json
    expect(items).toMatchObject([{ mac: open.mac, via: 'sip' }])
    const bySip = await call('POST', 'actions', { kind: 'resync', macs, via: 'sip' })
    expect(bySip.json).toMatchObject({ count: 1, leftOut: { count: 2, devices: [{ type: 'no-proxy' }, {}] } })
  })

  it('in bulk need a filter, count who is asked, and are called off together', async () => {
    await call('PUT', 'sip-proxy', PROXY)
    const [one, two] = [await provider.bound(), await provider.bound()]
    expect(await call('POST', 'actions', { kind: 'resync' })).toMatchObject({
      status: 422,
      json: { type: 'no-filter' },
    })
    expect((await call('POST', 'actions', { kind: 'resync', accountId: 'acc_none' })).status).toBe(404)
    const macs = [one.mac, two.mac, freshMac()]
    const asked = await call('POST', 'actions', { kind: 'reboot', macs, perSecond: 0.1 })
    expect(asked).toMatchObject({ status: 202, json: { count: 2 } })
    const { bulkId } = asked.json
    const first = await call('GET', `actions?bulkId=${String(bulkId)}&limit=1`)
    expect(first.json['items']).toHaveLength(1)
    const second = await call('GET', `actions?bulkId=${String(bulkId)}&limit=1&after=${String(first.json['next'])}`)
    expect(second.json['items']).toHaveLength(1)
    expect(second.json['items']).not.toEqual(first.json['items'])
    expect(await call('POST', 'actions/cancel', { bulkId })).toMatchObject({ status: 200, json: { cancelled: 2 } })
    expect((await call('POST', 'actions/cancel', { bulkId: 'bulk_none' })).status).toBe(404)
  })

  it('are out of reach of a token of another account', async () => {
    await call('PUT', 'sip-proxy', PROXY)
    const [mine, other] = [await provider.bound(), await provider.bound()]
    const limited = await token({ accountId: mine.account.id })
    const asked = await call('POST', `devices/${other.mac}/actions`, { kind: 'resync' })
    const id = String(asked.json['id'])
    expect((await call('POST', `devices/${other.mac}/actions`, { kind: 'resync' }, limited)).status).toBe(404)
    expect((await call('GET', `actions/${id}`, undefined, limited)).status).toBe(404)
    expect((await call('POST', `actions/${id}/cancel`, undefined, limited)).status).toBe(404)
    expect((await call('GET', `devices/${other.mac}/registration`, undefined, limited)).status).toBe(404)
    expect((await call('GET', 'actions', undefined, limited)).json).toEqual({ items: [], next: null })
    expect((await call('POST', 'actions', { kind: 'resync', state: 'bound' }, limited)).json['count']).toBe(1)
    expect((await call('PUT', 'sip-proxy', PROXY, limited)).status).toBe(403)
    expect((await call('PUT', `accounts/${other.account.id}/sip-proxy`, PROXY, limited)).status).toBe(404)
    expect((await call('PUT', `accounts/${mine.account.id}/sip-proxy`, PROXY, limited)).status).toBe(200)
    expect((await call('GET', 'registrar-feed', undefined, limited)).status).toBe(403)
  })
})

describe('proxy and feed settings', () => {
  it('never show the password, and forget it when host or user change', async () => {
    const password = plant(randomBytes(12).toString('hex'))
    const put = await call('PUT', 'sip-proxy', { ...PROXY, password })
    expect(put.json).toEqual({
      ...PROXY,
      port: 5060,
      transport: 'UDP',
      hasPassword: true,
      perSecond: 20,
      scope: '-',
    })
    expect((await call('PUT', 'sip-proxy', { ...PROXY, perSecond: 5 })).json).toMatchObject({ hasPassword: true })
    expect((await call('GET', 'sip-proxy')).text).not.toContain(password)
    expect((await call('PUT', 'sip-proxy', { ...PROXY, host: 'evil.example' })).json['hasPassword']).toBe(false)
    expect((await call('DELETE', 'sip-proxy')).status).toBe(204)
    expect((await call('GET', 'sip-proxy')).status).toBe(404)
    const revisions = await platform.db.query<{ row: string }>({
      name: 'test-revisions',
      text: 'select revision::text as row from revision',
      values: [],
    })
    expect(revisions.map(({ row }) => row).join()).not.toContain(password)
  })

  it.each([
    [{ host: 'sip.example.net:5060' }],
    [{ host: 'a b' }],
    [{ host: 'h', port: 0 }],
    [{ host: 'h', transport: 'TLS' }],
    [{ host: 'h', password: 'x' }],
    [{ host: 'h', perSecond: 5000 }],
  ])('refuse %j', async (body) => {
    expect((await call('PUT', 'sip-proxy', body)).status).toBe(422)
  })

  it('take a feed that may be asked, and none in our own network [architecture: outbound guard]', async () => {
    const near = await call('PUT', 'registrar-feed', { url: 'http://127.0.0.1:5060/RPC' })
    expect(near).toMatchObject({ status: 422, json: { type: 'forbidden-address' } })
    expect((await call('PUT', 'registrar-feed', { url: 'ftp://h/' })).status).toBe(422)
    const url = 'https://registrar.example.net/RPC'
    expect(await call('PUT', 'registrar-feed', { url })).toMatchObject({
      status: 200,
      json: { kind: 'kamailio', url, domains: false, perSecond: 20 },
    })
    expect((await call('GET', 'registrar-feed')).json['url']).toBe(url)
    expect((await call('DELETE', 'registrar-feed')).status).toBe(204)
    expect((await call('GET', 'registrar-feed')).status).toBe(404)
  })
})
