/**
 * From layers and features to the one value of each element, with where it comes from and what it won over.
 * Order, weakest first: the factory's values for what was taken back, platform built-in, layers by scope (platform,
 * provider, model, accounts from the root, batch), the device's lines, features (accounts from the root, batch, device), the device's own layer, hosts, reserved elements.
 */
import type { DeviceFacts } from '../devices/types.ts'
import { fillFacts } from './facts-in-values.ts'
import { RESERVED_ELEMENTS } from './platform-layer.ts'
import { asStored, prepare, type Prepared, preparedParameters } from './prepared.ts'
import { hostsIn, joinHosts, mayNameHosts, type NamedHosts, ownHosts } from './restricted-hosts.ts'
import { type Source, sourcesOf } from './sources.ts'
import type { LayerParameter, Origin, PlatformFacts, ResolvedParameter, ResolvedProfile } from './types.ts'

/** Worked out of the rest of the profile, unless a layer says it. */
export const HOSTS_ELEMENT = 'Restricted_Access_Domains'

/** Every element that the device's profile says something about. Pure and deterministic. */
export function resolveDevice(facts: DeviceFacts, platform: PlatformFacts): ResolvedProfile {
  const resolved = new Map<string, ResolvedParameter>()
  for (const source of sourcesOf(facts, platform)) {
    layOn(resolved, sayings(source, facts), source.origin, facts)
  }
  resolveHosts(resolved, platform, () => namedIn(resolved))
  return resolved
}

function* namedIn(resolved: ResolvedProfile): Iterable<NamedHosts> {
  for (const [element, { value }] of resolved) if (mayNameHosts(element)) yield hostsIn(element, value)
}

/** What a source says on the device's model, as far as it may. */
export function sayings(
  { origin, parameters, shared }: Source,
  { device }: Pick<DeviceFacts, 'device'>,
): readonly Prepared[] {
  // Only layers and what is shared come again as the same object.
  const lasting = shared || origin.kind === 'layer'
  const prepared = lasting ? preparedParameters(parameters, device.model) : prepare(parameters, device.model)
  if (origin.kind !== 'layer' || !RESERVED_ELEMENTS.some((element) => parameters.has(element))) return prepared
  return prepared.filter(({ name }) => !RESERVED_ELEMENTS.includes(name))
}

/** Lays what one source says over what others said. */
export function layOn(
  resolved: Map<string, ResolvedParameter>,
  said: readonly Prepared[],
  origin: Origin,
  facts: DeviceFacts,
): void {
  for (const each of said) resolved.set(each.element, resolveOne(each, resolved.get(each.element), origin, facts))
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

const NOTHING: ResolvedParameter['overrode'] = []

function layOver(
  below: ResolvedParameter | undefined,
  parameter: LayerParameter,
  secret: boolean,
  origin: Origin,
): ResolvedParameter {
  const overrode = below === undefined ? NOTHING : [{ value: below.value, origin: below.origin }, ...below.overrode]
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
 * @param named what the elements name, in their order
 */
export function resolveHosts(
  resolved: Map<string, ResolvedParameter>,
  platform: PlatformFacts,
  named: () => Iterable<NamedHosts>,
): void {
  const said = resolved.get(HOSTS_ELEMENT)
  if (said !== undefined && said.origin.kind !== 'feature') return
  const hosts = joinHosts([ownHosts(platform), ...named()])
  if (said === undefined) {
    const parameter = { value: hosts.join(','), ua: 'na' } as const
    resolved.set(HOSTS_ELEMENT, layOver(undefined, parameter, false, { kind: 'platform' }))
    return
  }
  const besides = said.value.split(',').filter((host) => host !== '')
  const value = hosts.length === 0 ? '' : [...new Set([...hosts, ...besides])].join(',')
  resolved.set(HOSTS_ELEMENT, { ...said, value, ua: said.ua ?? 'na' })
}
