/**
 * Tree to text: one way to write each rule. Letter operators, so that nothing needs escaping in XML (MPP §4.1); one
 * space between parts. Unread text is printed as it stood.
 */

import { assert, assertNever } from '../result.ts'
import type {
  Alternative,
  AssignmentPart,
  Comparison,
  Condition,
  Operand,
  OptionPart,
  ReportItem,
  Rule,
  Unread,
} from './syntax.ts'

/**
 * @returns text that `parseRule` reads as the same tree, and that means the same to a phone.
 * Throws for a tree built by hand whose quoted text holds a double quote: the language has no way to write one.
 */
export function printRule(rule: Rule): string {
  switch (rule.kind) {
    case 'profile':
    case 'upgrade':
      return rule.alternatives.map(printAlternative).join(' | ')
    case 'report':
      return rule.items.map(printReportItem).join(' ')
    case 'trigger':
      return printCondition(rule.condition)
    case 'comment':
    case 'unreadable':
      return rule.text
    default:
      return assertNever(rule)
  }
}

function printAlternative({ condition, assignments, options, url, rest }: Alternative): string {
  const parts = [
    condition === undefined ? undefined : `(${printCondition(condition)})?`,
    assignments === undefined ? undefined : `(${assignments.map(printAssignment).join(' ')})!`,
    options === undefined ? undefined : printOptions(options),
    rest?.text ?? url?.text,
  ]
  return parts.filter((part) => part !== undefined).join(' ')
}

function printCondition({ comparisons }: Condition): string {
  return comparisons.map(printComparison).join(' and ')
}

function printComparison(comparison: Comparison): string {
  if (comparison.kind === 'unread') return comparison.text
  return `${printOperand(comparison.left)} ${comparison.operator} ${printOperand(comparison.right)}`
}

function printOperand(operand: Operand): string {
  switch (operand.kind) {
    case 'bare':
      return operand.text
    case 'quoted':
      return quote(operand.text)
    case 'firmware':
      return '$SWVER'
    default:
      return assertNever(operand)
  }
}

function printAssignment(part: AssignmentPart): string {
  return part.kind === 'unread' ? part.text : `${part.name} = ${quote(part.value)};`
}

function printOptions(options: readonly OptionPart[]): string {
  return `[${options.map(printOption).join(' ')}]`
}

function printOption(part: OptionPart): string {
  switch (part.kind) {
    case 'argument':
      return `--${part.name} ${part.quoted ? quote(part.value) : part.value}`
    case 'letter':
      return `--${part.name} ${part.letter}`
    case 'flag':
      return `--${part.name}`
    case 'unread':
      return part.text
    default:
      return assertNever(part)
  }
}

function printReportItem(item: ReportItem | Unread): string {
  if (item.kind === 'unread') return item.text
  const options = item.options === undefined ? [] : [printOptions(item.options)]
  return [...options, ...(item.url === undefined ? [] : [item.url.text])].join('')
}

function quote(text: string): string {
  assert(!text.includes('"'), 'a quoted text of a rule holds no double quote')
  return `"${text}"`
}
