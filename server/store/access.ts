/** Which accounts a token reaches: its own and all below it in the tree. */
import type { Sql } from './sql.ts'

/** Levels of the account tree that are walked. */
const DEPTH_MAX = 16

/** @returns the ids of the account and of all below it; empty when there is no such account */
export async function accountsBelow(sql: Pick<Sql, 'query'>, accountId: string): Promise<readonly string[]> {
  const rows = await sql.query<{ id: string }>({
    name: 'accounts-below',
    text: `
with recursive below (id, depth) as (
  select id, 0 from account where id = $1
  union all
  select a.id, b.depth + 1 from account a join below b on a.parent_id = b.id where b.depth < $2
) select distinct id from below`,
    values: [accountId, DEPTH_MAX],
  })
  return rows.map(({ id }) => id)
}

/** Whose a device is, or for whom it is held; undefined: it is nobody's, or there is none. */
export async function accountOfDevice(sql: Pick<Sql, 'one'>, mac: string): Promise<string | undefined> {
  const row = await sql.one<{ accountId: string | null }>({
    name: 'account-of-device',
    text: 'select coalesce(account_id, held_account_id) as "accountId" from device where mac = $1',
    values: [mac],
  })
  return row?.accountId ?? undefined
}
