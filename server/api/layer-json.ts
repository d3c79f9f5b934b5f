/** Layers as the API shows them, checks them and finds them. */
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { parseMacAddress, parseProductName } from '../../protocol/identity.ts'
import { catalogue } from '../../protocol/profile/mod.ts'
import { assertNever } from '../../protocol/result.ts'
import { checkLayer, type Layer as StoredLayer, type LayerParameter, type LayerScope } from '../profiles/mod.ts'
import { findBatch, viewDevice, spellsOutSecret } from '../store/mod.ts'
import type { ApiPlatform } from './context.ts'
import type { Layer, LayerInput } from './contract.ts'
import { existingAccount } from './existing-account.ts'
import { ApiProblem, notFound } from './problem.ts'
import { withoutAbsent } from './query.ts'
import { mustReachAll, mustReachDevice, reachOf } from './reach.ts'

/** Problems that are named in one answer. */
const PROBLEMS_MAX = 100

/** The id in the form that devices look for; throws 403, 404 or 422 when it names nothing within reach. */
export async function canonicalLayerId(
  request: FastifyRequest,
  platform: ApiPlatform,
  scope: LayerScope,
  id: string,
): Promise<string> {
  switch (scope) {
    case 'platform':
    case 'provider':
    case 'model':
      await mustReachAll(request, platform)
      return sharedId(scope, id)
    case 'account':
      return (await existingAccount(request, platform, id)).id
    case 'batch': {
      const batch = await findBatch(platform.db, id)
      const reach = await reachOf(request, platform)
      if (batch === undefined || (reach !== null && !reach.includes(batch.accountId))) throw notFound('batch', id)
      return batch.id
    }
    case 'device': {
      const mac = parseMacAddress(id)
      const view = mac === undefined ? undefined : await viewDevice(platform.db, mac)
      if (view === undefined) throw notFound('device', id)
      await mustReachDevice(request, platform, id, view.account_id ?? view.held_account_id)
      return view.mac
    }
    default:
      return assertNever(scope)
  }
}

function sharedId(scope: 'platform' | 'provider' | 'model', id: string): string {
  if (scope === 'model') {
    const name = parseProductName(id)
    if (name !== undefined) return name
    throw new ApiProblem(422, 'bad-layer-id', `"${id}" is no product name; expected one like CP-8851-3PCC`)
  }
  if (id === '-') return id
  throw new ApiProblem(422, 'bad-layer-id', `The layer of scope "${scope}" has the id "-", not "${id}"`)
}

export function parametersOf(
  body: Pick<z.infer<typeof LayerInput>, 'parameters'>,
): ReadonlyMap<string, LayerParameter> {
  return new Map(
    Object.entries(body.parameters).map(([element, { value, ...rest }]) => [
      element,
      { ...withoutAbsent<Omit<LayerParameter, 'value'>>(rest), value },
    ]),
  )
}

export function refuseProblems(scope: LayerScope, id: string, parameters: ReadonlyMap<string, LayerParameter>): void {
  const problems = checkLayer(scope, id, parameters)
  const first = problems[0]
  if (first === undefined) return
  const listed = problems
    .slice(0, PROBLEMS_MAX)
    .map(({ code, element, message, advice }) => ({ code, place: element, message, advice }))
  throw new ApiProblem(422, first.code, `${first.message}. ${first.advice}`, listed)
}

type Parameters = z.infer<typeof Layer>['parameters']

export function layerJson(layer: StoredLayer): z.infer<typeof Layer> {
  const { scope, id, revisionId } = layer
  return { scope, id, revisionId, parameters: parametersJson(layer.parameters) }
}

export function parametersJson(parameters: ReadonlyMap<string, LayerParameter>): Parameters {
  return Object.fromEntries([...parameters].map(([element, parameter]) => [element, parameterJson(element, parameter)]))
}

/** A secret is null here, always: `devices/{mac}/config` reveals what a phone gets. */
export function parameterJson(element: string, parameter: LayerParameter): Parameters[string] {
  const { value, ua, preserve, userPref } = parameter
  const secret = (catalogue.find(element) ?? catalogue.findPattern(element))?.secret === true || spellsOutSecret(value)
  return {
    value: secret ? null : value,
    ...(ua === undefined ? {} : { ua }),
    ...(secret ? { secret } : {}),
    ...(preserve === undefined ? {} : { preserve }),
    ...(userPref === undefined ? {} : { userPref }),
  }
}

/** The revision of `If-Match`; undefined: whatever is there. */
export function seenRevision(header: string | undefined): number | undefined {
  const digits = header === undefined || header === '*' ? undefined : /\d+/.exec(header)?.[0]
  return digits === undefined ? undefined : Number(digits)
}

export function layerChanged(what: string, seen: number | undefined, now: number): ApiProblem {
  return new ApiProblem(
    412,
    'layer-changed',
    `Cannot ${what}: it is at revision ${now}, not at ${seen ?? 0}. Read it again and make the change on that.`,
  )
}
