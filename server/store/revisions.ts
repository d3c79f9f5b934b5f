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
}

/** @returns the number of the revision. Never give it a secret in clear. */
export async function recordRevision(sql: Pick<Sql, 'one'>, revision: NewRevision): Promise<number> {
  const row = await sql.one<{ id: number }>({
    name: 'record-revision',
    text: `insert into revision (who, scope, target, what, why, before, after)
           values ($1, $2, $3, $4, $5, $6, $7) returning id`,
    values: [
      revision.who,
      revision.scope,
      revision.target,
      revision.what,
      revision.why ?? null,
      revision.before === undefined ? null : JSON.stringify(revision.before),
      revision.after === undefined ? null : JSON.stringify(revision.after),
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
