/**
 * Pages of a list in any of its orders. A page ends with a mark that holds the sort value and the key of its last row,
 * so that rows which come or go in between neither repeat nor hide others.
 */

/** What a list may be sorted by: an expression of the statement that is never null, and its type. */
export interface SortColumn {
  readonly expression: string
  readonly type: 'text' | 'timestamptz' | 'bigint'
}

export interface PageRequest {
  readonly limit: number
  /** `next` of the page before. */
  readonly after: string | undefined
  /** A name of the list's columns, with a leading `-` for descending. */
  readonly sort: string
}

export interface Order {
  /** Part of the statement's name: a prepared statement stands for one text. */
  readonly name: string
  /** A condition on three parameters: whether there is a mark, its value, its key. */
  readonly where: string
  readonly orderBy: string
  /** To be selected as `"sortMark"`. */
  readonly mark: string
  /** The three parameters. */
  readonly values: readonly [string | null, string | null]
}

/**
 * @param firstParameter number of the first of the two parameters in the statement
 * @returns undefined when the mark is none of ours
 */
export function orderOf(
  columns: Readonly<Record<string, SortColumn>>,
  key: string,
  page: PageRequest,
  firstParameter: number,
): Order | undefined {
  const descending = page.sort.startsWith('-')
  const name = descending ? page.sort.slice(1) : page.sort
  const column = columns[name]
  if (column === undefined) return undefined
  const after = page.after === undefined ? undefined : readMark(page.after)
  if (page.after !== undefined && (after === undefined || !isOfType(after.value, column.type))) return undefined
  const [value, id] = [firstParameter, firstParameter + 1]
  const way = descending ? 'desc' : 'asc'
  return {
    name: `${name.toLowerCase()}-${way}`,
    where: `($${value}::text is null or (${column.expression}, ${key}) ${descending ? '<' : '>'} ($${value}::text::${column.type}, $${id}))`,
    orderBy: `order by ${column.expression} ${way}, ${key} ${way}`,
    mark: `(${column.expression})::text`,
    values: [after?.value ?? null, after?.id ?? null],
  }
}

/** What somebody made up must not reach the statement: it would fail there. */
function isOfType(value: string, type: SortColumn['type']): boolean {
  switch (type) {
    case 'text':
      return !value.includes('\u0000')
    case 'bigint':
      return /^-?\d{1,18}$/.test(value)
    case 'timestamptz':
      return value === '-infinity' || isMoment(value)
  }
}

/** A moment as PostgreSQL writes it, that exists: 30 February would fail in the statement. */
function isMoment(value: string): boolean {
  const form = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d{1,6})?[+-](?:0\d|1[0-4])(?::[0-5]\d)?$/
  const [, day, time] = form.exec(value) ?? []
  const at = new Date(`${day}T${time}Z`)
  return !Number.isNaN(at.getTime()) && at.getUTCFullYear() >= 1 && at.toISOString().startsWith(`${day}T${time}`)
}

interface Mark {
  readonly value: string
  readonly id: string
}

/** The mark after the last row of a full page, null when there is no next page. */
export function nextMark(
  rows: readonly { readonly sortMark: string }[],
  limit: number,
  keyOf: (index: number) => string,
): string | null {
  const last = rows.at(-1)
  if (rows.length < limit || last === undefined) return null
  return Buffer.from(JSON.stringify([last.sortMark, keyOf(rows.length - 1)])).toString('base64url')
}

function readMark(text: string): Mark | undefined {
  try {
    const read: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (!Array.isArray(read) || read.length !== 2) return undefined
    const [value, id] = read as readonly unknown[]
    return typeof value === 'string' && typeof id === 'string' ? { value, id } : undefined
  } catch {
    return undefined
  }
}
