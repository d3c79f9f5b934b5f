/** Users, as the API shows them. */
import { z } from 'zod'
import { USER_ROLES } from '../../store/mod.ts'

const Role = z.enum(USER_ROLES)

const Email = z
  .string()
  .max(254)
  .regex(
    /^[^\s@\u0000-\u001f\u007f]{1,64}@[^\s@\u0000-\u001f\u007f]{1,189}$/,
    'must be an address like ann@example.com',
  )
  .transform((text) => text.toLowerCase())

const Name = z
  .string()
  .max(100)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not hold control characters')

/** Long enough that nobody needs rules about its characters (NIST SP 800-63B §5.1.1). */
const Password = z.string().min(12, 'must have at least 12 characters').max(1024)

export const UserInput = z
  .object({
    email: Email,
    name: Name.default(''),
    role: Role,
    accountId: z.string().min(1).max(128).optional().describe('Limits the user to this account and all below it'),
    password: Password.optional().describe('Left out: cannot sign in yet'),
  })
  .meta({ id: 'NewUser' })

export const UserPatch = z
  .object({
    name: Name.optional(),
    role: Role.optional(),
    accountId: z.string().min(1).max(128).nullable().optional(),
    password: Password.optional().describe('Ends the sessions of this user'),
    disabled: z.boolean().optional(),
  })
  .meta({ id: 'UserChange' })

export const User = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    role: Role,
    scopes: z.array(z.string()).describe('What the role may'),
    accountId: z.string().nullable(),
    disabled: z.boolean(),
    hasPassword: z.boolean(),
    createdBy: z.string(),
    createdAt: z.string(),
    lastLoginAt: z.string().nullable(),
  })
  .meta({ id: 'User' })

export { Password as NewPasswordText, Role as UserRoleName }
