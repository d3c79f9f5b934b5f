/** Seals and opens the secrets of this platform under the master key. The context ties a secret to its row. */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { type MasterKey, openSecret, sealSecret } from '../database/mod.ts'

const NONCE_BYTES = 12
const DECODER = new TextDecoder()

export interface Vault {
  seal(context: string, plain: string): Buffer
  /** Throws when the text was sealed under another key or for another row: then the wrong master key is in use. */
  open(context: string, sealed: Uint8Array): string
}

export function createVault(key: MasterKey): Vault {
  return {
    seal: (context, plain) => Buffer.from(sealSecret(key, plain, context, randomBytes(NONCE_BYTES))),
    open(context, sealed) {
      const opened = openSecret(key, sealed, context)
      if (!opened.ok) throw new Error(`Cannot open the secret of "${context}": ${opened.error.message}`)
      return DECODER.decode(opened.value)
    },
  }
}

/** Contexts of sealed columns, in one place so that writer and reader agree. */
export const SECRET_CONTEXT = {
  platform: (name: string) => `platform/${name}`,
  line: (id: string) => `line/${id}/password`,
  device: (mac: string, name: string, generation: number) => `device/${mac}/${name}/${generation}`,
  layer: (scope: string, id: string, element: string) => `layer/${scope}/${id}/${element}`,
  deviceCa: (fingerprint: string) => `device-ca/${fingerprint}`,
  profileVersion: (mac: string, version: string) => `profile-version/${mac}/${version}`,
  report: (mac: string | undefined) => `report/${mac ?? '-'}`,
  reported: (mac: string) => `reported/${mac}`,
  user: (id: string) => `user/${id}/password`,
  webhook: (id: string) => `webhook/${id}/secret`,
  idempotency: (tokenId: string, key: string, step: number) => `idempotency/${tokenId}/${step}/${key}`,
  sipProxy: (scope: string) => `sip-proxy/${scope}/password`,
  serverCertificate: (id: string) => `server-certificate/${id}`,
  acme: 'acme/account-key',
  acsTask: (id: string) => `acs-task/${id}`,
} as const

/** A fresh 128-bit id, e.g. `acc_9f…`. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(16).toString('hex')}`
}

/** 128 bits as 32 hex digits: the path of a sealed profile. */
export function newProfilePath(): string {
  return randomBytes(16).toString('hex')
}

/** 256 bits as 64 hex digits: a profile key. */
export function newProfileKey(): string {
  return randomBytes(32).toString('hex')
}

/** A one-time code of 160 bits, easy to put into a URL. */
export function newCode(): string {
  return randomBytes(20).toString('base64url')
}

/** Names a task to its device: at most 32 characters [TR-069 §7], unique. */
export function newCommandKey(): string {
  return `j${randomBytes(12).toString('hex')}`
}

export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

const PASSWORD_ALPHABETS = ['ABCDEFGHJKLMNPQRSTUVWXYZ', 'abcdefghijkmnopqrstuvwxyz', '23456789', '-_.+']
const PASSWORD_CHARS = 20

/** 20 characters from all four classes that a phone asks for (MPP §7.1), none of them special in XML or rules. */
export function newPassword(): string {
  const all = PASSWORD_ALPHABETS.join('')
  const chars = [
    ...PASSWORD_ALPHABETS,
    ...Array.from({ length: PASSWORD_CHARS - PASSWORD_ALPHABETS.length }, () => all),
  ]
  return shuffled(chars.map((alphabet) => alphabet[randomInt(alphabet.length)] ?? '')).join('')
}

function shuffled(items: readonly string[]): string[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = randomInt(last + 1)
    const held = result[last] ?? ''
    result[last] = result[other] ?? ''
    result[other] = held
  }
  return result
}
