/**
 * A phone keeps what its profile leaves out (MPP §1.6), so a feature that was taken back would stay. What it had set is
 * therefore written once more with the factory's values, below everything else.
 */
import { catalogue, defaultValueOf } from '../../../protocol/profile/mod.ts'
import type { LayerParameter } from '../types.ts'
import { type ExpandedFeature, expandEach } from './expand.ts'
import type { Feature, FeatureTarget } from './types.ts'

/** Worked out for each profile, whatever was said before. */
const NEVER_RESET: readonly string[] = ['Restricted_Access_Domains']

/** @param past features that were taken back or said otherwise; those that are said now win over the resets */
export function resetsOf(past: readonly Feature[], target: FeatureTarget): readonly ExpandedFeature[] {
  return expandEach(past, target).map(({ feature, parameters }) => {
    const resets = [...parameters].flatMap(([element, parameter]) => {
      const reset = resetOf(element, parameter)
      return reset === undefined ? [] : [[element, reset] as const]
    })
    return { feature, parameters: new Map(resets) }
  })
}

/** Secrets are let alone. What users may change from the factory is theirs as soon as they change it. */
function resetOf(element: string, { ua, attributesOnly }: LayerParameter): LayerParameter | undefined {
  const row = catalogue.find(element)
  if (row === undefined || row.secret || NEVER_RESET.includes(element)) return undefined
  const value = defaultValueOf(element, row)
  if (attributesOnly === true) return ua === undefined ? undefined : { value, ua: row.ua, attributesOnly }
  return { value, ua: row.ua, ...(row.ua === 'rw' ? { userPref: true } : {}) }
}
