/** Firmware images: the bytes lie in the data directory by their hash, the names in the database. */
import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { link, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { err, ok, type Result } from '../../protocol/result.ts'
import type { FirmwareFacts } from '../fetch/mod.ts'
import { syncFolder } from '../database/mod.ts'
import { announce } from './changes.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

/** Bytes of one file; the largest part of a real load is about 61 MB (MPP §6). */
export const FIRMWARE_BYTES_MAX = 512 * 1024 * 1024

/** Same letters as the route takes. */
export const FIRMWARE_NAME_FORM = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/

export class FirmwareTooLarge extends Error {}
/** A load of no bytes is an upload that went wrong. */
export class FirmwareEmpty extends Error {}

/** Held while names and files change together. */
const FIRMWARE_LOCK = 727_004

/** A firmware file with what people wrote about it. */
export interface StoredFirmware extends FirmwareFacts {
  readonly notes: string
  readonly createdAt: Date
}

/** One transaction. */
type Change = <T>(work: (sql: Sql) => Promise<T>) => Promise<T>

/** Where a file of this hash lies. */
type PathOf = (file: { readonly sha256: string }) => string

/**
 * Streams the bytes to disk under their hash, then names them. A broken upload leaves nothing: neither a name nor bytes.
 * @param notes undefined: those of the file that had the name before stay
 */
export async function storeFirmware(
  change: Change,
  who: string,
  name: string,
  body: Readable,
  pathOf: PathOf,
  notes?: string,
): Promise<FirmwareFacts> {
  const temporary = join(dirname(pathOf({ sha256: 'x' })), `.upload-${randomBytes(8).toString('hex')}`)
  try {
    const file = { name, ...(await receive(body, temporary)) }
    const before = await change(async (sql) => {
      await lockFirmware(sql)
      const old = await findFirmware(sql, name)
      // Here and not earlier: whoever removes the same bytes holds the lock while it looks whether they are named.
      await moveInto(temporary, pathOf(file))
      await nameFirmware(sql, who, { ...file, notes: notes ?? old?.notes ?? '' })
      return old?.sha256
    }).catch(async (error: unknown) => {
      // What went wrong first is what counts.
      await removeUnnamed(change, file.sha256, pathOf).catch(() => undefined)
      throw error
    })
    if (before !== undefined && before !== file.sha256) await removeUnnamed(change, before, pathOf)
    return file
  } finally {
    await rm(temporary, { force: true })
  }
}

async function receive(body: Readable, path: string): Promise<Pick<FirmwareFacts, 'byteCount' | 'sha256'>> {
  const hash = createHash('sha256')
  let byteCount = 0
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
    createWriteStream(path, { mode: 0o600, flush: true }),
  )
  if (byteCount === 0) throw new FirmwareEmpty('no bytes')
  return { byteCount, sha256: hash.digest('hex') }
}

/** A transaction may be tried again; then the file is there already. */
async function moveInto(from: string, to: string): Promise<void> {
  await link(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  // The name in the folder must outlive a power cut that comes after the row is committed.
  await syncFolder(dirname(to))
}

async function lockFirmware(sql: Pick<Sql, 'one'>): Promise<void> {
  await sql.one({ name: 'lock-firmware', text: 'select pg_advisory_xact_lock($1)', values: [FIRMWARE_LOCK] })
}

/** Removes bytes that have no name any more. */
async function removeUnnamed(change: Change, sha256: string, pathOf: PathOf): Promise<void> {
  await change(async (sql) => {
    await lockFirmware(sql)
    const named = await sql.query({
      name: 'firmware-of-hash',
      text: 'select name from firmware where sha256 = $1 limit 1',
      values: [sha256],
    })
    if (named.length === 0) await rm(pathOf({ sha256 }), { force: true })
  })
}

async function nameFirmware(sql: Sql, who: string, file: FirmwareFacts & { readonly notes: string }): Promise<void> {
  const { name, sha256, byteCount, notes } = file
  await recordRevision(sql, { who, scope: 'firmware', target: name, what: 'stored', after: { sha256, byteCount } })
  await sql.run({
    name: 'put-firmware',
    text: `insert into firmware (name, sha256, byte_count, notes) values ($1, $2, $3, $4)
           on conflict (name) do update set sha256 = excluded.sha256, byte_count = excluded.byte_count,
             notes = excluded.notes, created_at = now()`,
    values: [name, sha256, byteCount, notes],
  })
  await announce(sql, { kind: 'firmware', file: { name, sha256, byteCount } })
}

const COLUMNS = 'name, byte_count as "byteCount", sha256, notes, created_at as "createdAt"'

export async function findFirmware(sql: Pick<Sql, 'one'>, name: string): Promise<StoredFirmware | undefined> {
  return sql.one<StoredFirmware>({
    name: 'find-firmware',
    text: `select ${COLUMNS} from firmware where name = $1`,
    values: [name],
  })
}

export async function listFirmware(sql: Pick<Sql, 'query'>): Promise<readonly StoredFirmware[]> {
  return sql.query<StoredFirmware>({
    name: 'list-firmware',
    text: `select ${COLUMNS} from firmware order by name limit 10000`,
    values: [],
  })
}

/** @returns false when there is no such file */
export async function noteFirmware(sql: Sql, who: string, name: string, notes: string): Promise<boolean> {
  const changed = await sql.run({
    name: 'note-firmware',
    text: 'update firmware set notes = $2 where name = $1',
    values: [name, notes],
  })
  if (changed > 0) await recordRevision(sql, { who, scope: 'firmware', target: name, what: 'notes', after: { notes } })
  return changed > 0
}

/** An element of a layer that names a file. */
export interface FirmwareUse {
  readonly scope: string
  readonly id: string
  readonly element: string
}

/** Layers and drafts whose values name the file, also those that are sealed since they spell out a key. */
export async function usesOfFirmware(
  sql: Pick<Sql, 'query'>,
  vault: Vault,
  name: string,
): Promise<readonly FirmwareUse[]> {
  const rows = await sql.query<FirmwareUse & { readonly sealed: string | null }>({
    name: 'uses-of-firmware',
    text: `
select y.scope, y.id, p.key as element, p.value ->> 'sealed' as sealed
  from (select scope, id, parameters from layer union all select scope, id, parameters from layer_draft) y
 cross join lateral jsonb_each(y.parameters) p
 where strpos(p.value ->> 'value', $1) > 0 or (p.value ? 'sealed' and p.key like '%Rule%')
 order by y.scope, y.id, p.key`,
    values: [name],
  })
  const names = ({ scope, id, element, sealed }: (typeof rows)[number]): boolean =>
    sealed === null ||
    vault.open(SECRET_CONTEXT.layer(scope, id, element), Buffer.from(sealed, 'base64')).includes(name)
  return rows
    .filter(names)
    .slice(0, USES_SHOWN_MAX)
    .map(({ scope, id, element }) => ({ scope, id, element }))
}

/** Uses that are named. */
const USES_SHOWN_MAX = 100

export type FirmwareProblem =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'in-use'; readonly uses: readonly FirmwareUse[] }

/** Takes the name away, and the bytes when no other name has them. */
export async function deleteFirmware(
  change: Change,
  who: string,
  file: { readonly name: string; readonly pathOf: PathOf; readonly vault: Vault },
  how: { readonly force: boolean },
): Promise<Result<void, FirmwareProblem>> {
  const gone = await change((sql) => forgetFirmware(sql, who, file, how))
  if (!gone.ok) return gone
  await removeUnnamed(change, gone.value, file.pathOf)
  return ok(undefined)
}

/** @returns the hash of its bytes */
async function forgetFirmware(
  sql: Sql,
  who: string,
  { name, vault }: { readonly name: string; readonly vault: Vault },
  { force }: { readonly force: boolean },
): Promise<Result<string, FirmwareProblem>> {
  await lockFirmware(sql)
  const file = await findFirmware(sql, name)
  if (file === undefined) return err({ kind: 'unknown' })
  const uses = force ? [] : await usesOfFirmware(sql, vault, name)
  if (uses.length > 0) return err({ kind: 'in-use', uses })
  const { sha256, byteCount } = file
  await recordRevision(sql, { who, scope: 'firmware', target: name, what: 'deleted', before: { sha256, byteCount } })
  await sql.run({ name: 'delete-firmware', text: 'delete from firmware where name = $1', values: [name] })
  await announce(sql, { kind: 'firmware-gone', name })
  return ok(sha256)
}
