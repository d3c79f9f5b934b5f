/**
 * Profiles as bytes of text. Equal input gives equal bytes: catalogue order, no time, no chance.
 * Source: MPP §1; the first steps of a phone follow §5.5 (rules read at their turn) and §5.1 (lists).
 */
import { createHmac } from 'node:crypto'
import { catalogue, modelInfo, type ProfileElement, writeProfile } from '../../protocol/profile/mod.ts'
import type { DeviceFacts } from '../devices/types.ts'
import { permanentRule } from './platform-layer.ts'
import { resolveDevice } from './resolve.ts'
import type { PlatformFacts, ResolvedParameter, ResolvedProfile } from './types.ts'

const MARKER_ELEMENT = 'GPP_P'
const MARKER_HEX_DIGITS = 16

export interface RenderedProfile {
  readonly text: string
  /** The marker: 16 hex digits that the phone sends back as `v=`. */
  readonly version: string
}

/** The profile of a bound device, marker included. */
export function renderOwnProfile(facts: DeviceFacts, platform: PlatformFacts): RenderedProfile {
  const resolved = resolveDevice(facts, platform)
  const version = markerOf(resolved, platform.markerKey)
  const marked = new Map(resolved)
  marked.set(MARKER_ELEMENT, markerParameter(version))
  return { text: canonicalText(marked), version }
}

/** First 16 hex digits of HMAC-SHA-256 over the canonical text without GPP_P. */
export function markerOf(resolved: ResolvedProfile, markerKey: Uint8Array): string {
  const unmarked = new Map(resolved)
  unmarked.delete(MARKER_ELEMENT)
  return createHmac('sha256', markerKey).update(canonicalText(unmarked)).digest('hex').slice(0, MARKER_HEX_DIGITS)
}

/** @param resolved also for export: what is in the map is written, secrets included */
export function canonicalText(resolved: ResolvedProfile): string {
  const ordered = [...resolved].sort(([a], [b]) => catalogue.order(a) - catalogue.order(b) || (a < b ? -1 : 1))
  return writeProfile({ elements: ordered.map(([name, parameter]) => elementOf(name, parameter)) })
}

function elementOf(name: string, parameter: ResolvedParameter): ProfileElement {
  return {
    name,
    value: parameter.value,
    form: 'text',
    preserveValue: parameter.preserve,
    ...(parameter.ua === undefined ? {} : { ua: parameter.ua }),
    ...(parameter.userPref === undefined ? {} : { userPref: parameter.userPref }),
  }
}

function markerParameter(version: string): ResolvedParameter {
  return {
    value: version,
    ua: 'na',
    preserve: false,
    userPref: undefined,
    secret: false,
    origin: { kind: 'platform' },
    overrode: [],
  }
}

/**
 * For a phone that has not proved itself: no secret, the same for every MAC. Rule B leads to the permanent URL over
 * HTTPS, which the same run then fetches.
 */
export function renderFirstProfile(platform: PlatformFacts): string {
  return plainProfile([
    ['Profile_Rule_B', permanentRule(platform)],
    ['Resync_Error_Retry_Delay', '30+30,60+60,120+120,300+300'],
    ...commonParameters(platform),
  ])
}

/** For a held phone: no line, and it asks again within a minute. */
export function renderHeldProfile(platform: PlatformFacts): string {
  return plainProfile([
    ['Profile_Rule', permanentRule(platform)],
    ['Profile_Rule_B', ''],
    ['Resync_Periodic', '30+20'],
    ['Resync_Error_Retry_Delay', '30+30,60+60,120+120,300+300'],
    ...commonParameters(platform),
  ])
}

/** For a phone that was released or disabled: lines off, secrets cleared, rule kept. */
export function renderFarewellProfile(facts: DeviceFacts): string {
  const lines = modelInfo(facts.device.model)?.lines ?? 1
  const elements: (readonly [string, string])[] = [
    ['Restricted_Access_Domains', ''],
    ['Enable_Direct_Action_Url', 'Yes'],
    ['Admin_Password', ''],
    ['User_Password', ''],
    ['Profile_Rule_B', ''],
    ['GPP_P', ''],
    ['GPP_SA', ''],
    ['GPP_SB', ''],
  ]
  for (let index = 1; index <= lines; index++) {
    elements.push([`Line_Enable_${index}_`, 'No'], [`Display_Name_${index}_`, ''], [`User_ID_${index}_`, ''])
    elements.push([`Password_${index}_`, ''], [`Auth_ID_${index}_`, ''])
  }
  return plainProfile(elements)
}

/** For `/cisco-ack`. */
export function renderEmptyProfile(): string {
  return writeProfile({ elements: [] })
}

/** MPP §9.2: the answer to an owned phone. */
export function renderRcRedirect(platform: PlatformFacts): string {
  return plainProfile([['Profile_Rule', permanentRule(platform)]])
}

function commonParameters(platform: PlatformFacts): readonly (readonly [string, string])[] {
  return [
    ...(platform.ntpServer === undefined ? [] : [['Primary_NTP_Server', platform.ntpServer] as const]),
    ...(platform.customCaUrl === undefined ? [] : [['Custom_CA_Rule', platform.customCaUrl] as const]),
  ]
}

function plainProfile(elements: readonly (readonly [string, string])[]): string {
  const ordered = [...elements].sort(([a], [b]) => catalogue.order(a) - catalogue.order(b))
  return writeProfile({
    elements: ordered.map(([name, value]) => ({ name, value, form: 'text', preserveValue: false })),
  })
}
