/** Batches: phones that are prepared together. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Result } from '../../../protocol/result.ts'
import {
  addToBatch,
  type BatchPatch as Patch,
  type BatchProblem,
  createBatch,
  deleteBatch,
  findBatch,
  listBatches,
  nextMark,
  reopenBatch,
  shipBatch,
  type Sql,
  type StoredBatch,
  takeFromBatch,
  updateBatch,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { id as Id, Mac } from '../contract.ts'
import { Batch, BatchDevices, BatchInput, BatchPatch, BatchQuery } from '../contract/batches.ts'
import { badMark, existingAccount } from '../existing-account.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { withoutAbsent } from '../query.ts'
import { mustReachAccount, reachOf } from '../reach.ts'
import { refuseReferenced } from '../referenced.ts'

const BatchId = z.object({ id: Id })

export function batchRoutes(api: Api, ready: ReadyPlatform): void {
  makingRoute(api, ready)
  readingRoutes(api, ready)
  changingRoutes(api, ready)
  memberRoutes(api, ready)
  stateRoutes(api, ready)
}

function makingRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/batches',
    {
      config: { scope: 'write' },
      schema: { summary: 'Make a batch', body: BatchInput, response: { 201: Batch } },
    },
    async (request, reply) => {
      const platform = ready()
      const { accountId, name, model, expected } = request.body
      await existingAccount(request, platform, accountId)
      const made = await platform.change((tx) => createBatch(tx, actor(request), { accountId, name, model, expected }))
      return reply.code(201).send(batchJson(made))
    },
  )
}

function readingRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/batches',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List batches',
        querystring: BatchQuery,
        response: { 200: z.object({ items: z.array(Batch), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { limit, after, sort, accountId, state, q } = request.query
      const reach = await reachOf(request, platform)
      if (accountId !== undefined) await mustReachAccount(request, platform, accountId)
      const rows = await listBatches(platform.db, { reach, limit, after, sort, accountId, state, q })
      if (rows === undefined) throw badMark(after)
      return { items: rows.map(batchJson), next: nextMark(rows, limit, (index) => rows[index]?.id ?? '') }
    },
  )
  api.get(
    '/api/v1/batches/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'One batch with its progress', params: BatchId, response: { 200: Batch } },
    },
    async (request) => batchJson(await existingBatch(request, ready(), request.params.id)),
  )
}

async function existingBatch(request: FastifyRequest, platform: ApiPlatform, id: string): Promise<StoredBatch> {
  const batch = await findBatch(platform.db, id)
  const reach = await reachOf(request, platform)
  if (batch === undefined || (reach !== null && !reach.includes(batch.accountId))) throw notFound('batch', id)
  return batch
}

function changingRoutes(api: Api, ready: ReadyPlatform): void {
  api.patch(
    '/api/v1/batches/:id',
    {
      config: { scope: 'write' },
      schema: { summary: 'Change an open batch', params: BatchId, body: BatchPatch, response: { 200: Batch } },
    },
    async (request) => {
      const platform = ready()
      const { id } = await existingBatch(request, platform, request.params.id)
      const patch = withoutAbsent<Patch>(request.body)
      return shown(id, 'change', await platform.change((tx) => updateBatch(tx, actor(request), id, patch)))
    },
  )
  api.delete(
    '/api/v1/batches/:id',
    {
      config: { scope: 'write' },
      schema: { summary: 'Delete an empty batch', params: BatchId, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const platform = ready()
      const { id } = await existingBatch(request, platform, request.params.id)
      const done = await refuseReferenced(`batch "${id}"`, () =>
        platform.change((tx) => deleteBatch(tx, actor(request), id)),
      )
      if (!done.ok) throw batchProblem(id, 'delete', done.error)
      return reply.code(204).send(null)
    },
  )
}

function memberRoutes(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/batches/:id/devices',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Put devices into an open batch: all of them or none',
        params: BatchId,
        body: BatchDevices,
        response: { 200: Batch },
      },
    },
    async (request) => {
      const platform = ready()
      const { id } = await existingBatch(request, platform, request.params.id)
      const macs = [...new Set(request.body.macs)]
      return shown(id, 'add to', await platform.change((tx) => addToBatch(tx, actor(request), id, macs)))
    },
  )
  api.delete(
    '/api/v1/batches/:id/devices/:mac',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Take a device out of an open batch',
        params: BatchId.extend({ mac: Mac }),
        response: { 200: Batch },
      },
    },
    async (request) => {
      const platform = ready()
      const { id } = await existingBatch(request, platform, request.params.id)
      const macs = [request.params.mac]
      return shown(id, 'take from', await platform.change((tx) => takeFromBatch(tx, actor(request), id, macs)))
    },
  )
}

type StateChange = (tx: Sql, who: string, id: string) => Promise<Result<StoredBatch, BatchProblem>>

const STATE_CHANGES: Readonly<Record<'ship' | 'reopen', { summary: string; change: StateChange }>> = {
  ship: { summary: 'Ship a batch: it is locked', change: shipBatch },
  reopen: { summary: 'Open a shipped batch again', change: reopenBatch },
}

function stateRoutes(api: Api, ready: ReadyPlatform): void {
  for (const [name, { summary, change }] of Object.entries(STATE_CHANGES)) {
    api.post(
      `/api/v1/batches/:id/${name}`,
      { config: { scope: 'write' }, schema: { summary, params: BatchId, response: { 200: Batch } } },
      async (request) => {
        const platform = ready()
        const { id } = await existingBatch(request, platform, request.params.id)
        return shown(id, name, await platform.change((tx) => change(tx, actor(request), id)))
      },
    )
  }
}

function shown(id: string, what: string, done: Result<StoredBatch, BatchProblem>): z.infer<typeof Batch> {
  if (!done.ok) throw batchProblem(id, what, done.error)
  return batchJson(done.value)
}

function batchProblem(id: string, verb: string, problem: BatchProblem): ApiProblem {
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
    case 'unknown-devices':
      return macsProblem(404, 'not-found', `${what}: there is no such device`, problem.macs)
    case 'foreign-devices':
      // The same words as for those that are not there: what others have is nobody's business.
      return macsProblem(404, 'not-found', `${what}: its account has no such device`, problem.macs)
    case 'other-model':
      return macsProblem(409, 'other-model', `${what}: it is for ${problem.model} only`, problem.macs)
    case 'in-other-batch':
      return macsProblem(409, 'in-other-batch', `${what}: devices are in another batch`, problem.macs)
    case 'unready-devices':
      return macsProblem(409, 'wrong-state', `${what}: devices are held, released or disabled`, problem.macs)
  }
}

/** Devices that one answer names. */
const NAMED_MAX = 100

function macsProblem(status: number, type: string, detail: string, macs: readonly string[]): ApiProblem {
  const problems = macs.slice(0, NAMED_MAX).map((mac) => ({ code: type, place: mac, message: detail }))
  const more = macs.length > 1 ? ` and ${macs.length - 1} more` : ''
  return new ApiProblem(status, type, `${detail}: ${macs[0] ?? ''}${more}.`, problems)
}

function batchJson(batch: StoredBatch): z.infer<typeof Batch> {
  const total = Object.values(batch.progress).reduce((all, count) => all + count, 0)
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
