/** `offhook stage`: phones that are prepared on a bench, from sealed boxes to the van. */
import { type Command, Option } from 'commander'
import { addExamples } from '../examples.ts'
import { CliProblem, usageProblem } from '../exit-codes.ts'
import { quoted, writeOutput } from '../files.ts'
import { printNote, printResult } from '../output.ts'
import { wholeNumber } from './acs-words.ts'
import { addApiOptions, allPages, type ApiAccess, bytesOf, withApi } from './api.ts'
import { stageChangeCommand, stageDeleteCommand } from './stage-batch.ts'
import { nameBoxes } from './stage-refusal.ts'
import { stageScanCommand } from './stage-scan.ts'
import { stageWatchCommand } from './stage-watch.ts'
import { type Batch, batchLine, batchRoute, type Box, macText, nameAndLines } from './stage-words.ts'
import { plainText } from './stage-width.ts'

const LAYOUTS = ['a4-24', 'a4-8', 'roll-62x29'] as const
/** Some hundred bar codes take their time. */
const LABELS_MS = 300_000

export function registerStageCommand(program: Command): void {
  const stage = program.command('stage').description('Phones that are prepared on a bench, from boxes to the van')
  newCommand(stage)
  stageScanCommand(stage)
  stageWatchCommand(stage)
  missingCommand(stage)
  labelsCommand(stage)
  removeCommand(stage)
  shipCommand(stage)
  reopenCommand(stage)
  stageChangeCommand(stage)
  stageDeleteCommand(stage)
  listCommand(stage)
}

function newCommand(stage: Command): void {
  const command = stage
    .command('new')
    .description('Make a batch and print its id')
    .option('--account <id>', 'whose phones they are')
    .option('--customer <customer-id>', 'the same, by the Customer ID')
    .option('--name <name>', 'what people call it; without it, the time')
    .option('--model <product>', 'only phones of this model, e.g. CP-8851-3PCC')
    .option('--count <n>', 'how many there will be', wholeNumber)
  addExamples(addApiOptions(command), [
    ['offhook stage new --customer shop-7 --model CP-8851-3PCC --count 20', 'twenty phones for one customer'],
    ['BATCH=$(offhook stage new --account acc_0123)', 'the id, for the commands that follow'],
  ]).action((options) => {
    if ((options.account === undefined) === (options.customer === undefined)) {
      throw usageProblem('Say whose phones they are: --account ID or --customer CUSTOMER_ID')
    }
    return withApi(options, async (api) => {
      const accountId = options.account ?? (await accountOf(api, options.customer))
      const { model, count: expected } = options
      const batch = await api.call<Batch>('POST', 'batches', {
        accountId,
        name: options.name ?? `Bench ${timeNow()}`,
        ...(model === undefined ? {} : { model }),
        ...(expected === undefined ? {} : { expected }),
      })
      printResult({ json: options.json === true, value: batch, lines: () => [batch.id] })
    })
  })
}

interface Account {
  readonly id: string
  readonly customerId: string
}

async function accountOf(api: ApiAccess, customerId: string): Promise<string> {
  const found = await allPages<Account>(api, `accounts?${new URLSearchParams({ q: customerId }).toString()}`)
  const account = found.find((each) => each.customerId === customerId)
  if (account !== undefined) return account.id
  throw new CliProblem(
    `There is no account with the Customer ID "${plainText(customerId)}" that this token reaches; expected one as "offhook export accounts" lists them`,
  )
}

/** `2026-11-29 10:31`, as clocks show it here. */
function timeNow(): string {
  const now = new Date()
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
  return `${day} ${two(now.getHours())}:${two(now.getMinutes())}`
}

/** The answer of `GET batches/{id}/missing`. */
interface PickList {
  readonly unscanned: number | null
  readonly items: readonly (Box & { readonly todo: string })[]
}

function missingCommand(stage: Command): void {
  const command = stage
    .command('missing')
    .description('The pick list: boxes that did not turn up or have a problem, and what to do')
    .argument('<batch>', 'its id')
    .option('--csv', 'print CSV')
  addExamples(addApiOptions(command), [
    ['offhook stage missing bat_0123', 'what is still to be unpacked, plugged in or looked at'],
    ['offhook stage missing bat_0123 --csv > pick.csv', 'the same for a table'],
  ]).action((batch: string, options) => {
    if (options.csv === true && options.json === true) throw usageProblem('give either --csv or --json, not both')
    return withApi(options, async (api) => {
      const path = batchRoute(batch, 'missing')
      if (options.csv === true) {
        return writeOutput('-', await bytesOf(await api.raw('GET', `${path}?format=csv`)))
      }
      const list = await api.call<PickList>('GET', path)
      printResult({ json: options.json === true, value: list, lines: () => pickLines(list) })
    })
  })
}

function pickLines({ unscanned, items }: PickList): readonly string[] {
  const more = unscanned === null || unscanned === 0 ? [] : [`${unscanned} that were expected are not scanned`]
  if (items.length + more.length === 0) return ['Nothing is missing']
  return [
    ...items.flatMap((item) => {
      const name = nameAndLines(item)
      const who = `${macText(item.mac)}  ${item.serial}  ${item.model}  ${item.stage}${name === '' ? '' : `  ${name}`}`
      const why = item.problem === null ? [] : [plainText(`    ${item.problem.message}`)]
      return [plainText(who), ...why, plainText(`    ${item.todo}`)]
    }),
    ...more,
  ]
}

function labelsCommand(stage: Command): void {
  const command = stage
    .command('labels')
    .description('Write labels for the phones of a batch as PDF')
    .argument('<batch>', 'its id')
    .requiredOption('--out <file>', 'where to; - is standard output')
    .addOption(new Option('--layout <layout>', 'of the paper').choices(LAYOUTS).default('a4-24'))
    .option('--mac <mac...>', 'only for these phones')
  addExamples(addApiOptions(command), [
    ['offhook stage labels bat_0123 --out labels.pdf', '24 on a sheet of A4, in the order of scanning'],
    ['offhook stage labels bat_0123 --out one.pdf --layout roll-62x29 --mac 000e08a1b2c3', 'one more of one phone'],
  ]).action((batch: string, options) => {
    if (options.out === '-' && options.json === true) throw usageProblem('--json needs a file for the labels by --out')
    return withApi(options, async (api) => {
      const query = new URLSearchParams({ layout: options.layout })
      if (options.mac !== undefined) query.set('macs', options.mac.join(','))
      const path = `${batchRoute(batch, 'labels.pdf')}?${query.toString()}`
      const bytes = await bytesOf(await api.raw('GET', path, { timeoutMs: LABELS_MS }))
      await writeOutput(options.out, bytes)
      if (options.out === '-') return
      const value = { file: options.out, bytes: bytes.length, layout: options.layout }
      printResult({
        json: options.json === true,
        value,
        lines: () => [`${quoted(options.out)}: ${bytes.length} bytes of PDF`],
      })
    })
  })
}

function removeCommand(stage: Command): void {
  const command = stage
    .command('remove')
    .description('Take a box out of a batch')
    .argument('<batch>', 'its id')
    .argument('<mac>', 'the box')
  addExamples(addApiOptions(command), [
    ['offhook stage remove bat_0123 000e08a1b2c3', 'what was scanned by mistake, or goes back to the shelf'],
  ]).action((batch: string, mac: string, options) =>
    withApi(options, async (api) => {
      const left = await api.call<Batch | undefined>('DELETE', batchRoute(batch, `boxes/${encodeURIComponent(mac)}`))
      const lines = (): readonly string[] => [`${macText(mac)} is out of the batch`]
      printResult({ json: options.json === true, value: left ?? {}, lines })
    }),
  )
}

function shipCommand(stage: Command): void {
  const command = stage
    .command('ship')
    .description('Ship a batch: it is locked; refused while a box is not ready')
    .argument('<batch>', 'its id')
    .option('--force', 'although boxes are not ready')
  addExamples(addApiOptions(command), [
    ['offhook stage ship bat_0123', 'names each box that is not ready'],
    ['offhook stage ship bat_0123 --force', 'you know which ones those are'],
  ]).action((id: string, options) =>
    withApi(options, async (api) => {
      const force = options.force === true
      const batch = await api.call<Batch>('POST', batchRoute(id, 'ship'), { force }).catch(nameBoxes)
      const lines = (): readonly string[] => [plainText(`${batch.name}: ${batch.progress.total} boxes shipped`)]
      printResult({ json: options.json === true, value: batch, lines })
    }),
  )
}

function reopenCommand(stage: Command): void {
  const command = stage.command('reopen').description('Open a shipped batch again').argument('<batch>', 'its id')
  addExamples(addApiOptions(command), [['offhook stage reopen bat_0123', 'to add a box, or to take one out']]).action(
    (id: string, options) =>
      withApi(options, async (api) => {
        const batch = await api.call<Batch>('POST', batchRoute(id, 'reopen'))
        const lines = (): readonly string[] => [plainText(`${batch.name} is open`)]
        printResult({ json: options.json === true, value: batch, lines })
      }),
  )
}

function listCommand(stage: Command): void {
  const command = stage
    .command('list')
    .description('Batches, the newest first')
    .option('--account <id>', 'of this account')
  addExamples(addApiOptions(command), [['offhook stage list', 'with how many boxes there are and should be']]).action(
    (options) =>
      withApi(options, async (api) => {
        const query = new URLSearchParams({ sort: '-createdAt' })
        if (options.account !== undefined) query.set('accountId', options.account)
        const batches = await allPages<Batch>(api, `batches?${query.toString()}`)
        if (batches.length === 0 && options.json !== true) printNote('there is no batch')
        printResult({ json: options.json === true, value: batches, lines: () => batches.map(batchLine) })
      }),
  )
}
