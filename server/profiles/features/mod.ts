/** Features: things that people say about phones, expanded into parameters for each model. */
export { ACCESS_SET_NAMES } from './access-sets.ts'
export {
  anyPhone,
  conflicts,
  describeFeature,
  type ExpandedFeature,
  type ExpandedFeatures,
  expandEach,
  expandFeatures,
  featureProblems,
} from './expand.ts'
export { isHuntGroup, type SipHuntGroup, sipHuntGroup } from './hunt-group-sip.ts'
export { FEATURE_KINDS, readFeature } from './kinds.ts'
export { resetsOf } from './resets.ts'
export { KNOWN_PLACES } from './time-zones.ts'
export { TONE_COUNTRIES } from './tones.ts'
export * from './types.ts'
