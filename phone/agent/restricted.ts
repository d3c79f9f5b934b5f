/** Restricted_Access_Domains: the only hosts that the phone may talk to. Source: MPP §7.2. */
import { parameterText } from './parameters.ts'
import type { Agent } from './types.ts'

/** @returns whether the parameter allows this host; an empty list allows every host. */
export function hostAllowed(agent: Agent, host: string): boolean {
  const domains = parameterText(agent, 'Restricted_Access_Domains')
    .split(',')
    .map(plainName)
    .filter((domain) => domain !== '')
  if (domains.length === 0) return true
  const name = plainName(host)
  const subdomains = agent.policies.restrictedDomains === 'exact-or-subdomain'
  return domains.some((domain) => name === domain || (subdomains && name.endsWith(`.${domain}`)))
}

function plainName(text: string): string {
  return text.trim().toLowerCase().replace(/\.$/, '')
}
