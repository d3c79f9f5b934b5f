/** Device CAs and the platform's own secrets: made once, sealed, the same for every process on this database. */
import { createHash, randomBytes } from 'node:crypto'
import type { Database } from '../database/mod.ts'
import { type CertificatePair, createCa, type DeviceCa, fingerprintOf } from '../pki/mod.ts'
import { announce } from './changes.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

/** What the platform needs of itself. */
export interface PlatformSecrets {
  readonly markerKey: Uint8Array
  readonly nonceKey: Uint8Array
  /** Signs the server's certificate when none is given as files. */
  readonly serverCa: CertificatePair
}

/** Reads the platform's secrets, making those that are missing; two processes starting at once agree on one. */
export async function ensurePlatformSecrets(db: Database, vault: Vault, now: number): Promise<PlatformSecrets> {
  const randomKey = (): Promise<string> => Promise.resolve(randomBytes(32).toString('hex'))
  const marker = await ensureSecret(db, vault, 'marker-key', randomKey)
  const serverCa = await ensureSecret(db, vault, 'server-ca', async () =>
    JSON.stringify(await createCa('Offhook server CA', now)),
  )
  return {
    markerKey: Buffer.from(marker, 'hex'),
    nonceKey: createHash('sha256').update(`nonce ${marker}`).digest(),
    serverCa: JSON.parse(serverCa) as CertificatePair,
  }
}

async function ensureSecret(db: Database, vault: Vault, name: string, make: () => Promise<string>): Promise<string> {
  const known = await readSecret(db, vault, name)
  if (known !== undefined) return known
  await db.run({
    name: 'put-platform-secret',
    text: 'insert into platform_secret (name, sealed) values ($1, $2) on conflict (name) do nothing',
    values: [name, vault.seal(SECRET_CONTEXT.platform(name), await make())],
  })
  const written = await readSecret(db, vault, name)
  if (written === undefined) throw new Error(`Cannot store the platform secret "${name}"`)
  return written
}

async function readSecret(db: Database, vault: Vault, name: string): Promise<string | undefined> {
  const row = await db.one<{ sealed: Buffer }>({
    name: 'platform-secret',
    text: 'select sealed from platform_secret where name = $1',
    values: [name],
  })
  return row === undefined ? undefined : vault.open(SECRET_CONTEXT.platform(name), row.sealed)
}

interface CaRow {
  readonly fingerprint: string
  readonly name: string
  readonly kind: DeviceCa['kind']
  readonly pem: string
  readonly models: readonly string[]
}

const CA_COLUMNS = 'fingerprint, name, kind, pem, models'

/** All device CAs that were not removed. */
export async function loadDeviceCas(sql: Pick<Sql, 'query'>): Promise<readonly DeviceCa[]> {
  return sql.query<CaRow>({
    name: 'device-cas',
    text: `select ${CA_COLUMNS} from device_ca where removed_at is null order by created_at, fingerprint`,
    values: [],
  })
}

/** The lab CA, made at the first call. */
export async function ensureLabCa(db: Database, vault: Vault, now: number): Promise<CertificatePair> {
  const known = await readLabCa(db, vault)
  if (known !== undefined) return known
  const made = await createCa('Offhook lab device CA', now)
  await db.transaction(async (tx) => {
    await tx.one({ name: 'lock-lab-ca', text: 'select pg_advisory_xact_lock(727002)', values: [] })
    if ((await readLabCa(tx, vault)) !== undefined) return
    const fingerprint = fingerprintOf(made.certPem)
    await tx.run({
      name: 'insert-lab-ca',
      text: `insert into device_ca (fingerprint, name, kind, pem, private_key) values ($1, 'Lab', 'lab', $2, $3)`,
      values: [fingerprint, made.certPem, vault.seal(SECRET_CONTEXT.deviceCa(fingerprint), made.keyPem)],
    })
    await announce(tx, { kind: 'trust' })
  })
  return (await readLabCa(db, vault)) ?? made
}

async function readLabCa(sql: Pick<Sql, 'one'>, vault: Vault): Promise<CertificatePair | undefined> {
  const row = await sql.one<{ fingerprint: string; pem: string; private_key: Buffer }>({
    name: 'lab-ca',
    text: `select fingerprint, pem, private_key from device_ca
            where kind = 'lab' and removed_at is null order by created_at limit 1`,
    values: [],
  })
  if (row === undefined) return undefined
  return { certPem: row.pem, keyPem: vault.open(SECRET_CONTEXT.deviceCa(row.fingerprint), row.private_key) }
}

/** Installs a vendor root or intermediate. Throws when the text is no certificate. */
export async function installDeviceCa(sql: Sql, ca: Omit<DeviceCa, 'fingerprint' | 'kind'>): Promise<DeviceCa> {
  const fingerprint = fingerprintOf(ca.pem)
  await sql.run({
    name: 'install-device-ca',
    text: `insert into device_ca (fingerprint, name, kind, pem, models) values ($1, $2, 'vendor', $3, $4)
           on conflict (fingerprint) do update set removed_at = null, name = excluded.name, models = excluded.models`,
    values: [fingerprint, ca.name, ca.pem, [...ca.models]],
  })
  await announce(sql, { kind: 'trust' })
  return { ...ca, fingerprint, kind: 'vendor' }
}

/** @returns whether there was such a CA in force */
export async function removeDeviceCa(sql: Sql, fingerprint: string): Promise<boolean> {
  const changed = await sql.run({
    name: 'remove-device-ca',
    text: 'update device_ca set removed_at = now() where fingerprint = $1 and removed_at is null',
    values: [fingerprint],
  })
  await announce(sql, { kind: 'trust' })
  return changed > 0
}

/** Tells a wrong master key at the start, before anything is sealed with it. */
export async function checkMasterKey(
  db: Database,
  check: { readonly make: string; verify(stored: string): boolean },
): Promise<boolean> {
  await db.run({
    name: 'put-key-check',
    text: `insert into platform_secret (name, sealed) values ('key-check', $1) on conflict (name) do nothing`,
    values: [Buffer.from(check.make)],
  })
  const row = await db.one<{ sealed: Buffer }>({
    name: 'read-key-check',
    text: `select sealed from platform_secret where name = 'key-check'`,
    values: [],
  })
  return row !== undefined && check.verify(row.sealed.toString())
}
