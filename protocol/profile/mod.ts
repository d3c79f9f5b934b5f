/**
 * Profiles and parameters: what a phone downloads, what it may contain, and what the phone keeps of it.
 * Source: MPP §1 (the open profile format), §13 (parameters), §14 (types).
 */
export { adviseValue } from './advice.ts'
export { type Alias, type AliasMap, ALIASES_MAX, parseAliasMap } from './alias.ts'
export {
  APPLY_PROBLEMS_MAX,
  type AppliedProfile,
  type ApplyPolicies,
  applyProfile,
  DEFAULT_APPLY_POLICIES,
} from './apply.ts'
export {
  appliesTo,
  type Catalogue,
  type CatalogueElement,
  catalogue,
  compareElements,
  defaultValueOf,
  elementsOfPattern,
  findPattern,
} from './catalogue.ts'
export { type Correction, CORRECTIONS } from './catalogue-corrections.ts'
export { PARAMETERS } from './catalogue-rows.ts'
export { canonicalValue, hasSpellings, VALUE_CHARS_MAX, validateValue } from './check-value.ts'
export { exportProfile } from './export.ts'
export { type ModelInfo, MODELS, modelInfo } from './models.ts'
export type { IndexKind, IndexRange, ModelRange, Parameter, ParameterType, UserAccess } from './parameter.ts'
export {
  type ElementForm,
  type Profile,
  PROFILE_BYTES_MAX,
  type ProfileElement,
  type ProfileProblem,
} from './profile.ts'
export { type ReadOptions, type ReadProfile, readProfile, WARNINGS_MAX } from './read.ts'
export { factoryState, type ParameterStore, setByUser, type StoredParameter, storedParameter } from './store.ts'
export { wrapLines, writeElement, writeProfile } from './write.ts'
