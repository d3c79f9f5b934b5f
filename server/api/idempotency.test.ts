import { randomUUID } from 'node:crypto'
import fastify from 'fastify'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { forgetIdempotency, type Sql } from '../store/mod.ts'
import { plant } from '../testing.ts'
import { currentRequest, type ReadyPlatform } from './context.ts'
import { addIdempotency, rememberingChange } from './idempotency.ts'
import { openTestApi } from './testing.ts'

const api = await openTestApi()
const other = await api.listenAnother()
const { call, platform } = api
const admin = await api.tokenFor(['admin'])

const post = (key: string, body: unknown, on = api) =>
  on.call('POST', '/api/v1/tokens', { body, token: admin, headers: { 'idempotency-key': key } })
const input = (name: string) => ({ name, scopes: ['read'] })

async function tokensNamed(name: string): Promise<number> {
  const rows = await platform.db.query({
    name: 'test-named',
    text: 'select 1 from token where name = $1',
    values: [name],
  })
  return rows.length
}

describe('Idempotency-Key', () => {
  it('does a repeated write once and repeats its answer, in every process', async () => {
    const key = randomUUID()
    const first = await post(key, input('once'))
    plant(first.json.token)
    expect(first.status).toBe(201)
    for (const door of [api, other]) {
      const again = await post(key, input('once'), door)
      expect([again.status, again.text, again.type]).toEqual([first.status, first.text, first.type])
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      // It may hold a secret that was told once.
      expect(again.headers.get('cache-control')).toBe('no-store')
    }
    expect(await tokensNamed('once')).toBe(1)
  })

  it('keeps what it stores sealed', async () => {
    const key = randomUUID()
    const { json } = await post(key, input('sealed'))
    plant(json.token)
    const rows = await platform.db.query<{ sealed: Buffer }>({
      name: 'test-sealed',
      text: 'select sealed from idempotency where key = $1',
      values: [key],
    })
    expect(rows).toHaveLength(2)
    for (const { sealed } of rows) {
      expect(sealed.includes(json.token)).toBe(false)
      expect(sealed.includes('sealed')).toBe(false)
    }
  })

  it('refuses another body, path or method under the same key, and knows each token by itself', async () => {
    const key = randomUUID()
    plant((await post(key, input('first'))).json.token)
    expect((await post(key, input('second'))).json).toMatchObject({ status: 422, type: 'idempotency-mismatch' })
    const patch = { token: admin, headers: { 'idempotency-key': key }, body: {} }
    expect((await call('PATCH', '/api/v1/users/x', patch)).json.type).toBe('idempotency-mismatch')
    expect(await tokensNamed('second')).toBe(0)
    const mine = await call('POST', '/api/v1/tokens', {
      body: input('second'),
      headers: { 'idempotency-key': key },
    })
    plant(mine.json.token)
    expect(mine.status).toBe(201)
  })

  it('repeats a 204, and does not hold a key for a request that was not valid', async () => {
    const made = await call('POST', '/api/v1/tokens', { body: input('short') })
    plant(made.json.token)
    const end = () =>
      call('DELETE', `/api/v1/tokens/${made.json.id}`, { headers: { 'idempotency-key': 'end' }, token: admin })
    expect([(await end()).status, (await end()).status, (await end()).text]).toEqual([204, 204, ''])
    const key = randomUUID()
    expect((await post(key, { name: 5 })).status).toBe(422)
    const right = await post(key, input('right'))
    plant(right.json.token)
    expect(right.status).toBe(201)
  })

  it.each(['', 'with space', 'ü', 'x'.repeat(256)])('refuses the key "%s"', async (key) => {
    const headers = { 'idempotency-key': encodeURI(key) === key || key === 'with space' ? key : '\u00fc' }
    const answer = await call('POST', '/api/v1/tokens', { body: input('bad'), headers })
    expect([answer.status, answer.json.type]).toEqual([400, 'bad-idempotency-key'])
  })

  it('of requests at the same time, here and in another process, one does it', async () => {
    const key = randomUUID()
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_each, index) => post(key, input('race'), index % 2 ? api : other)),
    )
    const done = answers.filter(({ status }) => status === 201)
    expect(done.length).toBeGreaterThan(0)
    for (const { json } of done) plant(json.token)
    expect(new Set(done.map(({ text }) => text)).size).toBe(1)
    for (const { status, json, headers } of answers.filter((each) => each.status !== 201)) {
      expect([status, json.type]).toEqual([409, 'idempotency-in-flight'])
      expect(headers.get('retry-after')).toBe('1')
    }
    expect(await tokensNamed('race')).toBe(1)
  })

  it('old rows are forgotten', async () => {
    const key = randomUUID()
    plant((await post(key, input('old'))).json.token)
    await platform.db.run({
      name: 'test-age',
      text: `update idempotency set created_at = now() - interval '25 hours' where key = $1`,
      values: [key],
    })
    plant((await post(key, input('old'))).json.token)
    expect(await tokensNamed('old')).toBe(2)
    await platform.db.run({
      name: 'test-age',
      text: `update idempotency set created_at = now() - interval '25 hours' where key = $1`,
      values: [key],
    })
    expect(await forgetIdempotency(platform.db)).toBe(2)
  })
})

/** A door whose handler ends between its commit and its answer, as a killed process does. */
describe('a process that dies between commit and answer', () => {
  async function doorWith(work: (change: <T>(step: (tx: Sql) => Promise<T>) => Promise<T>) => Promise<unknown>) {
    const app = fastify()
    app.setErrorHandler((error: { document?: { status: number } }, _request, reply) =>
      reply.code(error.document?.status ?? 500).send(error.document ?? {}),
    )
    app.addHook('onRequest', async (request) => {
      request.token = {
        id: 'tok_test',
        name: 'test',
        scopes: ['admin'],
        accountId: null,
        kind: 'api',
        userId: null,
        userEmail: null,
        expiresAt: null,
      }
    })
    const ready: ReadyPlatform = () => platform
    addIdempotency(app, ready, pino({ level: 'silent' }))
    app.addHook('preHandler', (request, _reply, done) => currentRequest.run(request, done))
    const change = rememberingChange(platform)
    app.post('/x', async () => work(change))
    return (key: string) => app.inject({ method: 'POST', url: '/x', payload: {}, headers: { 'idempotency-key': key } })
  }

  const insert = (name: string) => async (tx: Sql) => {
    await tx.run({ name: 'test-insert', text: 'insert into batch_probe (name) values ($1)', values: [name] })
    return { at: new Date(5), name }
  }
  const count = async (name: string) => {
    const row = await platform.db.one<{ count: number }>({
      name: 'test-count',
      text: 'select count(*)::integer as count from batch_probe where name = $1',
      values: [name],
    })
    return row?.count
  }

  it('did what it did: each transaction is done once, and the answer is made from what it gave', async () => {
    await platform.db.run({ name: 'test-table', text: 'create table batch_probe (name text)', values: [] })
    let dies: 'early' | 'late' | 'not' = 'early'
    const ask = await doorWith(async (change) => {
      const first = await change(insert('one'))
      if (dies === 'early') throw new Error('killed')
      const second = await change(insert('two'))
      if (dies === 'late') throw new Error('killed')
      return { first: first.at.getTime(), second: second.name }
    })
    expect((await ask('k')).statusCode).toBe(500)
    expect([await count('one'), await count('two')]).toEqual([1, 0])
    dies = 'late'
    expect((await ask('k')).statusCode).toBe(500)
    expect([await count('one'), await count('two')]).toEqual([1, 1])
    dies = 'not'
    const done = await ask('k')
    expect([done.statusCode, done.json()]).toEqual([200, { first: 5, second: 'two' }])
    expect([await count('one'), await count('two')]).toEqual([1, 1])
    expect((await ask('k')).headers['idempotency-replayed']).toBe('true')
  })

  it('did nothing when its transaction did not commit', async () => {
    let fails = true
    const ask = await doorWith((change) =>
      change(async (tx) => {
        const made = await insert('rolled')(tx)
        if (fails) throw new Error('before commit')
        return made.name
      }),
    )
    expect((await ask('r')).statusCode).toBe(500)
    expect(await count('rolled')).toBe(0)
    fails = false
    expect((await ask('r')).statusCode).toBe(200)
    expect(await count('rolled')).toBe(1)
  })

  it('says so when what it did is too large to be told again', async () => {
    const ask = await doorWith(async (change) => {
      await change(insert('large'))
      return change(async () => 'x'.repeat(2 * 1024 * 1024))
    })
    expect((await ask('l')).statusCode).toBe(200)
    const again = await ask('l')
    expect([again.statusCode, again.json().type]).toEqual([409, 'idempotency-answer-gone'])
    expect(await count('large')).toBe(1)
  })
})
