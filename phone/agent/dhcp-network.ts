/** What the lease tells of the network itself, for the status pages. Source: MPP §10.1, §10.4. */
import { utf8Bytes } from '../../protocol/bytes.ts'
import { decodeVlan, DHCP_OPTION, type DhcpProblem, isVlanOption } from '../../protocol/dhcp/mod.ts'
import type { Result } from '../../protocol/result.ts'
import { parameterText } from './parameters.ts'
import type { Agent } from './types.ts'

/** The option that carries the voice VLAN: the one that DHCP_VLAN_Option names, else 132 by policy (MPP §10.1). */
export function vlanOption(agent: Agent): number | undefined {
  const named = parameterText(agent, 'DHCP_VLAN_Option').trim()
  if (named === '') return agent.policies.dhcpVlan === '132-unless-named' ? DHCP_OPTION.vlan : undefined
  const code = /^\d{1,3}$/.test(named) ? Number(named) : 0
  return isVlanOption(code) ? code : undefined
}

/** The voice VLAN that DHCP gave; undefined: none. */
export function leaseVlan(agent: Agent): Result<number, DhcpProblem> | undefined {
  const code = vlanOption(agent)
  const bytes = code === undefined ? undefined : optionBytes(agent, code)
  return bytes === undefined ? undefined : decodeVlan(bytes)
}

/** The bytes of a DHCPv4 option of the lease, whether it was handed in as text or as bytes. */
export function optionBytes(agent: Agent, code: number): Uint8Array | undefined {
  const value = usesFamily(agent, 'v4') ? agent.ram.lease?.options.get(code) : undefined
  return typeof value === 'string' ? utf8Bytes(value) : value
}

/** The bytes of each occurrence of a DHCPv6 option of the lease, in their order. */
export function optionBytesV6(agent: Agent, code: number): readonly Uint8Array[] {
  const value = usesFamily(agent, 'v6') ? agent.ram.lease?.optionsV6?.get(code) : undefined
  return typeof value === 'string' ? [utf8Bytes(value)] : (value ?? [])
}

/** Options to use come by the dozen at most. */
const LISTED_MAX = 64

/** The codes of DHCP_Option_To_Use or DHCPv6_Option_To_Use, each once; what is no number is skipped (MPP §10.1). */
export function listedOptions(agent: Agent, family: 'v4' | 'v6'): readonly number[] {
  const codes = parameterText(agent, family === 'v4' ? 'DHCP_Option_To_Use' : 'DHCPv6_Option_To_Use')
    .split(',', LISTED_MAX)
    .map((code) => code.trim())
    .filter((code) => /^\d{1,5}$/.test(code))
    .map(Number)
  return [...new Set(codes)]
}

/** Whether the phone speaks that family at all; `Dual Mode`, the default, is both (MPP §13.2, IP_Mode). */
export function usesFamily(agent: Agent, family: 'v4' | 'v6'): boolean {
  const mode = parameterText(agent, 'IP_Mode').trim().toLowerCase()
  return mode !== (family === 'v4' ? 'ipv6 only' : 'ipv4 only')
}
