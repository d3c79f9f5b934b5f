/** Files of commands: read with a bound, written whole or not at all, `-` for pipes. */
import { randomBytes } from 'node:crypto'
import { constants, openSync } from 'node:fs'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { Socket } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { concatBytes } from '../protocol/bytes.ts'
import { CliProblem, usageProblem } from './exit-codes.ts'

/** Profiles have at most 1 MiB, but anything may be sealed; beyond this it is no file for a phone. */
export const INPUT_BYTES_MAX = 64 * 1024 * 1024
/** A pass phrase; the longest that a rule could name. */
const KEY_BYTES_MAX = 4096

/** @param path `-` is standard input. Throws CliProblem that says what to do. */
export async function readInput(path: string, bytesMax: number = INPUT_BYTES_MAX): Promise<Uint8Array> {
  const name = nameOf(path, 'standard input')
  if (path !== '-' && (await kindOf(path)) === 'folder') {
    throw new CliProblem(`Cannot read ${name}: it is a folder; name a file`)
  }
  const pieces: Uint8Array[] = []
  let byteCount = 0
  try {
    const stream = path === '-' ? process.stdin : await streamOf(path)
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      byteCount += piece.length
      if (byteCount > bytesMax) throw new CliProblem(`Cannot read ${name}: it has more than ${bytesMax} bytes`)
      pieces.push(piece)
    }
  } catch (error) {
    throw readable(error, `Cannot read ${name}`, 'name a file that this user may read')
  }
  return concatBytes(pieces)
}

/**
 * A named pipe is opened without waiting for its writer: a thread that waits there would keep the process from ending at
 * Ctrl-C. The event loop waits instead.
 */
async function streamOf(path: string): Promise<NodeJS.ReadableStream> {
  if (!(await isPipe(path))) return (await open(path, 'r')).createReadStream()
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}

async function isPipe(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFIFO()
  } catch {
    // Opening it says why.
    return false
  }
}

/**
 * Writes all or nothing: into a new file beside the old one, which is then renamed. A link stays a link, a device or pipe is
 * written to directly.
 *
 * @param path `-` is standard output
 * @param mode of a file that is new; one that is there keeps its own
 */
export async function writeOutput(path: string, bytes: Uint8Array, mode = 0o666): Promise<void> {
  if (path === '-') {
    process.stdout.write(bytes)
    return
  }
  const kind = await kindOf(path)
  if (kind === 'folder') throw new CliProblem(`Cannot write ${quoted(path)}: it is a folder; name a file`)
  try {
    if (kind === 'other') await writeInto(path, bytes)
    else await replaceWhole(kind === 'file' ? await realpath(path) : path, bytes, mode, kind === 'file')
  } catch (error) {
    throw readable(error, `Cannot write ${quoted(path)}`, 'name a file in a folder that this user may write to')
  }
}

async function replaceWhole(path: string, bytes: Uint8Array, mode: number, exists: boolean): Promise<void> {
  const fresh = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await open(fresh, 'wx', mode)
    await fill(file, bytes, exists ? (await stat(path)).mode & 0o7777 : undefined)
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}

async function fill(file: FileHandle, bytes: Uint8Array, mode: number | undefined): Promise<void> {
  try {
    if (mode !== undefined) await file.chmod(mode)
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function writeInto(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(bytes)
  } finally {
    await file.close()
  }
}

/** The options that name a key; exactly one of them. */
export interface KeyOptions {
  readonly key?: string
  readonly keyFile?: string
}

/**
 * The key phrase. One line end at the end of a key file does not belong to it, since editors and `echo` put one there.
 * @param input path of the file that is worked on, which cannot be standard input too
 */
export async function readKey({ key, keyFile }: KeyOptions, input: string): Promise<string | undefined> {
  if (key !== undefined && keyFile !== undefined) throw usageProblem('give either --key or --key-file, not both')
  if (keyFile === '-' && input === '-') {
    throw usageProblem('standard input cannot be both the file and the key; write one of them to a file')
  }
  const text = keyFile === undefined ? key : textOf(await readInput(keyFile, KEY_BYTES_MAX), keyFile)
  if (text === '') throw usageProblem(`the key is empty; give a phrase${keyFile === undefined ? '' : ' in the file'}`)
  return text
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    throw new CliProblem(`Cannot use ${nameOf(path, 'standard input')} as a key: it is not text in UTF-8`)
  }
}

async function kindOf(path: string): Promise<'absent' | 'file' | 'folder' | 'other'> {
  try {
    const found = await stat(path)
    return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'other'
  } catch {
    // Not there, or not to be seen: opening it says why.
    return 'absent'
  }
}

function nameOf(path: string, pipe: string): string {
  return path === '-' ? pipe : quoted(path)
}

/** A name in quotes, in one line whatever it holds. */
export function quoted(path: string): string {
  return `"${path.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is no folder',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links lead in a circle',
  EISDIR: 'it is a folder',
  EIO: 'the disk cannot be read',
}

function readable(error: unknown, what: string, advice: string): Error {
  return error instanceof CliProblem ? error : new CliProblem(`${what}: ${reasonOf(error)}; ${advice}`)
}

/** Why the system refused, in words. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? (error instanceof Error ? error.message : String(error))
}
