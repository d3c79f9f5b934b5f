/** Who gave a value, when and why: the revisions behind the origins of a profile, in one statement. */
import type { Sql } from './sql.ts'

export interface RevisionNote {
  readonly id: number
  readonly who: string
  readonly at: Date
  readonly why: string | null
}

export interface OriginNotes {
  readonly byRevision: ReadonlyMap<number, RevisionNote>
  /** The last change of each line. */
  readonly byLine: ReadonlyMap<string, RevisionNote>
}

interface NoteRow {
  readonly line: string | null
  readonly id: number
  readonly who: string
  readonly at: Date
  readonly why: string | null
}

export async function loadOriginNotes(
  sql: Pick<Sql, 'query'>,
  asked: { readonly revisionIds: readonly number[]; readonly lineIds: readonly string[] },
): Promise<OriginNotes> {
  const rows = await sql.query<NoteRow>({
    name: 'origin-notes',
    text: `select null as line, id, who, at, why from revision where id = any($1::bigint[])
           union all
           select t.line, r.id, r.who, r.at, r.why
             from unnest($2::text[]) as t (line)
             cross join lateral (select id, who, at, why from revision
                                  where scope = 'line' and target = t.line order by id desc limit 1) r`,
    values: [asked.revisionIds, asked.lineIds],
  })
  const noteOf = ({ id, who, at, why }: NoteRow): RevisionNote => ({ id: Number(id), who, at, why })
  return {
    byRevision: new Map(rows.filter(({ line }) => line === null).map((row) => [Number(row.id), noteOf(row)])),
    byLine: new Map(rows.flatMap((row) => (row.line === null ? [] : [[row.line, noteOf(row)] as const]))),
  }
}
