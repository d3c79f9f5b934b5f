/** Shapes of lists, changes and replacements of devices. */
import { z } from 'zod'
import { DeviceInput, id, Mac, Model, plain, Serial } from '../contract.ts'
import { Moment, PageQuery, Search, sorted } from '../query.ts'

const Flag = z.enum(['true', 'false']).transform((text) => text === 'true')

export const DeviceState = z.enum(['known', 'held', 'bound', 'released', 'disabled'])

export const DeviceFilterQuery = z.object({
  ...Search.shape,
  accountId: id.optional().describe('Its own devices and those held for it'),
  subtree: Flag.optional().describe('Also those of all accounts below `accountId`'),
  state: DeviceState.optional(),
  model: Model.optional(),
  batchId: id.optional(),
  seenAfter: Moment.optional(),
  seenBefore: Moment.optional().describe('Also those never seen'),
  outOfDate: Flag.optional().describe('Bound, but not known to run what was last served to it'),
})

export const DeviceQuery = PageQuery.extend({
  ...DeviceFilterQuery.shape,
  ...sorted('mac', 'createdAt', 'seenAt', 'serial', 'model', 'label').shape,
})

export const DeviceSummary = z
  .object({
    total: z.int(),
    byState: z.record(z.string(), z.int()),
    byModel: z.record(z.string(), z.int()),
    outOfDate: z.int(),
    farewellOwed: z.int(),
    neverSeen: z.int(),
  })
  .meta({ id: 'DeviceSummary' })

export const DevicePatch = z
  .object({
    label: plain(100).optional(),
    notes: DeviceInput.shape.notes.removeDefault().optional(),
    batchId: id.nullable().optional(),
    serial: Serial.optional().describe('Only of a device that is known'),
    model: Model.optional().describe('Only of a device that is known'),
    accountId: id.nullable().optional().describe('Only of a device that is known and has no lines'),
  })
  .meta({ id: 'DeviceChange' })

export const ReplaceInput = z
  .object({
    mac: Mac,
    serial: Serial,
    model: Model,
    dryRun: z.boolean().default(false).describe('Tell what would happen, and change nothing'),
    force: z.boolean().default(false).describe('Let lines go that the new model has no extension for'),
  })
  .meta({ id: 'Replacement' })

const MovedLine = z.object({
  id,
  index: z.int(),
  userId: z.string(),
  domain: z.string(),
  passwordGeneration: z.int().describe('The registrar needs the password of this generation'),
})

export const ReplaceReport = z
  .object({
    mac: z.string(),
    to: z.object({ mac: z.string(), serial: z.string(), model: z.string() }),
    dryRun: z.boolean(),
    moves: z.object({
      lines: z.array(MovedLine).describe('With new passwords: the old phone knows the old ones'),
      layerElements: z.array(z.string()),
      features: z.array(z.string()).describe('Ids'),
      batchId: z.string().nullable(),
    }),
    droppedLines: z.array(MovedLine).describe('Free now, with new passwords'),
    problems: z
      .array(z.object({ code: z.string(), element: z.string(), message: z.string(), advice: z.string() }))
      .describe('What the new model cannot do'),
    old: z.object({ state: DeviceState, farewell: z.literal('owed').nullable() }),
    new: z.object({ state: DeviceState, keys: z.literal('issued when it proves itself with its own certificate') }),
  })
  .meta({ id: 'ReplaceReport' })
