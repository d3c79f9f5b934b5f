/** Which options of the lease cannot be used, and why. Texts of options stay out of it: a URL may hold a password. */
import { DHCP_OPTION, type DhcpProblem } from '../../protocol/dhcp/mod.ts'
import type { Result } from '../../protocol/result.ts'
import { acsOptions, asksForAcs } from './cwmp/mod.ts'
import { namingOptions } from './dhcp.ts'
import { leaseVlan, vlanOption } from './dhcp-network.ts'
import { leaseScep } from './scep.ts'
import type { Agent } from './types.ts'

/** An option that counts as if it were absent. */
export interface UnusableOption {
  readonly family: 'v4' | 'v6'
  readonly option: number
  readonly reason: string
}

/** The options that this phone would use, were they well made (MPP §10.1). */
export function unusableOptions(agent: Agent): readonly UnusableOption[] {
  const naming = namingOptions(agent).flatMap(({ family, option, servers }) =>
    servers.ok ? [] : [{ family, option, reason: servers.error }],
  )
  const acs = (asksForAcs(agent) ? acsOptions(agent) : []).flatMap(({ family, option, read }) =>
    refused(family, option, read),
  )
  const { vendorSpecific } = DHCP_OPTION
  const told = acs.some(({ option }) => option === vendorSpecific)
  const scep = told ? [] : refused('v4', vendorSpecific, leaseScep(agent))
  const code = vlanOption(agent)
  const vlan = code === undefined ? [] : refused('v4', code, leaseVlan(agent))
  return [...naming, ...acs, ...scep, ...vlan]
}

function refused(
  family: UnusableOption['family'],
  option: number,
  read: Result<unknown, DhcpProblem> | undefined,
): readonly UnusableOption[] {
  return read === undefined || read.ok ? [] : [{ family, option, reason: read.error.message }]
}
