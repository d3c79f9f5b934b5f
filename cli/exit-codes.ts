/** How a command ended, for scripts. The table is part of `offhook --help`. */

export const EXIT = {
  done: 0,
  /** Problems were found, or what was asked is refused or failed; the reason is on stderr or in the JSON. */
  problems: 1,
  /** The command line itself cannot be: unknown command or option, missing argument. */
  usage: 2,
  /** The server that was asked does not answer. */
  unreachable: 3,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** One row a code, in the order of the numbers. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.done, 'done; for lint, rule and dhcp check: nothing is wrong'],
  [EXIT.problems, 'problems were found, or what was asked is refused or failed'],
  [EXIT.usage, 'wrong usage: an unknown command or option, a missing or impossible argument'],
  [EXIT.unreachable, 'the server does not answer'],
  [129, 'ended by a signal: 128 and its number (129 hang-up, 130 Ctrl-C, 143 terminate)'],
]

/** A command that cannot do what was asked; `failWith` prints the message and ends with the code. */
export class CliProblem extends Error {
  override readonly name = 'CliProblem'
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = EXIT.problems) {
    super(message)
    this.exitCode = exitCode
  }
}

export function usageProblem(message: string): CliProblem {
  return new CliProblem(message, EXIT.usage)
}
