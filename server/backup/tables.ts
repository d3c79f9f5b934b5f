/** Which tables there are, and in which order they can be filled. Asked of the database, so that none is forgotten. */
import type { Sql } from '../store/mod.ts'

/** What the database makes anew by itself. */
const NOT_DATA: readonly string[] = ['schema_migration']

/** Tables of ours, each after those that it refers to. */
export async function tablesInOrder(sql: Pick<Sql, 'query'>): Promise<readonly string[]> {
  const tables = await sql.query<{ name: string }>({
    name: 'backup-tables',
    text: `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition
            order by c.relname`,
    values: [],
  })
  const links = await sql.query<{ from: string; to: string }>({
    name: 'backup-references',
    text: `select f.relname as from, t.relname as to from pg_constraint k
             join pg_class f on f.oid = k.conrelid join pg_class t on t.oid = k.confrelid
            where k.contype = 'f' and f.oid <> t.oid and not f.relispartition`,
    values: [],
  })
  return inOrder(
    tables.map(({ name }) => name).filter((name) => !NOT_DATA.includes(name)),
    links,
  )
}

/** Where our tables are: `public`, unless the database's owner chose otherwise. */
export async function schemaName(sql: Pick<Sql, 'one'>): Promise<string> {
  const row = await sql.one<{ name: string }>({
    name: 'backup-schema',
    text: 'select current_schema() as name',
    values: [],
  })
  return row?.name ?? 'public'
}

/** Depth first; circles between tables would come out in some order and then fail loudly at the restore. */
export function inOrder(
  tables: readonly string[],
  links: readonly { readonly from: string; readonly to: string }[],
): readonly string[] {
  const ordered: string[] = []
  const seen = new Set<string>()
  function place(table: string): void {
    if (seen.has(table)) return
    seen.add(table)
    for (const { to } of links.filter(({ from }) => from === table)) if (tables.includes(to)) place(to)
    ordered.push(table)
  }
  for (const table of tables) place(table)
  return ordered
}

/** Columns by which rows of a table refer to other rows of it: those have to be there first. */
export async function ownReferences(sql: Pick<Sql, 'query'>): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.query<{ table: string; column: string }>({
    name: 'backup-own-references',
    text: `select f.relname as table, a.attname as column from pg_constraint k
             join pg_class f on f.oid = k.conrelid join pg_attribute a on a.attrelid = f.oid and a.attnum = k.conkey[1]
            where k.contype = 'f' and k.conrelid = k.confrelid`,
    values: [],
  })
  return new Map(rows.map(({ table, column }) => [table, column]))
}
