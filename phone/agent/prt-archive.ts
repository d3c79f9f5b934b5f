/**
 * The archive and the form of a problem report. Source: MPP §12.3 (fields, file name); POSIX.1-1988 (ustar); RFC 7578.
 */
import { concatBytes, utf8Bytes } from '../../protocol/bytes.ts'
import { gzip } from '../../protocol/envelope/mod.ts'
import type { Millis } from '../../protocol/result.ts'

const BLOCK_BYTES = 512

export interface ArchiveFile {
  /** At most 100 characters of ASCII. */
  readonly name: string
  readonly text: string
}

/** A tar of small text files, compressed. Equal input gives equal bytes. */
export function packArchive(files: readonly ArchiveFile[], at: Millis): Uint8Array {
  const blocks = files.flatMap(({ name, text }) => {
    const bytes = utf8Bytes(text)
    const rest = (BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES
    return [tarHeader(name, bytes.length, at), bytes, new Uint8Array(rest)]
  })
  return gzip(concatBytes([...blocks, new Uint8Array(2 * BLOCK_BYTES)]))
}

/**
 *     name 100 | mode 8 | uid 8 | gid 8 | size 12 | mtime 12 | checksum 8 | type 1 | link 100 | "ustar" 6 | version 2 | …
 */
function tarHeader(name: string, byteCount: number, at: Millis): Uint8Array {
  const header = new Uint8Array(BLOCK_BYTES)
  header.set(utf8Bytes(name).subarray(0, 100), 0)
  header.set(octal(0o644, 8), 100)
  header.set(octal(0, 8), 108)
  header.set(octal(0, 8), 116)
  header.set(octal(byteCount, 12), 124)
  header.set(octal(Math.floor(at / 1000), 12), 136)
  // The checksum is taken with spaces in its own place.
  header.fill(0x20, 148, 156)
  header.set(utf8Bytes('0'), 156)
  header.set(utf8Bytes('ustar\u000000'), 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.set(utf8Bytes(`${sum.toString(8).padStart(6, '0')}\u0000 `), 148)
  return header
}

function octal(value: number, width: number): Uint8Array {
  return utf8Bytes(`${value.toString(8).padStart(width - 1, '0')}\u0000`)
}

export interface FormFile {
  readonly field: string
  readonly name: string
  readonly bytes: Uint8Array
}

/** `multipart/form-data`: the fields, then the file. @param boundary occurs in none of them */
export function packForm(
  fields: Readonly<Record<string, string>>,
  file: FormFile,
  boundary: string,
): { readonly contentType: string; readonly body: Uint8Array } {
  const part = (head: string): string => `--${boundary}\r\nContent-Disposition: form-data; ${head}`
  const texts = Object.entries(fields).map(([name, value]) => `${part(`name="${name}"`)}\r\n\r\n${oneLine(value)}\r\n`)
  const head = `${part(`name="${file.field}"; filename="${file.name}"`)}\r\nContent-Type: application/octet-stream\r\n\r\n`
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: concatBytes([utf8Bytes(texts.join('') + head), file.bytes, utf8Bytes(`\r\n--${boundary}--\r\n`)]),
  }
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}
