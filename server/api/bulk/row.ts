/** One row of an import, and what is wrong with it. */
import type { z } from 'zod'

/** Rows of one import. */
export const ROWS_MAX = 100_000

/** Problems that one report lists; all are counted. */
export const PROBLEMS_MAX = 1000

export interface Row {
  /** Line of the file where it begins, from 1; of JSON items the place in the list, from 1. */
  readonly line: number
  /** Text by the name of its column; no empty ones. */
  readonly cells: ReadonlyMap<string, string>
}

export interface RowProblem {
  readonly line: number
  readonly column: string | null
  /** null for secrets, and where no single value is wrong. */
  readonly value: string | null
  readonly code: string
  readonly message: string
  readonly expected: string
}

export interface Column {
  readonly name: string
  readonly schema: z.ZodType
  /** In words, for whoever fills in the file. */
  readonly expected: string
  readonly secret?: boolean
  /** Spaces at its ends are part of it. */
  readonly free?: boolean
  /** Written by exports for people; an import does not look at it. */
  readonly shownOnly?: boolean
}

/** Gathers problems: the first ones in words, all of them as a number. */
export class Problems {
  readonly listed: RowProblem[] = []
  count = 0

  add(problem: RowProblem): void {
    this.count += 1
    if (this.listed.length < PROBLEMS_MAX) this.listed.push(problem)
  }
}

/** Characters of a value that a problem repeats. */
const SHOWN_MAX = 80

/** Names one cell of a row. */
export function cellProblem(
  row: Row,
  column: Pick<Column, 'name' | 'expected' | 'secret'>,
  what: { readonly code: string; readonly message: string; readonly expected?: string },
): RowProblem {
  const value = column.secret === true ? undefined : row.cells.get(column.name)
  return {
    line: row.line,
    column: column.name,
    value: value === undefined ? null : value.slice(0, SHOWN_MAX),
    code: what.code,
    message: what.message,
    expected: what.expected ?? column.expected,
  }
}

/**
 * Reads the cells of a row by the schemas of their columns.
 * @returns values by column; cells that are empty or wrong are absent
 */
export function readCells(row: Row, columns: readonly Column[], problems: Problems): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {}
  for (const column of columns) {
    const text = row.cells.get(column.name)
    if (text === undefined || column.shownOnly === true) continue
    const read = column.schema.safeParse(text)
    if (read.success) values[column.name] = read.data
    else {
      const said = read.error.issues[0]?.message ?? 'not valid'
      const message =
        column.secret === true ? `The ${column.name} is not valid` : `"${text.slice(0, SHOWN_MAX)}": ${said}`
      problems.add(cellProblem(row, column, { code: 'bad-value', message }))
    }
  }
  return values
}

/** Adds a problem for every row that says the same as one before it, naming both lines. */
export function refuseDoubles<Item extends { readonly row: Row }>(
  items: readonly Item[],
  column: Pick<Column, 'name' | 'secret'>,
  keyOf: (item: Item) => string | undefined,
  problems: Problems,
): void {
  const first = new Map<string, number>()
  for (const item of items) {
    const key = keyOf(item)
    if (key === undefined) continue
    const before = first.get(key)
    if (before === undefined) {
      first.set(key, item.row.line)
      continue
    }
    problems.add(
      cellProblem(
        item.row,
        { ...column, expected: 'each one once in a file' },
        {
          code: 'doubled',
          message: `Lines ${before} and ${item.row.line} name the same ${column.name}`,
        },
      ),
    )
  }
}

/** Lets others have a turn: a long file must not keep a phone waiting. */
export function breathe(index: number): Promise<void> | undefined {
  return index % 500 === 499 ? new Promise((resolve) => setImmediate(resolve)) : undefined
}
