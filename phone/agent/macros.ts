/** What each `$NAME` means on this phone, now. Source: MPP §3.3. */
import { loadVersionText } from '../../protocol/firmware/mod.ts'
import { macWithColons, productSeriesName } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import { defaultPort, type MacroLookup } from '../../protocol/rule/mod.ts'
import { parameterText } from './parameters.ts'
import { secondsWithoutRegistration } from './sip/mod.ts'
import type { Agent } from './types.ts'

/**
 * The phone's values for rules, logs and GPP bodies. Names that belong elsewhere (`$VERSION` in the user agent, `$USER`
 * in short names, `$PROXY` in function scripts, the services' call names) are unknown here and stay as they are.
 * Secret registers are answered; whoever expands decides that they show only inside `--key`, `--uid` and `--pwd`.
 */
export function macroLookup(agent: Agent, now: Millis): MacroLookup {
  return (name) =>
    register(agent, name) ?? identity(agent, name) ?? state(agent, name, now) ?? url(agent, name) ?? line(agent, name)
}

/** As `macroLookup`, with `$VERSION`, for HTTP_User_Agent_Name and SIP_User_Agent_Name (MPP §11.1). */
export function userAgentLookup(agent: Agent, now: Millis): MacroLookup {
  const plain = macroLookup(agent, now)
  return (name) => (name === 'VERSION' ? softwareName(agent) : plain(name))
}

/** `Cisco-CP-8851-3PCC/12.0.2`. */
export function softwareName(agent: Agent): string {
  return `Cisco-${agent.hardware.productName}/${loadVersionText(agent.flash.activeLoad) ?? agent.flash.activeLoad}`
}

function register(agent: Agent, name: string): string | undefined {
  const bare = name.replace(/^GPP_/, '')
  return /^(?:[A-P]|S[A-D])$/.test(bare) ? parameterText(agent, `GPP_${bare}`) : undefined
}

function identity({ hardware, flash, ram }: Agent, name: string): string | undefined {
  switch (name) {
    case 'MA':
      return hardware.mac
    case 'MAU':
      return hardware.mac.toUpperCase()
    case 'MAC':
      return macWithColons(hardware.mac)
    case 'PN':
      return hardware.productName
    case 'PSN':
      return productSeriesName(hardware.productName)
    case 'SN':
      return hardware.serial
    case 'CCERT':
      return hardware.clientCertificate ? 'Installed' : 'Not Installed'
    case 'IP':
      return ram.lease?.address ?? ''
    case 'EXTIP':
      return ''
    case 'SWVER':
      return flash.activeLoad
    case 'HWVER':
      return hardware.hardwareVersion
    default:
      return undefined
  }
}

function state(agent: Agent, name: string, now: Millis): string | undefined {
  const { flash, ram } = agent
  const registration = /^REGTMR([1-9][0-9]?)$/.exec(name)?.[1]
  if (registration !== undefined) return String(secondsWithoutRegistration(agent, Number(registration), now))
  switch (name) {
    case 'PRVST':
      return String(ram.provisioningCause)
    case 'UPGST':
      return String(ram.upgradeState)
    case 'UPGERR':
      return ram.upgradeError
    case 'PRVTMR':
      return secondsSince(ram.lastResyncAt ?? ram.bootedAt, now)
    case 'UPGTMR':
      return secondsSince(ram.lastUpgradeAt ?? ram.bootedAt, now)
    case 'ERR':
      return ram.lastError
    case 'ISCUST':
      return flash.customization === 'Acquired' ? '1' : '0'
    case 'UPGCOND':
    case 'EMS':
    case 'MUID':
    case 'MPWD':
      return ''
    case 'ORIGTYPE':
      return 'orig_mpp'
    case 'AUTHSTATUS':
      return 'none'
    default:
      return undefined
  }
}

function url({ ram }: Agent, name: string): string | undefined {
  const progress = ram.inProgress
  if (progress === undefined) return undefined
  switch (name) {
    case 'SCHEME':
    case 'METH':
      return progress.url.scheme
    case 'SERV':
      return progress.host
    case 'SERVIP':
      return progress.address
    case 'PORT':
      return String(progress.url.port ?? defaultPort(progress.url.scheme))
    case 'PATH':
      return progress.url.path
    default:
      return undefined
  }
}

function line(agent: Agent, name: string): string | undefined {
  const [, kind, index] = /^(UID|DISPLAYNAME|AUTHID)([1-9][0-9]?)$/.exec(name) ?? []
  switch (kind) {
    case 'UID':
      return parameterText(agent, `User_ID_${index}_`)
    case 'DISPLAYNAME':
      return parameterText(agent, `Display_Name_${index}_`)
    case 'AUTHID':
      return parameterText(agent, `Auth_ID_${index}_`)
    default:
      return undefined
  }
}

function secondsSince(at: Millis, now: Millis): string {
  return String(Math.max(0, Math.floor((now - at) / 1000)))
}
