/**
 * The OpenSSL `enc` container that `--key` opens (MPP §2.2):
 *
 *     0        8        16
 *     +--------+--------+---------------------------------------------+
 *     |Salted__|  salt  | AES-256-CBC ciphertext, PKCS#7 padded       |
 *     +--------+--------+---------------------------------------------+
 *
 * It has no integrity: a wrong phrase is noticed by the padding only, so about one wrong phrase in 256 "opens"
 * to noise, and whoever can change the bytes can change the text. The caller's XML reader is the second check.
 */
import { createCipheriv, createDecipheriv, hash } from 'node:crypto'

import { concatBytes, utf8Bytes } from '../bytes.ts'
import { assert, err, ok, type Result } from '../result.ts'
import { type EnvelopeProblem, envelopeProblem } from './problem.ts'

/** The hash of the key derivation. Phones use `md5`; `sha256` is what `openssl enc` takes without `-md`. */
export type SaltedDigest = 'md5' | 'sha256'

export const SALT_BYTES = 8

const MAGIC = utf8Bytes('Salted__')
const HEADER_BYTES = MAGIC.length + SALT_BYTES
const KEY_BYTES = 32
const BLOCK_BYTES = 16

/**
 * Seals as `openssl enc -e -aes-256-cbc -md md5 -k <phrase>` does.
 * @param phrase the `--key` argument: a pass phrase in UTF-8, even when it looks like hex (MPP §0 fact 4)
 * @param salt exactly 8 bytes, never used twice with one phrase
 * Source: MPP §2.2.
 */
export function sealSalted(
  plain: Uint8Array,
  phrase: string,
  salt: Uint8Array,
  digest: SaltedDigest = 'md5',
): Uint8Array {
  assert(salt.length === SALT_BYTES, 'a salt has 8 bytes')
  const { key, iv } = deriveKey(phrase, salt, digest)
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  return concatBytes([MAGIC, salt, cipher.update(plain), cipher.final()])
}

/**
 * Opens what {@link sealSalted} or `openssl enc` sealed.
 * @returns the plain bytes; `not-salted` without the magic, `truncated` when the length cannot be right,
 *   `bad-key` when the padding is wrong (wrong phrase, wrong digest or damaged bytes)
 * Source: MPP §2.2.
 */
export function openSalted(
  sealed: Uint8Array,
  phrase: string,
  digest: SaltedDigest = 'md5',
): Result<Uint8Array, EnvelopeProblem> {
  if (!isSalted(sealed)) return err(envelopeProblem('not-salted', 'The file does not begin with "Salted__"'))
  const cipherBytes = sealed.length - HEADER_BYTES
  if (cipherBytes < BLOCK_BYTES || cipherBytes % BLOCK_BYTES !== 0) {
    return err(envelopeProblem('truncated', `The sealed file has ${sealed.length} bytes, expected a multiple of 16`))
  }
  const { key, iv } = deriveKey(phrase, sealed.subarray(MAGIC.length, HEADER_BYTES), digest)
  const decipher = createDecipheriv('aes-256-cbc', key, iv)
  const start = decipher.update(sealed.subarray(HEADER_BYTES))
  try {
    return ok(concatBytes([start, decipher.final()]))
  } catch {
    // final() throws for wrong padding only.
    return err(envelopeProblem('bad-key', 'The key does not open the file'))
  }
}

/** True if the bytes begin with `Salted__`. */
export function isSalted(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, index) => bytes[index] === byte)
}

/** EVP_BytesToKey with one iteration: each digest is over the one before, the phrase and the salt. */
function deriveKey(phrase: string, salt: Uint8Array, digest: SaltedDigest): { key: Uint8Array; iv: Uint8Array } {
  const secret = concatBytes([utf8Bytes(phrase), salt])
  let last: Uint8Array = hash(digest, secret, 'buffer')
  // The digest before, then the secret: filled in place.
  const chained = concatBytes([last, secret])
  const material = new Uint8Array(last.length * Math.ceil((KEY_BYTES + BLOCK_BYTES) / last.length))
  material.set(last)
  for (let at = last.length; at < material.length; at += last.length) {
    chained.set(last)
    last = hash(digest, chained, 'buffer')
    material.set(last, at)
  }
  return { key: material.subarray(0, KEY_BYTES), iv: material.subarray(KEY_BYTES, KEY_BYTES + BLOCK_BYTES) }
}
