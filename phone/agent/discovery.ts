/**
 * Where a blank phone looks for its provider, in this order: the server that DHCP names, DNS SRV records of its domain,
 * the redirect service (RC). Each attempt starts with DHCP again, so DHCP and RC take turns until one works.
 *
 *     Open            nothing has answered yet
 *     Pending         RC is being asked
 *     Custom-Pending  RC named a server; its file has not been fetched yet
 *     Acquired        that file was applied. Final until factory reset
 *     Unavailable     RC knows no owner
 *     Aborted         another source (DHCP, SRV, web, display) provisioned the phone first; RC is not asked any more
 *
 * Source: MPP §9.1, §9.3, §4.6, §10.1.
 */
import { productSeriesName } from '../../protocol/identity.ts'
import { evaluateRule } from '../../protocol/rule/mod.ts'
import { learnedServer } from './dhcp.ts'
import { printAuthority } from './http-request.ts'
import { macroLookup } from './macros.ts'
import { parameterText } from './parameters.ts'
import { orderSrv } from './srv.ts'
import type { Moment } from './turn.ts'
import type { Agent, CustomizationState, SrvRecord } from './types.ts'

/** URLs made from SRV records in one attempt. */
export const CANDIDATES_MAX = 8

const BLANK: readonly CustomizationState[] = ['Open', 'Pending', 'Custom-Pending', 'Unavailable']

/** Whether nobody has provisioned this phone yet, so that it must find its provider itself. */
export function isBlank(agent: Agent): boolean {
  return BLANK.includes(agent.flash.customization)
}

/** Whether the configured rules can be fetched: DHCP names a server, or Profile_Rule does. */
export function rulesUsable(agent: Agent, now: number): boolean {
  return learnedServer(agent) !== undefined || namesServer(agent, now)
}

/** Whether Profile_Rule itself names a server, as it does after a redirect. */
export function namesServer(agent: Agent, now: number): boolean {
  const rule = parameterText(agent, 'Profile_Rule')
  const decision = evaluateRule(rule, 'profile', macroLookup(agent, now), agent.policies.rule)
  return decision.kind === 'fetch' && (decision.url.host !== undefined || decision.url.scheme === 'gds')
}

/** @returns the DHCP domain to ask SRV records of, if there is a usable one. */
export function srvDomain(agent: Agent): string | undefined {
  const domain = (agent.ram.lease?.domain ?? '').trim().replace(/\.$/, '')
  return /^[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$/.test(domain) ? domain : undefined
}

/** MPP §4.6: of each target `/$PSN.xml` in the root, then `/Cisco/$MA.cfg`. */
export function srvCandidates(
  agent: Agent,
  scheme: 'http' | 'https',
  records: readonly SrvRecord[],
  { rng }: Moment,
): readonly string[] {
  const files = [`/${productSeriesName(agent.hardware.productName)}.xml`, `/Cisco/${agent.hardware.mac}.cfg`]
  return orderSrv(records, agent.policies.srvWeight, rng)
    .filter(({ host, port }) => /^[A-Za-z0-9._-]+$/.test(host) && port > 0 && port < 65_536)
    .flatMap(({ host, port }) => files.map((file) => `${scheme}://${printAuthority(scheme, host, port)}${file}`))
    .slice(0, CANDIDATES_MAX)
}
