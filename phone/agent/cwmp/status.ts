/** What the phone's pages tell about TR-069; no password is among it [TR-069 §10.1]. */
import { localStamp } from '../local-time.ts'
import { parameterYes } from '../parameters.ts'
import type { Agent } from '../types.ts'
import { acsInUse, connectionRequestUrl, isTr069On } from './settings.ts'

/** One line of the page. */
export interface Tr069Row {
  readonly label: string
  readonly value: string
}

/** The section of the Info page; empty while TR-069 was never switched on. */
export function tr069Rows(agent: Agent): readonly Tr069Row[] {
  if (!parameterYes(agent, 'Enable_TR-069')) return []
  const { session, lastSession, failureCount, backup } = agent.ram.cwmp
  const { transfers, parameterKey } = agent.flash.tr069
  const last =
    lastSession === undefined
      ? ''
      : `[${localStamp(agent, lastSession.at)}] ${lastSession.ok ? 'OK' : 'Failed'}: ${lastSession.text}`
  return [
    { label: 'TR-069 Feature', value: isTr069On(agent) ? 'Enabled' : 'Silent (CWMP_V1.2_Support is No)' },
    { label: 'ACS URL In Use', value: withoutCredentials(acsInUse(agent)?.url ?? '') },
    { label: 'Backup ACS', value: backup ? 'In use' : 'Not in use' },
    { label: 'Connection Request URL', value: connectionRequestUrl(agent) },
    { label: 'Session', value: session === undefined ? 'None' : 'In progress' },
    { label: 'Last Session', value: last },
    { label: 'Failed Sessions', value: String(failureCount) },
    { label: 'Parameter Key', value: parameterKey },
    { label: 'Transfers', value: String(transfers.length) },
  ]
}

/** The settings that are read-only because the phone itself knows them [TR-069 §10.1]; undefined for any other. */
export function liveSetting(agent: Agent, element: string): string | undefined {
  if (element === 'ACS_URL_In_Use') return withoutCredentials(acsInUse(agent)?.url ?? '')
  return element === 'Connection_Request_URL' ? connectionRequestUrl(agent) : undefined
}

/**
 * What this phone's page says of a setting that does here something else than the catalogue tells of real phones
 * [TR-069 §10.1].
 * @returns undefined: the catalogue's description is true
 */
export function settingNote(element: string): string | undefined {
  return element === 'TR-069_VoiceObject_Init'
    ? 'Has no effect on this phone: voice objects stay as they were set'
    : undefined
}

function withoutCredentials(url: string): string {
  return url.replace(/(:\/\/)[^/@\s]*@/g, '$1')
}
