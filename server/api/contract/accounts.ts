/** Shapes of accounts as a tree, their lines, codes and windows. */
import { z } from 'zod'
import { CUSTOMER_ID_FORM } from '../../accounts/mod.ts'
import { Account, id, LineInput, Mac, plain } from '../contract.ts'
import { PageQuery, Search, sorted } from '../query.ts'

export const AccountQuery = PageQuery.extend({
  ...Search.shape,
  ...sorted('id', 'name', 'customerId', 'createdAt').shape,
  parentId: id.optional().describe('Only accounts directly below this one'),
  kind: z.enum(['operator', 'reseller', 'customer']).optional(),
})

export const AccountPatch = z
  .object({
    name: plain(200).min(1).optional(),
    customerId: z.string().regex(CUSTOMER_ID_FORM, 'must be 4 to 64 letters, digits, _ or -').optional(),
    parentId: id.nullable().optional().describe('null: to the top'),
  })
  .meta({ id: 'AccountChange' })

/** A flat tree: the account first, parents before their children. */
export const AccountTree = z
  .object({
    items: z.array(Account.extend({ depth: z.int(), deviceCount: z.int(), lineCount: z.int() })),
  })
  .meta({ id: 'AccountTree' })

export const LineQuery = PageQuery.extend({
  ...Search.shape,
  ...sorted('createdAt', 'userId', 'domain', 'displayName').shape,
  domain: plain(255).optional(),
  assigned: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('Only lines on a phone, or only free ones'),
})

export const LinePatch = z
  .object({
    userId: LineInput.shape.userId.optional(),
    displayName: plain(128).optional(),
    domain: LineInput.shape.domain.optional(),
    authId: plain(63).min(1).nullable().optional(),
    outboundProxy: plain(255).min(1).nullable().optional(),
    transport: z.enum(['UDP', 'TCP', 'TLS', 'AUTO']).nullable().optional(),
    password: LineInput.shape.password.optional().describe('A new generation of the password'),
    rotatePassword: z.boolean().default(false).describe('A random new password'),
  })
  .meta({ id: 'LineChange' })

export const LineAssignment = z
  .object({
    mac: Mac,
    index: z.int().min(1).max(64).optional().describe('Extension on the phone, from 1; absent: the first that is free'),
  })
  .meta({ id: 'LineAssignment' })

export const LineRelease = z
  .object({ rotatePassword: z.boolean().default(true).describe('So that the phone cannot go on using it') })
  .meta({ id: 'LineRelease' })

export const ListedCode = z
  .object({
    id,
    accountId: id,
    state: z.enum(['open', 'used', 'expired', 'revoked']),
    devices: z.int().describe('How many may use it'),
    usedBy: z.array(z.string()).describe('MAC addresses'),
    keypad: z.boolean().describe('Of digits, to be typed at a phone: of a keypad sheet'),
    mac: z.string().nullable().describe('The only phone that may use it; null: any'),
    lineIds: z.array(z.string()),
    expiresAt: z.string(),
    createdAt: z.string(),
    createdBy: z.string(),
  })
  .meta({ id: 'ListedCode' })

export const ListedWindow = z
  .object({
    id,
    accountId: id,
    state: z.enum(['open', 'full', 'closed']),
    openedFrom: z.string().describe('Address of whoever opened it: phones behind the same one are bound at once'),
    openedAt: z.string(),
    until: z.string(),
    devices: z.int(),
    used: z.int(),
    left: z.int(),
  })
  .meta({ id: 'ListedWindow' })
