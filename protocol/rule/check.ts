/**
 * What can be said about a rule before a phone runs it: problems of its shape, of its values as far as macros leave them
 * open, and of its macros. Nothing here changes what a rule does.
 */

import { type MacroReference, readMacro } from './expand.ts'
import { findMacro } from './macros.ts'
import { bareKind, type OperandKind, whyIncomparable } from './operands.ts'
import { parseShape, type ParsedRule } from './parse.ts'
import { DEFAULT_RULE_POLICIES, type RulePolicies } from './policies.ts'
import { asWarning, type Place, type Problem, type ProblemCode, PROBLEMS_MAX, problem } from './problems.ts'
import type { Alternative, Comparison, Condition, Operand, OptionPart, Rule, RuleKind, UrlText } from './syntax.ts'
import { checkFetch } from './targets.ts'
import { parseUrl, pathOffset } from './url.ts'

/**
 * Reads a rule as its author wrote it, macros and all. Never throws.
 * @returns the tree, and problems in the order of their place. A fault that a macro's value may mend is a warning.
 */
export function parseRule(
  text: string,
  kind: RuleKind = 'profile',
  policies: RulePolicies = DEFAULT_RULE_POLICIES,
): ParsedRule {
  const { rule, problems } = parseShape(text, kind, policies)
  if (rule.kind === 'comment' || rule.kind === 'unreadable') return { rule, problems }
  const shape = problems.map((one) => (mayMend(text, one, policies) ? asWarning(one) : one))
  const all = [...shape, ...checkRule(rule, kind, policies), ...checkMacros(text, rule, policies)]
  return { rule, problems: all.sort((a, b) => a.start - b.start || a.end - b.end).slice(0, PROBLEMS_MAX) }
}

/** Faults that vanish when a macro's value brings the missing piece. */
const MENDABLE: readonly string[] = [
  'bad-comparison',
  'bad-operand',
  'bad-assignment',
  'group-without-mark',
  'empty-condition',
]

function mayMend(text: string, one: Problem, policies: RulePolicies): boolean {
  return MENDABLE.includes(one.code) && hasMacro(text.slice(one.start, one.end), policies)
}

function hasMacro(text: string, policies: RulePolicies): boolean {
  return findMacros(text, policies).some(({ reference }) => reference?.kind === 'macro')
}

interface FoundMacro extends Place {
  /** undefined: a `$` that no known name follows. */
  readonly reference: MacroReference | undefined
}

function findMacros(text: string, policies: RulePolicies): readonly FoundMacro[] {
  const found: FoundMacro[] = []
  for (let at = text.indexOf('$'); at !== -1; at = text.indexOf('$', at)) {
    const reference = readMacro(text, at, policies.gppAliases)
    const end = reference?.end ?? at + 1
    found.push({ reference, start: at, end })
    at = end
  }
  return found
}

function checkMacros(text: string, rule: Rule, policies: RulePolicies): readonly Problem[] {
  const secretPlaces = argumentPlaces(rule)
  const problems: Problem[] = []
  for (const { reference, start, end } of findMacros(text, policies)) {
    const code = macroProblem(reference, { start, end }, secretPlaces, text)
    if (code !== undefined) problems.push(problem(code, { start, end }))
  }
  return problems
}

function macroProblem(
  reference: MacroReference | undefined,
  place: Place,
  secretPlaces: readonly Place[],
  text: string,
): ProblemCode | undefined {
  if (reference === undefined) return /[A-Za-z(]/.test(text[place.end] ?? '') ? 'unknown-macro' : undefined
  if (reference.scope === 'option-arguments') {
    return secretPlaces.some((one) => one.start <= place.start && place.end <= one.end)
      ? undefined
      : 'secret-outside-option'
  }
  return reference.scope === 'everywhere' || reference.scope === 'dollar' ? undefined : 'macro-not-here'
}

function argumentPlaces(rule: Rule): readonly Place[] {
  const parts = optionGroups(rule).flat()
  return parts.flatMap((part) => (part.kind === 'argument' && part.valuePlace !== undefined ? [part.valuePlace] : []))
}

function optionGroups(rule: Rule): readonly (readonly OptionPart[])[] {
  switch (rule.kind) {
    case 'profile':
    case 'upgrade':
      return rule.alternatives.map(({ options }) => options ?? [])
    case 'report':
      return rule.items.map((item) => (item.kind === 'unread' ? [] : (item.options ?? [])))
    default:
      return []
  }
}

function checkRule(rule: Rule, kind: RuleKind, policies: RulePolicies): readonly Problem[] {
  switch (rule.kind) {
    case 'profile':
    case 'upgrade':
      return rule.alternatives.flatMap((alternative, index) => [
        ...checkReachable(rule.alternatives, alternative, index),
        ...checkCondition(alternative.condition, policies),
        ...checkTarget(alternative.options ?? [], alternative.url, kind, policies),
        ...checkUrlMissing(alternative, kind),
      ])
    case 'report':
      return rule.items.flatMap((item) =>
        item.kind === 'unread' ? [] : checkTarget(item.options ?? [], item.url, kind, policies),
      )
    case 'trigger':
      return checkCondition(rule.condition, policies)
    default:
      return []
  }
}

/** MPP §4.1: only the last alternative may lack a condition. */
function checkReachable(all: readonly Alternative[], alternative: Alternative, index: number): readonly Problem[] {
  const { place } = alternative
  if (place === undefined) return []
  const blank = place.start === place.end
  // One problem is enough for all that follow an alternative without condition.
  const open = all.findIndex((one) => one.condition === undefined && one.rest?.standsFor !== 'condition')
  if (open !== -1 && open < index && index < open + 2) return [problem('unreachable-alternative', place)]
  return blank && all.length > 1 ? [problem('empty-alternative', place)] : []
}

function checkUrlMissing({ url, rest, place }: Alternative, kind: RuleKind): readonly Problem[] {
  const missing = kind === 'upgrade' && url === undefined && rest === undefined
  return missing && place !== undefined ? [problem('url-missing', place)] : []
}

function checkCondition(condition: Condition | undefined, policies: RulePolicies): readonly Problem[] {
  return (condition?.comparisons ?? []).flatMap((comparison) => checkComparison(comparison, policies))
}

function checkComparison(comparison: Comparison, policies: RulePolicies): readonly Problem[] {
  if (comparison.kind === 'unread' || comparison.place === undefined) return []
  const { left, operator, right, place } = comparison
  const code = whyIncomparable(staticKind(left, policies), operator, staticKind(right, policies))
  if (code === 'bad-operand') return [left, right].flatMap((side) => badOperand(side, policies))
  if (code !== undefined) return [problem(code, place)]
  return [left, right].flatMap((side) => quotesDoNotFit(side, policies))
}

function badOperand(operand: Operand, policies: RulePolicies): readonly Problem[] {
  const bad = staticKind(operand, policies) === 'bad' && operand.place !== undefined
  return bad && operand.place !== undefined ? [problem('bad-operand', operand.place)] : []
}

/** The kind as far as it is known before macros have values: `$SWVER` alone will be a load. */
function staticKind(operand: Operand, policies: RulePolicies): OperandKind {
  if (operand.kind === 'firmware') return 'load'
  if (operand.kind === 'quoted') return 'string'
  const row = onlyMacro(operand.text, policies)
  switch (row?.values) {
    case 'integer':
      return 'integer'
    case 'load-version':
      return 'load'
    case 'dotted-version':
      return 'dotted'
    default:
      return operand.text.includes('$') ? 'any' : bareKind(operand.text)
  }
}

/** The row of the macro that is the whole text, without a substring. */
function onlyMacro(text: string, policies: RulePolicies): ReturnType<typeof findMacro> {
  if (!text.startsWith('$')) return undefined
  const reference = readMacro(text, 0, policies.gppAliases)
  const whole = reference?.kind === 'macro' && reference.end === text.length
  return whole && reference.from === 0 && reference.count === undefined ? findMacro(reference.name) : undefined
}

/** MPP §4.2: quote a macro where text is meant, never where a number or a version is meant. */
function quotesDoNotFit(operand: Operand, policies: RulePolicies): readonly Problem[] {
  if (operand.kind === 'firmware' || operand.place === undefined) return []
  const values = onlyMacro(operand.text, policies)?.values
  // A quoted $SWVER compares the whole load string, which MPP §4.2 describes; the other numbers lose their meaning.
  const wrong = operand.kind === 'bare' ? values === 'text' : values === 'dotted-version'
  return wrong ? [problem('quote-macro', operand.place)] : []
}

function checkTarget(
  options: readonly OptionPart[],
  url: UrlText | undefined,
  kind: RuleKind,
  policies: RulePolicies,
): readonly Problem[] {
  const optionProblems = checkOptions(options, kind)
  if (url?.place === undefined) return optionProblems
  return [...optionProblems, ...checkUrl(url.text, url.place, options, kind, policies)]
}

function checkOptions(options: readonly OptionPart[], kind: RuleKind): readonly Problem[] {
  if (kind !== 'report') return []
  return options.flatMap((part) =>
    part.kind === 'letter' && part.place !== undefined ? [problem('option-without-effect', part.place)] : [],
  )
}

function checkUrl(
  text: string,
  place: Place,
  options: readonly OptionPart[],
  kind: RuleKind,
  policies: RulePolicies,
): readonly Problem[] {
  const macros = findMacros(text, policies).filter(({ reference }) => reference?.kind === 'macro')
  const serverOpen = macros.some(({ start }) => start < pathOffset(text))
  const fileName = pathOffset(text) === text.length && !/[:/]/.test(text)
  const warnings = [
    ...(/\s/.test(text) ? [problem('url-space', place)] : []),
    ...(fileName && /\.[a-z]+$/i.test(text) ? [problem('url-no-slash', place)] : []),
  ]
  if (serverOpen) return warnings
  const parsed = parseUrl(text)
  if (!parsed.ok)
    return [
      ...warnings,
      { ...parsed.error, start: place.start + parsed.error.start, end: place.start + parsed.error.end },
    ]
  const srv = options.some((part) => part.kind === 'flag' && part.name === 'srv')
  return [...warnings, ...checkFetch(parsed.value, kind, srv, place)]
}
