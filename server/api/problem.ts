/** Errors as RFC 9457 problem documents: what could not be done, the value, what was expected, what to do. */
import { z } from 'zod'

export const Problem = z
  .object({
    type: z.string().describe('What kind of problem, e.g. `not-found`'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    problems: z
      .array(z.object({ code: z.string(), place: z.string(), message: z.string(), advice: z.string().optional() }))
      .optional(),
  })
  .meta({ id: 'Problem' })

export type ProblemDocument = z.infer<typeof Problem>

/** Thrown by a handler, rendered in `listen.ts`. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly document: ProblemDocument
  /** Sent as `Retry-After`; undefined: asking again would not help. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    status: number,
    type: string,
    detail: string,
    problems?: ProblemDocument['problems'],
    retryAfterSeconds?: number,
  ) {
    super(detail)
    this.retryAfterSeconds = retryAfterSeconds
    this.document = {
      type,
      title: TITLES[status] ?? 'Problem',
      status,
      detail,
      ...(problems === undefined ? {} : { problems }),
    }
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  409: 'In conflict with what is there',
  413: 'Too large',
  415: 'Of a kind that is not read here',
  422: 'Not valid',
  429: 'Too many',
  500: 'The server failed',
  503: 'Not ready',
}

export function notFound(what: string, value: string): ApiProblem {
  return new ApiProblem(404, 'not-found', `There is no ${what} "${value}"`)
}
