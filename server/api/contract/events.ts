/** What may be asked of events. */
import { z } from 'zod'
import { EVENT_PATTERN_FORM } from '../../store/mod.ts'
import { Mac } from '../contract.ts'
import { Moment, Search } from '../query.ts'

const TRUSTS = ['certified', 'credentialed', 'sealed', 'claimed', 'operator', 'system'] as const
/** Names or trusts in one query. */
const NAMES_MAX = 50

/** `?name=a&name=b` and `?name=a,b` mean the same. */
function several<Item extends z.ZodType<string, string>>(item: Item) {
  return z
    .union([z.string().max(4096), z.array(z.string().max(4096)).max(NAMES_MAX)])
    .transform((value) => (typeof value === 'string' ? [value] : value).flatMap((each) => each.split(',')))
    .pipe(z.array(item).min(1).max(NAMES_MAX))
}

export const EventPattern = z
  .string()
  .regex(EVENT_PATTERN_FORM, 'must be the name of an event, or a pattern of names like device.*')

export const DeviceEventFilter = Search.extend({
  name: several(EventPattern).optional().describe('Names or patterns like `device.*`, several with commas'),
  trust: several(z.enum(TRUSTS)).optional().describe('How far it was proved, several with commas'),
  since: Moment.optional(),
  until: Moment.optional(),
})

export const EventFilterQuery = DeviceEventFilter.extend({
  mac: Mac.optional(),
  accountId: z.string().min(1).max(128).optional(),
})
