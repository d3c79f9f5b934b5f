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
  412: 'Changed meanwhile',
  413: 'Too large',
  415: 'Of a kind that is not read here',
  422: 'Not valid',
  429: 'Too many',
  500: 'The server failed',
  414: 'Too long',
  503: 'Not ready',
  507: 'No room',
}

/** What fastify refuses before any route sees it, by its codes: our type, and what to do. */
const BEFORE_ROUTES: Readonly<Record<string, readonly [type: string, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['too-large', 'The body is larger than this route takes. Send it in smaller parts.'],
  FST_ERR_CTP_INVALID_JSON_BODY: [
    'bad-json',
    'The body is not valid JSON. Correct it, or say by content-type what it is.',
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'wrong-content-type',
    'The body is of a kind that is not read here. JSON has the content-type application/json.',
  ],
  FST_ERR_MAX_PARAM_LENGTH: ['too-long', 'A name in the path is longer than any that there is. Shorten it.'],
  FST_ERR_BAD_URL: ['bad-path', 'The path cannot be decoded. Write "%" as "%25", and other bytes as UTF-8.'],
}

/** The problem for an error that came before or beside our own code, with a status below 500. */
export function refusedBefore(status: number, code: string | undefined, message: string): ApiProblem {
  const [type, detail] = BEFORE_ROUTES[code ?? ''] ?? ['bad-request', message]
  return new ApiProblem(status, type, detail)
}

export function notFound(what: string, value: string): ApiProblem {
  return new ApiProblem(404, 'not-found', `There is no ${what} "${value}"`)
}
