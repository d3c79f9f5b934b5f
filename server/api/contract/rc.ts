/** Entries at the vendor's redirect service, as the API shows them. */
import { z } from 'zod'
import { id, Mac, plain } from '../contract.ts'
import { PageQuery } from '../query.ts'

/** No rule of ours comes near. */
const RULE_CHARS_MAX = 2000

export const RcEntryQuery = PageQuery.extend({
  accountId: id.optional().describe('Of this account and all below it'),
  batchId: id.optional(),
  state: z.enum(['to-enter', 'entered', 'changed', 'seen']).optional(),
  format: z.enum(['json', 'csv']).default('json'),
})

export const RcEntry = z
  .object({
    mac: z.string().describe('12 upper-case hex digits, as on the label'),
    serial: z.string(),
    productName: z.string(),
    profileRule: z.string().describe('What to enter there now'),
    accountId: z.string(),
    batchId: z.string().nullable(),
    enteredAt: z.string().nullable(),
    enteredBy: z.string().nullable(),
    changed: z.boolean().describe('It was entered with another rule than the one of now'),
    firstSeenAt: z.string().nullable().describe('When the phone first proved itself here'),
  })
  .meta({ id: 'RcEntry' })

export const RcMarkInput = z
  .object({
    macs: z.array(Mac).min(1).max(10_000),
    entered: z.boolean().default(true).describe('false: the entries were taken out'),
    profileRule: plain(RULE_CHARS_MAX).min(1).optional().describe('As it was entered; absent: the one of now'),
  })
  .meta({ id: 'RcMark' })
