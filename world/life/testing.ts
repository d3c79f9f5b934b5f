/** Test support: the `offhook` command as real processes, in data directories that are thrown away, on free ports. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { chmod, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Where the command is run, as by somebody who has just cloned. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Built by tools/setup.js before a whole test run; a run of single files takes the sources. */
export const COMMAND = process.env['OFFHOOK_BUILT'] === 'yes' ? ['bin/offhook.js'] : ['--import', 'tsx', 'cli/main.ts']
export const FOREIGN = /^(?:OFFHOOK_.*|DATABASE_URL|PG[A-Z]+|NODE_OPTIONS)$/
/** A machine that runs other tests too is slow at times. */
const PATIENCE_MS = 60_000
const POLL_MS = 20

/** How a process ended. */
export interface Ended {
  /** null: a signal ended it. */
  readonly code: number | null
  readonly output: string
  readonly errors: string
  readonly tookMs: number
}

/** One process in a process group of its own, as a shell would start it. */
export class Run {
  readonly #child: ChildProcess
  readonly #startedAt = performance.now()
  readonly ended: Promise<Ended>
  output = ''
  errors = ''
  isOver = false

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))
    const all = { ...Object.fromEntries(own), ...env }
    this.#child = spawn(program, args, { cwd: ROOT, env: all, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      this.output += part
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      this.errors += part
    })
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code) => {
        this.isOver = true
        const tookMs = performance.now() - this.#startedAt
        resolve({ code, output: this.output, errors: this.errors, tookMs })
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves when the output holds the text. */
  async until(text: string): Promise<void> {
    await eventually(`"${text}" in the output`, () => {
      if (this.isOver && !this.output.includes(text)) throw new Error(`It ended instead: ${this.errors.slice(0, 2000)}`)
      return this.output.includes(text)
    })
  }

  /** To the process itself, or to all of its group as Ctrl-C does. @returns how it ended, with the time that took */
  async stop(signal: NodeJS.Signals, whom: 'process' | 'group'): Promise<Ended> {
    const askedAt = performance.now()
    process.kill(whom === 'group' ? -this.pid : this.pid, signal)
    const ended = await this.ended
    return { ...ended, tookMs: performance.now() - askedAt }
  }
}

/** A data directory, ports of its own, and every process that was started on them. */
export class Place {
  readonly folder: string
  readonly dataDir: string
  readonly ports: Ports
  readonly #runs: Run[] = []

  private constructor(folder: string, ports: Ports) {
    this.folder = folder
    this.dataDir = join(folder, 'data')
    this.ports = ports
  }

  /** @param mode  of the folder: 0700 keeps the database's own user out, as in root's home */
  static async make(mode = 0o711): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), 'offhook-life-'))
    await chmod(folder, mode)
    return new Place(folder, await freePorts())
  }

  /**
   * `offhook …` on this data directory and these ports.
   *
   * @param by  what runs it, as `['setpriv', '--reuid', 'nobody']`
   */
  offhook(args: readonly string[], env: Readonly<Record<string, string>> = {}, by: readonly string[] = []): Run {
    const settings = { ...environmentOf(this.ports), OFFHOOK_DATA: this.dataDir, ...env }
    const [program = process.execPath, ...words] = [...by, process.execPath, ...COMMAND, ...args]
    return this.keep(new Run(program, words, settings))
  }

  /** Lines that somebody pastes into a shell. `./offhook` means the sources where nothing is built. */
  paste(lines: readonly string[]): Run {
    const stand =
      COMMAND[0] === 'bin/offhook.js' ? '' : `./offhook() { '${process.execPath}' ${COMMAND.join(' ')} "$@"; }`
    return this.keep(new Run('bash', ['-c', ['set -euo pipefail', stand, ...lines].join('\n')], {}))
  }

  keep(run: Run): Run {
    this.#runs.push(run)
    return run
  }

  /** Status of a GET, or 0 when nobody listens. */
  async health(): Promise<number> {
    try {
      return (await fetch(`http://127.0.0.1:${this.ports.api}/health`, { signal: AbortSignal.timeout(2000) })).status
    } catch {
      // Refused, or closed while it was asked.
      return 0
    }
  }

  /** Answer of the API with a token. */
  async api(path: string, token: string): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`http://127.0.0.1:${this.ports.api}/api/v1/${path}`, { headers })
    return { status: response.status, body: await response.json() }
  }

  /** Numbers of the processes that were started here or have to do with the folder, zombies not counted. */
  async processes(): Promise<readonly number[]> {
    const groups = new Set(this.#runs.map(({ pid }) => pid))
    const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name) && name !== String(process.pid))
    const found = await Promise.all(pids.map((pid) => concerns(pid, this.folder, groups)))
    return pids.filter((_, index) => found[index]).map(Number)
  }

  /** Resolves when no process is left; what ends by itself gets a moment. */
  async nothingLeft(): Promise<void> {
    await eventually('the end of all processes', async () => (await this.processes()).length === 0)
  }

  /** Ends what still runs, as after a test that failed, and removes every trace. */
  async clear(): Promise<void> {
    for (const pid of await this.processes()) kill(pid)
    await Promise.all(this.#runs.map((run) => run.ended))
    await this.nothingLeft()
    await removeClusterOutside(this.dataDir)
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Ends a process without asking it. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It has just ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Asks again and again; rejects after a minute, unless told to be more patient. */
export async function eventually(
  what: string,
  test: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = Date.now() + patienceMs
  while (!(await test())) {
    if (Date.now() > deadline) throw new Error(`Waited ${patienceMs / 1000} s in vain for ${what}`)
    await pause(POLL_MS)
  }
}

// --- processes

async function concerns(pid: string, folder: string, groups: ReadonlySet<number>): Promise<boolean> {
  try {
    const [stat, command, cwd] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
    ])
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state !== 'Z' && (groups.has(Number(group)) || command.includes(folder) || cwd.startsWith(folder))
  } catch {
    // It ended while we looked.
    return false
  }
}

/** The database is not in the data directory when its user may not come there. */
async function removeClusterOutside(dataDir: string): Promise<void> {
  let note: string
  try {
    note = await readFile(join(dataDir, 'postgres.json'), 'utf8')
  } catch {
    // None was made.
    return
  }
  const { folder } = JSON.parse(note) as { folder: string }
  if (folder.startsWith('/var/lib/offhook/')) await rm(folder, { recursive: true, force: true })
}

// --- ports

export interface Ports {
  readonly api: number
  readonly http: number
  readonly https: number
  readonly tftp: number
  readonly registrar: number
  readonly phone: number
}

function environmentOf(ports: Ports): Readonly<Record<string, string>> {
  const named = Object.entries(ports).map(([name, port]) => [`OFFHOOK_${name.toUpperCase()}_PORT`, String(port)])
  return {
    ...Object.fromEntries(named),
    OFFHOOK_SYSLOG_PORT: '0',
    OFFHOOK_SIP_PORT: '0',
    OFFHOOK_ACS_PORT: '0',
    OFFHOOK_ACS_TLS_PORT: '0',
  }
}

async function freePorts(): Promise<Ports> {
  const taken = new Set<number>()
  const next = () => freePort(taken)
  return {
    api: await next(),
    http: await next(),
    https: await next(),
    tftp: await next(),
    registrar: await next(),
    phone: await next(),
  }
}

/** Below those that the system gives to whoever asks for any, so that it stays free until it is used. */
async function freePort(taken: Set<number>): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000)
    if (taken.has(port)) continue
    taken.add(port)
    if ((await isFreeTcp(port)) && (await isFreeUdp(port))) return port
  }
}

function isFreeTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)))
  })
}

function isFreeUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.bind(port, '0.0.0.0', () => socket.close(() => resolve(true)))
  })
}
