/**
 * Layers and features as values that devices share: the same row is the same object for every device that has it, so it
 * is opened once and what was worked out for it can be kept by identity. A revision never changes, so an entry cannot
 * be stale.
 */
import { type Feature, type FeatureBody, type FeatureScope, type Layer, readFeature } from '../profiles/mod.ts'
import { type LayerRow, layerFromRow } from './layer-rows.ts'
import type { Vault } from './vault.ts'

/** Shared layers and features that are kept for each vault; the longest unused go first. */
const KEPT_MAX = 20_000

/** Scopes of layers that nearly every device has, and how many of them are told to the database. */
const WIDE: readonly string[] = ['platform', 'provider', 'model']
const WIDEST_MAX = 32

export interface FeatureRow {
  readonly id: string
  readonly scope: FeatureScope
  readonly scope_id: string
  readonly revision_id: number
  readonly body: unknown
  /** It was taken back. */
  readonly past?: boolean
}

/** By vault, since that is what opens the secrets in a layer: other vaults are other databases. */
interface Kept {
  readonly layers: Map<string, Layer>
  /** Those of nearly every device. */
  readonly widest: Map<string, Layer>
  readonly features: Map<string, Feature | undefined>
}

const kept = new WeakMap<Vault, Kept>()

/** A layer of one device is nobody else's and is not kept. */
export function sharedLayer(row: LayerRow, vault: Vault): Layer {
  if (row.scope === 'device') return layerFromRow(row, vault)
  const { layers, widest } = keptOf(vault)
  const layer = remembered(layers, layerKey(row), () => layerFromRow(row, vault))
  if (WIDE.includes(row.scope)) {
    if (widest.size >= WIDEST_MAX && !widest.has(layerKey(row))) widest.clear()
    widest.set(layerKey(row), layer)
  }
  return layer
}

export function layerKey(row: Pick<LayerRow, 'scope' | 'id' | 'revision_id'>): string {
  return `${row.scope}/${row.id}/${row.revision_id}`
}

/** Layers that are known well enough not to be sent again with every device. */
export function widestLayers(vault: Vault): ReadonlyMap<string, Layer> {
  return new Map(keptOf(vault).widest)
}

/** @returns undefined for a kind that this release does not know: a newer one may have stored it */
export function sharedFeature(row: FeatureRow, vault: Vault): Feature | undefined {
  if (row.scope === 'device') return featureFromRow(row)
  return remembered(keptOf(vault).features, `${row.id}/${row.revision_id}`, () => featureFromRow(row))
}

export function featureFromRow(row: FeatureRow): Feature | undefined {
  const read = readFeature(row.body, 'ignore')
  if (!read.ok) return undefined
  return featureOf(row, read.value)
}

function featureOf(row: FeatureRow, body: FeatureBody): Feature {
  return { id: row.id, scope: row.scope, scopeId: row.scope_id, revisionId: row.revision_id, body }
}

function keptOf(vault: Vault): Kept {
  const known = kept.get(vault)
  if (known !== undefined) return known
  const made: Kept = { layers: new Map(), widest: new Map(), features: new Map() }
  kept.set(vault, made)
  return made
}

/** A map keeps its order: what was just used moves to the end, so the first is the longest unused. */
function remembered<T>(values: Map<string, T>, key: string, make: () => T): T {
  const known = values.has(key)
  const value = known ? (values.get(key) as T) : make()
  if (known) values.delete(key)
  else if (values.size >= KEPT_MAX) values.delete(values.keys().next().value ?? '')
  values.set(key, value)
  return value
}
