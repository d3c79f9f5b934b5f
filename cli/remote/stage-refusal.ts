/** What a server of staging answers when it does not do what was asked. */
import { CliProblem, EXIT } from '../exit-codes.ts'
import { ApiRefusal, type Problem } from './api.ts'
import { macText } from './stage-words.ts'
import { plainText } from './stage-width.ts'

/** Whether it is worth asking again: nobody there, or somebody who is starting, ending or busy. An answer may break off too. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ApiRefusal) return error.status >= 500 || error.status === 429
  if (error instanceof CliProblem) return error.exitCode === EXIT.unreachable
  // `fetch` says a TypeError with a cause when a connection breaks, and half an answer is no JSON.
  return (error instanceof TypeError && error.cause !== undefined) || error instanceof SyntaxError
}

/**
 * Throws the error as it is; of a refusal every box is named, however many there are: a person goes and looks for each.
 */
export function nameBoxes(error: unknown): never {
  if (!(error instanceof ApiRefusal)) throw error
  const { detail, problems = [] } = error.document as Problem
  const boxes = problems.map(({ place = '', message = '', advice = '' }) =>
    plainText(`  ${macText(place)}: ${message}${advice === '' ? '' : ` ${advice}`}`),
  )
  if (boxes.length === 0 || detail === undefined) throw error
  throw new ApiRefusal([detail, ...boxes].join('\n'), error.status, error.document)
}
