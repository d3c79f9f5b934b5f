import { err, ok } from '../result.ts'
import type { Millis, Result } from '../result.ts'
import { BLOCK_BYTES_MAX, BLOCK_BYTES_PLAIN } from './packet.ts'

/*
 * Options of a transfer (RFC 2347): who asks proposes, who answers lowers or leaves out, never raises. An option with
 * a value that makes no sense is left out of the answer, which the asker reads as "not supported".
 *
 *   blksize     8 to 65464 bytes a block             RFC 2348
 *   timeout     1 to 255 seconds between resends      RFC 2349 §3
 *   tsize       bytes of the whole file               RFC 2349 §4
 *   windowsize  1 to 65535 blocks for one ACK         RFC 7440
 */

/** What both sides have agreed. `timeoutMs` and `transferSize` only if agreed. */
export interface TransferTerms {
  readonly blockSize: number
  readonly windowSize: number
  readonly timeoutMs: Millis | undefined
  readonly transferSize: number | undefined
}

/** What a client may ask for; what is absent is not asked. With nothing asked the exchange is plain RFC 1350. */
export interface WantedOptions {
  readonly blockSize?: number | undefined
  readonly windowSize?: number | undefined
  readonly timeoutSeconds?: number | undefined
  /** Ask for the size of the file (reading) or tell it (writing). */
  readonly transferSize?: boolean | undefined
}

/** The most an answering side grants. */
export interface OptionLimits {
  readonly blockSizeMax: number
  readonly windowSizeMax: number
  readonly timeoutMaxMs: Millis
}

/** Smallest block. Source: RFC 2348 §2. */
export const BLOCK_BYTES_MIN = 8

/** Largest window granted: well below half of the block numbers, so that a wrapped number has one meaning. */
export const WINDOW_BLOCKS_MAX = 4096

/** Terms of RFC 1350 without options. */
export const PLAIN_TERMS: TransferTerms = {
  blockSize: BLOCK_BYTES_PLAIN,
  windowSize: 1,
  timeoutMs: undefined,
  transferSize: undefined,
}

/**
 * Answers the options of a request. Options unknown or with a bad value are ignored.
 * @param sourceSize bytes of the file being read; undefined when it is being written, then the asker tells its size
 * @returns the terms, and the options of the OACK in the order asked; none means: answer without OACK
 */
export function answerOptions(
  asked: ReadonlyMap<string, string>,
  limits: OptionLimits,
  sourceSize: number | undefined,
): { readonly terms: TransferTerms; readonly granted: ReadonlyMap<string, string> } {
  const granted = new Map<string, string>()
  let terms = PLAIN_TERMS
  for (const [name, text] of asked) {
    const change = grantOption(name, text, limits, sourceSize)
    if (change === undefined) continue
    terms = { ...terms, ...change.terms }
    granted.set(name, change.text)
  }
  return { terms, granted }
}

/** The options of a request, in the order blksize, timeout, tsize, windowsize. */
export function requestOptions(wanted: WantedOptions, sourceSize: number | undefined): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  if (wanted.blockSize !== undefined) options.set('blksize', String(wanted.blockSize))
  if (wanted.timeoutSeconds !== undefined) options.set('timeout', String(wanted.timeoutSeconds))
  if (wanted.transferSize === true) options.set('tsize', String(sourceSize ?? 0))
  if (wanted.windowSize !== undefined) options.set('windowsize', String(wanted.windowSize))
  return options
}

/**
 * Reads an OACK. Options that were not asked are ignored; an asked one with an impossible value is an error, because
 * the two sides would then cut the file differently.
 * @returns the terms, or the text for error 8 (RFC 2347 §4)
 */
export function acceptOptions(
  wanted: WantedOptions,
  granted: ReadonlyMap<string, string>,
): Result<TransferTerms, string> {
  let terms = PLAIN_TERMS
  for (const [name, text] of granted) {
    const change = acceptOption(name, text, wanted)
    if (change === 'impossible') return err(`Cannot accept option ${name}`)
    terms = { ...terms, ...change }
  }
  return ok(terms)
}

interface Grant {
  readonly terms: Partial<TransferTerms>
  readonly text: string
}

function grantOption(
  name: string,
  text: string,
  limits: OptionLimits,
  sourceSize: number | undefined,
): Grant | undefined {
  switch (name) {
    case 'blksize': {
      const asked = readCount(text, BLOCK_BYTES_MIN, Number.MAX_SAFE_INTEGER)
      if (asked === undefined) return undefined
      const blockSize = Math.min(asked, limits.blockSizeMax, BLOCK_BYTES_MAX)
      return { terms: { blockSize }, text: String(blockSize) }
    }
    case 'windowsize': {
      const asked = readCount(text, 1, 0xffff)
      if (asked === undefined) return undefined
      const windowSize = Math.min(asked, limits.windowSizeMax, WINDOW_BLOCKS_MAX)
      return { terms: { windowSize }, text: String(windowSize) }
    }
    case 'timeout': {
      // RFC 2349 §3: the answer repeats the value or leaves it out; an interval longer than ours is left out.
      const seconds = readCount(text, 1, Math.min(255, Math.floor(limits.timeoutMaxMs / 1000)))
      return seconds === undefined ? undefined : { terms: { timeoutMs: seconds * 1000 }, text: String(seconds) }
    }
    case 'tsize': {
      const asked = readCount(text, 0, Number.MAX_SAFE_INTEGER)
      if (asked === undefined) return undefined
      const transferSize = sourceSize ?? asked
      return { terms: { transferSize }, text: String(transferSize) }
    }
    default:
      return undefined
  }
}

function acceptOption(name: string, text: string, wanted: WantedOptions): Partial<TransferTerms> | 'impossible' {
  switch (name) {
    case 'blksize': {
      if (wanted.blockSize === undefined) return {}
      const blockSize = readCount(text, BLOCK_BYTES_MIN, wanted.blockSize)
      return blockSize === undefined ? 'impossible' : { blockSize }
    }
    case 'windowsize': {
      if (wanted.windowSize === undefined) return {}
      const windowSize = readCount(text, 1, wanted.windowSize)
      return windowSize === undefined ? 'impossible' : { windowSize }
    }
    case 'timeout': {
      if (wanted.timeoutSeconds === undefined) return {}
      const seconds = readCount(text, wanted.timeoutSeconds, wanted.timeoutSeconds)
      return seconds === undefined ? 'impossible' : { timeoutMs: seconds * 1000 }
    }
    case 'tsize': {
      // Only advice (RFC 2349 §4), so a bad value is not worth losing the file for.
      const transferSize = wanted.transferSize === true ? readCount(text, 0, Number.MAX_SAFE_INTEGER) : undefined
      return transferSize === undefined ? {} : { transferSize }
    }
    default:
      return {}
  }
}

/** A decimal number of `min` to `max`; undefined for anything else. Fifteen digits are always exact. */
function readCount(text: string, min: number, max: number): number | undefined {
  if (!/^[0-9]{1,15}$/.test(text)) return undefined
  const count = Number(text)
  return count >= min && count <= max ? count : undefined
}
