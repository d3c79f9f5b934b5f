/** The OpenAPI document: made from the schemas of the routes, put into the form that people and generators read best. */
import type { RouteOptions } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { IDEMPOTENCY_HOURS } from '../store/mod.ts'

type Json = Readonly<Record<string, unknown>>
type Transform = typeof jsonSchemaTransform
type TransformObject = typeof jsonSchemaTransformObject

/** Bodies and queries are closed (unknown fields are refused); answers are open: a later release may add a field. */
export const transformRoute: Transform = (route) => {
  const { schema, url } = jsonSchemaTransform(route)
  const { scope, orScope } = (route as { readonly route?: RouteOptions }).route?.config ?? {}
  if (schema === undefined || schema.hide === true) return { schema, url }
  const { body, response, querystring, ...rest } = schema as Readonly<Record<string, unknown>>
  return {
    schema: {
      ...rest,
      tags: [tagOf(url)],
      // OpenAPI 3.1 lists the roles here that a token must have; one of them is enough.
      security: [scope, orScope].flatMap((each) => (each === undefined ? [] : [{ token: [each] }])),
      ...(querystring === undefined ? {} : { querystring }),
      ...(body === undefined ? {} : { body: closed(body) }),
      ...(response === undefined ? {} : { response: opened(response) }),
    },
    url,
  }
}

/** `/api/v1/accounts/:id/lines` -> `accounts` */
function tagOf(url: string): string {
  return /^\/api\/v1\/([^/:]+)/.exec(url)?.[1] ?? 'health'
}

export const transformDocument: TransformObject = (document) => {
  const whole = jsonSchemaTransformObject(document) as unknown as Json
  const components = objectOf(whole['components'])
  const schemas = Object.entries(objectOf(components['schemas'])).map(
    ([name, schema]) => [name, name.endsWith('Input') ? closed(schema) : opened(schema)] as const,
  )
  const paths = Object.entries(objectOf(whole['paths'])).map(([path, item]) => [path, itemOf(path, item)] as const)
  const merged = withoutDoubles({ ...whole, paths: Object.fromEntries(paths) }, new Map(schemas))
  return merged as unknown as ReturnType<TransformObject>
}

function itemOf(path: string, item: unknown): Json {
  const operations = Object.entries(objectOf(item)).map(
    ([method, operation]) => [method, operationOf(path, method, objectOf(operation))] as const,
  )
  return Object.fromEntries(operations)
}

const IDEMPOTENCY_HEADER = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: `A write with the same key, path and body is done once; its answer is repeated for ${IDEMPOTENCY_HOURS} hours`,
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

function operationOf(path: string, method: string, operation: Json): Json {
  const writes = method !== 'get' && path.startsWith('/api/')
  const parameters = [...listOf(operation['parameters']), ...(writes ? [IDEMPOTENCY_HEADER] : [])]
  const responses = Object.entries(objectOf(operation['responses'])).map(([status, response]) => {
    const { content, ...rest } = objectOf(response)
    const described = { ...rest, description: DESCRIPTIONS[status] ?? rest['description'] ?? 'Answer' }
    return [status, status === '204' || content === undefined ? described : { ...described, content }] as const
  })
  return {
    operationId: operationIdOf(path, method),
    ...operation,
    ...(parameters.length > 0 ? { parameters } : {}),
    responses: { ...Object.fromEntries(responses), default: PROBLEM_ANSWER },
  }
}

const PROBLEM_ANSWER = {
  description: 'What could not be done, and what to do',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  '200': 'Done',
  '201': 'Made',
  '202': 'Begun',
  '204': 'Done; there is nothing to say',
}

/** `post /api/v1/accounts/{id}/lines` -> `post-accounts-id-lines` */
function operationIdOf(path: string, method: string): string {
  return [method, ...path.replace(/^\/api\/v1/, '').split(/[^A-Za-z0-9]+/)].filter((part) => part !== '').join('-')
}

function closed(schema: unknown): unknown {
  return eachObjectSchema(schema, (object) =>
    'properties' in object && !('additionalProperties' in object) ? { ...object, additionalProperties: false } : object,
  )
}

function opened(schema: unknown): unknown {
  return eachObjectSchema(schema, ({ $schema: _dialect, id: _id, ...object }) => {
    if (object['additionalProperties'] !== false) return object
    const { additionalProperties: _closed, ...rest } = object
    return rest
  })
}

/** Applies a change to each schema within; what stands under `properties` are names, not keywords. */
function eachObjectSchema(value: unknown, change: (schema: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((item) => eachObjectSchema(item, change))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, child]) => {
    if (key !== 'properties') return [key, eachObjectSchema(child, change)] as const
    const named = Object.entries(objectOf(child)).map(([name, each]) => [name, eachObjectSchema(each, change)] as const)
    return [key, Object.fromEntries(named)] as const
  })
  const copy: Json = Object.fromEntries(entries)
  return 'type' in copy || 'properties' in copy || '$schema' in copy ? change(copy) : copy
}

const PREFIX = '#/components/schemas/'

/**
 * Each registered schema comes twice, as `X` and as `XInput`. What nobody refers to goes; an input whose other half is
 * gone, or equal to it, takes the plain name.
 */
function withoutDoubles(document: Json, schemas: ReadonlyMap<string, unknown>): Json {
  const used = referred(document, schemas)
  const renamed = new Map<string, string>()
  for (const name of used) {
    const plain = name.replace(/Input$/, '')
    const other = used.has(plain) ? schemas.get(plain) : undefined
    if (plain !== name && (other === undefined || same(other, schemas.get(name)))) renamed.set(name, plain)
  }
  const named = [...used].toSorted().map((name) => [renamed.get(name) ?? name, schemas.get(name)] as const)
  const components = { ...objectOf(document['components']), schemas: Object.fromEntries(named) }
  return JSON.parse(JSON.stringify({ ...document, components }), (key, value: unknown) => {
    if (key !== '$ref' || typeof value !== 'string' || !value.startsWith(PREFIX)) return value
    return `${PREFIX}${renamed.get(value.slice(PREFIX.length)) ?? value.slice(PREFIX.length)}`
  }) as Json
}

function referred(document: Json, schemas: ReadonlyMap<string, unknown>): ReadonlySet<string> {
  const used = new Set<string>()
  const waiting = [...namesIn(document['paths'])]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (used.has(name) || !schemas.has(name)) continue
    used.add(name)
    waiting.push(...namesIn(schemas.get(name)))
  }
  return used
}

function namesIn(value: unknown): readonly string[] {
  return [...JSON.stringify(value ?? null).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
    ([, name]) => name ?? '',
  )
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(opened(a)) === JSON.stringify(opened(b))
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}
