/** What option 43 tells a factory-reset phone about its SCEP server. A virtual phone enrols nothing. Source: MPP §10.4. */
import { decodeScep, DHCP_OPTION, type DhcpProblem, type ScepSettings } from '../../protocol/dhcp/mod.ts'
import type { Result } from '../../protocol/result.ts'
import { optionBytes } from './dhcp-network.ts'
import { isBlank } from './discovery.ts'
import type { Agent } from './types.ts'

/** @returns what the lease says; undefined: nothing, or the phone was provisioned already and does not look. */
export function leaseScep(agent: Agent): Result<ScepSettings | undefined, DhcpProblem> | undefined {
  const bytes = isBlank(agent) ? optionBytes(agent, DHCP_OPTION.vendorSpecific) : undefined
  return bytes === undefined ? undefined : decodeScep(bytes)
}
