/**
 * A real Kea: kea-dhcp4 or kea-dhcp6 in a network namespace of its own, where no lease meets a network of the machine, with its files
 * and its control socket in a folder of its own. It goes when its owner goes, also when that is killed. Only root may
 * make such a namespace.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from './kamailio.ts'

export interface Kea {
  /** Its control socket. */
  readonly socket: string
  /** The file that it was started with, and that `config-write` writes. */
  readonly file: string
  /** One command by its socket, as any client asks. Throws with what Kea says against it. @returns its arguments */
  ask(command: string, args?: object): Promise<unknown>
  /** A control agent before it, with a user and a password, on a loopback port. */
  agent(user: string, password: string): Promise<string>
  /** Resolves when all of it has ended. */
  stop(): Promise<void>
}

/** The hook that tells and takes leases. */
export const LEASE_HOOK = { library: '/usr/lib/x86_64-linux-gnu/kea/hooks/libdhcp_lease_cmds.so' }

/** Debian puts it where the PATH of a plain user does not lead. */
const PATH = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter)
/** A machine that runs other tests too is slow at times. */
const START_MS_MAX = 30_000
const STOP_MS_MAX = 10_000
const POLL_MS = 50
const COMPLAINT_CHARS_MAX = 4000

/**
 * The shell becomes the program, in a process group of its own. What it leaves behind holds our end of a pipe: when that
 * closes, by `stop` or because we are gone, the group, the namespace and the folder go.
 */
const WATCHED =
  'exec 3<&0; (cat <&3; trap "" TERM; kill -TERM -$$; [ -z "$1" ] || ip netns del "$1"; rm -rf "$0") >/dev/null 2>&1 & shift; exec "$@" 3<&- </dev/null'

/** How a Kea is started that has all of its files in one folder. */
export interface KeaInFolder {
  readonly command: readonly [string, ...string[]]
  readonly env: NodeJS.ProcessEnv
  readonly file: string
  /** What it writes to stdout when it takes requests. */
  readonly started: string
}

/**
 * Writes `kea-dhcp4.conf` or `kea-dhcp6.conf` into the folder. Debian's Kea keeps its files where only systemd makes folders
 * for them; here they are beside it, its leases too if the text does not say where.
 * @param text  its whole configuration, also with comments
 */
export function keaInFolder(folder: string, text: string): KeaInFolder {
  const [head, family] = /"Dhcp([46])":\s*\{/.exec(text) ?? []
  if (head === undefined || family === undefined) throw new Error('A configuration of Kea has "Dhcp4" or "Dhcp6"')
  const own = {
    'lease-database': { type: 'memfile', persist: true, name: join(folder, 'leases.csv') },
    ...(family === '6' ? { 'server-id': { type: 'LL', persist: false } } : {}),
  }
  const missing = Object.entries(own)
    .filter(([key]) => !text.includes(`"${key}":`))
    .map(([key, value]) => `"${key}": ${JSON.stringify(value)},`)
  const file = join(folder, `kea-dhcp${family}.conf`)
  writeFileSync(file, text.replace(head, [head, ...missing].join(' ')))
  return { command: [`kea-dhcp${family}`, '-c', file], env: folderEnv(folder), file, started: `DHCP${family}_STARTED` }
}

function folderEnv(folder: string): NodeJS.ProcessEnv {
  const folders = ['PIDFILE', 'LOCKFILE', 'CONTROL_SOCKET', 'DHCP_DATA'].map((what) => [`KEA_${what}_DIR`, folder])
  return { PATH, ...Object.fromEntries(folders), KEA_LOGGER_DESTINATION: 'stdout' }
}

/** @param given  its configuration beside interfaces, control socket and lease database */
export async function startKea(given: Readonly<Record<string, unknown>>, family: 4 | 6 = 4): Promise<Kea> {
  const program = `kea-dhcp${family}`
  if (spawnSync(program, ['-v'], { env: { PATH } }).error !== undefined) {
    throw new Error(`Cannot run "${program}": install the Debian packages ${program}-server and kea-ctrl-agent`)
  }
  const folder = await mkdtemp(join(tmpdir(), 'offhook-kea-'))
  const space = makeNamespace()
  const socket = join(folder, 'control')
  const config = {
    'interfaces-config': { interfaces: ['phones'], ...(family === 4 ? { 'dhcp-socket-type': 'raw' } : {}) },
    'control-socket': { 'socket-type': 'unix', 'socket-name': socket },
    ...given,
  }
  const { command, file, started } = keaInFolder(folder, JSON.stringify({ [`Dhcp${family}`]: config }))
  const daemon = start(folder, space, ['ip', 'netns', 'exec', space, ...command])
  await daemon.says(started)
  let agentRun: Run | undefined
  return {
    socket,
    file,
    ask: (command, args) => ask(socket, command, args),
    async agent(user, password) {
      const [run, url] = await startAgent(socket, user, password)
      agentRun = run
      return url
    },
    async stop() {
      await agentRun?.end()
      await daemon.end()
    },
  }
}

/** Done, or nothing found. */
const RIGHT: readonly unknown[] = [0, 3]

async function ask(path: string, command: string, args?: object): Promise<unknown> {
  const socket = connect({ path })
  socket.write(JSON.stringify({ command, ...(args === undefined ? {} : { arguments: args }) }))
  let text = ''
  for await (const piece of socket) text += String(piece)
  const answer = JSON.parse(text) as { readonly result: number; readonly text?: string; readonly arguments?: unknown }
  if (!RIGHT.includes(answer.result)) throw new Error(`${command}: ${answer.text}`)
  return answer.arguments
}

async function startAgent(socket: string, user: string, password: string): Promise<readonly [Run, string]> {
  const folder = await mkdtemp(join(tmpdir(), 'offhook-kea-agent-'))
  const [file, port] = [join(folder, 'agent.conf'), await freePort()]
  const clients = [{ user, password }]
  const agent = {
    'http-host': '127.0.0.1',
    'http-port': port,
    'control-sockets': { dhcp4: { 'socket-type': 'unix', 'socket-name': socket } },
    authentication: { type: 'basic', realm: 'test', clients },
  }
  await writeFile(file, JSON.stringify({ 'Control-agent': agent }), { mode: 0o600 })
  const run = start(folder, '', ['kea-ctrl-agent', '-c', file])
  await run.says('CTRL_AGENT_STARTED')
  return [run, `http://127.0.0.1:${port}/`]
}

/** With an interface that leads nowhere: Kea does not start without any. */
function makeNamespace(): string {
  const space = `ofk${process.pid}${randomBytes(3).toString('hex')}`
  const steps = [
    ['netns', 'add', space],
    ['-n', space, 'link', 'set', 'lo', 'up'],
    ['-n', space, 'link', 'add', 'phones', 'type', 'veth', 'peer', 'name', 'peer'],
    ['-n', space, 'addr', 'add', '192.0.2.1/24', 'dev', 'phones'],
    // There is nobody else, so nobody is asked: Kea opens its sockets on addresses that are good at once.
    ['-n', space, 'link', 'set', 'phones', 'addrgenmode', 'none'],
    ['-n', space, '-6', 'addr', 'add', 'fe80::1/64', 'dev', 'phones', 'nodad'],
    ['-n', space, '-6', 'addr', 'add', '2001:db8:1::1/64', 'dev', 'phones', 'nodad'],
    ['-n', space, 'link', 'set', 'phones', 'up'],
    ['-n', space, 'link', 'set', 'peer', 'up'],
  ]
  for (const step of steps) {
    const done = spawnSync('ip', step, { env: { PATH } })
    if (done.status !== 0) throw new Error(`ip ${step.join(' ')}: ${done.error?.message ?? done.stderr.toString()}`)
  }
  return space
}

interface Run {
  /** Resolves when it has written this; rejects with what it wrote when it ends before. */
  says(word: string): Promise<void>
  end(): Promise<void>
}

function start(folder: string, space: string, command: readonly string[]): Run {
  const child: ChildProcess = spawn('sh', ['-c', WATCHED, folder, space, ...command], {
    env: folderEnv(folder),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (piece: Buffer) => (said = `${said}${piece.toString()}`.slice(-COMPLAINT_CHARS_MAX)))
  }
  child.stdin?.on('error', () => undefined)
  const closed = once(child, 'close')
  return {
    async says(word) {
      const deadline = Date.now() + START_MS_MAX
      while (!said.includes(word)) {
        if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${command.join(' ')}: ${said}`)
        await pause(POLL_MS)
      }
    },
    async end() {
      child.stdin?.end()
      await Promise.race([closed, pause(STOP_MS_MAX)])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
