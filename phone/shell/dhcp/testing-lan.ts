/**
 * A small network of its own for tests: a bridge with as many network namespaces on it as are asked for, made by `ip` of
 * iproute2 and gone after `clear()`. Needs root. Nothing outside can be reached from it, and nothing reaches in.
 *
 *     namespace "server" (192.168.77.1/24 on oh0)        namespace "desk" (no address on oh0)
 *              |                                                   |
 *              +--------- veth --------- bridge --------- veth ----+          (the bridge is in a namespace, too)
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What every namespace calls its interface to the others. */
export const LAN_INTERFACE = 'oh0'
const BRIDGE = 'br0'
/** From SIGTERM to SIGKILL. */
const PATIENCE_MS = 8000
let lanCount = 0

export interface Ran {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** A program in a namespace, with everything that it has said. */
export interface Running {
  readonly process: ChildProcess
  /** Lines of stdout and stderr, in the order of their coming. */
  readonly lines: readonly string[]
  /** Resolves with the first line that fits, from line `from` on; rejects with all lines when the program ends before. */
  line(fits: RegExp | ((line: string) => boolean), from?: number): Promise<string>
  readonly ended: Promise<Ran>
  /** SIGTERM, and SIGKILL to what does not hear it. */
  stop(signal?: NodeJS.Signals): Promise<Ran>
}

export interface Namespace {
  /** As `ip netns` knows it. */
  readonly name: string
  /** Runs a program to its end. */
  exec(command: string, args: readonly string[]): Promise<Ran>
  /** Starts a program that stays; it is ended by `clear()` at the latest. */
  run(command: string, args: readonly string[], options?: RunOptions): Running
  /** `ip -n NAMESPACE …`. @returns what it printed. Throws when it fails */
  ip(...args: readonly string[]): string
  /** The IPv4 and IPv6 addresses of its interface with their prefix lengths, link-local ones left out. */
  addresses(): readonly string[]
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

export interface Lan {
  /** A new namespace on the bridge. @param address  e.g. `192.168.77.1/24`; without one its interface is up and has none */
  namespace(label: string, address?: string): Namespace
  /** A folder that goes with the network. */
  folder(): string
  /** Ends all programs, removes all namespaces and folders. May be called again, and after any failure. */
  clear(): Promise<void>
}

/** Makes the bridge. Throws when that cannot be done: not root, no `ip`. */
export function makeLan(): Lan {
  lanCount += 1
  const prefix = `oh${process.pid}x${lanCount}`
  const names: string[] = []
  const folders: string[] = []
  const programs = new Set<Running>()
  function add(label: string): string {
    const name = `${prefix}${label}`
    ip('netns', 'add', name)
    names.push(name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
    return name
  }
  async function clear(): Promise<void> {
    await Promise.all([...programs].map((program) => program.stop()))
    programs.clear()
    // A pair of interfaces goes with either of its namespaces.
    for (const name of names.splice(0).reverse()) ip('netns', 'delete', name)
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  }
  const middle = add('-bridge')
  ip('-n', middle, 'link', 'add', BRIDGE, 'type', 'bridge')
  ip('-n', middle, 'link', 'set', BRIDGE, 'up')
  return {
    namespace(label, address) {
      const name = add(`-${label}`)
      plug(middle, name, `p${names.length}`)
      if (address !== undefined) ip('-n', name, 'address', 'add', address, 'dev', LAN_INTERFACE)
      return namespaceOf(name, programs)
    },
    folder() {
      const folder = mkdtempSync(join(tmpdir(), 'offhook-lan-'))
      folders.push(folder)
      return folder
    },
    clear,
  }
}

/** A cable from the namespace to the bridge. */
function plug(middle: string, name: string, port: string): void {
  ip('-n', middle, 'link', 'add', port, 'type', 'veth', 'peer', 'name', LAN_INTERFACE, 'netns', name)
  ip('-n', middle, 'link', 'set', port, 'master', BRIDGE, 'up')
  ip('-n', name, 'link', 'set', LAN_INTERFACE, 'up')
}

function namespaceOf(name: string, programs: Set<Running>): Namespace {
  const inside = (command: string, args: readonly string[]): string[] => ['netns', 'exec', name, command, ...args]
  return {
    name,
    exec: (command, args) => watch(spawn('ip', inside(command, args), { stdio: ['ignore', 'pipe', 'pipe'] })).ended,
    run(command, args, options = {}) {
      const running = watch(spawn('ip', inside(command, args), { stdio: ['ignore', 'pipe', 'pipe'], ...options }))
      programs.add(running)
      return running
    },
    ip: (...args) => ip('-n', name, ...args),
    addresses() {
      const shown = ip('-n', name, '-json', 'address', 'show', 'dev', LAN_INTERFACE)
      const [link] = JSON.parse(shown) as readonly { addr_info: readonly AddressInfo[] }[]
      return (link?.addr_info ?? [])
        .filter(({ scope }) => scope !== 'link')
        .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    },
  }
}

interface AddressInfo {
  readonly local: string
  readonly prefixlen: number
  readonly scope: string
}

interface Waiting {
  readonly look: () => void
}

function watch(child: ChildProcess): Running {
  const lines: string[] = []
  const waiting = new Set<Waiting>()
  const said = { output: '', errors: '' }
  const rest = { output: '', errors: '' }
  for (const [stream, part] of [
    [child.stdout, 'output'],
    [child.stderr, 'errors'],
  ] as const) {
    stream?.setEncoding('utf8')
    stream?.on('data', (chunk: string) => {
      said[part] += chunk
      const whole = (rest[part] + chunk).split('\n')
      rest[part] = whole.pop() ?? ''
      lines.push(...whole)
      for (const each of waiting) each.look()
    })
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  function line(fits: RegExp | ((line: string) => boolean), from = 0): Promise<string> {
    const matches = (text: string): boolean => (typeof fits === 'function' ? fits(text) : fits.test(text))
    const found = new Promise<string>((resolve) => {
      const each: Waiting = {
        look() {
          const first = lines.slice(from).find(matches)
          if (first === undefined) return
          waiting.delete(each)
          resolve(first)
        },
      }
      waiting.add(each)
      each.look()
    })
    const early = ended.then(() => Promise.reject(new Error(`It ended before ${String(fits)}:\n${lines.join('\n')}`)))
    return Promise.race([found, early])
  }
  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ran> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    const hard = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    const result = await ended
    clearTimeout(hard)
    return result
  }
  return { process: child, lines, line, ended, stop }
}

function ip(...args: readonly string[]): string {
  return execFileSync('ip', [...args], { encoding: 'utf8' })
}

/**
 * A DHCP server (dnsmasq) in a namespace that has an address; it logs every message and does not probe addresses first.
 * Without `port=…` among the options it answers no DNS.
 * @param options  lines of its configuration without the dashes, e.g. `dhcp-range=192.168.77.50,192.168.77.99,120`
 * @returns when it takes requests
 */
export async function serveDhcp(namespace: Namespace, folder: string, options: readonly string[]): Promise<Running> {
  const files = [`dhcp-leasefile=${join(folder, 'leases')}`, `pid-file=${join(folder, 'pid')}`]
  const port = options.some((option) => option.startsWith('port=')) ? [] : ['port=0']
  const fixed = ['conf-file=/dev/null', `interface=${LAN_INTERFACE}`, 'bind-interfaces', 'user=root', 'no-resolv']
  const lines = [...fixed, 'no-hosts', 'no-ping', 'log-dhcp', ...port, ...files, ...options]
  const args = ['--no-daemon', '--log-facility=-', ...lines.map((line) => `--${line}`)]
  const server = namespace.run('dnsmasq', args)
  await server.line(/sockets bound exclusively to interface/)
  return server
}
