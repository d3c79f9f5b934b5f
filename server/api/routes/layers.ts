import { z } from 'zod'
import { parseMacAddress, parseProductName } from '../../../protocol/identity.ts'
import { catalogue } from '../../../protocol/profile/mod.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { checkLayer, type Layer as StoredLayer, type LayerParameter, type LayerScope } from '../../profiles/mod.ts'
import { findAccount, findLayer, replaceLayer, viewDevice } from '../../store/mod.ts'
import { actor } from '../auth.ts'
import { Layer, LayerInput } from '../contract.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { withoutAbsent } from './query.ts'

const LayerParams = z.object({
  scope: z.enum(['platform', 'provider', 'model', 'account', 'device']),
  id: z.string().max(128),
})

/** Problems that are named in one answer. */
const PROBLEMS_MAX = 100

export function layerRoutes(api: Api, ready: ReadyPlatform): void {
  api.put(
    '/api/v1/layers/:scope/:id',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Replace a layer of parameters',
        params: LayerParams,
        body: LayerInput,
        response: { 200: Layer },
      },
    },
    async (request) => {
      const platform = ready()
      const { scope } = request.params
      const id = await canonicalId(platform, scope, request.params.id)
      const parameters = parametersOf(request.body)
      refuseProblems(scope, id, parameters)
      const change = { scope, id, parameters, who: actor(request), why: request.body.why }
      const revisionId = await platform.change((tx) => replaceLayer(tx, platform.vault, change))
      return layerJson({ scope, id, revisionId, parameters })
    },
  )
  api.get(
    '/api/v1/layers/:scope/:id',
    { config: { scope: 'read' }, schema: { summary: 'One layer', params: LayerParams, response: { 200: Layer } } },
    async (request) => {
      const platform = ready()
      const { scope } = request.params
      const id = await canonicalId(platform, scope, request.params.id)
      const layer = await findLayer(platform.db, platform.vault, scope, id)
      return layerJson(layer ?? { scope, id, revisionId: 0, parameters: new Map() })
    },
  )
}

/** The id in the form that devices look for; throws 404 or 422 when it names nothing. */
async function canonicalId(platform: ApiPlatform, scope: LayerScope, id: string): Promise<string> {
  switch (scope) {
    case 'platform':
    case 'provider':
      if (id !== '-')
        throw new ApiProblem(422, 'bad-layer-id', `The layer of scope "${scope}" has the id "-", not "${id}"`)
      return id
    case 'model': {
      const name = parseProductName(id)
      if (name === undefined)
        throw new ApiProblem(422, 'bad-layer-id', `"${id}" is no product name; expected one like CP-8851-3PCC`)
      return name
    }
    case 'account':
      if ((await findAccount(platform.db, id)) === undefined) throw notFound('account', id)
      return id
    case 'device': {
      const mac = parseMacAddress(id)
      if (mac === undefined || (await viewDevice(platform.db, mac)) === undefined) throw notFound('device', id)
      return mac
    }
  }
}

function parametersOf(body: z.infer<typeof LayerInput>): ReadonlyMap<string, LayerParameter> {
  return new Map(
    Object.entries(body.parameters).map(([element, { value, ...rest }]) => [
      element,
      { ...withoutAbsent<Omit<LayerParameter, 'value'>>(rest), value },
    ]),
  )
}

function refuseProblems(scope: LayerScope, id: string, parameters: ReadonlyMap<string, LayerParameter>): void {
  const problems = checkLayer(scope, id, parameters)
  const first = problems[0]
  if (first === undefined) return
  const listed = problems
    .slice(0, PROBLEMS_MAX)
    .map(({ code, element, message, advice }) => ({ code, place: element, message, advice }))
  throw new ApiProblem(422, first.code, `${first.message}. ${first.advice}`, listed)
}

function layerJson(layer: StoredLayer): z.infer<typeof Layer> {
  const parameters = [...layer.parameters].map(([element, parameter]) => {
    const secret = (catalogue.find(element) ?? catalogue.findPattern(element))?.secret === true
    return [element, { ...parameter, value: secret ? null : parameter.value, ...(secret ? { secret } : {}) }] as const
  })
  return { scope: layer.scope, id: layer.id, revisionId: layer.revisionId, parameters: Object.fromEntries(parameters) }
}
