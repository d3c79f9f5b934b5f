/**
 * Secrets in places that web pages, reports, logs or foreign servers show.
 * Source: MPP §3.1 (`$SA` to `$SD` only in --key, --uid and --pwd), §1.8 (what an export shows), §12.1.
 */
import { maskRule, type OptionPart } from '../../../protocol/rule/mod.ts'
import { macrosIn, rowOf, saysValue } from './element-facts.ts'
import { problemAt } from './problem.ts'
import { assignmentsIn, type HeldRule, ruleKindOf, rulesIn, targetsOf } from './rules-in.ts'
import type { Check, LintElement, LintProblem, LintSubject } from './types.ts'

const SECRET_MACRO = /^(?:S[A-D]|MPWD)$/
const ADVICE = 'Use $SA to $SD only as an argument of --key, --uid or --pwd.'
const REGISTER = /^GPP_[A-P]$/
/** Texts that are meant to be read, sent or logged. */
const READABLE =
  /^(?:GPP_[A-P]|Log_.*|HTTP_User_Agent_Name|SIP_User_Agent_Name|PRT_HTTP_Header_Value|Syslog_Identifier|.*Display_Name.*|Short_Name.*|Station_Name)$/
/** A shorter secret may well be a word that stands elsewhere by accident. */
const SECRET_CHARS_MIN = 6
/** Secrets that are looked for inside of longer texts. */
const SECRETS_MAX = 200

export const secretsInClear: Check = (subject) => [
  ...secretMacros(subject),
  ...rulesIn(subject).flatMap(ofRule),
  ...secretAssignments(subject),
  ...copies(subject),
  ...spelledOut(subject),
]

/** A secret register in any text but a rule's option. */
function secretMacros({ elements }: LintSubject): readonly LintProblem[] {
  return elements.filter(saysValue).flatMap((element) => {
    if (ruleKindOf(element.name) !== undefined || rowOf(element.name)?.secret === true) return []
    const names = macrosIn(element.value).filter((name) => SECRET_MACRO.test(name))
    if (names.length === 0) return []
    const message = `${element.name} would carry a secret register in clear: $${names.join(', $')}`
    return [problemAt(element, 'secret-in-clear', message, ADVICE)]
  })
}

/** In a rule: a secret register outside of the options, and keys or passwords that are written out. */
function ofRule(held: HeldRule): readonly LintProblem[] {
  const { element, parsed } = held
  const outside = parsed.problems.some(({ code }) => code === 'secret-outside-option')
  const found = outside
    ? [problemAt(element, 'secret-in-clear', `${element.name} names a secret register outside of its options`, ADVICE)]
    : []
  const options = targetsOf(held).flatMap((target) => target.options)
  const names = [...new Set(options.flatMap(writtenOut))]
  return [
    ...found,
    ...names.map((name) => {
      const message = `${element.name} holds the argument of --${name} in clear, where pages and reports show it`
      const advice = 'Put it into GPP_SA (or SB, SC, SD) and write the macro instead.'
      return problemAt(element, 'secret-in-clear', message, advice, 'warning')
    }),
  ]
}

function writtenOut(part: OptionPart): readonly string[] {
  if (part.kind !== 'argument' || part.name === 'uid' || part.value === '') return []
  return macrosIn(part.value).some((name) => SECRET_MACRO.test(name)) ? [] : [part.name]
}

/** A rule is shown as it is, with what it assigns. */
function secretAssignments(subject: LintSubject): readonly LintProblem[] {
  return assignmentsIn(subject).flatMap(({ held, target, value }) => {
    const secret = rowOf(target)?.secret === true && value !== ''
    const leaks = macrosIn(value).some((name) => SECRET_MACRO.test(name))
    if (!secret || leaks) return []
    const message = `${held.element.name} assigns ${target} in clear, where pages and reports show the rule`
    return [problemAt(held.element, 'secret-in-clear', message, `Set ${target} in a profile instead.`)]
  })
}

/** The value of a secret parameter once more in one that is shown. */
function copies({ elements }: LintSubject): readonly LintProblem[] {
  const secrets = new Map<string, string>()
  for (const { name, value } of elements) {
    if (
      rowOf(name)?.secret === true &&
      value.length >= SECRET_CHARS_MIN &&
      !value.includes('{{') &&
      !/^\*+$/.test(value)
    )
      secrets.set(value, name)
  }
  if (secrets.size === 0) return []
  const some = [...secrets].slice(0, SECRETS_MAX)
  return elements.flatMap((element) => {
    if (rowOf(element.name)?.secret !== false) return []
    const within = READABLE.test(element.name)
      ? some.find(([secret]) => element.value.includes(secret))?.[1]
      : undefined
    const of = secrets.get(element.value) ?? within
    if (of === undefined) return []
    const message = `${element.name} shows the value of ${of}`
    return [
      problemAt(
        element,
        'secret-in-clear',
        message,
        `Give ${element.name} another value, and ${of} a new one if phones have this already.`,
      ),
    ]
  })
}

/** `password=…` in a text that is shown, and a user with password in a URL. */
function spelledOut({ elements }: LintSubject): readonly LintProblem[] {
  return elements.filter(saysValue).flatMap((element) => {
    if (rowOf(element.name)?.secret !== false) return []
    const inUrl = /:\/\/[^/\s:@]+:[^/\s@]+@/.test(element.value)
    const inText =
      READABLE.test(element.name) &&
      /(?:passw(?:or)?d|passphrase|secret|pwd)["']?\s*[=:]\s*["']?[^\s"'$;&]/i.test(element.value)
    // A register may hold a rule for --alias or another parameter; its options are as open there.
    const inRegister = REGISTER.test(element.name) && hidesKey(element)
    if (!inUrl && !inText && !inRegister) return []
    const message = `${element.name} holds ${inUrl ? 'a URL with a password' : 'what looks like a password or key'} in clear`
    return [
      problemAt(
        element,
        'secret-in-clear',
        message,
        'Use a secret register (GPP_SA to GPP_SD) or a parameter of type Password.',
        'warning',
      ),
    ]
  })
}

function hidesKey({ value }: LintElement): boolean {
  return /\[\s*--(?:key|pwd)/.test(value) && maskRule(value) !== value && !/--(?:key|pwd)\s+"?\$\(?S[A-D]/.test(value)
}
