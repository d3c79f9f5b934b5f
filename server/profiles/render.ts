/**
 * Profiles as bytes of text. Equal input gives equal bytes: catalogue order, no time, no chance.
 * Source: MPP §1; the first steps of a phone follow §5.5 (rules read at their turn) and §5.1 (lists).
 */
import { createHmac } from 'node:crypto'
import {
  catalogue,
  modelInfo,
  type ProfileElement,
  wrapLines,
  writeElement,
  writeProfile,
} from '../../protocol/profile/mod.ts'
import type { DeviceFacts } from '../devices/types.ts'
import { permanentRule } from './platform-layer.ts'
import { resolveDevice } from './resolve.ts'
import type { PlatformFacts, ResolvedParameter, ResolvedProfile } from './types.ts'

const MARKER_ELEMENT = 'GPP_P'
const MARKER_HEX_DIGITS = 16
const KEY_ELEMENTS: readonly string[] = ['GPP_SA', 'GPP_SB']

/** Secrets by which a phone reaches the network at all: without them it could not even hear the farewell's end. */
const NETWORK_SECRETS = /^(?:Wi-Fi_|WEP_|PSK_|VPN_|Proxy_Password$|CDC_|wepKey|passphrase_|pskKey_|password_[0-9]_$)/

export interface RenderedProfile {
  readonly text: string
  /** The marker: 16 hex digits that the phone sends back as `v=`. */
  readonly version: string
}

/** The profile of a bound device, marker included. */
export function renderOwnProfile(facts: DeviceFacts, platform: PlatformFacts): RenderedProfile {
  const lines = linesOf(resolveDevice(facts, platform))
  const version = markerOfLines(lines, platform.markerKey)
  return { text: wrapLines(withLine(lines, markerLine(version))), version }
}

/**
 * The same for a phone that fetches it sealed. Keys travel over certified TLS only, so they are left out, and an absent
 * element leaves the phone's value alone. A phone that still opens with an older key is sent to the permanent URL for
 * the new one, and its marker stays what it was.
 */
export function renderSealedProfile(facts: DeviceFacts, platform: PlatformFacts, generation: number): string {
  const resolved = resolveDevice(facts, platform)
  const lines = linesOf(resolved)
  const sent = lines.filter(({ element }) => !KEY_ELEMENTS.includes(element))
  const rule = resolved.get('Profile_Rule')
  if (generation === facts.device.keyIssued || rule === undefined) {
    return wrapLines(withLine(sent, markerLine(markerOfLines(lines, platform.markerKey))))
  }
  const permanent = { ...rule, value: permanentRule(platform) }
  return wrapLines(withLine(sent, lineOf('Profile_Rule', permanent)))
}

/** First 16 hex digits of HMAC-SHA-256 over the canonical text without GPP_P. */
export function markerOf(resolved: ResolvedProfile, markerKey: Uint8Array): string {
  return markerOfLines(linesOf(resolved), markerKey)
}

function markerOfLines(lines: readonly Line[], markerKey: Uint8Array): string {
  const unmarked = lines.filter(({ element }) => element !== MARKER_ELEMENT).map(({ text }) => text)
  return createHmac('sha256', markerKey).update(wrapLines(unmarked)).digest('hex').slice(0, MARKER_HEX_DIGITS)
}

/** @param resolved also for export: what is in the map is written, secrets included */
export function canonicalText(resolved: ResolvedProfile): string {
  return wrapLines(linesOf(resolved).map(({ text }) => text))
}

/** One element as it stands in the profile. */
interface Line {
  readonly element: string
  readonly order: number
  readonly text: string
}

/** In catalogue order. */
function linesOf(resolved: ResolvedProfile): readonly Line[] {
  const lines: Line[] = []
  for (const [element, parameter] of resolved) lines.push(lineOf(element, parameter))
  return lines.sort((a, b) => a.order - b.order || (a.element < b.element ? -1 : 1))
}

/** The texts of the lines with one more, or with another in the place of its element. */
function withLine(lines: readonly Line[], line: Line): readonly string[] {
  const others = lines.filter(({ element }) => element !== line.element)
  const after = others.findIndex(
    ({ order, element }) => order > line.order || (order === line.order && element > line.element),
  )
  const place = after < 0 ? others.length : after
  return [...others.slice(0, place), line, ...others.slice(place)].map(({ text }) => text)
}

/** Elements whose last line is remembered: all of a few models. */
const WRITTEN_MAX = 10_000

interface Written extends Line {
  readonly parameter: ResolvedParameter
}

/**
 * The line written last for each element. Most phones get the same value, so most lines need not be written again; this
 * remembers what a pure function gave, and never a secret.
 */
const written = new Map<string, Written>()

function lineOf(element: string, parameter: ResolvedParameter): Line {
  const last = written.get(element)
  if (last !== undefined && looksAlike(last.parameter, parameter)) return last
  const text = writeElement(elementOf(element, parameter))
  const line = { element, order: catalogue.order(element), text, parameter }
  if (!parameter.secret && (last !== undefined || written.size < WRITTEN_MAX)) written.set(element, line)
  return line
}

function looksAlike(a: ResolvedParameter, b: ResolvedParameter): boolean {
  return a.value === b.value && a.ua === b.ua && a.preserve === b.preserve && a.userPref === b.userPref
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

function markerLine(version: string): Line {
  return lineOf(MARKER_ELEMENT, {
    value: version,
    ua: 'na',
    preserve: false,
    userPref: undefined,
    secret: false,
    origin: { kind: 'platform' },
    overrode: [],
  })
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

/**
 * For a phone that was released or disabled: lines off, secrets cleared, rule kept. The rule is the permanent one, since
 * a sealed or credentialed rule would need the secrets that are cleared here.
 */
export function renderFarewellProfile(facts: DeviceFacts, platform: PlatformFacts): string {
  const { model } = facts.device
  const lines = modelInfo(model)?.lines ?? 1
  const elements = new Map<string, string>([
    ['Restricted_Access_Domains', ''],
    ['Enable_Direct_Action_Url', 'Yes'],
    ['Profile_Rule', permanentRule(platform)],
    ['Profile_Rule_B', ''],
    [MARKER_ELEMENT, ''],
  ])
  for (const { element, parameter } of catalogue.allFor(model)) {
    if (parameter.secret && !NETWORK_SECRETS.test(element)) elements.set(element, '')
  }
  for (let index = 1; index <= lines; index++) {
    elements.set(`Line_Enable_${index}_`, 'No')
    for (const name of ['Display_Name', 'User_ID', 'Auth_ID']) elements.set(`${name}_${index}_`, '')
  }
  return plainProfile([...elements])
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
