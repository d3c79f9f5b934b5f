/**
 * What a rule makes a phone do, MPP §4. The console's preview and the virtual phone both ask here.
 *
 * Macros are put in over the whole parameter first and the result is read as a rule (MPP §4.1): a value with quotes, bars
 * or brackets in it changes the rule, as on the phone. Two values are different. `$SA`..`$SD` go in after the reading,
 * as one piece and only into arguments of --key, --uid and --pwd, so that a key with a quote in it neither breaks the
 * rule nor spills into a message. And a value that is not known here is taken to hold none of those characters.
 */

import { assertNever } from '../result.ts'
import { conditionTruth, type Truth, unknownIn } from './evaluate-condition.ts'
import { faultsWithin, readTarget, type RuleOptions } from './evaluate-target.ts'
import type { MacroLookup } from './expand.ts'
import { DEFAULT_RULE_POLICIES, isUnset, type RulePolicies } from './policies.ts'
import type { Problem } from './problems.ts'
import { inSource, type Run, startRun } from './run.ts'
import type { Alternative, AssignmentPart } from './syntax.ts'
import type { Url } from './url.ts'

export interface Assignment {
  /** Full element name: GPP_A for a. */
  readonly element: string
  readonly value: string
}

export interface Fetch {
  readonly options: RuleOptions
  readonly url: Url
  /** Which alternative was taken, from 0. */
  readonly branch: number
  /** Macros that are not known here and were left in place in options, assignments and path. */
  readonly unresolved: readonly string[]
}

export type Decision =
  | (Fetch & {
      readonly kind: 'fetch'
      readonly assignments: readonly Assignment[]
      readonly problems: readonly Problem[]
    })
  /** No alternative applies (branch undefined), or the one that applies has no URL. Not a failure. */
  | {
      readonly kind: 'nothing'
      readonly branch: number | undefined
      readonly assignments: readonly Assignment[]
      readonly unresolved: readonly string[]
      readonly problems: readonly Problem[]
    }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }
  /** Values not known here decide which alternative applies or which server is asked. */
  | { readonly kind: 'depends'; readonly on: readonly string[]; readonly problems: readonly Problem[] }

/**
 * Decides what one rule parameter does. Never throws.
 * @param text the parameter as stored, macros not expanded
 * @returns places of problems count in `text`; problems of alternatives behind the chosen one are of their shape only
 */
export function evaluateRule(
  text: string,
  kind: 'profile' | 'upgrade',
  lookup: MacroLookup,
  policies: RulePolicies = DEFAULT_RULE_POLICIES,
): Decision {
  const run = startRun(text, kind, lookup, policies)
  return inSource(run.kind === 'refused' ? { kind: 'invalid', problems: run.problems } : chooseAlternative(run), run)
}

/**
 * What a report rule sends where, MPP §12.2. Items that cannot be used are left out and have a problem; with `depends`,
 * the names that decide their server.
 */
export function evaluateReportRule(
  text: string,
  lookup: MacroLookup,
  policies: RulePolicies = DEFAULT_RULE_POLICIES,
): {
  readonly items: readonly {
    readonly options: RuleOptions
    readonly url: Url
    readonly unresolved: readonly string[]
  }[]
  readonly depends: readonly string[]
  readonly problems: readonly Problem[]
} {
  const run = startRun(text, 'report', lookup, policies)
  if (run.kind === 'refused') return { items: [], depends: [], problems: run.problems }
  const parts = run.parsed.rule.kind === 'report' ? run.parsed.rule.items : []
  const targets = parts.flatMap((item) =>
    item.kind === 'unread' || item.url === undefined ? [] : [readTarget(run, item.options ?? [], item.url, item.place)],
  )
  return inSource(
    {
      items: targets.flatMap((target) => (target.kind === 'target' ? [target.target] : [])),
      depends: [...new Set(targets.flatMap((target) => (target.kind === 'depends' ? target.on : [])))],
      problems: [...run.parsed.problems, ...targets.flatMap(({ problems }) => problems)],
    },
    run,
  )
}

/**
 * Whether a resync trigger holds, MPP §5.3. An unset trigger is false; ask `isUnset` whether there is one at all.
 * `invalid` counts as not true (MPP §4.2), and is told apart so that it can be logged.
 */
export function evaluateTrigger(
  text: string,
  lookup: MacroLookup,
  policies: RulePolicies = DEFAULT_RULE_POLICIES,
): boolean | 'depends' | 'invalid' {
  if (isUnset(text, policies)) return false
  const run = startRun(text, 'trigger', lookup, policies)
  if (run.kind === 'refused') return 'invalid'
  const rule = run.parsed.rule
  if (rule.kind !== 'trigger') return 'invalid'
  const truth = conditionTruth(rule.condition, run)
  switch (truth.kind) {
    case 'true':
    case 'false':
      return truth.kind === 'true'
    case 'invalid':
    case 'depends':
      return truth.kind
    default:
      return assertNever(truth)
  }
}

function chooseAlternative(run: Run): Decision {
  const { rule } = run.parsed
  const alternatives = rule.kind === 'profile' || rule.kind === 'upgrade' ? rule.alternatives : []
  const problems: Problem[] = [...run.parsed.problems]
  for (const [branch, alternative] of alternatives.entries()) {
    const truth = alternativeTruth(run, alternative)
    switch (truth.kind) {
      case 'true':
        return takeAlternative(run, alternative, branch, problems)
      case 'depends':
        return { kind: 'depends', on: truth.on, problems }
      case 'invalid':
        problems.push(...truth.problems)
        if (run.policies.invalidCondition === 'fail') return { kind: 'invalid', problems }
        break
      case 'false':
        break
      default:
        assertNever(truth)
    }
  }
  return { kind: 'nothing', branch: undefined, assignments: [], unresolved: [], problems }
}

function alternativeTruth(run: Run, { condition, rest }: Alternative): Truth {
  if (condition !== undefined) return conditionTruth(condition, run)
  if (rest?.standsFor !== 'condition') return { kind: 'true' }
  const names = unknownIn(run.macros, rest.place)
  return names.length > 0 ? { kind: 'depends', on: names } : { kind: 'invalid', problems: [] }
}

function takeAlternative(run: Run, alternative: Alternative, branch: number, before: readonly Problem[]): Decision {
  const { place, url, options = [] } = alternative
  if (faultsWithin(run, place)) {
    const on = unknownIn(run.macros, place)
    return on.length > 0 ? { kind: 'depends', on, problems: before } : { kind: 'invalid', problems: before }
  }
  const { assignments, unresolved } = readAssignments(run, alternative.assignments ?? [])
  if (url === undefined) return { kind: 'nothing', branch, assignments, unresolved, problems: before }
  const found = readTarget(run, options, url, place)
  const problems = [...before, ...found.problems]
  switch (found.kind) {
    case 'target': {
      const names = [...new Set([...unresolved, ...found.target.unresolved])]
      return { kind: 'fetch', branch, assignments, ...found.target, unresolved: names, problems }
    }
    case 'depends':
      return { kind: 'depends', on: found.on, problems }
    case 'invalid':
      return { kind: 'invalid', problems }
    default:
      return assertNever(found)
  }
}

function readAssignments(
  run: Run,
  parts: readonly AssignmentPart[],
): { readonly assignments: readonly Assignment[]; readonly unresolved: readonly string[] } {
  const assignments = parts.flatMap((part) =>
    part.kind === 'unread' ? [] : [{ element: elementName(part.name), value: part.value }],
  )
  return { assignments, unresolved: parts.flatMap((part) => unknownIn(run.macros, part.place)) }
}

/** MPP §4.1: a to p stand for GPP_A to GPP_P. */
function elementName(name: string): string {
  return /^[a-p]$/.test(name) ? `GPP_${name.toUpperCase()}` : name
}
