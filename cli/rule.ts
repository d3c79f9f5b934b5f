/** `offhook rule`: what one rule makes a phone do, decided by the code that phones decide by. Source: MPP §3, §4. */
import { type Command, Option } from 'commander'
import { utf8Text } from '../protocol/bytes.ts'
import { addExamples } from './examples.ts'
import { EXIT, usageProblem } from './exit-codes.ts'
import { readInput } from './files.ts'
import { endWith, printNote, printResult } from './output.ts'
import { type Outcome, type OutcomeKind, type OutcomeProblem, phoneOf, ruleOutcome } from './rule-outcome.ts'

const KINDS: readonly OutcomeKind[] = ['profile', 'upgrade', 'report', 'trigger']
/** Far more than a rule may have: it is refused with a better message then. */
const TEXT_BYTES_MAX = 1024 * 1024

interface RuleOptions {
  readonly phone: readonly string[]
  readonly kind: OutcomeKind
  readonly server?: string
  readonly json?: true
}

export function registerRuleCommand(program: Command): void {
  const command = program
    .command('rule')
    .description('Evaluate a profile, upgrade or report rule, or a resync trigger, for a phone')
    .argument('[text]', 'the rule as it stands in the parameter; - is standard input')
    .option('--phone <NAME=VALUE...>', 'what a macro is on the phone: MA, PN, SN, SWVER, A or GPP_A, SA …', gather, [])
    .addOption(new Option('--kind <kind>', 'what parameter it stands in').choices(KINDS).default('profile'))
    .option('--server <server>', 'what DHCP told the phone, for a rule that names no server')
    .option('--json', 'one JSON document')
    .action((text: string | undefined, options: RuleOptions) => evaluate(text, options))
    .addHelpText(
      'after',
      `
The JSON holds
  url          with scheme, a port only where one is written; null when nothing is fetched
  options      name -> argument with its macros put in, true for one without; secrets are shown as they were given
  assignments  element and value, set before the fetch
  branch       which alternative, from 0; null when none applies. Of a trigger 0 when it holds
  problems     what the phone cannot do, and warnings: code, message, advice, start and end in the text
  reports      of a report rule: every url with its options

MAU and MAC follow from MA, PSN from PN, unless given. Where a decision hangs on GPP_A to GPP_P and they are not given,
they are empty, as from the factory; any other macro that decides must be given. One that merely stands in the text
stays as it is, with a warning, and so does a name that no phone knows. Without --server a URL that names no server
starts with "tftp:///".`,
    )
  addExamples(command, [
    ["offhook rule 'https://prov.example.com/$MA.xml' --phone MA=000e08a1b2c3", 'which file it asks for'],
    [
      `offhook rule '($SWVER lt 12-0-2MPP0001-116)? http://fw/sip88xx.12-0-2MPP0001-116.loads' --kind upgrade --phone SWVER=sip88xx.11-3-2MPP0001-609 --json`,
      'whether it upgrades',
    ],
    [`offhook rule '[--key "$SA"] http://p/$A.cfg' --phone SA='a phrase' A=shop`, 'its options too'],
  ])
}

function gather(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

async function evaluate(given: string | undefined, options: RuleOptions): Promise<void> {
  const { text, phone } = withText(given, options.phone)
  const outcome = ruleOutcome({
    text: await textOf(text),
    kind: options.kind,
    phone: phoneOf(phone),
    server: options.server,
  })
  printResult({ json: options.json === true, value: outcome, lines: () => linesOf(outcome) })
  if (options.json !== true) for (const each of [...outcome.problems, ...outcome.warnings]) printNote(wordsOf(each))
  endWith(outcome.problems.length === 0 ? EXIT.done : EXIT.problems)
}

const PAIR = /^\$?[A-Za-z][A-Za-z0-9_]*=/

/** `--phone` takes several values, and so the rule too when it stands behind it. */
function withText(
  given: string | undefined,
  values: readonly string[],
): { readonly text: string; readonly phone: readonly string[] } {
  const others = values.filter((value) => !PAIR.test(value))
  const [text] = others
  if (given === undefined && text !== undefined && others.length === 1) {
    return { text, phone: values.filter((value) => value !== text) }
  }
  if (text !== undefined)
    throw usageProblem(`--phone "${text.slice(0, 60)}" is not NAME=VALUE, as in --phone MA=000e08a1b2c3`)
  if (given === undefined)
    throw usageProblem("rule needs the text of a rule, as in: offhook rule 'https://prov.example.com/$MA.xml'")
  return { text: given, phone: values }
}

async function textOf(text: string): Promise<string> {
  if (text !== '-') return text
  const read = utf8Text(await readInput('-', TEXT_BYTES_MAX))
  if (read === undefined) throw usageProblem('the rule on standard input is not text in UTF-8')
  return read.replace(/\r?\n$/, '')
}

function wordsOf({ code, message, advice }: OutcomeProblem): string {
  return `${code}: ${message}${advice === undefined ? '' : `. ${advice}`}`
}

function linesOf(outcome: Outcome): readonly string[] {
  const options = Object.entries(outcome.options).map(
    ([name, value]) => `option      --${name}${value === true ? '' : ` ${value}`}`,
  )
  const fetches = outcome.reports ?? (outcome.url === null ? [] : [{ url: outcome.url, options: outcome.options }])
  return [
    `alternative ${outcome.branch === null ? 'none applies' : outcome.branch}`,
    ...outcome.assignments.map(({ element, value }) => `sets        ${element} = ${value}`),
    ...options,
    ...(fetches.length === 0 ? ['fetches     nothing'] : fetches.map(({ url }) => `fetches     ${url}`)),
  ]
}
