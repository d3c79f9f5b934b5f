import { readdir, readFile, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Log } from './events.ts'

// What an earlier run may have left: a PostgreSQL whose Offhook died (an orphan), its children that have not yet
// noticed that it is gone, a dead one that nobody has reaped (a zombie), or only the file with its process number.
// PostgreSQL refuses to start over all but the last. Whoever calls holds the lock on the cluster's folder, so whatever
// runs there belongs to nobody.

const POLL_MS = 20
/** A fast stop writes what is dirty in memory; an immediate one writes nothing and recovers at the next start. */
const FAST_STOP_MS = 30_000
const IMMEDIATE_STOP_MS = 5_000
/** In a container the dead are reaped within about a second, or never. */
const ZOMBIE_WAIT_MS = 5_000

/** What `postmaster.pid` says: line 1 the process, line 8 how far it is. */
export interface PidFile {
  readonly pid: number
  readonly status: string
}

/** Reads the cluster's `postmaster.pid`; undefined when it is not there or not whole yet. */
export async function readPidFile(cluster: string): Promise<PidFile | undefined> {
  const text = await readText(join(cluster, 'postmaster.pid'))
  const lines = text?.split('\n') ?? []
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  return { pid, status: (lines[7] ?? '').trim() }
}

/** Stops and clears away whatever would keep PostgreSQL from starting on this cluster. Throws when it does not go. */
export async function clearLeftovers(cluster: string, log: Log): Promise<void> {
  const file = await readPidFile(cluster)
  const running = await processesIn(cluster)
  if (running.length > 0) {
    const oldest = running.includes(file?.pid ?? 0) ? (file?.pid ?? 0) : Math.min(...running)
    log('database-orphan-found', { pid: oldest, processCount: running.length })
    await stopAll(cluster, oldest)
    log('database-orphan-stopped', { pid: oldest })
  }
  if (file === undefined) return
  const state = await waitWhileZombie(file.pid)
  // Nothing runs in the cluster, so a live process of that number is a stranger who got the number after a restart, and
  // a zombie is the server itself. PostgreSQL cannot tell either from a running server; a number that is free, it can.
  if (state !== undefined) {
    log('database-stale-pid-file-removed', { pid: file.pid, state })
    await rm(join(cluster, 'postmaster.pid'), { force: true })
  }
}

async function stopAll(cluster: string, postmaster: number): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', IMMEDIATE_STOP_MS],
    ['SIGKILL', IMMEDIATE_STOP_MS],
  ] as const) {
    send(postmaster, signal)
    const deadline = Date.now() + waitMs
    while (Date.now() < deadline) {
      const left = await processesIn(cluster)
      if (left.length === 0) return
      // Without their parent, children get no signal passed on. They notice by themselves, mostly at once.
      if (signal !== 'SIGINT' && !left.includes(postmaster)) for (const pid of left) send(pid, signal)
      await sleep(POLL_MS)
    }
  }
  throw new Error(`Cannot stop the PostgreSQL that an earlier run left in "${cluster}" (pid ${postmaster})`)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/**
 * Waits for a zombie to be reaped, for a while. The state that the process then has: a letter of proc(5), undefined if
 * none.
 */
async function waitWhileZombie(pid: number): Promise<string | undefined> {
  const deadline = Date.now() + ZOMBIE_WAIT_MS
  for (;;) {
    const state = await stateOf(pid)
    if (state !== 'Z' || Date.now() > deadline) return state
    await sleep(POLL_MS)
  }
}

async function stateOf(pid: number): Promise<string | undefined> {
  const stat = await readText(`/proc/${pid}/stat`)
  // The name before the state is in brackets and may itself hold brackets and spaces.
  return stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
}

/**
 * The living PostgreSQL processes that work in the cluster's folder: the server and all its children make it their
 * current folder. Zombies have none. Empty where there is no /proc.
 *
 * @param cluster its real path, without symbolic links
 */
export async function processesIn(cluster: string): Promise<readonly number[]> {
  const pids = (await names('/proc')).filter((name) => /^\d+$/.test(name))
  const folders = await Promise.all(pids.map((pid) => linkOf(`/proc/${pid}/cwd`)))
  const inside = pids.filter((_, index) => folders[index] === cluster)
  // The name too, for somebody's shell may stand in the folder.
  const programs = await Promise.all(inside.map((pid) => readText(`/proc/${pid}/comm`)))
  return inside.filter((_, index) => programs[index]?.startsWith('postgres')).map(Number)
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    return absent(error, [])
  }
}

async function linkOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path)
  } catch (error) {
    return absent(error, undefined)
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    return absent(error, undefined)
  }
}

/** Processes come and go while one looks, and those of other users are closed to us: both mean "not there". */
function absent<T>(error: unknown, value: T): T {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM' || code === 'EINVAL') return value
  throw error
}
