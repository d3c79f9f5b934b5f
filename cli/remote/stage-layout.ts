/**
 * The live view of a batch as lines of a terminal: how far it is, problems first, strangers at the end. Pure: size and
 * state in, lines out. Signs instead of colours.
 */
import { type Goal, hasProblem, isThere, leftUntil, signOf } from './stage-changes.ts'
import { type Box, macText, nameAndLines, type Stranger, STAGES, type Staging, TO_SOLVE } from './stage-words.ts'
import { cutTo, padTo, plainText, widthOf, wrapped } from './stage-width.ts'

export interface WatchView {
  /** The last answer; undefined before the first. */
  readonly staging: Staging | undefined
  /** What the bar counts. */
  readonly goal: Goal
  /** The first row of the table that is shown; one that cannot be is moved to the next that can. */
  readonly offset: number
  /** What is wrong with looking itself, e.g. `no answer since 10:31:02`. */
  readonly notice: string | undefined
}

export interface Layout {
  /** At most as many as rows, each at most as wide as columns. */
  readonly lines: readonly string[]
  /** Where the table begins really. */
  readonly offset: number
  /** Rows of the table that are shown at once. */
  readonly page: number
}

/** Rows of the table that the lines around it leave. */
const PAGE_MIN = 3
/** Below its row, a problem takes as many lines at most. */
const PROBLEM_LINES_MAX = 3
const BAR_COLUMNS_MIN = 8
const BAR_COLUMNS_MAX = 60
const GAP = '  '

/** A line around the table. The lower its rank, the later a low terminal does without it. */
interface Part {
  readonly rank: number
  readonly line: string
}

/** @param rows, columns of the terminal; anything from 1 on */
export function layoutOf(rows: number, columns: number, view: WatchView): Layout {
  const { staging, notice } = view
  const notices: readonly Part[] = notice === undefined ? [] : [{ rank: 0, line: `! ${plainText(notice)}` }]
  if (staging === undefined) {
    const waiting = notices.length === 0 ? ['Asking the server …'] : notices.map(({ line }) => line)
    return { lines: waiting.slice(0, rows).map((line) => cutTo(line, columns)), offset: 0, page: 1 }
  }
  const table = tableOf(staging, view.goal, columns)
  const top: readonly Part[] = [
    { rank: 3, line: titleOf(staging) },
    { rank: 1, line: barOf(staging, view.goal, columns) },
    { rank: 5, line: countsOf(staging) },
    ...notices,
    { rank: 4, line: table.head },
  ]
  const kept = top.length + 1 - Math.max(0, top.length + 1 + PAGE_MIN - rows)
  const isKept = keeper([...top.map(({ rank }) => rank), FOOT_RANK], Math.max(1, kept))
  const above = top.filter(({ rank }) => isKept(rank)).map(({ line }) => line)
  const page = Math.max(0, rows - above.length - (isKept(FOOT_RANK) ? 1 : 0))
  const offset = Math.max(0, Math.min(view.offset, table.count - page))
  const shown = table.lines(offset, offset + page)
  const foot = isKept(FOOT_RANK) ? [footOf(offset, shown.length, table.count)] : []
  const empty = Array.from<string>({ length: foot.length === 0 ? 0 : page - shown.length }).fill('')
  const lines = [...above, ...shown, ...empty, ...foot].slice(0, rows)
  return { lines: lines.map((line) => cutTo(line, columns)), offset, page: Math.max(1, page) }
}

const FOOT_RANK = 2

/** @returns whether a rank is among the lowest `count` of all */
function keeper(ranks: readonly number[], count: number): (rank: number) => boolean {
  const kept = new Set(ranks.toSorted((one, other) => one - other).slice(0, count))
  return (rank) => kept.has(rank)
}

function titleOf({ batch }: Staging): string {
  const state = batch.state === 'open' ? '' : ` (${batch.state})`
  return plainText(`${batch.name}${state}${GAP}${batch.id}`)
}

function barOf(staging: Staging, goal: Goal, columns: number): string {
  const { there, total } = leftUntil(staging, goal)
  const text = `${there} of ${total} ${goal}`
  const width = Math.min(columns - text.length - 3, BAR_COLUMNS_MAX)
  if (width < BAR_COLUMNS_MIN) return text
  // Full only when all are there.
  const full = total === 0 ? 0 : Math.floor((there / total) * width)
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}] ${text}`
}

/** What needs a person first, since a narrow terminal cuts the end. */
function countsOf(staging: Staging): string {
  const { unscanned } = leftUntil(staging, 'registered')
  const part = (sign: string, name: string, count: number): readonly string[] =>
    count === 0 ? [] : [`${sign}${name} ${count}`]
  const words = [
    ...TO_SOLVE.flatMap((stage) => part('! ', stage, staging.counts[stage] ?? 0)),
    ...part('? ', 'strangers', staging.strangers.length),
    ...part('', 'not scanned', unscanned),
    ...STAGES.filter((stage) => !TO_SOLVE.includes(stage)).flatMap((stage) =>
      part('', stage, staging.counts[stage] ?? 0),
    ),
  ]
  return words.join(GAP)
}

function footOf(offset: number, shown: number, total: number): string {
  const where = shown < total ? `${offset + 1}-${offset + shown} of ${total}${GAP}` : ''
  const keys = shown < total ? `Up Down PgUp PgDn scroll${GAP}` : ''
  return `q ends${GAP}${where}${keys}! problem  . missing  > under way  * there  ? stranger`
}

const COLUMNS = ['sign', 'mac', 'serial', 'model', 'name', 'stage', 'since'] as const
type Column = (typeof COLUMNS)[number]
/** Text, and the columns of a terminal that it takes. */
interface Cell {
  readonly text: string
  readonly width: number
}

interface Row {
  readonly cells: Readonly<Record<Column, Cell>>
  readonly problem: Cell
}

const HEAD_CELLS: Row['cells'] = {
  sign: asciiCell(' '),
  mac: asciiCell('MAC'),
  serial: asciiCell('serial'),
  model: asciiCell('model'),
  name: asciiCell('name, lines'),
  stage: asciiCell('stage'),
  since: asciiCell('since'),
}
/** A name may be long; then it is cut. */
const WIDTH_MAX: Readonly<Record<Column, number>> = {
  sign: 1,
  mac: 17,
  serial: 16,
  model: 14,
  name: 32,
  stage: 14,
  since: 6,
}
/** What a narrow terminal does without, one after the other: the column gets so many columns at most, or goes. */
const NARROWER: readonly (readonly [Column, number])[] = [
  ['name', 20],
  ['model', 0],
  ['name', 12],
  ['since', 0],
  ['name', 0],
  ['serial', 0],
  ['stage', 0],
]

/** Of thousands of boxes a terminal shows some dozens: only their lines are made. */
interface Table {
  readonly head: string
  /** Lines of all rows. */
  readonly count: number
  lines(from: number, to: number): readonly string[]
}

function tableOf(staging: Staging, goal: Goal, columns: number): Table {
  const boxes = ordered(staging.boxes, goal).map((box) => boxRow(box, goal, staging.at))
  const strangers = staging.strangers.map((stranger) => strangerRow(stranger, staging.at))
  const { widths, problem } = fitted([...boxes, ...strangers], columns)
  const heading = `? ${strangers.length} on the bench that no batch has`
  const rows: readonly (Row | string)[] = [...boxes, ...(strangers.length === 0 ? [] : ['', heading]), ...strangers]
  const print = (row: Row | string): readonly string[] =>
    typeof row === 'string' ? [row] : linesOf(row, widths, { beside: problem, columns })
  // Where each row begins, and the end.
  const starts = [0]
  for (const row of rows) {
    const isOne = typeof row === 'string' || problem > 0 || row.problem.text === ''
    starts.push((starts.at(-1) ?? 0) + (isOne ? 1 : print(row).length))
  }
  const head = linesOf({ cells: HEAD_CELLS, problem: asciiCell(problem > 0 ? 'problem' : '') }, widths, {
    beside: problem,
    columns,
  })
  return {
    head: head[0] ?? '',
    count: starts.at(-1) ?? 0,
    lines(from, to) {
      const shown = rows.flatMap((row, index) =>
        (starts[index + 1] ?? 0) > from && (starts[index] ?? 0) < to ? print(row) : [],
      )
      const before = starts.findLast((start) => start <= from) ?? 0
      return shown.slice(from - before, to - before)
    },
  }
}

/** Problems first, then what is farthest behind; what is there already at the end. Else in the order of scanning. */
function ordered(boxes: readonly Box[], goal: Goal): readonly Box[] {
  const rank = (box: Box): number =>
    hasProblem(box) ? -1 : isThere(box.stage, goal) ? STAGES.length : STAGES.indexOf(box.stage)
  return boxes.toSorted((one, other) => rank(one) - rank(other))
}

/** What is the same at each look: a box that has not changed is the same object, and a batch has thousands of them. */
const fixedCells = new WeakMap<Box, Pick<Row, 'problem'> & { readonly cells: Omit<Row['cells'], 'sign' | 'since'> }>()

function boxRow(box: Box, goal: Goal, at: string): Row {
  const fixed = fixedCells.get(box) ?? {
    cells: {
      mac: cell(macText(box.mac)),
      serial: cell(plainText(box.serial)),
      model: cell(plainText(box.model)),
      name: cell(nameAndLines(box)),
      stage: cell(box.stage),
    },
    problem: cell(plainText(box.problem?.message ?? '')),
  }
  fixedCells.set(box, fixed)
  const [sign, since] = [asciiCell(signOf(box, goal)), asciiCell(durationText(box.since, at))]
  return { cells: { ...fixed.cells, sign, since }, problem: fixed.problem }
}

function strangerRow(stranger: Stranger, at: string): Row {
  return {
    cells: {
      sign: asciiCell('?'),
      mac: cell(macText(stranger.mac)),
      serial: cell(plainText(stranger.serial ?? '-')),
      model: cell(plainText(stranger.productName ?? '-')),
      name: cell(plainText(`at ${stranger.address}`)),
      stage: cell(plainText(`by ${stranger.source}`)),
      since: asciiCell(durationText(stranger.lastSeenAt, at)),
    },
    problem: cell(plainText(stranger.problem?.message ?? '')),
  }
}

function cell(text: string): Cell {
  return { text, width: widthOf(text) }
}

/** Of our own words, whose width is their length. */
function asciiCell(text: string): Cell {
  return { text, width: text.length }
}

/** `12 s`, `5 min`, `3 h`, `2 d` between two times of the server. */
export function durationText(from: string, to: string): string {
  const seconds = Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / 1000))
  if (Number.isNaN(seconds)) return '-'
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}

type Widths = ReadonlyMap<Column, number>

/** @returns columns of each cell, and those that are left for the text of a problem: 0 when it stands below its row */
function fitted(rows: readonly Row[], columns: number): { readonly widths: Widths; readonly problem: number } {
  const natural = COLUMNS.map((column) => {
    const widest = rows.reduce((width, { cells }) => Math.max(width, cells[column].width), HEAD_CELLS[column].width)
    return [column, Math.min(widest, WIDTH_MAX[column])] as const
  })
  const widths = new Map<Column, number>(natural)
  for (const [column, most] of NARROWER) {
    if (totalWidth(widths) <= columns) break
    if (most === 0) widths.delete(column)
    else widths.set(column, Math.min(widths.get(column) ?? 0, most))
  }
  const left = columns - totalWidth(widths) - GAP.length
  const needed = rows.reduce((width, { problem }) => Math.max(width, problem.width), 0)
  return { widths, problem: needed > 0 && left >= needed ? left : 0 }
}

function totalWidth(widths: Widths): number {
  return [...widths.values()].reduce((sum, width) => sum + width + GAP.length, -GAP.length)
}

function linesOf(
  { cells, problem }: Row,
  widths: Widths,
  { beside, columns }: { readonly beside: number; readonly columns: number },
): readonly string[] {
  const words = [...widths].map(([column, width]) => padTo(cells[column].text, width))
  const own = [...words, ...(beside > 0 ? [problem.text] : [])].join(GAP).trimEnd()
  if (beside > 0 || problem.text === '') return [own]
  const indent = GAP.repeat(2)
  return [own, ...wrapped(problem.text, columns - indent.length, PROBLEM_LINES_MAX).map((line) => `${indent}${line}`)]
}
