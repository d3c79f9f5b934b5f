/** Files of rows: CSV as spreadsheets write it, or JSON items. */
import { Readable } from 'node:stream'
import { CsvError, type InfoRecord, parse } from 'csv-parse'
import { ApiProblem } from '../problem.ts'
import { restoreCell } from './formulas.ts'
import { breathe, type Column, type Problems, type Row, ROWS_MAX } from './row.ts'

/** Characters of one row. */
const ROW_CHARS_MAX = 65_536

/** Bytes that are parsed at once. */
const CHUNK_BYTES = 65_536

const LF = 0x0a
const CR = 0x0d

/** Cells of one row. */
const COLUMNS_MAX = 200

/** Two headers that look the same to people are the same: `customer_id`, `Customer ID`, `customerId`. */
function normalized(header: string): string {
  return header.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

interface Header {
  /** Column of each cell; undefined: not known. */
  readonly columns: readonly (Column | undefined)[]
}

function readHeader(cells: readonly string[], line: number, known: readonly Column[], problems: Problems): Header {
  const byName = new Map(known.map((column) => [normalized(column.name), column]))
  const columns = cells.map((cell) => byName.get(normalized(cell)))
  const seen = new Set<string>()
  for (const [index, cell] of cells.entries()) {
    const column = columns[index]
    const wrong = column === undefined ? 'unknown-column' : seen.has(column.name) ? 'doubled-column' : undefined
    if (column !== undefined) seen.add(column.name)
    if (wrong === undefined) continue
    problems.add({
      line,
      column: cell.slice(0, 80),
      value: null,
      code: wrong,
      message:
        wrong === 'unknown-column'
          ? `There is no column "${cell.slice(0, 80)}"`
          : `The column "${cell}" is there twice`,
      expected: `columns of these: ${known.map(({ name }) => name).join(', ')}`,
    })
  }
  return { columns }
}

export function notUtf8(): ApiProblem {
  return new ApiProblem(422, 'not-utf-8', 'The file is not UTF-8. Save it as "CSV UTF-8" and send it again.')
}

/** Throws for text that was read from bytes which are no UTF-8. */
export function refuseNotUtf8(text: string): void {
  if (text.includes('\uFFFD')) throw notUtf8()
}

/** Comma, semicolon or tab: the one that the first line has most of, outside quotes. */
function delimiterOf(text: string): string {
  const head = text.slice(0, ROW_CHARS_MAX).replace(/^\uFEFF?\s*/, '')
  const line = head.replaceAll(/"[^"]*"/g, '').split(/\r?\n/, 1)[0] ?? ''
  const counts = [',', ';', '\t'].map((each) => ({ each, count: line.split(each).length }))
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).each
}

/**
 * Reads CSV: comma, semicolon or tab; a byte order mark, quotes and any line ends are fine. The first line names the
 * columns. Never throws for what is in the file.
 */
export async function readCsv(text: string, known: readonly Column[], problems: Problems): Promise<readonly Row[]> {
  const rows: Row[] = []
  let header: Header | undefined
  const bytes = Buffer.from(text)
  try {
    const lineAt = lineCounter(bytes)
    let end = 0
    for await (const { record, info } of recordsOf(bytes, delimiterOf(text))) {
      const line = lineAt(end)
      end = info.bytes
      if (header === undefined) {
        header = readHeader(record, line, known, problems)
        continue
      }
      if (rows.length >= ROWS_MAX) {
        problems.add(wholeFile(line, 'too-many-rows', `The file has more than ${ROWS_MAX} rows`, 'smaller files'))
        break
      }
      rows.push(rowOf(record, line, header, problems))
      await breathe(rows.length)
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    problems.add(csvProblem(error, lineCounter(bytes)(endOfLastRow(error))))
  }
  if (header === undefined && problems.count === 0) {
    problems.add(wholeFile(1, 'no-rows', 'The file is empty', `a first line of column names: ${namesOf(known)}`))
  }
  return rows
}

function namesOf(known: readonly Column[]): string {
  return known.map(({ name }) => name).join(', ')
}

interface Parsed {
  readonly record: readonly string[]
  readonly info: InfoRecord
}

/**
 * Which line a row is on that begins behind a place, empty lines passed over. To be asked with growing places. The
 * parser's own count goes wrong with empty lines and mixed line ends.
 */
function lineCounter(bytes: Uint8Array): (from: number) => number {
  let at = 0
  let line = 1
  const step = (): void => {
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) line += 1
    at += 1
  }
  return (from) => {
    while (at < from) step()
    while (bytes[at] === LF || bytes[at] === CR) step()
    return line
  }
}

function recordsOf(bytes: Buffer, delimiter: string): AsyncIterable<Parsed> {
  function* chunks(): Iterable<Buffer> {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES)
  }
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    max_record_size: ROW_CHARS_MAX,
    relax_column_count: true,
    skip_empty_lines: true,
  })
  return Readable.from(chunks()).pipe(parser) as AsyncIterable<Parsed>
}

/** The parser is rows ahead of us when it fails. */
function endOfLastRow(error: CsvError): number {
  const { bytes } = error as CsvError & { readonly bytes?: unknown }
  return typeof bytes === 'number' ? bytes : 0
}

/** @param line  where the row begins that cannot be read */
function csvProblem({ code, message }: CsvError, line: number) {
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return wholeFile(line, 'bad-csv', 'A quote is opened in this row and never closed', 'a " at both ends of a cell')
    case 'CSV_MAX_RECORD_SIZE':
      return wholeFile(
        line,
        'bad-csv',
        `The row has more than ${ROW_CHARS_MAX} characters`,
        'shorter rows; a quote that is opened and never closed swallows those behind it',
      )
    case 'CSV_INVALID_CLOSING_QUOTE':
    case 'INVALID_OPENING_QUOTE':
      return wholeFile(
        line,
        'bad-csv',
        'A quote stands within a cell of this row',
        'a " at both ends of the cell, and each " within it doubled',
      )
    default:
      return wholeFile(line, 'bad-csv', message.slice(0, 200), 'CSV with quotes that are closed')
  }
}

function wholeFile(line: number, code: string, message: string, expected: string) {
  return { line, column: null, value: null, code, message, expected }
}

function rowOf(record: readonly string[], line: number, { columns }: Header, problems: Problems): Row {
  const cells = new Map<string, string>()
  const surplus = record.slice(columns.length).some((cell) => cell.trim() !== '')
  if (surplus || record.length > COLUMNS_MAX) {
    const message = `The row has ${record.length} cells, the first line has ${columns.length}`
    problems.add(wholeFile(line, 'bad-row', message, 'as many cells as columns; quote cells that hold the separator'))
  }
  for (const [index, column] of columns.entries()) {
    if (column === undefined) continue
    const cell = restoreCell(record[index] ?? '')
    const text = column.secret === true || column.free === true ? cell : cell.trim()
    if (text !== '') cells.set(column.name, text)
  }
  return { line, cells }
}

/** Reads `{items: [{column: value}]}`. Values are text, numbers or truth values; null is an empty cell. */
export async function readItems(
  items: readonly unknown[],
  known: readonly Column[],
  problems: Problems,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  if (items.length > ROWS_MAX) {
    problems.add(wholeFile(ROWS_MAX + 1, 'too-many-rows', `There are more than ${ROWS_MAX} items`, 'fewer items'))
    return rows
  }
  const byName = new Map(known.map((column) => [normalized(column.name), column]))
  for (const [index, item] of items.entries()) {
    rows.push(rowOfItem(item, index + 1, byName, problems))
    await breathe(index)
  }
  return rows
}

function rowOfItem(item: unknown, line: number, byName: ReadonlyMap<string, Column>, problems: Problems): Row {
  const cells = new Map<string, string>()
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    problems.add(wholeFile(line, 'bad-row', 'The item is no object', 'an object of column names and values'))
    return { line, cells }
  }
  for (const [name, value] of Object.entries(item) as readonly (readonly [string, unknown])[]) {
    const column = byName.get(normalized(name))
    const text = textOf(value)
    if (column === undefined || text === undefined) {
      const code = column === undefined ? 'unknown-column' : 'bad-value'
      const message = column === undefined ? `There is no column "${name.slice(0, 80)}"` : `"${name}" is no text`
      const expected = column?.expected ?? `columns of these: ${namesOf([...byName.values()])}`
      problems.add({ line, column: name.slice(0, 80), value: null, code, message, expected })
    } else if (text !== '') cells.set(column.name, text)
  }
  return { line, cells }
}

/** null is an empty cell; undefined for what is no single value. */
function textOf(value: unknown): string | undefined {
  if (value === null) return ''
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}
