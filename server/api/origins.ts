/** Origins as the API shows them: with the person, the time and the reason, asked for all at once. */
import type { z } from 'zod'
import type { Origin } from '../profiles/mod.ts'
import { loadOriginNotes, type Sql } from '../store/mod.ts'
import type { Origin as OriginShape } from './contract/config.ts'

export type OriginJson = z.infer<typeof OriginShape>

/** One statement for all of them. */
export async function originsShown(
  sql: Pick<Sql, 'query'>,
  origins: readonly Origin[],
): Promise<(origin: Origin) => OriginJson> {
  const revisionIds = new Set(origins.flatMap(({ revisionId }) => revisionId ?? []))
  const lineIds = new Set(origins.flatMap(({ kind, id }) => (kind === 'line' && id !== undefined ? id : [])))
  const notes =
    revisionIds.size + lineIds.size === 0
      ? undefined
      : await loadOriginNotes(sql, { revisionIds: [...revisionIds], lineIds: [...lineIds] })
  return (origin) => {
    const note =
      origin.kind === 'line'
        ? notes?.byLine.get(origin.id ?? '')
        : notes?.byRevision.get(origin.revisionId ?? Number.NaN)
    if (note === undefined) return { ...origin }
    const { id, who, at, why } = note
    return { ...origin, revisionId: id, who, at: at.toISOString(), ...(why === null ? {} : { why }) }
  }
}
