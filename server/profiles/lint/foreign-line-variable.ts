/**
 * A variable of one line in the account of another: `Password_1_` that follows `$UID2`. Two phones or two lines then share
 * what should be their own, and a change of one breaks the other. Source: MPP §3.3 (UIDn, AUTHIDn, DISPLAYNAMEn), §4.1
 * (assignments put macros in), §13.4.
 */
import { catalogue } from '../../../protocol/profile/mod.ts'
import { bracesIn, macrosIn, rowOf, saysValue } from './element-facts.ts'
import { problemAt } from './problem.ts'
import { assignmentsIn } from './rules-in.ts'
import type { Check, LintElement, LintProblem } from './types.ts'

/** These name another line on purpose. */
const OF_OTHERS = /^(?:Shared_User_ID|Share_Ext|BLF_|Call_Park|Mailbox_)/

export const foreignLineVariables: Check = (subject) => {
  const own = subject.elements.filter(saysValue).map((element) => judge(element.name, element.value, element))
  const assigned = assignmentsIn(subject).map(({ held, target, value }) => judge(target, value, held.element))
  return [...own, ...assigned].flat()
}

function judge(name: string, value: string, at: LintElement): readonly LintProblem[] {
  if (!value.includes('$') && !value.includes('{{')) return []
  const line = lineOf(name)
  if (line === undefined || OF_OTHERS.test(name)) return []
  const foreign = variablesIn(value).filter((variable) => variable.line !== line)
  return foreign.map((variable) => {
    const place = name === at.name ? '' : `${at.name} sets `
    const whose = line === 'n' ? 'every line' : `line ${line}`
    const message = `${place}${name} belongs to ${whose}, but holds ${variable.text} of line ${variable.line}`
    return problemAt(
      at,
      'foreign-line-variable',
      message,
      `Use ${whose === 'every line' ? 'a fact such as {{line.userId}}' : `a variable of ${whose}, or the value itself`}.`,
    )
  })
}

/** The extension that an element belongs to; `n` for a pattern, undefined for what is no line's. */
function lineOf(name: string): number | 'n' | undefined {
  const located = catalogue.locate(name)
  if (located !== undefined) return located.parameter.indexKind === 'extension' ? located.index : undefined
  return rowOf(name)?.indexKind === 'extension' ? 'n' : undefined
}

interface LineVariable {
  readonly text: string
  readonly line: number
}

function variablesIn(value: string): readonly LineVariable[] {
  const macros = macrosIn(value).flatMap((name) => {
    const line = /^(?:UID|AUTHID|DISPLAYNAME|REGTMR)([1-9][0-9]?)$/.exec(name)?.[1]
    return line === undefined ? [] : [{ text: `$${name}`, line: Number(line) }]
  })
  const facts = bracesIn(value).flatMap((name) => {
    const line = /^line([0-9]{1,2})\./.exec(name)?.[1]
    return line === undefined ? [] : [{ text: `{{${name}}}`, line: Number(line) }]
  })
  return [...macros, ...facts]
}
