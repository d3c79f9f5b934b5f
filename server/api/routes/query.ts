/** Query parameters that several routes share. */
import { z } from 'zod'

/** Rows of one page. */
const PAGE_MAX = 1000

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  after: z.string().max(128).optional().describe('`next` of the page before'),
})

const Flag = z
  .enum(['true', 'false', '1', '0'])
  .default('false')
  .transform((text) => text === 'true' || text === '1')

export const Reveal = z.object({ reveal: Flag.describe('Show secrets; needs the scope `secrets`') })

/** The same object without keys whose value is undefined. */
export function withoutAbsent<T>(value: { readonly [K in keyof T]?: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<T>
}
