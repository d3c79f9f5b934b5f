import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, link, open, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { inspect } from 'node:util'

import { assert, err, ok, type Result } from '../../protocol/result.ts'
import { makeDataDirectory } from './data-directory.ts'
import { syncFolder } from './home.ts'

// Secrets in the database are sealed under a master key that is never in it, nor in a backup of it. A sealed secret:
//
//    1 byte    4 bytes    12 bytes   n bytes       16 bytes
//   +---------+----------+----------+-------------+----------+
//   | version | key id   | nonce    | ciphertext  | GCM tag  |
//   +---------+----------+----------+-------------+----------+
//
// AES-256-GCM; authenticated with it are version, key id and the context ("line/17/password"), so that a sealed value
// copied to another row or column does not open there. The key id says which key of a ring is meant while keys are
// being changed.

const KEY_BYTES = 32
const VERSION = 1
const ID_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + ID_BYTES
const KEY_FILE_BYTES_MAX = 4_096

/** The key of keys. Prints as its id only, wherever it gets printed. */
export class MasterKey {
  /** 8 hex digits, derived one way from the key; may be shown. */
  readonly id: string
  readonly #bytes: Uint8Array
  #sealing: Uint8Array | undefined

  constructor(bytes: Uint8Array) {
    assert(bytes.length === KEY_BYTES, `a master key has ${KEY_BYTES} bytes`)
    this.#bytes = Uint8Array.from(bytes)
    this.id = Buffer.from(this.derive('key id').subarray(0, ID_BYTES)).toString('hex')
  }

  /** The key that seals secrets, worked out once: a phone's facts alone open five of them. */
  get sealing(): Uint8Array {
    this.#sealing ??= this.derive('seal')
    return this.#sealing
  }

  /** A 32-byte key of its own for each purpose: HKDF-SHA-256 (RFC 5869) with the purpose as its info. */
  derive(purpose: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#bytes, new Uint8Array(0), `offhook ${purpose}`, KEY_BYTES))
  }

  toJSON(): string {
    return `[master key ${this.id}]`
  }

  toString(): string {
    return this.toJSON()
  }

  [inspect.custom](): string {
    return this.toJSON()
  }
}

/** Several keys while they are being changed: what is sealed under any of them opens. */
export interface KeyRing {
  readonly current: MasterKey
  readonly older: readonly MasterKey[]
}

export interface MasterKeyProblem {
  readonly code: 'bad-value' | 'unreadable'
  /** Ready to be shown; never holds the key. */
  readonly message: string
}

export interface MasterKeySource {
  readonly dataDir: string
  /** The text of OFFHOOK_MASTER_KEY: 64 hex digits, or 32 bytes in base64 (also base64url). */
  readonly value?: string
  /** A file with such a text. It is only read. */
  readonly file?: string
}

/**
 * The master key from the value, else from the file, else from `<dataDir>/master.key`, which is made on first use (mode
 * 0600) and never overwritten.
 */
export async function loadMasterKey(source: MasterKeySource): Promise<Result<MasterKey, MasterKeyProblem>> {
  if (source.value !== undefined) return parseKey(source.value, 'OFFHOOK_MASTER_KEY')
  if (source.file !== undefined) return readKeyFile(resolve(source.file))
  const file = join(resolve(source.dataDir), 'master.key')
  try {
    await makeDataDirectory(resolve(source.dataDir))
    await makeKeyFile(file)
    await chmod(file, 0o600)
  } catch (error) {
    return unreadable(file, error)
  }
  return readKeyFile(file)
}

/** Reads the text form of a key. */
function parseKey(text: string, from: string): Result<MasterKey, MasterKeyProblem> {
  const trimmed = text.trim()
  const bytes = /^[0-9a-fA-F]{64}$/.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)
      ? Buffer.from(trimmed, 'base64')
      : undefined
  if (bytes?.length === KEY_BYTES) return ok(new MasterKey(bytes))
  const expected = `${KEY_BYTES} bytes as ${KEY_BYTES * 2} hex digits or in base64`
  return err({ code: 'bad-value', message: `Cannot use the master key in ${from}: expected ${expected}` })
}

async function readKeyFile(file: string): Promise<Result<MasterKey, MasterKeyProblem>> {
  try {
    const handle = await open(file, 'r')
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(KEY_FILE_BYTES_MAX))
      return parseKey(buffer.toString('utf8', 0, bytesRead), `"${file}"`)
    } finally {
      await handle.close()
    }
  } catch (error) {
    return unreadable(file, error)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
}

function unreadable(file: string, error: unknown): Result<never, MasterKeyProblem> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const why = REASONS[code] ?? (error instanceof Error ? error.message : String(error))
  const advice = `Expected a file of ${KEY_BYTES * 2} hex digits that this user may read`
  return err({ code: 'unreadable', message: `Cannot read the master key "${file}": ${why}. ${advice}` })
}

/**
 * Makes the file unless there is one. It gets its name only when it is whole and on disk: secrets will depend on it.
 */
async function makeKeyFile(file: string): Promise<void> {
  const unfinished = `${file}.${randomBytes(4).toString('hex')}.new`
  const handle = await open(unfinished, 'wx', 0o600)
  try {
    await handle.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`)
    await handle.sync()
    // A link, unlike a rename, never replaces what is there.
    await link(unfinished, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await handle.close()
    await rm(unfinished, { force: true })
  }
  await syncFolder(resolve(file, '..'))
}

const CHECK_TEXT = 'offhook master key check'

/**
 * A text to keep in the database, by which a wrong key is noticed before anything is sealed under it. Tells nothing of
 * the key.
 */
export function keyCheck(key: MasterKey): string {
  return `${key.id}:${createHmac('sha256', key.derive('key check')).update(CHECK_TEXT).digest('hex')}`
}

/** Whether this key made that check value. */
export function verifyKeyCheck(key: MasterKey, check: string): boolean {
  const ours = Buffer.from(keyCheck(key))
  const theirs = Buffer.from(check)
  return ours.length === theirs.length && timingSafeEqual(ours, theirs)
}

/**
 * Seals a secret for the database.
 *
 * @param context where it belongs; opens only under the same one
 * @param nonce   12 random bytes, never used twice under one key
 */
export function sealSecret(key: MasterKey, plain: Uint8Array | string, context: string, nonce: Uint8Array): Uint8Array {
  assert(nonce.length === NONCE_BYTES, `a nonce has ${NONCE_BYTES} bytes`)
  const head = Buffer.concat([Uint8Array.of(VERSION), Buffer.from(key.id, 'hex')])
  const cipher = createCipheriv('aes-256-gcm', key.sealing, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.concat([head, Buffer.from(context)]))
  const body = Buffer.concat([cipher.update(typeof plain === 'string' ? Buffer.from(plain) : plain), cipher.final()])
  return Uint8Array.from(Buffer.concat([head, nonce, body, cipher.getAuthTag()]))
}

/** Why a sealed secret does not open. `wrong` covers another context and any change: they cannot be told apart. */
export interface SealProblem {
  readonly code: 'malformed' | 'unknown-key' | 'wrong'
  readonly message: string
}

/** Opens what `sealSecret` made. Never throws, whatever the bytes. */
export function openSecret(
  keys: MasterKey | KeyRing,
  sealed: Uint8Array,
  context: string,
): Result<Uint8Array, SealProblem> {
  if (sealed.length < HEAD_BYTES + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) {
    return err({
      code: 'malformed',
      message: `Cannot open the secret of "${context}": it is not a sealed secret of this version`,
    })
  }
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length)
  const id = bytes.toString('hex', 1, HEAD_BYTES)
  const key = findKey(keys, id)
  if (key === undefined) {
    return err({
      code: 'unknown-key',
      message: `Cannot open the secret of "${context}": it is sealed under master key ${id}, which is not here`,
    })
  }
  const decipher = createDecipheriv('aes-256-gcm', key.sealing, bytes.subarray(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(boundTo(bytes, context))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  const body = decipher.update(bytes.subarray(HEAD_BYTES + NONCE_BYTES, -TAG_BYTES))
  try {
    // GCM gives all of its text before the end, which only judges the tag.
    decipher.final()
    return ok(new Uint8Array(body.buffer, body.byteOffset, body.length))
  } catch (error) {
    // The only thing that final() reports here is a tag that does not fit; no details, they would be of no use to
    // anybody honest.
    const why = error instanceof Error ? 'it was changed, or it belongs elsewhere' : String(error)
    return err({ code: 'wrong', message: `Cannot open the secret of "${context}": ${why}` })
  }
}

/** The head of a sealed secret and where it belongs, in one buffer. */
function boundTo(sealed: Buffer, context: string): Buffer {
  const bound = Buffer.allocUnsafe(HEAD_BYTES + Buffer.byteLength(context))
  sealed.copy(bound, 0, 0, HEAD_BYTES)
  bound.write(context, HEAD_BYTES)
  return bound
}

function findKey(keys: MasterKey | KeyRing, id: string): MasterKey | undefined {
  if (keys instanceof MasterKey) return keys.id === id ? keys : undefined
  return [keys.current, ...keys.older].find((key) => key.id === id)
}
