/** The outcome of a rule as plain values for printing. Decides nothing itself: `protocol/rule` does. */
import { macWithColons, parseMacAddress, parseProductName, productSeriesName } from '../protocol/identity.ts'
import { assertNever } from '../protocol/result.ts'
import {
  type Assignment,
  evaluateReportRule,
  evaluateRule,
  evaluateTrigger,
  expandMacros,
  findMacro,
  type MacroLookup,
  parseRule,
  printUrl,
  type Problem,
  resolveUrl,
  type RuleKind,
  type RuleOptions,
  UNKNOWN_HERE,
  type Url,
} from '../protocol/rule/mod.ts'
import { usageProblem } from './exit-codes.ts'

export type OutcomeKind = RuleKind

export interface OutcomeProblem {
  readonly code: string
  readonly message: string
  readonly advice?: string
  /** In the text of the rule, end exclusive; absent for what has no place. */
  readonly start?: number
  readonly end?: number
}

type OptionValues = Readonly<Record<string, string | true>>

export interface Outcome {
  /** null: nothing is fetched. */
  readonly url: string | null
  readonly options: OptionValues
  readonly assignments: readonly Assignment[]
  /** From 0; null when no alternative applies. */
  readonly branch: number | null
  readonly problems: readonly OutcomeProblem[]
  /** What the phone can do, but is probably not meant. */
  readonly warnings: readonly OutcomeProblem[]
  /** Of a report rule, all; `url` and `options` are those of the first. */
  readonly reports?: readonly { readonly url: string; readonly options: OptionValues }[]
}

/** Values of macros by their main name. */
export type Phone = ReadonlyMap<string, string>

/**
 * @param pairs `NAME=VALUE`, with or without a `$` in front; of one name twice the last counts
 * @returns with what follows from MA and PN. Throws a usage problem for a pair without `=`.
 */
export function phoneOf(pairs: readonly string[]): Phone {
  const phone = new Map<string, string>()
  for (const pair of pairs) {
    const [, name, value = ''] = /^\$?([A-Za-z][A-Za-z0-9_]*)=(.*)$/s.exec(pair) ?? []
    if (name === undefined) throw usageProblem(`--phone "${pair.slice(0, 60)}" is not NAME=VALUE`)
    phone.set(findMacro(name)?.aliasOf ?? name, value)
  }
  const mac = parseMacAddress(phone.get('MA') ?? phone.get('MAU') ?? phone.get('MAC') ?? '')
  const model = parseProductName(phone.get('PN') ?? '')
  const follows: readonly (readonly [string, string | undefined])[] = [
    ['MA', mac],
    ['MAU', mac?.toUpperCase()],
    ['MAC', mac === undefined ? undefined : macWithColons(mac)],
    ['PSN', model === undefined ? undefined : productSeriesName(model)],
  ]
  for (const [name, value] of follows) if (value !== undefined && !phone.has(name)) phone.set(name, value)
  return phone
}

export function ruleOutcome(question: {
  readonly text: string
  readonly kind: OutcomeKind
  readonly phone: Phone
  /** What DHCP told the phone. */
  readonly server?: string | undefined
}): Outcome {
  const { kind, text, phone } = question
  const written = parseRule(text, kind).problems
  switch (kind) {
    case 'profile':
    case 'upgrade':
      return withProblems(decided({ ...question, kind }), written)
    case 'report':
      return withProblems(reported(text, phone), written)
    case 'trigger':
      return withProblems(triggered(text, phone), written)
    default:
      return assertNever(kind)
  }
}

/** A phone has a value for everything that may stand in a rule; what nobody told us here is left open. */
function lookupOf(phone: Phone): MacroLookup {
  return (name) => {
    const row = findMacro(name)
    if (row?.scope !== 'everywhere' && row?.scope !== 'option-arguments') return undefined
    return phone.get(name) ?? UNKNOWN_HERE
  }
}

/** Where a decision hangs on a GPP register that is not given, the register is empty, as it comes from the factory. */
function withEmptyRegisters(phone: Phone, names: readonly string[]): Phone | undefined {
  const registers = names.filter((name) => /^[A-P]$/.test(name) && !phone.has(name))
  return registers.length === 0 ? undefined : new Map([...phone, ...registers.map((name) => [name, ''] as const)])
}

interface Draft extends Omit<Outcome, 'problems' | 'warnings'> {
  readonly found: readonly (Problem | OutcomeProblem)[]
}

const NOTHING: Omit<Draft, 'found'> = { url: null, options: {}, assignments: [], branch: null }

function decided(question: {
  readonly text: string
  readonly kind: 'profile' | 'upgrade'
  readonly phone: Phone
  readonly server?: string | undefined
}): Draft {
  const decision = evaluateRule(question.text, question.kind, lookupOf(question.phone))
  const found = decision.problems
  switch (decision.kind) {
    case 'nothing': {
      const { assignments, branch = null, unresolved } = decision
      return { ...NOTHING, assignments, branch, found: [...found, ...left(unresolved)] }
    }
    case 'fetch': {
      const { assignments, branch, unresolved } = decision
      const url = locate(decision.url, question.server)
      const options = optionValues(decision.options)
      return { url: url.text, options, assignments, branch, found: [...found, ...left(unresolved), ...url.found] }
    }
    case 'invalid':
      return { ...NOTHING, found }
    case 'depends': {
      const phone = withEmptyRegisters(question.phone, decision.on)
      return phone === undefined
        ? { ...NOTHING, found: [...found, open(decision.on)] }
        : decided({ ...question, phone })
    }
    default:
      return assertNever(decision)
  }
}

function reported(text: string, phone: Phone): Draft {
  const { items, depends, problems } = evaluateReportRule(text, lookupOf(phone))
  const more = withEmptyRegisters(phone, depends)
  if (more !== undefined) return reported(text, more)
  const reports = items.map(({ url, options }) => ({ url: printWhole(url), options: optionValues(options) }))
  const first = reports[0]
  const found = [
    ...problems,
    ...left(items.flatMap(({ unresolved }) => unresolved)),
    ...(depends.length === 0 ? [] : [open(depends)]),
  ]
  return { ...NOTHING, ...(first === undefined ? {} : { ...first, branch: 0 }), reports, found }
}

function triggered(text: string, phone: Phone): Draft {
  const truth = evaluateTrigger(text, lookupOf(phone))
  const names = truth === 'depends' ? namesIn(text, lookupOf(phone)) : []
  const more = withEmptyRegisters(phone, names)
  if (more !== undefined) return triggered(text, more)
  const found: OutcomeProblem[] = []
  if (truth === 'depends') found.push(open(names))
  if (truth === 'invalid')
    found.push({ code: 'invalid-trigger', message: 'The trigger cannot be evaluated and counts as not true' })
  return { ...NOTHING, branch: truth === true ? 0 : null, found }
}

function namesIn(text: string, lookup: MacroLookup): readonly string[] {
  return expandMacros(text, lookup).unknownHere
}

function open(names: readonly string[]): OutcomeProblem {
  const all = [...new Set(names)]
  const options = all.map((name) => `--phone ${name}=…`).join(' ')
  return { code: 'value-needed', message: `The outcome depends on $${all.join(', $')}`, advice: `Give ${options}` }
}

/** What the phone would put in, but nobody told us. */
function left(names: readonly string[]): readonly OutcomeProblem[] {
  return [...new Set(names)].map((name) => ({
    code: 'value-not-given',
    message: `$${name} was left as it is`,
    advice: `Give --phone ${name}=…`,
  }))
}

function locate(
  url: Url,
  server: string | undefined,
): { readonly text: string | null; readonly found: readonly OutcomeProblem[] } {
  if (server === undefined) return { text: printWhole(url), found: [] }
  const resolved = resolveUrl(url, server)
  if (resolved.ok) return { text: printWhole(resolved.value), found: [] }
  return {
    text: null,
    found: [{ code: resolved.error.code, message: `--server cannot be used: ${resolved.error.message}` }],
  }
}

/** With its scheme, also where the rule leaves scheme and server to DHCP (MPP §4.5). */
function printWhole(url: Url): string {
  return url.host === undefined && url.scheme === 'tftp' ? `tftp://${url.path}` : printUrl(url)
}

/** Only what is there, by the names that the rule has. */
function optionValues({ srv, delta, status, ...named }: RuleOptions): OptionValues {
  const flags = Object.entries({ srv, delta, status }).filter(([, on]) => on)
  return { ...named, ...Object.fromEntries(flags.map(([name]) => [name, true as const])) }
}

/** Warnings of the parser are no problems: the phone does what is written. */
const HARMLESS: ReadonlySet<string> = new Set(['value-not-given'])

function withProblems({ found, ...draft }: Draft, written: readonly Problem[]): Outcome {
  const seen = new Set<string>()
  const all = [...written, ...found].filter((each) => {
    const name = `${each.code} ${each.start} ${each.end}`
    return seen.size !== seen.add(name).size
  })
  const isWarning = (each: Problem | OutcomeProblem): boolean =>
    ('severity' in each && each.severity === 'warning') || HARMLESS.has(each.code)
  const print = ({ code, message, advice, start, end }: OutcomeProblem): OutcomeProblem => ({
    code,
    message,
    ...(advice === undefined ? {} : { advice }),
    ...(start === undefined || end === undefined ? {} : { start, end }),
  })
  return {
    ...draft,
    problems: all.filter((each) => !isWarning(each)).map(print),
    warnings: all.filter(isWarning).map(print),
  }
}
