/**
 * What of a layer can be worked out without a device: which elements its names stand for on a model, and the values as
 * the phone will store them. Layers are values that many devices share, so this is kept with the layer and goes with it.
 */
import type { ProductName } from '../../protocol/identity.ts'
import {
  appliesTo,
  canonicalValue,
  catalogue,
  hasSpellings,
  modelInfo,
  type Parameter,
  validateValue,
} from '../../protocol/profile/mod.ts'
import type { LayerParameter, ResolvedParameter } from './types.ts'

/** Stands for the number of every line: `Proxy_n_`. */
const PATTERN = '_n_'
/** Models kept for one layer: a few more than one provider has. */
const MODELS_MAX = 16

/** One element of one layer on one model. */
export interface Prepared {
  /** As in the layer; it may be a pattern. */
  readonly name: string
  readonly element: string
  /** Its value is as stored, unless it has facts in braces. */
  readonly parameter: LayerParameter
  readonly hasFacts: boolean
  readonly secret: boolean
  /** What it comes to where nothing lies below; kept by `resolve.ts`. */
  alone: ResolvedParameter | undefined
}

type Parameters = ReadonlyMap<string, LayerParameter>

const kept = new WeakMap<Parameters, Map<ProductName, readonly Prepared[]>>()

/** @param parameters never changes: it is the key */
export function preparedParameters(parameters: Parameters, model: ProductName): readonly Prepared[] {
  const models = kept.get(parameters) ?? new Map<ProductName, readonly Prepared[]>()
  const known = models.get(model)
  if (known !== undefined) return known
  const made = prepare(parameters, model)
  if (models.size >= MODELS_MAX) models.clear()
  models.set(model, made)
  kept.set(parameters, models)
  return made
}

/** Within one source the element that is named itself wins over the pattern, in whatever order they were stored. */
export function prepare(parameters: Parameters, model: ProductName): readonly Prepared[] {
  const ofPatterns: Prepared[] = []
  const named: Prepared[] = []
  const known = concreteNames(model)
  for (const [name, parameter] of parameters) {
    const target = name.includes(PATTERN) ? ofPatterns : named
    const elements = known.get(name) ?? concreteElements(name, model)
    for (const element of elements) target.push(prepareOne(name, element, parameter))
  }
  return ofPatterns.length === 0 ? named : [...ofPatterns, ...named]
}

function prepareOne(name: string, element: string, parameter: LayerParameter): Prepared {
  const row = catalogue.find(element)
  const hasFacts = parameter.value.includes('{{')
  const value = hasFacts || parameter.attributesOnly === true ? parameter.value : storedValue(row, parameter.value)
  const secret = row?.secret ?? false
  return {
    name,
    element,
    parameter: value === parameter.value ? parameter : { ...parameter, value },
    hasFacts,
    secret,
    alone: undefined,
  }
}

/** Names of the catalogue alone are remembered, so this is bounded by its size. */
const concrete = new Map<ProductName, Map<string, readonly string[]>>()

const NO_NAMES: ReadonlyMap<string, readonly string[]> = new Map()

function concreteNames(model: ProductName): ReadonlyMap<string, readonly string[]> {
  return concrete.get(model) ?? NO_NAMES
}

function concreteElements(name: string, model: ProductName): readonly string[] {
  const names = concrete.get(model) ?? new Map<string, readonly string[]>()
  const found = findElements(name, model)
  if (modelInfo(model) === undefined || catalogue.find(name) === undefined) return found
  names.set(name, found)
  concrete.set(model, names)
  return found
}

/** `Proxy_n_` means every line of the model; an element that the model lacks is left out of its profile. */
function findElements(name: string, model: ProductName): readonly string[] {
  if (catalogue.find(name) === undefined && name.includes(PATTERN)) {
    const count = modelInfo(model)?.lines ?? 1
    return Array.from({ length: count }, (_, index) => name.replace(PATTERN, `_${index + 1}_`))
  }
  return catalogue.find(name) === undefined || appliesTo(name, model) ? [name] : []
}

/** What the phone makes of the text (MPP §1.4, §14): a preview shows what will be there, not how it was typed. */
export function asStored(element: string, text: string): string {
  return storedValue(catalogue.find(element), text)
}

/** Line ends become spaces before the ends are cut. */
const LINE_END = /\r\n|[\r\n]/g

function storedValue(row: Parameter | undefined, text: string): string {
  const flat = text.includes('\n') || text.includes('\r') ? text.replace(LINE_END, ' ') : text
  const trimmed = flat.trim()
  const value = trimmed === '""' ? '' : trimmed
  if (row === undefined || value === '' || !hasSpellings(row)) return value
  return validateValue(row, value) === undefined ? canonicalValue(row, value) : value
}
