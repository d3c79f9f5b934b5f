import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openTestApi } from './testing.ts'
import { unknownFields } from './unknown-fields.ts'
import { WrongTokens } from './wrong-tokens.ts'

const api = await openTestApi({ wrongTokensMax: 5 })
const { call } = api

interface Operation {
  readonly operationId: string
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
  readonly security: readonly object[]
  readonly responses: Readonly<Record<string, { readonly content?: object }>>
}

function operationsOf(document: { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
}

const WRONG = `oh_${'A'.repeat(43)}`

describe('fields that nobody knows', () => {
  it('are refused by name in a body, with those that are known', async () => {
    const answer = await call('POST', '/api/v1/tokens', { body: { name: 'x', scopes: ['read'], scope: 'read' } })
    expect([answer.status, answer.json.type]).toEqual([422, 'unknown-field'])
    expect(answer.json.detail).toContain('body/scope')
    expect(answer.json.problems[0]).toMatchObject({ place: 'body/scope', advice: expect.stringContaining('scopes') })
  })

  it('are refused in a query, also of a route that takes none, and in the body of a route that takes none', async () => {
    expect((await call('GET', '/api/v1/tokens?limt=5')).json).toMatchObject({ type: 'unknown-field', status: 422 })
    expect((await call('GET', '/api/v1/session?x=1')).json).toMatchObject({ type: 'unknown-field' })
    expect((await call('DELETE', '/api/v1/tokens/tok_x', { body: { force: true } })).json.type).toBe('unknown-field')
    expect((await call('DELETE', '/api/v1/tokens/tok_x', { body: {} })).status).toBe(404)
  })

  const Inner = z.object({ a: z.string().optional() })
  const lazy: z.ZodType = z.lazy(() => z.object({ child: lazy.optional() }))
  it.each([
    ['an object', Inner, { a: '', b: 1 }, ['/b']],
    ['a list', z.array(Inner), [{ a: '' }, { c: 1 }], ['/1/c']],
    ['a record', z.record(z.string(), Inner), { x: { d: 1 } }, ['/x/d']],
    ['an optional one with a default', Inner.optional().default({}), { b: 1 }, ['/b']],
    ['a nullish one that is transformed', Inner.nullish().transform((x) => x), { b: 1 }, ['/b']],
    ['a union', z.union([Inner.extend({ kind: z.literal('x') }), Inner]), { kind: 'x', a: '' }, []],
    ['a union of which none knows it', z.union([Inner, z.object({ c: z.string() })]), { b: 1 }, ['/b']],
    ['an intersection', z.intersection(Inner, z.object({ c: z.int() })), { a: '', c: 1, d: 1 }, ['/d']],
    ['an open object', z.looseObject({}), { b: 1 }, []],
    ['a nested one', z.object({ in: Inner }), { in: { a: '', b: 1 } }, ['/in/b']],
    ['a lazy one', lazy, { child: { child: { x: 1 } } }, ['/child/child/x']],
  ])('are found in %s', (_what, schema: z.ZodType, data, paths) => {
    expect(unknownFields(schema, data).map(({ path }) => path)).toEqual(paths)
  })

  it('are looked for in anything without throwing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        expect(Array.isArray(unknownFields(z.object({ a: z.array(Inner) }), data))).toBe(true)
      }),
    )
  })
})

describe('the documents', () => {
  it('name each schema once; bodies are closed and answers open', async () => {
    const { json, text } = await call('GET', '/api/v1/openapi.json', { token: '' })
    const names = Object.keys(json.components.schemas)
    for (const name of names) {
      expect(text, name).toContain(`"#/components/schemas/${name}"`)
      if (names.includes(`${name}Input`))
        expect(json.components.schemas[`${name}Input`], name).not.toEqual(json.components.schemas[name])
    }
    expect(names).toContain('NewToken')
    expect(names).not.toContain('NewTokenInput')
    expect(json.components.schemas.NewToken.additionalProperties).toBe(false)
    expect(json.components.schemas.Token).not.toHaveProperty('additionalProperties')
  })

  it('are valid where generators look: ids of operations, parameters of paths, problems, no body with 204', async () => {
    const { json, text } = await call('GET', '/api/v1/openapi.json', { token: '' })
    expect(text).not.toContain('"nullable"')
    const operations = operationsOf(json)
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
    for (const { path, method, operation } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const declared = (operation.parameters ?? []).filter((each) => each.in === 'path')
      expect([path, declared.map((each) => each.name)]).toEqual([path, named])
      expect(operation.responses['default']?.content).toHaveProperty(['application/problem+json'])
      if (operation.responses['204'] !== undefined) expect(operation.responses['204']).not.toHaveProperty('content')
      for (const response of Object.values(operation.responses)) expect(response).toHaveProperty('description')
      if (method !== 'get' && path.startsWith('/api'))
        expect(JSON.stringify(operation.parameters)).toContain('Idempotency-Key')
    }
  })

  it('say which scope each route needs; only health and signing in need none', async () => {
    const { json } = await call('GET', '/api/v1/openapi.json', { token: '' })
    const open = operationsOf(json).filter(({ operation }) => operation.security.length === 0)
    expect(open.map(({ path, method }) => `${method} ${path}`).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'get /health',
      'post /api/v1/session',
    ])
    expect(json.paths['/api/v1/tokens'].post.security).toEqual([{ token: ['admin'] }])
  })

  it('have a readable page that asks nobody else', async () => {
    const page = await call('GET', '/api/docs', { token: '' })
    expect(page.status).toBe(200)
    expect(page.text).toContain('<title>Offhook</title>')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'self'")
    expect(policy).not.toMatch(/https?:/)
    const sources = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '')
    expect(sources.length).toBeGreaterThan(3)
    for (const source of sources) {
      expect(source).not.toMatch(/^(?:https?:)?\/\//)
      expect([source, (await call('GET', new URL(source, `${api.base}/api/docs/`).pathname)).status]).toEqual([
        source,
        200,
      ])
    }
    expect((await call('GET', '/api/docs/json', { token: '' })).json.openapi).toBe('3.1.0')
  })
})

describe('wrong tokens', () => {
  it('make their peer wait, but not whoever had a right one there', async () => {
    expect((await call('GET', '/api/v1/session')).status).toBe(200)
    for (let count = 0; count < 5; count++)
      expect((await call('GET', '/api/v1/session', { token: count % 2 ? WRONG : 'nonsense' })).status).toBe(401)
    const refused = await call('GET', '/api/v1/session', { token: WRONG })
    expect([refused.status, refused.json.type]).toEqual([429, 'too-many-wrong-tokens'])
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(60)
    expect((await call('GET', '/api/v1/session')).status).toBe(200)
  })

  it('are forgotten after a minute, counted by network, and bounded', () => {
    const wrong = new WrongTokens(2)
    for (const peer of ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9']) wrong.wrong(peer, undefined, 1000)
    expect(wrong.wait('2001:db8:1:2:3:4:5:6', 'm', 1000)).toBe(60)
    expect(wrong.wait('2001:db8:1:3::1', 'm', 1000)).toBeUndefined()
    expect(wrong.wait('2001:db8:1:2::1', 'm', 61_000)).toBeUndefined()
    wrong.right('good')
    expect(wrong.wait('2001:db8:1:2::1', 'good', 1000)).toBeUndefined()
    for (let index = 0; index < 20_000; index++) wrong.wrong(`10.0.${index >> 8}.${index & 255}`, undefined, 1000)
    expect(wrong.wait('2001:db8:1:2::1', 'm', 1000)).toBeUndefined()
  })
})
