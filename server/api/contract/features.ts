/** Features as the API takes and shows them. The feature itself is read by the noun, which names every fault. */
import { z } from 'zod'
import { FEATURE_KINDS } from '../../profiles/mod.ts'
import { Mac } from '../contract.ts'
import { FEATURE_SHAPES } from './feature-shapes.ts'

const why = z
  .string()
  .max(500)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not hold control characters')
  .optional()

const Body = z
  .looseObject({ kind: z.enum(FEATURE_KINDS) })
  .meta({ description: 'What is said: `kind` and the fields of that kind', oneOf: FEATURE_SHAPES })

export const FeatureScopeInput = z.enum(['account', 'batch', 'device'])

export const FeatureInput = z
  .object({
    scope: FeatureScopeInput,
    id: z.string().min(1).max(128).describe('Account id, batch id, or MAC'),
    feature: Body,
    acceptProblems: z.boolean().default(false).describe('Save although some phones cannot do it, or it contradicts'),
    why,
  })
  .meta({ id: 'NewFeature' })

export const FeatureUpdate = FeatureInput.omit({ scope: true, id: true }).meta({ id: 'FeatureUpdate' })

export const FeatureCheckInput = z
  .object({
    scope: FeatureScopeInput,
    id: z.string().min(1).max(128),
    feature: Body,
    replaces: z.string().max(128).optional().describe('The feature that would be changed'),
    macs: z.array(Mac).max(100).default([]).describe('Devices to be shown one by one'),
  })
  .meta({ id: 'FeatureCheck' })

export const Feature = z
  .object({
    id: z.string(),
    scope: FeatureScopeInput,
    scopeId: z.string(),
    accountId: z.string(),
    kind: z.string(),
    feature: z.record(z.string(), z.unknown()),
    revisionId: z.int(),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: 'Feature' })

const FeatureProblem = z.object({
  code: z.string(),
  element: z.string(),
  message: z.string(),
  advice: z.string(),
  featureIds: z.array(z.string()).optional(),
})

const Expanded = z.record(
  z.string(),
  z.object({
    value: z.string().nullable().describe('null: the value stays what it is'),
    ua: z.string().optional(),
    preserve: z.boolean().optional(),
    userPref: z.boolean().optional(),
  }),
)

export const FeatureAssessment = z
  .object({
    problems: z.array(FeatureProblem).describe('All of them, each once'),
    models: z.array(
      z.object({
        model: z.string(),
        deviceCount: z.int(),
        parameters: Expanded,
        problems: z.array(FeatureProblem),
      }),
    ),
    devices: z.array(
      z.object({ mac: z.string(), model: z.string(), parameters: Expanded, problems: z.array(FeatureProblem) }),
    ),
  })
  .meta({ id: 'FeatureAssessment' })

export const HuntGroup = z
  .object({
    featureId: z.string(),
    accountId: z.string(),
    name: z.string(),
    number: z.string(),
    strategy: z.string(),
    ringSeconds: z.int(),
    members: z.array(
      z.object({
        order: z.int(),
        userId: z.string(),
        domain: z.string().nullable().describe('null: the account has no line of that user'),
        lineId: z.string().nullable(),
        mac: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'HuntGroup' })

export const PasswordsInput = z
  .object({
    accounts: z
      .array(z.enum(['admin', 'user']))
      .min(1)
      .max(2)
      .default(['admin', 'user']),
    why,
  })
  .meta({ id: 'NewPasswords' })
