/** What the phone tells and asks its DHCP server. Source: MPP §10.2; TR-069 §9.1, §9.3. */
import {
  ACS_VENDOR_CLASS,
  CISCO_ENTERPRISE,
  DHCP_OPTION,
  DHCPV6_OPTION,
  type DhcpProblem,
  encodeDeviceOption125,
  encodeHostName,
  encodeProductClass,
  encodeVendorClass124,
  encodeVendorClass60,
  encodeVendorClassV6,
} from '../../protocol/dhcp/mod.ts'
import type { Result } from '../../protocol/result.ts'
import { asksForAcs, deviceId, isTr069On } from './cwmp/mod.ts'
import { vlanOption } from './dhcp-network.ts'
import { parameterText } from './parameters.ts'
import type { Agent } from './types.ts'

/** Mask, router, DNS, domain, NTP, and what names servers (MPP §10.2). A class (60) is told, not asked for. */
const ASKED: readonly number[] = [1, 3, 6, 15, 42, 43, 66, 125, 150, 159, 160]

/** @returns what the phone sends beside the protocol's own fields: options 12, 60, 55, and 124 and 125 for TR-069. */
export function dhcpAsk(agent: Agent): {
  readonly hostName: string
  /** Payload of option 60. */
  readonly vendorClass: Uint8Array
  /** Codes of option 55, ascending. */
  readonly asked: readonly number[]
  readonly extra: ReadonlyMap<number, Uint8Array>
  /** The same by DHCPv6: option 16. */
  readonly extraV6: ReadonlyMap<number, Uint8Array>
} {
  // A server gives only what it is asked for, so the option of the voice VLAN is asked for too.
  const vlan = vlanOption(agent)
  const asked = [...new Set([...ASKED, ...(vlan === undefined ? [] : [vlan])])].sort((a, b) => a - b)
  const ownClass = vendorClass(agent)
  return {
    hostName: hostName(agent),
    vendorClass: ownClass,
    asked,
    extra: extraOptions(agent),
    extraV6: extraOptionsV6(agent, ownClass),
  }
}

/** The name that the phone gives itself: Host_Name, else `SEP` and its MAC address (MPP §10.2). */
export function hostName(agent: Agent): string {
  const set = parameterText(agent, 'Host_Name').trim()
  return encodeHostName(set).ok ? set : `SEP${agent.hardware.mac.toUpperCase()}`
}

function vendorClass(agent: Agent): Uint8Array {
  const { hardware, policies } = agent
  const nul = policies.vendorClassNul
  if (!asksForAcs(agent)) return bytesOf(encodeProductClass(hardware.productName, { acs: false, nul }))
  if (policies.vendorClassForAcs === 'forum-and-product') {
    return bytesOf(encodeProductClass(hardware.productName, { acs: true, nul }))
  }
  return bytesOf(encodeVendorClass60(ACS_VENDOR_CLASS))
}

/** A gateway is told who is there also by a phone that takes no ACS from DHCP: that is no setting of an ACS. */
function extraOptions(agent: Agent): ReadonlyMap<number, Uint8Array> {
  const extra = new Map<number, Uint8Array>()
  if (asksForAcs(agent)) extra.set(DHCP_OPTION.enterpriseVendorClass, bytesOf(encodeVendorClass124()))
  if (!isTr069On(agent)) return extra
  const identity = encodeDeviceOption125(deviceId(agent))
  return identity.ok ? extra.set(DHCP_OPTION.enterpriseVendorSpecific, identity.value) : extra
}

/** What the phone says of itself by DHCPv6 is not documented: the class of option 60, or nothing. */
function extraOptionsV6({ policies }: Agent, ownClass: Uint8Array): ReadonlyMap<number, Uint8Array> {
  if (!policies.vendorClassV6) return new Map()
  return new Map([[DHCPV6_OPTION.vendorClass, bytesOf(encodeVendorClassV6(CISCO_ENTERPRISE, ownClass))]])
}

/** Names of products and of the forum always fit; an option of no bytes is what is left should they not. */
function bytesOf(encoded: Result<Uint8Array, DhcpProblem>): Uint8Array {
  return encoded.ok ? encoded.value : new Uint8Array(0)
}
