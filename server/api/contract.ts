/** The shapes of the API: the same schemas validate, type the handlers and make the OpenAPI document. */
import { z } from 'zod'
import { parseMacAddress, parseProductName, parseSerialNumber } from '../../protocol/identity.ts'
import { CUSTOMER_ID_FORM } from '../accounts/mod.ts'

/** The id of anything. */
export const id = z
  .string()
  .min(1)
  .max(128)
  // PostgreSQL knows no text with it.
  .regex(/^[^\u0000]*$/, 'must not hold control characters')

export const Mac = z
  .string()
  .max(32)
  .transform((text, context) => {
    const mac = parseMacAddress(text)
    if (mac === undefined)
      context.addIssue({ code: 'custom', message: `"${text}" is no MAC address; expected 12 hex digits` })
    return mac ?? z.NEVER
  })

export const Serial = z
  .string()
  .max(64)
  .transform((text, context) => {
    const serial = parseSerialNumber(text)
    if (serial === undefined)
      context.addIssue({
        code: 'custom',
        message: `"${text}" is no serial number; expected 4 to 32 letters and digits`,
      })
    return serial ?? z.NEVER
  })

export const Model = z
  .string()
  .max(32)
  .transform((text, context) => {
    const name = parseProductName(text)
    if (name === undefined)
      context.addIssue({ code: 'custom', message: `"${text}" is no product name; expected one like CP-8851-3PCC` })
    return name ?? z.NEVER
  })

/** Text without control characters: it ends in profiles and SIP headers. */
export const plain = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not hold control characters')

export const AccountSettingsInput = z.object({
  delivery: z.enum(['https', 'sealed']).optional(),
  credentialed: z.boolean().optional(),
  expiredCertificates: z.enum(['refuse', 'accept']).optional(),
  rcForClaimed: z.boolean().optional(),
  claimedProblemReports: z.boolean().optional(),
  ledBy: z
    .enum(['profile', 'tr069', 'both'])
    .optional()
    .describe('Which side leads its phones; `both`: the profile does, and TR-069 watches and commands'),
  wakeByReboot: z
    .boolean()
    .optional()
    .describe('A phone that a task waits for and that cannot be reached otherwise may be rebooted by SIP'),
})

export const AccountInput = z
  .object({
    name: plain(200).min(1),
    customerId: z.string().regex(CUSTOMER_ID_FORM, 'must be 4 to 64 letters, digits, _ or -').optional(),
    kind: z.enum(['operator', 'reseller', 'customer']).default('customer'),
    parentId: id.optional(),
    settings: AccountSettingsInput.default({}),
  })
  .meta({ id: 'NewAccount' })

export const Account = z
  .object({
    id,
    name: z.string(),
    customerId: z.string(),
    kind: z.string(),
    parentId: z.string().nullable(),
    settings: z.record(z.string(), z.unknown()),
    createdAt: z.string(),
  })
  .meta({ id: 'Account' })

export const LineInput = z
  .object({
    userId: plain(63).min(1),
    password: plain(128).min(1),
    displayName: plain(128).default(''),
    domain: plain(255).regex(/^[A-Za-z0-9.:[\]-]+$/, 'must be a host name or address, with or without a port'),
    authId: plain(63).min(1).optional(),
    outboundProxy: plain(255).min(1).optional(),
    transport: z.enum(['UDP', 'TCP', 'TLS', 'AUTO']).optional(),
  })
  .meta({ id: 'NewLine' })

export const Line = z
  .object({
    id,
    accountId: id,
    userId: z.string(),
    displayName: z.string(),
    domain: z.string(),
    authId: z.string().nullable(),
    outboundProxy: z.string().nullable(),
    transport: z.string().nullable(),
    mac: z.string().nullable(),
    index: z.int().nullable(),
    password: z.string().nullable().describe('null unless revealed'),
    passwordGeneration: z.int().describe('Counts up with each new password'),
    secret: z.literal(true).describe('The password is a secret'),
  })
  .meta({ id: 'Line' })

export const CodeInput = z
  .object({
    ttlSeconds: z.int().min(1).max(31_536_000).default(86_400),
    devices: z.int().min(1).max(1000).default(1),
    lineIds: z.array(id).max(100).default([]),
  })
  .meta({ id: 'NewCode' })

export const Code = z
  .object({
    id,
    accountId: id,
    code: z.string().describe('Told once'),
    url: z.string().describe('The resync URL for the phone'),
    devices: z.int(),
    lineIds: z.array(z.string()),
    expiresAt: z.string(),
  })
  .meta({ id: 'Code' })

export const WindowInput = z
  .object({ seconds: z.int().min(1).max(2_592_000), devices: z.int().min(1).max(10_000) })
  .meta({ id: 'NewWindow' })

export const Window = z.object({ id, accountId: id, until: z.string(), left: z.int() }).meta({ id: 'Window' })

export const DeviceInput = z
  .object({
    mac: Mac,
    serial: Serial,
    model: Model,
    accountId: id.optional(),
    lineIds: z.array(id).max(16).default([]),
    batchId: id.optional(),
    label: plain(100).default(''),
    notes: z
      .string()
      .max(2000)
      .regex(/^[^\u0000]*$/, 'must not hold the character 0')
      .default(''),
  })
  .meta({ id: 'NewDevice' })

export const Device = z
  .object({
    mac: z.string(),
    serial: z.string(),
    model: z.string(),
    accountId: z.string().nullable(),
    heldAccountId: z.string().nullable(),
    state: z.enum(['known', 'held', 'bound', 'released', 'disabled']),
    farewell: z
      .enum(['owed', 'served'])
      .nullable()
      .describe('Of a phone that was let go: whether it came for its last profile'),
    batchId: z.string().nullable(),
    label: z.string(),
    notes: z.string(),
    versions: z.object({
      wanted: z.string().nullable(),
      served: z.string().nullable(),
      running: z.string().nullable(),
    }),
    keys: z.object({ issued: z.int(), confirmed: z.int() }),
    lines: z.array(z.object({ id, index: z.int(), userId: z.string(), domain: z.string() })),
    seen: z
      .object({
        at: z.string().nullable(),
        from: z.string().nullable(),
        firmware: z.string().nullable(),
        cause: z.string().nullable(),
        registrationSeconds: z.int().nullable(),
      })
      .describe('From requests that proved who sent them'),
    claimed: z.object({ at: z.string().nullable(), from: z.string().nullable() }).describe('Not proved'),
    rc: z
      .object({
        enteredAt: z.string().nullable().describe('null: nobody has noted that it was entered there'),
        firstSeenAt: z.string().nullable().describe('When the phone first proved itself here'),
      })
      .describe('Its entry at the vendor’s redirect service, which sealed phones ask'),
    createdAt: z.string(),
    boundAt: z.string().nullable(),
  })
  .meta({ id: 'Device' })

export const Event = z
  .object({
    id: z.int(),
    at: z.string(),
    name: z.string(),
    text: z.string(),
    trust: z.string(),
    mac: z.string().nullable(),
    accountId: z.string().nullable(),
    peer: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' })

export const LayerInput = z
  .object({
    parameters: z.record(
      z.string().max(128),
      z.object({
        value: z.string().max(8192),
        ua: z.enum(['na', 'ro', 'rw']).optional(),
        preserve: z.boolean().optional(),
        userPref: z.boolean().optional(),
      }),
    ),
    why: plain(500).optional(),
  })
  .meta({ id: 'NewLayer' })

export const Layer = z
  .object({
    scope: z.string(),
    id: z.string(),
    revisionId: z.int(),
    parameters: z.record(
      z.string(),
      z.object({
        value: z.string().nullable(),
        ua: z.string().optional(),
        secret: z.boolean().optional(),
        preserve: z.boolean().optional(),
        userPref: z.boolean().optional(),
      }),
    ),
  })
  .meta({ id: 'Layer' })

export const Firmware = z
  .object({
    name: z.string(),
    byteCount: z.int(),
    sha256: z.string(),
    url: z.string(),
    notes: z.string(),
    createdAt: z.string(),
  })
  .meta({ id: 'Firmware' })

export const DeviceCaInput = z
  .object({
    name: plain(100).min(1),
    pem: z.string().max(20_000),
    models: z.array(z.string().max(32)).max(50).default([]),
  })
  .meta({ id: 'NewDeviceCa' })

export const DeviceCa = z
  .object({
    fingerprint: z.string(),
    name: z.string(),
    kind: z.string(),
    models: z.array(z.string()),
    inForce: z.boolean(),
  })
  .meta({ id: 'DeviceCa' })

export const Health = z
  .object({ status: z.enum(['ok', 'starting', 'failing']), doors: z.record(z.string(), z.boolean()) })
  .meta({ id: 'Health' })
