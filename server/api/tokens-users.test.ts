import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { forgetOldTokens } from '../store/mod.ts'
import { plant } from '../testing.ts'
import { Passwords } from './passwords.ts'
import { forgetsReach, reachOf } from './reach.ts'
import { openTestApi } from './testing.ts'

const api = await openTestApi()
const { account, call, platform } = api

const reseller = await account()
const customer = await account(reseller)
const stranger = await account()

const newPassword = () => plant(randomBytes(12).toString('base64url'))
const emailOf = (name: string) => `${name}-${randomBytes(4).toString('hex')}@example.com`

async function user(role: string, more: object = {}) {
  const password = newPassword()
  const email = emailOf(role)
  const made = await call('POST', '/api/v1/users', { body: { email, role, password, ...more } })
  expect([made.status, made.json.detail]).toEqual([201, undefined])
  return { id: made.json.id as string, email, password }
}

async function signIn(email: string, password: string): Promise<string> {
  const answer = await call('POST', '/api/v1/session', { body: { email, password }, token: '' })
  expect(answer.status).toBe(201)
  return plant(answer.json.token as string)
}

const works = async (token: string) => (await call('GET', '/api/v1/session', { token })).status

describe('tokens', () => {
  it('are told once, listed without their text, used, and ended at once in every process', async () => {
    const body = { name: 'nightly', scopes: ['read', 'read'], ttlSeconds: 3600 }
    const made = await call('POST', '/api/v1/tokens', { body })
    const token = plant(made.json.token as string)
    expect(made.json).toMatchObject({ name: 'nightly', scopes: ['read'], accountId: null, createdBy: 'token:admin' })
    expect(Date.parse(made.json.expiresAt) - Date.now()).toBeGreaterThan(3_500_000)
    expect(await works(token)).toBe(200)
    const listed = await call('GET', '/api/v1/tokens?q=NIGHT&limit=10')
    expect(listed.json.items.map((each: { id: string }) => each.id)).toEqual([made.json.id])
    expect(listed.text).not.toContain(token)
    const other = await api.listenAnother()
    expect((await other.call('GET', '/api/v1/session', { token })).status).toBe(200)
    expect((await call('DELETE', `/api/v1/tokens/${made.json.id}`)).status).toBe(204)
    expect((await call('DELETE', `/api/v1/tokens/${made.json.id}`)).status).toBe(404)
    expect([await works(token), (await other.call('GET', '/api/v1/session', { token })).status]).toEqual([401, 401])
  })

  it('are listed page by page in the order that was asked for', async () => {
    for (const name of ['p-b', 'p-c', 'p-a'])
      plant((await call('POST', '/api/v1/tokens', { body: { name, scopes: ['read'] } })).json.token)
    const names: string[] = []
    let after = ''
    for (let page = 0; page < 5; page++) {
      const { json } = await call('GET', `/api/v1/tokens?q=p-&sort=-name&limit=2${after}`)
      names.push(...json.items.map((each: { name: string }) => each.name))
      if (json.next === null) break
      after = `&after=${json.next}`
    }
    expect(names).toEqual(['p-c', 'p-b', 'p-a'])
    expect((await call('GET', '/api/v1/tokens?after=nonsense')).json.type).toBe('bad-after')
  })

  it.each([
    ['admin', 'read', 403],
    ['write', 'read', 403],
  ] as const)('a token without admin (%s wanted by %s) makes none', async (wanted, own, status) => {
    const token = await api.tokenFor([own])
    expect((await call('POST', '/api/v1/tokens', { body: { name: 'x', scopes: [wanted] }, token })).status).toBe(status)
  })

  it('never make one with more reach or a longer life', async () => {
    const limited = await api.tokenFor(['admin'], { accountId: reseller, ttlSeconds: 100 })
    const make = (more: object) =>
      call('POST', '/api/v1/tokens', { body: { name: 'x', scopes: ['admin'], ...more }, token: limited })
    const own = await make({})
    plant(own.json.token)
    expect([own.status, own.json.accountId]).toEqual([201, reseller])
    expect(Date.parse(own.json.expiresAt) - Date.now()).toBeLessThan(101_000)
    const below = await make({ accountId: customer, ttlSeconds: 1_000_000 })
    plant(below.json.token)
    expect([below.status, below.json.accountId]).toEqual([201, customer])
    expect(Date.parse(below.json.expiresAt) - Date.now()).toBeLessThan(101_000)
    expect((await make({ accountId: stranger })).status).toBe(404)
    const listed = await call('GET', '/api/v1/tokens?limit=1000', { token: limited })
    for (const each of listed.json.items) expect([reseller, customer]).toContain(each.accountId)
    const all = await call('POST', '/api/v1/tokens', { body: { name: 'all', scopes: ['read'] } })
    plant(all.json.token)
    expect((await call('DELETE', `/api/v1/tokens/${all.json.id}`, { token: limited })).status).toBe(404)
  })

  it('note when they were used last, and are deleted 30 days after their end', async () => {
    const quiet = await openTestApi()
    const made = await quiet.call('POST', '/api/v1/tokens', { body: { name: 'u', scopes: ['read'], ttlSeconds: 5 } })
    expect(await quiet.call('GET', '/api/v1/session', { token: plant(made.json.token as string) })).toMatchObject({
      status: 200,
    })
    await quiet.door.close()
    const row = await quiet.platform.db.one<{ used: boolean }>({
      name: 'test-used',
      text: 'select last_used_at is not null as used from token where id = $1',
      values: [made.json.id],
    })
    expect(row?.used).toBe(true)
    const age = (days: number) =>
      quiet.platform.db.run({
        name: 'test-age',
        text: 'update token set expires_at = now() - make_interval(days => $2) where id = $1',
        values: [made.json.id, days],
      })
    await age(29)
    expect(await forgetOldTokens(quiet.platform.db)).toBe(0)
    await age(31)
    expect(await forgetOldTokens(quiet.platform.db)).toBe(1)
  })
})

describe('users', () => {
  it.each([
    ['owner', undefined, 204],
    ['engineer', undefined, 403],
    ['support', undefined, 403],
    ['reseller', reseller, 204],
    ['customer', customer, 403],
  ])('%s: signs in, is named in revisions, and may what the role may', async (role, accountId, status) => {
    const made = await user(role, accountId === undefined ? {} : { accountId })
    const token = await signIn(made.email.toUpperCase(), made.password)
    const session = await call('GET', '/api/v1/session', { token })
    expect(session.json).toMatchObject({ kind: 'session', userEmail: made.email, accountId: accountId ?? null })
    const other = await user('customer', { accountId: customer })
    expect((await call('DELETE', `/api/v1/users/${other.id}`, { token })).status).toBe(status)
    const { json } = await call('GET', `/api/v1/audit?target=${other.id}`)
    expect(json.items[0].who).toBe(status === 204 ? `user:${made.email}` : 'token:admin')
  })

  it('a wrong password, an unknown address, a disabled user and one without a password look the same', async () => {
    const known = await user('support')
    const off = await user('support')
    await call('PATCH', `/api/v1/users/${off.id}`, { body: { disabled: true } })
    const email = emailOf('none')
    await call('POST', '/api/v1/users', { body: { email, role: 'support' } })
    const answers = await Promise.all(
      [
        { email: known.email, password: newPassword() },
        { email: emailOf('unknown'), password: newPassword() },
        { email: off.email, password: off.password },
        { email, password: newPassword() },
      ].map((body) => call('POST', '/api/v1/session', { body, token: '' })),
    )
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers[0]?.json.type).toBe('wrong-password')
  })

  it('an unknown address takes as long as a known one', async () => {
    const passwords = new Passwords()
    const stored = await passwords.hash('right')
    // The least of several in turn: other work on the machine only ever adds.
    const least = { known: Infinity, unknown: Infinity }
    await passwords.verify(undefined, 'wrong')
    for (let round = 0; round < 10; round++) {
      for (const which of ['known', 'unknown'] as const) {
        const start = performance.now()
        expect(await passwords.verify(which === 'known' ? stored : undefined, 'wrong')).toBe(false)
        least[which] = Math.min(least[which], performance.now() - start)
      }
    }
    expect(least.unknown / least.known).toBeGreaterThan(0.4)
    expect(least.unknown / least.known).toBeLessThan(2.5)
    expect(await passwords.verify(stored, 'right')).toBe(true)
    expect(await passwords.verify(undefined, 'nobody has this password')).toBe(false)
  })

  it('ten wrong passwords lock an address for a while, known or not, and are forgotten afterwards', async () => {
    const email = emailOf('locked')
    const attempt = () => call('POST', '/api/v1/session', { body: { email, password: newPassword() }, token: '' })
    for (let count = 0; count < 10; count++) expect((await attempt()).status).toBe(401)
    const locked = await attempt()
    expect([locked.status, locked.json.type]).toEqual([429, 'too-many-wrong-passwords'])
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(200)
    const passwords = new Passwords()
    for (let count = 0; count < 10; count++) passwords.failed('a@b', 0)
    expect(passwords.wait('A@B', 1000)).toBe(299)
    expect(passwords.wait('a@b', 300_000)).toBeUndefined()
    for (let index = 0; index < 20_000; index++) passwords.failed(`${index}@b`, 0)
    expect(passwords.wait('a@b', 1000)).toBeUndefined()
  })

  it('a new password, another role and a disablement end sessions and what was made in them', async () => {
    const made = await user('owner')
    const first = await signIn(made.email, made.password)
    const child = await call('POST', '/api/v1/tokens', { body: { name: 'child', scopes: ['admin'] }, token: first })
    const grandchild = await call('POST', '/api/v1/tokens', {
      body: { name: 'grandchild', scopes: ['read'] },
      token: plant(child.json.token as string),
    })
    plant(grandchild.json.token)
    const password = newPassword()
    await call('PATCH', `/api/v1/users/${made.id}`, { body: { password } })
    expect([await works(first), await works(child.json.token)]).toEqual([401, 200])
    const second = await signIn(made.email, password)
    await call('PATCH', `/api/v1/users/${made.id}`, { body: { role: 'engineer' } })
    expect([await works(second), await works(child.json.token), await works(grandchild.json.token)]).toEqual([
      401, 401, 401,
    ])
    const third = await signIn(made.email, password)
    await call('PATCH', `/api/v1/users/${made.id}`, { body: { disabled: true } })
    expect(await works(third)).toBe(401)
  })

  it('change their own password with the present one, and sign out', async () => {
    const made = await user('customer', { accountId: customer })
    const token = await signIn(made.email, made.password)
    const password = newPassword()
    const change = (current: string) => call('PUT', '/api/v1/session/password', { body: { current, password }, token })
    expect((await change(newPassword())).status).toBe(401)
    expect((await change(made.password)).status).toBe(200)
    expect(await works(token)).toBe(401)
    const again = await signIn(made.email, password)
    expect((await call('DELETE', '/api/v1/session', { token: again })).status).toBe(204)
    expect(await works(again)).toBe(401)
    expect((await call('DELETE', '/api/v1/session')).json.type).toBe('no-session')
  })

  it('nobody makes or changes one with more rights or reach', async () => {
    const made = await user('reseller', { accountId: reseller })
    const token = await signIn(made.email, made.password)
    const make = (body: object) => call('POST', '/api/v1/users', { body: { email: emailOf('x'), ...body }, token })
    expect((await make({ role: 'customer', accountId: customer })).status).toBe(201)
    expect((await make({ role: 'customer', accountId: stranger })).status).toBe(404)
    expect((await make({ role: 'owner' })).json.accountId).toBe(reseller)
    const engineer = await user('engineer')
    expect((await call('GET', `/api/v1/users/${engineer.id}`, { token })).status).toBe(404)
    expect((await call('PATCH', `/api/v1/users/${engineer.id}`, { body: { name: 'x' }, token })).status).toBe(404)
    const own = await call('PATCH', `/api/v1/users/${made.id}`, { body: { accountId: null }, token })
    expect([own.status, own.json.type]).toEqual([403, 'out-of-reach'])
    expect((await call('POST', '/api/v1/users', { body: { email: emailOf('r'), role: 'reseller' } })).json.type).toBe(
      'account-missing',
    )
    expect((await call('POST', '/api/v1/users', { body: { email: made.email, role: 'support' } })).json.type).toBe(
      'email-taken',
    )
    expect((await call('POST', '/api/v1/users', { body: { email: 'x', role: 'support' } })).status).toBe(422)
  })

  it('the last owner stays', async () => {
    const fresh = await openTestApi()
    const only = { email: emailOf('only'), role: 'owner', password: newPassword() }
    const { json } = await fresh.call('POST', '/api/v1/users', { body: only })
    for (const body of [{ disabled: true }, { role: 'support' }, { accountId: 'acc_x' }]) {
      const answer = await fresh.call('PATCH', `/api/v1/users/${json.id}`, { body })
      expect([409, 404]).toContain(answer.status)
    }
    expect((await fresh.call('DELETE', `/api/v1/users/${json.id}`)).json.type).toBe('last-owner')
    await fresh.call('POST', '/api/v1/users', { body: { email: emailOf('two'), role: 'owner' } })
    expect((await fresh.call('DELETE', `/api/v1/users/${json.id}`)).status).toBe(204)
  })

  it('neither passwords nor their hashes leave the database in clear', async () => {
    const made = await user('support')
    const rows = await platform.db.query<{ text: string }>({
      name: 'test-user-rows',
      text: `select u::text || coalesce((select string_agg(r::text, '') from revision r where r.target = u.id), '') as text
               from api_user u where id = $1`,
      values: [made.id],
    })
    expect(rows[0]?.text).not.toContain(made.password)
    expect(Buffer.from(rows[0]?.text ?? '').toString('latin1')).not.toContain('argon2')
  })
})

describe('the audit', () => {
  it('filters, pages, masks what is secret, and shows a limited token only its own', async () => {
    const { recordRevision } = await import('../store/mod.ts')
    const sealed = plant(randomBytes(8).toString('base64'))
    const who = `token:${randomBytes(4).toString('hex')}`
    for (const target of [customer, stranger, customer]) {
      await recordRevision(platform.db, {
        who,
        scope: 'layer/account',
        target,
        what: 'replaced',
        after: { Password_1_: { sealed, ua: 'na' }, Admin_Password: sealed, list: [{ token: sealed }], Other: 'x' },
      })
    }
    const all = await call('GET', `/api/v1/audit?who=${who}&scope=layer/account`)
    expect(all.json.items.map((each: { accountId: string }) => each.accountId)).toEqual([customer, stranger, customer])
    expect(all.text).not.toContain(sealed)
    expect(all.json.items[0].after).toEqual({
      Password_1_: { sealed: '***', ua: 'na' },
      Admin_Password: '***',
      list: [{ token: '***' }],
      Other: 'x',
    })
    const page = await call('GET', `/api/v1/audit?who=${who}&limit=2`)
    const rest = await call('GET', `/api/v1/audit?who=${who}&limit=2&after=${page.json.next}`)
    expect([page.json.items.length, rest.json.items.length, rest.json.next]).toEqual([2, 1, null])
    const limited = await api.tokenFor(['read'], { accountId: reseller })
    const seen = await call('GET', '/api/v1/audit?limit=1000', { token: limited })
    expect(seen.json.items.length).toBeGreaterThan(2)
    for (const each of seen.json.items) expect([reseller, customer]).toContain(each.accountId)
    const at = all.json.items[1].at as string
    const since = await call('GET', `/api/v1/audit?who=${who}&since=${at}`)
    expect(since.json.items.length).toBe(2)
    expect((await call('GET', `/api/v1/audit?who=${who}&until=${at}&target=${customer}`)).json.items.length).toBe(1)
    expect((await call('GET', '/api/v1/audit?since=yesterday')).status).toBe(422)
  })
})

describe('routes that forget to ask for the reach', () => {
  const request = (accountId: string | null, config: object) =>
    ({ routeOptions: { config }, token: { accountId } }) as unknown as FastifyRequest

  it('are closed to limited tokens, and to no others', async () => {
    expect(forgetsReach(request(reseller, { scope: 'read' }))).toBe(true)
    expect(forgetsReach(request(null, { scope: 'read' }))).toBe(false)
    expect(forgetsReach(request(reseller, { scope: 'read', reach: 'free' }))).toBe(false)
    expect(forgetsReach(request(reseller, {}))).toBe(false)
    const asks = request(reseller, { scope: 'read' })
    expect(await reachOf(asks, platform)).toEqual(expect.arrayContaining([reseller, customer]))
    expect(forgetsReach(asks)).toBe(false)
  })

  it('what belongs to the whole platform is closed to limited tokens', async () => {
    const token = await api.tokenFor(['admin'], { accountId: reseller })
    const { json } = await call('GET', '/api/v1/device-cas')
    const refused = await call('DELETE', `/api/v1/device-cas/${json.items[0].fingerprint}`, { token })
    expect([refused.status, refused.json.type]).toEqual([403, 'out-of-reach'])
    expect((await call('GET', '/api/v1/device-cas')).json).toEqual(json)
  })
})
