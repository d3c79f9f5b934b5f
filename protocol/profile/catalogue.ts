import type { ProductName } from '../identity.ts'
import { assertNever } from '../result.ts'
import { PARAMETERS } from './catalogue-rows.ts'
import { MODELS, type ModelInfo, modelInfo, parentFamily } from './models.ts'
import type { ModelRange, Parameter } from './parameter.ts'

/** One element that a phone may have: a row of the catalogue with its index. */
export interface CatalogueElement {
  /** The concrete name, e.g. `Proxy_1_`. */
  readonly element: string
  readonly parameter: Parameter
  /** The index, or 0 for a row without one. */
  readonly index: number
  /** The key expansion module of `Unit_u_Key_k_`, else 0. */
  readonly unit: number
}

/** The table of all parameters, by name and by model. */
export interface Catalogue {
  /** By concrete name: `Proxy_1_` gives the row `Proxy_n_`. An index that no model has gives undefined. */
  find(element: string): Parameter | undefined
  /** As `find`, with the index. */
  locate(element: string): CatalogueElement | undefined
  /** By the name as in the catalogue, e.g. `Proxy_n_`; a row without index has that name too. */
  findPattern(name: string): Parameter | undefined
  /** Every element of that model in catalogue order; of a model that we do not know, every element there is. */
  allFor(product: ProductName): readonly CatalogueElement[]
  /**
   * A number to sort by: sections in the order of an export, extension by extension and key by key within them. A
   * pattern sorts before its elements. Unknown names all get one number above; `compareElements` then goes by name.
   */
  order(element: string): number
}

// Three modules of 40 keys are the most: a section never needs more places than this for each of its rows.
const PLACES_PER_UNIT = 64
const PLACES_PER_GROUP = 4 * PLACES_PER_UNIT

const ALL_ELEMENTS: readonly CatalogueElement[] = PARAMETERS.flatMap(elementsOf)
const PATTERNS: ReadonlyMap<string, Parameter> = new Map(PARAMETERS.map((parameter) => [parameter.name, parameter]))
const ORDER: ReadonlyMap<string, number> = orderOfAll()
const IN_ORDER: readonly CatalogueElement[] = ALL_ELEMENTS.toSorted((a, b) => order(a.element) - order(b.element))
const BY_ELEMENT: ReadonlyMap<string, CatalogueElement> = new Map(ALL_ELEMENTS.map((item) => [item.element, item]))

/** Source: MPP §13, `catalogue-data-*.ts` with `catalogue-corrections.ts`. */
export const catalogue: Catalogue = {
  find: (element) => BY_ELEMENT.get(element)?.parameter,
  locate: (element) => BY_ELEMENT.get(element),
  findPattern,
  allFor: (product) => {
    const model = modelInfo(product)
    return model === undefined ? IN_ORDER : IN_ORDER.filter((item) => modelHas(item, model))
  },
  order,
}

/** As `catalogue.findPattern`. */
export function findPattern(name: string): Parameter | undefined {
  return PATTERNS.get(name)
}

/**
 * True if that model has the element: its family has the row, and the index is one of its extensions, line keys or
 * modules. False for unknown elements; for a model that we do not know, true for every element there is.
 */
export function appliesTo(element: string, product: ProductName): boolean {
  const item = BY_ELEMENT.get(element)
  if (item === undefined) return false
  const model = modelInfo(product)
  return model === undefined || modelHas(item, model)
}

/** @returns the elements of `Proxy_n_` and the like on that model, index ascending; of a row without index, itself. */
export function elementsOfPattern(name: string, product: ProductName): readonly string[] {
  const parameter = PATTERNS.get(name)
  if (parameter === undefined) return []
  return elementsOf(parameter)
    .map((item) => item.element)
    .filter((element) => appliesTo(element, product))
}

/**
 * The value from the factory. `n` stands for the index (`Extension_n_`), and `SIP_Port_n_` is 5059 + n (MPP §13.9).
 * @param element the concrete name
 * @param parameter its row
 */
export function defaultValueOf(element: string, parameter: Parameter): string {
  const index = BY_ELEMENT.get(element)?.index ?? 0
  if (index === 0) return parameter.defaultValue
  if (parameter.name === 'SIP_Port_n_') return String(5059 + index)
  return parameter.defaultValue === 'n' ? String(index) : parameter.defaultValue
}

/** Compares two element names for a canonical text: catalogue order, then unknown names by their characters. */
export function compareElements(a: string, b: string): number {
  const difference = order(a) - order(b)
  if (difference !== 0) return difference
  return a < b ? -1 : a > b ? 1 : 0
}

function order(element: string): number {
  return ORDER.get(element) ?? Number.MAX_SAFE_INTEGER
}

function modelHas(item: CatalogueElement, model: ModelInfo): boolean {
  const range = rangeFor(item.parameter, model.family)
  if (range === undefined) return false
  switch (item.parameter.indexKind) {
    case 'none':
      return true
    case 'extension':
      return item.index <= model.lines
    case 'line-key':
      return item.index <= model.lineKeys
    case 'unit-key':
      return item.unit <= model.keyExpansionUnits && isWithin(item.index, range)
    case 'range':
      return isWithin(item.index, range)
    default:
      return assertNever(item.parameter.indexKind)
  }
}

function rangeFor(parameter: Parameter, family: string): ModelRange | undefined {
  const parent = parentFamily(family)
  return (
    parameter.models.find((range) => range.family === family) ??
    parameter.models.find((range) => range.family === parent)
  )
}

function isWithin(index: number, range: ModelRange): boolean {
  return range.indexes === undefined || (index >= range.indexes.first && index <= range.indexes.last)
}

/** Every element of a row that some model has. Numbers count without zeros in front (MPP §1.2). */
function elementsOf(parameter: Parameter): readonly CatalogueElement[] {
  const { name, indexKind, models } = parameter
  switch (indexKind) {
    case 'none':
      return [{ element: name, parameter, index: 0, unit: 0 }]
    case 'extension':
      return indexed(parameter, 1, Math.max(...MODELS.map((model) => model.lines)))
    case 'line-key':
      return indexed(parameter, 1, Math.max(...MODELS.map((model) => model.lineKeys)))
    case 'range': {
      const spans = models.map((range) => range.indexes ?? { first: 1, last: 1 })
      return indexed(parameter, Math.min(...spans.map((s) => s.first)), Math.max(...spans.map((s) => s.last)))
    }
    case 'unit-key':
      return unitKeys(parameter)
    default:
      return assertNever(indexKind)
  }
}

function indexed(parameter: Parameter, first: number, last: number): readonly CatalogueElement[] {
  const elements: CatalogueElement[] = []
  for (let index = first; index <= last; index += 1) {
    const element = parameter.name.replace(/_n(?=_|$)/, `_${index}`)
    elements.push({ element, parameter, index, unit: 0 })
  }
  return elements
}

function unitKeys(parameter: Parameter): readonly CatalogueElement[] {
  const unitCount = Math.max(...parameter.models.map((range) => range.units?.last ?? 0))
  const keyCount = Math.max(...parameter.models.map((range) => range.indexes?.last ?? 0))
  const elements: CatalogueElement[] = []
  for (let unit = 1; unit <= unitCount; unit += 1) {
    for (let index = 1; index <= keyCount; index += 1) {
      const element = parameter.name.replace('_u_', `_${unit}_`).replace('_k_', `_${index}_`)
      elements.push({ element, parameter, index, unit })
    }
  }
  return elements
}

/** All extensions are one group, so that extension 1 comes whole before extension 2; other sections stand alone. */
function groupOf(parameter: Parameter): string {
  return parameter.indexKind === 'extension' ? 'Ext n' : parameter.section
}

function orderOfAll(): ReadonlyMap<string, number> {
  const groups = new Map<string, Parameter[]>()
  for (const parameter of PARAMETERS) {
    const group = groups.get(groupOf(parameter))
    if (group === undefined) groups.set(groupOf(parameter), [parameter])
    else group.push(parameter)
  }
  const places = new Map<string, number>()
  let start = 0
  for (const parameters of groups.values()) {
    for (const [row, parameter] of parameters.entries()) {
      places.set(parameter.name, start + row)
      for (const { element, index, unit } of elementsOf(parameter)) {
        places.set(element, start + (unit * PLACES_PER_UNIT + index) * parameters.length + row)
      }
    }
    start += parameters.length * PLACES_PER_GROUP
  }
  return places
}
