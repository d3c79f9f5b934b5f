/** Batches as the API shows them, and what may be wrong with them in words. */
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Result } from '../../protocol/result.ts'
import { type BatchProblem, type BoxProblem, findBatch, STAGED_MAX, type StoredBatch, totalOf } from '../store/mod.ts'
import type { ApiPlatform } from './context.ts'
import type { Batch } from './contract/batches.ts'
import { ApiProblem, notFound } from './problem.ts'
import { reachOf } from './reach.ts'

/** Throws the 404 of a batch that is not there. */
export async function existingBatch(request: FastifyRequest, platform: ApiPlatform, id: string): Promise<StoredBatch> {
  const batch = await findBatch(platform.db, id)
  const reach = await reachOf(request, platform)
  if (batch === undefined || (reach !== null && !reach.includes(batch.accountId))) throw notFound('batch', id)
  return batch
}

/** Throws the problem if there was one. @param what e.g. `add to` */
export function shownBatch(id: string, what: string, done: Result<StoredBatch, BatchProblem>): z.infer<typeof Batch> {
  if (!done.ok) throw batchProblem(id, what, done.error)
  return batchJson(done.value)
}

export function batchProblem(id: string, verb: string, problem: BatchProblem): ApiProblem {
  const what = `Cannot ${verb} batch "${id}"`
  switch (problem.kind) {
    case 'no-batch':
      return notFound('batch', id)
    case 'shipped':
      return new ApiProblem(409, 'batch-shipped', `${what}: it is shipped and so locked. Open it again first.`)
    case 'not-shipped':
      return new ApiProblem(409, 'wrong-state', `${what}: it is open already.`)
    case 'empty':
      return new ApiProblem(409, 'batch-empty', `${what}: there is no device in it.`)
    case 'not-empty':
      return new ApiProblem(
        409,
        'batch-not-empty',
        `${what}: ${problem.count} device(s) are in it. Take them out first; see devices?batchId=${id}.`,
      )
    case 'configured':
      return new ApiProblem(
        409,
        'batch-configured',
        `${what}: it has a layer, a draft or features of its own, which need the scope "write". Ask who has set them.`,
      )
    case 'unknown-devices':
      return macsProblem(404, 'not-found', `${what}: there is no such device`, problem.macs)
    case 'foreign-devices':
      // The same words as for those that are not there: what others have is nobody's business.
      return macsProblem(404, 'not-found', `${what}: its account has no such device`, problem.macs)
    case 'other-model':
      return macsProblem(409, 'other-model', `${what}: it is for ${problem.model} only`, problem.macs)
    case 'in-other-batch':
      return macsProblem(409, 'in-other-batch', `${what}: devices are in another batch`, problem.macs)
    case 'too-large':
      return new ApiProblem(
        409,
        'batch-too-large',
        `${what}: there are more than ${STAGED_MAX} boxes in it, and staging looks at so many at most. Make smaller batches.`,
      )
    case 'not-ready':
      return notReady(what, problem.problems)
    case 'unready-devices':
      return macsProblem(409, 'wrong-state', `${what}: devices are held, released or disabled`, problem.macs)
  }
}

/** Devices that one answer names. */
const NAMED_MAX = 100
/** Boxes that a refused shipment names: each is a thing to do. */
const BOXES_NAMED_MAX = 1000

function notReady(detail: string, problems: readonly BoxProblem[]): ApiProblem {
  const named = problems.slice(0, BOXES_NAMED_MAX).map(({ code, mac, message }) => ({
    code,
    place: mac ?? 'batch',
    message: mac === undefined ? message : `${mac}: ${message}`,
  }))
  const [first] = named
  const advice = 'See to them, or ship all the same with "force"'
  const text = `${detail}: ${problems.length} thing(s) are not ready. First: ${first?.message ?? ''}. ${advice}.`
  return new ApiProblem(409, 'batch-not-ready', text, named)
}

function macsProblem(status: number, type: string, detail: string, macs: readonly string[]): ApiProblem {
  const problems = macs.slice(0, NAMED_MAX).map((mac) => ({ code: type, place: mac, message: detail }))
  const more = macs.length > 1 ? ` and ${macs.length - 1} more` : ''
  return new ApiProblem(status, type, `${detail}: ${macs[0] ?? ''}${more}.`, problems)
}

export function batchJson(batch: StoredBatch): z.infer<typeof Batch> {
  const total = totalOf(batch)
  const { id, accountId, name, model, expected, state, createdBy } = batch
  return {
    id,
    accountId,
    name,
    model,
    expected,
    state,
    progress: {
      total,
      missing: expected === null ? null : Math.max(0, expected - total),
      byState: { ...batch.progress },
    },
    createdBy,
    createdAt: batch.createdAt.toISOString(),
    shippedAt: batch.shippedAt?.toISOString() ?? null,
  }
}
