import { createHash } from 'node:crypto'

import type { KeaConfig } from './types.ts'

/** The configuration as JSON with sorted keys, without Kea's own `hash`: equal texts, equal configurations. */
function keaCanonicalText(config: KeaConfig): string {
  const { hash: _hash, ...rest } = config
  return JSON.stringify(sorted(rest))
}

/** @returns 64 hex digits (SHA-256) of the canonical text: another value means that somebody changed it meanwhile. */
export function keaFingerprint(config: KeaConfig): string {
  return createHash('sha256').update(keaCanonicalText(config)).digest('hex')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, held]) => [key, sorted(held)]))
}
