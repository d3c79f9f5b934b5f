/** Layers of parameters, replaced whole, each time with a revision. */
import type { Layer, LayerParameter, LayerScope } from '../profiles/mod.ts'
import { announce } from './changes.ts'
import { type LayerRow, layerFromRow, storedParameters } from './layer-rows.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import type { Vault } from './vault.ts'

export async function findLayer(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  scope: LayerScope,
  id: string,
): Promise<Layer | undefined> {
  const row = await findRow(sql, scope, id)
  return row === undefined ? undefined : layerFromRow(row, vault)
}

async function findRow(sql: Pick<Sql, 'one'>, scope: LayerScope, id: string): Promise<LayerRow | undefined> {
  return sql.one<LayerRow>({
    name: 'find-layer',
    text: 'select scope, id, revision_id, parameters from layer where scope = $1 and id = $2',
    values: [scope, id],
  })
}

export interface LayerChange {
  readonly scope: LayerScope
  readonly id: string
  readonly parameters: ReadonlyMap<string, LayerParameter>
  readonly who: string
  readonly why: string | undefined
}

/** @returns the number of the revision */
export async function replaceLayer(sql: Sql, vault: Vault, change: LayerChange): Promise<number> {
  const before = await findRow(sql, change.scope, change.id)
  const after = storedParameters(change.scope, change.id, change.parameters, vault)
  const revision = await recordRevision(sql, {
    who: change.who,
    scope: `layer/${change.scope}`,
    target: change.id,
    what: 'replaced',
    ...(change.why === undefined ? {} : { why: change.why }),
    before: before?.parameters ?? {},
    after,
  })
  await sql.run({
    name: 'put-layer',
    text: `insert into layer (scope, id, parameters, revision_id) values ($1, $2, $3, $4)
           on conflict (scope, id) do update
             set parameters = excluded.parameters, revision_id = excluded.revision_id, updated_at = now()`,
    values: [change.scope, change.id, JSON.stringify(after), revision],
  })
  await announce(sql, { kind: 'many' })
  return revision
}
