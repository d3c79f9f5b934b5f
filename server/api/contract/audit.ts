/** Revisions, as the API shows them. */
import { z } from 'zod'

export const Revision = z
  .object({
    id: z.int(),
    at: z.string(),
    who: z.string(),
    scope: z.string(),
    target: z.string(),
    what: z.string(),
    why: z.string().nullable(),
    accountId: z.string().nullable().describe('Whose it was at that time'),
    before: z.unknown().describe('Secrets are masked'),
    after: z.unknown().describe('Secrets are masked'),
  })
  .meta({ id: 'Revision' })
