/** What two sides of a comparison are and whether they may meet, MPP §4.2. One table for the editor and the phone. */

import type { ProblemCode } from './problems.ts'
import type { Operator } from './syntax.ts'
import { parseVersion, type VersionForm } from './version.ts'

/** `any`: a macro decides. `bad`: neither integer nor version. */
export type OperandKind = 'string' | 'integer' | VersionForm | 'bad' | 'any'

/** The kind of a value without quotes. Integers have at most 15 digits, so that they compare exactly. */
export function bareKind(text: string): OperandKind {
  if (/^-?[0-9]{1,15}$/.test(text)) return 'integer'
  return parseVersion(text)?.form ?? 'bad'
}

const VERSIONS: readonly OperandKind[] = ['load', 'printed', 'dotted']

/** @returns why the phone could not compare the two, or undefined when it can or when a macro will decide. */
export function whyIncomparable(left: OperandKind, operator: Operator, right: OperandKind): ProblemCode | undefined {
  if (left === 'bad' || right === 'bad') return 'bad-operand'
  if (left === 'string' || right === 'string') {
    if (operator !== 'eq' && operator !== 'ne') return 'string-ordering'
  }
  if (left === 'any' || right === 'any' || left === right) return undefined
  return VERSIONS.includes(left) && VERSIONS.includes(right) ? 'version-form' : 'mixed-operands'
}

/** Whether an operator holds for an order as `compareVersions` gives it. */
export function holds(operator: Operator, order: number): boolean {
  switch (operator) {
    case 'eq':
      return order === 0
    case 'ne':
      return order !== 0
    case 'lt':
      return order < 0
    case 'le':
      return order <= 0
    case 'gt':
      return order > 0
    case 'ge':
      return order >= 0
  }
}
