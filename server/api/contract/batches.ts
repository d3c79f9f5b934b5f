/** Shapes of batches. */
import { z } from 'zod'
import { BATCH_MACS_MAX } from '../../store/mod.ts'
import { id, Mac, Model, plain } from '../contract.ts'
import { PageQuery, Search, sorted } from '../query.ts'

const expected = z.int().min(1).max(100_000).describe('How many phones there will be')

export const BatchInput = z
  .object({
    accountId: id,
    name: plain(200).min(1),
    model: Model.optional().describe('Only phones of this model'),
    expected: expected.optional(),
  })
  .meta({ id: 'NewBatch' })

export const BatchPatch = z
  .object({
    name: plain(200).min(1).optional(),
    model: Model.nullable().optional(),
    expected: expected.nullable().optional(),
  })
  .meta({ id: 'BatchChange' })

export const BatchQuery = PageQuery.extend({
  ...Search.shape,
  ...sorted('createdAt', 'name').shape,
  accountId: id.optional(),
  state: z.enum(['open', 'shipped']).optional(),
})

export const BatchDevices = z.object({ macs: z.array(Mac).min(1).max(BATCH_MACS_MAX) }).meta({ id: 'BatchDevices' })

export const Batch = z
  .object({
    id,
    accountId: id,
    name: z.string(),
    model: z.string().nullable(),
    expected: z.int().nullable(),
    state: z.enum(['open', 'shipped']).describe('Shipped: locked'),
    progress: z.object({
      total: z.int(),
      missing: z.int().nullable().describe('Of what was expected'),
      byState: z.record(z.string(), z.int()),
    }),
    createdBy: z.string(),
    createdAt: z.string(),
    shippedAt: z.string().nullable(),
  })
  .meta({ id: 'Batch' })
