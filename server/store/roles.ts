/** What each role of a user may. Sessions look it up at every request, so that a change is in force at once. */
import type { TokenScope } from './tokens.ts'

export const USER_ROLES = ['owner', 'engineer', 'support', 'reseller', 'customer', 'var'] as const
export type UserRole = (typeof USER_ROLES)[number]

interface RoleRights {
  readonly scopes: readonly TokenScope[]
  /** Whether such a user must be limited to an account. */
  readonly limited: boolean
}

const RIGHTS: Readonly<Record<UserRole, RoleRights>> = {
  owner: { scopes: ['admin'], limited: false },
  engineer: { scopes: ['write', 'secrets'], limited: false },
  support: { scopes: ['write'], limited: false },
  // Everything, but only of its own account and those below.
  reseller: { scopes: ['admin'], limited: true },
  customer: { scopes: ['read'], limited: true },
  // Who makes phones ready for customers: batches and what is in them, and nothing else.
  var: { scopes: ['stage'], limited: true },
}

export function scopesOfRole(role: UserRole): readonly TokenScope[] {
  return RIGHTS[role].scopes
}

export function needsAccount(role: UserRole): boolean {
  return RIGHTS[role].limited
}
