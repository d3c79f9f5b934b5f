/**
 * `Idempotency-Key`: a write that is asked for twice is done once.
 *
 * A crash may come between a commit and its answer. So the result of each `change` of a request is stored inside that
 * very transaction, and when the request comes again, `change` gives back the stored result instead of doing the work;
 * the handler then goes on as it did and makes the same answer. The answer itself is stored when it is sent, and from
 * then on it is simply repeated. Which request a `change` belongs to is known from its asynchronous context.
 */
import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import {
  findIdempotent,
  findStep,
  type IdempotencyKey,
  type KeptAnswer,
  keepAnswer,
  keepStep,
  lockIdempotent,
  type Sql,
} from '../store/mod.ts'
import { type ApiPlatform, currentRequest, type ReadyPlatform } from './context.ts'
import { ApiProblem } from './problem.ts'
import { reachOf } from './reach.ts'

const KEY_FORM = /^[\x21-\x7e]{1,255}$/
const WRITES: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE']
/** Answers that say nothing about the request itself: it may be asked again. */
const NOT_KEPT: readonly number[] = [401, 403, 408, 429]

interface Kept {
  readonly key: IdempotencyKey
  /** Transactions of this request so far. */
  steps: number
  /** Whether the answer is that of this key: not before the request was found valid, and not when it is a repetition. */
  holds: boolean
}

const requests = new WeakMap<FastifyRequest, Kept>()

/** Adds the hooks. They come after authorization, so that keys of one token mean nothing to another. */
export function addIdempotency(app: FastifyInstance, ready: ReadyPlatform, log: Logger): void {
  /** Requests under way in this process; another process is noticed by a lock in the database. */
  const underWay = new Set<string>()
  // Before the body is validated: what counts is what was sent.
  app.addHook('preValidation', async (request, reply) => {
    const key = keyOf(request)
    if (key === undefined) return
    const name = `${key.tokenId} ${key.key}`
    if (underWay.has(name)) throw stillUnderWay()
    underWay.add(name)
    reply.raw.once('close', () => underWay.delete(name))
    if (await repeat(ready(), key, request, reply)) return reply
    requests.set(request, { key, steps: 0, holds: false })
  })
  app.addHook('preHandler', async (request) => {
    const kept = requests.get(request)
    if (kept !== undefined) kept.holds = true
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const kept = requests.get(request)
    if (kept?.holds !== true || reply.statusCode >= 500 || NOT_KEPT.includes(reply.statusCode)) return payload
    if (typeof payload !== 'string' && payload !== null && payload !== undefined) return payload
    kept.holds = false
    const type = String(reply.getHeader('content-type') ?? '')
    const answer: KeptAnswer = { status: reply.statusCode, type, body: payload ?? '' }
    const platform = ready()
    await keepAnswer(platform.db, platform.vault, kept.key, answer).catch((error: unknown) =>
      // What was done is kept already, so a repetition will find the same answer again.
      log.warn({ err: error }, 'an answer could not be kept'),
    )
    return payload
  })
}

/**
 * Sends the stored answer, or lets the handler go on where a crash stopped it.
 * @returns whether it was sent
 */
async function repeat(
  platform: ApiPlatform,
  key: IdempotencyKey,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<boolean> {
  const known = await findIdempotent(platform.db, platform.vault, key)
  if (known === undefined) return false
  if (!known.same) {
    throw new ApiProblem(
      422,
      'idempotency-mismatch',
      `Idempotency-Key "${key.key}" was used for another request. Use a new key for each new request.`,
    )
  }
  if (known.answer === undefined) return false
  if (!known.answer.kept) throw answerGone(key.key)
  const answer = known.answer.value as KeptAnswer
  // The route asked for the reach when it made the answer, or it would not have been kept.
  await reachOf(request, platform)
  reply.code(answer.status).header('idempotency-replayed', 'true').header('cache-control', 'no-store')
  if (answer.type !== '') reply.type(answer.type)
  await reply.send(answer.status === 204 ? undefined : answer.body)
  return true
}

function keyOf(request: FastifyRequest): IdempotencyKey | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined || request.token === undefined || !WRITES.includes(request.method)) return undefined
  if (typeof key !== 'string' || !KEY_FORM.test(key)) {
    throw new ApiProblem(
      400,
      'bad-idempotency-key',
      'The Idempotency-Key must be 1 to 255 visible ASCII characters, for example a UUID',
    )
  }
  return { tokenId: request.token.id, key, fingerprint: fingerprintOf(request) }
}

/** A streamed body (a firmware file) is not held in memory: its length and type stand for it. */
function fingerprintOf(request: FastifyRequest): string {
  const { body, headers } = request
  const streamed = typeof (body as { pipe?: unknown } | null)?.pipe === 'function'
  const sent = streamed ? [headers['content-length'], headers['content-type']] : body
  return createHash('sha256')
    .update(JSON.stringify([request.method, request.url, sent ?? null]))
    .digest('base64')
}

/** `change` that remembers what it did for a request with a key, and is the plain one for all others. */
export function rememberingChange(platform: ApiPlatform): ApiPlatform['change'] {
  return async (work) => {
    const request = currentRequest.getStore()
    const kept = request === undefined ? undefined : requests.get(request)
    if (kept === undefined) return platform.change(work)
    const step = kept.steps++
    return platform.change((tx) => doOnce(platform, kept, step, tx, work))
  }
}

async function doOnce<T>(
  platform: ApiPlatform,
  kept: Kept,
  step: number,
  tx: Sql,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const { key } = kept
  if (!(await lockIdempotent(tx, key))) {
    kept.holds = false
    throw stillUnderWay()
  }
  const before = await findStep(tx, platform.vault, key, step)
  if (before !== undefined) {
    if (!before.kept) throw answerGone(key.key)
    return before.value as T
  }
  const value = await work(tx)
  await keepStep(tx, platform.vault, key, step, value)
  return value
}

function stillUnderWay(): ApiProblem {
  return new ApiProblem(
    409,
    'idempotency-in-flight',
    'The first request with this Idempotency-Key is still under way; ask again in a moment',
    undefined,
    1,
  )
}

function answerGone(key: string): ApiProblem {
  return new ApiProblem(
    409,
    'idempotency-answer-gone',
    `The request with Idempotency-Key "${key}" was carried out, but its answer was too large to be kept. Look at what is there now.`,
  )
}
