/** `offhook lint`: what is wrong with a profile, by the same checks as before a layer is saved. */
import type { Command } from 'commander'
import { gunzip, isGzip, isSalted } from '../protocol/envelope/mod.ts'
import type { ProductName } from '../protocol/identity.ts'
import { PROFILE_BYTES_MAX } from '../protocol/profile/mod.ts'
import { LINT_CODES, type LintProblem, lintFile, parseFirmware } from '../server/profiles/lint/mod.ts'
import { guessModel } from '../server/profiles/moving-in/mod.ts'
import { addExamples } from './examples.ts'
import { CliProblem, EXIT, usageProblem } from './exit-codes.ts'
import { quoted, readInput } from './files.ts'
import { endWith, printResult } from './output.ts'

/** Larger than any profile, so that lint itself says that it is too big. */
const UNPACKED_BYTES_MAX = 8 * PROFILE_BYTES_MAX

interface LintOptions {
  readonly model?: string
  readonly firmware?: string
  readonly json?: true
}

export function registerLintCommand(program: Command): void {
  const codes = Object.entries(LINT_CODES).map(([code, meaning]) => `  ${code.padEnd(23)}${meaning}`)
  const command = program
    .command('lint')
    .description('Say what is wrong with a profile before a phone has it')
    .argument('<file>', 'a profile, XML or XML in gzip; - is standard input')
    .option('--model <product>', 'product name of the phone, e.g. CP-8851-3PCC; without it all models count')
    .option(
      '--firmware <version>',
      'the load that the phone runs, e.g. sip88xx.12-0-2MPP0001-116, or a release, e.g. 12.0.2',
    )
    .option('--json', 'one JSON document: {"problems": [{"code", "element", "message", "advice", "severity", "line"}]}')
    .action((file: string, options: LintOptions) => lint(file, options))
    .addHelpText(
      'after',
      `\nCodes:\n${codes.join('\n')}\n\nThe exit code is 1 when there are problems. No message shows the value of a secret.`,
    )
  addExamples(command, [
    ['offhook lint 000e08a1b2c3.xml', 'for any model'],
    [
      'offhook lint phone.xml --model CP-8841-3PCC --firmware 11.3.1 --json',
      'for that model and firmware, for a script',
    ],
    ['offhook open phone.cfg --key-file phrase.txt --out - | offhook lint -', 'a sealed one'],
  ])
}

async function lint(file: string, options: LintOptions): Promise<void> {
  const model = modelOf(options.model)
  const firmware = firmwareOf(options.firmware)
  const problems = lintFile(unpacked(await readInput(file), file), { model, firmware })
  printResult({ json: options.json === true, value: { problems }, lines: () => linesOf(file, problems) })
  endWith(problems.length === 0 ? EXIT.done : EXIT.problems)
}

function modelOf(text: string | undefined): ProductName | undefined {
  if (text === undefined) return undefined
  const guess = guessModel(text)
  if (guess.kind === 'model') return guess.model
  throw usageProblem(`--model: ${guess.reason}; expected one like CP-8851-3PCC`)
}

function firmwareOf(text: string | undefined): string | undefined {
  if (text !== undefined && parseFirmware(text) === undefined) {
    throw usageProblem(
      `--firmware "${text.slice(0, 80)}" names no release; expected one like sip88xx.12-0-2MPP0001-116 or 12.0.2`,
    )
  }
  return text
}

function unpacked(bytes: Uint8Array, file: string): Uint8Array {
  if (isSalted(bytes))
    throw new CliProblem(`Cannot lint ${quoted(file)}: it is sealed; open it first with "offhook open"`)
  if (!isGzip(bytes)) return bytes
  const plain = gunzip(bytes, UNPACKED_BYTES_MAX)
  if (!plain.ok) throw new CliProblem(`Cannot lint ${quoted(file)}: ${plain.error.message}`)
  return plain.value
}

function linesOf(file: string, problems: readonly LintProblem[]): readonly string[] {
  if (problems.length === 0) return [`${file}: nothing is wrong`]
  const lines = problems.flatMap(({ code, message, advice, line }) => [
    `${file}${line === undefined ? '' : `:${line}`}: ${message} (${code})`,
    `    ${advice}`,
  ])
  return [...lines, `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`]
}
