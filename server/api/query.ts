/** Conventions of every list: `{items, next}`, asked for with `limit`, `after`, `sort` and `q`. */
import { z } from 'zod'
import { ApiProblem } from './problem.ts'

/** Rows of one page. */
const PAGE_MAX = 1000

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  after: z.string().max(512).optional().describe('`next` of the page before'),
})

/** For an `after` that no page of this list ended with. */
export function badMark(after: string | undefined): ApiProblem {
  return new ApiProblem(
    422,
    'bad-after',
    `"${after ?? ''}" is no place in this list. Send "next" of the page before, with the same "sort", or leave "after" out.`,
  )
}

/** What people type to find something. */
export const Search = z.object({
  q: z
    .string()
    .min(1)
    .max(100)
    // PostgreSQL knows no text with it.
    .regex(/^[^\u0000]*$/, 'must not hold control characters')
    .optional()
    .describe('Only what contains this text'),
})

/** `sort` of a list: one of the names, with `-` in front for descending. The first name is the default. */
export function sorted(first: string, ...others: readonly string[]) {
  const names: [string, ...string[]] = [first, ...[first, ...others].flatMap((name) => [name, `-${name}`]).slice(1)]
  return z.object({ sort: z.enum(names).default(first).describe('With `-` in front: descending') })
}

/**
 * A moment in a query: RFC 3339 with a zone, so that everybody means the same one. It becomes UTC: PostgreSQL knows no
 * year 0 and fewer offsets than RFC 3339 §5.6.
 */
export const Moment = z.iso
  .datetime({ offset: true })
  .transform((text, context) => {
    const year = new Date(text).getUTCFullYear()
    if (year >= 1 && year <= 9999) return new Date(text).toISOString()
    context.addIssue({ code: 'custom', message: 'must be a moment of the years 1 to 9999' })
    return z.NEVER
  })
  .describe('RFC 3339, like 2026-05-03T10:00:00Z')

const Flag = z
  .enum(['true', 'false', '1', '0'])
  .default('false')
  .transform((text) => text === 'true' || text === '1')

export const Reveal = z.object({ reveal: Flag.describe('Show secrets; needs the scope `secrets`') })

/** The same object without keys whose value is undefined. */
export function withoutAbsent<T>(value: { readonly [K in keyof T]?: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<T>
}
