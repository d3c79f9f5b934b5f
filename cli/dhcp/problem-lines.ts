import type { DiscoveryProblem } from '../../server/discovery/mod.ts'
import { CliProblem } from '../exit-codes.ts'

/** Two lines for each: what is wrong and where, and what to do. */
export function problemLines(problems: readonly DiscoveryProblem[], indent = ''): readonly string[] {
  return problems.flatMap(({ code, place, message, advice }) => [
    `${indent}${place}: ${message} (${code})`,
    `${indent}    ${advice}`,
  ])
}

/** @param what could not be done */
export function problemOf(what: string, problems: readonly DiscoveryProblem[]): CliProblem {
  return new CliProblem([`${what}:`, ...problemLines(problems, '  ')].join('\n'))
}
