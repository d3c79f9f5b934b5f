import { bytesToHex, utf8Bytes } from '../../protocol/bytes.ts'
import { ACS_VENDOR_CLASS, BROADBAND_FORUM_ENTERPRISE } from '../../protocol/dhcp/mod.ts'
import { className, groupsBefore, GROUPS, OURS, wantedBytes } from './parts.ts'
import type { Group, Wanted, WantedOption } from './parts.ts'

/** What Kea's JSON is made of. */
export type Json = Readonly<Record<string, unknown>>

/** The mark of what has no name that begins with {@link OURS}: a user context, which Kea keeps and gives back. */
export const OUR_CONTEXT: Json = { offhook: true }

/** Where `dslforum.org` may begin: Kea can only look at fixed places. Behind them it is found as the end of the text. */
const ACS_POSITIONS_MAX = 32

/** Ours in a configuration of Kea for one family. */
export interface KeaParts {
  readonly optionDefs: readonly Json[]
  readonly classes: readonly Json[]
  /** Rows of the flexible option hook; empty: the hook is not needed. */
  readonly flexOptions: readonly Json[]
}

/**
 * Options that Kea has no definition of, in no version: 128 to 135 and the private ones. 150 and 160 are alike.
 * What else a voice VLAN may be sent in is defined by some versions, and then cannot be defined again.
 */
function isUndefinedInKea(code: number): boolean {
  return (code >= 128 && code <= 135) || code === 150 || code === 160 || (code >= 224 && code <= 254)
}

/**
 * Kea defines 159 as port parameters and cuts any value to four bytes, without a word. Only its hook for flexible options,
 * which works on the finished answer, sends other bytes.
 */
function goesByHook(option: WantedOption): boolean {
  return option.family === 4 && option.code > 127 && !isUndefinedInKea(option.code)
}

/**
 * @param defined  codes that the configuration defines already: theirs are used, with bytes that fit any of them
 * @returns definitions, classes and hook rows for one family
 */
export function keaParts(wanted: Wanted, family: 4 | 6, defined: ReadonlySet<number> = new Set()): KeaParts {
  const options = wanted.options.filter((option) => option.family === family)
  const codes = [...new Set(options.filter((option) => !goesByHook(option)).map((option) => option.code))]
  const groups = GROUPS.filter((group) => options.some((option) => option.to === group))
  return {
    optionDefs: codes
      .filter((code) => needsDefinition(code, family) && !defined.has(code))
      .toSorted((a, b) => a - b)
      .map((code) => definition(code, family)),
    classes: groups.map((group) => ({
      name: className(group),
      test: classTest(group, wanted, family),
      ...(options.some((option) => option.to === group && is43(option))
        ? { 'option-def': [{ name: 'vendor-encapsulated-options', code: 43, space: 'dhcp4', type: 'binary' }] }
        : {}),
      'option-data': options
        .filter((option) => option.to === group && !goesByHook(option))
        .map((option) => optionData(option, defined)),
    })),
    flexOptions: options.filter(goesByHook).map((option) => flexOption(wanted, option)),
  }
}

function is43(option: WantedOption): boolean {
  return option.family === 4 && option.code === 43
}

function needsDefinition(code: number, family: 4 | 6): boolean {
  return family === 6 ? code === 159 || code === 160 : isUndefinedInKea(code)
}

function definition(code: number, family: 4 | 6): Json {
  const space = `dhcp${family}`
  if (code === 150) return { name: `${OURS}150`, code, space, type: 'ipv4-address', array: true }
  return { name: `${OURS}${code}`, code, space, type: 'string' }
}

function optionData(option: WantedOption, defined: ReadonlySet<number>): Json {
  const { value, code } = option
  const head = { space: `dhcp${option.family}`, code }
  // A comma or backslash would part the text.
  const plain = value.kind !== 'bytes' && !defined.has(code) && !(value.kind === 'text' && /[,\\]/.test(value.text))
  if (!plain) return { ...head, 'csv-format': false, data: bytesToHex(wantedBytes(value)), 'always-send': true }
  return { ...head, data: value.kind === 'text' ? value.text : value.list.join(', '), 'always-send': true }
}

function flexOption(wanted: Wanted, option: WantedOption): Json {
  const others = groupsBefore(wanted, option).map((group) => ` and not member('${className(group)}')`)
  const bytes = bytesToHex(wantedBytes(option.value))
  return {
    code: option.code,
    'csv-format': false,
    supersede: `ifelse(member('${className(option.to)}')${others.join('')}, 0x${bytes}, '')`,
  }
}

/** Kea gives the option of the class that comes first, so the order of {@link GROUPS} is the precedence. */
function classTest(group: Group, wanted: Wanted, family: 4 | 6): string {
  const option = family === 4 ? 'option[60]' : 'option[16]'
  if (group === 'acs-124') return `vendor-class[${BROADBAND_FORUM_ENTERPRISE}].exists`
  if (group === 'acs-60') return acsTest(`${option}.hex`)
  const acs = wanted.options.some((other) => other.to === 'acs-60' && other.family === family)
  const ends = wanted.models.flatMap((model) => endTests(`${option}.hex`, model))
  // Text in which the forum stands behind the product name.
  const starts = acs && family === 4 ? wanted.models.map((model) => startTest(`${option}.hex`, model)) : []
  const known = starts.length === 0 ? [] : [`(member('${className('acs-60')}') and (${starts.join(' or ')}))`]
  return [...ends, ...known].join(' or ')
}

/** Kea has no "contains": the text is looked for at each place, and at the end. */
function acsTest(value: string): string {
  const { length } = ACS_VENDOR_CLASS
  const places = Array.from(
    { length: ACS_POSITIONS_MAX },
    (_, at) => `substring(${value}, ${at}, ${length}) == '${ACS_VENDOR_CLASS}'`,
  )
  return [...endTests(value, ACS_VENDOR_CLASS), ...places].join(' or ')
}

/** The text ends so, or so and with a NUL [MPP §10.2]. */
function endTests(value: string, text: string): readonly string[] {
  return [
    `substring(${value}, -${text.length}, all) == '${text}'`,
    `substring(${value}, -${text.length + 1}, all) == 0x${bytesToHex(utf8Bytes(text))}00`,
  ]
}

function startTest(value: string, model: string): string {
  return `substring(${value}, 0, ${model.length + 1}) == '${model} '`
}
