/** The hosts that a profile itself sends its phone to. Source: MPP §7.2 `Restricted_Access_Domains`. */
import type { PlatformFacts } from './types.ts'

const RULES = [
  'Profile_Rule',
  'Profile_Rule_B',
  'Profile_Rule_C',
  'Profile_Rule_D',
  'Upgrade_Rule',
  'Report_Rule',
  'Custom_CA_Rule',
]
const SIP_HOST = /^(?:Alternate_)?(?:Outbound_)?Proxy_[0-9]+_$/

/** What one element names; `$` in a name: it depends on a macro. */
export type NamedHosts = readonly string[]

const NONE: NamedHosts = []

/** The hosts by which the phone comes back to us. */
export function ownHosts(platform: PlatformFacts): NamedHosts {
  const known = platformHosts.get(platform)
  if (known !== undefined) return known
  const made = [hostOf(platform.publicUrl), hostOf(platform.publicHttpUrl)]
  platformHosts.set(platform, made)
  return made
}

const platformHosts = new WeakMap<PlatformFacts, NamedHosts>()

/** Whether an element may name a host at all. */
export function mayNameHosts(element: string): boolean {
  if (element.includes('Proxy_')) return SIP_HOST.test(element)
  return element.includes('_Rule') && RULES.includes(element)
}

export function hostsIn(element: string, value: string): NamedHosts {
  if (!mayNameHosts(element) || value === '') return NONE
  return element.includes('Proxy_') ? [withoutPort(value)] : ruleHosts(value)
}

/** @returns names in order, or none at all when some host depends on a macro: then nothing can be shut out safely. */
export function joinHosts(named: Iterable<NamedHosts>): readonly string[] {
  const hosts = new Set<string>()
  for (const each of named) for (const host of each) hosts.add(host)
  const all = [...hosts]
  return all.some((host) => host.includes('$')) ? [] : all
}

/** Every host of every alternative, whatever its condition. */
function ruleHosts(rule: string): readonly string[] {
  if (rule === '') return []
  return [...rule.matchAll(/(?:tftp|https?):\/\/(\[[^\]]+\]|[^/:?\s|]+)/gi)].map((match) => match[1] ?? '')
}

function hostOf(url: string): string {
  return new URL(url).hostname
}

function withoutPort(host: string): string {
  return host.replace(/^sips?:/i, '').replace(/:[0-9]+$/, '')
}
