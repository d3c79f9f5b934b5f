/** Layers of parameters: replaced whole. Their history and drafts are in files of their own. */
import { z } from 'zod'
import { deleteLayer, findLayer, listLayers, replaceLayerSeen } from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { Layer, LayerInput } from '../contract.ts'
import { IfMatch, LayerParams, LayerQuery, ListedLayer } from '../contract/layers.ts'
import { canonicalLayerId, layerChanged, layerJson, parametersOf, refuseProblems, seenRevision } from '../layer-json.ts'
import { notFound } from '../problem.ts'
import { reachOf } from '../reach.ts'
import { layerDraftRoutes } from './layer-drafts.ts'
import { layerHistoryRoutes } from './layer-history.ts'

export function layerRoutes(api: Api, ready: ReadyPlatform): void {
  listing(api, ready)
  replacing(api, ready)
  reading(api, ready)
  deleting(api, ready)
  layerHistoryRoutes(api, ready)
  layerDraftRoutes(api, ready)
}

function listing(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/layers',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Layers within reach, without their parameters',
        querystring: LayerQuery,
        response: { 200: z.object({ items: z.array(ListedLayer), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const { limit, after, scope } = request.query
      const reach = await reachOf(request, ready())
      const rows = await listLayers(ready().db, { reach, scope, limit, after })
      const last = rows.at(-1)
      const next = rows.length === limit && last !== undefined ? `${last.scope}/${last.id}` : null
      return { items: rows.map((row) => ({ ...row, updatedAt: row.updatedAt.toISOString() })), next }
    },
  )
}

function replacing(api: Api, ready: ReadyPlatform): void {
  api.put(
    '/api/v1/layers/:scope/:id',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Replace a layer of parameters',
        params: LayerParams,
        headers: IfMatch,
        body: LayerInput,
        response: { 200: Layer },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { scope } = request.params
      const id = await canonicalLayerId(request, platform, scope, request.params.id)
      const parameters = parametersOf(request.body)
      refuseProblems(scope, id, parameters)
      const seen = seenRevision(request.headers['if-match'])
      const change = { scope, id, parameters, who: actor(request), why: request.body.why }
      const done = await platform.change((tx) => replaceLayerSeen(tx, platform.vault, change, seen))
      if (!done.ok) throw layerChanged(`replace the layer ${scope}/${id}`, seen, done.error.revisionId)
      reply.header('etag', `"${done.value}"`)
      return layerJson({ scope, id, revisionId: done.value, parameters })
    },
  )
}

function reading(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/layers/:scope/:id',
    { config: { scope: 'read' }, schema: { summary: 'One layer', params: LayerParams, response: { 200: Layer } } },
    async (request, reply) => {
      const platform = ready()
      const { scope } = request.params
      const id = await canonicalLayerId(request, platform, scope, request.params.id)
      const layer = await findLayer(platform.db, platform.vault, scope, id)
      reply.header('etag', `"${layer?.revisionId ?? 0}"`)
      return layerJson(layer ?? { scope, id, revisionId: 0, parameters: new Map() })
    },
  )
}

function deleting(api: Api, ready: ReadyPlatform): void {
  api.delete(
    '/api/v1/layers/:scope/:id',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Delete a layer; its history stays and it can be undone',
        params: LayerParams,
        headers: IfMatch,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { scope } = request.params
      const id = await canonicalLayerId(request, platform, scope, request.params.id)
      const seen = seenRevision(request.headers['if-match'])
      const done = await platform.change((tx) => deleteLayer(tx, actor(request), { scope, id }, seen))
      if (!done.ok) throw layerChanged(`delete the layer ${scope}/${id}`, seen, done.error.revisionId)
      if (!done.value) throw notFound('layer', `${scope}/${id}`)
      return reply.code(204).send(null)
    },
  )
}
