/**
 * Checks before a layer is saved: those of lint that tell for sure, and what only layers have. Each problem has a code,
 * names its element and says what to do.
 * Source: MPP §4 (rules), §13 (elements per model), §14 (types), §3.1 (secrets stay out of macros).
 */
import { parseProductName } from '../../protocol/identity.ts'
import { type LintCode, lintProfile } from './lint/mod.ts'
import { RESERVED_ELEMENTS } from './platform-layer.ts'
import type { LayerParameter, LayerScope } from './types.ts'

export interface LayerProblem {
  readonly code: LintCode | 'reserved-element' | 'too-many'
  readonly element: string
  readonly message: string
  readonly advice: string
}

/** Parameters of one layer. */
export const LAYER_PARAMETERS_MAX = 4000

/**
 * @param id product name for scope `model`; others do not narrow the elements
 * @returns all problems, empty when the layer may be saved. What lint calls a warning does not keep it from being saved.
 */
export function checkLayer(
  scope: LayerScope,
  id: string,
  parameters: ReadonlyMap<string, LayerParameter>,
): readonly LayerProblem[] {
  if (parameters.size > LAYER_PARAMETERS_MAX) return [tooMany(parameters.size)]
  const model = scope === 'model' ? parseProductName(id) : undefined
  const reserved = RESERVED_ELEMENTS.filter((element) => parameters.has(element))
  const free = new Map([...parameters].filter(([element]) => !RESERVED_ELEMENTS.includes(element)))
  const found = lintProfile({ parameters: free, model })
    .filter(({ severity }) => severity === 'error')
    .map(({ code, element, message, advice }) => problem(code, element, message, advice))
  const order = new Map([...parameters.keys()].map((element, index) => [element, index]))
  const place = ({ element }: LayerProblem): number => order.get(element) ?? 0
  return [...reserved.map(reservedElement), ...found].toSorted((a, b) => place(a) - place(b))
}

function reservedElement(element: string): LayerProblem {
  return problem('reserved-element', element, `"${element}" belongs to the platform`, 'Use another GPP register.')
}

function problem(code: LayerProblem['code'], element: string, message: string, advice: string): LayerProblem {
  return { code, element, message, advice }
}

function tooMany(count: number): LayerProblem {
  return problem('too-many', '', `The layer has ${count} parameters, at most ${LAYER_PARAMETERS_MAX} fit`, 'Split it.')
}
