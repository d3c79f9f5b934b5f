/**
 * What a report says. A configuration report is a flat-profile and carries the marker of what the phone runs; a status
 * report carries load and registration. Source: MPP §12.2, §1.8, §7.4 (names of the Info page).
 */
import { readProfile } from '../../protocol/profile/mod.ts'
import { parseXml, type XmlElement } from '../../protocol/xml/mod.ts'
import type { Observation } from '../devices/types.ts'
import { FIRMWARE_FORM, matching, VERSION_FORM } from './observe.ts'

export type ReportKind = 'full' | 'delta' | 'status' | 'unknown'

/** A full export names every parameter there is, at least a thousand for the smallest phone; a delta names few. */
const FULL_ELEMENTS_MIN = 500

export interface ReportContent {
  readonly kind: ReportKind
  readonly state: Pick<Observation, 'runningVersion' | 'firmware' | 'registrationSeconds'>
}

/** @returns `unknown` with an empty state for whatever is no report. Never throws. */
export function readReport(body: Uint8Array): ReportContent {
  const root = parseXml(new TextDecoder().decode(body))
  if (!root.ok) return { kind: 'unknown', state: {} }
  if (/status/i.test(root.value.name)) return { kind: 'status', state: statusState(root.value) }
  const profile = readProfile(body)
  if (!profile.ok) return { kind: 'unknown', state: {} }
  const { elements } = profile.value
  const marker = matching(elements.findLast(({ name }) => name === 'GPP_P')?.value, VERSION_FORM)
  const kind = elements.length >= FULL_ELEMENTS_MIN ? 'full' : 'delta'
  return { kind, state: marker === undefined ? {} : { runningVersion: marker } }
}

function statusState(root: XmlElement): ReportContent['state'] {
  const firmware = matching(childText(root, 'Software_Version'), FIRMWARE_FORM)
  const registered = childText(root, 'Registration_State_1_') === 'registered'
  return {
    ...(firmware === undefined ? {} : { firmware }),
    ...(registered ? { registrationSeconds: 0 } : {}),
  }
}

function childText(root: XmlElement, name: string): string | undefined {
  const child = root.children.find((each) => each.kind === 'element' && each.name === name)
  if (child?.kind !== 'element') return undefined
  return child.children
    .map((each) => (each.kind === 'text' ? each.text : ''))
    .join('')
    .trim()
}
