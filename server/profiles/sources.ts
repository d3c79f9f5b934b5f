/**
 * Who says something about a device's profile, weakest first. Some of it many devices share; that is always the same
 * object, so that what was worked out of it can be known again.
 */
import type { DeviceFacts } from '../devices/types.ts'
import { type ExpandedFeature, expandEach, resetsOf } from './features/mod.ts'
import { type ExtensionParameters, lineParameters } from './lines.ts'
import { type PlatformPart, platformParts, reservedParameters } from './platform-layer.ts'
import type { Layer, LayerParameter, Origin, PlatformFacts } from './types.ts'

export interface Source {
  readonly origin: Origin
  readonly parameters: ReadonlyMap<string, LayerParameter>
  /** The same object for all devices that have it; facts in braces alone make its values theirs. */
  readonly shared: boolean
}

export function sourcesOf(facts: DeviceFacts, platform: PlatformFacts): readonly Source[] {
  return [
    ...resetsOf(facts.pastFeatures, facts).map(sourceOfReset),
    ...platformParts(facts, platform).map(sourceOfPlatform),
    ...facts.layers.filter(({ scope }) => scope !== 'device').map(sourceOfLayer),
    ...lineParameters(facts).map(sourceOfLine),
    ...expandEach(facts.features, facts).map(sourceOfFeature),
    ...facts.layers.filter(({ scope }) => scope === 'device').map(sourceOfLayer),
    { origin: { kind: 'device' }, parameters: reservedParameters(facts), shared: false },
  ]
}

/** Layers of many devices. Those of an account or a batch are shared only when it is worth it. */
function isShared({ scope, parameters }: Layer): boolean {
  if (scope === 'device') return false
  return (scope !== 'account' && scope !== 'batch') || parameters.size > SMALL_LAYER_MAX
}

/** Parameters of a layer that are rather looked at for each device than kept for a few. */
const SMALL_LAYER_MAX = 32

const layers = new WeakMap<Layer, Source>()

function sourceOfLayer(layer: Layer): Source {
  return rememberedFor(layers, layer, () => {
    const { scope, id, revisionId, parameters } = layer
    return { origin: { kind: 'layer', scope, id, revisionId }, parameters, shared: isShared(layer) }
  })
}

const PLATFORM: Origin = { kind: 'platform' }
const platformSources = new WeakMap<PlatformPart, Source>()

function sourceOfPlatform(part: PlatformPart): Source {
  if (!part.shared) return { origin: PLATFORM, parameters: part.parameters, shared: false }
  return rememberedFor(platformSources, part, () => ({ origin: PLATFORM, parameters: part.parameters, shared: true }))
}

const lineSources = new WeakMap<ExtensionParameters, Source>()

function sourceOfLine(extension: ExtensionParameters): Source {
  const { lineId, parameters } = extension
  if (lineId !== undefined) return { origin: { kind: 'line', id: lineId }, parameters, shared: false }
  return rememberedFor(lineSources, extension, () => ({ origin: { kind: 'line' }, parameters, shared: true }))
}

function sourceOfReset(expanded: ExpandedFeature): Source {
  const source = sourceOfFeature(expanded)
  return { ...source, origin: { ...source.origin, takenBack: true } }
}

/** What a feature comes to depends on the lines of the device. */
function sourceOfFeature({ feature, parameters }: ExpandedFeature): Source {
  const { id, scope, scopeId, revisionId, body } = feature
  return {
    origin: { kind: 'feature', scope, id: scopeId, revisionId, featureId: id, featureKind: body.kind },
    parameters,
    shared: false,
  }
}

function rememberedFor<Key extends object>(known: WeakMap<Key, Source>, key: Key, make: () => Source): Source {
  const before = known.get(key)
  if (before !== undefined) return before
  const made = make()
  known.set(key, made)
  return made
}
