import { randomBytes } from 'node:crypto'
import { chmod, open, readdir, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { err, ok, type Result } from '../../protocol/result.ts'
import { makeDataDirectory } from './data-directory.ts'

// One Offhook per data directory. Each process that wants the folder first opens a listening socket of its own in it,
// under a name that nobody else will ever use, and only then looks for the sockets of others. Of two that come at the
// same moment at least one therefore sees the other, and the smaller ticket wins. A socket that refuses connections
// belongs to a process that is dead and stays dead, so removing it can never remove the lock of a living one, however
// the steps interleave.
//
// A socket is better than a file with a process number: the kernel closes it on kill -9, and numbers are used again. It
// also works between containers that share a volume, where process numbers mean nothing.

/** A rival that announced itself must be gone, or hold the lock, within this time. Longer means that it hangs. */
const RIVAL_WAIT_MS = 5_000
const RIVAL_POLL_MS = 20
/** A living holder answers at once unless its event loop is busy; then it still counts as living. */
const ANSWER_WAIT_MS = 1_000
const ANSWER_CHARS_MAX = 1_000
/** Sockets of killed processes are removed at the next start, so a folder with more than this is not ours. */
const SOCKETS_MAX = 1_000

/** Why a folder could not be locked; the message is ready to be shown. */
export interface LockProblem {
  readonly code: 'in-use' | 'unwritable'
  readonly message: string
}

/** Held until `release`, or until the process ends in whatever way. */
export interface Lock {
  readonly release: () => Promise<void>
}

/**
 * Takes the data directory for this process, and makes it when it is not there.
 *
 * @param what who we are, in words that a refused person understands: `offhook serve`
 */
export async function lockDataDirectory(dataDir: string, what: string): Promise<Result<Lock, LockProblem>> {
  const folder = resolve(dataDir)
  const subject = `Cannot use data directory "${folder}"`
  try {
    await makeDataDirectory(folder)
    return await lockFolder(folder, { name: 'lock', what, subject })
  } catch (error) {
    return err({
      code: 'unwritable',
      message: `${subject}: ${errorText(error)}. It must be a folder that this user may write to`,
    })
  }
}

/** What tells one lock of a folder from another, and what is said about it. */
export interface LockOptions {
  /** Two locks of different names in one folder know nothing of each other. Lower case letters. */
  readonly name: string
  readonly what: string
  /** How the message begins: `Cannot use data directory "/x"`. */
  readonly subject: string
}

/** Takes a lock in a folder that exists. Throws when the folder cannot be written. */
export async function lockFolder(folder: string, options: LockOptions): Promise<Result<Lock, LockProblem>> {
  const ticket = randomBytes(8).toString('hex')
  const ours = await announce(folder, options, ticket)
  try {
    const rival = await outlastRivals(folder, options.name, ours.file, ticket)
    if (rival === undefined) {
      ours.hold()
      return ok({ release: ours.release })
    }
    await ours.release()
    return err({
      code: 'in-use',
      message: `${options.subject}: ${describe(rival)}. Stop it first, or choose another folder`,
    })
  } catch (error) {
    await ours.release()
    throw error
  }
}

interface Announcement {
  readonly file: string
  hold(): void
  readonly release: () => Promise<void>
}

/**
 * Opens our socket under its visible name. It listens before it can be seen, or a rival might take it for a dead one.
 */
async function announce(folder: string, options: LockOptions, ticket: string): Promise<Announcement> {
  const file = `${options.name}-${ticket}.sock`
  const since = new Date().toISOString()
  let held = false
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(JSON.stringify({ what: options.what, pid: process.pid, ticket, held, since }))
  })
  const way = await shortWay(folder)
  try {
    await listen(server, join(way.path, `.${file}`))
    await chmod(join(folder, `.${file}`), 0o600)
    await rename(join(folder, `.${file}`), join(folder, file))
  } catch (error) {
    server.close()
    await rm(join(folder, `.${file}`), { force: true })
    await way.close()
    throw error
  }
  server.unref()
  let released: Promise<void> | undefined
  async function leave(): Promise<void> {
    await rm(join(folder, file), { force: true })
    await new Promise((done) => server.close(done))
    await way.close()
  }
  return {
    file,
    hold() {
      held = true
    },
    release() {
      released ??= leave()
      return released
    },
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed)
    server.listen({ path }, () => {
      server.off('error', failed)
      // What can fail from here on is one connection, and that one will be tried again by whoever made it.
      server.on('error', () => server.unref())
      done()
    })
  })
}

/**
 * Waits while there are rivals that must give way to us. The rival that we must give way to, or nothing when the lock
 * is ours.
 */
async function outlastRivals(folder: string, name: string, ours: string, ticket: string): Promise<Rival | undefined> {
  const deadline = Date.now() + RIVAL_WAIT_MS
  for (;;) {
    const rivals = await livingRivals(folder, name, ours)
    if (rivals.length === 0) return undefined
    const winner = rivals.find((rival) => rival.held || rival.ticket < ticket)
    if (winner !== undefined) return winner
    if (Date.now() > deadline) return rivals[0]
    await sleep(RIVAL_POLL_MS)
  }
}

interface Rival {
  readonly held: boolean
  readonly ticket: string
  /** Absent when it lives but does not answer. */
  readonly who: string | undefined
}

async function livingRivals(folder: string, name: string, ours: string): Promise<readonly Rival[]> {
  const sockets = (await readdir(folder)).filter(
    (file) => file.startsWith(`${name}-`) && file.endsWith('.sock') && file !== ours,
  )
  if (sockets.length > SOCKETS_MAX) throw new Error(`${sockets.length} locks lie in it, expected one`)
  const way = await shortWay(folder)
  try {
    const rivals = await Promise.all(sockets.map((file) => probe(join(way.path, file))))
    const dead = sockets.filter((_, index) => rivals[index] === undefined)
    await Promise.all(dead.map((file) => rm(join(folder, file), { force: true })))
    return rivals.filter((rival) => rival !== undefined)
  } finally {
    await way.close()
  }
}

/** Lives and says nothing: it holds the lock for all that we can know. */
const SILENT: Rival = { held: true, ticket: '', who: undefined }
/** Was caught while it came or went, so ask again: its ticket is larger than any. */
const UNCLEAR: Rival = { held: false, ticket: '~', who: undefined }

/** Asks the process behind a socket who it is. Nothing when there is none any more. */
function probe(path: string): Promise<Rival | undefined> {
  return new Promise((done) => {
    const socket = connect({ path })
    let text = ''
    const timer = setTimeout(() => finish(SILENT), ANSWER_WAIT_MS)
    function finish(rival: Rival | undefined): void {
      clearTimeout(timer)
      socket.destroy()
      done(rival)
    }
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => {
      text += part
      if (text.length > ANSWER_CHARS_MAX) finish(SILENT)
    })
    socket.on('end', () => finish(text === '' ? UNCLEAR : (readAnswer(text) ?? SILENT)))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Refused: the file is there and no process behind it. Absent: it went between our two looks. Anything else
      // (reset by one that is leaving, too many waiting connections) is a living process until shown otherwise.
      finish(error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? undefined : UNCLEAR)
    })
  })
}

function readAnswer(text: string): Rival | undefined {
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer !== 'object' || answer === null) return undefined
    const { what, pid, ticket, held } = answer as Readonly<Record<string, unknown>>
    if (typeof ticket !== 'string' || typeof held !== 'boolean') return undefined
    return { ticket, held, who: `${String(what)} (pid ${String(pid)})` }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function describe(rival: Rival): string {
  return rival.who === undefined ? 'a process that does not answer is using it' : `${rival.who} is running there`
}

/**
 * A socket's path has at most 107 bytes (unix(7)), a folder's may have 4096. Through an open descriptor the way to any
 * folder is short, and the socket still lies in the folder itself, where every other process finds it whatever its
 * temporary folder is.
 */
async function shortWay(folder: string): Promise<{ readonly path: string; close(): Promise<void> }> {
  if (process.platform !== 'linux') return { path: folder, close: () => Promise.resolve() }
  const handle = await open(folder, 'r')
  return { path: `/proc/self/fd/${handle.fd}`, close: () => handle.close() }
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
