/** What a path means: its row in the tables, and which element of the profile its numbers stand for [TR-069 §3.6, §10]. */
import type { ValueType } from '../cwmp/mod.ts'
import { catalogue, MODELS } from '../profile/mod.ts'
import { DEVICE_SECTIONS } from './data-device.ts'
import type { Conversion, ModelRow, ModelSection } from './data-row.ts'
import { VENDOR_SECTIONS } from './data-vendor.ts'
import { VOICE_SECTIONS } from './data-voice.ts'

/** In the order of the tree: an object stands before all below it, and its subtree is one stretch. */
export const SECTIONS: readonly ModelSection[] = [...DEVICE_SECTIONS, ...VOICE_SECTIONS, ...VENDOR_SECTIONS]

/** The longest path [TR-069 §3.6]; longer ones are not looked at. */
export const PATH_CHARS_MAX = 256

/** No model has more lines. */
export const LINES_MAX = Math.max(...MODELS.map((model) => model.lines))

/**
 * How many instances a path may count, by the name in front of the number. Six codecs have a name in both worlds
 * [TR-069 §10.2]; three modules of 28 keys are the most that a console has; the factory asks for seven DHCP options.
 */
export const INSTANCES_MAX: Readonly<Record<string, number>> = {
  VoiceService: 1,
  Codecs: 6,
  VoiceProfile: LINES_MAX,
  Line: LINES_MAX,
  List: 6,
  // Call_Appearances_Per_Line goes up to ten.
  Session: 10,
  Unit: 3,
  Key: 28,
  LineKey: LINES_MAX,
  DHCPOption: 7,
}

/** An object, or a parameter with what the profile has for it. */
export interface Row {
  readonly type: ValueType | 'object'
  readonly writable: boolean
  readonly elements: readonly string[]
  readonly conversion: Conversion
  readonly defaultValue: string | undefined
}

/** A path that the tables know. */
export interface Place {
  readonly row: Row
  /** The elements with their numbers; empty: the device itself knows the value. */
  readonly elements: readonly string[]
  /** The last instance number of the path; 0 where there is none. */
  readonly index: number
}

const ROWS: ReadonlyMap<string, Row> = new Map(SECTIONS.flatMap(rowsOf))
const INSTANCE = /^[1-9]\d{0,3}$/

/** The row of a path and its elements; undefined: no such path, whatever the shape. Objects end with a dot. */
export function placeOf(path: string): Place | undefined {
  if (path.length > PATH_CHARS_MAX) return undefined
  const numbers = new Map<string, number>()
  const segments = path.split('.')
  let index = 0
  const names = segments.map((segment, at) => {
    if (!INSTANCE.test(segment)) return segment
    index = Number(segment)
    numbers.set(segments[at - 1] ?? '', index)
    return '{i}'
  })
  // A pattern is no path.
  const row = path.includes('{') ? undefined : ROWS.get(names.join('.'))
  if (row === undefined || !areInstances(numbers)) return undefined
  return { row, elements: numbered(row.elements, numbers), index }
}

function areInstances(numbers: ReadonlyMap<string, number>): boolean {
  for (const [name, number] of numbers) {
    if (number > (INSTANCES_MAX[name] ?? 0)) return false
  }
  // Either each line has its profile, or all lines are in the first one: no shape has the second line of a second profile.
  return (numbers.get('VoiceProfile') ?? 1) === 1 || (numbers.get('Line') ?? 1) === 1
}

function numbered(elements: readonly string[], numbers: ReadonlyMap<string, number>): readonly string[] {
  const line = (numbers.get('VoiceProfile') ?? 1) + (numbers.get('Line') ?? 1) - 1
  const n = numbers.get('LineKey') ?? line
  const names = elements.map((element) =>
    element
      .replace('_u_', `_${numbers.get('Unit')}_`)
      .replace('_k_', `_${numbers.get('Key')}_`)
      .replace('_n_', `_${n}_`),
  )
  return names.every((name) => catalogue.find(name) !== undefined) ? names : []
}

function rowsOf({ path, access, rows }: ModelSection): readonly (readonly [string, Row])[] {
  const object: Row = {
    type: 'object',
    writable: access === 'rw',
    elements: [],
    conversion: 'text',
    defaultValue: undefined,
  }
  return [[path, object], ...rows.map((row) => [`${path}${row[0]}`, rowOf(row)] as const)]
}

function rowOf([, type, access, element = '', conversion = '', defaultValue]: ModelRow): Row {
  return {
    type,
    writable: access === 'rw',
    elements: element === '' ? [] : element.split(' '),
    conversion: conversion === '' ? conversionOf(type) : conversion,
    defaultValue,
  }
}

function conversionOf(type: ValueType): Conversion {
  if (type === 'boolean') return 'yes-no'
  return type === 'unsignedInt' ? 'number' : 'text'
}
