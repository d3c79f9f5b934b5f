/** Batches: phones that are prepared together. */
import { z } from 'zod'
import {
  addToBatch,
  type BatchPatch as Patch,
  createBatch,
  deleteBatch,
  listBatches,
  nextMark,
  reopenBatch,
  takeFromBatch,
  updateBatch,
} from '../../store/mod.ts'
import { actor, hasScope } from '../auth.ts'
import { batchJson, batchProblem, existingBatch, shownBatch } from '../batch-json.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { id as Id, Mac } from '../contract.ts'
import { Batch, BatchDevices, BatchInput, BatchPatch, BatchQuery } from '../contract/batches.ts'
import { badMark, existingAccount } from '../existing-account.ts'
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
      config: { scope: 'stage' },
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
      config: { scope: 'read', orScope: 'stage' },
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
      config: { scope: 'read', orScope: 'stage' },
      schema: { summary: 'One batch with its progress', params: BatchId, response: { 200: Batch } },
    },
    async (request) => batchJson(await existingBatch(request, ready(), request.params.id)),
  )
}

function changingRoutes(api: Api, ready: ReadyPlatform): void {
  api.patch(
    '/api/v1/batches/:id',
    {
      config: { scope: 'stage' },
      schema: { summary: 'Change an open batch', params: BatchId, body: BatchPatch, response: { 200: Batch } },
    },
    async (request) => {
      const platform = ready()
      const { id } = await existingBatch(request, platform, request.params.id)
      const patch = withoutAbsent<Patch>(request.body)
      return shownBatch(id, 'change', await platform.change((tx) => updateBatch(tx, actor(request), id, patch)))
    },
  )
  api.delete(
    '/api/v1/batches/:id',
    {
      config: { scope: 'stage' },
      schema: {
        summary: 'Delete an empty batch',
        description:
          'Without the scope `write` only one that is open (`batch-shipped`) and has no layer, draft or feature of its own (`batch-configured`).',
        params: BatchId,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { id } = await existingBatch(request, platform, request.params.id)
      const only = hasScope(request, 'write') ? 'empty' : 'bare'
      const done = await refuseReferenced(`batch "${id}"`, () =>
        platform.change((tx) => deleteBatch(tx, actor(request), id, only)),
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
      return shownBatch(id, 'add to', await platform.change((tx) => addToBatch(tx, actor(request), id, macs)))
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
      return shownBatch(id, 'take from', await platform.change((tx) => takeFromBatch(tx, actor(request), id, macs)))
    },
  )
}

function stateRoutes(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/batches/:id/reopen',
    {
      config: { scope: 'write' },
      schema: { summary: 'Open a shipped batch again', params: BatchId, response: { 200: Batch } },
    },
    async (request) => {
      const platform = ready()
      const { id } = await existingBatch(request, platform, request.params.id)
      return shownBatch(id, 'reopen', await platform.change((tx) => reopenBatch(tx, actor(request), id)))
    },
  )
}
