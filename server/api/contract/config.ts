/** What a device's profile says, where it has it from, and how two profiles differ. */
import { z } from 'zod'

export const Origin = z
  .object({
    kind: z
      .enum(['platform', 'layer', 'line', 'feature', 'device'])
      .describe('`platform`: built in. `device`: keys of the device.'),
    scope: z.string().optional(),
    id: z.string().optional().describe('Of the scope: account id, batch id, MAC, …; of a line: its id'),
    featureId: z.string().optional(),
    featureKind: z.string().optional(),
    takenBack: z.literal(true).optional().describe("The feature is no more; this is the factory's value"),
    revisionId: z.int().optional(),
    who: z.string().optional(),
    at: z.string().optional(),
    why: z.string().optional(),
  })
  .meta({ id: 'Origin' })

export const DeviceConfig = z
  .object({
    version: z.string().nullable(),
    parameters: z.record(
      z.string(),
      z.object({
        value: z.string().nullable().describe('null: a secret that is not revealed'),
        ua: z.string().nullable(),
        secret: z.boolean().optional(),
        preserve: z.boolean().optional().describe('The phone keeps its own value'),
        userPref: z.boolean().optional().describe('Only until a user changes it'),
        origin: Origin,
        overrode: z
          .array(z.object({ value: z.string().nullable(), origin: Origin }))
          .describe('What this won over, nearest first'),
      }),
    ),
  })
  .meta({ id: 'DeviceConfig' })

export const DiffSideName = z.enum(['wanted', 'served', 'running', 'draft'])

const Side = z.object({
  which: DiffSideName,
  version: z.string().nullable(),
  at: z.string().nullable().describe('When that version was last handed out; null for what is only wanted'),
})

const ChangedValue = z.object({ value: z.string().nullable(), ua: z.string().nullable() }).nullable()

export const ConfigDiff = z
  .object({
    mac: z.string(),
    from: Side,
    to: Side,
    same: z.boolean(),
    changes: z.array(
      z.object({
        element: z.string(),
        change: z.enum(['added', 'removed', 'changed', 'access']),
        secret: z.boolean().optional().describe('Its values are not shown'),
        from: ChangedValue,
        to: ChangedValue,
        origin: Origin.nullable().describe('Of the wanted side'),
      }),
    ),
  })
  .meta({ id: 'ConfigDiff' })
