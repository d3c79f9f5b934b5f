/**
 * The `aes128gcm` content coding of RFC 8188, opened by `IKM_HTTP_Encrypt_Content` (MPP §2.3):
 *
 *     0                16      20   21
 *     +----------------+-------+----+-------------+----------+----------+-- ... --+
 *     |      salt      |  rs   | n  | key id (n)  | record 0 | record 1 |         |
 *     +----------------+-------+----+-------------+----------+----------+-- ... --+
 *
 * A record is rs bytes, the last may be shorter: ciphertext of (data, delimiter, zeros) and a 16 byte tag.
 * The delimiter is 1 in all records but the last, where it is 2; so a file cut between records is noticed.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'

import { base64urlToBytes, ByteReader, concatBytes, utf8Bytes } from '../bytes.ts'
import { assert, err, ok, type Result } from '../result.ts'
import { type EnvelopeProblem, envelopeProblem } from './problem.ts'

export const RECORD_SIZE_DEFAULT = 4096
/** RFC 8188 §2: a smaller record has no room for data. */
export const RECORD_SIZE_MIN = 18
/** A file of 1 MiB in the smallest records has 60,000; more is an attempt to keep us busy. */
export const RECORDS_MAX = 65_536
/** MPP §2.3 (Model): a shorter text is more likely a pass phrase than an encoded key. */
export const IKM_BYTES_MIN = 16

const CODING_SALT_BYTES = 16
const TAG_BYTES = 16
const NONCE_BYTES = 12
const KEY_ID_BYTES_MAX = 255
const RECORD_SIZE_MAX = 0xffff_ffff
const MORE_RECORDS = 1
const LAST_RECORD = 2

/** How the text of `IKM_HTTP_Encrypt_Content` becomes key bytes; the firmware's way is not documented. */
export type IkmEncoding = 'auto' | 'base64url' | 'utf8'

interface RecordKeys {
  readonly key: Uint8Array
  readonly nonceBase: Uint8Array
}

/**
 * Seals bytes as an `aes128gcm` body without padding.
 * @param ikm input keying material, not empty
 * @param salt exactly 16 bytes, never used twice with one `ikm`
 * @param recordSize bytes of a sealed record, 18 to 2^32-1
 * @param keyId at most 255 bytes; phones are sent an empty one (MPP §2.3)
 * Source: RFC 8188 §2.
 */
export function sealAes128gcm(
  plain: Uint8Array,
  ikm: Uint8Array,
  salt: Uint8Array,
  recordSize: number = RECORD_SIZE_DEFAULT,
  keyId: Uint8Array = new Uint8Array(0),
): Uint8Array {
  assert(ikm.length > 0, 'keying material is not empty')
  assert(salt.length === CODING_SALT_BYTES, 'an aes128gcm salt has 16 bytes')
  assert(keyId.length <= KEY_ID_BYTES_MAX, 'a key id has at most 255 bytes')
  assert(
    Number.isInteger(recordSize) && recordSize >= RECORD_SIZE_MIN && recordSize <= RECORD_SIZE_MAX,
    'a record has 18 to 2^32-1 bytes',
  )
  const keys = deriveRecordKeys(ikm, salt)
  const dataBytes = recordSize - TAG_BYTES - 1
  // An empty body still has one record, which says that nothing was cut off.
  const recordCount = Math.max(1, Math.ceil(plain.length / dataBytes))
  assert(recordCount <= RECORDS_MAX, 'a body has at most 65,536 records')
  const header = new Uint8Array(5)
  new DataView(header.buffer).setUint32(0, recordSize)
  header[4] = keyId.length
  const records = Array.from({ length: recordCount }, (_, index) => {
    const data = plain.subarray(index * dataBytes, (index + 1) * dataBytes)
    const delimiter = index === recordCount - 1 ? LAST_RECORD : MORE_RECORDS
    const cipher = createCipheriv('aes-128-gcm', keys.key, recordNonce(keys.nonceBase, index))
    return concatBytes([
      cipher.update(data),
      cipher.update(Uint8Array.of(delimiter)),
      cipher.final(),
      cipher.getAuthTag(),
    ])
  })
  return concatBytes([salt, header, keyId, ...records])
}

/**
 * Opens an `aes128gcm` body. The key id is skipped (MPP §2.3).
 * @returns the plain bytes; `no-key` for empty keying material, `truncated` for a cut header or a missing last
 *   record, `bad-record` for a record size below 18 or a wrong delimiter, `too-large` beyond {@link RECORDS_MAX},
 *   `bad-key` when a record's tag is wrong (wrong key or damaged bytes)
 * Source: RFC 8188 §2.
 */
export function openAes128gcm(sealed: Uint8Array, ikm: Uint8Array): Result<Uint8Array, EnvelopeProblem> {
  if (ikm.length === 0) return err(envelopeProblem('no-key', 'There is no keying material to open aes128gcm content'))
  const reader = new ByteReader(sealed)
  const salt = reader.take(CODING_SALT_BYTES)
  const recordSize = reader.uint32()
  reader.take(reader.uint8())
  if (reader.failed) return err(envelopeProblem('truncated', 'The aes128gcm header is cut off'))
  if (recordSize < RECORD_SIZE_MIN) {
    return err(envelopeProblem('bad-record', `The aes128gcm record size is ${recordSize}, expected 18 or more`))
  }
  const body = reader.rest()
  if (body.length === 0) return err(envelopeProblem('truncated', 'The aes128gcm content has no record'))
  const recordCount = Math.ceil(body.length / recordSize)
  if (recordCount > RECORDS_MAX) {
    return err(envelopeProblem('too-large', `The aes128gcm content has ${recordCount} records, at most ${RECORDS_MAX}`))
  }
  const keys = deriveRecordKeys(ikm, salt)
  const opened: Uint8Array[] = []
  for (let index = 0; index < recordCount; index++) {
    const record = body.subarray(index * recordSize, (index + 1) * recordSize)
    const data = openRecord(record, keys, index, index === recordCount - 1)
    if (!data.ok) return data
    opened.push(data.value)
  }
  return ok(concatBytes(opened))
}

/**
 * The keying material of the text in `IKM_HTTP_Encrypt_Content`.
 * @param encoding `auto` (Model): base64url of at least 16 bytes, else the UTF-8 bytes of the text
 * @returns no bytes when `base64url` is demanded and the text is not that; nothing opens with no bytes
 * Source: MPP §2.3.
 */
export function ikmFromText(text: string, encoding: IkmEncoding = 'auto'): Uint8Array {
  if (encoding === 'utf8') return utf8Bytes(text)
  const decoded = base64urlToBytes(text)
  if (encoding === 'base64url') return decoded ?? new Uint8Array(0)
  return decoded !== undefined && decoded.length >= IKM_BYTES_MIN ? decoded : utf8Bytes(text)
}

function openRecord(
  record: Uint8Array,
  keys: RecordKeys,
  index: number,
  isLast: boolean,
): Result<Uint8Array, EnvelopeProblem> {
  if (record.length <= TAG_BYTES) return err(envelopeProblem('truncated', `Record ${index} is cut off`))
  const decipher = createDecipheriv('aes-128-gcm', keys.key, recordNonce(keys.nonceBase, index))
  decipher.setAuthTag(record.subarray(record.length - TAG_BYTES))
  const padded = decipher.update(record.subarray(0, record.length - TAG_BYTES))
  try {
    decipher.final()
  } catch {
    return err(envelopeProblem('bad-key', `The key does not open record ${index}`))
  }
  const end = padded.findLastIndex((byte) => byte !== 0)
  const delimiter = padded[end]
  if (delimiter === (isLast ? LAST_RECORD : MORE_RECORDS)) return ok(padded.subarray(0, end))
  if (isLast && delimiter === MORE_RECORDS) {
    return err(envelopeProblem('truncated', 'The last record of the aes128gcm content is missing'))
  }
  return err(envelopeProblem('bad-record', `Record ${index} has no delimiter where one must be`))
}

function deriveRecordKeys(ikm: Uint8Array, salt: Uint8Array): RecordKeys {
  const pseudoRandomKey = createHmac('sha256', salt).update(ikm).digest()
  return {
    key: expand(pseudoRandomKey, 'Content-Encoding: aes128gcm\0', 16),
    nonceBase: expand(pseudoRandomKey, 'Content-Encoding: nonce\0', NONCE_BYTES),
  }
}

/** HKDF-Expand of at most 32 bytes: one block (RFC 5869 §2.3). */
function expand(pseudoRandomKey: Uint8Array, info: string, byteCount: number): Uint8Array {
  return createHmac('sha256', pseudoRandomKey).update(info).update(Uint8Array.of(1)).digest().subarray(0, byteCount)
}

/** RFC 8188 §2.3: the record number, as 96 bits, XORed into the base. Numbers here stay below 2^32. */
function recordNonce(nonceBase: Uint8Array, index: number): Uint8Array {
  const nonce = Uint8Array.from(nonceBase)
  const view = new DataView(nonce.buffer)
  // `^` gives a signed number; `>>> 0` makes it the unsigned one that is meant.
  view.setUint32(8, (view.getUint32(8) ^ index) >>> 0)
  return nonce
}
