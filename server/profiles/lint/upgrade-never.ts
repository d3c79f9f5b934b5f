/**
 * Upgrade rules that never happen or never end. The rule is evaluated by `protocol/rule` for the versions that it names,
 * for those just below and above them, and for what the named loads would then run.
 *
 *     ($SWVER lt 12-0-2MPP0001-116)? …/sip88xx.11-3-2MPP0001-609.loads     still lt afterwards: never gets there
 *     ($SWVER lt 11-0-0MPP-1 and $SWVER ge 12-0-0MPP-1)? …                 no version is both
 *
 * Source: MPP §4.2, §4.3 (versions), §6 (a load that runs already is left alone; multistage; Downgrade_Rev_Limit).
 */
import { loadFamily, parseLoadName } from '../../../protocol/firmware/mod.ts'
import { modelInfo } from '../../../protocol/profile/mod.ts'
import {
  type Alternative,
  type Comparison,
  compareVersions,
  evaluateRule,
  type MacroLookup,
  type Operand,
  parseVersion,
  printRule,
  UNKNOWN_HERE,
  type Version,
} from '../../../protocol/rule/mod.ts'
import { productSeriesName, type ProductName } from '../../../protocol/identity.ts'
import { problemAt } from './problem.ts'
import { alternativesOf, type HeldRule, rulesIn } from './rules-in.ts'
import type { Check, LintProblem, LintSubject } from './types.ts'

/** Versions that one rule is tried with; a rule has at most 64 alternatives. */
const VERSIONS_MAX = 200

export const upgradeNever: Check = (subject) =>
  rulesIn(subject)
    .filter(({ element }) => element.name === 'Upgrade_Rule')
    .flatMap((held) => judge(held, subject))

interface Branch {
  readonly alternative: Alternative
  /** The rule that is this alternative alone. */
  readonly text: string
  /** The load that its URL names, if it names one without macros. */
  readonly load: string | undefined
}

function judge(held: HeldRule, subject: LintSubject): readonly LintProblem[] {
  const branches = alternativesOf(held).map(branchOf)
  // What cannot be read is told as a bad rule; nothing more can be said of it.
  if (branches.length === 0 || held.parsed.problems.some(({ severity }) => severity === 'error')) return []
  const versions = versionsOf(branches)
  const never = branches.flatMap((branch, index) => neverTaken(branches, branch, index, versions, subject))
  const problems = never.length > 0 ? never : [...stuck(branches, subject), ...circles(branches, versions, subject)]
  return [...problems, ...refused(branches, subject)].map(({ index, message, advice }) =>
    problemAt(held.element, 'upgrade-never', `Upgrade_Rule, alternative ${index + 1}: ${message}`, advice),
  )
}

interface Finding {
  readonly index: number
  readonly message: string
  readonly advice: string
}

function branchOf(alternative: Alternative): Branch {
  const text = printRule({ kind: 'upgrade', alternatives: [alternative] })
  const url = alternative.url?.text ?? ''
  return { alternative, text, load: url.includes('$') ? undefined : parseLoadName(url) }
}

/** `maybe`: it depends on other things than the version. */
type Truth = 'yes' | 'no' | 'maybe'

function truthFor({ text }: Branch, version: string, model: ProductName | undefined): Truth {
  const decision = evaluateRule(text, 'upgrade', lookupFor(version, model))
  switch (decision.kind) {
    case 'fetch':
      return 'yes'
    case 'nothing':
      return decision.branch === undefined ? 'no' : 'yes'
    case 'depends':
      return 'maybe'
    case 'invalid':
      return 'no'
  }
}

function lookupFor(version: string, model: ProductName | undefined): MacroLookup {
  return (name) => {
    if (name === 'SWVER') return version
    if (model !== undefined && name === 'PN') return model
    if (model !== undefined && name === 'PSN') return productSeriesName(model)
    return UNKNOWN_HERE
  }
}

/** The versions at which a truth can change: those of comparisons and loads, and their nearest neighbours. */
function versionsOf(branches: readonly Branch[]): readonly string[] {
  const named = branches.flatMap(({ alternative, load }) => [
    ...(alternative.condition?.comparisons ?? []).flatMap(versionsInComparison),
    ...(load === undefined ? [] : [load]),
  ])
  const around = [...new Set(named)].flatMap((text) => {
    const version = parseVersion(text)
    return version === undefined ? [] : [text, ...neighbours(version)]
  })
  return ['sip0.0-0-0MPP-0', 'sip0.999-0-0MPP-0', ...new Set(around)].slice(0, VERSIONS_MAX)
}

function versionsInComparison(comparison: Comparison): readonly string[] {
  if (comparison.kind === 'unread') return []
  const text = (operand: Operand): string => (operand.kind === 'firmware' ? '' : operand.text)
  return [text(comparison.left), text(comparison.right)].filter((each) => parseVersion(each)?.form === 'load')
}

/** A build less and a build more. */
function neighbours(version: Version): readonly string[] {
  const parts = version.parts.map(({ number, suffix }) => `${number}${suffix}`)
  const series = version.series === undefined ? '' : `${version.series}.`
  const last = version.parts.at(-1)
  const head = parts.slice(0, -1).join('-')
  if (last === undefined) return []
  const below = last.number > 0 ? [`${series}${head}-${last.number - 1}${last.suffix}`] : []
  return [...below, `${series}${head}-${last.number + 1}${last.suffix}`]
}

/** No version gets as far as this alternative with its condition true. */
function neverTaken(
  branches: readonly Branch[],
  branch: Branch,
  index: number,
  versions: readonly string[],
  { model }: LintSubject,
): readonly Finding[] {
  const others = branches.slice(0, index)
  const possible = versions.filter((version) => truthFor(branch, version, undefined) !== 'no')
  if (possible.length === 0) {
    return branch.alternative.condition === undefined
      ? []
      : [
          {
            index,
            message: 'no version fulfils its condition',
            advice: 'Correct the comparisons: all of them must hold at once.',
          },
        ]
  }
  const open = possible.filter((version) => others.every((other) => truthFor(other, version, undefined) !== 'yes'))
  if (open.length === 0) {
    const advice = 'Put it before the alternatives that take every phone, or remove it.'
    return [
      { index, message: 'it is never reached: an alternative before it takes every phone that it would take', advice },
    ]
  }
  const alone = branches.every((other) => versions.every((version) => truthFor(other, version, model) === 'no'))
  if (model === undefined || !alone || index > 0) return []
  return [
    {
      index,
      message: `no alternative takes a ${model}`,
      advice: `Add an alternative for ${model}, or take the rule out for it.`,
    },
  ]
}

/**
 * The load of an alternative leaves its own condition true although the phone was to leave it: an upper bound that the load
 * does not reach, or a stage behind which others wait.
 */
function stuck(branches: readonly Branch[], { model }: LintSubject): readonly Finding[] {
  return branches.flatMap((branch, index) => {
    const { load } = branch
    if (load === undefined || branch.alternative.condition === undefined) return []
    if (truthFor(branch, load, model) === 'no') return []
    const earlier = branches.slice(0, index).some((other) => truthFor(other, load, model) !== 'no')
    if (earlier) return []
    const bound = missedBound(branch.alternative, load)
    const waits = index < branches.length - 1 && hasUpperBound(branch.alternative)
    if (bound === undefined && !waits) return []
    const aim = bound === undefined ? 'the alternatives behind it' : `"${bound}"`
    const message = `with its load ${load} the condition still holds, so the phone never gets to ${aim}`
    return [
      {
        index,
        message,
        advice: 'Compare with the version of the load itself, or name a load that fulfils the condition.',
      },
    ]
  })
}

/** The version of a `lt`, `le` or `ne` with $SWVER that the load stays below, or beside. */
function missedBound(alternative: Alternative, load: string): string | undefined {
  const running = parseVersion(load)
  for (const { operator, text, quoted } of versionBounds(alternative)) {
    if (quoted) {
      if (operator === 'ne' && text !== load) return text
      continue
    }
    const bound = parseVersion(text)
    if (running === undefined || bound === undefined) continue
    const order = compareVersions(running, bound)
    if ((operator === 'ne' && order !== 0) || ((operator === 'lt' || operator === 'le') && order < 0)) return text
  }
  return undefined
}

function hasUpperBound(alternative: Alternative): boolean {
  return versionBounds(alternative).some(({ operator }) => operator === 'lt' || operator === 'le' || operator === 'ne')
}

interface Bound {
  readonly operator: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'
  readonly text: string
  readonly quoted: boolean
}

const MIRRORED = { eq: 'eq', ne: 'ne', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' } as const

/** What $SWVER is compared with, as if it stood on the left. */
function versionBounds({ condition }: Alternative): readonly Bound[] {
  return (condition?.comparisons ?? []).flatMap((comparison): readonly Bound[] => {
    if (comparison.kind === 'unread') return []
    const { left, operator, right } = comparison
    if (isRunning(left) && right.kind !== 'firmware')
      return [{ operator, text: right.text, quoted: right.kind === 'quoted' }]
    if (isRunning(right) && left.kind !== 'firmware')
      return [{ operator: MIRRORED[operator], text: left.text, quoted: left.kind === 'quoted' }]
    return []
  })
}

function isRunning(operand: Operand): boolean {
  return operand.kind === 'firmware' || operand.text === '$SWVER' || operand.text === '$(SWVER)'
}

/** From load to load for ever. Only steps that nothing but the version decides. */
function circles(branches: readonly Branch[], versions: readonly string[], { model }: LintSubject): readonly Finding[] {
  const next = (version: string): { readonly load: string; readonly index: number } | undefined => {
    for (const [index, branch] of branches.entries()) {
      const truth = truthFor(branch, version, model)
      if (truth === 'maybe') return undefined
      if (truth === 'yes') return branch.load === undefined ? undefined : { load: branch.load, index }
    }
    return undefined
  }
  for (const start of versions) {
    const seen: string[] = [start]
    for (let step = next(start); step !== undefined && step.load !== seen.at(-1); step = next(step.load)) {
      const round = seen.indexOf(step.load)
      if (round > 0 || (round === 0 && seen.length > 1)) {
        const path = [...seen.slice(round), step.load].join(' → ')
        return [
          {
            index: step.index,
            message: `the upgrades go round for ever: ${path}`,
            advice: 'Let every step lead to a newer load.',
          },
        ]
      }
      seen.push(step.load)
    }
  }
  return []
}

/** Loads that a phone will not take: of another family, or older than Downgrade_Rev_Limit of the same profile. */
function refused(branches: readonly Branch[], { elements, model }: LintSubject): readonly Finding[] {
  const limit = elements.findLast(({ name }) => name === 'Downgrade_Rev_Limit')?.value ?? ''
  const family = model === undefined ? undefined : modelInfo(model)?.firmwareFamily
  return branches.flatMap((branch, index): readonly Finding[] => {
    const { load } = branch
    if (load === undefined) return []
    const own = loadFamily(load)
    const forThisModel =
      versionBounds(branch.alternative).length === (branch.alternative.condition?.comparisons.length ?? 0)
    if (family !== undefined && forThisModel && /^sip[0-9]/.test(own) && own !== family && !sameKind(own, family)) {
      return [
        {
          index,
          message: `${load} is no load for ${model}, which runs ${family}`,
          advice: `Name a load that starts with ${family}, or ask for $PN in the condition.`,
        },
      ]
    }
    if (limit === '' || !isBelow(load, limit)) return []
    const message = `${load} is older than Downgrade_Rev_Limit "${limit}", so phones refuse it`
    return [{ index, message, advice: 'Lower the limit, or name a newer load.' }]
  })
}

/** Early loads had the name of the one model, e.g. `sip6861` for what is `sip68xx` now (MPP §13.1). */
function sameKind(a: string, b: string): boolean {
  return a.slice(0, 5) === b.slice(0, 5)
}

function isBelow(load: string, limit: string): boolean {
  const numbers = (text: string): readonly number[] =>
    /([0-9]+)[-.]([0-9]+)[-.]([0-9]+)/.exec(text)?.slice(1).map(Number) ?? []
  const [a, b] = [numbers(load.slice(load.indexOf('.') + 1)), numbers(limit.replace(/^sip[^.]*\./, ''))]
  if (a.length === 0 || b.length === 0) return false
  const at = a.findIndex((part, index) => part !== b[index])
  return at !== -1 && (a[at] ?? 0) < (b[at] ?? 0)
}
