/**
 * A gzip file from parts that were packed by themselves, so that what many files have in common is packed once.
 * Each part is a run of whole blocks that ends on a byte and refers to nothing before it (RFC 1951 §3.2.4, §3.2.7), so
 * they can stand after each other in any file. Source: RFC 1952 §2.3.
 */
import { constants, crc32, deflateRawSync } from 'node:zlib'

import { assert } from '../result.ts'

/** Part of a file: what comes out, and how it is packed. */
export interface PackedPart {
  readonly plain: Uint8Array
  /** Blocks of deflate, none of them the last; undefined: it stays as it is. */
  readonly packed: Uint8Array | undefined
}

/** Shorter parts stay as they are: there is little to win, and beginning to pack takes longer than packing. */
const SHORT_MAX = 256
/** The same for a part that is of one file alone, and packed for it alone. */
const SHORT_ONCE_MAX = 1024
/** RFC 1951 §3.2.4. */
const STORED_MAX = 65_535
const STORED_HEAD_BYTES = 5

/**
 * Equal bytes give equal bytes, as far as the same build of zlib does the work.
 * @param use whether the part will be in many files
 */
export function packPart(plain: Uint8Array, use: 'often' | 'once' = 'often'): PackedPart {
  if (plain.length <= (use === 'often' ? SHORT_MAX : SHORT_ONCE_MAX)) return { plain, packed: undefined }
  const windowBits = windowFor(plain.length)
  const size = { windowBits, memLevel: Math.min(8, windowBits - 6), chunkSize: plain.length + SHORT_MAX }
  return { plain, packed: deflateRawSync(plain, { level: 1, finishFlush: constants.Z_SYNC_FLUSH, ...size }) }
}

function packedCount({ plain, packed }: PackedPart): number {
  return packed === undefined ? STORED_HEAD_BYTES + plain.length : packed.length
}

function writePart({ plain, packed }: PackedPart, joined: Uint8Array, at: number): void {
  if (packed !== undefined) {
    joined.set(packed, at)
    return
  }
  assert(plain.length <= STORED_MAX, 'only short parts stay as they are')
  joined[at + 1] = plain.length & 0xff
  joined[at + 2] = plain.length >>> 8
  joined[at + 3] = ~plain.length & 0xff
  joined[at + 4] = (~plain.length >>> 8) & 0xff
  joined.set(plain, at + STORED_HEAD_BYTES)
}

/** Memory that the part does not fill takes longer to clear than the part to pack; a text gains nothing from the largest. */
function windowFor(byteCount: number): number {
  return Math.min(14, Math.max(9, Math.ceil(Math.log2(byteCount))))
}

/** No name, no time, no operating system: equal parts give equal bytes. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)
/** An empty block with fixed codes that says it is the last. */
const LAST_BLOCK = Uint8Array.of(3, 0)
const TRAILER_BYTES = 8

/** One gzip member that unpacks to all parts in their order. */
export function joinGzip(parts: readonly PackedPart[]): Uint8Array {
  const byteCount = parts.reduce((sum, part) => sum + packedCount(part), HEADER.length + LAST_BLOCK.length)
  const joined = new Uint8Array(byteCount + TRAILER_BYTES)
  joined.set(HEADER)
  let at = HEADER.length
  let check = 0
  let plainCount = 0
  for (const part of parts) {
    const { plain } = part
    writePart(part, joined, at)
    at += packedCount(part)
    // Of no bytes, zlib would tell the check of nothing, whatever came before.
    if (plain.length > 0) check = crc32(plain, check)
    plainCount += plain.length
  }
  joined.set(LAST_BLOCK, at)
  const trailer = new DataView(joined.buffer, byteCount)
  trailer.setUint32(0, check, true)
  trailer.setUint32(4, plainCount >>> 0, true)
  return joined
}
