/** Sealed profiles by TFTP, 64 at once, beside three servers that others wrote, which send files of the same size. */
import { mkdir, writeFile } from 'node:fs/promises'
import type { BenchDatabases } from './database.ts'
import { type HttpStage, type Pace, sealedPath } from './http.ts'
import { LARGE_EVERY } from './provider.ts'
import type { RelayCalls } from './relay-worker.ts'
import { ratioAim, type Row } from './row.ts'
import { median, percentile } from './rounds.ts'
import type { TftpLoad, TftpLoadCalls, TftpResult } from './tftp-load-worker.ts'
import { startPeers } from './tftp-servers.ts'
import { startWorker, type Worker } from './worker.ts'

const AT_ONCE = 64
const FILES = 16
const LOSS = 0.01
/** A round lasts until its slowest transfer is through, which takes some servers many seconds. */
const LOSS_ROUNDS = 3
const LOSS_MS = 500
const P95_AIM_MS = 600

interface Side {
  readonly name: string
  readonly port: number
  readonly names: readonly string[]
}

interface Stage {
  readonly sides: readonly Side[]
  readonly load: Worker<TftpLoadCalls>
  readonly byteCount: number
}

export async function tftpRows(
  http: HttpStage,
  databases: BenchDatabases,
  pace: Pace,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  const load = startWorker<TftpLoadCalls>('tftp-load-worker')
  const names = Array.from({ length: FILES }, (_, index) => sealedPath((index + 1) * LARGE_EVERY - 1))
  const ours: Side = { name: 'ours', port: http.ports.tftp, names }
  const byteCount = await load.call('size', { ...wanted(ours, 512), ms: 0 })
  const folder = databases.folder('tftp')
  const peers = await startPeers(await makeFiles(folder, byteCount), say)
  const theirs = peers.map(({ name, port }): Side => ({ name, port, names: fileNames() }))
  const stage: Stage = { sides: [ours, ...theirs], load, byteCount }
  try {
    const rows: Row[] = []
    for (const blockSize of [512, 1428]) rows.push(...(await throughput(stage, blockSize, pace)))
    return [...rows, ...(await underLoss(stage, pace))]
  } finally {
    for (const peer of peers) await peer.stop()
    await load.stop()
  }
}

function fileNames(): readonly string[] {
  return Array.from({ length: FILES }, (_, index) => `f${index}`)
}

/** Open to every user: some of the servers run as another. */
async function makeFiles(folder: string, byteCount: number): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  for (const name of fileNames())
    await writeFile(`${folder}/${name}`, new Uint8Array(byteCount).fill(7), { mode: 0o644 })
  return folder
}

function wanted(side: Side, blockSize: number): Omit<TftpLoad, 'ms'> {
  return { host: '127.0.0.1', port: side.port, names: side.names, blockSize, atOnce: AT_ONCE }
}

/** Each round asks all sides in turn. */
async function rounds(stage: Stage, sides: readonly Side[], blockSize: number, pace: Pace, ms: number) {
  const results = new Map<string, TftpResult[]>(sides.map(({ name }) => [name, []]))
  for (let round = 0; round <= pace.rounds; round++) {
    for (const side of sides) {
      const result = await stage.load.call('run', { ...wanted(side, blockSize), byteCount: stage.byteCount, ms })
      if (round > 0) results.get(side.name)?.push(result)
    }
  }
  return results
}

async function throughput(stage: Stage, blockSize: number, pace: Pace): Promise<readonly Row[]> {
  const results = await rounds(stage, stage.sides, blockSize, pace, pace.ms)
  const ours = results.get('ours') ?? []
  const rows = stage.sides.slice(1).map(({ name }): Row => {
    const theirs = results.get(name) ?? []
    const ratio = median(ours.map((result, round) => result.perSecond / (theirs[round]?.perSecond ?? Number.NaN)))
    const least = name === 'tftpd-hpa' ? 2 : name === 'atftpd' && blockSize === 1428 ? 0.8 : undefined
    return {
      group: 'tftp',
      what: `${Math.round(stage.byteCount / 1024)} KiB in blocks of ${blockSize}, ${AT_ONCE} at once`,
      unit: 'files/s',
      ours: median(ours.map(({ perSecond }) => perSecond)),
      beside: { name, value: median(theirs.map(({ perSecond }) => perSecond)) },
      ratio,
      ...(least === undefined ? {} : { aim: ratioAim(ratio, least) }),
      rounds: pace.rounds,
    }
  })
  const failed = stage.sides.map(({ name }) => [name, failures(results.get(name) ?? [])] as const)
  return rows.concat(
    failed.filter(([, count]) => count > 0).map(([name, count]) => failureRow(name, blockSize, count, pace)),
  )
}

function failures(results: readonly TftpResult[]): number {
  return results.reduce((sum, { failedCount }) => sum + failedCount, 0)
}

function failureRow(name: string, blockSize: number, count: number, { rounds: played }: Pace): Row {
  return {
    group: 'tftp',
    what: `failed transfers of ${name}, blocks of ${blockSize}`,
    unit: '',
    ours: count,
    rounds: played,
  }
}

/** The same through a relay that loses one datagram in a hundred, each way. */
async function underLoss(stage: Stage, pace: Pace): Promise<readonly Row[]> {
  const relay = startWorker<RelayCalls>('relay-worker')
  try {
    const lossy: Side[] = []
    for (const side of stage.sides) {
      lossy.push({ ...side, port: await relay.call('open', { port: side.port, loss: LOSS, seed: 1 }) })
    }
    const few = { ...pace, rounds: Math.min(pace.rounds, LOSS_ROUNDS) }
    const results = await rounds(stage, lossy, 512, few, LOSS_MS)
    const p95 = (name: string): number =>
      median((results.get(name) ?? []).map((each) => percentile(each.durationsMs, 0.95)))
    const ours = p95('ours')
    const common = { group: 'tftp', what: '95 % of transfers within, 1 % loss', unit: 'ms', ours, rounds: few.rounds }
    const aim = { text: `≤ ${P95_AIM_MS} ms`, met: ours <= P95_AIM_MS }
    return lossy.slice(1).map(({ name }) => {
      return { ...common, beside: { name, value: p95(name) }, ratio: p95(name) / ours, aim }
    })
  } finally {
    await relay.stop()
  }
}
