/** A row that something else still names cannot be deleted: the database says so, and by whom. */
import { DatabaseError } from 'pg'

const FOREIGN_KEY_VIOLATION = '23503'

/** The table whose row still names what was to be deleted; undefined for errors of other kinds. */
export function tableThatNames(error: unknown): string | undefined {
  if (!(error instanceof DatabaseError) || error.code !== FOREIGN_KEY_VIOLATION) return undefined
  return error.table ?? 'row'
}
