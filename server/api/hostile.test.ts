/** Requests that nobody means well, to every operation: each is answered soon, and never with "the server failed". */
import { request as httpRequest } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openTestApi } from './testing.ts'
import { type Ask, ROUTES } from './testing-routes.ts'
import { thingsOf } from './testing-things.ts'

const api = await openTestApi()
const things = await thingsOf(api, 'oscar')
const admin = await api.tokenFor(['admin', 'secrets'])

/** Requests of one route. */
const RUNS = 25
/** Longer than any of them may take on a busy machine. */
const ANSWER_MS = 8_000

const mark = (value: string, key: string): string => Buffer.from(JSON.stringify([value, key])).toString('base64url')
const TEXTS: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u202e',
  '__proto__',
  'constructor',
  'null',
  'true',
  '[object Object]',
  '0',
  '-1',
  '1.5',
  'NaN',
  '1e308',
  '2147483648',
  '9007199254740993',
  '99999999999999999999',
  '999999999999999',
  "' or 1=1; --",
  '%',
  '_\\',
  '$1',
  '../../etc/passwd',
  '..%2f..%2fetc',
  '/etc/passwd',
  '<x>&amp;',
  '*',
  '-',
  '.',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59-23:59',
  '2026-02-30T00:00:00Z',
  mark('\u0000', 'x'),
  mark('infinity', 'x'),
  mark('2026-02-30 00:00:00+00', 'x'),
  mark('x', '\ud800'),
  mark('9999-12-31 25:61:61+99', 'x'),
  mark('0000-01-01 00:00:00+00', 'x'),
  mark('', ''),
  'x'.repeat(300),
  '\u00e9'.repeat(5000),
  '00562bffffff',
  '00:00:00:00:00:00',
  'acc_x',
  '*.*',
  'device.*,,',
]
const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
const VALUES: readonly unknown[] = [
  ...TEXTS,
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53 - 1,
  2 ** 53,
  1e308,
  [],
  {},
  [null],
  [[]],
  [{}],
  'x'.repeat(100_000),
  JSON.parse(deep(40)),
  JSON.parse('{"__proto__":{"a":1}}'),
  { constructor: { prototype: 1 } },
]
const BODIES: readonly (string | Buffer)[] = [
  '',
  'null',
  '"text"',
  '[]',
  '0',
  '{',
  '\u0000',
  deep(100_000),
  `{"a":${deep(50_000)}}`,
  '{"__proto__":{"a":1}}',
  `"${'x'.repeat(2_200_000)}"`,
  JSON.stringify({ items: Array.from({ length: 2000 }, () => null) }),
  Buffer.from([0xff, 0xfe, 0x00, 0x22]),
]
const TYPES = ['application/json', 'text/csv', 'text/plain', 'application/octet-stream', 'multipart/form-data', 'x', '']

interface Sent {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | undefined
}

/** Past `fetch`, which would tidy the target. @returns the status, 0 when the connection was cut */
function statusOf({ method, target, headers, body }: Sent): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = new URL(api.base)
    // The token is no part of what a failure prints.
    const all = { authorization: `Bearer ${admin}`, ...headers }
    const options = { host: url.hostname, port: url.port, method, path: target, headers: all, timeout: ANSWER_MS }
    const asked = httpRequest(options, (answer) => {
      resolve(answer.statusCode ?? 0)
      answer.destroy()
    })
    asked.on('timeout', () => reject(new Error(`no answer to ${method} ${target.slice(0, 200)}`)))
    // A body that is too large is answered, and the rest of it is not read.
    asked.on('error', () => resolve(0))
    asked.end(body)
  })
}

function sentOf(route: string, ask: Ask, more: Partial<Sent> = {}): Sent {
  const [method = '', pattern = ''] = route.split(' ')
  const path = pattern.replace(/\{(\w+)\}/g, (_all, name: string) => encoded(String(ask.path?.[name])))
  const text = ask.body === undefined ? undefined : JSON.stringify(ask.body)
  const headers: Sent['headers'] = text === undefined ? {} : { 'content-type': 'application/json' }
  return { method, target: `${path}${ask.query === undefined ? '' : `?${ask.query}`}`, headers, body: text, ...more }
}

/** Also for halves of surrogate pairs, which become bytes that are no UTF-8. */
function encoded(text: string): string {
  return /\p{Cs}/u.test(text) ? '%ED%A0%80' : encodeURIComponent(text)
}

type Json = Readonly<Record<string, unknown>>

/** Paths to everything in a body, `[]` for the whole. */
function placesIn(value: unknown, place: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [place]
  return [place, ...Object.entries(value).flatMap(([name, each]) => placesIn(each, [...place, name]))]
}

function replaced(value: unknown, [first, ...rest]: readonly string[], by: unknown): unknown {
  if (first === undefined) return by
  if (Array.isArray(value))
    return value.map((each, index) => (String(index) === first ? replaced(each, rest, by) : each))
  return { ...(value as Json), [first]: replaced((value as Json | undefined)?.[first], rest, by) }
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: { $ref?: string } & Json }>> }
}

const { paths, components } = (await api.call('GET', '/api/v1/openapi.json')).json

function operationOf(route: string): Operation {
  const [method = '', pattern = ''] = route.split(' ')
  return paths[pattern][method.toLowerCase()]
}

/** Names of the fields that its body may have. */
function fieldsOf(operation: Operation): readonly string[] {
  const schema = operation.requestBody?.content?.['application/json']?.schema
  const name = schema?.$ref?.split('/').at(-1)
  const found = name === undefined ? schema : components.schemas[name]
  return Object.keys((found?.['properties'] as object | undefined) ?? {})
}

/** One good request with one thing in it that is not. */
function hostile(route: string): fc.Arbitrary<Sent> {
  const ask: Ask = ROUTES[route]?.ask(things) ?? {}
  const operation = operationOf(route)
  const queries = (operation.parameters ?? []).filter((each) => each.in === 'query').map(({ name }) => name)
  const fields = [...placesIn(ask.body), ...fieldsOf(operation).map((name) => [name])]
  const text = fc.constantFrom(...TEXTS)
  const value = fc.constantFrom(...VALUES)
  const inPath = fc.tuple(fc.constantFrom(...Object.keys(ask.path ?? { none: 0 })), text).map(([name, by]) => {
    return sentOf(route, { ...ask, path: { ...ask.path, [name]: by } })
  })
  const inQuery = fc
    .array(fc.tuple(fc.constantFrom(...queries, 'after', '__proto__', 'x'), text), { minLength: 1, maxLength: 3 })
    .map((pairs) => pairs.map(([name, by]) => `${name}=${encoded(by)}`).join('&'))
    .map((query) => sentOf(route, { ...ask, query }))
  const inBody = fc.tuple(fc.constantFrom(...(fields.length === 0 ? [[]] : fields)), value).map(([place, by]) => {
    return sentOf(route, { ...ask, body: replaced(ask.body, place, by) })
  })
  const whole = fc.tuple(fc.constantFrom(...BODIES), fc.constantFrom(...TYPES)).map(([body, type]) => {
    const good = sentOf(route, ask)
    return { ...good, body, headers: { 'content-type': type } }
  })
  const key = inBody.map((sent) => ({
    ...sent,
    headers: { ...sent.headers, 'idempotency-key': String(Math.random()) },
  }))
  return route.startsWith('GET')
    ? fc.oneof(...(ask.path === undefined ? [] : [inPath]), inQuery)
    : fc.oneof(...(ask.path === undefined ? [] : [inPath]), inQuery, inBody, inBody, inBody, whole, key)
}

describe('a hostile request', () => {
  // What takes things away comes last: before, the others find them.
  const routes = Object.keys(ROUTES).toSorted((a, b) => Number(a.startsWith('DELETE')) - Number(b.startsWith('DELETE')))

  it.each(routes)('never makes the server fail: %s', async (route) => {
    await fc.assert(
      fc.asyncProperty(hostile(route), async (sent) => {
        const status = await statusOf(sent)
        return status !== 500 && status !== 502
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
  })

  it.each(['text/plain', 'text/csv', 'application/octet-stream', 'application/x-www-form-urlencoded'])(
    'of type %s does nothing where JSON is read',
    async (type) => {
      const made = await thingsOf(api, 'tango')
      const target = `/api/v1/lines/${made.line}/unassign`
      const body = JSON.stringify({ rotatePassword: false })
      expect(await statusOf({ method: 'POST', target, headers: { 'content-type': type }, body })).toBe(415)
      expect((await api.call('GET', `/api/v1/lines/${made.line}`)).json).toMatchObject({ mac: made.mac })
    },
  )

  it('leaves it healthy', async () => {
    expect((await api.call('GET', '/health')).status).toBe(200)
  })
})
