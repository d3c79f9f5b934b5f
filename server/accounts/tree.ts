/** The tree of accounts: which kind may stand below which, and how deep it may grow. */

export type AccountKind = 'operator' | 'reseller' | 'customer'

/** Levels of the tree, the root being the first: an operator, resellers of resellers, a customer and its sites. */
export const ACCOUNT_LEVELS_MAX = 8

/** What may stand directly below each kind. A customer below a customer is a site or a department of it. */
export const MAY_HOLD: Readonly<Record<AccountKind, readonly AccountKind[]>> = {
  operator: ['reseller', 'customer'],
  reseller: ['reseller', 'customer'],
  customer: ['customer'],
}

export function mayStandBelow(kind: AccountKind, parent: AccountKind): boolean {
  return MAY_HOLD[parent].includes(kind)
}

export type TreeProblem =
  | { readonly kind: 'wrong-parent'; readonly below: AccountKind; readonly may: readonly AccountKind[] }
  | { readonly kind: 'circle' }
  | { readonly kind: 'too-deep'; readonly levels: number }

export interface TreePlace {
  readonly kind: AccountKind
  /** Levels of what is moved along: 1 for an account with nothing below it. */
  readonly height: number
  /** The new parent, undefined for a root. */
  readonly parent: { readonly kind: AccountKind; readonly path: readonly string[] } | undefined
}

/**
 * Whether an account may stand at a place.
 * @param id the account itself; undefined when it is new
 * @param place `path` are the ids from the root down to the new parent
 * @returns undefined when it may
 */
export function treeProblem(id: string | undefined, place: TreePlace): TreeProblem | undefined {
  const { kind, height, parent } = place
  if (parent === undefined) return undefined
  if (id !== undefined && parent.path.includes(id)) return { kind: 'circle' }
  if (!mayStandBelow(kind, parent.kind)) {
    return { kind: 'wrong-parent', below: parent.kind, may: MAY_HOLD[parent.kind] }
  }
  const levels = parent.path.length + height
  return levels > ACCOUNT_LEVELS_MAX ? { kind: 'too-deep', levels } : undefined
}
