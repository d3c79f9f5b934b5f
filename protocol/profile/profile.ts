import type { UserAccess } from './parameter.ts'

/**
 * How an element had, or shall have, its value (MPP §1.5). The empties mean different things to a phone:
 * `self-closing` is `<X/>`; `open-close` is `<X></X>`; `empty` is the value `""`, two quote characters, which stores
 * the empty string on purpose. `text` is any other value.
 */
export type ElementForm = 'text' | 'self-closing' | 'empty' | 'open-close'

/** One parameter of a profile, as written. */
export interface ProfileElement {
  readonly name: string
  /** As the phone takes it: escapes translated, newlines become spaces, trimmed. Empty unless `form` is `text`. */
  readonly value: string
  readonly form: ElementForm
  /** Absent: the phone keeps its access. */
  readonly ua?: UserAccess
  /** `preserve-value="y"`: change the access only. */
  readonly preserveValue: boolean
  /** `user-pref`; absent counts as `false` (MPP §1.3). */
  readonly userPref?: boolean
}

/** A profile file: its elements in document order, with repeats. */
export interface Profile {
  readonly elements: readonly ProfileElement[]
}

/** Something wrong with a profile, or with one value. Holds no secret. */
export interface ProfileProblem {
  readonly code: string
  readonly message: string
  readonly line?: number
}

/** Our cap for a plain profile; the largest known export is 198 kB (MPP §1.1). */
export const PROFILE_BYTES_MAX = 1024 * 1024
