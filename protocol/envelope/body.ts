/** From the bytes of a fetched file to its text, in the order of the phone (MPP §2.1). */
import { assertNever, err, ok, type Result } from '../result.ts'
import { type IkmEncoding, ikmFromText, openAes128gcm } from './aes128gcm.ts'
import { gunzip, inflate, isGzip } from './compression.ts'
import { type EnvelopeProblem, envelopeProblem } from './problem.ts'
import { isSalted, openSalted } from './salted.ts'

/** Codings in one `Content-Encoding`; a longer list is an attempt to keep us busy. */
export const CONTENT_CODINGS_MAX = 4

/** What the receiver of a body knows about opening it. */
export interface BodyOpening {
  /** The HTTP header `Content-Encoding`; absent over TFTP. */
  readonly contentEncoding?: string
  /** The argument of `--key`, or undefined if the rule has none. An empty text is a key, too. */
  readonly key?: string
  /** The value of `IKM_HTTP_Encrypt_Content`; empty means not set. */
  readonly ikm?: string
  readonly ikmEncoding?: IkmEncoding
  /** The most bytes that any step may give. */
  readonly maxBytes: number
  /** Whether a clear file is taken although the rule has `--key`; the spec's model refuses it. */
  readonly clearAllowedWithKey?: boolean
}

type Coding = 'identity' | 'gzip' | 'deflate' | 'aes128gcm'

/**
 * Opens a profile body as the phone does: HTTP codings from the outermost in, then `--key` unless `aes128gcm`
 * was among them, then gzip if its magic shows.
 * @returns the plain bytes; `no-key` for aes128gcm without IKM, `not-salted` for a clear file with `--key`,
 *   `bad-gzip` for a content coding that phones do not know, else what the opened step says
 * Source: MPP §2.1, §2.3.
 */
export function openProfileBody(body: Uint8Array, how: BodyOpening): Result<Uint8Array, EnvelopeProblem> {
  const codings = parseContentEncoding(how.contentEncoding ?? '')
  if (!codings.ok) return codings
  let opened: Result<Uint8Array, EnvelopeProblem> = ok(body)
  // RFC 9110 §8.4: codings are listed in the order in which they were applied.
  for (const coding of codings.value.toReversed()) {
    if (opened.ok) opened = within(undoCoding(opened.value, coding, how), how.maxBytes)
  }
  if (!opened.ok) return opened
  if (how.key !== undefined && !codings.value.includes('aes128gcm')) {
    opened = openWithKey(opened.value, how.key, how.clearAllowedWithKey ?? false)
  }
  if (opened.ok && isGzip(opened.value)) opened = gunzip(opened.value, how.maxBytes)
  return within(opened, how.maxBytes)
}

function parseContentEncoding(header: string): Result<readonly Coding[], EnvelopeProblem> {
  const names = header
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  if (names.length > CONTENT_CODINGS_MAX) {
    return err(envelopeProblem('too-large', `The body has ${names.length} content codings, at most 4 are undone`))
  }
  const codings: Coding[] = []
  for (const name of names) {
    const coding = codingOf(name)
    if (coding === undefined) {
      return err(envelopeProblem('bad-gzip', `Cannot undo the content coding "${name.slice(0, 40)}"`))
    }
    codings.push(coding)
  }
  return ok(codings)
}

function codingOf(name: string): Coding | undefined {
  if (name === 'identity' || name === 'gzip' || name === 'deflate' || name === 'aes128gcm') return name
  // RFC 9110 §8.4.1.3: the same by its old name.
  return name === 'x-gzip' ? 'gzip' : undefined
}

function undoCoding(bytes: Uint8Array, coding: Coding, how: BodyOpening): Result<Uint8Array, EnvelopeProblem> {
  switch (coding) {
    case 'identity':
      return ok(bytes)
    case 'gzip':
      return gunzip(bytes, how.maxBytes)
    case 'deflate':
      return inflate(bytes, how.maxBytes)
    case 'aes128gcm':
      return openAes128gcm(bytes, ikmFromText(how.ikm ?? '', how.ikmEncoding ?? 'auto'))
    default:
      return assertNever(coding)
  }
}

function openWithKey(bytes: Uint8Array, key: string, clearAllowed: boolean): Result<Uint8Array, EnvelopeProblem> {
  return clearAllowed && !isSalted(bytes) ? ok(bytes) : openSalted(bytes, key)
}

function within(opened: Result<Uint8Array, EnvelopeProblem>, maxBytes: number): Result<Uint8Array, EnvelopeProblem> {
  if (!opened.ok || opened.value.length <= maxBytes) return opened
  return err(envelopeProblem('too-large', `The file has more than ${maxBytes} bytes`))
}
