/** The same work with few and with many devices stored: it should take no longer. */
import type { BenchDatabases } from './database.ts'
import { type HttpStage, keepAliveRound, measure, openStage, type Pace, sealedPath } from './http.ts'
import { LARGE_EVERY } from './provider.ts'
import type { Row } from './row.ts'
import { interleave, type Load } from './rounds.ts'
import type { TftpLoad, TftpLoadCalls } from './tftp-load-worker.ts'
import { startWorker, type Worker } from './worker.ts'

/** Noise of a shared machine over the rounds of one run. */
const FLAT = 0.85
const CONNECTIONS = 64

interface Work {
  readonly what: string
  readonly unit: string
  readonly forget: boolean
  readonly run: (stage: HttpStage) => Promise<Load>
}

export async function growthRows(few: HttpStage, databases: BenchDatabases, pace: Pace): Promise<readonly Row[]> {
  const many = await openStage(databases, pace.many)
  const tftp = startWorker<TftpLoadCalls>('tftp-load-worker')
  const rows: Row[] = []
  try {
    for (const work of worksOf(pace, tftp)) {
      for (const stage of [few, many]) await stage.platform.call('forgetBeforeEach', { forget: work.forget })
      const compared = await interleave(
        pace.rounds,
        () => work.run(many),
        () => work.run(few),
      )
      rows.push({
        group: 'growth',
        what: work.what,
        unit: work.unit,
        ours: compared.ours.perSecond,
        beside: { name: `with ${pace.few.toLocaleString('en')} devices`, value: compared.bound.perSecond },
        ratio: compared.ratio,
        cpuRatio: compared.cpuRatio,
        aim: { text: `≥ ${FLAT}`, met: compared.ratio >= FLAT },
        rounds: pace.rounds,
      })
    }
    await few.platform.call('forgetBeforeEach', { forget: false })
    return rows
  } finally {
    await Promise.all([many.close(), tftp.stop()])
  }
}

function worksOf({ ms, many }: Pace, tftp: Worker<TftpLoadCalls>): readonly Work[] {
  const named = (what: string): string => `${many.toLocaleString('en')} devices, ${what}`
  const sealed = {
    paths: Array.from({ length: 500 }, (_, index) => sealedPath(index)).filter(
      (_, index) => index % LARGE_EVERY !== LARGE_EVERY - 1,
    ),
    connections: CONNECTIONS,
    ms,
  }
  const unknown = Array.from({ length: 500 }, (_, index) => `/s/${index.toString(16).padStart(32, 'c')}.cfg`)
  const http = (stage: HttpStage): Promise<Load> => keepAliveRound(stage, { ...sealed, port: stage.ports.http })
  const own = (stage: HttpStage): Promise<Load> =>
    keepAliveRound(stage, {
      paths: ['/cisco-init'],
      connections: CONNECTIONS,
      tls: stage.tls,
      ms,
      port: stage.ports.https,
    })
  const refused = (stage: HttpStage): Promise<Load> =>
    keepAliveRound(stage, { paths: unknown, connections: 512, status: 404, ms, port: stage.ports.http })
  return [
    { what: named('own profile, facts cached'), unit: 'req/s', forget: false, run: own },
    { what: named('sealed profile, facts cached'), unit: 'req/s', forget: false, run: http },
    { what: named('sealed profile, facts not cached'), unit: 'req/s', forget: true, run: http },
    { what: named('new connections'), unit: 'conn/s', forget: false, run: (stage) => connect(stage, ms) },
    { what: named('refusals'), unit: 'req/s', forget: false, run: refused },
    { what: named('TFTP, blocks of 512'), unit: 'files/s', forget: false, run: (stage) => readFiles(stage, tftp, ms) },
  ]
}

function connect({ load, platform, ports, tls }: HttpStage, ms: number): Promise<Load> {
  const wanted = { paths: ['/cisco-init'], status: 200, connections: 16, tls, ms, resume: false, port: ports.https }
  return measure({ cpuMs: () => platform.call('cpuMs', undefined), run: () => load.call('connections', wanted) })
}

async function readFiles({ platform, ports }: HttpStage, tftp: Worker<TftpLoadCalls>, ms: number): Promise<Load> {
  const names = Array.from({ length: 16 }, (_, index) => sealedPath((index + 1) * LARGE_EVERY - 1))
  const wanted: TftpLoad = { host: '127.0.0.1', port: ports.tftp, names, blockSize: 512, atOnce: 64, ms }
  const byteCount = await tftp.call('size', wanted)
  const run = async (): Promise<number> => (await tftp.call('run', { ...wanted, byteCount })).perSecond
  return measure({ cpuMs: () => platform.call('cpuMs', undefined), run })
}
