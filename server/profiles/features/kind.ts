/** What each kind of feature can do; one file a kind has it. */
import type { ProductName } from '../../../protocol/identity.ts'
import type { LayerParameter } from '../types.ts'
import type { Fields } from './read.ts'
import type { FeatureProblem, FeatureTarget } from './types.ts'

export type Parameters = readonly (readonly [string, LayerParameter])[]

export interface FeatureMaker<Body> {
  /** Reads the fields beside `kind`. */
  read(fields: Fields): Body
  /** Elements of any model; those that the phone lacks are left out later, and named as problems. */
  expand(body: Body, target: FeatureTarget): Parameters
  /** What the model cannot do, besides elements that it lacks. */
  problems(body: Body, model: ProductName): readonly FeatureProblem[]
}

export function parametersOf(values: Readonly<Record<string, string | undefined>>): Parameters {
  return Object.entries(values).flatMap(([element, value]) =>
    value === undefined ? [] : [[element, { value }] as const],
  )
}

export function yesNo(flag: boolean): string {
  return flag ? 'Yes' : 'No'
}
