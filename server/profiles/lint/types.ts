/** What lint looks at, and what it says. */
import type { ProductName } from '../../../protocol/identity.ts'
import type { ElementForm, UserAccess } from '../../../protocol/profile/mod.ts'

/** Every code that lint knows, with what it stands for. */
export const LINT_CODES = {
  'bad-xml': 'The file cannot be read as a profile: a phone refuses it whole',
  'too-big': 'The file is larger than a phone takes',
  'nested-element': 'An element inside a parameter: only the text of the outer one is read',
  'bad-attribute': 'An attribute with a value that phones do not know, or that this firmware is too old for',
  'unknown-element': 'No such parameter, or not on this model or firmware: a phone ignores it',
  'bad-value': 'A value outside of its type or range: a phone skips it',
  'bad-rule': 'A rule that a phone cannot read, or of which a part can never apply',
  'unknown-macro': 'A name after a dollar sign that has no value there: the text stays as it is',
  'unknown-fact': 'A name in double braces that Offhook does not know',
  'foreign-line-variable': 'A variable of another line in a parameter of a line',
  duplicate: 'The same element twice with the same value',
  'overridden-in-run': 'A value that is set and then set again within the same resync',
  'secret-in-clear': 'A secret in a place that pages, reports, logs or other servers show',
  'password-over-http': 'A user name and password for a server that is asked without TLS',
  'upgrade-never': 'An upgrade that never happens, or never ends',
  'resync-never': 'After this profile the phone would not come back by itself',
} as const

export type LintCode = keyof typeof LINT_CODES

export interface LintProblem {
  readonly code: LintCode
  /** Empty for what concerns the whole file. */
  readonly element: string
  /** What is wrong, the value in quotes unless it is secret, and what was expected. */
  readonly message: string
  /** What to do. */
  readonly advice: string
  /** `error`: the phone does not do what is written, or a secret is out. `warning`: it does, but it is hardly meant. */
  readonly severity: 'error' | 'warning'
  /** Of the file, from 1. */
  readonly line?: number
}

/** One parameter as a file or a layer has it. */
export interface LintElement {
  /** Concrete, or a pattern such as `Proxy_n_` in a layer. */
  readonly name: string
  readonly value: string
  /** Absent: a layer's parameter, whose value always counts. */
  readonly form?: ElementForm
  readonly preserveValue?: boolean
  readonly ua?: UserAccess
  readonly userPref?: boolean
  readonly line?: number
}

/** The major and minor number of a firmware release, and the family of its load where the name tells it. */
export interface Firmware {
  readonly text: string
  readonly major: number
  readonly minor: number
  /** E.g. `sip88xx`. */
  readonly family: string | undefined
}

export interface LintSubject {
  readonly elements: readonly LintElement[]
  readonly model: ProductName | undefined
  readonly firmware: Firmware | undefined
  /** Whether facts in braces and patterns are put in before a phone sees the text. */
  readonly isLayer: boolean
}

export type Check = (subject: LintSubject) => readonly LintProblem[]
