/**
 * Profiles as bytes of text. Equal input gives equal bytes: catalogue order, no time, no chance.
 * Source: MPP §1; the first steps of a phone follow §5.5 (rules read at their turn) and §5.1 (lists).
 */
import { createHmac } from 'node:crypto'
import { concatBytes } from '../../protocol/bytes.ts'
import { catalogue, modelInfo, wrapLines, writeProfile } from '../../protocol/profile/mod.ts'
import type { DeviceFacts } from '../devices/types.ts'
import { permanentRule } from './platform-layer.ts'
import { type FilledTemplate, fillTemplate, MARKER_ELEMENT, type Piece, piecesOf, useText } from './template.ts'
import type { PlatformFacts, ResolvedProfile } from './types.ts'
import { type Line, lineOf, linesOf } from './written.ts'

const MARKER_HEX_DIGITS = 16
const KEY_ELEMENTS: readonly string[] = ['GPP_SA', 'GPP_SB']

/** Secrets by which a phone reaches the network at all: without them it could not even hear the farewell's end. */
const NETWORK_SECRETS = /^(?:Wi-Fi_|WEP_|PSK_|VPN_|Proxy_Password$|CDC_|wepKey|passphrase_|pskKey_|password_[0-9]_$)/

export interface RenderedProfile {
  readonly text: string
  /** The marker: 16 hex digits that the phone sends back as `v=`. */
  readonly version: string
}

/** A profile as pieces of its text in UTF-8. */
export interface OwnProfilePieces {
  readonly pieces: readonly Piece[]
  readonly version: string
}

/** The profile of a bound device, marker included. */
export function renderOwnProfile(facts: DeviceFacts, platform: PlatformFacts): RenderedProfile {
  const { pieces, version } = renderOwnPieces(facts, platform)
  return { text: textOf(pieces), version }
}

/** The same as {@link renderOwnProfile}: what phones share is the same object for all of them. */
export function renderOwnPieces(facts: DeviceFacts, platform: PlatformFacts): OwnProfilePieces {
  const filled = fillTemplate(facts, platform)
  const version = markerOfFilled(filled, platform.markerKey)
  const marker = markerLine(version).text
  return { pieces: piecesOf(filled, (element, text) => (element === MARKER_ELEMENT ? marker : text)), version }
}

/**
 * The same for a phone that fetches it sealed. Keys travel over certified TLS only, so they are left out, and an absent
 * element leaves the phone's value alone. A phone that still opens with an older key is sent to the permanent URL for
 * the new one, and its marker stays what it was.
 */
export function renderSealedPieces(facts: DeviceFacts, platform: PlatformFacts, generation: number): readonly Piece[] {
  const filled = fillTemplate(facts, platform)
  const rule = filled.own.get('Profile_Rule')
  const newest = generation === facts.device.keyIssued || rule === undefined
  const replaced = newest
    ? markerLine(markerOfFilled(filled, platform.markerKey))
    : lineOf('Profile_Rule', { ...rule, value: permanentRule(platform) })
  return piecesOf(filled, (element, text) => {
    if (KEY_ELEMENTS.includes(element)) return ''
    return element === replaced.element ? replaced.text : text
  })
}

/** {@link renderSealedPieces} as one text. */
export function renderSealedProfile(facts: DeviceFacts, platform: PlatformFacts, generation: number): string {
  return textOf(renderSealedPieces(facts, platform, generation))
}

function textOf(pieces: readonly Piece[]): string {
  return new TextDecoder().decode(concatBytes(pieces.map(({ bytes }) => bytes)))
}

/** First 16 hex digits of HMAC-SHA-256 over the canonical text without GPP_P. */
export function markerOf(resolved: ResolvedProfile, markerKey: Uint8Array): string {
  const unmarked = linesOf(resolved).filter(({ element }) => element !== MARKER_ELEMENT)
  const hmac = createHmac('sha256', markerKey).update(wrapLines(unmarked.map(({ text }) => text)))
  return hmac.digest('hex').slice(0, MARKER_HEX_DIGITS)
}

function markerOfFilled(filled: FilledTemplate, markerKey: Uint8Array): string {
  const hmac = createHmac('sha256', markerKey)
  useText(
    filled,
    (element, text) => (element === MARKER_ELEMENT ? '' : text),
    (unmarked) => hmac.update(unmarked),
  )
  return hmac.digest('hex').slice(0, MARKER_HEX_DIGITS)
}

/** @param resolved also for export: what is in the map is written, secrets included */
export function canonicalText(resolved: ResolvedProfile): string {
  return wrapLines(linesOf(resolved).map(({ text }) => text))
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
 * HTTPS, which the same run then fetches. A run of one URL, as after DNS SRV, fetches nothing else (MPP §4.6): such a phone
 * comes again within a minute.
 */
export function renderFirstProfile(platform: PlatformFacts): string {
  return plainProfile([
    ['Profile_Rule_B', permanentRule(platform)],
    ['Resync_Periodic', '30+30,3600+450'],
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
