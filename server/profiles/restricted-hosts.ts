/** The hosts that a profile itself sends its phone to. Source: MPP §7.2 `Restricted_Access_Domains`. */
import type { PlatformFacts, ResolvedProfile } from './types.ts'

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

/** @returns names in order, or none at all when some host depends on a macro: then nothing can be shut out safely. */
export function allowedHosts(resolved: ResolvedProfile, platform: PlatformFacts): readonly string[] {
  const hosts = new Set([hostOf(platform.publicUrl), hostOf(platform.publicHttpUrl)])
  for (const [element, { value }] of resolved) {
    if (SIP_HOST.test(element) && value !== '') hosts.add(withoutPort(value))
    if (!RULES.includes(element)) continue
    for (const host of ruleHosts(value)) hosts.add(host)
  }
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
