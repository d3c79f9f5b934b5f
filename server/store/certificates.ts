/** Certificates of the server: those that wait to be signed, the one in force, and those before it. */
import { announce } from './changes.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { newId, SECRET_CONTEXT, type Vault } from './vault.ts'

/** Requests that may wait to be signed at once. */
export const WAITING_MAX = 20
/** Certificates before the one in force that are kept, to look at. */
const RETIRED_MAX = 20

export interface StoredCertificate {
  readonly id: string
  readonly source: 'csr' | 'upload' | 'acme'
  readonly hosts: readonly string[]
  readonly csr: string | null
  readonly chain: string | null
  readonly phoneCa: string | null
  readonly inForce: boolean
  readonly notAfter: Date | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly retiredAt: Date | null
}

const COLUMNS = `id, source, hosts, csr, chain, phone_ca as "phoneCa", in_force as "inForce", not_after as "notAfter",
  created_by as "createdBy", created_at as "createdAt", retired_at as "retiredAt"`

/** Newest first; there are never many. */
export async function listCertificates(sql: Pick<Sql, 'query'>): Promise<readonly StoredCertificate[]> {
  return sql.query<StoredCertificate>({
    name: 'list-server-certificates',
    text: `select ${COLUMNS} from server_certificate order by created_at desc, id limit 100`,
    values: [],
  })
}

export async function findCertificate(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  id: string,
): Promise<(StoredCertificate & { readonly keyPem: string }) | undefined> {
  const row = await sql.one<StoredCertificate & { private_key: Buffer }>({
    name: 'find-server-certificate',
    text: `select ${COLUMNS}, private_key from server_certificate where id = $1`,
    values: [id],
  })
  if (row === undefined) return undefined
  const { private_key: sealed, ...certificate } = row
  return { ...certificate, keyPem: vault.open(SECRET_CONTEXT.serverCertificate(row.id), sealed) }
}

/** What the door shows, unless files were given. */
export interface CertificateInForce {
  readonly id: string
  readonly certPem: string
  readonly keyPem: string
  readonly phoneCa: string | null
}

export async function certificateInForce(sql: Pick<Sql, 'one'>, vault: Vault): Promise<CertificateInForce | undefined> {
  const row = await sql.one<{ id: string; chain: string; phone_ca: string | null; private_key: Buffer }>({
    name: 'server-certificate-in-force',
    text: 'select id, chain, phone_ca, private_key from server_certificate where in_force',
    values: [],
  })
  if (row === undefined) return undefined
  const keyPem = vault.open(SECRET_CONTEXT.serverCertificate(row.id), row.private_key)
  return { id: row.id, certPem: row.chain, keyPem, phoneCa: row.phone_ca }
}

export interface NewCertificate {
  readonly source: StoredCertificate['source']
  readonly hosts: readonly string[]
  readonly csr: string | undefined
  readonly keyPem: string
}

/** @returns the id of the certificate, which has no chain yet */
export async function addCertificate(
  sql: Sql,
  vault: Vault,
  who: string,
  certificate: NewCertificate,
): Promise<string> {
  const id = newId('crt')
  await sql.run({
    name: 'add-server-certificate',
    text: `insert into server_certificate (id, source, hosts, csr, private_key, created_by)
           values ($1, $2, $3, $4, $5, $6)`,
    values: [
      id,
      certificate.source,
      [...certificate.hosts],
      certificate.csr ?? null,
      vault.seal(SECRET_CONTEXT.serverCertificate(id), certificate.keyPem),
      who,
    ],
  })
  await recordRevision(sql, {
    who,
    scope: 'server-certificate',
    target: id,
    what: 'requested',
    after: { source: certificate.source, hosts: certificate.hosts },
  })
  return id
}

export async function countWaitingCertificates(sql: Pick<Sql, 'one'>): Promise<number> {
  const row = await sql.one<{ count: number }>({
    name: 'count-waiting-certificates',
    text: 'select count(*)::int as count from server_certificate where chain is null',
    values: [],
  })
  return row?.count ?? 0
}

/** A chain that was checked, on its way to the door. */
export interface SignedCertificate {
  readonly id: string
  readonly chainPem: string
  readonly phoneCa: string | undefined
  readonly hosts: readonly string[]
  readonly notBefore: number
  readonly notAfter: number
}

/** From now on the door shows this one; every process takes it up without a restart. */
export async function putInForce(sql: Sql, who: string, certificate: SignedCertificate): Promise<void> {
  // Two at once would both want to be the only one.
  await sql.one({ name: 'lock-server-certificate', text: 'select pg_advisory_xact_lock(727008)', values: [] })
  await sql.run({
    name: 'retire-server-certificate',
    text: 'update server_certificate set in_force = false, retired_at = now() where in_force and id <> $1',
    values: [certificate.id],
  })
  await sql.run({
    name: 'put-server-certificate-in-force',
    text: `update server_certificate set in_force = true, retired_at = null, chain = $2, hosts = $3, phone_ca = $6,
             not_before = to_timestamp($4::float8 / 1000), not_after = to_timestamp($5::float8 / 1000) where id = $1`,
    values: [
      certificate.id,
      certificate.chainPem,
      [...certificate.hosts],
      certificate.notBefore,
      certificate.notAfter,
      certificate.phoneCa ?? null,
    ],
  })
  await sql.run({
    name: 'forget-retired-certificates',
    text: `delete from server_certificate where id in
             (select id from server_certificate where retired_at is not null
               order by retired_at desc, id offset ${RETIRED_MAX})`,
    values: [],
  })
  await recordRevision(sql, { who, scope: 'server-certificate', target: certificate.id, what: 'put in force' })
  await announce(sql, { kind: 'certificate' })
}

/** @returns false when there is none; the one in force makes way for a certificate of our own CA */
export async function removeCertificate(sql: Sql, who: string, id: string): Promise<boolean> {
  const removed = await sql.run({
    name: 'remove-server-certificate',
    text: 'delete from server_certificate where id = $1',
    values: [id],
  })
  if (removed === 0) return false
  await recordRevision(sql, { who, scope: 'server-certificate', target: id, what: 'removed' })
  await announce(sql, { kind: 'certificate' })
  return true
}

/** @returns whether this is the first word of a certificate that ends within so many days */
export async function tellCertificateEnds(
  sql: Pick<Sql, 'run'>,
  warning: { readonly fingerprint: string; readonly days: number },
): Promise<boolean> {
  const told = await sql.run({
    name: 'tell-certificate-ends',
    text: `with old as (delete from certificate_warning where told_at < now() - interval '1 year')
           insert into certificate_warning (fingerprint, days) values ($1, $2) on conflict do nothing`,
    values: [warning.fingerprint, warning.days],
  })
  return told > 0
}
