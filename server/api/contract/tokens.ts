/** Tokens and sessions, as the API shows them. */
import { z } from 'zod'
import { TOKEN_SCOPES } from '../../store/mod.ts'
import { User } from './users.ts'

const Scope = z.enum(TOKEN_SCOPES)

/** The longest life of a token: ten years. */
const TTL_SECONDS_MAX = 315_360_000

export const TokenInput = z
  .object({
    name: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not hold control characters')
      .describe('What it is for'),
    scopes: z.array(Scope).min(1).max(TOKEN_SCOPES.length).describe('At most those of the token that asks'),
    accountId: z.string().min(1).max(128).optional().describe('Limits it to this account and all below it'),
    ttlSeconds: z.int().min(1).max(TTL_SECONDS_MAX).optional().describe('Left out: it is good until it is deleted'),
  })
  .meta({ id: 'NewToken' })

const fields = {
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  accountId: z.string().nullable().describe('null: it reaches every account'),
  kind: z.enum(['api', 'session']),
  userEmail: z.string().nullable(),
  createdBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
  lastUsedAt: z.string().nullable().describe('At most half a minute late'),
}

export const Token = z.object(fields).meta({ id: 'Token' })

export const MadeToken = z.object({ ...fields, token: z.string().describe('Told once') }).meta({ id: 'MadeToken' })

export const SessionInput = z
  .object({ email: z.string().min(1).max(254), password: z.string().min(1).max(1024) })
  .meta({ id: 'NewSession' })

export const MadeSession = z
  .object({ token: z.string().describe('Told once'), expiresAt: z.string(), user: User })
  .meta({ id: 'MadeSession' })

export const Session = z
  .object({
    tokenId: z.string(),
    name: z.string(),
    kind: z.enum(['api', 'session']),
    scopes: z.array(z.string()),
    accountId: z.string().nullable(),
    userEmail: z.string().nullable(),
  })
  .meta({ id: 'Session' })

export const PasswordInput = z
  .object({ current: z.string().min(1).max(1024), password: z.string().min(1).max(1024) })
  .meta({ id: 'NewPassword' })
