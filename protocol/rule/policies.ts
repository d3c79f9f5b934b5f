/**
 * The doubtful readings of the rule language, each with a name, so that a phone of another firmware is a setting and not
 * a second evaluator. What MPP states plainly is not here.
 */

export interface RulePolicies {
  /**
   * A condition that cannot be read: `false` skips its alternative and notes a problem; `fail` makes the whole
   * evaluation a failure. MPP §4.2 (Model: false).
   */
  readonly invalidCondition: 'false' | 'fail'
  /** A `#` at the start of the value comments it out. MPP §1.6 (8831 and SPA text, harmless elsewhere). */
  readonly hashComments: boolean
  /** A lone `!` is `!=`, and a comparison without left side means `$SWVER`. MPP §4.2 (before 2.0.6, optional). */
  readonly legacyConditions: boolean
  /** Typographic double quotes count as `"`. MPP §4.1 (accept only `"`, optionally tolerate the others). */
  readonly curlyQuotes: boolean
  /** `$GPP_A` means `$A`. MPP §3.1 (uncertain). */
  readonly gppAliases: boolean
  /** How quoted strings are compared. MPP §4.2 (exact, inferred). */
  readonly stringCase: 'exact' | 'ignore'
}

export const DEFAULT_RULE_POLICIES: RulePolicies = {
  invalidCondition: 'false',
  hashComments: true,
  legacyConditions: false,
  curlyQuotes: false,
  gppAliases: true,
  stringCase: 'exact',
}

/** Whether a parameter says nothing: empty, blank, or commented out. MPP §4.1, §1.6. */
export function isUnset(text: string, policies: RulePolicies = DEFAULT_RULE_POLICIES): boolean {
  const value = text.trim()
  return value === '' || (policies.hashComments && value.startsWith('#'))
}
