/**
 * Fields that nobody asked for. A misspelt field that is silently left out is a change that somebody believes in, so
 * bodies and queries are compared with their schema, in one place for all routes.
 */
import type { FastifySchemaCompiler } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ApiProblem } from './problem.ts'

/** Fields named in one answer. */
const NAMED_MAX = 20
/** Deeper than any body of ours. */
const DEPTH_MAX = 12

export interface UnknownField {
  /** `/lines/0/usrId` */
  readonly path: string
  readonly known: readonly string[]
}

/** Validates as zod says, and refuses unknown fields of bodies and queries with 422 `unknown-field`. */
export const strictValidatorCompiler: FastifySchemaCompiler<z.ZodType> = (route) => {
  const validate = validatorCompiler(route)
  const part = route.httpPart
  if (part !== 'body' && part !== 'querystring') return validate
  return (data: unknown) => {
    refuseUnknown(part === 'body' ? 'body' : 'query', unknownFields(route.schema, data))
    return validate(data)
  }
}

/** For routes without a schema for this part: they expect nothing. */
export function refuseAnyField(place: 'body' | 'query', data: unknown): void {
  if (data !== undefined && data !== null && !isPlainObject(data))
    throw new ApiProblem(422, 'not-valid', `${place}: nothing is expected here. Leave it out.`)
  if (isPlainObject(data))
    refuseUnknown(
      place,
      Object.keys(data).map((name) => ({ path: `/${name}`, known: [] })),
    )
}

function refuseUnknown(place: string, unknown: readonly UnknownField[]): void {
  const [first] = unknown
  if (first === undefined) return
  const problems = unknown.slice(0, NAMED_MAX).map(({ path, known }) => ({
    code: 'unknown-field',
    place: `${place}${path.slice(0, 200)}`,
    message: 'There is no such field here',
    advice: known.length === 0 ? 'Leave it out' : `Known here: ${known.join(', ')}`,
  }))
  const { place: where, advice } = problems[0] ?? { place, advice: '' }
  throw new ApiProblem(422, 'unknown-field', `${where}: there is no such field. ${advice}.`, problems)
}

/** @returns what the data holds and the schema does not know; nothing for schemas that take any field */
export function unknownFields(schema: z.ZodType, data: unknown, path = '', depth = 0): readonly UnknownField[] {
  if (depth > DEPTH_MAX || data === null || typeof data !== 'object') return []
  const inner = innerSchema(schema)
  if (inner !== undefined) return unknownFields(inner, data, path, depth + 1)
  const next = (child: unknown, value: unknown, name: string | number): readonly UnknownField[] =>
    child === undefined ? [] : unknownFields(child as z.ZodType, value, `${path}/${name}`, depth + 1)
  if (schema instanceof z.ZodObject) return ofObject(schema, data, path, next)
  if (schema instanceof z.ZodArray)
    return Array.isArray(data) ? data.flatMap((item: unknown, index) => next(schema.element, item, index)) : []
  if (schema instanceof z.ZodRecord)
    return Object.entries(data).flatMap(([name, value]) => next(schema.valueType, value, name))
  if (schema instanceof z.ZodUnion) return ofUnion(schema, data, path, depth)
  if (schema instanceof z.ZodIntersection) return ofIntersection(schema, data, path, depth)
  return []
}

type Next = (child: unknown, value: unknown, name: string) => readonly UnknownField[]

function ofObject(schema: z.ZodObject, data: object, path: string, next: Next): readonly UnknownField[] {
  if (!isPlainObject(data)) return []
  const open = schema.def.catchall !== undefined
  const known = Object.keys(schema.shape)
  return Object.entries(data).flatMap(([name, value]) => {
    if (Object.hasOwn(schema.shape, name)) return next(schema.shape[name], value, name)
    return open ? [] : [{ path: `${path}/${name}`, known }]
  })
}

/** Of the alternatives that fit, the one that knows most; when none fits, zod says so. */
function ofUnion(schema: z.ZodUnion, data: object, path: string, depth: number): readonly UnknownField[] {
  const found = (schema.options as readonly z.ZodType[])
    .filter((option) => option.safeParse(data).success)
    .map((option) => unknownFields(option, data, path, depth + 1))
  return found.toSorted((a, b) => a.length - b.length)[0] ?? []
}

/** What neither side knows. */
function ofIntersection(schema: z.ZodIntersection, data: object, path: string, depth: number): readonly UnknownField[] {
  const right = unknownFields(schema.def.right as z.ZodType, data, path, depth + 1)
  return unknownFields(schema.def.left as z.ZodType, data, path, depth + 1).filter((field) =>
    right.some((other) => other.path === field.path),
  )
}

/** The schema in a wrapper: optional, with a default, transformed afterwards. */
function innerSchema(schema: z.ZodType): z.ZodType | undefined {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNonOptional ||
    schema instanceof z.ZodCatch ||
    schema instanceof z.ZodReadonly
  )
    return schema.def.innerType as z.ZodType
  if (schema instanceof z.ZodPipe) return schema.def.in as z.ZodType
  return schema instanceof z.ZodLazy ? (schema.def.getter() as z.ZodType) : undefined
}

function isPlainObject(data: unknown): data is Readonly<Record<string, unknown>> {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return false
  // Queries are parsed into objects of an empty class.
  const prototype: unknown = Object.getPrototypeOf(data)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
