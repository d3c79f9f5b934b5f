/** What became different between two looks at a batch, and whether all of its boxes have come as far as wished. Pure. */
import { assertNever } from '../../protocol/result.ts'
import {
  type Batch,
  type Box,
  macText,
  nameAndLines,
  type Note,
  type Stage,
  STAGES,
  type Staging,
  TO_SOLVE,
} from './stage-words.ts'
import { plainText } from './stage-width.ts'

/** How far boxes may be wished to come. */
export const GOALS = ['bound', 'applied', 'registered'] as const
export type Goal = (typeof GOALS)[number]

/** One object of `stage watch --json`. */
export type Change =
  | {
      readonly kind: 'box'
      readonly at: string
      readonly mac: string
      readonly serial: string
      readonly model: string
      readonly name: string
      /** null: it was not in the batch when we looked last, or we look for the first time. */
      readonly from: Stage | null
      readonly stage: Stage
      readonly problem: Note | null
    }
  | { readonly kind: 'removed'; readonly at: string; readonly mac: string; readonly serial: string }
  | {
      readonly kind: 'stranger'
      readonly at: string
      readonly mac: string
      readonly serial: string | null
      readonly productName: string | null
      readonly address: string
      readonly source: string
      readonly problem: Note | null
    }

/** @param before undefined at the first look, which tells of everything that is there */
export function changesBetween(before: Staging | undefined, after: Staging): readonly Change[] {
  const { at } = after
  const known = new Map(before?.boxes.map((box) => [box.mac, box]))
  const present = new Set(after.boxes.map(({ mac }) => mac))
  const boxes = after.boxes.flatMap((box): readonly Change[] => {
    const old = known.get(box.mac)
    if (old !== undefined && isSame(old, box)) return []
    const { mac, serial, model, stage, problem } = box
    return [{ kind: 'box', at, mac, serial, model, name: nameAndLines(box), from: old?.stage ?? null, stage, problem }]
  })
  const removed = (before?.boxes ?? []).flatMap(({ mac, serial }): readonly Change[] =>
    present.has(mac) ? [] : [{ kind: 'removed', at, mac, serial }],
  )
  return [...boxes, ...removed, ...newStrangers(before, after)]
}

function isSame(old: Box, box: Box): boolean {
  return (
    old.stage === box.stage &&
    old.serial === box.serial &&
    old.problem?.code === box.problem?.code &&
    old.problem?.message === box.problem?.message
  )
}

function newStrangers(before: Staging | undefined, after: Staging): readonly Change[] {
  const known = new Map(before?.strangers.map((each) => [each.mac, each.problem?.code]))
  return after.strangers.flatMap((stranger): readonly Change[] => {
    if (known.has(stranger.mac) && known.get(stranger.mac) === stranger.problem?.code) return []
    const { mac, serial, productName, address, source, problem } = stranger
    return [{ kind: 'stranger', at: after.at, mac, serial, productName, address, source, problem }]
  })
}

/** A change in one line for a person. @param time what the clock says, as it is to be shown */
export function changeLine(change: Change, time: string): string {
  const mac = macText(change.mac)
  switch (change.kind) {
    case 'removed':
      return line(time, '-', mac, change.serial, 'taken out of the batch')
    case 'stranger': {
      const who = [change.productName ?? '', `at ${change.address}`, `(${change.source})`].filter((word) => word !== '')
      return line(time, '?', mac, change.serial ?? '-', 'stranger', who.join(' '), change.problem?.message ?? '')
    }
    case 'box': {
      const { from, stage, problem } = change
      const stages = from === null || from === stage ? stage : `${from} -> ${stage}`
      return line(time, signOf(change), mac, change.serial, stages, change.name, problem?.message ?? '')
    }
    default:
      return assertNever(change)
  }
}

function line(...words: readonly string[]): string {
  return words
    .filter((word) => word !== '')
    .map(plainText)
    .join('  ')
}

/** `!` a problem, `.` missing, `>` under way, `*` as far as wished. */
export function signOf(
  box: { readonly stage: Stage; readonly problem: Note | null },
  goal: Goal = 'registered',
): string {
  if (hasProblem(box)) return '!'
  if (isThere(box.stage, goal)) return '*'
  return box.stage === 'missing' ? '.' : '>'
}

export function hasProblem({ stage, problem }: { readonly stage: Stage; readonly problem: Note | null }): boolean {
  return TO_SOLVE.includes(stage) || problem !== null
}

/** Whether a stage is as far as the goal, or farther. A stage that is for a person to solve is not. */
export function isThere(stage: Stage, goal: Goal): boolean {
  return !TO_SOLVE.includes(stage) && STAGES.indexOf(stage) >= STAGES.indexOf(goal)
}

/** How many boxes there should be: those of the batch, or as many as were expected. */
export function totalOf(batch: Batch, boxes: number): number {
  return Math.max(batch.expected ?? 0, boxes)
}

/** What is left until all boxes are as far as wished. */
export interface Left {
  readonly there: number
  readonly total: number
  /** Boxes that were expected and not scanned. */
  readonly unscanned: number
  /** Scanned, and not there yet; those with a problem first. */
  readonly boxes: readonly Box[]
}

export function leftUntil(staging: Staging, goal: Goal): Left {
  const behind = staging.boxes.filter(({ stage }) => !isThere(stage, goal))
  const total = totalOf(staging.batch, staging.boxes.length)
  return {
    there: staging.boxes.length - behind.length,
    total,
    unscanned: total - staging.boxes.length,
    boxes: [...behind.filter(hasProblem), ...behind.filter((box) => !hasProblem(box))],
  }
}

/** Whether nothing is left. An empty batch has not come anywhere. */
export function isReached({ there, total }: Left): boolean {
  return total > 0 && there === total
}

/** What is left, by name: each box in a line of its own. */
export function leftLines(left: Left, goal: Goal): readonly string[] {
  const { there, total, unscanned, boxes } = left
  return [
    `${there} of ${total} boxes are ${goal}`,
    ...(unscanned > 0 ? [`  ${unscanned} that were expected are not scanned`] : []),
    ...boxes.map((box) => {
      const why = box.problem === null ? '' : `: ${box.problem.message}`
      const name = nameAndLines(box)
      return plainText(`  ${macText(box.mac)}  ${box.serial}  ${box.stage}${name === '' ? '' : `  ${name}`}${why}`)
    }),
  ]
}
