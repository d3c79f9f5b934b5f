/** `offhook fleet`: many virtual phones in one process, and what was measured. */
import { type Command, Option } from 'commander'
import type { Hardware, PhoneEvent } from '../phone/agent/mod.ts'
import {
  type Arrival,
  type Fleet,
  type FleetCounts,
  type FleetOptions,
  type FleetSummary,
  type Spread,
  startFleet,
} from '../phone/fleet/mod.ts'
import { PhoneProblem } from '../phone/shell/mod.ts'
import { parseMacAddress, parseProductName, type ProductName } from '../protocol/identity.ts'
import type { Millis } from '../protocol/result.ts'
import { readBoxes } from './boxes.ts'
import { EXIT } from './exit-codes.ts'
import { printJsonEvent } from './face.ts'
import { openLab } from './lab.ts'
import { endWith, printLines } from './output.ts'
import {
  addCommonOptions,
  certificateFiles,
  type CommonOptions,
  dataDirFrom,
  DEFAULT_RELEASE,
  dhcpOn,
  FAST,
  leaseFrom,
  linkFrom,
  rcUrlFrom,
  readOption,
} from './phone.ts'
import { stopSignal } from './signals.ts'

/** Of a terminal that does not say its width. */
const COLUMNS = 80
/** A day; longer runs are for the server's own numbers. */
const DURATION_SECONDS_MAX = 86_400

interface Options extends CommonOptions {
  readonly boxes?: string
  readonly count: string
  readonly seed: string
  readonly mac: string
  readonly model: string
  readonly arrival: string
  readonly until: string
  readonly duration: string
}

export function registerFleetCommand(program: Command): void {
  const command = program
    .command('fleet')
    .description('Run many virtual phones and measure what they get')
    .addOption(
      new Option('--boxes <file>', 'these phones: CSV with the header mac,serial,model').conflicts([
        'count',
        'mac',
        'model',
      ]),
    )
    .option('-n, --count <n>', 'how many phones', '50')
    .option('--seed <n>', 'chooses serial numbers, delays and arrivals', '1')
    .option('--mac <mac>', 'MAC address of the first one', '000e08100000')
    .option('--model <products>', 'product names, comma-separated, given out in turn', 'CP-8851-3PCC')
    .option('--arrival <pattern>', 'at-once, even:<seconds>, random:<seconds> or poisson:<phones a second>', 'even:10')
    .option('--until <state>', 'end when all are provisioned or registered, or only by time (never)', 'provisioned')
    .option('--duration <seconds>', 'end at the latest after this time', '600')
  addCommonOptions(command).action((options: Options) => run(options))
}

async function run(options: Options): Promise<void> {
  const seconds = wholeOf('--duration', options.duration, DURATION_SECONDS_MAX)
  const reached = goalOf(options.until)
  const planned = fleetOptions(options)
  const link = await linkFrom(options)
  try {
    await live({ ...planned, lease: planned.lease ?? dhcpOn(link) }, { options, seconds, reached })
  } finally {
    await link?.close()
  }
}

interface Goal {
  readonly options: Options
  readonly seconds: number
  readonly reached: (counts: FleetCounts) => boolean
}

async function live(planned: FleetOptions, { options, seconds, reached }: Goal): Promise<void> {
  const fleet = open(options.json === true ? { ...planned, onEvent: writeEvent } : planned)
  const progress = progressOf(options.json === true)
  const report = setInterval(() => progress.show(fleet.counts()), progress.everyMs)
  try {
    const end = fleet.until(reached, seconds * 1000).then(
      () => 'reached',
      () => 'out of time',
    )
    await Promise.race([end, stopSignal()])
  } finally {
    clearInterval(report)
    const summary = fleet.summary()
    await fleet.stop({ leaving: true })
    progress.clear()
    if (options.json === true) writeJson('fleet-summary', summary)
    else printLines(summaryLines(summary))
    if (options.until !== 'never') endWith(hasAll(options.until, summary) ? EXIT.done : EXIT.problems)
  }
}

/** Whether every phone came there; one that is broken ends the waiting, and did not. */
function hasAll(goal: string, { phones, provisioned, registered }: FleetCounts): boolean {
  return (goal === 'registered' ? registered : provisioned) >= phones
}

interface Progress {
  readonly everyMs: number
  show(counts: FleetCounts): void
  /** Before anything else is printed. */
  clear(): void
}

/** On a terminal one line that is written again and again, else a line now and then; on stderr, so that stdout is the summary. */
function progressOf(json: boolean): Progress {
  const { stderr } = process
  if (json) return { everyMs: 2000, show: (counts) => writeJson('fleet', counts), clear: () => undefined }
  if (!stderr.isTTY) {
    return { everyMs: 5000, show: (counts) => stderr.write(`${printCounts(counts)}\n`), clear: () => undefined }
  }
  return {
    everyMs: 250,
    // A line that wraps could not be taken back.
    show: (counts) => stderr.write(`\r\x1b[K${printCounts(counts).slice(0, (stderr.columns || COLUMNS) - 1)}`),
    clear: () => stderr.write('\r\x1b[K'),
  }
}

function open(options: FleetOptions): Fleet {
  try {
    return startFleet(options)
  } catch (cause) {
    if (cause instanceof RangeError) throw new PhoneProblem(cause.message, { cause })
    throw cause
  }
}

/** Without a lease when DHCP is to give them. */
type Planned = Omit<FleetOptions, 'lease'> & { readonly lease?: FleetOptions['lease'] }

function fleetOptions(options: Options): Planned {
  const files = certificateFiles(options)
  const dataDir = dataDirFrom(options.data)
  const firstMac = readOption('--mac', options.mac, parseMacAddress, '12 hex digits')
  const release = options.firmware?.replace(/^[^.]*\./, '') ?? DEFAULT_RELEASE
  const lease = options.interface === undefined ? leaseFrom(options) : undefined
  if (firstMac === undefined) throw new PhoneProblem('--mac is missing')
  return {
    ...(options.boxes === undefined ? {} : { boxes: readBoxes(options.boxes) }),
    count: wholeOf('--count', options.count, Number.MAX_SAFE_INTEGER),
    seed: wholeOf('--seed', options.seed, 2 ** 32 - 1),
    firstMac,
    models: options.model.split(',').map(modelOf),
    release,
    rcUrl: rcUrlFrom(options.rc),
    clientCertificate: files === undefined ? dataDir !== undefined : files.certPem !== undefined,
    arrival: arrivalOf(options.arrival),
    ...(lease === undefined ? {} : { lease: () => lease }),
    tls: files !== undefined || dataDir === undefined ? (files ?? {}) : certificatesFrom(dataDir),
    ...(options.fast === true ? { policies: FAST } : {}),
  }
}

function certificatesFrom(dataDir: string): FleetOptions['tls'] {
  const issue = openLab(dataDir)
  return ({ mac, serial, productName: model }) => issue({ mac, serial, model })
}

function modelOf(text: string): ProductName {
  const product = parseProductName(text)
  if (product === undefined)
    throw new PhoneProblem(`--model "${text}" is no product name; expected one like CP-8851-3PCC`)
  return product
}

/** @throws PhoneProblem for what is no pattern */
export function arrivalOf(text: string): Arrival {
  if (text === 'at-once') return { kind: 'at-once' }
  const [, kind, number] = /^(even|random|poisson):([0-9]{1,6}(?:\.[0-9]{1,6})?)$/.exec(text) ?? []
  const value = Number(number)
  if (kind === 'even' || kind === 'random') return { kind, overMs: value * 1000 }
  if (kind === 'poisson' && value > 0) return { kind, perSecond: value }
  throw new PhoneProblem(`--arrival "${text}" cannot be: expected at-once, even:10, random:10 or poisson:5`)
}

function goalOf(text: string): (counts: FleetCounts) => boolean {
  switch (text) {
    case 'provisioned':
      return ({ provisioned, broken, phones }) => provisioned + broken >= phones
    case 'registered':
      return ({ registered, broken, phones }) => registered + broken >= phones
    case 'never':
      return () => false
    default:
      throw new PhoneProblem(`--until "${text}" cannot be: expected provisioned, registered or never`)
  }
}

function wholeOf(name: string, text: string, most: number): number {
  const value = Number(text)
  if (/^[0-9]{1,15}$/.test(text) && value <= most) return value
  throw new PhoneProblem(`${name} "${text}" is no whole number from 0 to ${most}`)
}

function writeJson(name: 'fleet' | 'fleet-summary', counts: FleetCounts | FleetSummary): void {
  const line = { at: new Date().toISOString(), name, text: printCounts(counts), data: counts }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** What a phone has come to: its address, its lines, what went wrong. */
const TOLD: ReadonlySet<string> = new Set([
  'dhcp-lease',
  'dhcp-lost',
  'dhcp-ignored',
  'registered',
  'unregistered',
  'registration-failed',
  'resync-failed',
  'power-failed',
  'phone-failed',
])

function writeEvent({ mac, serial }: Hardware, event: PhoneEvent, at: Millis): void {
  if (TOLD.has(event.name)) printLines([printJsonEvent({ ...event, data: { mac, serial, ...event.data } }, at)])
}

function printCounts(counts: FleetCounts): string {
  const { phones, started, provisioned, registered, failed, broken, requests } = counts
  const trouble = `${failed} failed${broken > 0 ? `, ${broken} broken` : ''}`
  return `${started} of ${phones} phones on, ${provisioned} provisioned, ${registered} registered, ${trouble}, ${requests} requests`
}

function summaryLines(summary: FleetSummary): readonly string[] {
  const { phones, provisioned, registered, broken, requests, bytesReceived } = summary
  return [
    `phones          ${phones}: ${provisioned} provisioned, ${registered} registered${broken > 0 ? `, ${broken} broken` : ''}`,
    `trouble         ${listOf(summary.troubles, 'none')}`,
    `requests        ${requests}, ${bytesReceived} bytes received`,
    `answers         ${listOf(summary.outcomes, 'none')}`,
    `exchange        ${printSpread(summary.latency)}`,
    `to provisioned  ${printSpread(summary.toProvisioned)}`,
    `to registered   ${printSpread(summary.toRegistered)}`,
  ]
}

function listOf(counts: Readonly<Record<string, number>>, none: string): string {
  const texts = Object.entries(counts).map(([name, count]) => `${name} (${count})`)
  return texts.length === 0 ? none : texts.join(', ')
}

function printSpread(spread: Spread | undefined): string {
  if (spread === undefined) return 'nothing measured'
  const [median, p95, max] = [spread.medianMs, spread.p95Ms, spread.maxMs].map((ms) => `${ms.toFixed(1)} ms`)
  return `p50 ${median}, p95 ${p95}, longest ${max} (${spread.count})`
}
