/** Shapes of imports and exports. */
import { z } from 'zod'

export const BulkNoun = z.enum(['accounts', 'lines', 'devices'])

const Flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true')

export const ImportQuery = z.object({
  dryRun: Flag.describe('Tell what would happen, and change nothing'),
  mode: z
    .enum(['create', 'upsert'])
    .default('upsert')
    .describe('`create`: what is there already is a problem; `upsert`: it is changed, and an empty cell leaves it'),
})

export const ImportReport = z
  .object({
    noun: BulkNoun,
    mode: z.enum(['create', 'upsert']),
    dryRun: z.boolean(),
    ok: z.boolean().describe('Whether it was, or could be, imported'),
    rows: z.int(),
    created: z.int(),
    updated: z.int(),
    unchanged: z.int(),
    problemCount: z.int(),
    problems: z.array(
      z.object({
        line: z.int().describe('Line of the file; of JSON items the place in the list, from 1'),
        column: z.string().nullable(),
        value: z.string().nullable().describe('null for secrets'),
        code: z.string(),
        message: z.string(),
        expected: z.string(),
      }),
    ),
  })
  .meta({ id: 'ImportReport' })

export const ExportQuery = z.object({
  format: z.enum(['csv', 'json']).default('csv'),
  reveal: Flag.describe('Lines with their passwords; needs the scope `secrets`'),
})
