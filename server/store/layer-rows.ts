/**
 * Layers as rows: secret values are sealed one by one, so that a layer can be shown and compared without a key. Either form
 * is read: what an older release stored in clear is sealed with the next change of its layer.
 */
import { catalogue } from '../../protocol/profile/mod.ts'
import type { UserAccess } from '../../protocol/profile/mod.ts'
import type { Layer, LayerParameter, LayerScope } from '../profiles/mod.ts'
import { spellsOutSecret } from './spelled-out.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

export interface StoredLayerParameter {
  readonly value?: string
  /** Base64. */
  readonly sealed?: string
  readonly ua?: UserAccess
  readonly preserve?: boolean
  readonly userPref?: boolean
}

export interface LayerRow {
  readonly scope: LayerScope
  readonly id: string
  readonly revision_id: number
  readonly parameters: Readonly<Record<string, StoredLayerParameter>>
}

export function layerFromRow(row: LayerRow, vault: Vault): Layer {
  const parameters = Object.entries(row.parameters).map(
    ([element, stored]) => [element, openParameter(row, element, stored, vault)] as const,
  )
  return { scope: row.scope, id: row.id, revisionId: row.revision_id, parameters: new Map(parameters) }
}

function openParameter(row: LayerRow, element: string, stored: StoredLayerParameter, vault: Vault): LayerParameter {
  const { sealed, value, ...rest } = stored
  if (sealed === undefined) return { ...rest, value: value ?? '' }
  const context = SECRET_CONTEXT.layer(row.scope, row.id, element)
  return { ...rest, value: vault.open(context, Buffer.from(sealed, 'base64')) }
}

/** The `parameters` column of a layer. A rule with a key written out in it is sealed whole. */
export function storedParameters(
  scope: LayerScope,
  id: string,
  parameters: ReadonlyMap<string, LayerParameter>,
  vault: Vault,
): Readonly<Record<string, StoredLayerParameter>> {
  const entries = [...parameters].map(([element, parameter]) => {
    const { value, ...rest } = parameter
    const secret =
      (catalogue.find(element) ?? catalogue.findPattern(element))?.secret === true || spellsOutSecret(value)
    if (!secret || value === '') return [element, { ...rest, value }] as const
    const sealed = vault.seal(SECRET_CONTEXT.layer(scope, id, element), value).toString('base64')
    return [element, { ...rest, sealed }] as const
  })
  return Object.fromEntries(entries)
}
