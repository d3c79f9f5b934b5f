/** What no route can use is refused once, before any of them looks at it. */
import type { FastifyRequest } from 'fastify'
import { ApiProblem } from './problem.ts'

/** Objects and lists within each other; no body of ours comes near, and what goes through it by recursion stays small. */
const DEPTH_MAX = 32
/** Neither PostgreSQL nor a phone knows a text with these: the character 0, and halves of surrogate pairs. */
const UNUSABLE = /[\u0000\p{Cs}]/u

/** Throws 415 for a body of a kind that the route does not read, 422 for texts and depths that nobody can store. */
export function refuseUnusable(request: FastifyRequest): void {
  refuseKind(request)
  refuseTexts('params', request.params, 0)
  refuseTexts('query', request.query, 0)
  refuseTexts('body', request.body, 0)
}

/** The readers of text and of raw files stand open for every route; only those that say so take what they give. */
function refuseKind({ body, headers, routeOptions }: FastifyRequest): void {
  const isRaw = typeof (body as { pipe?: unknown } | null | undefined)?.pipe === 'function'
  const isText = typeof body === 'string' && !/\bjson\b/i.test(headers['content-type'] ?? '')
  if (!isRaw && !isText) return
  const takes = routeOptions.schema?.consumes ?? ['application/json']
  if (takes.includes(isRaw ? 'application/octet-stream' : 'text/csv')) return
  const type = headers['content-type'] ?? ''
  throw new ApiProblem(
    415,
    'wrong-content-type',
    `This does not read a body of type "${type.slice(0, 100)}". Send it as ${takes.join(' or ')}.`,
  )
}

function refuseTexts(place: string, value: unknown, depth: number): void {
  if (typeof value === 'string') {
    if (UNUSABLE.test(value)) throw unusable(place)
    return
  }
  if (typeof value !== 'object' || value === null || typeof (value as { pipe?: unknown }).pipe === 'function') return
  if (depth >= DEPTH_MAX) {
    throw new ApiProblem(422, 'too-deep', `body: objects and lists are more than ${DEPTH_MAX} deep. Send it flatter.`)
  }
  for (const [name, each] of Object.entries(value)) {
    if (UNUSABLE.test(name)) throw unusable(place)
    refuseTexts(`${place}/${name.slice(0, 100)}`, each, depth + 1)
  }
}

function unusable(place: string): ApiProblem {
  const message = 'a text holds the character 0 or half a surrogate pair, which cannot be stored'
  return new ApiProblem(422, 'not-valid', `${place}: ${message}. Leave it out.`, [
    { code: 'not-valid', place, message },
  ])
}
