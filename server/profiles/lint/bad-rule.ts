/** Rules that a phone cannot read, as `protocol/rule` judges them. Source: MPP §4. */
import { findMacro } from '../../../protocol/rule/mod.ts'
import { macrosIn } from './element-facts.ts'
import { problemAt } from './problem.ts'
import { rulesIn } from './rules-in.ts'
import type { Check, LintProblem } from './types.ts'

/** Problems of one rule; more would help nobody. */
const PER_RULE_MAX = 20

/** What the phone can do although it is odd, and what is legal: not to be told about every rule. */
const TOLERATED: ReadonlySet<string> = new Set(['url-no-slash', 'url-missing'])
const OF_MACROS: ReadonlySet<string> = new Set(['unknown-macro', 'macro-not-here'])

export const badRules: Check = (subject) =>
  rulesIn(subject).flatMap(({ element, parsed }) => {
    const told = parsed.problems.filter(({ code }) => !TOLERATED.has(code)).slice(0, PER_RULE_MAX)
    return told.map((each): LintProblem => {
      const code = OF_MACROS.has(each.code) ? 'unknown-macro' : 'bad-rule'
      const message = `${element.name}, character ${each.start + 1}: ${each.message}`
      return problemAt(element, code, message, each.advice ?? 'Correct the rule.', each.severity)
    })
  })

/** Log texts have macros of their own (MPP §12.1); a name that none of them is stays in the message as it is. */
export const badLogTexts: Check = ({ elements }) =>
  elements.flatMap((element) => {
    if (!/^Log_.*_Msg$/.test(element.name)) return []
    const wrong = macrosIn(element.value).filter((name) => {
      const scope = findMacro(name)?.scope
      return (
        scope !== undefined && scope !== 'everywhere' && scope !== 'url-in-progress' && scope !== 'option-arguments'
      )
    })
    return wrong.map((name) =>
      problemAt(
        element,
        'unknown-macro',
        `${element.name}: $${name} has no value in a log text`,
        'Remove it.',
        'warning',
      ),
    )
  })
