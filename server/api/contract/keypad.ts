/** Shapes of keypad sheets. */
import { z } from 'zod'
import { KEYPAD_CODE_S, KEYPAD_DIGITS } from '../../store/mod.ts'
import { id } from '../contract.ts'

export const KeypadInput = z
  .object({
    digits: z
      .int()
      .min(KEYPAD_DIGITS.min)
      .max(KEYPAD_DIGITS.max)
      .default(KEYPAD_DIGITS.max)
      .describe('Of the code: fewer are typed sooner, and guessed sooner'),
  })
  .meta({ id: 'NewKeypadSheet' })

export const KeypadQuery = z.object({
  format: z
    .enum(['json', 'text', 'pdf'])
    .optional()
    .describe('Left out: what `Accept` asks for, `application/pdf` or `text/plain`, else JSON'),
})

export const KeypadSheet = z
  .object({
    id: id.describe('Of its code, which can be revoked as any other'),
    code: z.string().describe('Told once'),
    rule: z.string().describe('The text to type as Profile Rule'),
    mac: z.string().nullable().describe('The only phone that may use it; null: any one phone'),
    expiresAt: z.string().describe(`${KEYPAD_CODE_S / 60} minutes from now`),
    steps: z.array(z.string()).describe('What to do at the phone, in order'),
    text: z.string().describe('The whole sheet as plain text'),
  })
  .meta({ id: 'KeypadSheet' })
