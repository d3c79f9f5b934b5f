/** Whom we ask for certificates by ACME, whose turn it is to ask, and what the authority may look for over HTTP. */
import { randomBytes } from 'node:crypto'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

/** Challenges are answered for a short while; an authority that is slow gets this long. */
const CHALLENGE_LIFE = '1 day'
/** Challenges that are answered at once: more than the hosts of any order. */
const CHALLENGES_MAX = 1000

export interface AcmeState {
  readonly directory: string
  readonly email: string | null
  readonly hosts: readonly string[]
  /** PEM of a private authority's root. */
  readonly ca: string | null
  readonly accountUrl: string | null
  readonly lastError: string | null
  readonly failures: number
  readonly triedAt: Date | null
  readonly nextAt: Date
  readonly working: boolean
}

const ACME_COLUMNS = `directory, email, hosts, ca, account_url as "accountUrl", last_error as "lastError", failures,
  tried_at as "triedAt", next_at as "nextAt", leased_until > now() as working`

export async function findAcme(sql: Pick<Sql, 'one'>): Promise<AcmeState | undefined> {
  return sql.one<AcmeState>({ name: 'find-acme', text: `select ${ACME_COLUMNS} from acme`, values: [] })
}

/** Begins anew with this authority; the first certificate is asked for at once, and an order under way counts no more. */
export async function setAcme(
  sql: Sql,
  vault: Vault,
  who: string,
  acme: Pick<AcmeState, 'directory' | 'email' | 'hosts' | 'ca'> & { readonly accountKeyPem: string },
): Promise<void> {
  await sql.run({
    name: 'set-acme',
    text: `insert into acme (id, directory, email, hosts, account_key, ca) values ('-', $1, $2, $3, $4, $5)
           on conflict (id) do update set email = excluded.email, hosts = excluded.hosts, ca = excluded.ca,
             next_at = now(), last_error = null, failures = 0, lease = null, leased_until = '-infinity',
             account_key = case when acme.directory = excluded.directory then acme.account_key else excluded.account_key end,
             account_url = case when acme.directory = excluded.directory then acme.account_url end,
             directory = excluded.directory`,
    values: [acme.directory, acme.email, [...acme.hosts], vault.seal(SECRET_CONTEXT.acme, acme.accountKeyPem), acme.ca],
  })
  const { directory, hosts } = acme
  await recordRevision(sql, { who, scope: 'acme', target: '-', what: 'set', after: { directory, hosts } })
}

export async function removeAcme(sql: Sql, who: string): Promise<boolean> {
  const removed = await sql.run({ name: 'remove-acme', text: 'delete from acme', values: [] })
  if (removed > 0) await recordRevision(sql, { who, scope: 'acme', target: '-', what: 'removed' })
  return removed > 0
}

/** Asks for a certificate now instead of when it is due. @returns false when no authority is set */
export async function renewNow(sql: Sql, who: string): Promise<boolean> {
  const set = await sql.run({ name: 'renew-acme-now', text: 'update acme set next_at = now()', values: [] })
  if (set > 0) await recordRevision(sql, { who, scope: 'acme', target: '-', what: 'renewal asked for' })
  return set > 0
}

/** The work in the hands of one process. */
export interface AcmeWork extends AcmeState {
  readonly accountKeyPem: string
  readonly lease: string
}

/**
 * Takes the work in hand if it is due, for a time: another process does it when this one dies.
 * @returns undefined when nothing is due
 */
export async function claimAcme(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  leaseSeconds: number,
): Promise<AcmeWork | undefined> {
  const row = await sql.one<AcmeState & { account_key: Buffer; lease: string }>({
    name: 'claim-acme',
    text: `update acme set leased_until = now() + make_interval(secs => $1), tried_at = now(), lease = $2
            where next_at <= now() and leased_until <= now() returning ${ACME_COLUMNS}, lease, account_key`,
    values: [leaseSeconds, randomBytes(16).toString('hex')],
  })
  if (row === undefined) return undefined
  const { account_key: sealed, ...state } = row
  return { ...state, accountKeyPem: vault.open(SECRET_CONTEXT.acme, sealed) }
}

/** @returns false when the work has been given to somebody else, or begun anew */
export async function holdAcme(sql: Pick<Sql, 'run'>, lease: string, leaseSeconds: number): Promise<boolean> {
  const held = await sql.run({
    name: 'hold-acme',
    text: 'update acme set leased_until = now() + make_interval(secs => $2) where lease = $1',
    values: [lease, leaseSeconds],
  })
  return held > 0
}

export interface AcmeOutcome {
  readonly error: string | null
  readonly accountUrl: string | null
  readonly nextAt: number
}

/** @returns false when the outcome counts no more: the work has been given to somebody else, or begun anew */
export async function settleAcme(sql: Pick<Sql, 'run'>, lease: string, outcome: AcmeOutcome): Promise<boolean> {
  const settled = await sql.run({
    name: 'settle-acme',
    text: `update acme set last_error = $2, account_url = coalesce($3, account_url), lease = null,
             leased_until = '-infinity', next_at = to_timestamp($4::float8 / 1000),
             failures = case when $2::text is null then 0 else failures + 1 end where lease = $1`,
    values: [lease, outcome.error, outcome.accountUrl, outcome.nextAt],
  })
  return settled > 0
}

/** Gives unfinished work back: whoever looks next does it. */
export async function giveBackAcme(sql: Pick<Sql, 'run'>, lease: string): Promise<void> {
  await sql.run({
    name: 'give-back-acme',
    text: `update acme set lease = null, leased_until = '-infinity' where lease = $1`,
    values: [lease],
  })
}

export async function putChallenge(sql: Pick<Sql, 'run'>, token: string, answer: string): Promise<void> {
  await sql.run({
    name: 'put-acme-challenge',
    text: `with old as (delete from acme_challenge where created_at < now() - interval '${CHALLENGE_LIFE}')
           insert into acme_challenge (token, answer) values ($1, $2)
           on conflict (token) do update set answer = excluded.answer, created_at = now()`,
    values: [token, answer],
  })
}

export async function removeChallenge(sql: Pick<Sql, 'run'>, token: string): Promise<void> {
  await sql.run({
    name: 'remove-acme-challenge',
    text: 'delete from acme_challenge where token = $1',
    values: [token],
  })
}

/** Token to answer, of all that are open. */
export async function loadChallenges(sql: Pick<Sql, 'query'>): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.query<{ token: string; answer: string }>({
    name: 'acme-challenges',
    text: `select token, answer from acme_challenge order by created_at desc limit ${CHALLENGES_MAX}`,
    values: [],
  })
  return new Map(rows.map(({ token, answer }) => [token, answer]))
}
