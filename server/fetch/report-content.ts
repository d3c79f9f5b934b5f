/**
 * What a report says. A configuration report is a flat-profile and carries the marker of what the phone runs; a status
 * report carries load and registration. Source: MPP §12.2, §1.8, §7.4 (names of the Info page).
 */
import type { ProductName } from '../../protocol/identity.ts'
import {
  catalogue,
  defaultValueOf,
  modelInfo,
  type ProfileElement,
  readProfile,
  type UserAccess,
} from '../../protocol/profile/mod.ts'
import { parseXml, textOf, type XmlElement } from '../../protocol/xml/mod.ts'
import type { Observation } from '../devices/types.ts'
import { FIRMWARE_FORM, matching, VERSION_FORM } from './observe.ts'

export type ReportKind = 'full' | 'delta' | 'status' | 'unknown'

/** Of a model that we do not know: a full export names every parameter there is, a delta few. */
const FULL_ELEMENTS_MIN = 500
/** Elements or lines of one report that are taken in; the largest phone has about 3,500. */
export const REPORT_ELEMENTS_MAX = 6000

/** One element as the phone names it. */
export interface ReportedElement {
  readonly name: string
  readonly value: string
  readonly ua: UserAccess | undefined
}

/** One extension of a status report. */
export interface ReportedLine {
  readonly line: number
  readonly userId: string | undefined
  readonly state: string | undefined
}

export interface ReportContent {
  readonly kind: ReportKind
  readonly state: Pick<Observation, 'runningVersion' | 'firmware' | 'registrationSeconds'>
  /** Of a full report or a delta; a repeated element counts as it stands last. */
  readonly elements: readonly ReportedElement[]
  /** Of a status report: each field with its text. */
  readonly fields: readonly (readonly [name: string, text: string])[]
  readonly lines: readonly ReportedLine[]
}

const NOTHING: ReportContent = { kind: 'unknown', state: {}, elements: [], fields: [], lines: [] }

/**
 * @param model of the phone, which decides how many elements make a report full
 * @returns `unknown` with nothing in it for whatever is no report. Never throws.
 */
export function readReport(body: Uint8Array, model?: ProductName): ReportContent {
  const text = new TextDecoder().decode(body)
  const root = parseXml(text)
  if (!root.ok) return NOTHING
  if (/status/i.test(root.value.name)) return statusOf(root.value)
  const profile = readProfile(text)
  if (!profile.ok) return NOTHING
  const { elements } = profile.value
  if (isStatusInProfile(elements)) return statusOf(root.value)
  const marker = matching(elements.findLast(({ name }) => name === 'GPP_P')?.value, VERSION_FORM)
  return {
    ...NOTHING,
    kind: isFull(elements, model) ? 'full' : 'delta',
    state: marker === undefined ? {} : { runningVersion: marker },
    elements: lastOfEach(elements),
  }
}

/**
 * MPP §12.2: a delta holds what changed, so nearly nothing in it stands at its default; a full report holds every
 * parameter but passwords and keys (§1.8), most of them as they left the factory. An older load knows fewer of them.
 */
function isFull(elements: readonly ProfileElement[], model: ProductName | undefined): boolean {
  const least = model === undefined || modelInfo(model) === undefined ? FULL_ELEMENTS_MIN : exportedCount(model) / 2
  if (elements.length < least) return false
  const untouched = elements.filter(({ name, value }) => {
    const row = catalogue.find(name)
    return row !== undefined && value === defaultValueOf(name, row)
  })
  return untouched.length >= elements.length / 10
}

function exportedCount(model: ProductName): number {
  return catalogue.allFor(model).filter(({ parameter }) => !parameter.secret && parameter.settableBy === 'anyone')
    .length
}

function lastOfEach(elements: readonly ProfileElement[]): readonly ReportedElement[] {
  const byName = new Map(elements.map(({ name, value, ua }) => [name, { name, value, ua }]))
  return [...byName.values()].slice(0, REPORT_ELEMENTS_MAX)
}

/** The form of `--status` is not published: its fields may well stand in a flat-profile, where no parameter is one. */
function isStatusInProfile(elements: readonly ProfileElement[]): boolean {
  const known = elements.some(({ name }) => catalogue.find(name) !== undefined)
  return !known && elements.some(({ name }) => /^(?:Software_Version|Registration_State_1_)$/.test(name))
}

function statusOf(root: XmlElement): ReportContent {
  const fields: (readonly [string, string])[] = []
  collectFields(root, fields)
  const field = (name: string): string | undefined => fields.find(([each]) => each === name)?.[1]
  const firmware = matching(field('Software_Version'), FIRMWARE_FORM)
  return {
    ...NOTHING,
    kind: 'status',
    state: {
      ...(firmware === undefined ? {} : { firmware }),
      ...(field('Registration_State_1_') === 'registered' ? { registrationSeconds: 0 } : {}),
    },
    fields,
    lines: linesOf(fields),
  }
}

/** Leaves of the tree; the XML reader bounds its depth. */
function collectFields(element: XmlElement, fields: (readonly [string, string])[]): void {
  for (const child of element.children) {
    if (child.kind !== 'element' || fields.length >= REPORT_ELEMENTS_MAX) continue
    if (child.children.some((each) => each.kind === 'element')) collectFields(child, fields)
    else fields.push([child.name, textOf(child).trim()])
  }
}

function linesOf(fields: ReportContent['fields']): readonly ReportedLine[] {
  const lines = new Map<number, ReportedLine>()
  for (const [name, text] of fields) {
    const [, what, index = ''] = /^(User_ID|Registration_State)_([1-9][0-9]?)_$/.exec(name) ?? []
    if (what === undefined) continue
    const line = Number(index)
    const before = lines.get(line) ?? { line, userId: undefined, state: undefined }
    lines.set(line, what === 'User_ID' ? { ...before, userId: text } : { ...before, state: text })
  }
  return [...lines.values()].toSorted((a, b) => a.line - b.line)
}
