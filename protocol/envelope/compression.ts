/** Compression of profiles: gzip files, and the content codings `gzip` and `deflate` of HTTP (MPP §2.1). */
import { gunzipSync, gzipSync, inflateRawSync, inflateSync } from 'node:zlib'

import { err, ok, type Result } from '../result.ts'
import { type EnvelopeProblem, envelopeProblem } from './problem.ts'

const OPERATING_SYSTEM_OFFSET = 9
const OPERATING_SYSTEM_UNKNOWN = 255

/**
 * Compresses to one gzip member. Equal bytes give equal bytes: no name, no time, no operating system inside
 * (RFC 1952 §2.3); only another build of zlib may choose other matches.
 * @param effort `small` searches long for the smallest file; `quick` takes a twentieth of the time, for a file that is
 *   made while a phone waits, and gives one that is about a fifth larger
 */
export function gzip(bytes: Uint8Array, effort: 'small' | 'quick' = 'small'): Uint8Array {
  const packed = gzipSync(bytes, effort === 'small' ? { level: 9 } : { level: 1 })
  packed[OPERATING_SYSTEM_OFFSET] = OPERATING_SYSTEM_UNKNOWN
  return packed
}

/**
 * Undoes gzip and stops as soon as more than `maxBytes` come out, so a bomb costs no more than an honest file.
 * @returns the plain bytes; `too-large`, `truncated` (the end is missing) or `bad-gzip`
 */
export function gunzip(bytes: Uint8Array, maxBytes: number): Result<Uint8Array, EnvelopeProblem> {
  return unpack(() => gunzipSync(bytes, { maxOutputLength: outputLimit(maxBytes) }), maxBytes)
}

/**
 * Undoes the HTTP coding `deflate`: zlib format by RFC 9110 §8.4.1.2, bare deflate as some servers send it.
 * @returns as {@link gunzip}
 */
export function inflate(bytes: Uint8Array, maxBytes: number): Result<Uint8Array, EnvelopeProblem> {
  const limits = { maxOutputLength: outputLimit(maxBytes) }
  const zlibForm = unpack(() => inflateSync(bytes, limits), maxBytes)
  if (zlibForm.ok || zlibForm.error.code !== 'bad-gzip') return zlibForm
  return unpack(() => inflateRawSync(bytes, limits), maxBytes)
}

/** True if the bytes begin with the gzip magic 1F 8B. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** zlib wants a limit of at least 1; a limit of 0 is then checked on what came out. */
function outputLimit(maxBytes: number): number {
  return Math.max(1, maxBytes)
}

function unpack(run: () => Uint8Array, maxBytes: number): Result<Uint8Array, EnvelopeProblem> {
  try {
    const plain = new Uint8Array(run())
    return plain.length > maxBytes ? err(tooLarge(maxBytes)) : ok(plain)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ERR_BUFFER_TOO_LARGE') return err(tooLarge(maxBytes))
    if (code === 'Z_BUF_ERROR') return err(envelopeProblem('truncated', 'The compressed file is cut off'))
    return err(envelopeProblem('bad-gzip', 'The file is not valid compressed data'))
  }
}

function tooLarge(maxBytes: number): EnvelopeProblem {
  return envelopeProblem('too-large', `The file unpacks to more than ${maxBytes} bytes`)
}
