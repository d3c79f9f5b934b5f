import { decodeVlan, DHCP_OPTION } from '../../protocol/dhcp/mod.ts'
import { problemAt } from './found.ts'
import type { Found } from './found.ts'
import type { DiscoveryProblem } from './types.ts'

/** Judges the voice VLAN in option 132, where it is for our phones alone: others have other forms of it. Codes: see {@link checkDhcp}. */
export function judgeVlan(found: Found): readonly DiscoveryProblem[] {
  return found.options.flatMap((option) => {
    const { family, code, bytes, audience } = option
    if (family !== 4 || code !== DHCP_OPTION.vlan || audience !== 'phones' || bytes === undefined) return []
    const vlan = decodeVlan(bytes)
    if (vlan.ok && vlan.value > 0) return []
    const message = 'Option 132 holds no voice VLAN that phones can use'
    return [problemAt(option, 'vlan-id', message, 'give a whole number of 1 to 4094 as text, e.g. "20"')]
  })
}
