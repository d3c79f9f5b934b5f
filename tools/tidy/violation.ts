/** What a rule found: where, and what to do about it. */
export interface Violation {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** One violation a line, as editors make links of them. */
export function printViolations(violations: readonly Violation[]): string {
  return violations.map(({ path, line, message }) => `${path}:${line} ${message}`).join('\n')
}
