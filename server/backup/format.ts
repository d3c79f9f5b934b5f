/**
 * A backup is a gzip file of JSON lines:
 *
 *   {"offhook":"backup","format":1,"schema":8,"keyCheck":"…","at":"…"}
 *   {"table":"account"} and then, for each row, {"row":{…}}, tables that others refer to first
 *   {"file":"<sha256>","part":"<base64>"}…
 *   {"end":true,"rows":1234,"files":5}
 *
 * Secrets stand in it as in the database: sealed under the master key, which is not in it. A file without its last line
 * was cut off and is refused whole.
 */
import { z } from 'zod'

export const BACKUP_FORMAT = 1

/** Something that a person must put right; the message says what. */
export class BackupProblem extends Error {
  override readonly name = 'BackupProblem'
}

export const BackupHeader = z.object({
  offhook: z.literal('backup'),
  format: z.literal(BACKUP_FORMAT),
  /** Version of the schema that the rows belong to. */
  schema: z.int().min(1),
  /** By which the right master key is known; its first 8 hex digits are the key's id. */
  keyCheck: z.string().min(9).max(200),
  at: z.string(),
})
export type BackupHeader = z.infer<typeof BackupHeader>

const Row = z.record(z.string(), z.unknown())

export const BackupLine = z.union([
  z.strictObject({ row: Row }),
  z.strictObject({ table: z.string().regex(/^[a-z_]{1,63}$/) }),
  z.strictObject({ file: z.string().regex(/^[0-9a-f]{64}$/), part: z.base64() }),
  z.strictObject({ end: z.literal(true), rows: z.int(), files: z.int() }),
])
export type BackupLine = z.infer<typeof BackupLine>

/** Characters of one line: a row with a report of 1 MiB in hex, and some room. */
export const LINE_CHARS_MAX = 16 * 1024 * 1024
