/** Profiles over kept connections, new connections, and refusals, each beside a bare server that sends the same bytes. */
import { get } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { BareCalls } from './bare-worker.ts'
import { type BenchDatabases, type PlatformPorts, type PlatformWorker, startPlatform } from './database.ts'
import type { HttpLoad, HttpLoadCalls } from './http-load-worker.ts'
import { benchDevice, LARGE_EVERY } from './provider.ts'
import { ratioAim, type Row } from './row.ts'
import { type Compared, interleave, type Load } from './rounds.ts'
import { startWorker, type Worker } from './worker.ts'

export interface Pace {
  readonly rounds: number
  readonly ms: number
  /** Devices in the smaller and the larger database. */
  readonly few: number
  readonly many: number
}

/** Phones with a connection each. */
const CONNECTIONS = 64
/** Facts that have to be loaded take a moment, so it takes more phones to keep server and database busy. */
const LOADING_CONNECTIONS = 256
/** Refusals wait a moment, so it takes more connections to keep the server busy. */
const REFUSED_CONNECTIONS = 1024
/** Devices from this number on are in no database. */
const STRANGERS_FROM = 900_000
const XML = 'text/xml; charset=utf-8'

/** Everything that the rows of HTTP stand on: a server of ours, a bare one, a load. */
export interface HttpStage {
  readonly platform: PlatformWorker
  readonly ports: PlatformPorts
  readonly bare: Worker<BareCalls>
  readonly barePorts: {
    readonly https: number
    readonly sealed: number
    readonly refused: number
    readonly refusedTls: number
  }
  readonly load: Worker<HttpLoadCalls>
  readonly tls: NonNullable<HttpLoad['tls']>
  /** Phones with a right certificate that nobody has entered. */
  readonly strangers: NonNullable<HttpLoad['tls']>
  close(): Promise<void>
}

export async function openStage(databases: BenchDatabases, count: number): Promise<HttpStage> {
  const settings = await databases.filled(count)
  const { worker: platform, ports } = await startPlatform(settings)
  const indexes = Array.from(
    { length: LOADING_CONNECTIONS },
    (_, index) => index + Math.floor(index / (LARGE_EVERY - 1)),
  )
  const { phones, bare: bareTls, caPem } = await platform.call('certificates', { indexes })
  const unknown = Array.from({ length: 8 }, (_, index) => STRANGERS_FROM + index)
  const strangers = { caPem, phones: (await platform.call('certificates', { indexes: unknown })).phones }
  const bare = startWorker<BareCalls>('bare-worker')
  const sealed = await fetchBytes(ports.http, sealedPath(0))
  const load = startWorker<HttpLoadCalls>('http-load-worker')
  const tls = { caPem, phones }
  const own = await fetchOwn(load, ports.https, tls)
  const barePorts = {
    https: await bare.call('https', { tls: bareTls, status: 200, contentType: XML, body: own }),
    refusedTls: await bare.call('https', { tls: bareTls, status: 404, contentType: '', body: new Uint8Array(0) }),
    sealed: await bare.call('http', { status: 200, contentType: 'application/octet-stream', body: sealed }),
    refused: await bare.call('http', { status: 404, contentType: '', body: new Uint8Array(0) }),
  }
  return {
    platform,
    ports,
    bare,
    barePorts,
    load,
    tls,
    strangers,
    async close() {
      await Promise.all([load.stop(), bare.stop(), platform.stop()])
    },
  }
}

/** Path of the sealed profile of a device. */
export function sealedPath(index: number): string {
  return `/s/${benchDevice(index).profilePath}.cfg?k=1`
}

async function fetchOwn(load: Worker<HttpLoadCalls>, port: number, tls: HttpStage['tls']): Promise<Uint8Array> {
  return load.call('one', { port, paths: ['/cisco-init'], status: 200, connections: 1, tls, ms: 0 })
}

function fetchBytes(port: number, path: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const asked = get({ port, path, host: '127.0.0.1', agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(new Uint8Array(Buffer.concat(chunks)))
        else reject(new Error(`${path} was answered with ${answer.statusCode}`))
      })
    })
    asked.on('error', reject)
  })
}

interface Measured {
  readonly cpuMs: () => Promise<number>
  readonly run: () => Promise<number>
}

/** One round of one side. */
export async function measure({ cpuMs, run }: Measured): Promise<Load> {
  const before = await cpuMs()
  const startedAt = performance.now()
  const perSecond = await run()
  const count = perSecond * ((performance.now() - startedAt) / 1000)
  return { perSecond, cpuMs: ((await cpuMs()) - before) / count }
}

export function keepAliveRound(
  { load, platform }: Pick<HttpStage, 'load' | 'platform'>,
  options: Omit<HttpLoad, 'status'> & { readonly status?: number },
): Promise<Load> {
  const run = (): Promise<number> => load.call('keepAlive', { status: 200, ...options })
  return measure({ cpuMs: () => platform.call('cpuMs', undefined), run })
}

/** The same load on the bare server. */
export function bareRound(
  stage: HttpStage,
  call: 'keepAlive' | 'connections',
  options: HttpLoad & { resume: boolean },
) {
  return measure({ cpuMs: () => stage.bare.call('cpuMs', undefined), run: () => stage.load.call(call, options) })
}

/** Kept connections: the own profile over HTTPS and the sealed one over HTTP; facts known, and not known. */
export async function profileRows(stage: HttpStage, pace: Pace): Promise<readonly Row[]> {
  const rows: Row[] = []
  const { ms, rounds } = pace
  const smallPaths = Array.from({ length: 1000 }, (_, index) => index)
    .filter((index) => index % LARGE_EVERY !== LARGE_EVERY - 1)
    .map(sealedPath)
  for (const forget of [false, true]) {
    const connections = forget ? LOADING_CONNECTIONS : CONNECTIONS
    // Each connection is another phone's: nothing that one of them has loaded serves another.
    const tls = { ...stage.tls, phones: stage.tls.phones.slice(0, connections) }
    const own = { paths: ['/cisco-init'], connections, tls, ms }
    const sealed = { paths: smallPaths, connections, ms }
    await stage.platform.call('forgetBeforeEach', { forget })
    const facts = forget ? 'facts not cached' : 'facts cached'
    const aim = forget ? 0.3 : 0.6
    const https = await interleave(
      rounds,
      () => keepAliveRound(stage, { ...own, port: stage.ports.https }),
      () => bareRound(stage, 'keepAlive', { ...own, status: 200, port: stage.barePorts.https, resume: false }),
    )
    rows.push(
      rowOf({ group: 'https', what: `own 8 KiB profile, ${facts}`, unit: 'req/s', bound: 'node:https' }, https, aim),
    )
    const http = await interleave(
      rounds,
      () => keepAliveRound(stage, { ...sealed, port: stage.ports.http }),
      () => bareRound(stage, 'keepAlive', { ...sealed, status: 200, port: stage.barePorts.sealed, resume: false }),
    )
    rows.push(
      rowOf({ group: 'http', what: `sealed 8 KiB profile, ${facts}`, unit: 'req/s', bound: 'node:http' }, http, aim),
    )
  }
  await stage.platform.call('forgetBeforeEach', { forget: false })
  return rows
}

/** New connections with a client certificate, one request on each; then the same with the session resumed. */
export async function connectionRows(stage: HttpStage, pace: Pace): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const resume of [false, true]) {
    const common = { paths: ['/cisco-init'], status: 200, connections: 16, tls: stage.tls, ms: pace.ms, resume }
    const compared = await interleave(
      pace.rounds,
      () =>
        measure({
          cpuMs: () => stage.platform.call('cpuMs', undefined),
          run: () => stage.load.call('connections', { ...common, port: stage.ports.https }),
        }),
      () => bareRound(stage, 'connections', { ...common, port: stage.barePorts.https }),
    )
    const what = resume ? 'resumed connections' : 'new connections'
    rows.push(rowOf({ group: 'tls', what, unit: 'conn/s', bound: 'node:https' }, compared, 0.85))
  }
  return rows
}

/** What nobody knows: paths over HTTP, and phones whose certificate is right over HTTPS. Beside a bare 404. */
export async function refusalRows(stage: HttpStage, pace: Pace): Promise<readonly Row[]> {
  const paths = Array.from({ length: 1000 }, (_, index) =>
    index % 2 === 0 ? `/s/${index.toString(16).padStart(32, 'c')}.cfg?k=1` : `/admin/${index}`,
  )
  const common = { connections: REFUSED_CONNECTIONS, status: 404, ms: pace.ms }
  const http = { ...common, paths }
  const https = { ...common, connections: REFUSED_CONNECTIONS / 2, paths: ['/cisco-init'], tls: stage.strangers }
  const idlePerMs = await statementsPerMs(stage, () => pause(BACKGROUND_MS))
  const startedAt = performance.now()
  const before = await stage.platform.call('statementCount', undefined)
  const overHttp = await interleave(
    pace.rounds,
    () => keepAliveRound(stage, { ...http, port: stage.ports.http }),
    () => bareRound(stage, 'keepAlive', { ...http, port: stage.barePorts.refused, resume: false }),
  )
  const overHttps = await interleave(
    pace.rounds,
    () => keepAliveRound(stage, { ...https, port: stage.ports.https }),
    () => bareRound(stage, 'keepAlive', { ...https, port: stage.barePorts.refusedTls, resume: false }),
  )
  const counted = (await stage.platform.call('statementCount', undefined)) - before
  const statements = Math.max(0, counted - idlePerMs * (performance.now() - startedAt))
  const asked = (overHttp.ours.perSecond + overHttps.ours.perSecond) * pace.rounds * (pace.ms / 1000)
  const group = 'refusals'
  return [
    rowOf({ group, what: 'unknown paths, HTTP', unit: 'req/s', bound: 'node:http 404' }, overHttp, 0.7),
    rowOf({ group, what: 'unknown phones, HTTPS', unit: 'req/s', bound: 'node:https 404' }, overHttps, 0.7),
    {
      group,
      what: 'database statements for 1,000 of them, besides those of an idle server',
      unit: '',
      ours: (statements * 1000) / asked,
      rounds: pace.rounds,
      // Their timeline is written in batches of 500 rows, beside the answers.
      aim: { text: 'batches only', met: (statements * 1000) / asked < 5 },
    },
  ]
}

/** So long an idle server is watched for the statements of its own jobs. */
const BACKGROUND_MS = 5000

async function statementsPerMs({ platform }: HttpStage, work: () => Promise<void>): Promise<number> {
  const before = await platform.call('statementCount', undefined)
  const startedAt = performance.now()
  await work()
  return ((await platform.call('statementCount', undefined)) - before) / (performance.now() - startedAt)
}

interface Names {
  readonly group: string
  readonly what: string
  readonly unit: string
  readonly bound: string
}

export function rowOf({ group, what, unit, bound }: Names, compared: Compared, aim: number): Row {
  return {
    group,
    what,
    unit,
    ours: compared.ours.perSecond,
    beside: { name: bound, value: compared.bound.perSecond },
    ratio: compared.ratio,
    cpuRatio: compared.cpuRatio,
    aim: ratioAim(compared.ratio, aim),
    rounds: compared.rounds,
  }
}
