/** Shapes of staging: boxes that are scanned into a batch, and how far the phones in them have come. */
import { z } from 'zod'
import { BOXES_MAX, STAGES } from '../../store/mod.ts'
import { id } from '../contract.ts'
import { Batch } from './batches.ts'

/** Longer is no scan of a label; what is wrong within it is said of each box alone. */
const scanned = z.string().max(200)

export const BoxInput = z
  .object({
    mac: scanned.default('').describe('As on the label, with any separators'),
    serial: scanned.default('').describe('As on the label'),
    model: scanned.optional().describe('Left out: the model of the batch'),
    name: scanned.optional().describe('What is written on the label of the phone; at most 100 characters'),
    lineId: id.optional().describe('A free line of the account'),
    line: scanned.optional().describe('The user of a free line of the account, instead of its id'),
  })
  .meta({ id: 'NewBox' })

export const BoxesInput = z
  .object({
    boxes: z.array(BoxInput).min(1).max(BOXES_MAX),
    dryRun: z.boolean().default(false).describe('Only look: nothing is stored'),
  })
  .meta({ id: 'NewBoxes' })

export const BoxesCsvQuery = z.object({
  dryRun: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
})

/** What came of one scan: the boxes that could be taken are in the batch, the others are named. */
export const BoxesTaken = z
  .object({
    added: z.int(),
    already: z.int().describe('Were in the batch before'),
    refused: z.array(
      z.object({
        index: z.int().describe('In the request, from 0'),
        line: z.int().nullable().describe('Of the CSV file, from 1'),
        mac: z.string().describe('As it was sent, if it is none'),
        code: z.string(),
        message: z.string(),
      }),
    ),
    warnings: z.array(z.object({ code: z.string(), message: z.string() })),
    dryRun: z.boolean(),
    batch: Batch,
  })
  .meta({ id: 'BoxesTaken' })

export const Stage = z
  .enum(STAGES)
  .describe('In the order of progress; `wrong-serial` and `refused` are problems that a person must solve')

const Note = z.object({ code: z.string(), message: z.string() })

const Source = z
  .enum(['dhcp', 'certificate', 'path'])
  .describe('`certificate` is proved; `dhcp` and `path` are only claimed')

export const Box = z
  .object({
    mac: z.string(),
    serial: z.string(),
    model: z.string(),
    name: z.string(),
    stage: Stage,
    since: z.string().describe('When it came to this stage, as far as that is known'),
    scannedAt: z.string().nullable().describe('null: put into the batch without a scan'),
    firstSeenAt: z.string().nullable(),
    lastSeenAt: z.string().nullable(),
    address: z.string().nullable().describe('Where it was seen last'),
    source: Source.nullable().describe('How it was seen last'),
    lines: z.array(z.object({ userId: z.string(), displayName: z.string() })),
    keysConfirmed: z.boolean().describe('The phone has used the newest key of its profile'),
    problem: Note.nullable(),
  })
  .meta({ id: 'Box' })

export const Stranger = z
  .object({
    mac: z.string(),
    serial: z.string().nullable(),
    productName: z.string().nullable(),
    address: z.string(),
    source: Source,
    firstSeenAt: z.string(),
    lastSeenAt: z.string(),
    problem: Note.nullable(),
  })
  .meta({ id: 'Stranger' })

/** Characters of a cursor: 6 bytes for each of 256 parts, in base64url. */
const CURSOR_MAX = 2048

export const StagingQuery = z.object({
  since: z
    .string()
    .max(CURSOR_MAX)
    .regex(/^[A-Za-z0-9_-]*$/, 'must be the "cursor" of an answer before, or empty')
    .optional()
    .describe(
      '`cursor` of the answer before; empty at first. Left out: all boxes, and no cursor. One that is of no use any more gets all boxes',
    ),
})

export const Staging = z
  .object({
    batch: Batch,
    at: z.string(),
    counts: z.record(Stage, z.int()).describe('Boxes by stage; every stage is named'),
    boxes: z.array(Box).describe('In the order of scanning'),
    strangers: z.array(Stranger).describe('Phones that turned up within a day and are nobody’s, newest first'),
    parts: z
      .array(z.string())
      .nullable()
      .optional()
      .describe(
        'With `since`: `boxes` are all that there are whose MACs end in these two hex digits, the others are as before; null: `boxes` are all',
      ),
    cursor: z.string().optional().describe('With `since`: to be sent the next time'),
  })
  .meta({ id: 'Staging' })

export const MissingQuery = z.object({ format: z.enum(['json', 'csv']).default('json') })

export const PickList = z
  .object({
    batch: Batch,
    at: z.string(),
    unscanned: z.int().nullable().describe('Boxes that were expected and not scanned yet; null: no number is expected'),
    items: z.array(
      z.object({
        mac: z.string(),
        serial: z.string(),
        model: z.string(),
        name: z.string(),
        lines: z.array(z.object({ userId: z.string(), displayName: z.string() })),
        stage: Stage,
        problem: Note.nullable(),
        todo: z.string().describe('What a person should do'),
      }),
    ),
  })
  .meta({ id: 'PickList' })

export const LabelsQuery = z.object({
  layout: z.enum(['a4-24', 'a4-8', 'roll-62x29']).default('a4-24'),
  macs: z
    .string()
    .max(20_000)
    .optional()
    .describe('Only these, with commas between; left out: all, in the order of scanning'),
})

export const ShipInput = z
  .object({ force: z.boolean().default(false).describe('Ship although boxes are not ready') })
  .meta({ id: 'Shipment' })
