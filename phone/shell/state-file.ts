/** The phone's lasting memory on disk: one JSON file, whole or not at all. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { decodeFlash, encodeFlash, FLASH_CHARS_MAX, type Flash } from '../agent/mod.ts'
import { PhoneProblem } from './problem.ts'

const FILE = 'flash.json'

/** One folder, one phone. */
export interface StateFile {
  readonly path: string
  /** @returns undefined for a phone fresh from the box. Throws PhoneProblem for a file that no phone has written. */
  read(): Flash | undefined
  /** Returns when it is safe on disk; does nothing when the same text was written last. Throws what the disk throws. */
  write(flash: Flash): void
}

/** Makes the folder if it is not there. */
export function openStateFile(stateDir: string): StateFile {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const path = join(stateDir, FILE)
  let written: string | undefined
  return {
    path,
    read() {
      const text = readText(path)
      if (text === undefined) return undefined
      const flash = decodeFlash(text)
      if (!flash.ok) throw unreadable(path, flash.error.message)
      written = text
      return flash.value
    },
    write(flash) {
      const text = encodeFlash(flash)
      if (text === written) return
      replaceFile(path, text)
      written = text
    },
  }
}

/** Back to factory state; the rest of the folder stays. */
export function removeState(stateDir: string): void {
  rmSync(join(stateDir, FILE), { force: true })
}

function readText(path: string): string | undefined {
  try {
    // Before it is read: a file of gigabytes is none of ours. One character has at most four bytes.
    if (statSync(path).size > 4 * FLASH_CHARS_MAX) throw unreadable(path, 'it is too large')
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (cause instanceof PhoneProblem) throw cause
    throw new PhoneProblem(`Cannot read the phone's memory "${path}": ${String(cause)}`, { cause })
  }
}

function unreadable(path: string, why: string): PhoneProblem {
  return new PhoneProblem(
    `Cannot use the phone's memory "${path}": ${why}. Put back a good copy, or remove the file to start from factory state.`,
  )
}

/** A power cut at any moment leaves the old text or the new one. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`
  // A left-over of an earlier power cut may have other rights.
  rmSync(temporary, { force: true })
  const file = openSync(temporary, 'wx', 0o600)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
  const folder = openSync(join(path, '..'), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
