/** `offhook stage scan`: boxes into a batch, from a scanner that types like a keyboard or from a file. */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { Command } from 'commander'
import { assertNever } from '../../protocol/result.ts'
import { addExamples } from '../examples.ts'
import { CliProblem, EXIT } from '../exit-codes.ts'
import { INPUT_BYTES_MAX, readInput } from '../files.ts'
import { endWith, printLines } from '../output.ts'
import { listenForStop, stopSignal, untilStopped } from '../signals.ts'
import { untilAnswered } from './again.ts'
import { addApiOptions, type ApiAccess, refuseFailure, withApi } from './api.ts'
import {
  endScan,
  type Half,
  halfText,
  isCsvHeader,
  NOTHING_SCANNED,
  otherHalf,
  readScan,
  type Scan,
  type ScannedBox,
} from './stage-pairing.ts'
import { isPassing } from './stage-refusal.ts'
import { type Batch, batchRoute, macText, type Note } from './stage-words.ts'
import { plainText } from './stage-width.ts'

/** A thousand boxes in one request. */
const TABLE_MS = 120_000
const BELL = '\u0007'

/** What the server did with boxes. */
interface Taken {
  readonly added: number
  readonly already: number
  readonly refused: readonly (Note & { readonly index: number; readonly line: number | null; readonly mac: string })[]
  readonly warnings: readonly Note[]
  readonly batch: Batch
}

interface Options {
  readonly json?: boolean
  readonly dryRun?: boolean
}

export function stageScanCommand(stage: Command): void {
  const command = stage
    .command('scan')
    .description('Take boxes into a batch: MAC address and serial number as a scanner types them, or a CSV file')
    .argument('<batch>', 'its id')
    .argument('[file]', 'lines as from a scanner, or CSV with a header line; without it standard input', '-')
    .option('--dry-run', 'only say what would be taken')
  addExamples(addApiOptions(command), [
    ['offhook stage scan bat_0123', 'scan box by box; x forgets half a box, q ends'],
    ['offhook stage scan bat_0123 boxes.csv', 'columns mac,serial and, if you like, model,name,line'],
  ]).action((batch: string, file: string, options) => {
    listenForStop({ staysUp: true })
    return withApi(options, (api) => scan(api, batch, file, options))
  })
}

/** What came of all lines so far. */
interface Tally {
  added: number
  already: number
  refused: number
  /** Lines that were no box, and halves that stayed alone. */
  mistakes: number
  batch: Batch
}

async function scan(api: ApiAccess, id: string, file: string, options: Options): Promise<void> {
  const batch = await api.call<Batch>('GET', batchRoute(id))
  const input = file === '-' ? process.stdin : Readable.from([Buffer.from(await readInput(file))])
  void stopSignal()
  if (file === '-' && process.stdin.isTTY && options.json !== true) printLines(introduction(batch))
  const tally: Tally = { added: 0, already: 0, refused: 0, mistakes: 0, batch }
  await takeLines(api, input, tally, options)
  if (options.json === true) printLines([JSON.stringify({ outcome: 'summary', ...summaryOf(tally) })])
  else printLines([summaryLine(tally, options.dryRun === true)])
  endWith(tally.refused + tally.mistakes === 0 ? EXIT.done : EXIT.problems)
}

function introduction(batch: Batch): readonly string[] {
  return [
    plainText(`${batch.name}: ${countOf(batch)} boxes. Scan the MAC address and the serial number of each box.`),
    'x forgets half a box, q ends.',
  ]
}

/** `12 of 50`, or `12` where nobody said how many there will be. */
function countOf({ progress, expected }: Batch): string {
  return expected === null ? String(progress.total) : `${progress.total} of ${expected}`
}

async function takeLines(api: ApiAccess, input: Readable, tally: Tally, options: Options): Promise<void> {
  const lines = createInterface({ input, terminal: false, crlfDelay: Infinity, signal: untilStopped })
  let state = NOTHING_SCANNED
  let table: { readonly lines: string[]; bytes: number } | undefined
  let isFirst = true
  for await (const line of lines) {
    if (isFirst && isCsvHeader(line)) table = { lines: [], bytes: 0 }
    isFirst &&= line.trim() === ''
    if (table !== undefined) {
      table.lines.push(line)
      table.bytes += line.length
      if (table.bytes > INPUT_BYTES_MAX) throw new CliProblem(`Cannot read more than ${INPUT_BYTES_MAX} bytes of CSV`)
      continue
    }
    const read = readScan(state, line)
    state = read.state
    for (const each of read.scans) if (each.kind !== 'end') await takeScan(api, each, tally, options)
    if (read.scans.some(({ kind }) => kind === 'end')) break
  }
  lines.close()
  const left = endScan(state)
  if (left !== undefined) await takeScan(api, left, tally, options)
  if (table !== undefined && !untilStopped.aborted) await takeTable(api, `${table.lines.join('\n')}\n`, tally, options)
}

async function takeScan(
  api: ApiAccess,
  scanned: Exclude<Scan, { kind: 'end' }>,
  tally: Tally,
  options: Options,
): Promise<void> {
  switch (scanned.kind) {
    case 'box':
      return takeBox(api, scanned.box, tally, options)
    case 'half':
      return say(options, scanned.suspicious ? suspicion(scanned.half) : `   ${waits(scanned.half)}`)
    case 'forgotten':
      return say(options, `   forgotten: ${scanned.half === undefined ? 'nothing' : halfText(scanned.half)}`)
    case 'model':
      return say(options, `   ${scanned.model} from here on`)
    case 'mistake':
      tally.mistakes++
      return say(options, `!  ${scanned.message}`, { outcome: 'mistake', message: plainText(scanned.message) })
    default:
      return assertNever(scanned)
  }
}

function waits(half: Half): string {
  return `${halfText(half)}; now its ${otherHalf(half)}`
}

/** Halves that change their order: one was left out, or the box was turned round. */
function suspicion(half: Half): string {
  return `!  ${waits(half)}, if it is the same box. Until now the ${otherHalf(half)} came first; x forgets it`
}

/** One line at once, and the bell of a terminal where it begins with `!`. With `--json` the object, if there is one. */
function say(options: Options, line: string, value?: object): void {
  if (options.json === true) return printLines(value === undefined ? [] : [JSON.stringify(value)])
  const bell = line.startsWith('!') && process.stdout.isTTY ? BELL : ''
  printLines([bell + plainText(line)])
}

/** One that is scanned while the server starts anew is not lost, and one that is sent twice is in the batch once. */
async function takeBox(api: ApiAccess, box: ScannedBox, tally: Tally, options: Options): Promise<void> {
  const body = { boxes: [box], dryRun: options.dryRun === true }
  const taken = await untilAnswered(() => api.call<Taken>('POST', batchRoute(tally.batch.id, 'boxes'), body), {
    isPassing,
    away: 'the server does not answer; the box is sent again until it does',
  })
  // Asked to end while the server was away: whoever scanned it must know that it is not there.
  if (taken === undefined) {
    tally.refused++
    return say(options, `!  ${boxText(box)}  not taken: the server did not answer`, { outcome: 'unknown', ...box })
  }
  count(tally, taken)
  const [refused] = taken.refused
  const outcome = refused !== undefined ? 'refused' : taken.already > 0 ? 'already' : 'added'
  const { total: boxes } = taken.batch.progress
  const value = { outcome, ...box, ...(refused && { code: refused.code, message: refused.message }) }
  const words = { added: 'taken', already: 'was there already', refused: `refused: ${refused?.message ?? ''}` }[outcome]
  const sign = outcome === 'refused' ? '! ' : '  '
  say(options, `${sign} ${countOf(taken.batch)}  ${boxText(box)}  ${words}`, {
    ...value,
    boxes,
    expected: taken.batch.expected,
  })
  sayWarnings(taken, options)
}

function boxText({ mac, serial, model }: ScannedBox): string {
  return [macText(mac), serial, ...(model === undefined ? [] : [model])].join('  ')
}

function sayWarnings({ warnings }: Taken, options: Options): void {
  for (const { code, message } of warnings) say(options, `!  ${message}`, { outcome: 'warning', code, message })
}

function count(tally: Tally, taken: Taken): void {
  tally.added += taken.added
  tally.already += taken.already
  tally.refused += taken.refused.length
  tally.batch = taken.batch
}

/** A whole table at once: what is refused is named, the rest is taken. */
async function takeTable(api: ApiAccess, body: string, tally: Tally, options: Options): Promise<void> {
  const query = options.dryRun === true ? '?dryRun=true' : ''
  const path = `${batchRoute(tally.batch.id, 'boxes/csv')}${query}`
  const response = await api.raw('POST', path, { body, type: 'text/csv', timeoutMs: TABLE_MS })
  await refuseFailure(response)
  const taken = (await response.json()) as Taken
  count(tally, taken)
  for (const { line, mac, code, message } of taken.refused) {
    const place = line === null ? '' : `line ${line}  `
    say(options, `!  ${place}${macText(mac)}  refused: ${message}`, { outcome: 'refused', line, mac, code, message })
  }
  sayWarnings(taken, options)
}

function summaryOf({ added, already, refused, mistakes, batch }: Tally): object {
  return { added, already, refused, mistakes, boxes: batch.progress.total, expected: batch.expected }
}

function summaryLine({ added, already, refused, mistakes, batch }: Tally, isDryRun: boolean): string {
  const words = [
    `${added} ${isDryRun ? 'would be taken' : 'taken'}`,
    ...(already > 0 ? [`${already} there already`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
    ...(mistakes > 0 ? [`${mistakes} not readable as a box`] : []),
  ]
  return `${words.join(', ')}; ${countOf(batch)} in the batch`
}
