/**
 * The `.loads` file: which load it is and which parts belong to it.
 *
 * A real one is a signed binary list that only phones read (MPP §6). For virtual phones its content is text:
 *
 *     offhook-load 1 sip88xx.12-0-2MPP0001-609
 *     part rootfs88xx.12-0-2MPP0001-609.sbn 6100000 <sha256, 64 hex digits>
 *     part kern88xx.12-0-2MPP0001-609.sbn 15000 <sha256>
 *
 * Any other content is taken as opaque: the load is named by the file, and it has no parts.
 */
import { createHash } from 'node:crypto'
import { bytesToHex, utf8Bytes, utf8Text } from '../bytes.ts'
import { err, ok, type Result } from '../result.ts'

/** Bytes of a `.loads` file; real ones have a few kilobytes, but content that is opaque may be a whole image. */
export const LOADS_BYTES_MAX = 256 * 1024 * 1024
/** Bytes of one part; the largest of 88xx 12.0.7 has about 61 MB (MPP §6). */
export const PART_BYTES_MAX = 256 * 1024 * 1024
/** Parts of one load; 88xx 12.0.7 has 15 (MPP §6). */
export const PARTS_MAX = 64
/** Characters of a load or part name. */
export const LOAD_NAME_MAX = 100

export interface LoadPart {
  /** File name in the directory of the `.loads` file, e.g. `rootfs88xx.12-0-2MPP0001-609.sbn`. */
  readonly name: string
  readonly byteCount: number
  /** 64 lower-case hex digits. */
  readonly sha256: string
}

export interface Load {
  /** File name without `.loads`, e.g. `sip88xx.12-0-2MPP0001-609`. */
  readonly name: string
  readonly parts: readonly LoadPart[]
  /** True for content that is not ours, for example of the vendor: no parts are known. */
  readonly opaque: boolean
}

export interface LoadProblem {
  readonly code: 'bad-name' | 'too-large' | 'bad-line' | 'too-many-parts'
  readonly message: string
}

const FIRST_LINE = /^offhook-load 1 (\S+)$/
const PART_LINE = /^part (\S+) ([0-9]{1,12}) ([0-9a-fA-F]{64})$/
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

/**
 * Reads a `.loads` file.
 * @param fileName  as requested, with or without directories and query, e.g. `/fw/sip88xx.12-0-2MPP0001-609.loads`
 * @returns the load; a problem for a file name that is no load, a broken line after our first line, or too much of either
 */
export function parseLoads(bytes: Uint8Array, fileName: string): Result<Load, LoadProblem> {
  const named = parseLoadName(fileName)
  if (named === undefined) {
    return problem(
      'bad-name',
      `Cannot take "${fileName.slice(0, LOAD_NAME_MAX)}" as a load: expected a name ending in .loads`,
    )
  }
  if (bytes.length > LOADS_BYTES_MAX) return problem('too-large', `The .loads file has ${bytes.length} bytes`)
  const lines = (utf8Text(bytes) ?? '').split(/\r?\n/).filter((line) => line.trim() !== '')
  const name = FIRST_LINE.exec(lines[0] ?? '')?.[1]
  if (name === undefined) return ok({ name: named, parts: [], opaque: true })
  if (!isSafeName(name)) return problem('bad-name', 'The first line of the .loads file has no usable load name')
  const partLines = lines.slice(1)
  if (partLines.length > PARTS_MAX)
    return problem('too-many-parts', `The load has ${partLines.length} parts, at most ${PARTS_MAX}`)
  const parts: LoadPart[] = []
  for (const [index, line] of partLines.entries()) {
    const part = parsePart(line)
    if (part === undefined) return problem('bad-line', `Line ${index + 2} of the .loads file is no part`)
    parts.push(part)
  }
  return ok({ name, parts, opaque: false })
}

/** Writes the text that `parseLoads` reads. */
export function printLoads(load: { readonly name: string; readonly parts: readonly LoadPart[] }): Uint8Array {
  const parts = load.parts.map((part) => `part ${part.name} ${part.byteCount} ${part.sha256}\n`)
  return utf8Bytes(`offhook-load 1 ${load.name}\n${parts.join('')}`)
}

/** @returns whether the bytes are the part that the load names: same length, same SHA-256. */
export function checkPart(part: LoadPart, bytes: Uint8Array): boolean {
  if (bytes.length !== part.byteCount) return false
  return bytesToHex(createHash('sha256').update(bytes).digest()) === part.sha256
}

/** @returns the load that a path or URL path names: its last segment without `.loads`; undefined if it names none. */
export function parseLoadName(path: string): string | undefined {
  const file = (path.split(/[?#]/)[0] ?? '').split('/').at(-1) ?? ''
  const name = /^(.+)\.loads$/i.exec(file)?.[1]
  return name !== undefined && isSafeName(name) ? name : undefined
}

/** `sip88xx.12-0-2MPP0001-609` -> `sip88xx`; the whole name if it has no dot. Source: MPP §4.3. */
export function loadFamily(loadName: string): string {
  return loadName.split('.')[0] ?? loadName
}

/** `sip88xx.12-0-2MPP0001-609` -> `12.0.2`, as `$VERSION` prints it (MPP §11.1); undefined without three numbers. */
export function loadVersionText(loadName: string): string | undefined {
  const match = /(?:^|\.)(\d{1,4})[-.](\d{1,4})[-.](\d{1,4})/.exec(loadName)
  return match === null ? undefined : `${match[1]}.${match[2]}.${match[3]}`
}

function parsePart(line: string): LoadPart | undefined {
  const [, name, byteCount, sha256] = PART_LINE.exec(line) ?? []
  if (name === undefined || byteCount === undefined || sha256 === undefined || !isSafeName(name)) return undefined
  if (Number(byteCount) > PART_BYTES_MAX) return undefined
  return { name, byteCount: Number(byteCount), sha256: sha256.toLowerCase() }
}

/** Names become part of a URL path, so no slash, no percent, no leading dot. */
function isSafeName(name: string): boolean {
  return name.length <= LOAD_NAME_MAX && NAME.test(name)
}

function problem(code: LoadProblem['code'], message: string): Result<Load, LoadProblem> {
  return err({ code, message })
}
