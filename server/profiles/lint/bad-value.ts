/** Values outside of their type: a phone skips them and keeps what it had. Source: MPP §1.6, §14. */
import { adviseValue, validateValue } from '../../../protocol/profile/mod.ts'
import { rowOf, saysValue } from './element-facts.ts'
import { problemAt } from './problem.ts'
import { assignmentsIn } from './rules-in.ts'
import type { Check, LintElement, LintProblem } from './types.ts'

const ADVICE = 'Give a value of the type that the parameter list names.'

export const badValues: Check = (subject) => {
  const assigned = assignmentsIn(subject)
    .filter(({ value }) => !value.includes('$'))
    .flatMap(({ held, target, value }) => judge(target, value, held.element))
  const own = subject.elements
    .filter((element) => saysValue(element) && !(subject.isLayer && element.value.includes('{{')))
    .flatMap((element) => judge(element.name, element.value, element))
  return [...own, ...assigned]
}

function judge(name: string, value: string, at: LintElement): readonly LintProblem[] {
  const row = rowOf(name)
  if (row === undefined) return []
  const found = validateValue(row, value)
  if (found !== undefined) return [problemAt(at, 'bad-value', found.message, ADVICE)]
  const advised = adviseValue(row, value)
  // The strength of a password is another matter than whether a phone takes it.
  if (advised?.code !== 'out-of-range') return []
  return [
    problemAt(
      at,
      'bad-value',
      advised.message,
      'Give a value within the range; what a phone does outside of it is not known.',
      'warning',
    ),
  ]
}
