/**
 * From layers and features to the one value of each element, with where it comes from and what it won over.
 * Order, weakest first: the factory's values for what was taken back, platform built-in, layers by scope (platform,
 * provider, model, accounts from the root, batch), the device's lines, features (accounts from the root, batch, device), the device's own layer, hosts, reserved elements.
 */
import type { DeviceFacts } from '../devices/types.ts'
import { fillFacts } from './facts-in-values.ts'
import { type ExpandedFeature, expandEach, resetsOf } from './features/mod.ts'
import { lineParameters } from './lines.ts'
import { platformParameters, reservedParameters, RESERVED_ELEMENTS } from './platform-layer.ts'
import { asStored, type Prepared, preparedParameters } from './prepared.ts'
import { allowedHosts } from './restricted-hosts.ts'
import type { Layer, LayerParameter, Origin, PlatformFacts, ResolvedParameter, ResolvedProfile } from './types.ts'

interface Source {
  readonly origin: Origin
  readonly parameters: ReadonlyMap<string, LayerParameter>
}

/** Every element that the device's profile says something about. Pure and deterministic. */
export function resolveDevice(facts: DeviceFacts, platform: PlatformFacts): ResolvedProfile {
  const resolved = new Map<string, ResolvedParameter>()
  for (const { origin, parameters } of sourcesOf(facts, platform)) {
    const isLayer = origin.kind === 'layer'
    for (const each of preparedParameters(parameters, facts.device.model)) {
      if (isLayer && RESERVED_ELEMENTS.includes(each.name)) continue
      resolved.set(each.element, resolveOne(each, resolved.get(each.element), origin, facts))
    }
  }
  return withHosts(resolved, platform)
}

function resolveOne(
  each: Prepared,
  below: ResolvedParameter | undefined,
  origin: Origin,
  facts: DeviceFacts,
): ResolvedParameter {
  const { element, parameter, hasFacts, secret } = each
  if (parameter.attributesOnly === true) {
    return layOver(below, { ...parameter, value: below?.value ?? parameter.value }, secret, origin)
  }
  if (hasFacts) {
    // A feature says what it means: braces in a name are braces.
    const text = origin.kind === 'feature' ? parameter.value : fillFacts(parameter.value, element, facts)
    return layOver(below, { ...parameter, value: asStored(element, text) }, secret, origin)
  }
  if (below !== undefined) return layOver(below, parameter, secret, origin)
  if (each.alone?.origin !== origin) each.alone = layOver(undefined, parameter, secret, origin)
  return each.alone
}

function sourcesOf(facts: DeviceFacts, platform: PlatformFacts): readonly Source[] {
  const own = facts.layers.filter((layer) => layer.scope === 'device')
  const shared = facts.layers.filter((layer) => layer.scope !== 'device')
  return [
    ...resetsOf(facts.pastFeatures, facts).map(({ feature, parameters }) => {
      const { origin } = sourceOfFeature({ feature, parameters })
      return { origin: { ...origin, takenBack: true as const }, parameters }
    }),
    { origin: { kind: 'platform' }, parameters: platformParameters(facts, platform) },
    ...shared.map(sourceOfLayer),
    ...lineParameters(facts).map(({ lineId, parameters }) => ({
      origin: { kind: 'line' as const, ...(lineId === undefined ? {} : { id: lineId }) },
      parameters,
    })),
    ...expandEach(facts.features, facts).map(sourceOfFeature),
    ...own.map(sourceOfLayer),
    { origin: { kind: 'device' }, parameters: reservedParameters(facts) },
  ]
}

const sources = new WeakMap<Layer, Source>()

/** The same for the same layer, so that what was worked out with it can be known again. */
function sourceOfLayer(layer: Layer): Source {
  const known = sources.get(layer)
  if (known !== undefined) return known
  const { scope, id, revisionId, parameters } = layer
  const made: Source = { origin: { kind: 'layer', scope, id, revisionId }, parameters }
  sources.set(layer, made)
  return made
}

function sourceOfFeature({ feature, parameters }: ExpandedFeature): Source {
  const { id, scope, scopeId, revisionId, body } = feature
  return {
    origin: { kind: 'feature', scope, id: scopeId, revisionId, featureId: id, featureKind: body.kind },
    parameters,
  }
}

function layOver(
  below: ResolvedParameter | undefined,
  parameter: LayerParameter,
  secret: boolean,
  origin: Origin,
): ResolvedParameter {
  const overrode = below === undefined ? [] : [{ value: below.value, origin: below.origin }, ...below.overrode]
  return {
    value: parameter.value,
    ua: parameter.ua ?? below?.ua,
    preserve: parameter.preserve ?? (parameter.attributesOnly === true ? (below?.preserve ?? true) : false),
    userPref: parameter.userPref ?? below?.userPref,
    secret,
    origin,
    overrode,
  }
}

/**
 * The phone talks to the hosts that its profile names and to no other, unless a layer says otherwise. What a feature
 * names comes besides: nobody who limits a phone means to lose it.
 */
function withHosts(resolved: Map<string, ResolvedParameter>, platform: PlatformFacts): ResolvedProfile {
  const element = 'Restricted_Access_Domains'
  const said = resolved.get(element)
  if (said !== undefined && said.origin.kind !== 'feature') return resolved
  const hosts = allowedHosts(resolved, platform)
  if (said === undefined) {
    resolved.set(element, layOver(undefined, { value: hosts.join(','), ua: 'na' }, false, { kind: 'platform' }))
    return resolved
  }
  const besides = said.value.split(',').filter((host) => host !== '')
  const value = hosts.length === 0 ? '' : [...new Set([...hosts, ...besides])].join(',')
  resolved.set(element, { ...said, value, ua: said.ua ?? 'na' })
  return resolved
}
