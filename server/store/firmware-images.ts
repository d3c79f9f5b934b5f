/** Firmware images: the bytes lie in the data directory by their hash, the names in the database. */
import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FirmwareFacts } from '../fetch/mod.ts'
import { announce } from './changes.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'

/** Bytes of one file; the largest part of a real load is about 61 MB (MPP §6). */
export const FIRMWARE_BYTES_MAX = 512 * 1024 * 1024

/** Same letters as the route takes. */
export const FIRMWARE_NAME_FORM = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/

export class FirmwareTooLarge extends Error {}

/**
 * Streams the bytes to disk under their hash, then names them. A broken upload leaves nothing.
 * @param change one transaction
 * @param pathOf where a file of this hash lies
 */
export async function storeFirmware(
  change: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>,
  who: string,
  name: string,
  body: Readable,
  pathOf: (file: { readonly sha256: string }) => string,
): Promise<FirmwareFacts> {
  const temporary = join(dirname(pathOf({ sha256: 'x' })), `.upload-${randomBytes(8).toString('hex')}`)
  const hash = createHash('sha256')
  let byteCount = 0
  try {
    await pipeline(
      body,
      async function* counted(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          byteCount += chunk.length
          if (byteCount > FIRMWARE_BYTES_MAX) throw new FirmwareTooLarge(`more than ${FIRMWARE_BYTES_MAX} bytes`)
          hash.update(chunk)
          yield chunk
        }
      },
      createWriteStream(temporary, { mode: 0o600, flush: true }),
    )
    const file: FirmwareFacts = { name, byteCount, sha256: hash.digest('hex') }
    await rename(temporary, pathOf(file))
    await change((sql) => nameFirmware(sql, who, file))
    return file
  } finally {
    await rm(temporary, { force: true })
  }
}

async function nameFirmware(sql: Sql, who: string, file: FirmwareFacts): Promise<void> {
  await recordRevision(sql, {
    who,
    scope: 'firmware',
    target: file.name,
    what: 'stored',
    after: { sha256: file.sha256 },
  })
  await sql.run({
    name: 'put-firmware',
    text: `insert into firmware (name, sha256, byte_count) values ($1, $2, $3)
           on conflict (name) do update set sha256 = excluded.sha256, byte_count = excluded.byte_count, created_at = now()`,
    values: [file.name, file.sha256, file.byteCount],
  })
  await announce(sql, { kind: 'firmware', file })
}

export async function listFirmware(sql: Pick<Sql, 'query'>): Promise<readonly FirmwareFacts[]> {
  return sql.query<FirmwareFacts>({
    name: 'list-firmware',
    text: 'select name, byte_count as "byteCount", sha256 from firmware order by name limit 10000',
    values: [],
  })
}
