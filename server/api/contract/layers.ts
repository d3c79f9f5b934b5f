/** Shapes of lists, histories and drafts of layers. */
import { z } from 'zod'
import { id, Layer, LayerInput, plain } from '../contract.ts'
import { PageQuery } from '../query.ts'

export const LayerScopeName = z.enum(['platform', 'provider', 'model', 'account', 'batch', 'device'])

export const LayerParams = z.object({ scope: LayerScopeName, id })

export const LayerQuery = PageQuery.extend({ scope: LayerScopeName.optional() })

export const ListedLayer = z
  .object({
    scope: LayerScopeName,
    id,
    revisionId: z.int(),
    parameterCount: z.int(),
    updatedAt: z.string(),
    hasDraft: z.boolean(),
  })
  .meta({ id: 'ListedLayer' })

/** The revision that the writer saw, as `If-Match: "41"`; `"0"` means that there was no layer. */
export const IfMatch = z.object({
  'if-match': z
    .string()
    .regex(/^(?:\*|(?:W\/)?"\d{1,15}"|\d{1,15})$/, 'must be the revisionId in quotes, like "41"')
    .optional(),
})

export const RevisionQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z.coerce.number().int().min(1).optional().describe('`next` of the page before'),
})

const ChangedParameter = z
  .object({
    value: z.string().nullable().describe('null when secret'),
    ua: z.string().optional(),
    secret: z.boolean().optional(),
    preserve: z.boolean().optional(),
    userPref: z.boolean().optional(),
  })
  .nullable()

export const LayerRevision = z
  .object({
    id: z.int(),
    at: z.string(),
    who: z.string(),
    what: z.string(),
    why: z.string().nullable(),
    changes: z.array(
      z.object({
        element: z.string(),
        change: z.enum(['added', 'removed', 'changed']),
        before: ChangedParameter,
        after: ChangedParameter,
      }),
    ),
  })
  .meta({ id: 'LayerRevision' })

export const UndoInput = z
  .object({
    revisionId: z.int().min(1),
    to: z
      .enum(['before', 'after'])
      .default('before')
      .describe('`before`: as it was before that revision; `after`: as that revision left it'),
    why: plain(500).optional(),
  })
  .meta({ id: 'LayerUndo' })

export const DraftInput = LayerInput.extend({
  baseRevisionId: z.int().min(0).optional().describe('The revision that its author saw; absent: the present one'),
}).meta({ id: 'NewLayerDraft' })

const DraftProblem = z.object({ code: z.string(), element: z.string(), message: z.string(), advice: z.string() })

export const LayerDraft = Layer.omit({ revisionId: true })
  .extend({
    baseRevisionId: z.int(),
    layerRevisionId: z.int().describe('Of the layer now'),
    conflict: z.boolean().describe('The layer changed since the draft was made from it'),
    problems: z.array(DraftProblem).describe('What a publication would be refused for'),
    who: z.string(),
    why: z.string().nullable(),
    updatedAt: z.string(),
  })
  .meta({ id: 'LayerDraft' })

export const PublishInput = z
  .object({
    why: plain(500).optional(),
    revisionId: z.int().min(0).optional().describe('The revision of the layer that may be replaced'),
  })
  .meta({ id: 'DraftPublication' })
