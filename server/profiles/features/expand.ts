/**
 * From features to parameters. Narrower scopes win over wider ones; two features of one scope that want the same thing
 * are a problem that names both. Pure and deterministic.
 */
import { appliesTo, catalogue, modelInfo, validateValue } from '../../../protocol/profile/mod.ts'
import type { ProductName } from '../../../protocol/identity.ts'
import type { LayerParameter } from '../types.ts'
import { UNIT_COUNT_ELEMENT } from './keys.ts'
import { makerOf } from './kinds.ts'
import type { Feature, FeatureProblem, FeatureTarget } from './types.ts'

export interface ExpandedFeature {
  readonly feature: Feature
  /** Elements that the model has. */
  readonly parameters: ReadonlyMap<string, LayerParameter>
}

export interface ExpandedFeatures {
  readonly parameters: ReadonlyMap<string, LayerParameter>
  readonly problems: readonly FeatureProblem[]
}

/** @param features narrower scopes last, as `DeviceFacts` has them */
export function expandFeatures(features: readonly Feature[], target: FeatureTarget): ExpandedFeatures {
  const parameters = new Map<string, LayerParameter>()
  for (const each of expandEach(features, target)) {
    for (const [element, parameter] of each.parameters) parameters.set(element, parameter)
  }
  return {
    parameters,
    problems: [
      ...featureProblems(features, target.device.model),
      ...conflicts(features, target),
      ...linesWithoutKey(parameters, target),
    ],
  }
}

/** Each feature by itself, in their order. */
export function expandEach(features: readonly Feature[], target: FeatureTarget): readonly ExpandedFeature[] {
  const { model } = target.device
  const expanded = features.map((feature) => ({
    feature,
    parameters: new Map(rawParameters(feature, target).filter(([element]) => appliesTo(element, model))),
  }))
  const counts = expanded.map(({ parameters }) => Number(parameters.get(UNIT_COUNT_ELEMENT)?.value ?? 0))
  const units = Math.max(0, ...counts)
  // Each feature counts the modules up to its own; together they need the most.
  for (const { parameters } of expanded) {
    if (parameters.has(UNIT_COUNT_ELEMENT)) parameters.set(UNIT_COUNT_ELEMENT, { value: String(units) })
  }
  return expanded
}

function rawParameters(feature: Feature, target: FeatureTarget): readonly (readonly [string, LayerParameter])[] {
  return makerOf(feature.body.kind).expand(feature.body, target)
}

/** What the model cannot do, whatever its lines: too few keys, no such module, no such element, a value it refuses. */
export function featureProblems(features: readonly Feature[], model: ProductName): readonly FeatureProblem[] {
  return features.flatMap((feature) => {
    const own = makerOf(feature.body.kind).problems(feature.body, model)
    const said = new Set(own.map(({ element }) => element))
    const others = rawParameters(feature, anyPhone(model)).flatMap(([element, { value, attributesOnly }]) =>
      own.length > 0 && !said.has(element) && !appliesTo(element, model)
        ? []
        : elementProblem(element, attributesOnly === true ? undefined : value, model, said),
    )
    return [...own, ...others].map((problem) => ({ ...problem, featureIds: [feature.id] }))
  })
}

/** A phone of that model without lines. */
export function anyPhone(model: ProductName): FeatureTarget {
  return { device: { model }, lines: [] }
}

function elementProblem(
  element: string,
  value: string | undefined,
  model: ProductName,
  said: ReadonlySet<string>,
): readonly FeatureProblem[] {
  if (said.has(element)) return []
  const row = catalogue.find(element)
  if (row === undefined || !appliesTo(element, model)) {
    const message = `A ${model} has no "${element}"`
    return [{ code: 'no-such-element', element, message, advice: 'Leave these phones out, or say it another way.' }]
  }
  const found = value === undefined ? undefined : validateValue(row, value)
  if (found === undefined) return []
  return [{ code: 'bad-value', element, message: found.message, advice: 'Give a value that these phones know.' }]
}

/** Two features of one scope that say different things about one element. */
export function conflicts(features: readonly Feature[], target: FeatureTarget): readonly FeatureProblem[] {
  const holders = new Map<string, { readonly feature: Feature; readonly parameter: LayerParameter }[]>()
  const problems = new Map<string, FeatureProblem>()
  for (const { feature, parameters } of expandEach(features, target)) {
    for (const [element, parameter] of parameters) {
      const key = `${feature.scope}/${feature.scopeId}/${element}`
      const before = holders.get(key) ?? []
      const other = before.find((each) => disagree(each.parameter, parameter))
      if (other !== undefined) {
        const pair = `${other.feature.id} ${feature.id} ${keyOf(element) ?? element}`
        if (!problems.has(pair)) problems.set(pair, conflict(element, other.feature, feature))
      }
      holders.set(key, [...before, { feature, parameter }])
    }
  }
  return [...problems.values()]
}

function disagree(a: LayerParameter, b: LayerParameter): boolean {
  const values = a.attributesOnly !== true && b.attributesOnly !== true && a.value !== b.value
  const access = a.ua !== undefined && b.ua !== undefined && a.ua !== b.ua
  const preference = a.userPref !== undefined && b.userPref !== undefined && a.userPref !== b.userPref
  return values || access || preference
}

function conflict(element: string, first: Feature, second: Feature): FeatureProblem {
  const key = keyOf(element)
  return {
    code: key === undefined ? 'same-element' : 'same-key',
    element,
    message: `${describeFeature(first)} and ${describeFeature(second)} both want ${key ?? `"${element}"`}`,
    advice: 'Change or delete one of the two.',
    featureIds: [first.id, second.id],
  }
}

/** How people know it: `speed-dial "Front desk" (feat_…)`. */
export function describeFeature({ id, body }: Feature): string {
  const name = 'name' in body && body.name !== undefined ? ` "${body.name}"` : ''
  return `${body.kind}${name} (${id})`
}

/** The key that an element belongs to, in words; undefined for elements of no key. */
function keyOf(element: string): string | undefined {
  const unit = /^Unit_(\d+)_Key_(\d+)_$/.exec(element)
  if (unit !== null) return `key ${unit[2]} of module ${unit[1]}`
  const key = /^(?:Extension|Short_Name|Share_Call_Appearance|Extended_Function)_(\d+)_$/.exec(element)?.[1]
  if (key !== undefined) return `line key ${key}`
  const dial = /^Speed_Dial_(\d+)_/.exec(element)?.[1]
  return dial === undefined ? undefined : `speed dial ${dial}`
}

/** Lines that would be registered without a key of their own. Key n serves extension n until somebody says otherwise. */
function linesWithoutKey(
  parameters: ReadonlyMap<string, LayerParameter>,
  { device, lines }: FeatureTarget,
): readonly FeatureProblem[] {
  const count = modelInfo(device.model)?.lineKeys ?? 0
  const served = new Set(
    Array.from({ length: count }, (_, at) => parameters.get(`Extension_${at + 1}_`)?.value ?? String(at + 1)),
  )
  return lines
    .filter(({ index }) => index <= count && !served.has(String(index)))
    .map(({ index, userId }) => ({
      code: 'line-without-key' as const,
      element: `Extension_${index}_`,
      message: `Line ${index} (${userId}) would have no key`,
      advice: 'Move the feature to another key, or give the line another key.',
    }))
}
