/** Who changed what, when and why. Everything that a person changes passes here, in the same transaction. */
import type { Sql } from './sql.ts'

export interface NewRevision {
  readonly who: string
  readonly scope: string
  readonly target: string
  readonly what: string
  readonly why?: string
  readonly before?: unknown
  readonly after?: unknown
  /** Whose the target is. Left out, it is looked up: for accounts, devices, lines, codes, batches and their layers. */
  readonly accountId?: string
}

/** @returns the number of the revision. Never give it a secret in clear. */
export async function recordRevision(sql: Pick<Sql, 'one'>, revision: NewRevision): Promise<number> {
  const row = await sql.one<{ id: number }>({
    name: 'record-revision',
    text: `insert into revision (who, scope, target, what, why, before, after, account_id)
           values ($1, $2, $3, $4, $5, $6, $7, coalesce($8, account_of_target($2, $3))) returning id`,
    values: [
      revision.who,
      revision.scope,
      revision.target,
      revision.what,
      revision.why ?? null,
      revision.before === undefined ? null : JSON.stringify(revision.before),
      revision.after === undefined ? null : JSON.stringify(revision.after),
      revision.accountId ?? null,
    ],
  })
  if (row === undefined) throw new Error('Cannot store a revision')
  return row.id
}

/** Every secret shown is an audited act: who saw the secrets of what. */
export async function recordReveal(
  sql: Pick<Sql, 'one'>,
  who: string,
  scope: 'device' | 'account',
  target: string,
): Promise<void> {
  await recordRevision(sql, { who, scope, target, what: 'secrets shown' })
}

export interface StoredRevision {
  readonly id: number
  readonly at: Date
  readonly who: string
  readonly scope: string
  readonly target: string
  readonly what: string
  readonly why: string | null
  readonly before: unknown
  readonly after: unknown
  readonly accountId: string | null
}

export interface RevisionFilter {
  readonly reach: readonly string[] | null
  readonly who?: string | undefined
  readonly scope?: string | undefined
  readonly target?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  /** Only older ones than this. */
  readonly after?: number | undefined
  readonly limit: number
}

/** Newest first, as stored: secrets in them are sealed. */
export async function listRevisions(
  sql: Pick<Sql, 'query'>,
  filter: RevisionFilter,
): Promise<readonly StoredRevision[]> {
  return sql.query<StoredRevision>({
    name: 'list-revisions',
    text: `select id, at, who, scope, target, what, why, before, after, account_id as "accountId" from revision
            where ($1::text[] is null or account_id = any($1))
              and ($2::text is null or who = $2) and ($3::text is null or scope = $3)
              and ($4::text is null or target = $4)
              and ($5::timestamptz is null or at >= $5) and ($6::timestamptz is null or at < $6)
              and ($7::bigint is null or id < $7)
            order by id desc limit $8`,
    values: [
      filter.reach,
      filter.who ?? null,
      filter.scope ?? null,
      filter.target ?? null,
      filter.since ?? null,
      filter.until ?? null,
      filter.after ?? null,
      filter.limit,
    ],
  })
}
