/**
 * From layers and features to the one value of each element, with where it comes from and what it won over.
 * Order, weakest first: platform built-in, layers by scope (platform, provider, model, account), the device's lines,
 * the device's own layer, hosts, reserved elements.
 */
import { appliesTo, canonicalValue, catalogue, modelInfo, validateValue } from '../../protocol/profile/mod.ts'
import type { ProductName } from '../../protocol/identity.ts'
import type { DeviceFacts } from '../devices/types.ts'
import { fillFacts } from './facts-in-values.ts'
import { lineParameters } from './lines.ts'
import { platformParameters, reservedParameters, RESERVED_ELEMENTS } from './platform-layer.ts'
import { allowedHosts } from './restricted-hosts.ts'
import type { Layer, LayerParameter, Origin, PlatformFacts, ResolvedParameter, ResolvedProfile } from './types.ts'

interface Source {
  readonly origin: Origin
  readonly parameters: ReadonlyMap<string, LayerParameter>
}

/** Every element that the device's profile says something about. Pure and deterministic. */
export function resolveDevice(facts: DeviceFacts, platform: PlatformFacts): ResolvedProfile {
  const resolved = new Map<string, ResolvedParameter>()
  for (const source of sourcesOf(facts, platform)) {
    for (const [name, parameter] of source.parameters) {
      if (source.origin.kind === 'layer' && RESERVED_ELEMENTS.includes(name)) continue
      for (const element of concreteElements(name, facts.device.model)) {
        const value = asStored(element, fillFacts(parameter.value, element, facts))
        resolved.set(element, layOver(resolved.get(element), element, { ...parameter, value }, source.origin))
      }
    }
  }
  return withHosts(resolved, platform)
}

function sourcesOf(facts: DeviceFacts, platform: PlatformFacts): readonly Source[] {
  const own = facts.layers.filter((layer) => layer.scope === 'device')
  const shared = facts.layers.filter((layer) => layer.scope !== 'device')
  return [
    { origin: { kind: 'platform' }, parameters: platformParameters(facts, platform) },
    ...shared.map(sourceOfLayer),
    { origin: { kind: 'line' }, parameters: lineParameters(facts) },
    ...own.map(sourceOfLayer),
    { origin: { kind: 'device' }, parameters: reservedParameters(facts) },
  ]
}

function sourceOfLayer(layer: Layer): Source {
  return {
    origin: { kind: 'layer', scope: layer.scope, id: layer.id, revisionId: layer.revisionId },
    parameters: layer.parameters,
  }
}

/** `Proxy_n_` means every line of the model; an element that the model lacks is left out of its profile. */
function concreteElements(name: string, model: ProductName): readonly string[] {
  if (catalogue.find(name) === undefined && name.includes('_n_')) {
    const count = modelInfo(model)?.lines ?? 1
    return Array.from({ length: count }, (_, index) => name.replace('_n_', `_${index + 1}_`))
  }
  return catalogue.find(name) === undefined || appliesTo(name, model) ? [name] : []
}

/** What the phone makes of the text (MPP §1.4, §14): a preview shows what will be there, not how it was typed. */
function asStored(element: string, text: string): string {
  const trimmed = text.replace(/\r\n|[\r\n]/g, ' ').trim()
  const value = trimmed === '""' ? '' : trimmed
  const row = catalogue.find(element)
  return row === undefined || value === '' || validateValue(row, value) !== undefined
    ? value
    : canonicalValue(row, value)
}

function layOver(
  below: ResolvedParameter | undefined,
  element: string,
  parameter: LayerParameter,
  origin: Origin,
): ResolvedParameter {
  const overrode = below === undefined ? [] : [{ value: below.value, origin: below.origin }, ...below.overrode]
  return {
    value: parameter.value,
    ua: parameter.ua ?? below?.ua,
    preserve: parameter.preserve ?? false,
    userPref: parameter.userPref ?? below?.userPref,
    secret: catalogue.find(element)?.secret ?? false,
    origin,
    overrode,
  }
}

/** The phone talks to the hosts that its profile names and to no other, unless a layer says otherwise. */
function withHosts(resolved: Map<string, ResolvedParameter>, platform: PlatformFacts): ResolvedProfile {
  const element = 'Restricted_Access_Domains'
  if (resolved.has(element)) return resolved
  const hosts = allowedHosts(resolved, platform)
  resolved.set(element, layOver(undefined, element, { value: hosts.join(','), ua: 'na' }, { kind: 'platform' }))
  return resolved
}
