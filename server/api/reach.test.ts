/**
 * Every operation of the API, asked by the administrator of one customer about things of its own and of another. A route
 * that is missing here fails the test: somebody has to think about whose things it shows.
 */
import { describe, expect, it } from 'vitest'
import { PN, serialFor } from '../testing.ts'
import { type Answer, openTestApi } from './testing.ts'
import { type Ask, ROUTES } from './testing-routes.ts'
import { dump, thingsOf } from './testing-things.ts'

/** Looked at below: it does not end by itself. */
const STREAM = 'GET /api/v1/events/stream'
/** Says of each foreign thing in a list that it is not there, instead of refusing the whole. */
const PARTIAL: readonly string[] = ['POST /api/v1/rc/entries']
/** Refuses each box of a request alone, and takes none of these. */
const EACH_ALONE: readonly string[] = ['POST /api/v1/batches/{id}/boxes']

const api = await openTestApi()
const foreign = await thingsOf(api, 'zulu')
const own = await thingsOf(api, 'mike')

async function askedBy(token: string, route: string, ask: Ask): Promise<Answer> {
  const [method = '', pattern = ''] = route.split(' ')
  const path = pattern.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(String(ask.path?.[name])))
  const { body, headers } = ask
  const target = `${path}${ask.query === undefined ? '' : `?${ask.query}`}`
  return api.call(method, target, { token, body, ...(headers === undefined ? {} : { headers }) })
}

const FOREIGN_TEXTS = Object.values(foreign).filter(
  (value): value is Exclude<typeof value, number> => typeof value === 'string',
)

/** What an answer says of the other account that the question did not say itself. */
function foreignIn(answer: Answer, ask: Ask): readonly string[] {
  const question = JSON.stringify(ask)
  return FOREIGN_TEXTS.filter((text) => answer.text.includes(text) && !question.includes(text))
}

/** Never the answer itself: it may hold what was revealed. */
function told(route: string, { status, json }: Answer): string {
  return `${route}: ${status} ${status < 400 ? '' : `${json?.type} ${json?.detail}`}`
}

async function expectRefused(route: string, ask: Ask): Promise<void> {
  const before = await dump(api)
  const answer = await askedBy(own.admin, route, ask)
  const found = route.startsWith('GET') && answer.status === 200
  // A filter that names foreign things is refused or finds nothing; secrets that it shows of own things are noted.
  if (EACH_ALONE.includes(route)) expect(answer.json).toMatchObject({ added: 0, already: 0, refused: [{ index: 0 }] })
  else if (!found) expect([403, 404, 409, 422], told(route, answer)).toContain(answer.status)
  expect(foreignIn(answer, ask), told(route, answer)).toEqual([])
  if (!ask.query?.includes('reveal')) expect(await dump(api), route).toEqual(before)
}

describe('a token that is limited to an account', () => {
  it('is thought of in every route of the API', async () => {
    const { paths } = (await api.call('GET', '/api/v1/openapi.json')).json
    const known = Object.entries(paths as Readonly<Record<string, object>>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect([...Object.keys(ROUTES), STREAM].toSorted()).toEqual(known.toSorted())
  })

  const entries = Object.entries(ROUTES)
  it.each(entries)('neither sees nor changes what others have by %s', async (route, { ask, mixed, status }) => {
    const plain = ask(foreign)
    const namesNothing = JSON.stringify(plain) === JSON.stringify(ask(own)) || status !== undefined
    if (!namesNothing && !PARTIAL.includes(route)) {
      const before = await dump(api)
      const answer = await askedBy(own.admin, route, plain)
      // An import names what is wrong in each row.
      expect(route.includes('/import/') ? [422] : [403, 404], told(route, answer)).toContain(answer.status)
      expect(foreignIn(answer, plain), told(route, answer)).toEqual([])
      expect(await dump(api), route).toEqual(before)
    }
    for (const each of mixed?.(own, foreign) ?? []) await expectRefused(route, each)
  })

  it.each(entries)('has what is its own by %s', async (route, { ask, status }) => {
    const things = route.startsWith('GET') || status !== undefined ? own : await thingsOf(api, 'alfa')
    const asked = ask(things)
    const answer = await askedBy(things.admin, route, asked)
    if (status === undefined) expect(answer.status, told(route, answer)).toBeLessThan(300)
    else expect(answer.status, told(route, answer)).toBe(status)
    expect(foreignIn(answer, asked), told(route, answer)).toEqual([])
  })

  it('hears nothing of others on the live stream', async () => {
    const elsewhere = await askedBy(own.admin, STREAM, { query: `accountId=${foreign.account}` })
    expect(elsewhere.status).toBe(404)
    const ended = new AbortController()
    const response = await fetch(`${api.base}/api/v1/events/stream`, {
      headers: { authorization: `Bearer ${own.admin}` },
      signal: ended.signal,
    })
    for (const { account: id, mac: phone } of [foreign, own]) {
      const made = await api.call('POST', `/api/v1/devices/${phone}/rotate-key`)
      expect(made.status, id).toBe(200)
    }
    await api.platform.flush()
    let text = ''
    for await (const bytes of response.body ?? []) {
      text += new TextDecoder().decode(bytes)
      if (text.includes(own.mac)) break
    }
    ended.abort()
    expect(FOREIGN_TEXTS.filter((each) => text.includes(each))).toEqual([])
  })

  it('does not see what an account before asked of a phone', async () => {
    const [before, after] = [await thingsOf(api, 'kilo'), await thingsOf(api, 'lima')]
    await api.call('POST', `/api/v1/devices/${before.mac}/release`)
    const body = { mac: before.mac, serial: serialFor(before.mac), model: PN, accountId: after.account }
    expect((await api.call('POST', '/api/v1/devices', { body })).status).toBe(201)
    const tr069 = ['tr069', 'tr069/parameters', 'tr069/messages', 'tr069/tasks']
    const reported = ['reports', 'reported', 'drift', 'problem-reports']
    const paths = ['actions', 'events', ...reported, 'config', 'registration', ...tr069, '']
    for (const path of paths) {
      const answer = await api.call('GET', `/api/v1/devices/${before.mac}/${path}`.replace(/\/$/, ''), {
        token: after.admin,
      })
      expect(answer.status, path).toBe(200)
      expect(
        [before.account, before.action, before.task, 'kilo'].filter((text) => answer.text.includes(text)),
        path,
      ).toEqual([])
    }
  })
})
