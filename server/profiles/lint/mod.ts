/**
 * Lint: what is wrong with a profile or a layer before a phone has it. Pure; each check is a file of its own, and the checks
 * before a layer is saved (`../check.ts`) are the same ones.
 */
import type { ProductName } from '../../../protocol/identity.ts'
import { PROFILE_BYTES_MAX, type ProfileProblem, type ReadProfile, readProfile } from '../../../protocol/profile/mod.ts'
import type { LayerParameter } from '../types.ts'
import { newAttributes } from './attributes.ts'
import { badLogTexts, badRules } from './bad-rule.ts'
import { badValues } from './bad-value.ts'
import { elementLines } from './element-lines.ts'
import { parseFirmware } from './firmware.ts'
import { foreignLineVariables } from './foreign-line-variable.ts'
import { overriddenInRun } from './overridden-in-run.ts'
import { passwordsOverHttp } from './password-over-http.ts'
import { problemAt } from './problem.ts'
import { resyncNever } from './resync-never.ts'
import { secretsInClear } from './secret-in-clear.ts'
import type { Check, LintElement, LintProblem } from './types.ts'
import { unknownElements } from './unknown-element.ts'
import { unknownFactsInLayers } from './unknown-fact.ts'
import { upgradeNever } from './upgrade-never.ts'

export { macrosIn, rowOf } from './element-facts.ts'
export { parseFirmware } from './firmware.ts'
export { type Firmware, LINT_CODES, type LintCode, type LintElement, type LintProblem } from './types.ts'

/** A file with more problems than this is judged by the first of them. */
export const LINT_PROBLEMS_MAX = 1000

export interface LintInput {
  /** Of a profile file, in its order and with repeats. */
  readonly elements?: readonly LintElement[]
  /** Of a layer: patterns and facts in braces are put in before a phone sees them. */
  readonly parameters?: ReadonlyMap<string, LayerParameter>
  readonly model?: ProductName | undefined
  /** As in `parseFirmware`; what cannot be read narrows nothing. */
  readonly firmware?: string | undefined
}

const CHECKS: readonly Check[] = [
  unknownElements,
  badValues,
  badRules,
  badLogTexts,
  unknownFactsInLayers,
  foreignLineVariables,
  overriddenInRun,
  secretsInClear,
  passwordsOverHttp,
  upgradeNever,
  resyncNever,
  newAttributes,
]

/** @returns problems in the order of their lines, or else of the checks; empty for a profile without any */
export function lintProfile(input: LintInput): readonly LintProblem[] {
  const layer = [...(input.parameters ?? [])].map(([name, parameter]) => layerElement(name, parameter))
  const subject = {
    elements: [...(input.elements ?? []), ...layer],
    model: input.model,
    firmware: input.firmware === undefined ? undefined : parseFirmware(input.firmware),
    isLayer: input.parameters !== undefined,
  }
  const problems = CHECKS.flatMap((check) => check(subject))
  return problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)).slice(0, LINT_PROBLEMS_MAX)
}

function layerElement(name: string, { value, ua, preserve, userPref }: LayerParameter): LintElement {
  return {
    name,
    value: value === '""' ? '' : value,
    ...(preserve === true ? { preserveValue: true } : {}),
    ...(ua === undefined ? {} : { ua }),
    ...(userPref === undefined ? {} : { userPref }),
  }
}

/**
 * Lints a profile file: clear, not compressed.
 * @param file bytes or text, at most PROFILE_BYTES_MAX
 */
export function lintFile(
  file: Uint8Array | string,
  about: Pick<LintInput, 'model' | 'firmware'> = {},
): readonly LintProblem[] {
  const size = typeof file === 'string' ? new TextEncoder().encode(file).length : file.length
  if (size > PROFILE_BYTES_MAX) {
    const message = `The file has ${size} bytes, at most ${PROFILE_BYTES_MAX} are expected`
    return [problemAt({ name: '' }, 'too-big', message, 'Leave out what has its default value.')]
  }
  const read = readProfile(file)
  if (!read.ok) return [unreadable(read.error)]
  const text = typeof file === 'string' ? file : new TextDecoder().decode(file)
  const elements = withLines(read.value, text)
  return [...oddities(read.value), ...lintProfile({ ...about, elements })]
}

function unreadable({ message, line }: ProfileProblem): LintProblem {
  const element = { name: '', ...(line === undefined ? {} : { line }) }
  const advice = 'A profile is XML with its parameters inside <flat-profile>; write & as &amp; and < as &lt;.'
  return problemAt(element, 'bad-xml', line === undefined ? message : `${message} (line ${line})`, advice)
}

function withLines({ elements }: ReadProfile, text: string): readonly LintElement[] {
  const lines = elementLines(text)
  return elements.map((element, index) => {
    const place = lines[index]
    return place?.name === element.name ? { ...element, line: place.line } : element
  })
}

/** What the reader noticed and read over. */
function oddities({ warnings }: ReadProfile): readonly LintProblem[] {
  return warnings.flatMap(({ code, message }): readonly LintProblem[] => {
    const name = /^"([^"]*)"/.exec(message)?.[1] ?? ''
    if (code === 'nested') {
      return [
        problemAt({ name }, 'nested-element', message, 'Put each parameter directly into <flat-profile>.', 'warning'),
      ]
    }
    if (code !== 'bad-ua' && code !== 'bad-user-pref') return []
    return [problemAt({ name }, 'bad-attribute', message, 'Correct the attribute, or leave it out.', 'warning')]
  })
}
