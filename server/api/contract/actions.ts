/** Shapes of remote control: actions, proxies, the registrar feed. */
import { z } from 'zod'
import { ACTION_KINDS, ACTION_STATES, PROXY_PER_SECOND } from '../../store/mod.ts'
import { id, Mac, Model, plain } from '../contract.ts'
import { PageQuery } from '../query.ts'

/** Devices that one request may name. */
const MACS_MAX = 10_000

const kind = z.enum(ACTION_KINDS).describe('What the phone is to do; `report` works by SIP only')
const state = z.enum(ACTION_STATES)
const via = z
  .enum(['auto', 'sip', 'url'])
  .default('auto')
  .describe('`sip`: NOTIFY through the proxy; `url`: the phone’s own command URL; `auto`: SIP where a proxy is set')
const profile = z
  .string()
  .min(1)
  .max(2000)
  .regex(/^[!#-~]+$/, 'must be printable ASCII without blanks and quotes')
  .optional()
  .describe('For `resync`: fetch this URL once, instead of the phone’s own rules')

export const ActionInput = z.object({ kind, via, profile }).meta({ id: 'NewAction' })

export const BulkInput = z
  .object({
    kind,
    via,
    profile,
    macs: z.array(Mac).min(1).max(MACS_MAX).optional(),
    accountId: id.optional(),
    batchId: id.optional(),
    model: Model.optional(),
    state: z.enum(['known', 'held', 'bound', 'released', 'disabled']).optional(),
    perSecond: z.number().min(0.01).max(1000).default(PROXY_PER_SECOND).describe('Phones a second'),
  })
  .meta({ id: 'NewBulkAction' })

/** Phones of a bulk that are named with the reason why they are not asked. */
export const LEFT_OUT_SHOWN_MAX = 100

export const Bulk = z
  .object({
    bulkId: z.string(),
    count: z.int().describe('Phones that are asked; others have no line or are not bound'),
    leftOut: z
      .object({
        count: z.int(),
        devices: z.array(z.object({ mac: z.string(), type: z.enum(['no-proxy', 'no-way']), reason: z.string() })),
      })
      .describe(`Phones that cannot be asked in any way; the first ${LEFT_OUT_SHOWN_MAX} by name`),
  })
  .meta({ id: 'BulkAction' })

export const Action = z
  .object({
    id,
    bulkId: z.string().nullable(),
    mac: z.string(),
    accountId: z.string().nullable(),
    kind: z.enum(ACTION_KINDS),
    via: z.enum(['sip', 'url']),
    profile: z.string().nullable(),
    state,
    who: z.string(),
    dueAt: z.string().describe('Not before'),
    createdAt: z.string(),
    updatedAt: z.string(),
    steps: z.array(z.object({ at: z.string(), state, text: z.string() })).describe('Oldest first'),
  })
  .meta({ id: 'Action' })

export const ActionList = z.object({ items: z.array(Action), next: z.string().nullable() })

export const ActionQuery = PageQuery.extend({
  mac: Mac.optional(),
  bulkId: id.optional(),
  state: state.optional(),
})

export const CancelInput = z.object({ bulkId: id }).meta({ id: 'CancelBulk' })

export const SipProxyInput = z
  .object({
    host: z
      .string()
      .max(255)
      .regex(
        /^(?:[A-Za-z0-9._-]+|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?)$/,
        'must be a host name or address, without a port',
      ),
    port: z.int().min(1).max(65_535).default(5060),
    transport: z.enum(['UDP', 'TCP']).default('UDP'),
    user: plain(128).min(1).optional().describe('Our account at the proxy, for its 407'),
    password: plain(128).min(1).optional().describe('Absent: the stored one stays, while host and user do'),
    perSecond: z.int().min(1).max(1000).default(PROXY_PER_SECOND).describe('NOTIFYs a second, of all servers together'),
  })
  .meta({ id: 'NewSipProxy' })

export const SipProxy = z
  .object({
    host: z.string(),
    port: z.int(),
    transport: z.enum(['UDP', 'TCP']),
    user: z.string().nullable(),
    hasPassword: z.boolean(),
    perSecond: z.int(),
    scope: z.string().describe('`-`: the platform; else the account'),
  })
  .meta({ id: 'SipProxy' })

export const RegistrarFeedInput = z
  .object({
    kind: z.enum(['kamailio']).default('kamailio'),
    url: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL like http://10.0.0.5:5060/RPC' })
      .max(500)
      .refine((text) => !URL.canParse(text) || new URL(text).username === '', 'must not hold a user or password'),
    domains: z.boolean().default(false).describe('Addresses of record are user@domain (Kamailio: use_domain)'),
    perSecond: z.int().min(1).max(1000).default(20).describe('Questions a second'),
  })
  .meta({ id: 'NewRegistrarFeed' })

export const RegistrarFeed = z
  .object({ kind: z.string(), url: z.string(), domains: z.boolean(), perSecond: z.int() })
  .meta({ id: 'RegistrarFeed' })

export const Registration = z
  .object({
    trust: z.literal('registrar').describe('The provider’s registrar said so'),
    lines: z.array(
      z.object({
        lineId: z.string(),
        index: z.int(),
        userId: z.string(),
        registered: z.boolean().nullable().describe('null: not known'),
        contact: z.string().nullable(),
        userAgent: z.string().nullable(),
        expiresAt: z.string().nullable(),
        seenAt: z.string().nullable().describe('When the registrar was asked last'),
        changedAt: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Registration' })
