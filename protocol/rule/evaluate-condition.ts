/** Whether a condition holds, MPP §4.2. Works on text whose macros are already put in. */

import { type ExpandedMacro, type MacroLookup, UNKNOWN_HERE } from './expand.ts'
import { bareKind, holds, type OperandKind, whyIncomparable } from './operands.ts'
import type { RulePolicies } from './policies.ts'
import { type Place, type Problem, problem } from './problems.ts'
import type { Comparison, Condition, Operand } from './syntax.ts'
import { compareVersions, parseVersion } from './version.ts'

export interface ConditionFacts {
  readonly macros: readonly ExpandedMacro[]
  readonly lookup: MacroLookup
  readonly policies: RulePolicies
}

export type Truth =
  | { readonly kind: 'true' | 'false' }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }
  | { readonly kind: 'depends'; readonly on: readonly string[] }

/**
 * All comparisons are read, also behind a false one: a fault anywhere is a fault of the condition.
 * A value that is not known here makes the answer open, unless another comparison settles it whatever that value is.
 */
export function conditionTruth(condition: Condition, facts: ConditionFacts): Truth {
  if (condition.comparisons.length === 0) return { kind: 'invalid', problems: [] }
  const truths = condition.comparisons.map((comparison) => comparisonTruth(comparison, facts))
  const invalid = truths.filter((truth) => truth.kind === 'invalid')
  if (invalid.length > 0) return { kind: 'invalid', problems: invalid.flatMap(({ problems }) => problems) }
  const open = truths.filter((truth) => truth.kind === 'depends')
  const someFalse = truths.some((truth) => truth.kind === 'false')
  // With policy 'fail' an unknown value may still turn out to be of the wrong kind, and then the rule fails.
  if (open.length > 0 && !(someFalse && facts.policies.invalidCondition === 'false')) {
    return { kind: 'depends', on: [...new Set(open.flatMap(({ on }) => on))] }
  }
  return { kind: someFalse ? 'false' : 'true' }
}

/** Names of the macros in this place whose values are not known here. */
export function unknownIn(macros: readonly ExpandedMacro[], place: Place | undefined): readonly string[] {
  if (place === undefined) return []
  const inside = macros.filter(({ kind, start, end }) => kind === 'here' && start < place.end && end > place.start)
  return [...new Set(inside.map(({ name }) => name))]
}

function comparisonTruth(comparison: Comparison, facts: ConditionFacts): Truth {
  const names = unknownIn(facts.macros, comparison.place)
  if (names.length > 0) return { kind: 'depends', on: names }
  // The parser has noted what is wrong with an unread one.
  if (comparison.kind === 'unread') return { kind: 'invalid', problems: [] }
  const left = readOperand(comparison.left, facts.lookup)
  const right = readOperand(comparison.right, facts.lookup)
  if (left === UNKNOWN_HERE || right === UNKNOWN_HERE) return { kind: 'depends', on: ['SWVER'] }
  const code = whyIncomparable(left.kind, comparison.operator, right.kind)
  if (code !== undefined) {
    return { kind: 'invalid', problems: [problem(code, comparison.place ?? { start: 0, end: 0 })] }
  }
  return { kind: holds(comparison.operator, orderOf(left, right, facts.policies)) ? 'true' : 'false' }
}

interface OperandValue {
  readonly kind: OperandKind
  readonly text: string
}

function readOperand(operand: Operand, lookup: MacroLookup): OperandValue | typeof UNKNOWN_HERE {
  if (operand.kind === 'quoted') return { kind: 'string', text: operand.text }
  if (operand.kind === 'bare') return { kind: bareKind(operand.text), text: operand.text }
  const load = lookup('SWVER')
  return load === UNKNOWN_HERE ? UNKNOWN_HERE : { kind: bareKind(load ?? ''), text: load ?? '' }
}

function orderOf(left: OperandValue, right: OperandValue, { stringCase }: RulePolicies): number {
  if (left.kind === 'string') {
    const same =
      stringCase === 'exact' ? left.text === right.text : left.text.toLowerCase() === right.text.toLowerCase()
    return same ? 0 : 1
  }
  if (left.kind === 'integer') return Number(left.text) - Number(right.text)
  const a = parseVersion(left.text)
  const b = parseVersion(right.text)
  return a === undefined || b === undefined ? Number.NaN : compareVersions(a, b)
}
