/** How a command ends when it cannot do what was asked: one line for a person, exit code 1. */
import { StartProblem } from '../server/main.ts'

export function failWith(error: unknown): void {
  const known = error instanceof StartProblem || (error instanceof Error && error.name.endsWith('Problem'))
  const text = error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error)
  process.stderr.write(`offhook: ${text}\n`)
  process.exitCode = 1
}
