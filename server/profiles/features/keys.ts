/** Keys with lamps: where they are, which elements they take, what they say. Source: MPP §13.5, §13.9. */
import { appliesTo, modelInfo } from '../../../protocol/profile/mod.ts'
import type { ProductName } from '../../../protocol/identity.ts'
import type { LayerParameter } from '../types.ts'
import type { Fields } from './read.ts'
import type { FeatureProblem, KeyPlace } from './types.ts'

/** The most line keys that any model has, and keys of the largest module (MPP §13.1). */
export const KEYS_MAX = 16
export const UNITS_MAX = 3
export const UNIT_KEYS_MAX = 40
export const LINES_MAX = 16

export const UNIT_COUNT_ELEMENT = 'Number_of_Units'

export const LINE_RANGE = { min: 1, max: LINES_MAX } as const
export const KEY_RANGE = { min: 1, max: KEYS_MAX } as const

export function readKeyPlace(place: Fields): KeyPlace {
  const kind = place.choice('kind', ['key', 'unit-key'] as const)
  if (kind === 'key') return { kind, key: place.whole('key', KEY_RANGE) }
  return {
    kind,
    unit: place.whole('unit', { min: 1, max: UNITS_MAX }),
    key: place.whole('key', { min: 1, max: UNIT_KEYS_MAX }),
  }
}

/**
 * A key that does something else than to serve an extension: no extension on it, its function, its label.
 * A module must be counted, or the phone does not look for it.
 */
export function functionKey(
  place: KeyPlace,
  script: string,
  label: string,
): readonly (readonly [string, LayerParameter])[] {
  if (place.kind === 'unit-key') {
    return [
      [`Unit_${place.unit}_Key_${place.key}_`, { value: script }],
      [UNIT_COUNT_ELEMENT, { value: String(place.unit) }],
    ]
  }
  return [
    [`Extension_${place.key}_`, { value: 'Disabled' }],
    [`Short_Name_${place.key}_`, { value: label }],
    [`Share_Call_Appearance_${place.key}_`, { value: 'private' }],
    [`Extended_Function_${place.key}_`, { value: script }],
  ]
}

/** `fnc=blf+sd+cp;sub=101@$PROXY;ext=101@$PROXY;nme=Bob`. Fields without a value are left out. */
export function functionScript(
  functions: readonly string[],
  fields: readonly (readonly [string, string | undefined])[],
): string {
  const written = fields.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  return [`fnc=${functions.join('+')}`, ...written].join(';')
}

/** `101` is `101@$PROXY`: the proxy of the extension that the key belongs to. */
export function atProxy(user: string, host?: string): string {
  if (user.includes('@')) return user
  return `${user}@${host ?? '$PROXY'}`
}

/** The name by which two features would fight for one key. */
export function keyName(place: KeyPlace): string {
  return place.kind === 'key' ? `line key ${place.key}` : `key ${place.key} of module ${place.unit}`
}

export function keyProblems(place: KeyPlace, model: ProductName): readonly FeatureProblem[] {
  const info = modelInfo(model)
  if (info === undefined) return []
  if (place.kind === 'unit-key') {
    if (place.unit <= info.keyExpansionUnits) return []
    const has = info.keyExpansionUnits === 0 ? 'takes no key expansion module' : `takes ${info.keyExpansionUnits}`
    return [
      {
        code: 'no-such-unit',
        element: `Unit_${place.unit}_Key_${place.key}_`,
        message: `A ${model} ${has}, so there is no ${keyName(place)}`,
        advice: 'Use a line key, or a model that takes modules.',
      },
    ]
  }
  const element = `Extended_Function_${place.key}_`
  if (place.key > info.lineKeys) return [tooFewKeys(element, place.key, model)]
  if (appliesTo(element, model)) return []
  return [
    {
      code: 'no-such-element',
      element,
      message: `The line keys of a ${model} take no function by profile`,
      advice: 'Use a key of a module, or the speed dial list.',
    },
  ]
}

export function tooFewKeys(element: string, key: number, model: ProductName): FeatureProblem {
  const count = modelInfo(model)?.lineKeys ?? 0
  return {
    code: 'too-few-keys',
    element,
    message: `A ${model} has ${count === 0 ? 'no line keys' : `${count} line key(s)`}, so there is no line key ${key}`,
    advice: 'Choose a lower key, the speed dial list, or a model with more keys.',
  }
}

export function lineProblems(line: number | undefined, model: ProductName, element: string): readonly FeatureProblem[] {
  const count = modelInfo(model)?.lines
  if (line === undefined || count === undefined || line <= count) return []
  return [
    {
      code: 'too-few-lines',
      element,
      message: `A ${model} has ${count} extension(s), so there is no extension ${line}`,
      advice: 'Choose a lower extension.',
    },
  ]
}
