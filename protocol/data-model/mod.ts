/** The phone's TR-069 parameters as a tree, and what they mean in its profile, both ways [TR-069 §10]. */
export { FORCED_INFORM } from './forced-inform.ts'
export { LINES_MAX } from './place.ts'
export { modelTree, pathsOf } from './tree.ts'
export type { ModelNode, ModelShape, ModelTree, ProfileChange, ValueOf, WriteProblem, Written } from './types.ts'
export { defaultOf, elementsOf, readValue, typeOf, writeValue } from './values.ts'
