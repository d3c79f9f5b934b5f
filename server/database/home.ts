import { createHash, randomBytes } from 'node:crypto'
import { chmod, chown, lstat, mkdir, open, readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'

import { makeDataDirectory } from './data-directory.ts'
import { areRoot, canUse, type RunAs, unprivilegedUsers } from './run-as.ts'

// Where a managed cluster lives. In place, that is <data>/postgres, where everything of one Offhook is together. When
// we are root, PostgreSQL runs as another user, who may not be able to come there at all (a clone in root's home): then
// it lives below /var/lib/offhook. A note in the data directory says where, so that nobody has to guess, and a data
// directory that was deleted and made anew gets a new cluster instead of the old one with a key that no longer fits.

/** Where clusters go that cannot be in their data directory. */
const OUTSIDE = '/var/lib/offhook'
const NOTE = 'postgres.json'
/** A socket's path has at most 107 bytes (unix(7)), and PostgreSQL adds `/.s.PGSQL.5432`. */
const SOCKET_FOLDER_BYTES_MAX = 93
/** The port is only part of the socket's name; nothing listens on the network. */
export const SOCKET_PORT = 5432
export const DATABASE_USER = 'offhook'
export const DATABASE_NAME = 'offhook'

/** How to reach a managed PostgreSQL; `host` is the folder of its socket. */
export interface Connection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

/** The folders of one managed PostgreSQL, and who runs it. */
export interface Home {
  /** Belongs to that user alone (0700), holds the cluster and mostly the socket. */
  readonly folder: string
  readonly cluster: string
  readonly socketFolder: string
  /** Undefined: we run it as ourselves. */
  readonly runAs: RunAs | undefined
}

/**
 * Finds or makes the folder of a data directory's cluster, and decides who runs it. Throws, in words, when no way is
 * left.
 */
export async function openHome(dataDir: string): Promise<Home> {
  await makeDataDirectory(dataDir)
  const noted = readNote(dataDir)
  const folder = noted === undefined ? await newFolder(dataDir) : await notedFolder(dataDir, noted.folder)
  const real = await realpath(folder)
  const { uid, gid } = await stat(real)
  if (!areRoot() && uid !== process.getuid?.()) {
    throw new Error(`Cannot use the database in "${real}": it belongs to user ${uid}. Run as that user, or as root`)
  }
  if (areRoot() && uid === 0) {
    throw new Error(
      `Cannot use the database in "${real}": it is root's, and PostgreSQL never runs as root. Use chown -R`,
    )
  }
  const runAs = areRoot() ? { uid, gid } : undefined
  return { folder: real, cluster: join(real, 'cluster'), socketFolder: await openSocketFolder(real, runAs), runAs }
}

interface Note {
  readonly folder: string
  readonly socketFolder: string
}

/**
 * Writes into the data directory where its cluster and its socket are. In place, the way is relative: the folder may be
 * moved.
 */
export async function writeNote(dataDir: string, home: Home): Promise<void> {
  const inside = relative(await realpath(dataDir), home.folder)
  const note = {
    about: 'Where the PostgreSQL that Offhook runs for this data directory keeps its files and its socket',
    folder: inside.startsWith('..') ? home.folder : inside,
    socketFolder: home.socketFolder,
  }
  await writeDurably(join(dataDir, NOTE), `${JSON.stringify(note, null, 2)}\n`)
}

/** Where the managed PostgreSQL of a data directory listens when it runs; undefined when there never was one. */
export function postgresSocketOf(dataDir: string): Connection | undefined {
  const note = readNote(resolve(dataDir))
  return note === undefined ? undefined : connectionOf(note.socketFolder)
}

export function connectionOf(socketFolder: string): Connection {
  return { host: socketFolder, port: SOCKET_PORT, user: DATABASE_USER, database: DATABASE_NAME }
}

function readNote(dataDir: string): Note | undefined {
  const file = join(dataDir, NOTE)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const note: unknown = parseJson(text)
  if (typeof note !== 'object' || note === null) throw new Error(`Cannot read "${file}": expected a JSON object`)
  const { folder, socketFolder } = note as Readonly<Record<string, unknown>>
  if (typeof folder !== 'string' || typeof socketFolder !== 'string') {
    throw new Error(`Cannot read "${file}": expected "folder" and "socketFolder"`)
  }
  return { folder, socketFolder }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

async function notedFolder(dataDir: string, noted: string): Promise<string> {
  const folder = resolve(dataDir, noted)
  if (await exists(join(folder, 'cluster', 'PG_VERSION'))) return folder
  const why = `"${join(dataDir, NOTE)}" says that the database is in "${folder}", and it is not there`
  // Making an empty one instead would look like the loss of everything.
  throw new Error(`Cannot open the database: ${why}. Bring it back, or remove that file to begin with an empty one`)
}

/** Makes the folder, in the data directory if the one who runs PostgreSQL can come there, else outside. */
async function newFolder(dataDir: string): Promise<string> {
  const inPlace = join(dataDir, 'postgres')
  if (!areRoot()) return makeFolder(inPlace, undefined)
  if (await exists(join(inPlace, 'cluster', 'PG_VERSION'))) return inPlace
  const users = await unprivilegedUsers()
  const mark = createHash('sha256')
    .update(await realpath(dataDir))
    .digest('hex')
    .slice(0, 16)
  for (const folder of [inPlace, join(OUTSIDE, `${mark}-${randomBytes(4).toString('hex')}`)]) {
    for (const user of users) {
      if (await tryFolder(folder, user)) return folder
    }
  }
  const tried = `neither in "${dataDir}" nor in "${OUTSIDE}" can the user postgres or nobody keep files`
  throw new Error(`Cannot run PostgreSQL as root, and ${tried}. Run Offhook as a plain user, or set DATABASE_URL`)
}

async function tryFolder(folder: string, user: RunAs): Promise<boolean> {
  try {
    await makeFolder(folder, user)
  } catch (error) {
    // A read-only file system, or a user that this container does not know: the next way may be open.
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
  if (await canUse(folder, user)) return true
  await removeIfEmpty(folder)
  return false
}

async function removeIfEmpty(folder: string): Promise<void> {
  if ((await readdir(folder)).length === 0) await rmdir(folder)
}

async function makeFolder(folder: string, owner: RunAs | undefined): Promise<string> {
  if (folder.startsWith(`${OUTSIDE}/`)) await mkdir(OUTSIDE, { recursive: true, mode: 0o755 })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid)
  return folder
}

/**
 * The folder of the socket: beside the cluster, or, where its path is too long, in the temporary folder under a fixed
 * name.
 */
async function openSocketFolder(home: string, runAs: RunAs | undefined): Promise<string> {
  const beside = join(home, 'socket')
  if (Buffer.byteLength(beside) <= SOCKET_FOLDER_BYTES_MAX) return makeFolder(beside, runAs)
  const mark = createHash('sha256').update(home).digest('hex').slice(0, 32)
  const away = join(Buffer.byteLength(tmpdir()) > 40 ? '/tmp' : tmpdir(), `offhook-${mark}`)
  await claimFolder(away, runAs)
  return makeFolder(away, runAs)
}

/** Anybody may make files in the temporary folder, so what lies there already must be a folder of the right owner. */
async function claimFolder(folder: string, runAs: RunAs | undefined): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found = await lstat(folder)
  const allowed = [process.getuid?.(), runAs?.uid]
  if (found.isDirectory() && allowed.includes(found.uid)) return
  throw new Error(
    `Cannot use "${folder}" for the database's socket: somebody else made it. Remove it, or use a shorter path`,
  )
}

/** Whether there is a file of that name that we can see. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return false
    throw error
  }
}

/** Writes a file so that after a power cut either the old text or the new one is there. */
async function writeDurably(file: string, text: string): Promise<void> {
  const unfinished = `${file}.${randomBytes(4).toString('hex')}.new`
  const handle = await open(unfinished, 'wx', 0o644)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(unfinished, file)
  await syncFolder(resolve(file, '..'))
}

/** Makes the names in a folder durable; what was renamed is otherwise only in memory. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes what an interrupted first start left beside the cluster. */
export async function removeUnfinished(home: Home): Promise<void> {
  const unfinished = (await readdir(home.folder)).filter((name) => name.startsWith('cluster.new'))
  for (const name of unfinished) await rm(join(home.folder, name), { recursive: true, force: true })
}
