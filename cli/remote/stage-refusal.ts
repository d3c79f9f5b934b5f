/** What a server of staging answers when it does not do what was asked. */
import { CliProblem, EXIT } from '../exit-codes.ts'
import { ApiRefusal, refuseFailure } from './api.ts'
import { macText } from './stage-words.ts'
import { plainText } from './stage-width.ts'

/** Whether it is worth asking again: nobody there, or somebody who is starting, ending or busy. An answer may break off too. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ApiRefusal) return error.status >= 500 || error.status === 429
  if (error instanceof CliProblem) return error.exitCode === EXIT.unreachable
  // `fetch` says a TypeError with a cause when a connection breaks, and half an answer is no JSON.
  return (error instanceof TypeError && error.cause !== undefined) || error instanceof SyntaxError
}

interface ProblemDocument {
  readonly detail?: string
  readonly type?: string
  readonly problems?: readonly { readonly place?: string; readonly message?: string; readonly advice?: string }[]
}

/**
 * As `refuseFailure`, and a refusal names every box, however many there are: a person goes and looks for each.
 * Throws ApiRefusal.
 */
export async function refuseNaming(response: Response): Promise<void> {
  try {
    await refuseFailure(response)
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error
    const document = (error.document ?? {}) as ProblemDocument
    const boxes = (document.problems ?? []).map(({ place = '', message = '', advice = '' }) =>
      plainText(`  ${macText(place)}: ${message}${advice === '' ? '' : ` ${advice}`}`),
    )
    if (boxes.length === 0 || document.detail === undefined) throw error
    throw new ApiRefusal([document.detail, ...boxes].join('\n'), error.status, error.document)
  }
}
