/** Drafts of layers: prepared, looked at, dropped or published. Nobody gets them before. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { checkLayer, type LayerScope } from '../../profiles/mod.ts'
import {
  deleteLayerDraft,
  findLayer,
  findLayerDraft,
  type LayerDraft as StoredDraft,
  publishLayerDraft,
  putLayerDraft,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Layer } from '../contract.ts'
import { DraftInput, IfMatch, LayerDraft, LayerParams, PublishInput } from '../contract/layers.ts'
import {
  canonicalLayerId,
  layerJson,
  parametersJson,
  parametersOf,
  refuseProblems,
  seenRevision,
} from '../layer-json.ts'
import { ApiProblem, notFound } from '../problem.ts'

export function layerDraftRoutes(api: Api, ready: ReadyPlatform): void {
  putting(api, ready)
  reading(api, ready)
  publishing(api, ready)
}

const PATH = '/api/v1/layers/:scope/:id/draft'

function putting(api: Api, ready: ReadyPlatform): void {
  api.put(
    PATH,
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Prepare a layer that nobody gets yet',
        params: LayerParams,
        body: DraftInput,
        response: { 200: LayerDraft },
      },
    },
    async (request) => {
      const platform = ready()
      const { scope } = request.params
      const id = await canonicalLayerId(request, platform, scope, request.params.id)
      const parameters = parametersOf(request.body)
      refuseProblems(scope, id, parameters)
      const { why, baseRevisionId } = request.body
      const draft = await platform.change((tx) =>
        putLayerDraft(tx, platform.vault, { scope, id, parameters, who: actor(request), why, base: baseRevisionId }),
      )
      return draftJson(platform, draft)
    },
  )
}

async function draftJson(platform: ApiPlatform, draft: StoredDraft): Promise<z.infer<typeof LayerDraft>> {
  const { scope, id, parameters, revisionId, who, why } = draft
  const layerRevisionId = (await findLayer(platform.db, platform.vault, scope, id))?.revisionId ?? 0
  return {
    scope,
    id,
    parameters: parametersJson(parameters),
    baseRevisionId: revisionId,
    layerRevisionId,
    conflict: layerRevisionId !== revisionId,
    problems: checkLayer(scope, id, parameters).map(({ code, element, message, advice }) => ({
      code,
      element,
      message,
      advice,
    })),
    who,
    why: why ?? null,
    updatedAt: draft.updatedAt.toISOString(),
  }
}

async function existingDraft(
  request: FastifyRequest,
  platform: ApiPlatform,
  params: { readonly scope: LayerScope; readonly id: string },
): Promise<StoredDraft> {
  const { scope } = params
  const id = await canonicalLayerId(request, platform, scope, params.id)
  const draft = await findLayerDraft(platform.db, platform.vault, scope, id)
  if (draft === undefined) throw notFound('draft of the layer', `${scope}/${id}`)
  return draft
}

function reading(api: Api, ready: ReadyPlatform): void {
  api.get(
    PATH,
    {
      config: { scope: 'read' },
      schema: { summary: 'What is prepared for a layer', params: LayerParams, response: { 200: LayerDraft } },
    },
    async (request) => draftJson(ready(), await existingDraft(request, ready(), request.params)),
  )
  api.delete(
    PATH,
    {
      config: { scope: 'write' },
      schema: { summary: 'Drop what is prepared', params: LayerParams, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const platform = ready()
      const { scope } = request.params
      const id = await canonicalLayerId(request, platform, scope, request.params.id)
      const dropped = await platform.change((tx) => deleteLayerDraft(tx, actor(request), scope, id))
      if (!dropped) throw notFound('draft of the layer', `${scope}/${id}`)
      return reply.code(204).send(null)
    },
  )
}

function publishing(api: Api, ready: ReadyPlatform): void {
  api.post(
    `${PATH}/publish`,
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Make a draft the layer, unless the layer changed since',
        params: LayerParams,
        headers: IfMatch,
        body: PublishInput,
        response: { 200: Layer },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const draft = await existingDraft(request, platform, request.params)
      const { scope, id, parameters } = draft
      refuseProblems(scope, id, parameters)
      const seen = request.body.revisionId ?? seenRevision(request.headers['if-match'])
      const more = { why: request.body.why, seen }
      const done = await platform.change((tx) => publishLayerDraft(tx, platform.vault, actor(request), draft, more))
      if (!done.ok) throw conflict(draft, seen, done.error.revisionId)
      reply.header('etag', `"${done.value}"`)
      return layerJson({ scope, id, revisionId: done.value, parameters })
    },
  )
}

function conflict({ scope, id, revisionId }: StoredDraft, seen: number | undefined, now: number): ApiProblem {
  return new ApiProblem(
    409,
    'draft-outdated',
    `Cannot publish the draft of ${scope}/${id}: it was made from revision ${seen ?? revisionId}, and the layer is at ${now}. Compare them, then put the draft again or publish it with "revisionId": ${now}.`,
  )
}
