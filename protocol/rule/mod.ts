/**
 * The language of profile, upgrade and report rules and of resync triggers: macros, conditions, assignments, bracket
 * options and URLs (MPP §3, §4), delay lists (MPP §5.2, §14) and versions (MPP §4.3).
 *
 * The author's editor, the server's checks and the virtual phone use the same functions; nothing else evaluates a rule.
 * Doubtful readings are policies (`policies.ts`). Further choices that the sources leave open, all of them inferred:
 *
 * | question | chosen | where |
 * |---|---|---|
 * | which `|` separates | those outside quotes, groups and brackets; in a URL every one outside quotes | parse.ts |
 * | a group that is never closed | the rest of the rule is unreadable; as a condition it is invalid | parse.ts |
 * | a fault in the chosen alternative's assignments, options or URL | the rule fails, nothing is assigned | evaluate.ts |
 * | an option given twice | the last one counts | evaluate.ts |
 * | an upgrade alternative without URL | does nothing | evaluate.ts |
 * | `$PORT` where nobody knows PORT | stays, and is not read as `$P` and `ORT` | expand.ts |
 * | a DHCP option with a host and a path but no scheme | a whole tftp URL | resolve-url.ts |
 */

export { parseRule } from './check.ts'
export {
  type Delay,
  type DelayList,
  delayAt,
  DELAY_SECONDS_MAX,
  DELAYS_MAX,
  isOff,
  parseDelayList,
} from './delay-list.ts'
export {
  type Assignment,
  type Decision,
  evaluateReportRule,
  evaluateRule,
  evaluateTrigger,
  type Fetch,
} from './evaluate.ts'
export { NO_OPTIONS, type RuleOptions } from './evaluate-target.ts'
export { EXPANDED_CHARS_MAX, expandMacros, type MacroLookup, UNKNOWN_HERE } from './expand.ts'
export { findMacro, type MacroRow, MACROS, type MacroScope, type MacroValues } from './macros.ts'
export { maskRule } from './mask.ts'
export type { ParsedRule } from './parse.ts'
export { DEFAULT_RULE_POLICIES, isUnset, type RulePolicies } from './policies.ts'
export { printRule } from './print.ts'
export { type Place, type Problem, PROBLEM_CODES, type ProblemCode } from './problems.ts'
export { resolveUrl } from './resolve-url.ts'
export {
  type Alternative,
  ALTERNATIVES_MAX,
  type AssignmentPart,
  ASSIGNMENTS_MAX,
  type Comparison,
  COMPARISONS_MAX,
  type Condition,
  EXPANDED_RULE_CHARS_MAX,
  type Operand,
  type Operator,
  type OptionPart,
  OPTIONS_MAX,
  REPORT_ITEMS_MAX,
  type ReportItem,
  type Rule,
  RULE_CHARS_MAX,
  type RuleKind,
  type Unread,
  type UrlText,
} from './syntax.ts'
export { defaultPort, parseUrl, printUrl, type Url, URL_CHARS_MAX } from './url.ts'
export {
  compareVersions,
  parseVersion,
  sameVersionForm,
  type Version,
  type VersionForm,
  type VersionPart,
} from './version.ts'
