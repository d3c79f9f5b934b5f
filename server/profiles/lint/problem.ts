import type { LintCode, LintElement, LintProblem } from './types.ts'

/** Characters of a value that a message shows. */
const SHOWN_CHARS_MAX = 80

/** A problem at an element. */
export function problemAt(
  element: Pick<LintElement, 'name' | 'line'>,
  code: LintCode,
  message: string,
  advice: string,
  severity: LintProblem['severity'] = 'error',
): LintProblem {
  const { name, line } = element
  return { code, element: name, message, advice, severity, ...(line === undefined ? {} : { line }) }
}

/** A value for a message, cut to a fair length. Never for secrets. */
export function shown(value: string): string {
  return value.length > SHOWN_CHARS_MAX ? `"${value.slice(0, SHOWN_CHARS_MAX)}…"` : `"${value}"`
}
