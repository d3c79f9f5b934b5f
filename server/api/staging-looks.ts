/**
 * Looks at a batch for who looks again and again. A batch falls into parts by the ends of the MACs. We remember how each
 * part was when it was read last, and a cursor holds a hash of each as the caller was shown it: so only what has changed is
 * read, and only what looks different to the caller is sent. The cursor says all: any process goes on from it.
 */
import { createHash } from 'node:crypto'
import type { z } from 'zod'
import {
  boxesForLimited,
  type Database,
  partOf,
  type Stage,
  STAGED_MAX,
  type StagedBox,
  stagedBox,
  type StagingMark,
  stagingMarks,
  stagingRows,
  type StoredBatch,
} from '../store/mod.ts'
import { batchProblem } from './batch-json.ts'
import type { ApiPlatform } from './context.ts'
import type { Box } from './contract/staging.ts'
import type { Reach } from './reach.ts'
import { boxJson, countsOf } from './staging-json.ts'

type Json = z.infer<typeof Box>

/** What a caller is shown. */
export interface Look {
  /** Of all boxes. */
  readonly counts: Record<Stage, number>
  /** In the order of scanning. */
  readonly boxes: Json[]
  /** In which boxes of the batch have proved themselves. */
  readonly networks: readonly string[]
  /** Two hex digits each: `boxes` are all boxes of these; null: of all. */
  readonly parts: string[] | null
  /** undefined: nobody asked for it. */
  readonly cursor: string | undefined
}

/** For who looks once. */
export function wholeLook(boxes: readonly StagedBox[]): Look {
  const networks = [...new Set(boxes.flatMap((box) => box.networks))]
  return { counts: countsOf(boxes), boxes: boxes.map(boxJson), networks, parts: null, cursor: undefined }
}

/** What is remembered of a part. */
interface Part {
  readonly mark: string
  /** Of its boxes as they are shown, in base64. */
  readonly hash: string
  readonly counts: Record<Stage, number>
  readonly networks: readonly string[]
  /** A hash of the networks of all, where they decide what is shown of its boxes. */
  readonly shownBy: string | undefined
}
/** In the order of their names. */
type Parts = ReadonlyMap<string, Part>

/** Batches whose parts are remembered, those that were looked at last; each takes two megabytes at most. */
const REMEMBERED_MAX = 16
const remembered = new WeakMap<Database, Map<string, Parts>>()

/**
 * Refuses a batch that is too large.
 * @param since a cursor; a text that is none counts as one of somebody who has seen nothing
 */
export async function lookSince(
  { db }: Pick<ApiPlatform, 'db'>,
  batch: StoredBatch,
  { reach, since }: { readonly reach: Reach; readonly since: string },
): Promise<Look> {
  const memory = remembered.get(db) ?? new Map<string, Parts>()
  remembered.set(db, memory)
  const key = `${batch.id} ${reach === null ? '*' : hashOf(reach.toSorted().join(' '), KEY_BYTES)}`
  const before = memory.get(key) ?? new Map<string, Part>()
  // Before the rows: what changes in between then has another mark at the next look, and is read once more.
  const marks = await stagingMarks(db, batch.id, reach)
  if (marks.reduce((sum, { boxes }) => sum + boxes, 0) > STAGED_MAX) {
    throw batchProblem(batch.id, 'show', { kind: 'too-large' })
  }
  const seen = readCursor(since)
  const read = await readParts({ db, batch, reach }, { marks, before, seen })
  memory.delete(key)
  memory.set(key, read.parts)
  for (const oldest of [...memory.keys()].slice(0, -REMEMBERED_MAX)) memory.delete(oldest)
  return shownTo(seen, read)
}

interface Place {
  readonly db: Database
  readonly batch: StoredBatch
  readonly reach: Reach
}

interface Read {
  readonly parts: Parts
  /** Boxes of the parts that were read, in the order of scanning. */
  readonly shown: readonly Json[]
  readonly networks: readonly string[]
}

async function readParts(
  place: Place,
  { marks, before, seen }: { readonly marks: readonly StagingMark[]; readonly before: Parts; readonly seen: Cursor },
): Promise<Read> {
  const first = marks.filter(({ part, mark }) => {
    const known = before.get(part)
    return known?.mark !== mark || seen.get(part) !== known.hash
  })
  const boxes = [...(await boxesOf(place, first))]
  const read = new Set(first.map(({ part }) => part))
  const others = marks.flatMap(({ part }) => (read.has(part) ? [] : (before.get(part) ?? [])))
  const networks = new Set([...boxes, ...others].flatMap((each) => each.networks))
  const shownBy = hashOf([...networks].toSorted().join(' '), KEY_BYTES)
  // What a limited caller is told of a wrong serial number depends on where the other boxes are.
  const second = marks.filter(({ part }) => {
    const by = read.has(part) ? undefined : before.get(part)?.shownBy
    return by !== undefined && by !== shownBy
  })
  boxes.push(...(await boxesOf(place, second)))
  const shown = (place.reach === null ? boxes : boxesForLimited(boxes, networks)).map(boxJson)
  const fresh = partsOf(boxes, shown, place.reach === null ? undefined : shownBy)
  for (const { part } of second) read.add(part)
  const parts = marks.flatMap(({ part, mark }): readonly (readonly [string, Part])[] => {
    const known = read.has(part) ? { ...(fresh.get(part) ?? NO_BOXES), mark } : before.get(part)
    return known === undefined ? [] : [[part, known]]
  })
  return { parts: new Map(parts), shown, networks: [...networks] }
}

async function boxesOf({ db, batch, reach }: Place, marks: readonly StagingMark[]): Promise<readonly StagedBox[]> {
  if (marks.length === 0) return []
  const rows = await stagingRows(db, batch.id, { parts: marks.map(({ part }) => part) })
  return rows.map((row) => stagedBox(row, { batchCreatedAt: batch.createdAt, reach }))
}

type PartRead = Omit<Part, 'mark'>
/** A part whose last box has gone since it was marked. */
const NO_BOXES: PartRead = { hash: '', counts: countsOf([]), networks: [], shownBy: undefined }

/**
 * @param shown the boxes as JSON, in the same order
 * @param shownBy undefined: the caller is told everything
 */
function partsOf(
  boxes: readonly StagedBox[],
  shown: readonly Json[],
  shownBy: string | undefined,
): ReadonlyMap<string, PartRead> {
  const groups = new Map<string, { readonly own: StagedBox[]; readonly json: Json[] }>()
  for (const [index, json] of shown.entries()) {
    const box = boxes[index]
    const part = partOf(json.mac)
    const group = groups.get(part) ?? { own: [], json: [] }
    groups.set(part, group)
    group.json.push(json)
    if (box !== undefined) group.own.push(box)
  }
  const parts = [...groups].map(([part, { own, json }]) => {
    const depends = own.some(({ stage }) => stage === 'wrong-serial')
    return [
      part,
      {
        hash: hashOf(JSON.stringify(json), HASH_BYTES),
        counts: countsOf(own),
        networks: [...new Set(own.flatMap((box) => box.networks))],
        shownBy: depends ? shownBy : undefined,
      },
    ] as const
  })
  return new Map(parts)
}

function shownTo(seen: Cursor, { parts, shown, networks }: Read): Look {
  const counts = countsOf([])
  for (const part of parts.values()) {
    for (const [stage, count] of Object.entries(part.counts)) counts[stage as Stage] += count
  }
  const changed = new Set([...parts.keys(), ...seen.keys()].filter((part) => parts.get(part)?.hash !== seen.get(part)))
  return {
    counts,
    boxes: shown.filter(({ mac }) => changed.has(partOf(mac))),
    networks,
    parts: seen.size === 0 ? null : [...changed].toSorted(),
    cursor: cursorOf(parts),
  }
}

/** The hashes of what its owner was shown, by part. */
type Cursor = ReadonlyMap<string, string>

/** Of a part that changes each second for a year, one change in 30,000 years goes unnoticed. */
const HASH_BYTES = 5
const ENTRY_BYTES = 1 + HASH_BYTES
/** Of what tells callers or sets of networks apart. */
const KEY_BYTES = 16

function hashOf(text: string, bytes: number): string {
  return createHash('sha256').update(text).digest().subarray(0, bytes).toString('base64')
}

/** Of each part its name as a byte, and its hash. */
function cursorOf(parts: Parts): string {
  const entries = [...parts].flatMap(([part, { hash }]) =>
    hash === '' ? [] : [Buffer.from(part, 'hex'), Buffer.from(hash, 'base64')],
  )
  return Buffer.concat(entries).toString('base64url')
}

function readCursor(text: string): Cursor {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length % ENTRY_BYTES !== 0) return new Map()
  const entries = Array.from({ length: bytes.length / ENTRY_BYTES }, (_, index) => {
    const entry = bytes.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES)
    return [entry.subarray(0, 1).toString('hex'), entry.subarray(1).toString('base64')] as const
  })
  return new Map(entries)
}
