/** What has an end, beside certificates: tokens. */
import type { Sql } from './sql.ts'

const ENDING_MAX = 1000

export interface EndingToken {
  readonly id: string
  readonly name: string
  readonly expiresAt: Date
}

/** API tokens that are still good and end before that moment, the next first; sessions end by themselves all the time. */
export async function listEndingTokens(sql: Pick<Sql, 'query'>, until: Date): Promise<readonly EndingToken[]> {
  return sql.query<EndingToken>({
    name: 'list-ending-tokens',
    text: `select id, name, expires_at as "expiresAt" from token
            where kind = 'api' and revoked_at is null and expires_at > now() and expires_at <= $1
            order by expires_at, id limit ${ENDING_MAX}`,
    values: [until],
  })
}
