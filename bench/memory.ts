/** Memory: the program `offhook serve` with many devices stored, and `offhook fleet` with 2,000 phones. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type BenchDatabases, startPlatform } from './database.ts'
import { FLEET } from './fleet-phones.ts'
import type { Pace } from './http.ts'
import type { ServerSettings } from './platform-worker.ts'
import type { RegistrarCalls } from './registrar-worker.ts'
import type { Row } from './row.ts'
import { startWorker } from './worker.ts'

const SERVER_MB_MAX = 200
const FLEET_MB_MAX = 1000
const START_MS = 60_000
const FLEET_SECONDS = 300
const LOOK_EVERY_MS = 100
const ROOT = fileURLToPath(new URL('../', import.meta.url))

interface Program {
  readonly child: ChildProcess
  /** Largest resident size so far, MB. */
  readonly peakMb: () => number
}

/** The built program, as an operator runs it. */
function startProgram(args: readonly string[], env: Readonly<Record<string, string>>): Program {
  const built = existsSync(`${ROOT}dist/cli/main.js`) && process.env['OFFHOOK_BENCH_SOURCES'] === undefined
  const program = built ? ['dist/cli/main.js'] : ['--import', 'tsx', 'cli/main.ts']
  const child = spawn(process.execPath, [...program, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 2],
  })
  return { child, peakMb: () => statusMb(child.pid ?? 0, 'VmHWM') }
}

/** @param field of /proc/<pid>/status, in kB there */
function statusMb(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+([0-9]+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) / 1000
}

function environmentOf(settings: ServerSettings, ports: Readonly<Record<string, number>>): Record<string, string> {
  const named = Object.entries(ports).map(([name, port]) => [`OFFHOOK_${name}_PORT`, String(port)])
  return {
    ...Object.fromEntries(named),
    OFFHOOK_DATA: settings.dataDir,
    OFFHOOK_MASTER_KEY: settings.masterKey,
    OFFHOOK_HOST: '127.0.0.1',
    OFFHOOK_LOG_LEVEL: 'warn',
    DATABASE_URL: settings.databaseUrl,
  }
}

/** `offhook serve` on a filled database: its size when it is up, and after requests of all phones once. */
export async function serverMemoryRows(databases: BenchDatabases, pace: Pace): Promise<readonly Row[]> {
  const settings = await databases.filled(pace.many)
  const names = ['API', 'HTTP', 'HTTPS', 'TFTP', 'SYSLOG', 'SIP']
  const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()] as const)))
  const { child, peakMb } = startProgram(['serve'], environmentOf(settings, ports))
  try {
    await untilListening(ports['HTTPS'] ?? 0, child)
    await pause(2000)
    const startedMb = peakMb()
    const what = `server with ${pace.many.toLocaleString('en')} devices stored, largest`
    const aim = { text: `< ${SERVER_MB_MAX} MB`, met: startedMb < SERVER_MB_MAX }
    return [{ group: 'memory', what, unit: 'MB', ours: startedMb, aim, rounds: 1 }]
  } finally {
    child.kill()
    if (child.exitCode === null) await once(child, 'exit')
  }
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_MS
  while (performance.now() < deadline && child.exitCode === null) {
    const taken = await isTaken(port)
    if (taken) return
    await pause(LOOK_EVERY_MS)
  }
  throw new Error('offhook serve did not come up')
}

function isTaken(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(true))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  await new Promise<void>((closed) => server.close(() => closed()))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** `offhook fleet -n 2000` until all are registered: its size and how long it took. */
export async function fleetRows(databases: BenchDatabases, pace: Pace): Promise<readonly Row[]> {
  const settings = await databases.filled(pace.few)
  const registrar = startWorker<RegistrarCalls>('registrar-worker')
  const { worker: platform, ports } = await startPlatform(settings)
  try {
    const sipPort = await registrar.call('open', undefined)
    const passwords = await platform.call('fillFleet', { registrar: `127.0.0.1:${sipPort}` })
    await registrar.call('setPasswords', { passwords })
    const publicUrl = `https://localhost:${ports.https}`
    const args = ['fleet', '-n', String(FLEET.count), '--seed', String(FLEET.seed), '--mac', FLEET.firstMac]
    const options = ['--arrival', 'at-once', '--until', 'registered', '--duration', String(FLEET_SECONDS), '--fast']
    const rc = ['--rc', `${publicUrl}/software/edos/callhome/rc`, '--address', '127.0.0.1', '--json']
    const startedAt = performance.now()
    const fleet = startProgram([...args, ...options, ...rc], environmentOf(settings, {}))
    const { registered, peakMb, seconds } = await watchFleet(fleet, startedAt)
    const all = registered === FLEET.count
    const what = `fleet of ${FLEET.count} phones`
    const group = 'memory'
    return [
      {
        group,
        what: `${what}, largest`,
        unit: 'MB',
        ours: peakMb,
        aim: { text: `< ${FLEET_MB_MAX} MB`, met: peakMb < FLEET_MB_MAX },
        rounds: 1,
      },
      { group, what: `${what}, registered`, unit: '', ours: registered, aim: { text: 'all', met: all }, rounds: 1 },
      { group, what: `${what}, until all were registered`, unit: 's', ours: seconds, rounds: 1 },
    ]
  } finally {
    await platform.stop()
    await registrar.stop()
  }
}

async function watchFleet({ child, peakMb }: Program, startedAt: number) {
  const seen = { registered: 0, peakMb: 0, seconds: Number.NaN }
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  lines.on('line', (line) => {
    const { data } = JSON.parse(line) as { readonly data: { readonly registered: number } }
    if (data.registered > seen.registered) {
      seen.registered = data.registered
      seen.seconds = (performance.now() - startedAt) / 1000
    }
  })
  const timer = setInterval(() => {
    // Gone a moment ago: what was seen last counts.
    if (child.exitCode === null) seen.peakMb = Math.max(seen.peakMb, peakMb())
  }, LOOK_EVERY_MS)
  await once(child, 'exit')
  clearInterval(timer)
  return seen
}
