/** Shapes of the routes of moving in. */
import { z } from 'zod'
import { parseSerialNumber } from '../../../protocol/identity.ts'
import { Mac } from '../contract.ts'
import { LooseModel, PROFILE_TEXT_MAX } from './lint.ts'

/** Bytes of one request: some hundred exports of phones. */
export const MOVING_IN_BYTES_MAX = 64 * 1024 * 1024
const FILES_MAX = 2000

const accountId = z.string().min(1).max(128)

const Serial = z
  .string()
  .max(64)
  .transform((text, context) => {
    const serial = parseSerialNumber(text)
    if (serial === undefined) {
      context.addIssue({
        code: 'custom',
        message: `"${text}" is no serial number; expected 4 to 32 letters and digits`,
      })
    }
    return serial ?? z.NEVER
  })

const Apply = z.boolean().default(false).describe('Write it; without this nothing is changed')

export const ProfilesInput = z
  .object({
    accountId,
    files: z
      .array(
        z.object({
          name: z.string().min(1).max(255).describe('A MAC address or a product name in it is understood'),
          text: z.string().max(PROFILE_TEXT_MAX).describe('XML, not sealed and not compressed'),
          mac: Mac.optional(),
          serial: Serial.optional().describe('Needed to register the device'),
          model: LooseModel.optional(),
        }),
      )
      .min(1)
      .max(FILES_MAX),
    dropDefaults: z.boolean().optional().describe('Leave out what is as from the factory; by itself only for exports'),
    modelLayers: z.boolean().optional().describe('Propose layers for models; needs a token that reaches all'),
    overwrite: z.boolean().default(false).describe('Replace values that a layer has already'),
    apply: Apply,
  })
  .meta({ id: 'ProfilesToMoveIn' })

const Parameters = z.record(
  z.string(),
  z.object({
    value: z.string().nullable(),
    secret: z.literal(true).optional(),
    ua: z.string().optional(),
    userPref: z.boolean().optional(),
  }),
)

const LineOut = z.object({
  index: z.int(),
  userId: z.string(),
  displayName: z.string(),
  domain: z.string(),
  authId: z.string().nullable(),
  outboundProxy: z.string().nullable(),
  transport: z.string().nullable(),
  passwordKnown: z.boolean(),
})

const Applied = z
  .object({
    layers: z.int(),
    devices: z.int(),
    lines: z.int(),
    notApplied: z.array(z.object({ device: z.string(), message: z.string() })),
  })
  .nullable()
  .describe('What was written; null without `apply`')

export const ProfilesProposal = z
  .object({
    layers: z.array(z.object({ scope: z.string(), id: z.string(), fileCount: z.int(), parameters: Parameters })),
    devices: z.array(
      z.object({
        file: z.string(),
        mac: z.string().nullable(),
        model: z.string().nullable(),
        lines: z.array(LineOut),
        parameters: Parameters,
      }),
    ),
    leftOut: z.array(z.object({ file: z.string(), element: z.string(), reason: z.string(), message: z.string() })),
    counts: z.object({
      files: z.int(),
      account: z.int(),
      model: z.int(),
      device: z.int(),
      lines: z.int(),
      leftOut: z.int(),
    }),
    conflicts: z
      .array(z.object({ scope: z.string(), id: z.string(), element: z.string() }))
      .describe('Elements that a layer has with another value'),
    applied: Applied,
  })
  .meta({ id: 'ProfilesProposal' })

export const DevicesInput = z
  .object({
    accountId,
    list: z
      .string()
      .min(1)
      .max(20_000_000)
      .describe('The CSV of FusionPBX, or the JSON or CSV of wazo-confd devices, as it was exported'),
    serials: z
      .record(z.string().max(32), Serial)
      .default({})
      .describe('Serial numbers by MAC address, for lists that have none'),
    apply: Apply,
  })
  .meta({ id: 'DevicesToMoveIn' })

export const DevicesProposal = z
  .object({
    format: z.string(),
    devices: z.array(
      z.object({
        mac: z.string(),
        model: z.string(),
        modelAssumed: z.boolean().describe('The list does not say whether it is a Multiplatform phone'),
        serial: z.string().nullable(),
        label: z.string(),
        lines: z.array(LineOut),
      }),
    ),
    problems: z.array(z.object({ row: z.int(), mac: z.string(), code: z.string(), message: z.string() })),
    applied: Applied,
  })
  .meta({ id: 'DevicesProposal' })
