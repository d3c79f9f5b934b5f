/** Bytes from the phone's own chance: nonces, tags, tokens and salts of a virtual phone, replayable from a seed. */
import { bytesToHex } from '../../protocol/bytes.ts'
import type { Rng } from '../../protocol/result.ts'

/** @returns `count` random bytes. */
export function randomBytes(count: number, rng: Rng): Uint8Array {
  return Uint8Array.from({ length: count }, () => Math.floor(rng() * 256) % 256)
}

/** @returns `count` random bytes as lower-case hex. */
export function randomHex(count: number, rng: Rng): string {
  return bytesToHex(randomBytes(count, rng))
}
