import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createAccount } from '../store/mod.ts'
import { plant } from '../testing.ts'
import { openTestApi } from './testing.ts'

const api = await openTestApi()
const { call, platform } = api

async function account(): Promise<string> {
  const customerId = `c_${randomBytes(6).toString('hex')}`
  const made = await platform.change((tx) =>
    createAccount(tx, 'test', { name: 'A', kind: 'reseller', parentId: undefined, customerId, settings: {} }),
  )
  if (!made.ok) throw new Error('cannot make an account')
  return made.value.id
}
const own = await account()
const stranger = await account()

const make = async (body: object, token?: string) => {
  const answer = await call('POST', '/api/v1/webhooks', { body, token })
  if (answer.json?.secret !== undefined) plant(answer.json.secret)
  return answer
}

describe('webhooks', () => {
  it('are made, shown without their secret, changed, listed and deleted', async () => {
    const made = await make({ url: 'https://example.com/hook', events: ['device.*', 'report.received'] })
    expect([made.status, made.json.enabled, made.json.accountId]).toEqual([201, true, null])
    const { id, secret } = made.json
    const path = `/api/v1/webhooks/${id}`
    const shown = await call('GET', path)
    expect(shown.json).toMatchObject({ url: 'https://example.com/hook', queuedCount: 0 })
    expect(shown.text).not.toContain(secret)
    const changed = await call('PATCH', path, { body: { events: ['*'], enabled: false } })
    expect(changed.json).toMatchObject({ events: ['*'], enabled: false, disabledReason: 'by a person' })
    expect(changed.json).not.toHaveProperty('secret')
    const renewed = await call('PATCH', path, { body: { newSecret: true, enabled: true } })
    expect(plant(renewed.json.secret)).not.toBe(secret)
    expect(renewed.json.disabledReason).toBeNull()
    const listed = await call('GET', '/api/v1/webhooks?q=EXAMPLE')
    expect(listed.json.items.map((each: { id: string }) => each.id)).toEqual([id])
    const audit = await call('GET', `/api/v1/audit?target=${id}`)
    expect(audit.json.items.map((each: { what: string }) => each.what)).toEqual([
      'changed, with a new secret',
      'changed',
      'created',
    ])
    for (const each of [secret, renewed.json.secret]) expect(audit.text).not.toContain(each)
    expect((await call('DELETE', path)).status).toBe(204)
    expect((await call('GET', path)).status).toBe(404)
  })

  it.each([
    [{ url: 'http://127.0.0.1/x' }, 'forbidden-address'],
    [{ url: 'http://2130706433/x' }, 'forbidden-address'],
    [{ url: 'https://[fd00::1]/' }, 'forbidden-address'],
    [{ url: 'ftp://example.com/' }, 'bad-url'],
    [{ url: 'https://me:you@example.com/' }, 'bad-url'],
    [{ url: 'https://example.com/', events: [] }, 'not-valid'],
    [{ url: 'https://example.com/', events: ['a_b'] }, 'not-valid'],
    [{ url: 'https://example.com/', accountId: 'acc_none' }, 'not-found'],
    [{ url: 'https://example.com/', secret: 'mine' }, 'unknown-field'],
  ])('refuse %o as %s', async (body, type) => expect((await make(body)).json.type).toBe(type))

  it('of others do not exist for a limited token, and its own hear only of its account', async () => {
    const token = await api.tokenFor(['write'], { accountId: own })
    const mine = await make({ url: 'https://example.com/' }, token)
    expect([mine.status, mine.json.accountId]).toEqual([201, own])
    expect((await make({ url: 'https://example.com/', accountId: stranger }, token)).status).toBe(404)
    const all = await make({ url: 'https://example.com/' })
    const delivery = await call('POST', `/api/v1/webhooks/${all.json.id}/test`)
    for (const [method, path] of [
      ['GET', `webhooks/${all.json.id}`],
      ['PATCH', `webhooks/${all.json.id}`],
      ['DELETE', `webhooks/${all.json.id}`],
      ['POST', `webhooks/${all.json.id}/test`],
      ['GET', `webhooks/${all.json.id}/deliveries`],
      ['POST', `deliveries/${delivery.json.id}/redeliver`],
    ] as const) {
      const body = method === 'PATCH' ? { body: {} } : {}
      expect([path, (await call(method, `/api/v1/${path}`, { token, ...body })).status]).toEqual([path, 404])
    }
    const listed = await call('GET', '/api/v1/webhooks', { token })
    expect(listed.json.items.map((each: { id: string }) => each.id)).toEqual([mine.json.id])
  })

  it('list what was sent and what waits, page by page, and send one again', async () => {
    const { json } = await make({ url: 'https://example.com/' })
    const path = `/api/v1/webhooks/${json.id}`
    const tests = []
    for (let count = 0; count < 3; count++) tests.push((await call('POST', `${path}/test`)).json)
    expect(tests[0]).toMatchObject({ state: 'queued', eventName: 'webhook.test', eventId: null, attemptCount: 0 })
    const page = await call('GET', `${path}/deliveries?limit=2&state=queued`)
    const rest = await call('GET', `${path}/deliveries?limit=2&after=${page.json.next}`)
    const ids = [...page.json.items, ...rest.json.items].map((each: { id: number }) => each.id)
    expect(ids).toEqual(tests.map((each) => each.id).toReversed())
    const again = await call('POST', `/api/v1/deliveries/${tests[0].id}/redeliver`)
    expect([again.status, again.json.body]).toEqual([202, tests[0].body])
    expect(again.json.id).toBeGreaterThan(tests[2].id)
    await call('PATCH', path, { body: { enabled: false } })
    expect((await call('POST', `${path}/test`)).json.type).toBe('webhook-disabled')
    expect((await call('POST', `/api/v1/deliveries/${tests[0].id}/redeliver`)).json.type).toBe('webhook-disabled')
    expect((await call('POST', '/api/v1/deliveries/999999/redeliver')).status).toBe(404)
  })

  it('are at most 200', async () => {
    const count = (await call('GET', '/api/v1/webhooks?limit=1000')).json.items.length as number
    for (let index = count; index < 200; index++)
      expect((await make({ url: `https://example.com/${index}` })).status).toBe(201)
    expect((await make({ url: 'https://example.com/' })).json.type).toBe('too-many-webhooks')
  })
})
