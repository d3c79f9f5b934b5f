/** Staging as the API shows it. */
import type { z } from 'zod'
import {
  type Stage,
  type StagedBox,
  STAGES,
  type StagingRow,
  type StoredBatch,
  type StrangerSeen,
  todoOf,
} from '../store/mod.ts'
import { batchJson } from './batch-json.ts'
import { csvRow } from './bulk/write.ts'
import type { Box, PickList, Stranger } from './contract/staging.ts'

export function countsOf(boxes: readonly Pick<StagedBox, 'stage'>[]): Record<Stage, number> {
  const counts = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>
  for (const { stage } of boxes) counts[stage] += 1
  return counts
}

export function boxJson({
  row,
  stage,
  since,
  firstSeenAt,
  last,
  keysConfirmed,
  problem,
}: StagedBox): z.infer<typeof Box> {
  const { mac, serial, model, name, scannedAt } = row
  return {
    mac,
    serial,
    model,
    name,
    stage,
    since: since.toISOString(),
    scannedAt: scannedAt === null ? null : new Date(scannedAt).toISOString(),
    firstSeenAt: firstSeenAt?.toISOString() ?? null,
    lastSeenAt: last?.at.toISOString() ?? null,
    address: last?.address ?? null,
    source: last?.source ?? null,
    lines: linesJson(row),
    keysConfirmed,
    problem: problem === undefined ? null : { ...problem },
  }
}

function linesJson({ lines }: StagingRow): { userId: string; displayName: string }[] {
  return lines.map(({ userId, displayName }) => ({ userId, displayName }))
}

const STRANGER_PROBLEMS: Readonly<Record<string, string>> = {
  'expired-certificate': 'Its certificate has ended',
  'wrong-code': 'It came with a code that is wrong, used up or past its time',
  'wrong-customer-id': 'It came with a Customer ID outside of any enrolment window',
  'identity-mismatch': 'It asked for the profile of another phone',
  'locked-out': 'It sent too many wrong codes',
}

export function strangerJson(stranger: StrangerSeen): z.infer<typeof Stranger> {
  const { mac, serial, productName, address, source, problem, firstAt, lastAt } = stranger
  return {
    mac,
    serial,
    productName,
    address,
    source,
    firstSeenAt: firstAt.toISOString(),
    lastSeenAt: lastAt.toISOString(),
    problem:
      problem === null ? null : { code: problem, message: STRANGER_PROBLEMS[problem] ?? `It was refused (${problem})` },
  }
}

/** Boxes that did not turn up or have a problem, and how many are still to be scanned. */
export function pickListJson(batch: StoredBatch, boxes: readonly StagedBox[], at: Date): z.infer<typeof PickList> {
  const open = boxes.filter(({ stage, problem }) => stage === 'missing' || problem !== undefined)
  return {
    batch: batchJson(batch),
    at: at.toISOString(),
    unscanned: batch.expected === null ? null : Math.max(0, batch.expected - boxes.length),
    items: open.map((box) => {
      const { mac, serial, model, name } = box.row
      const problem = box.problem === undefined ? null : { ...box.problem }
      return { mac, serial, model, name, lines: linesJson(box.row), stage: box.stage, problem, todo: todoOf(box) }
    }),
  }
}

const COLUMNS = ['mac', 'serial', 'model', 'name', 'line', 'stage', 'problem', 'todo'] as const

/** The list for a person with a trolley: the last row says how many boxes are not scanned. */
export function pickListCsv({ items, unscanned }: z.infer<typeof PickList>): string {
  const rows = items.map(({ mac, serial, model, name, lines, stage, problem, todo }) => {
    const line = lines.map(({ userId }) => userId).join(' ')
    return [mac, serial, model, name, line, stage, problem?.message ?? '', todo]
  })
  if (unscanned !== null && unscanned > 0) {
    rows.push(['', '', '', '', '', 'not-scanned', '', `Scan ${unscanned} more`])
  }
  return [COLUMNS, ...rows].map(csvRow).join('')
}
