/**
 * Values that are set and set again within one resync. Of an element that stands twice the last one counts, and a rule's
 * assignment meets the file that the same run applies: the loser never has an effect, or both take turns for ever.
 * Source: MPP §1.6 (last wins), §4.1 (assignments run before the fetch), §0 fact 1 (order within a run).
 */
import { rowOf, saysValue } from './element-facts.ts'
import { problemAt, shown } from './problem.ts'
import { assignmentsIn, type HeldAssignment, ruleKindOf } from './rules-in.ts'
import type { Check, LintElement, LintProblem } from './types.ts'

export const overriddenInRun: Check = (subject) => {
  const last = new Map<string, LintElement>()
  const problems: LintProblem[] = []
  for (const element of subject.elements.filter(saysValue)) {
    const before = last.get(element.name)
    if (before !== undefined) problems.push(twice(before, element))
    last.set(element.name, element)
  }
  const assignments = assignmentsIn(subject)
  return [...problems, ...assignedAndSet(assignments, last), ...assignedTwice(assignments)]
}

function twice(before: LintElement, after: LintElement): LintProblem {
  const where = before.line === undefined ? 'before' : `in line ${before.line}`
  if (before.value === after.value) {
    return problemAt(
      after,
      'duplicate',
      `${after.name} stands twice with the same value, first ${where}`,
      'Remove one of them.',
      'warning',
    )
  }
  // A rule or a register may hold a key.
  const secret =
    rowOf(after.name)?.secret !== false || ruleKindOf(after.name) !== undefined || after.name.startsWith('GPP_')
  const values = secret ? '' : `: ${shown(before.value)}, then ${shown(after.value)}`
  return problemAt(
    after,
    'overridden-in-run',
    `${after.name} was set ${where} and is set again${values}; the last one counts`,
    'Keep the one that is meant.',
    'warning',
  )
}

/** The assignment of any rule of the file against what the file itself sets. */
function assignedAndSet(
  assignments: readonly HeldAssignment[],
  set: ReadonlyMap<string, LintElement>,
): readonly LintProblem[] {
  return assignments.flatMap(({ held, target, value }) => {
    const element = set.get(target)
    if (element === undefined || element.value === value) return []
    const message = `${target} is set by this file and by the assignment in ${held.element.name} of the same run`
    return [
      problemAt(
        element,
        'overridden-in-run',
        message,
        `Set ${target} in one place: in the file, or in ${held.element.name}.`,
        'warning',
      ),
    ]
  })
}

/** Of one alternative, or of two rules that run one after the other; alternatives of one rule exclude each other. */
function assignedTwice(assignments: readonly HeldAssignment[]): readonly LintProblem[] {
  const first = new Map<string, HeldAssignment[]>()
  const problems: LintProblem[] = []
  for (const one of assignments) {
    const before = first.get(one.target) ?? []
    const other = before.find(({ held, alternative, value }) => {
      const together = held.element !== one.held.element || alternative === one.alternative
      return together && value !== one.value
    })
    if (other !== undefined) {
      const message = `${one.target} is assigned by ${other.held.element.name} and then by ${one.held.element.name} within one run`
      problems.push(problemAt(one.held.element, 'overridden-in-run', message, 'Assign it once.', 'warning'))
    }
    first.set(one.target, [...before, one])
  }
  return problems
}
