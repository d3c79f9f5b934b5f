/**
 * What Offhook itself says to every bound phone, below all layers: how it comes back, how it proves what it runs, its
 * passwords, and the doors that stay shut. A layer may change any of it but the reserved elements.
 * Source: MPP §5.1, §5.2 (lists), §7.2, §8, §12.1; guide "Configuration Access Control".
 */
import { DEVICE_QUERY } from './device-query.ts'
import { acsCredentials } from '../devices/mod.ts'
import type { DeviceFacts } from '../devices/types.ts'
import type { LayerParameter, PlatformFacts } from './types.ts'

/** Elements that no layer may set: marker, keys. */
export const RESERVED_ELEMENTS: readonly string[] = ['GPP_P', 'GPP_SA', 'GPP_SB']

/** Error retries with jitter, so that an outage does not end in a stampede (MPP §15). */
export const ERROR_RETRY = '60+60,120+60,240+120,480+240,960+480,1920+960,3600+1800'

/** The list is walked once: a first look back within two minutes brings the marker, then the normal period. */
export function periodicList(periodSeconds: number): string {
  return `60+60,${periodSeconds}+${Math.ceil(periodSeconds / 8)}`
}

/** The permanent URL with the questions that tell us what the phone runs. */
export function permanentRule(platform: PlatformFacts, keyGeneration?: number): string {
  const generation = keyGeneration === undefined ? '' : `&k=${keyGeneration}`
  return `${platform.publicUrl}/cisco-init?${DEVICE_QUERY}${generation}`
}

function profileRule(facts: DeviceFacts, platform: PlatformFacts): string {
  const { device, account } = facts
  if (account?.settings.delivery === 'sealed') {
    const query = `k=${device.keyIssued}&${DEVICE_QUERY}`
    return `[--key $SA] ${platform.publicHttpUrl}/s/${device.profilePath}.cfg?${query}`
  }
  if (account?.settings.credentialed === true) {
    return `[--uid $MA --pwd $SB] ${permanentRule(platform, device.keyIssued)}&auth=1`
  }
  return permanentRule(platform, device.keyIssued)
}

/** Asked as soon as a file was applied. A sealed file is fetched unproved, so its key is confirmed here, over TLS. */
function acknowledgement({ device, account }: DeviceFacts, platform: PlatformFacts): string {
  const generation = account?.settings.delivery === 'sealed' ? `&k=${device.keyIssued}` : ''
  return `${platform.publicUrl}/cisco-ack?${DEVICE_QUERY}${generation}`
}

/** A part of what the platform says. What is the same for all phones is the same object for all of them. */
export interface PlatformPart {
  readonly shared: boolean
  readonly parameters: ReadonlyMap<string, LayerParameter>
}

/** Elements that a bound phone gets whatever its layers say, with `ua` `na`. Values may be overridden by layers. */
export function platformParts(facts: DeviceFacts, platform: PlatformFacts): readonly PlatformPart[] {
  const shared = sharedParts(platform)
  return [
    shared.returning,
    ownPart({ Profile_Rule: profileRule(facts, platform), Profile_Rule_B: acknowledgement(facts, platform) }),
    shared.logs,
    ownPart({ PRT_Upload_Rule: `${platform.publicUrl}/prt/${facts.device.mac}` }),
    shared.servers,
    { shared: false, parameters: passwords(facts) },
    ...callsAcs(facts, platform),
  ]
}

/** A phone that TR-069 leads, or watches, learns where to call and how to prove itself (TR-069 §10.1). */
function callsAcs(facts: DeviceFacts, { acsUrl }: PlatformFacts): readonly PlatformPart[] {
  const ledBy = facts.account?.settings.ledBy ?? 'profile'
  if (ledBy === 'profile' || acsUrl === undefined) return []
  const credentials = acsCredentials(facts)
  if (credentials === undefined) return []
  return [
    ownPart({
      'Enable_TR-069': 'Yes',
      ACS_URL: acsUrl,
      ACS_Username: credentials.username,
      ACS_Password: credentials.password,
      Connection_Request_Username: credentials.connectionRequestUsername,
      Connection_Request_Password: credentials.connectionRequestPassword,
      Periodic_Inform_Enable: 'Yes',
    }),
  ]
}

interface SharedParts {
  readonly returning: PlatformPart
  readonly logs: PlatformPart
  readonly servers: PlatformPart
}

const sharedByPlatform = new WeakMap<PlatformFacts, SharedParts>()

function sharedParts(platform: PlatformFacts): SharedParts {
  const known = sharedByPlatform.get(platform)
  if (known !== undefined) return known
  const made: SharedParts = {
    returning: sharedPart({
      Enable_Direct_Action_Url: 'No',
      Block_Nonproxy_SIP: 'Yes',
      'Auth_Resync-Reboot_n_': 'Yes',
      Provision_Enable: 'Yes',
      Resync_On_Reset: 'Yes',
      Resync_Periodic: periodicList(platform.resyncPeriodSeconds),
      Resync_Error_Retry_Delay: ERROR_RETRY,
    }),
    // The default texts end in $PATH, which would carry codes and sealed paths in clear over UDP.
    logs: sharedPart({
      Log_Request_Msg: '$PN $MAC -- Requesting resync $SCHEME://$SERVIP:$PORT',
      Log_Success_Msg: '$PN $MAC -- Successful resync $SCHEME://$SERVIP:$PORT',
      Log_Failure_Msg: '$PN $MAC -- Resync failed: $ERR',
      Log_Upgrade_Request_Msg: '$PN $MAC -- Requesting upgrade $SCHEME://$SERVIP:$PORT',
      Log_Upgrade_Success_Msg: '$PN $MAC -- Successful upgrade $SCHEME://$SERVIP:$PORT -- $ERR',
      Log_Upgrade_Failure_Msg: '$PN $MAC -- Upgrade failed: $ERR',
    }),
    servers: sharedPart({
      PRT_Upload_Method: 'POST',
      ...(platform.ntpServer === undefined ? {} : { Primary_NTP_Server: platform.ntpServer }),
      ...(platform.customCaUrl === undefined ? {} : { Custom_CA_Rule: platform.customCaUrl }),
    }),
  }
  sharedByPlatform.set(platform, made)
  return made
}

function sharedPart(values: Readonly<Record<string, string>>): PlatformPart {
  return { ...ownPart(values), shared: true }
}

function ownPart(values: Readonly<Record<string, string>>): PlatformPart {
  const parameters = Object.entries(values).map(([element, value]) => [element, { value, ua: 'na' }] as const)
  return { shared: false, parameters: new Map(parameters) }
}

function passwords({ secrets }: DeviceFacts): ReadonlyMap<string, LayerParameter> {
  if (secrets === undefined) return new Map()
  return new Map<string, LayerParameter>([
    ['Admin_Password', { value: secrets.adminPassword, ua: 'na' }],
    ['User_Password', { value: secrets.userPassword, userPref: true }],
  ])
}

/** Keys of the device; set last and over everything. The marker joins when the text is known. */
export function reservedParameters(facts: DeviceFacts): ReadonlyMap<string, LayerParameter> {
  const key = facts.secrets?.profileKeys.get(facts.device.keyIssued)
  if (facts.secrets === undefined || key === undefined) return new Map()
  return new Map([
    ['GPP_SA', { value: key, ua: 'na' }],
    ['GPP_SB', { value: facts.secrets.uidPassword, ua: 'na' }],
  ])
}
