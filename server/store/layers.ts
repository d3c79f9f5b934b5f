/** Layers of parameters, replaced whole, each time with a revision; their history, and what is being prepared. */
import { err, ok, type Result } from '../../protocol/result.ts'
import type { Layer, LayerParameter, LayerScope } from '../profiles/mod.ts'
import { announce } from './changes.ts'
import { type LayerRow, layerFromRow, type StoredLayerParameter, storedParameters } from './layer-rows.ts'
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

/** Serialises the writers of one layer, also while there is no row to lock. */
async function lockLayer(sql: Pick<Sql, 'one'>, scope: LayerScope, id: string): Promise<void> {
  await sql.one({
    name: 'lock-layer',
    text: 'select pg_advisory_xact_lock(727005, hashtext($1))',
    values: [`${scope}/${id}`],
  })
}

export interface LayerChange {
  readonly scope: LayerScope
  readonly id: string
  readonly parameters: ReadonlyMap<string, LayerParameter>
  readonly who: string
  readonly why: string | undefined
  /** What is said in the history; `replaced` unless told otherwise. */
  readonly what?: string
}

/** @returns the number of the revision */
export async function replaceLayer(sql: Sql, vault: Vault, change: LayerChange): Promise<number> {
  const before = await findRow(sql, change.scope, change.id)
  const after = storedParameters(change.scope, change.id, change.parameters, vault)
  const revision = await recordRevision(sql, {
    who: change.who,
    scope: `layer/${change.scope}`,
    target: change.id,
    what: change.what ?? 'replaced',
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

/** The layer is at another revision than the writer saw; 0: there is none. */
export interface StaleLayer {
  readonly kind: 'conflict'
  readonly revisionId: number
}

/**
 * Replaces the layer if it is still what the writer saw.
 * @param seen the revision that the writer saw, 0 for no layer; undefined: whatever is there
 */
export async function replaceLayerSeen(
  sql: Sql,
  vault: Vault,
  change: LayerChange,
  seen: number | undefined,
): Promise<Result<number, StaleLayer>> {
  await lockLayer(sql, change.scope, change.id)
  const revisionId = (await findRow(sql, change.scope, change.id))?.revision_id ?? 0
  if (seen !== undefined && seen !== revisionId) return err({ kind: 'conflict', revisionId })
  return ok(await replaceLayer(sql, vault, change))
}

/** @returns false when there was no such layer */
export async function deleteLayer(
  sql: Sql,
  who: string,
  layer: Pick<Layer, 'scope' | 'id'>,
  seen: number | undefined,
): Promise<Result<boolean, StaleLayer>> {
  const { scope, id } = layer
  await lockLayer(sql, scope, id)
  const before = await findRow(sql, scope, id)
  const revisionId = before?.revision_id ?? 0
  if (seen !== undefined && seen !== revisionId) return err({ kind: 'conflict', revisionId })
  if (before === undefined) return ok(false)
  await sql.run({ name: 'delete-layer', text: 'delete from layer where scope = $1 and id = $2', values: [scope, id] })
  await recordRevision(sql, {
    who,
    scope: `layer/${scope}`,
    target: id,
    what: 'deleted',
    before: before.parameters,
    after: {},
  })
  await announce(sql, { kind: 'many' })
  return ok(true)
}

export interface ListedLayer {
  readonly scope: LayerScope
  readonly id: string
  readonly revisionId: number
  readonly parameterCount: number
  readonly updatedAt: Date
  readonly hasDraft: boolean
}

export interface LayerFilter {
  readonly reach: readonly string[] | null
  readonly scope: LayerScope | undefined
  readonly limit: number
  /** `scope/id` of the last one of the page before. */
  readonly after: string | undefined
}

/** In the order of scope and id. */
export async function listLayers(sql: Pick<Sql, 'query'>, filter: LayerFilter): Promise<readonly ListedLayer[]> {
  return sql.query<ListedLayer>({
    name: 'list-layers',
    text: `
select y.scope, y.id, y.revision_id as "revisionId", y.updated_at as "updatedAt",
       (select count(*) from jsonb_object_keys(y.parameters)) as "parameterCount",
       exists (select 1 from layer_draft f where f.scope = y.scope and f.id = y.id) as "hasDraft"
  from layer y
 where ($1::text[] is null
        or (y.scope = 'account' and y.id = any ($1))
        or (y.scope = 'batch' and exists (select 1 from batch b where b.id = y.id and b.account_id = any ($1)))
        or (y.scope = 'device' and exists (select 1 from device d where d.mac = y.id
              and coalesce(d.account_id, d.held_account_id) = any ($1))))
   and ($2::text is null or y.scope = $2) and ($3::text is null or y.scope || '/' || y.id > $3)
 order by y.scope || '/' || y.id limit $4`,
    values: [
      filter.reach === null ? null : [...filter.reach],
      filter.scope ?? null,
      filter.after ?? null,
      filter.limit,
    ],
  })
}

export interface LayerRevision {
  readonly id: number
  readonly at: Date
  readonly who: string
  readonly what: string
  readonly why: string | null
  readonly before: ReadonlyMap<string, LayerParameter>
  readonly after: ReadonlyMap<string, LayerParameter>
}

interface RevisionRow extends Omit<LayerRevision, 'before' | 'after'> {
  readonly before: Readonly<Record<string, StoredLayerParameter>> | null
  readonly after: Readonly<Record<string, StoredLayerParameter>> | null
}

const REVISION_COLUMNS = 'id, at, who, what, why, before, after'

/**
 * Newest first, with the values in clear: mask them before they are shown.
 * @param page `reach`: a device that changed hands has revisions of others, which are not for everybody
 */
export async function layerRevisions(
  sql: Pick<Sql, 'query'>,
  vault: Vault,
  of: Pick<Layer, 'scope' | 'id'>,
  page: { readonly limit: number; readonly before: number | undefined; readonly reach: readonly string[] | null },
): Promise<readonly LayerRevision[]> {
  const rows = await sql.query<RevisionRow>({
    name: 'layer-revisions',
    text: `select ${REVISION_COLUMNS} from revision
            where scope = $1 and target = $2 and ($3::bigint is null or id < $3)
              and ($4::text[] is null or account_id = any ($4)) order by id desc limit $5`,
    values: [`layer/${of.scope}`, of.id, page.before ?? null, reachOrNull(page.reach), page.limit],
  })
  return rows.map((row) => openRevision(row, of, vault))
}

export async function findLayerRevision(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  of: Pick<Layer, 'scope' | 'id'>,
  revision: { readonly id: number; readonly reach: readonly string[] | null },
): Promise<LayerRevision | undefined> {
  const row = await sql.one<RevisionRow>({
    name: 'layer-revision',
    text: `select ${REVISION_COLUMNS} from revision where id = $1 and scope = $2 and target = $3
              and ($4::text[] is null or account_id = any ($4))`,
    values: [revision.id, `layer/${of.scope}`, of.id, reachOrNull(revision.reach)],
  })
  return row === undefined ? undefined : openRevision(row, of, vault)
}

function reachOrNull(reach: readonly string[] | null): string[] | null {
  return reach === null ? null : [...reach]
}

function openRevision(row: RevisionRow, { scope, id }: Pick<Layer, 'scope' | 'id'>, vault: Vault): LayerRevision {
  const open = (parameters: RevisionRow['before']): ReadonlyMap<string, LayerParameter> =>
    layerFromRow({ scope, id, revision_id: row.id, parameters: parameters ?? {} }, vault).parameters
  return { ...row, before: open(row.before), after: open(row.after) }
}
