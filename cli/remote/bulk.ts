import { Argument, type Command, Option } from 'commander'
import { addExamples } from '../examples.ts'
import { EXIT } from '../exit-codes.ts'
import { readInput, writeOutput } from '../files.ts'
import { endWith, printResult } from '../output.ts'
import { addApiOptions, bytesOf, refuseFailure, withApi } from './api.ts'

const KINDS = ['accounts', 'lines', 'devices'] as const
const MODES = ['upsert', 'create'] as const
const FORMATS = ['csv', 'json'] as const

/** Ten thousands of rows in one transaction take their time. */
const BULK_MS = 15 * 60_000
/** Problems that are printed for a person; --json has all that the server told. */
const PROBLEMS_MAX = 50

interface ImportReport {
  readonly dryRun: boolean
  readonly rows: number
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly problemCount: number
  readonly problems: readonly {
    readonly line: number
    readonly column: string | null
    readonly message: string
    readonly expected: string
  }[]
}

export function registerImportCommand(program: Command): void {
  const command = program
    .command('import')
    .description('Take in accounts, lines or devices from CSV or JSON: all of it or nothing')
    .addArgument(new Argument('<kind>', 'what they are').choices(KINDS))
    .argument('<file>', 'CSV with a header line, or JSON {"items": […]}; - is standard input')
    .addOption(new Option('--mode <mode>', 'upsert changes what is there, create refuses it').choices(MODES))
    .option('--dry-run', 'only say what would be done')
  addExamples(addApiOptions(command), [
    ['offhook import devices boxes.csv --dry-run', 'every problem, with line, column and value'],
    ['offhook import devices boxes.csv', 'the same, done'],
  ]).action((kind: string, file: string, options) =>
    withApi(options, async (api) => {
      const body = await readInput(file)
      const isJson = /^\s*[[{]/.test(new TextDecoder().decode(body.subarray(0, 64)))
      const query = new URLSearchParams()
      if (options.dryRun === true) query.set('dryRun', 'true')
      if (options.mode !== undefined) query.set('mode', options.mode)
      const type = isJson ? 'application/json' : 'text/csv'
      const response = await api.raw('POST', `import/${kind}?${query.toString()}`, { body, type, timeoutMs: BULK_MS })
      await refuseFailure(response)
      const report = (await response.json()) as ImportReport
      printResult({ json: options.json === true, value: report, lines: () => reportLines(report) })
      endWith(report.problemCount === 0 ? EXIT.done : EXIT.problems)
    }),
  )
}

function reportLines(report: ImportReport): readonly string[] {
  const { dryRun, rows, created, updated, unchanged, problemCount, problems } = report
  if (problemCount === 0) {
    const counts = `${created} new, ${updated} changed, ${unchanged} as they were`
    return [dryRun ? `${rows} rows would be imported: ${counts}` : `${rows} rows imported: ${counts}`]
  }
  const lines = problems.slice(0, PROBLEMS_MAX).map(({ line, column, message, expected }) => {
    const place = column === null ? `line ${line}` : `line ${line}, column ${column}`
    return `  ${place}: ${message}. Expected: ${expected}`
  })
  const more = problemCount - lines.length
  return [`${problemCount} problem(s) in ${rows} rows`, ...lines, ...(more > 0 ? [`  … and ${more} more`] : [])]
}

export function registerExportCommand(program: Command): void {
  const command = program
    .command('export')
    .description('Write accounts, lines or devices as CSV or JSON, as import takes them')
    .addArgument(new Argument('<kind>', 'what they are').choices(KINDS))
    .argument('[file]', 'where to; - is standard output', '-')
    .addOption(new Option('--format <format>', 'of the file').choices(FORMATS).default('csv'))
    .option('--reveal', 'lines with their passwords; needs a token with the scope secrets')
  addExamples(addApiOptions(command), [
    ['offhook export devices devices.csv', 'every device that the token reaches'],
    ['offhook export lines lines.csv --reveal', 'with passwords; the file is for its owner only'],
  ]).action((kind: string, file: string, options) =>
    withApi(options, async (api) => {
      const query = new URLSearchParams({ format: options.json === true ? 'json' : options.format })
      if (options.reveal === true) query.set('reveal', 'true')
      const response = await api.raw('GET', `export/${kind}?${query.toString()}`, { timeoutMs: BULK_MS })
      await writeOutput(file, await bytesOf(response), options.reveal === true ? 0o600 : 0o666)
    }),
  )
}
