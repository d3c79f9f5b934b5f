/** The history of a layer: who changed what and why, and the way back. */
import { z } from 'zod'
import type { LayerParameter } from '../../profiles/mod.ts'
import {
  findLayerRevision,
  layerRevisions,
  type LayerRevision as StoredRevision,
  replaceLayerSeen,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { Layer } from '../contract.ts'
import { IfMatch, LayerParams, LayerRevision, RevisionQuery, UndoInput } from '../contract/layers.ts'
import {
  canonicalLayerId,
  layerChanged,
  layerJson,
  parameterJson,
  refuseProblems,
  seenRevision,
} from '../layer-json.ts'
import { notFound } from '../problem.ts'
import { reachOf } from '../reach.ts'

export function layerHistoryRoutes(api: Api, ready: ReadyPlatform): void {
  listing(api, ready)
  undoing(api, ready)
}

function listing(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/layers/:scope/:id/revisions',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Who changed the layer, when, why and what; newest first',
        params: LayerParams,
        querystring: RevisionQuery,
        response: { 200: z.object({ items: z.array(LayerRevision), next: z.int().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { scope } = request.params
      const { limit, after } = request.query
      const id = await canonicalLayerId(request, platform, scope, request.params.id)
      const reach = await reachOf(request, platform)
      const rows = await layerRevisions(platform.db, platform.vault, { scope, id }, { limit, before: after, reach })
      return { items: rows.map(revisionJson), next: rows.length === limit ? (rows.at(-1)?.id ?? null) : null }
    },
  )
}

function revisionJson(revision: StoredRevision): z.infer<typeof LayerRevision> {
  const { id, at, who, what, why, before, after } = revision
  return { id, at: at.toISOString(), who, what, why, changes: changesOf(before, after) }
}

type Changes = z.infer<typeof LayerRevision>['changes']

function changesOf(before: ReadonlyMap<string, LayerParameter>, after: ReadonlyMap<string, LayerParameter>): Changes {
  const elements = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  return elements.flatMap((element) => {
    const [was, is] = [before.get(element), after.get(element)]
    if (was !== undefined && is !== undefined && isSame(was, is)) return []
    const change = was === undefined ? 'added' : is === undefined ? 'removed' : 'changed'
    const shown = (parameter: LayerParameter | undefined): Changes[number]['before'] =>
      parameter === undefined ? null : parameterJson(element, parameter)
    return [{ element, change, before: shown(was), after: shown(is) } as const]
  })
}

function isSame(a: LayerParameter, b: LayerParameter): boolean {
  return a.value === b.value && a.ua === b.ua && a.preserve === b.preserve && a.userPref === b.userPref
}

function undoing(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/layers/:scope/:id/undo',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Put a layer back to what it was before a revision, or as a revision left it',
        params: LayerParams,
        headers: IfMatch,
        body: UndoInput,
        response: { 200: Layer },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { scope } = request.params
      const { revisionId, to, why } = request.body
      const id = await canonicalLayerId(request, platform, scope, request.params.id)
      const wanted = { id: revisionId, reach: await reachOf(request, platform) }
      const revision = await findLayerRevision(platform.db, platform.vault, { scope, id }, wanted)
      if (revision === undefined) throw notFound(`revision of the layer ${scope}/${id}`, String(revisionId))
      const parameters = revision[to]
      // What was right then may be wrong now: elements and models come and go.
      refuseProblems(scope, id, parameters)
      const seen = seenRevision(request.headers['if-match'])
      const reason = why ?? `back to what it was ${to} revision ${revisionId}`
      const change = { scope, id, parameters, who: actor(request), why: reason, what: 'undone' }
      const done = await platform.change((tx) => replaceLayerSeen(tx, platform.vault, change, seen))
      if (!done.ok) throw layerChanged(`undo the layer ${scope}/${id}`, seen, done.error.revisionId)
      reply.header('etag', `"${done.value}"`)
      return layerJson({ scope, id, revisionId: done.value, parameters })
    },
  )
}
