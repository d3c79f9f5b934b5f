/** Drafts of layers: what somebody prepares and nobody gets yet. One for each layer. */
import { err, ok, type Result } from '../../protocol/result.ts'
import type { Layer, LayerParameter, LayerScope } from '../profiles/mod.ts'
import { layerFromRow, type StoredLayerParameter, storedParameters } from './layer-rows.ts'
import { findLayer, type StaleLayer, replaceLayerSeen } from './layers.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import type { Vault } from './vault.ts'

/** Its `revisionId` is that of the layer from which it was made; 0 when there was none. */
export interface LayerDraft extends Layer {
  readonly who: string
  readonly why: string | undefined
  readonly updatedAt: Date
}

interface DraftRow {
  readonly scope: LayerScope
  readonly id: string
  readonly base_revision_id: number
  readonly parameters: Readonly<Record<string, StoredLayerParameter>>
  readonly who: string
  readonly why: string | null
  readonly updated_at: Date
}

const COLUMNS = 'scope, id, base_revision_id, parameters, who, why, updated_at'

/** Every draft, for a preview of what would change. */
export async function findLayerDrafts(sql: Pick<Sql, 'query'>, vault: Vault): Promise<readonly Layer[]> {
  const rows = await sql.query<DraftRow>({
    name: 'layer-drafts',
    text: `select ${COLUMNS} from layer_draft order by scope, id`,
    values: [],
  })
  return rows.map((row) => draftFromRow(row, vault))
}

export async function findLayerDraft(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  scope: LayerScope,
  id: string,
): Promise<LayerDraft | undefined> {
  const row = await sql.one<DraftRow>({
    name: 'layer-draft',
    text: `select ${COLUMNS} from layer_draft where scope = $1 and id = $2`,
    values: [scope, id],
  })
  return row === undefined ? undefined : draftFromRow(row, vault)
}

function draftFromRow(row: DraftRow, vault: Vault): LayerDraft {
  const { scope, id, parameters, who } = row
  const layer = layerFromRow({ scope, id, revision_id: row.base_revision_id, parameters }, vault)
  return { ...layer, who, why: row.why ?? undefined, updatedAt: row.updated_at }
}

export interface NewDraft {
  readonly scope: LayerScope
  readonly id: string
  readonly parameters: ReadonlyMap<string, LayerParameter>
  readonly who: string
  readonly why: string | undefined
  /** The revision of the layer that the author saw; undefined: the present one. */
  readonly base: number | undefined
}

export async function putLayerDraft(sql: Sql, vault: Vault, draft: NewDraft): Promise<LayerDraft> {
  const { scope, id, who, why } = draft
  const base = draft.base ?? (await findLayer(sql, vault, scope, id))?.revisionId ?? 0
  const row = await sql.one<DraftRow>({
    name: 'put-layer-draft',
    text: `insert into layer_draft (scope, id, base_revision_id, parameters, who, why) values ($1, $2, $3, $4, $5, $6)
           on conflict (scope, id) do update set base_revision_id = excluded.base_revision_id,
             parameters = excluded.parameters, who = excluded.who, why = excluded.why, updated_at = now()
           returning ${COLUMNS}`,
    values: [scope, id, base, JSON.stringify(storedParameters(scope, id, draft.parameters, vault)), who, why ?? null],
  })
  if (row === undefined) throw new Error('Cannot store a draft')
  await recordRevision(sql, { who, scope: `layer-draft/${scope}`, target: id, what: 'prepared' })
  return draftFromRow(row, vault)
}

/** @returns whether there was one */
export async function deleteLayerDraft(sql: Sql, who: string, scope: LayerScope, id: string): Promise<boolean> {
  const changed = await removeDraft(sql, scope, id)
  if (changed) await recordRevision(sql, { who, scope: `layer-draft/${scope}`, target: id, what: 'dropped' })
  return changed
}

async function removeDraft(sql: Pick<Sql, 'run'>, scope: LayerScope, id: string): Promise<boolean> {
  const changed = await sql.run({
    name: 'delete-layer-draft',
    text: 'delete from layer_draft where scope = $1 and id = $2',
    values: [scope, id],
  })
  return changed > 0
}

/**
 * Makes a draft the layer. The caller checked it.
 * @param seen the revision of the layer that the publisher saw; undefined: the one that the draft was made from
 */
export async function publishLayerDraft(
  sql: Sql,
  vault: Vault,
  who: string,
  draft: LayerDraft,
  more: { readonly why: string | undefined; readonly seen: number | undefined },
): Promise<Result<number, StaleLayer>> {
  const { scope, id, parameters } = draft
  const change = { scope, id, parameters, who, why: more.why ?? draft.why, what: 'published' }
  const done = await replaceLayerSeen(sql, vault, change, more.seen ?? draft.revisionId)
  if (!done.ok) return err(done.error)
  await removeDraft(sql, scope, id)
  return ok(done.value)
}
