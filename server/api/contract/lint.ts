/** Shapes of `POST /api/v1/lint`. */
import { z } from 'zod'
import { parseFirmware } from '../../profiles/lint/mod.ts'
import { guessModel } from '../../profiles/moving-in/mod.ts'

/** As lenient as the command line: `8851` is a CP-8851-3PCC. */
export const LooseModel = z
  .string()
  .max(100)
  .transform((text, context) => {
    const guess = guessModel(text)
    if (guess.kind === 'model') return guess.model
    context.addIssue({ code: 'custom', message: `${guess.reason}; expected one like CP-8851-3PCC` })
    return z.NEVER
  })

/** Characters of a file; a phone takes a million bytes. */
export const PROFILE_TEXT_MAX = 1_100_000

export const LintInput = z
  .object({
    profile: z
      .string()
      .max(PROFILE_TEXT_MAX)
      .optional()
      .describe('The XML of a profile, not sealed and not compressed'),
    parameters: z
      .record(
        z.string().max(128),
        z.object({
          value: z.string().max(8192),
          ua: z.enum(['na', 'ro', 'rw']).optional(),
          preserve: z.boolean().optional(),
          userPref: z.boolean().optional(),
        }),
      )
      .optional()
      .describe('The parameters of a layer, instead of a profile'),
    model: LooseModel.optional(),
    firmware: z
      .string()
      .max(100)
      .refine((text) => parseFirmware(text) !== undefined, {
        message: 'names no release; expected one like sip88xx.12-0-2MPP0001-116 or 12.0.2',
      })
      .optional(),
  })
  .refine(({ profile, parameters }) => (profile === undefined) !== (parameters === undefined), {
    message: 'give either profile or parameters',
  })
  .meta({ id: 'LintQuestion' })

export const LintProblems = z
  .object({
    problems: z.array(
      z.object({
        code: z.string(),
        element: z.string().describe('Empty for what concerns the whole file'),
        message: z.string(),
        advice: z.string(),
        severity: z.enum(['error', 'warning']),
        line: z.int().optional(),
      }),
    ),
  })
  .meta({ id: 'LintProblems' })
