/** What the parameters, the lease and the policies say about TR-069: is it on, who is the ACS, how often to inform. */
import { clampRetryPolicy, type RetryPolicy, RETRY_POLICY } from '../../../protocol/cwmp/mod.ts'
import type { ModelShape } from '../../../protocol/data-model/mod.ts'
import {
  type AcsDiscovery,
  decodeAcsOption125,
  decodeAcsOption17,
  decodeAcsOption43,
  decodeGatewayOption125,
  DHCP_OPTION,
  type DhcpProblem,
  DHCPV6_OPTION,
  type Identity,
} from '../../../protocol/dhcp/mod.ts'
import type { Result } from '../../../protocol/result.ts'
import { listedOptions, optionBytes, optionBytesV6 } from '../dhcp-network.ts'
import { parameterNumber, parameterText, parameterYes } from '../parameters.ts'
import { lineCount } from '../sip/mod.ts'
import type { Agent } from '../types.ts'
import type { AcsTarget } from './types.ts'

/** Path of the reference time of the periodic Inform; the profile has no such parameter. */
export const PERIODIC_INFORM_TIME = 'Device.ManagementServer.PeriodicInformTime'
/** Paths of the waits between sessions; the profile has none of them either. */
export const RETRY_MINIMUM_WAIT = 'Device.ManagementServer.CWMPRetryMinimumWaitInterval'
export const RETRY_MULTIPLIER = 'Device.ManagementServer.CWMPRetryIntervalMultiplier'

/** Whether the phone speaks TR-069 at all; CWMP_V1.2_Support No silences it as well [TR-069 §10.1]. */
export function isTr069On(agent: Agent): boolean {
  return parameterYes(agent, 'Enable_TR-069') && parameterYes(agent, 'CWMP_V1.2_Support')
}

/** Whether the phone asks DHCP for its ACS, and takes what it gets [TR-069 §9.1, §10.1]. */
export function asksForAcs(agent: Agent): boolean {
  return isTr069On(agent) && parameterYes(agent, 'TR-069_DHCPOption_Init')
}

/** The ACS of the settings, else that of DHCP, which overrides a set one by policy only [TR-069 §9.2]; undefined: nobody has named one. */
export function configuredAcsUrl(agent: Agent): string | undefined {
  const set = parameterText(agent, 'ACS_URL').trim()
  if (set !== '' && agent.policies.cwmp.acsFromDhcp === 'when-unset') return set
  return acsDiscovery(agent).url ?? (set === '' ? undefined : set)
}

/** Who is spoken to, and as whom. */
export interface AcsAccount {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly backup: boolean
}

/** The ACS in use: the configured one, or the backup after it has failed [TR-069 §10.1]. */
export function acsInUse(agent: Agent): AcsAccount | undefined {
  const backup = agent.ram.cwmp.backup ? backupUrl(agent) : undefined
  if (backup !== undefined)
    return { url: backup, ...accountOf(agent, 'BACKUP_ACS_User', 'BACKUP_ACS_Password'), backup: true }
  const url = configuredAcsUrl(agent)
  return url === undefined ? undefined : { url, ...accountOf(agent, 'ACS_Username', 'ACS_Password'), backup: false }
}

function accountOf(
  agent: Agent,
  name: string,
  secret: string,
): { readonly username: string; readonly password: string } {
  return { username: parameterText(agent, name), password: parameterText(agent, secret) }
}

/** The backup ACS, where the settings allow one. */
export function backupUrl(agent: Agent): string | undefined {
  const allowed = agent.policies.cwmp.backupAcs === 'whenever-set' || parameterYes(agent, 'TR-069_Fallback_Support')
  const url = parameterText(agent, 'BACKUP_ACS_URL').trim()
  return allowed && url !== '' ? url : undefined
}

/** Where a URL leads; undefined for one that is not http or https. Credentials in it are left out. */
export function acsTarget(url: string): AcsTarget | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, hostname, port, pathname, search } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') return undefined
  const scheme = protocol === 'https:' ? 'https' : 'http'
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === '') return undefined
  return { scheme, host, port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port), path: pathname + search }
}

/** What DHCP says about the ACS; the first option that tells a field counts for it [TR-069 §9.2]. */
export function acsDiscovery(agent: Agent): AcsDiscovery {
  if (!parameterYes(agent, 'TR-069_DHCPOption_Init')) return {}
  const found = acsOptions(agent).flatMap(({ read }) => (read.ok && read.value !== undefined ? [read.value] : []))
  return {
    url: found.find(({ url }) => url !== undefined)?.url,
    provisioningCode: found.find((one) => one.provisioningCode !== undefined)?.provisioningCode,
    retryMinimumWait: found.find((one) => one.retryMinimumWait !== undefined)?.retryMinimumWait,
    retryMultiplier: found.find((one) => one.retryMultiplier !== undefined)?.retryMultiplier,
  }
}

/** One option of the lease that may be about an ACS. */
export interface AcsOption {
  readonly family: 'v4' | 'v6'
  readonly option: number
  readonly read: Result<AcsDiscovery | undefined, DhcpProblem>
}

/**
 * The options of the lease that may be about an ACS, in the order in which they count: 43 before 125, or as
 * DHCP_Option_To_Use lists them, by policy; which family is first is a policy too [TR-069 §9.2; MPP §10.1].
 */
export function acsOptions(agent: Agent): readonly AcsOption[] {
  const { dhcpFamilies, cwmp } = agent.policies
  const listed = cwmp.acsOptions === 'as-listed'
  const codes = listed ? listedOptions(agent, 'v4').filter((code) => ACS_OPTIONS.includes(code)) : ACS_OPTIONS
  const v4 = codes.flatMap((option): readonly AcsOption[] => {
    const bytes = optionBytes(agent, option)
    if (bytes === undefined) return []
    const read = option === DHCP_OPTION.vendorSpecific ? decodeAcsOption43(bytes) : decodeAcsOption125(bytes)
    return [{ family: 'v4', option, read }]
  })
  const option = DHCPV6_OPTION.vendorSpecific
  const takesV6 = !listed || listedOptions(agent, 'v6').includes(option)
  const v6 = (takesV6 ? optionBytesV6(agent, option) : []).map(
    (bytes): AcsOption => ({ family: 'v6', option, read: decodeAcsOption17(bytes) }),
  )
  return dhcpFamilies === 'v4-first' ? [...v4, ...v6] : [...v6, ...v4]
}

const ACS_OPTIONS: readonly number[] = [DHCP_OPTION.vendorSpecific, DHCP_OPTION.enterpriseVendorSpecific]

/** The home gateway that the phone sits behind, from option 125 [TR-069 §9.3]. */
export function gatewayIdentity(agent: Agent): Identity | undefined {
  const bytes = optionBytes(agent, DHCP_OPTION.enterpriseVendorSpecific)
  const decoded = bytes === undefined ? undefined : decodeGatewayOption125(bytes)
  return decoded?.ok === true ? decoded.value.gateway : undefined
}

/**
 * Waits between failed sessions: as the ACS has set them, else as DHCP says; within their range, so that the ACS is shown what
 * the phone waits [TR-069 §6, §9.2].
 */
export function retryPolicy(agent: Agent): RetryPolicy {
  const { retryMinimumWait, retryMultiplier } = acsDiscovery(agent)
  const { values } = agent.flash.tr069
  return clampRetryPolicy({
    minimumWaitSeconds: positive(values[RETRY_MINIMUM_WAIT] ?? retryMinimumWait) ?? RETRY_POLICY.minimumWaitSeconds,
    multiplier: positive(values[RETRY_MULTIPLIER] ?? retryMultiplier) ?? RETRY_POLICY.multiplier,
  })
}

/** Seconds between periodic Informs; undefined: there are none [TR-069 §10.1]. */
export function periodicInformSeconds(agent: Agent): number | undefined {
  if (!parameterYes(agent, 'Periodic_Inform_Enable')) return undefined
  return parameterNumber(agent, 'Periodic_Inform_Interval', { min: 1, max: 4_294_967_295, otherwise: 20 })
}

/** Where connection requests come in; '' while nothing listens [TR-069 §8.1]. */
export function connectionRequestUrl(agent: Agent): string {
  const { lease, cwmp } = agent.ram
  const port = cwmp.listener?.port
  const { connectionPath } = agent.flash.tr069
  if (lease === undefined || port === undefined || connectionPath === '') return ''
  const host = lease.address.includes(':') ? `[${lease.address}]` : lease.address
  return `http://${host}:${port}/${connectionPath}`
}

/** The data model that this phone shows. */
export function modelShape(agent: Agent): ModelShape {
  return { lines: lineCount(agent), voiceProfiles: agent.policies.cwmp.voiceProfiles }
}

function positive(digits: string | undefined): number | undefined {
  const value = Number(digits)
  return digits !== undefined && value >= 1 ? value : undefined
}
