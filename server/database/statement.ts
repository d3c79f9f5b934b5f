import pg from 'pg'

/**
 * One SQL statement with its values. The name makes it a prepared one: parsed once a connection, so it stands for this
 * text alone.
 */
export interface Statement {
  /** Unique in the program, at most 63 characters: `device-by-mac`. */
  readonly name: string
  readonly text: string
  /** `$1` is the first. */
  readonly values: readonly unknown[]
}

/** What a statement gave back. */
export interface Rows<T> {
  readonly rows: readonly T[]
  /** Rows read or changed. */
  readonly rowCount: number
}

/** Anything that runs a `pg` query. */
export interface Runner {
  query(config: pg.QueryConfig): Promise<pg.QueryResult>
}

/** Runs a statement and gives its rows the type that its text promises. */
export async function runStatement<T>(runner: Runner, statement: Statement): Promise<Rows<T>> {
  const { name, text, values } = statement
  const result = await runner.query({ name, text, values: [...values] })
  return { rows: result.rows as readonly T[], rowCount: result.rowCount ?? 0 }
}

/** The only row, or none. Two are a mistake in the statement. */
export function onlyRow<T>(result: Rows<T>, statement: Statement): T | undefined {
  if (result.rows.length > 1) {
    throw new Error(`Statement "${statement.name}" gave ${result.rows.length} rows, expected at most one`)
  }
  return result.rows[0]
}

/** PostgreSQL's five-character code of an error (`23505` unique_violation), undefined for errors of other origin. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

/** Whether an error says that a row with this key is there already, or, with a name, that this constraint says so. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (!(error instanceof pg.DatabaseError) || error.code !== '23505') return false
  return constraint === undefined || error.constraint === constraint
}

const BIGINT_TYPE = 20

/**
 * As pg reads values, but a bigint is a number: counts and sequences stay far below 2^53, and one beyond is refused.
 */
export const VALUE_TYPES: pg.CustomTypesConfig = {
  getTypeParser(type, format) {
    if (type === BIGINT_TYPE && format !== 'binary') return readBigint
    return pg.types.getTypeParser(type, format)
  },
}

function readBigint(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Error(`Cannot read bigint "${text}": expected at most 2^53 - 1`)
  return value
}
