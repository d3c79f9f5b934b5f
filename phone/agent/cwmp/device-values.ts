/**
 * Values of the data model that no setting holds: what the phone is, what it does right now, what its network gave it.
 * Source: TR-069 §5 (forced Inform), §9.3, §10; TR-106 and TR-104 for the words.
 */
import { UNKNOWN_TIME, writeBoolean, writeDateTime } from '../../../protocol/cwmp/mod.ts'
import { modelTree } from '../../../protocol/data-model/mod.ts'
import { macWithColons } from '../../../protocol/identity.ts'
import type { Millis } from '../../../protocol/result.ts'
import { parameterText, parameterYes } from '../parameters.ts'
import { lineCount, lineStates } from '../sip/mod.ts'
import type { Agent } from '../types.ts'
import {
  acsDiscovery,
  configuredAcsUrl,
  connectionRequestUrl,
  gatewayIdentity,
  modelShape,
  PERIODIC_INFORM_TIME,
  retryPolicy,
} from './settings.ts'

/** The form is that of the standard, the exact text of the phones is unknown [TR-069 §10 rule 3]. */
const DEVICE_SUMMARY = 'Device:1.0[](Baseline:1), VoiceService:1.0[1](Endpoint:1, SIPEndpoint:1)'

/** Paths whose value moves by itself: their change is no news [TR-069 §7, fault 9009]. */
export const RESTLESS_PATHS: readonly string[] = ['Device.DeviceInfo.UpTime', 'Device.Time.CurrentLocalTime']

/** The label of the device that an Inform begins with; the OUI is that of its MAC address [TR-069 §5]. */
export function deviceId({ hardware }: Agent): {
  readonly manufacturer: string
  readonly oui: string
  readonly productClass: string
  readonly serialNumber: string
} {
  return {
    manufacturer: 'Cisco',
    oui: hardware.mac.slice(0, 6).toUpperCase(),
    productClass: hardware.productName,
    serialNumber: hardware.serial,
  }
}

/** @returns what the phone itself knows of a path; undefined: a setting or nobody knows it */
export function deviceValue(agent: Agent, path: string, now: Millis): string | undefined {
  const [, area = '', name = ''] = /^Device\.(\w+)\.(.*)$/.exec(path) ?? []
  switch (area) {
    case '':
      return path === 'Device.DeviceSummary' ? DEVICE_SUMMARY : undefined
    case 'DeviceInfo':
      return deviceInfo(agent, name, now)
    case 'ManagementServer':
      return managementServer(agent, name)
    case 'GatewayInfo':
      return gatewayInfo(agent, name)
    case 'Time':
      return name === 'CurrentLocalTime' ? writeDateTime(now) : undefined
    case 'LAN':
      return lan(agent, name)
    case 'Services':
      return voice(agent, name)
    default:
      return undefined
  }
}

function deviceInfo(agent: Agent, name: string, now: Millis): string | undefined {
  const { hardware, flash, ram } = agent
  switch (name) {
    case 'Manufacturer':
      return deviceId(agent).manufacturer
    case 'ManufacturerOUI':
      return deviceId(agent).oui
    case 'ModelName':
    case 'ProductClass':
      return hardware.productName
    case 'Description':
      return 'Virtual phone'
    case 'SerialNumber':
      return hardware.serial
    case 'HardwareVersion':
      return hardware.hardwareVersion
    case 'SoftwareVersion':
      return flash.activeLoad
    case 'AdditionalSoftwareVersion':
      return flash.inactiveLoad ?? ''
    case 'ProvisioningCode':
      return flash.tr069.values['Device.DeviceInfo.ProvisioningCode'] ?? acsDiscovery(agent).provisioningCode ?? ''
    case 'DeviceStatus':
      return 'Up'
    case 'UpTime':
      return String(Math.max(0, Math.floor((now - ram.bootedAt) / 1000)))
    default:
      return undefined
  }
}

function managementServer(agent: Agent, name: string): string | undefined {
  switch (name) {
    case 'URL':
      return configuredAcsUrl(agent) ?? ''
    case 'ParameterKey':
      return agent.flash.tr069.parameterKey
    case 'ConnectionRequestURL':
      return connectionRequestUrl(agent)
    case 'PeriodicInformTime':
      return agent.flash.tr069.values[PERIODIC_INFORM_TIME] ?? UNKNOWN_TIME
    case 'CWMPRetryMinimumWaitInterval':
      return String(retryPolicy(agent).minimumWaitSeconds)
    case 'CWMPRetryIntervalMultiplier':
      return String(retryPolicy(agent).multiplier)
    default:
      return undefined
  }
}

function gatewayInfo(agent: Agent, name: string): string | undefined {
  const gateway = gatewayIdentity(agent)
  switch (name) {
    case 'ManufacturerOUI':
      return gateway?.oui ?? ''
    case 'SerialNumber':
      return gateway?.serialNumber ?? ''
    case 'ProductClass':
      return gateway?.productClass ?? ''
    default:
      return undefined
  }
}

function lan(agent: Agent, name: string): string | undefined {
  const { hardware, ram } = agent
  switch (name) {
    case 'IPAddress':
      return ram.lease?.address ?? ''
    // What is set by hand counts before what DHCP gave.
    case 'DefaultGateway':
      return parameterText(agent, 'Gateway') === '' ? ram.lease?.gateway : undefined
    case 'DNSServers':
      return nameServers(agent)
    case 'MACAddress':
      return macWithColons(hardware.mac)
    case 'DHCPOptionNumberOfEntries':
      return String(modelTree(modelShape(agent)).children('Device.LAN.DHCPOption.').length)
    default:
      return undefined
  }
}

function nameServers(agent: Agent): string | undefined {
  const { dnsServers = [] } = agent.ram.lease ?? {}
  const set = parameterText(agent, 'Primary_DNS') + parameterText(agent, 'Secondary_DNS')
  return set === '' && dnsServers.length > 0 ? dnsServers.join(',') : undefined
}

function voice(agent: Agent, name: string): string | undefined {
  const lines = lineCount(agent)
  const ownProfiles = agent.policies.cwmp.voiceProfiles === 'profile-per-line'
  const tail = /^VoiceService\.1\.(.*)$/.exec(name)?.[1] ?? ''
  switch (tail) {
    case 'VoiceProfileNumberOfEntries':
    case 'Capabilities.MaxProfileCount':
      return String(ownProfiles ? lines : 1)
    case 'Capabilities.MaxLineCount':
      return String(lines)
    case 'Capabilities.SignalingProtocols':
      return 'SIP'
    case 'Capabilities.SIP.Role':
      return 'UserAgent'
    case 'Capabilities.SIP.Transports':
      return 'UDP,TCP,TLS'
    default:
      return voiceProfile(agent, tail)
  }
}

function voiceProfile(agent: Agent, tail: string): string | undefined {
  const ownProfiles = agent.policies.cwmp.voiceProfiles === 'profile-per-line'
  const [, profile = '', rest = ''] = /^VoiceProfile\.(\d+)\.(.*)$/.exec(tail) ?? []
  if (rest === 'NumberOfLines') return String(ownProfiles ? 1 : lineCount(agent))
  const [, instance = '', name = ''] = /^Line\.(\d+)\.(\w+)$/.exec(rest) ?? []
  const line = Number(ownProfiles ? profile : instance)
  switch (name) {
    case 'Status':
      return lineStatus(agent, line)
    case 'CallState':
      return agent.ram.busyLines.includes(line) ? 'InCall' : 'Idle'
    default:
      return undefined
  }
}

/** In the words of TR-104. */
function lineStatus(agent: Agent, line: number): string {
  if (!parameterYes(agent, `Line_Enable_${line}_`)) return 'Disabled'
  const state = lineStates(agent, agent.ram.bootedAt).find((one) => one.line === line)?.state ?? 'off'
  const words = { registered: 'Up', registering: 'Registering', failed: 'Error', off: 'Disabled' } as const
  return words[state]
}

/** What a parameter that nobody has set holds, by type. */
export function emptyValue(type: string): string {
  if (type === 'boolean') return writeBoolean(false)
  if (type === 'dateTime') return UNKNOWN_TIME
  return ['int', 'unsignedInt', 'long', 'unsignedLong'].includes(type) ? '0' : ''
}
