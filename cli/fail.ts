/** How a command ends when it cannot do what was asked: words for a person on stderr, and an exit code of the table. */
import { CliProblem, EXIT } from './exit-codes.ts'
import { endSoon, stopAsked } from './signals.ts'

export function failWith(error: unknown): void {
  // Half-way through a start, a stop shows as a failure of whatever was under way.
  if (!stopAsked()) {
    const known = error instanceof Error && (/(?:Problem|Refused)$/.test(error.name) || isOfSystem(error))
    const text = error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error)
    process.stderr.write(`offhook: ${text}\n`)
    process.exitCode = error instanceof CliProblem ? error.exitCode : EXIT.problems
  }
  endSoon()
}

/** A full disk, an address that is not there: nothing that a stack trace would tell more about. */
function isOfSystem(error: Error): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  return typeof code === 'string' && typeof syscall === 'string'
}
