/** Which options of the lease cannot be used, and why. Texts of options stay out of it: a URL may hold a password. */
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
    read.ok ? [] : [{ family, option, reason: read.error.message }],
  )
  const scep = leaseScep(agent)
  const scepToo =
    scep === undefined || scep.ok || acs.some(({ option }) => option === 43)
      ? []
      : [{ family: 'v4' as const, option: 43, reason: scep.error.message }]
  const vlan = leaseVlan(agent)
  const option = vlanOption(agent)
  const vlanToo =
    option === undefined || vlan === undefined || vlan.ok
      ? []
      : [{ family: 'v4' as const, option, reason: vlan.error.message }]
  return [...naming, ...acs, ...scepToo, ...vlanToo]
}
