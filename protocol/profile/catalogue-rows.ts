import { CONSOLE_SECTIONS } from './catalogue-data-console.ts'
import { EXTENSION_SECTIONS } from './catalogue-data-extension.ts'
import { PHONE_SECTIONS } from './catalogue-data-phone.ts'
import { PROVISIONING_SECTIONS } from './catalogue-data-provisioning.ts'
import { REGIONAL_SECTIONS } from './catalogue-data-regional.ts'
import { SIP_SECTIONS } from './catalogue-data-sip.ts'
import { SYSTEM_SECTIONS } from './catalogue-data-system.ts'
import { TR069_SECTIONS } from './catalogue-data-tr069.ts'
import { USER_SECTIONS } from './catalogue-data-user.ts'
import { CORRECTIONS } from './catalogue-corrections.ts'
import { type CatalogueRow, type CatalogueSection, MODEL_KEYS, SOURCE_KEYS } from './catalogue-row.ts'
import type { IndexKind, IndexRange, ModelRange, Parameter, ParameterType } from './parameter.ts'

/** The tabs of the web page in the order of an export. */
export const SECTIONS: readonly CatalogueSection[] = [
  ...SYSTEM_SECTIONS,
  ...SIP_SECTIONS,
  ...PROVISIONING_SECTIONS,
  ...REGIONAL_SECTIONS,
  ...PHONE_SECTIONS,
  ...EXTENSION_SECTIONS,
  ...USER_SECTIONS,
  ...CONSOLE_SECTIONS,
  ...TR069_SECTIONS,
]

/** All rows with their corrections, in catalogue order. */
export const PARAMETERS: readonly Parameter[] = SECTIONS.flatMap((section) =>
  section.rows.map((row) => parameterOf(row, section.title)),
)

function parameterOf(row: CatalogueRow, section: string): Parameter {
  const [name, rawType, rawDefault, rawChoices, ua, rawModels, description, sources] = row
  const correction = CORRECTIONS[name]
  const type = correction?.type ?? rawType
  return {
    name,
    type,
    defaultValue: correction?.defaultValue ?? rawDefault,
    choices: choicesOf(type, correction?.choices ?? rawChoices),
    // The few rows of old Wi-Fi exports without access: closed is the safe reading.
    ua: ua === '' ? 'na' : ua,
    section,
    description,
    secret: type === 'Password',
    models: modelRangesOf(correction?.models ?? MODEL_KEYS[rawModels] ?? rawModels),
    settableBy: settableByOf(section, description),
    indexKind: indexKindOf(name, section),
    sources: sources.split(' ').map((key) => SOURCE_KEYS[key] ?? key),
  }
}

function choicesOf(type: ParameterType, choices: string): readonly string[] {
  if (type === 'Bool') return ['Yes', 'No']
  return type === 'Choice' || type === 'ChoiceList' ? choices.split('|') : []
}

function settableByOf(section: string, description: string): Parameter['settableBy'] {
  if (description.startsWith('Read-only')) return 'nobody'
  return section.endsWith('(XML only)') ? 'profile-only' : 'anyone'
}

function indexKindOf(name: string, section: string): IndexKind {
  if (name === 'Unit_u_Key_k_') return 'unit-key'
  if (!/_n(?:_|$)/.test(name)) return 'none'
  if (section.startsWith('Ext n / ')) return 'extension'
  return section === 'Phone / Line Key n' ? 'line-key' : 'range'
}

/** Reads `88xx[1-10] 8832[1] 78xx` or `88xx[units 1-3, keys 1-28]`. */
function modelRangesOf(text: string): readonly ModelRange[] {
  const ranges: ModelRange[] = []
  for (const [, family = '', inside] of text.matchAll(/(\S+?)(?:\[([^\]]*)\])?(?: |$)/g)) {
    const spans = [...(inside ?? '').matchAll(/(\d+)(?:-(\d+))?/g)].map(rangeOf)
    const [first, second] = spans
    if (first === undefined) ranges.push({ family })
    else if (second === undefined) ranges.push({ family, indexes: first })
    else ranges.push({ family, units: first, indexes: second })
  }
  return ranges
}

function rangeOf(match: RegExpMatchArray): IndexRange {
  const first = Number(match[1])
  return { first, last: Number(match[2] ?? first) }
}
