/**
 * What can be wrong with a rule. The words are constant: no message ever quotes the rule, since a piece of it may be a
 * key or a password, and a broken rule does not say which piece. The place tells the reader where to look.
 */

/** Where something stands: UTF-16 units from the start of the text, end exclusive. */
export interface Place {
  readonly start: number
  readonly end: number
}

export interface Problem extends Place {
  /** One of PROBLEM_CODES; stable, to be switched on. */
  readonly code: string
  /** `error`: the phone cannot do what is written. `warning`: it can, but it is probably not what is meant. */
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly advice?: string
}

interface Wording {
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly advice?: string
}

function error(message: string, advice?: string): Wording {
  return advice === undefined ? { severity: 'error', message } : { severity: 'error', message, advice }
}

function warning(message: string, advice?: string): Wording {
  return { ...error(message, advice), severity: 'warning' }
}

const WORDINGS = {
  'too-long': error('The rule is too long to be read', 'Keep a rule under 4096 characters.'),
  'expanded-too-long': error('The rule grows too long when its macros are put in'),
  'too-many-alternatives': error('The rule has too many alternatives', 'Use at most 64 alternatives.'),
  'too-many-parts': error('This group has too many parts'),
  'unbalanced-group': error('This "(" has no matching ")"', 'Close the group, and close every double quote inside it.'),
  'unbalanced-options': error('This "[" has no matching "]"', 'Close the bracket, and every double quote inside it.'),
  'group-without-mark': error(
    'A group must be followed by "?" (condition) or "!" (assignments)',
    'Write (condition)? or (Name = "value";)!',
  ),
  order: error(
    'The parts of an alternative stand in the wrong order',
    'Order: (condition)? (assignments)! [options] URL',
  ),
  'empty-condition': error('The condition is empty', 'Compare two values, e.g. ($PRVTMR ge 600)?'),
  'bad-comparison': error('This is not a comparison', 'Write: value operator value, joined by "and".'),
  'or-not-supported': error('A condition has no "or"', 'Use alternatives separated by "|".'),
  'parentheses-in-condition': error('A condition has no inner parentheses', 'Join the comparisons with "and".'),
  'curly-quotes': error('Typographic quotes are not read', 'Use the plain double quote.'),
  'bad-operand': error(
    'A value without quotes must be an integer or a version',
    'Put text in double quotes. A firmware version looks like sip88xx.11-3-1MPP-110.',
  ),
  'mixed-operands': error(
    'The two sides are of different kinds',
    'Compare numbers, versions or quoted text with their like.',
  ),
  'string-ordering': error(
    'Quoted text can only be equal or not equal',
    'Remove the quotes to compare numbers or versions.',
  ),
  'version-form': error(
    'The two versions are not written in the same form',
    'Write it like the load, e.g. 11-3-1MPP-110.',
  ),
  'quote-macro': warning('The quotes do not fit this macro', 'Quote text macros; never quote numbers and versions.'),
  'bad-assignment': error('This is not an assignment', 'Write: Name = "value";'),
  'missing-semicolon': error('The assignment does not end with ";"', 'Write: Name = "value";'),
  'empty-assignments': error('The assignment group is empty', 'Write: (Name = "value";)!'),
  'unknown-option': error('This is not an option', 'Known: --key --uid --pwd --post --alias --srv --delta --status'),
  'missing-argument': error('This option needs an argument', 'Write a word, or text in double quotes, after it.'),
  'bad-letter': error('This option needs one letter from a to p'),
  'empty-options': error('The bracket holds no option'),
  'option-not-here': error('This option does not belong into this kind of rule'),
  'option-without-effect': warning('This option has no effect in a report rule'),
  'options-in-upgrade': error('An upgrade rule takes no bracket options', 'Remove the bracket.'),
  'options-without-url': error('Options need a URL after them'),
  'duplicate-option': warning('This option is given twice; the last one counts'),
  'url-empty': error('The URL is empty'),
  'url-path-missing': error('The URL has no path', 'Add a path that starts with "/".'),
  'url-bad-scheme': error('The scheme is not one that the phone can fetch', 'Use tftp, http or https.'),
  'url-bad-host': error('The server is not a host name or an address'),
  'url-bad-port': error('The port is not a number from 1 to 65535'),
  'url-userinfo': error('A URL holds no user name', 'Use the options --uid and --pwd.'),
  'url-bad-character': error('The URL holds a quote, a bar or a control character', 'Percent-encode it.'),
  'url-no-slash': warning('Read as a file on the DHCP server', 'Start a path with "/".'),
  'url-space': warning('The URL holds a space', 'Separate alternatives by "|"; percent-encode a space as %20.'),
  'url-missing': warning('An upgrade alternative without URL does nothing'),
  'not-a-loads-file': warning('The URL does not name a .loads file'),
  'server-required': error('This kind of rule must name its server', 'Write scheme://server/path.'),
  'gds-not-here': error('gds:// belongs into a profile rule only'),
  'no-server': error('No server is known for this path', 'Name one in the rule, or hand one out by DHCP.'),
  'srv-with-tftp': error('TFTP Scheme not supported in SRV lookups', 'Use http or https with --srv.'),
  'unreachable-alternative': warning('Never reached: an alternative before it has no condition'),
  'empty-alternative': warning('This alternative is empty and does nothing'),
  'unknown-macro': warning('No such macro; the text stays as it is', 'Write $$ for a dollar sign.'),
  'macro-not-here': warning('This macro has no value in a rule; the text stays as it is'),
  'secret-outside-option': error(
    'This macro is replaced only in the argument of --key, --uid or --pwd',
    'Move it into such an option, or use $A to $P.',
  ),
  'too-many-report-items': error('A report rule holds at most two reports'),
  'parentheses-in-trigger': error('A trigger is a condition without parentheses and without "?"'),
  'bad-delay': error('A delay is seconds, or seconds+random', 'For example 3600 or 1800+300.'),
  'too-many-delays': error('The delay list is too long'),
} as const satisfies Record<string, Wording>

export type ProblemCode = keyof typeof WORDINGS

export const PROBLEM_CODES: readonly ProblemCode[] = Object.keys(WORDINGS) as ProblemCode[]

/** A rule that is wrong everywhere is reported up to here; more would help nobody. */
export const PROBLEMS_MAX = 200

export function problem(code: ProblemCode, { start, end }: Place): Problem {
  return { code, ...WORDINGS[code], start, end }
}

/** As `problem`, but the phone can go on with it. */
export function asWarning(one: Problem): Problem {
  return { ...one, severity: 'warning' }
}
