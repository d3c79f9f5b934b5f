import { afterAll, describe, expect, it } from 'vitest'
import { pino } from 'pino'
import { openWatch } from './jobs/watch/mod.ts'
import { createToken, raiseAlarms, type TokenScope } from './store/mod.ts'
import { certifiedFetch, freshMac, openTestPlatform, plant, textOf } from './testing.ts'
import { providerOn } from './testing-provider.ts'
import { listenApi } from './api/mod.ts'

const { platform } = await openTestPlatform()
const { bound, eventsOf } = providerOn(platform)
const door = await listenApi({
  host: '127.0.0.1',
  port: 0,
  platform: () => platform,
  log: pino({ level: 'silent' }),
})
const watch = openWatch(platform)
afterAll(async () => {
  await door.close()
  await watch.close()
})

async function tokenFor(scopes: readonly TokenScope[], accountId?: string): Promise<string> {
  const token = plant(await createToken(platform.db, { name: 'watch', scopes, ...(accountId ? { accountId } : {}) }))
  return token
}
const all = await tokenFor(['admin'])

async function call(method: string, path: string, body?: unknown, token = all) {
  const response = await fetch(`http://127.0.0.1:${door.port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  // oxlint-disable-next-line typescript/no-explicit-any -- the tests look at the shapes themselves
  return { status: response.status, text, json: (isJson ? JSON.parse(text) : undefined) as any }
}

describe('alarms', () => {
  it('are listed, filtered, acknowledged, and seen only within reach', async () => {
    const ours = await bound()
    const theirs = await bound()
    await raiseAlarms(
      platform.db,
      [ours, theirs].map(({ mac, account }) => ({
        kind: 'silence' as const,
        subject: mac,
        mac,
        accountId: account.id,
        data: { advice: 'Look.' },
      })),
      Date.now(),
    )
    await raiseAlarms(platform.db, [{ kind: 'overload', subject: 'host:1', data: {} }], Date.now())
    const limited = await tokenFor(['write'], ours.account.id)
    const seen = await call('GET', '/api/v1/alarms?state=open', undefined, limited)
    expect(seen.json.items).toMatchObject([{ kind: 'silence', subject: ours.mac, advice: 'Look.', state: 'open' }])
    const everything = await call('GET', '/api/v1/alarms?state=open')
    expect(everything.json.items).toHaveLength(3)
    const page = await call('GET', '/api/v1/alarms?limit=2')
    const rest = await call('GET', `/api/v1/alarms?limit=2&after=${page.json.next}`)
    expect([page.json.items.length, rest.json.items.length, rest.json.next]).toEqual([2, 1, null])
    expect((await call('GET', '/api/v1/alarms?kind=overload')).json.items).toHaveLength(1)

    const foreign = everything.json.items.find((each: { subject: string }) => each.subject === theirs.mac)
    expect((await call('POST', `/api/v1/alarms/${foreign.id}/acknowledge`, {}, limited)).status).toBe(404)
    const { id } = seen.json.items[0]
    const done = await call('POST', `/api/v1/alarms/${id}/acknowledge`, {}, limited)
    expect(done.json).toMatchObject({ id, state: 'acknowledged', acknowledgedBy: expect.stringContaining('watch') })
    expect((await call('GET', '/api/v1/alarms?state=open', undefined, limited)).json.items).toEqual([])
    expect((await call('POST', '/api/v1/alarms/alm_none/acknowledge', {})).status).toBe(404)
    expect(await eventsOf(ours.mac)).toContain('alarm.raised')
  })
})

describe('canaries', () => {
  it('are added, listed and taken away by who sees everything', async () => {
    const mac = freshMac()
    const { account, mac: ours } = await bound()
    expect((await call('POST', '/api/v1/canaries', { mac, note: 'shelf' })).status).toBe(201)
    expect((await call('GET', '/api/v1/canaries')).json.items).toMatchObject([{ mac, note: 'shelf' }])
    expect((await call('POST', '/api/v1/canaries', { mac: ours })).status).toBe(409)
    const limited = await tokenFor(['admin'], account.id)
    expect((await call('GET', '/api/v1/canaries', undefined, limited)).status).toBe(403)
    expect((await call('DELETE', `/api/v1/canaries/${mac}`)).status).toBe(204)
    expect((await call('DELETE', `/api/v1/canaries/${mac}`)).status).toBe(404)
  })
})

describe('capacity', () => {
  it('is measured on demand, and gives delays that are written into the provider layer', async () => {
    expect((await call('POST', '/api/v1/capacity/measure')).status).toBe(503)
    await watch.tick()
    const before = await call('GET', '/api/v1/capacity')
    expect(before.json).toMatchObject({ measured: null, storm: null })
    expect((await call('GET', '/api/v1/capacity/suggestion')).json).toMatchObject({ type: 'not-measured', status: 409 })

    const { mac } = await bound()
    const asked = call('POST', '/api/v1/capacity/measure')
    for (let done = false; !done; ) {
      await watch.tick()
      done = await Promise.race([asked.then(() => true), new Promise<boolean>((next) => setImmediate(next, false))])
    }
    const { status, json } = await asked
    expect(status).toBe(200)
    expect(json.measured.handshakesPerSecond).toBeGreaterThan(10)
    expect(json.storm.phonesPerSecond).toBeCloseTo(json.measured.handshakesPerSecond / 8, 1)
    expect(json.fleet.bound).toBeGreaterThan(0)

    await call('PUT', '/api/v1/layers/provider/-', { parameters: { Time_Zone: { value: 'GMT+01:00' } } })
    const suggestion = await call('GET', '/api/v1/capacity/suggestion')
    const applied = await call('POST', '/api/v1/capacity/suggestion/apply')
    expect(applied.json.parameters).toEqual(suggestion.json.parameters)
    const layer = await call('GET', '/api/v1/layers/provider/-')
    expect(layer.json).toMatchObject({
      revisionId: applied.json.revisionId,
      parameters: { ...suggestion.json.parameters, Time_Zone: { value: 'GMT+01:00' } },
    })
    const profile = textOf(await certifiedFetch(platform, '/cisco-init', mac))
    expect(profile).toContain(`>${suggestion.json.parameters.Resync_Random_Delay.value}</Resync_Random_Delay>`)
  })
})

describe('metrics', () => {
  it('are text for Prometheus, without a MAC, for a token that sees everything', async () => {
    const { account, mac } = await bound()
    const { status, text } = await call('GET', '/metrics', undefined, await tokenFor(['read']))
    expect(status).toBe(200)
    expect(text).toMatch(/^# TYPE offhook_requests_total counter$/m)
    expect(text).toMatch(/^offhook_devices\{state="bound"\} [1-9]/m)
    expect(text).toMatch(/^offhook_event_loop_delay_seconds [0-9.]+$/m)
    expect(text).not.toContain(mac)
    expect((await call('GET', '/metrics', undefined, await tokenFor(['read'], account.id))).status).toBe(403)
    expect((await fetch(`http://127.0.0.1:${door.port}/metrics`)).status).toBe(401)
  })
})
