/** One evaluation of one parameter: macros put in, the result read, and the way back to the places of the source. */

import type { ConditionFacts } from './evaluate-condition.ts'
import { type Expansion, expandPieces, type MacroLookup } from './expand.ts'
import { parseShape, type ParsedRule } from './parse.ts'
import { isUnset, type RulePolicies } from './policies.ts'
import { type Place, type Problem, problem } from './problems.ts'
import { EXPANDED_RULE_CHARS_MAX, RULE_CHARS_MAX, type RuleKind } from './syntax.ts'

export interface Run extends ConditionFacts {
  readonly kind: 'run'
  readonly ruleKind: RuleKind
  readonly expansion: Expansion
  readonly parsed: ParsedRule
}

export type Refused = {
  readonly kind: 'refused'
  readonly problems: readonly Problem[]
  readonly expansion?: undefined
}

export function startRun(text: string, ruleKind: RuleKind, lookup: MacroLookup, policies: RulePolicies): Run | Refused {
  const whole = { start: 0, end: text.length }
  if (text.length > RULE_CHARS_MAX) return { kind: 'refused', problems: [problem('too-long', whole)] }
  // The `#` counts where the author wrote it; a value that starts with one is no comment.
  const commented = isUnset(text, policies)
  const charsMax = EXPANDED_RULE_CHARS_MAX
  const expansion = expandPieces(commented ? '' : text, lookup, { gppAliases: policies.gppAliases, charsMax })
  if (expansion.tooLong) return { kind: 'refused', problems: [problem('expanded-too-long', whole)] }
  const parsed = parseShape(expansion.text, ruleKind, { ...policies, hashComments: false }, charsMax)
  return { kind: 'run', ruleKind, expansion, macros: expansion.macros, parsed, lookup, policies }
}

/** Moves the places of problems from the expanded text to the text that the author sees. */
export function inSource<T extends { readonly problems: readonly Problem[] }>(value: T, run: Run | Refused): T {
  const { expansion } = run
  if (expansion === undefined) return value
  return { ...value, problems: value.problems.map((one) => ({ ...one, ...sourcePlace(expansion, one) })) }
}

function sourcePlace(expansion: Expansion, { start, end }: Place): Place {
  return { start: sourceIndex(expansion, start, 'start'), end: sourceIndex(expansion, end, 'end') }
}

/** A position inside a macro's value becomes the edge of its reference. */
function sourceIndex({ macros }: Expansion, index: number, edge: 'start' | 'end'): number {
  let shift = 0
  for (const macro of macros) {
    if (macro.end <= index) {
      shift = macro.sourceEnd - macro.end
      continue
    }
    if (macro.start >= index) break
    return edge === 'start' ? macro.sourceStart : macro.sourceEnd
  }
  return index + shift
}
