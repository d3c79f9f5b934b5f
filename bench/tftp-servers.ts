/** TFTP servers that others wrote, each with one folder of files. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { accessSync, constants } from 'node:fs'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface TftpPeer {
  readonly name: string
  readonly port: number
  stop(): Promise<void>
}

interface Program {
  readonly name: string
  /** Where it may be: unpacked by `tools/setup.js --bench`, or installed. */
  readonly paths: readonly string[]
  readonly args: (folder: string, port: number) => readonly string[]
  /** dnsmasq always listens there. */
  readonly port?: number
}

/** `tools/setup.js` unpacks peers here. */
const UNPACKED = fileURLToPath(new URL('../node_modules/.offhook-bench/', import.meta.url))

const PROGRAMS: readonly Program[] = [
  {
    name: 'tftpd-hpa',
    // Not `/usr/sbin/in.tftpd`, which atftpd calls itself, too.
    paths: [`${UNPACKED}tftpd-hpa/usr/sbin/in.tftpd`],
    args: (folder, port) => ['-L', '-4', '-u', 'root', '-a', `127.0.0.1:${port}`, '-s', folder],
  },
  {
    name: 'atftpd',
    paths: [`${UNPACKED}atftpd/usr/sbin/atftpd`, '/usr/sbin/atftpd'],
    args: (folder, port) => [
      '--daemon',
      '--no-fork',
      '--user',
      'root',
      '--group',
      'root',
      '--maxthread',
      '1000',
      '--bind-address',
      '127.0.0.1',
      '--port',
      String(port),
      '--logfile',
      '/dev/null',
      folder,
    ],
  },
  {
    name: 'dnsmasq',
    paths: ['/usr/sbin/dnsmasq'],
    port: 69,
    args: (folder) => [
      '--keep-in-foreground',
      '--user=root',
      '--port=0',
      '--conf-file=/dev/null',
      '--pid-file=',
      '--listen-address=127.0.0.1',
      '--bind-interfaces',
      '--enable-tftp',
      '--tftp-max=1000',
      '--log-facility=/dev/null',
      `--tftp-root=${folder}`,
    ],
  },
]

const START_MS = 3000

/** Starts those that are installed and may run here. @param say told why one is left out */
export async function startPeers(folder: string, say: (text: string) => void): Promise<readonly TftpPeer[]> {
  const peers: TftpPeer[] = []
  for (const program of PROGRAMS) {
    const port = program.port ?? (await freePort())
    const started = await start(program, folder, port)
    if (typeof started === 'string') say(`${program.name} is left out: it ${started}`)
    else peers.push({ name: program.name, port, stop: () => stop(started) })
  }
  return peers
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function start(program: Program, folder: string, port: number): Promise<ChildProcess | string> {
  const path = program.paths.find(isRunnable)
  if (path === undefined) return 'is not installed'
  const child = spawn(path, program.args(folder, port), { stdio: 'ignore' })
  const gone = once(child, 'exit').then(() => 'ended at once (most need root)')
  const deadline = performance.now() + START_MS
  while (performance.now() < deadline) {
    if (await answers(port)) return child
    const ended = await Promise.race([gone, pause(50)])
    if (ended !== undefined) return ended
  }
  await stop(child)
  return 'did not answer'
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}

/** Whether a file that is not there is refused by it. */
async function answers(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    socket.on('error', () => undefined)
    socket.send(Buffer.from('\0\u0001no-such-file\0octet\0', 'latin1'), port, '127.0.0.1')
    return await Promise.race([once(socket, 'message').then(() => true), pause(200).then(() => false)])
  } finally {
    socket.close()
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound))
  const { port } = socket.address()
  await new Promise<void>((closed) => socket.close(() => closed()))
  return port
}
