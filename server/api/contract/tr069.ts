/** Shapes of TR-069: what is known of a device, its tree, its messages, credentials. Tasks have their own file. */
import { z } from 'zod'
import { TRACE_SECONDS_MAX } from '../../store/mod.ts'
import { PageQuery, Search } from '../query.ts'

/** Characters of a path [TR-069 §7]. */
export const PATH_CHARS_MAX = 256

const path = z
  .string()
  .max(PATH_CHARS_MAX)
  // Data models use letters, digits, `_`, `-`, `.`; vendors have been seen with more.
  .regex(/^[!-~]*$/, 'must be printable ASCII without blanks')

/** A parameter or an object, whose path ends with a dot. */
export const ParameterPath = path.min(1)

/** The whole tree when empty. */
export const PartialPath = path

/** An object. */
export const ObjectPath = ParameterPath.regex(/\.$/, 'must end with a dot, as paths of objects do')

const RefusedValue = z.object({
  what: z.string().describe('`value`, or what else was wished: `add-object`, `delete-object`, `notification`, `file`'),
  path: z.string().describe('Of a file: which'),
  code: z.int().describe('Fault code of TR-069'),
  text: z.string(),
  at: z.string(),
})

export const Tr069Device = z
  .object({
    mac: z.string(),
    ledBy: z.enum(['profile', 'tr069', 'both']).describe('Setting of its account'),
    wakeByReboot: z.boolean(),
    acsUrl: z.string().nullable().describe('Where it should call; null: this server has no such door'),
    username: z.string().nullable().describe('Of its credentials; null: it was never bound, so it has none'),
    called: z.boolean(),
    firstAt: z.string().nullable(),
    lastAt: z.string().nullable(),
    from: z.string().nullable().describe('Address of its last call'),
    secure: z.boolean().nullable().describe('Whether that call came over TLS, from a device that proved itself'),
    manufacturer: z.string().nullable(),
    oui: z.string().nullable(),
    productClass: z.string().nullable(),
    software: z.string().nullable(),
    events: z.array(z.string()).describe('Of its last Inform'),
    root: z.string().nullable().describe('Where its tree begins'),
    namespace: z.string().nullable().describe('URN of CWMP that it speaks'),
    connectionRequestUrl: z.string().nullable(),
    informSeconds: z.int().nullable().describe('Between its calls by the clock'),
    treeAt: z.string().nullable().describe('When its tree was last read whole'),
    parameterCount: z.int(),
    inStep: z.boolean().nullable().describe('Whether it has what it should; null: not known yet'),
    left: z
      .object({ values: z.int(), objects: z.int(), files: z.int() })
      .nullable()
      .describe('What its next call is to bring; null: not known yet'),
    reachable: z
      .object({
        way: z.enum(['direct', 'sip', 'periodic']),
        basis: z
          .enum(['asked', 'last-time', 'assumed'])
          .describe('It was just asked that way; it came that way last time; nobody has tried yet'),
        expectedSeconds: z.int().nullable().describe('Until it calls after a wish; null: not known'),
        nextCallBy: z.string().nullable().describe('Its next call by the clock'),
        waitingSince: z.string().nullable().describe('Something waits for it since then'),
        text: z.string(),
      })
      .nullable()
      .describe('How it can be brought to call; null before its first call'),
    openTasks: z.int(),
    tracedUntil: z.string().nullable(),
    refused: z.array(RefusedValue).describe('Wished values that it did not take, and are not asked again'),
  })
  .meta({ id: 'Tr069Device' })

export const ParameterQuery = PageQuery.extend({
  ...Search.shape,
  below: z
    .union([z.literal(''), ObjectPath])
    .default('')
    .describe('Only below this object'),
})

export const Tr069Parameter = z
  .object({
    path: z.string().describe('Ends with a dot for an object'),
    type: z.string().nullable(),
    writable: z.boolean().nullable(),
    value: z.string().nullable().describe('As last seen; null: an object, not read, or a secret'),
    secret: z.literal(true).optional(),
    notification: z.int().nullable().describe('0: off, 1: passive, 2: active; null: not known'),
    at: z.string().describe('When it was last seen'),
    wished: z
      .object({
        value: z.string().nullable().describe('null: a secret'),
        same: z.boolean().nullable().describe('Whether it has it; null: not known'),
      })
      .nullable()
      .describe('By the profile of the phone; null: the profile says nothing of it'),
    refused: RefusedValue.omit({ what: true, path: true }).nullable(),
  })
  .meta({ id: 'Tr069Parameter' })

export const ParameterPage = z.object({
  items: z.array(Tr069Parameter),
  next: z.string().nullable(),
  total: z.int().describe('Rows of the whole tree'),
})

/** Messages of one page: one may have 64 KiB. */
const MESSAGES_MAX = 200

export const MessageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(MESSAGES_MAX).default(50).describe('Messages'),
  before: z
    .string()
    .regex(/^\d{1,15}$/, 'must be `next` of the page before')
    .optional()
    .describe('`next` of the page before'),
})

export const MessagePage = z.object({
  items: z
    .array(
      z.object({
        session: z.string(),
        firstAt: z.string(),
        lastAt: z.string(),
        messages: z
          .array(
            z.object({
              id: z.int(),
              at: z.string(),
              sender: z.enum(['CPE', 'ACS']),
              kind: z.string().describe('Name of the method, `Fault` or `empty`'),
              text: z.string().describe('The envelope; secrets are masked, and what is longer than 64 KiB is cut'),
            }),
          )
          .describe('Oldest first'),
      }),
    )
    .describe('Sessions, newest first; one may go on in the next page'),
  next: z.string().nullable(),
})

export const TraceInput = z
  .object({
    seconds: z.int().min(60).max(TRACE_SECONDS_MAX).default(3600).describe('At most seven days'),
  })
  .meta({ id: 'NewTrace' })

export const Trace = z.object({ mac: z.string(), tracedUntil: z.string() }).meta({ id: 'Tr069Trace' })

export const Tr069Credentials = z
  .object({
    mac: z.string(),
    acsUrl: z.string().nullable(),
    username: z.string(),
    password: z.string(),
    connectionRequestUsername: z.string(),
    connectionRequestPassword: z.string(),
    secret: z.literal(true).describe('The passwords are secrets'),
  })
  .meta({ id: 'Tr069Credentials' })

export const UnknownCaller = z
  .object({
    mac: z.string(),
    serial: z.string(),
    manufacturer: z.string(),
    productClass: z.string(),
    ca: z.string().describe('Fingerprint of the CA that vouches for it'),
    firstAt: z.string(),
    lastAt: z.string(),
    lastFrom: z.string(),
  })
  .meta({ id: 'Tr069UnknownCaller' })

export const UnknownPage = z.object({ items: z.array(UnknownCaller), next: z.string().nullable() })
