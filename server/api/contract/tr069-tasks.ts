/** Shapes of what is asked of a device by TR-069. */
import { z } from 'zod'
import { VALUE_TYPES } from '../../../protocol/cwmp/mod.ts'
import { TASK_DEVICES_MAX } from '../../store/mod.ts'
import { TASK_KINDS, TASK_STATES } from '../../tr069/mod.ts'
import { id, Mac, plain } from '../contract.ts'
import { PageQuery } from '../query.ts'
import { ObjectPath, ParameterPath, PartialPath } from './tr069.ts'

/** Paths, values or attributes of one request to a device. */
const ENTRIES_MAX = 256
/** Characters of one value. */
const VALUE_CHARS_MAX = 32_768
/** Characters of a URL, a user and a password [TR-069 §7 Download]. */
const URL_CHARS_MAX = 256
const DAY_SECONDS = 86_400
/** Devices of a bulk that are named with the reason why they are not asked. */
export const TASKS_LEFT_OUT_SHOWN_MAX = 100

const deadlineSeconds = z
  .int()
  .min(60)
  .max(30 * DAY_SECONDS)
  .default(DAY_SECONDS)
  .describe('What the device has not done by then is given up')

const url = z
  .url({ protocol: /^(?:https?|tftp)$/, error: 'must be an http, https or tftp URL' })
  .max(URL_CHARS_MAX)
  .regex(/^[!-~]+$/, 'must be printable ASCII without blanks')
  .refine(hasNoUser, 'must not hold a user or password; send them in fields of their own')

function hasNoUser(text: string): boolean {
  const read = URL.canParse(text) ? new URL(text) : undefined
  return read === undefined || (read.username === '' && read.password === '')
}

const value = z
  .string()
  .max(VALUE_CHARS_MAX)
  // What XML 1.0 cannot hold [XML §2.2].
  .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]*$/, 'must not hold control characters')

/** Each kind with its arguments. */
const KINDS = [
  z.object({
    kind: z.literal('get-values'),
    paths: z.array(PartialPath).min(1).max(ENTRIES_MAX).describe('Parameters, or objects with all below them'),
  }),
  z.object({
    kind: z.literal('get-names'),
    path: PartialPath.default('').describe('Empty: from the root'),
    nextLevel: z.boolean().default(true).describe('false: the whole branch'),
  }),
  z.object({
    kind: z.literal('set-values'),
    values: z
      .array(
        z.object({
          path: ParameterPath.regex(/[^.]$/, 'must be a parameter, not an object'),
          value,
          type: z.enum(VALUE_TYPES).optional().describe('Absent: as the device last reported'),
        }),
      )
      .min(1)
      .max(ENTRIES_MAX),
  }),
  z.object({
    kind: z.literal('set-attributes'),
    attributes: z
      .array(
        z.object({
          path: ParameterPath,
          notification: z
            .union([z.literal(0), z.literal(1), z.literal(2)])
            .describe('0: off, 1: told with the next call, 2: the device calls for it'),
        }),
      )
      .min(1)
      .max(ENTRIES_MAX),
  }),
  z.object({ kind: z.literal('add-object'), path: ObjectPath.describe('The table, with the dot') }),
  z.object({
    kind: z.literal('delete-object'),
    path: ObjectPath.regex(/\.\d+\.$/, 'must end with the number of an instance and a dot'),
  }),
  z.object({ kind: z.literal('reboot') }),
  z.object({ kind: z.literal('factory-reset') }),
  z.object({
    kind: z.literal('download'),
    file: z.enum(['firmware', 'configuration', 'custom-ca']),
    url,
    username: plain(URL_CHARS_MAX).optional(),
    password: plain(URL_CHARS_MAX).optional(),
    fileSize: z.int().min(0).max(4_294_967_295).optional().describe('Bytes'),
    targetFileName: plain(URL_CHARS_MAX).optional(),
    delaySeconds: z.int().min(0).max(DAY_SECONDS).optional(),
  }),
] as const

/** The kinds with more fields in each. */
function kindsWith<More extends z.ZodRawShape>(more: More): EachWith<typeof KINDS, More> {
  return KINDS.map((each) => (each as z.ZodObject).extend(more)) as unknown as EachWith<typeof KINDS, More>
}

type EachWith<Kinds extends readonly unknown[], More extends z.ZodRawShape> = {
  readonly [Index in keyof Kinds]: Kinds[Index] extends z.ZodObject<infer Shape> ? z.ZodObject<Shape & More> : never
}

export const TaskInput = z.discriminatedUnion('kind', kindsWith({ deadlineSeconds })).meta({ id: 'NewTr069Task' })

export const BulkTaskInput = z
  .discriminatedUnion('kind', kindsWith({ deadlineSeconds, macs: z.array(Mac).min(1).max(TASK_DEVICES_MAX) }))
  .meta({ id: 'NewTr069Tasks' })

export const Task = z
  .object({
    id,
    mac: z.string(),
    accountId: z.string().nullable(),
    kind: z.enum(TASK_KINDS),
    arguments: z.record(z.string(), z.unknown()).describe('Without secrets'),
    commandKey: z.string().describe('By which the device names it'),
    state: z
      .enum(TASK_STATES)
      .describe('`sent`: its answer has not come; `waiting`: the device will do it, and says when it has'),
    who: z.string(),
    tries: z.int(),
    dueAt: z.string().describe('Not before'),
    deadlineAt: z.string(),
    sentAt: z.string().nullable(),
    endedAt: z.string().nullable(),
    fault: z.object({ code: z.int().describe('Of TR-069; 0: our own words'), text: z.string() }).nullable(),
    result: z.record(z.string(), z.unknown()).nullable(),
    createdAt: z.string(),
  })
  .meta({ id: 'Tr069Task' })

export const TaskList = z.object({ items: z.array(Task), next: z.string().nullable() })

export const TaskQuery = PageQuery.extend({
  mac: Mac.optional(),
  state: z.enum(TASK_STATES).optional(),
  kind: z.enum(TASK_KINDS).optional(),
})

export const BulkTasks = z
  .object({
    count: z.int().describe('Devices that have the task now'),
    ids: z.array(z.string()).describe('Of the tasks, as GET tr069/tasks/{id} takes them'),
    leftOut: z
      .object({
        count: z.int(),
        devices: z.array(z.object({ mac: z.string(), type: z.enum(['wrong-state', 'too-many']), reason: z.string() })),
      })
      .describe(`Devices that cannot have it; the first ${TASKS_LEFT_OUT_SHOWN_MAX} by name`),
  })
  .meta({ id: 'Tr069Tasks' })
