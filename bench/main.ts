/** `npm run bench`: our speed beside a bound or a peer that is measured in the same run. */
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { acsRows } from './acs.ts'
import { type BenchDatabases, openDatabases } from './database.ts'
import { growthRows } from './growth.ts'
import { connectionRows, type HttpStage, openStage, type Pace, profileRows, refusalRows } from './http.ts'
import { fleetRows, serverMemoryRows } from './memory.ts'
import { renderRows } from './render.ts'
import { printTable, type Row } from './row.ts'
import { tftpRows } from './tftp.ts'

const FULL: Pace = { rounds: 5, ms: 1000, few: 1000, many: 100_000 }
const QUICK: Pace = { rounds: 3, ms: 400, few: 1000, many: 10_000 }

/** What `--only` chooses from, in the order in which it runs. Those with a stage share one server. */
const STAGED: Readonly<
  Record<string, (stage: HttpStage, databases: BenchDatabases, pace: Pace) => Promise<readonly Row[]>>
> = {
  http: (stage, _databases, pace) => profileRows(stage, pace),
  tls: (stage, _databases, pace) => connectionRows(stage, pace),
  refusals: (stage, _databases, pace) => refusalRows(stage, pace),
  tftp: (stage, databases, pace) => tftpRows(stage, databases, pace, say),
  acs: (stage, databases, pace) => acsRows(stage, databases, pace),
  growth: (stage, databases, pace) => growthRows(stage, databases, pace),
}
const ALONE: Readonly<Record<string, (databases: BenchDatabases, pace: Pace) => Promise<readonly Row[]>>> = {
  render: (_databases, pace) => renderRows(pace),
  memory: (databases, pace) => serverMemoryRows(databases, pace),
  fleet: (databases, pace) => fleetRows(databases, pace),
}
const NAMES = [...Object.keys(STAGED), ...Object.keys(ALONE)]

const HELP = `npm run bench -- [--only NAME] [--quick] [--json FILE]

Measures Offhook beside a bound or a peer, and prints a table: ours, theirs, the ratio by throughput, the ratio by the
computing time of the two servers, and the aim. A round is one second (--quick: 0.4 s) of the same load on each side in
turn, ABAB, ${FULL.rounds} rounds (--quick: ${QUICK.rounds}) after one that does not count; figures are medians over the rounds, ratios
medians of the rounds' ratios. Every server and every load is a process of its own, on one machine, over loopback.

  --only NAME   ${NAMES.join(', ')}
  --quick       fewer and shorter rounds, and 10,000 devices instead of 100,000
  --json FILE   the same figures for programs
`

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}

async function run(pace: Pace, only: string | undefined): Promise<readonly Row[]> {
  const rows: Row[] = []
  function add(more: readonly Row[]): void {
    rows.push(...more)
    say(`\n${printTable(more)}`)
  }
  const databases = await openDatabases(say)
  try {
    const alone = Object.entries(ALONE).filter(([name]) => only === undefined || only === name)
    for (const [, measure] of alone) add(await measure(databases, pace))
    const staged = Object.entries(STAGED).filter(([name]) => only === undefined || only === name)
    if (staged.length > 0) await onStage(databases, pace, staged, add)
    return rows
  } finally {
    await databases.close()
  }
}

async function onStage(
  databases: BenchDatabases,
  pace: Pace,
  staged: readonly (readonly [string, (typeof STAGED)[string]])[],
  add: (rows: readonly Row[]) => void,
): Promise<void> {
  const stage = await openStage(databases, pace.few)
  try {
    for (const [, measure] of staged) add(await measure(stage, databases, pace))
  } finally {
    await stage.close()
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  const { only, json } = values
  if (values.help === true || (only !== undefined && !NAMES.includes(only))) {
    process.stdout.write(HELP)
    process.exitCode = values.help === true ? 0 : 2
    return
  }
  const rows = await run(values.quick === true ? QUICK : FULL, only)
  process.stdout.write(`${printTable(rows)}\n`)
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpuCount: cpus().length }
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ ...machine, rows }, undefined, 2)}\n`)
}

await main()
