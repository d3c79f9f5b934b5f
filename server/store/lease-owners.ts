import type { Sql } from './sql.ts'

/**
 * Whose the devices are that somebody met outside.
 * @returns by MAC, of those that are in the inventory: the account that a device belongs to or is held for, null for none
 */
export async function ownersOf(
  sql: Pick<Sql, 'query'>,
  macs: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = await sql.query<{ mac: string; owner: string | null }>({
    name: 'owners-of-devices',
    text: 'select mac, coalesce(account_id, held_account_id) as owner from device where mac = any ($1)',
    values: [macs],
  })
  return new Map(rows.map(({ mac, owner }) => [mac, owner]))
}
