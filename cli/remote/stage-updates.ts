/** A batch as it is, from what the server tells of it: everything at first, then only parts that have changed. Pure. */
import type { Box, Staging } from './stage-words.ts'

/** The answer of `GET batches/{id}/staging?since=`. */
export interface Update extends Staging {
  /** `boxes` are all boxes whose MACs end in these; null: all of the batch. */
  readonly parts: readonly string[] | null
  readonly cursor: string
}

/**
 * In the order of scanning, those without a scan last. Boxes of which nothing was told are the same objects as before.
 * @param before undefined: nothing was told before
 */
export function updated(before: Staging | undefined, update: Update): Staging {
  const { parts, cursor: _cursor, ...told } = update
  if (before === undefined || parts === null) return told
  if (parts.length === 0) return { ...told, boxes: before.boxes }
  const changed = new Set(parts)
  const sent = new Map(told.boxes.map((box) => [box.mac, box]))
  const kept = before.boxes.flatMap((box): readonly Box[] => {
    if (!changed.has(box.mac.slice(-2))) return [box]
    const now = sent.get(box.mac)
    // One that was taken out and scanned again stands where its new scan does.
    if (now === undefined || now.scannedAt !== box.scannedAt) return []
    sent.delete(box.mac)
    return [now]
  })
  const all = [...kept, ...sent.values()]
  const unscanned = all.filter(({ scannedAt }) => scannedAt === null)
  const scanned = all.filter(({ scannedAt }) => scannedAt !== null)
  return { ...told, boxes: [...scanned, ...unscanned.toSorted((one, other) => (one.mac < other.mac ? -1 : 1))] }
}
