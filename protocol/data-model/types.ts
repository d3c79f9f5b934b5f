import type { ValueType } from '../cwmp/mod.ts'
import type { Result } from '../result.ts'

/** How many lines the tree has, and how they are laid out. */
export interface ModelShape {
  readonly lines: number
  /** Whether each line has a voice profile of its own, or all lines are in one [TR-069 §10 rule 4]. */
  readonly voiceProfiles: 'profile-per-line' | 'lines-in-one-profile'
}

/** One object or parameter of the tree. */
export interface ModelNode {
  /** With its instance numbers; objects end with a dot. */
  readonly path: string
  readonly type: ValueType | 'object'
  readonly writable: boolean
  /** True for a password, which reads as empty [TR-069 §10.2]. */
  readonly secret: boolean
}

/** All objects and parameters of one shape. */
export interface ModelTree {
  /** Objects before what is below them, in the order of the tables. */
  readonly nodes: readonly ModelNode[]
  find(path: string): ModelNode | undefined
  /** The node itself and all below it; the empty path is the whole tree; empty for an unknown path. */
  below(path: string): readonly ModelNode[]
  /** The direct children of an object; of the empty path, the root. */
  children(path: string): readonly ModelNode[]
}

/** One element of a profile and the value that it gets. */
export interface ProfileChange {
  readonly element: string
  readonly value: string
}

/** Why a parameter was not written: a fault code [TR-069 §4.1], and what was expected. */
export interface WriteProblem {
  readonly code: 9005 | 9006 | 9007 | 9008
  readonly message: string
}

/** Gives the profile's value of an element; undefined: the profile does not say. */
export type ValueOf = (element: string) => string | undefined

/** What a write changes in the profile, or why it was refused. */
export type Written = Result<readonly ProfileChange[], WriteProblem>
