/**
 * Problem reports: archives of logs that phones send. The bytes are files in the data directory of the process that took
 * them, written whole or not at all and never unpacked; the rows say whose they are. Source: MPP §12.3.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs'
import { readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { MacAddress } from '../../protocol/identity.ts'
import { recordEvent } from './events.ts'
import type { Sql } from './sql.ts'
import { newId } from './vault.ts'

/** Bytes of one archive; those of real phones have a few MB. */
export const PROBLEM_REPORT_BYTES_MAX = 20 * 1024 * 1024
/** Kept per device; the oldest go. Claimed ones must not push the others out. */
const PER_DEVICE_MAX = 10
const CLAIMED_PER_DEVICE_MAX = 2
/** What stays free on the disk, whatever comes: the database needs it more. */
const FREE_BYTES_MIN = 256 * 1024 * 1024
/** A file without a row is left alone for so long: its row may be on its way. */
const ORPHAN_AGE_MS = 60 * 60_000

export interface NewProblemReport {
  readonly mac: MacAddress
  readonly accountId: string | undefined
  readonly trust: 'certified' | 'credentialed' | 'claimed'
  readonly peer: string
  /** As the phone named it; a plain file name. */
  readonly name: string
}

export type ProblemReportRefusal = 'too-large' | 'no-archive' | 'no-room'

/** The archive is not kept; nothing of it is left. */
export class ProblemReportRefused extends Error {
  override readonly name = 'ProblemReportRefused'
  readonly reason: ProblemReportRefusal

  constructor(reason: ProblemReportRefusal) {
    super(`Cannot keep the problem report: ${reason}`)
    this.reason = reason
  }
}

export interface ProblemReportStore {
  readonly change: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>
  /** Exists, and is ours alone. */
  readonly folder: string
  /** Of all archives in the database. */
  readonly bytesMax: number
}

export interface StoredProblemReport {
  readonly id: string
  readonly mac: MacAddress
  readonly accountId: string | null
  readonly at: Date
  readonly trust: string
  readonly peer: string
  readonly name: string
  readonly byteCount: number
  readonly sha256: string
}

/**
 * Streams an archive to disk, then names it. Throws ProblemReportRefused for what is not kept, and what the machine
 * throws when it fails; either way nothing is left behind.
 */
export async function storeProblemReport(
  store: ProblemReportStore,
  report: NewProblemReport,
  body: Readable,
): Promise<{ readonly id: string; readonly byteCount: number }> {
  const { change, folder } = store
  await refuseWithoutRoom(store)
  const id = newId('prt')
  const temporary = join(folder, `.upload-${id}`)
  const path = problemReportPath(folder, id)
  try {
    const written = await writeArchive(body, temporary)
    await rename(temporary, path)
    const dropped = await change((sql) => nameArchive(sql, id, report, written))
    for (const each of dropped) await rm(problemReportPath(folder, each), { force: true })
    return { id, byteCount: written.byteCount }
  } catch (error) {
    await rm(path, { force: true })
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw new ProblemReportRefused('no-room')
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Makes the folder if need be. */
export function openProblemReportStore(platform: {
  readonly settings: { readonly dataDir: string; readonly problemReportMiB: number }
  readonly change: ProblemReportStore['change']
}): ProblemReportStore {
  const folder = problemReportFolder(platform.settings.dataDir)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const bytesMax = platform.settings.problemReportMiB * 1024 * 1024
  return { change: (work) => platform.change(work), folder, bytesMax }
}

export function problemReportFolder(dataDir: string): string {
  return join(dataDir, 'problem-reports')
}

export function problemReportPath(folder: string, id: string): string {
  return join(folder, `${id}.tar.gz`)
}

/** A full budget refuses what is new: nobody can push out what others sent. */
async function refuseWithoutRoom({ change, folder, bytesMax }: ProblemReportStore): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize < FREE_BYTES_MIN + PROBLEM_REPORT_BYTES_MAX) throw new ProblemReportRefused('no-room')
  const row = await change((sql) =>
    sql.one<{ total: number }>({
      name: 'problem-report-bytes',
      text: 'select coalesce(sum(byte_count), 0)::float8 as total from problem_report',
      values: [],
    }),
  )
  if ((row?.total ?? 0) + PROBLEM_REPORT_BYTES_MAX > bytesMax) throw new ProblemReportRefused('no-room')
}

async function writeArchive(body: Readable, path: string): Promise<{ byteCount: number; sha256: string }> {
  const hash = createHash('sha256')
  let byteCount = 0
  await pipeline(
    body,
    async function* counted(chunks: AsyncIterable<Buffer>) {
      let head = Buffer.alloc(0)
      for await (const chunk of chunks) {
        byteCount += chunk.length
        if (byteCount > PROBLEM_REPORT_BYTES_MAX) throw new ProblemReportRefused('too-large')
        head = head.length >= 2 ? head : Buffer.concat([head, chunk.subarray(0, 2)])
        if (head.length >= 2 && !isGzipHead(head)) throw new ProblemReportRefused('no-archive')
        hash.update(chunk)
        yield chunk
      }
      if (head.length < 2) throw new ProblemReportRefused('no-archive')
    },
    createWriteStream(path, { mode: 0o600, flush: true }),
  )
  return { byteCount, sha256: hash.digest('hex') }
}

/** RFC 1952 §2.3.1. More of it is not looked at: whoever downloads it unpacks it where he likes. */
function isGzipHead(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

/** @returns ids of those that made room */
async function nameArchive(
  sql: Sql,
  id: string,
  report: NewProblemReport,
  written: { readonly byteCount: number; readonly sha256: string },
): Promise<readonly string[]> {
  const { mac, accountId, trust, peer, name } = report
  await sql.run({
    name: 'insert-problem-report',
    text: `insert into problem_report (id, mac, account_id, trust, peer, name, byte_count, sha256)
           values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [id, mac, accountId ?? null, trust, peer, name, written.byteCount, written.sha256],
  })
  await recordEvent(sql, {
    name: 'problem-report.received',
    trust,
    mac,
    accountId,
    peer,
    data: { id, name, byteCount: written.byteCount },
  })
  const dropped = await sql.query<{ id: string }>({
    name: 'drop-old-problem-reports',
    text: `delete from problem_report where id in
             (select id from (select id, trust,
                        row_number() over (partition by trust = 'claimed' order by at desc, id desc) as n
                        from problem_report where mac = $1) x
               where x.n > case when x.trust = 'claimed' then $3::int else $2::int end)
           returning id`,
    values: [mac, PER_DEVICE_MAX, CLAIMED_PER_DEVICE_MAX],
  })
  return dropped.map((each) => each.id)
}

const COLUMNS = 'id, mac, account_id as "accountId", at, trust, peer, name, byte_count as "byteCount", sha256'

/** Those that came while this account had the device, newest first; never more than a page. */
export async function listProblemReports(
  sql: Pick<Sql, 'query'>,
  mac: string,
  accountId: string | undefined,
): Promise<readonly StoredProblemReport[]> {
  return sql.query<StoredProblemReport>({
    name: 'list-problem-reports',
    text: `select ${COLUMNS} from problem_report where mac = $1 and account_id is not distinct from $2
           order by at desc, id desc limit 100`,
    values: [mac, accountId ?? null],
  })
}

export async function findProblemReport(sql: Pick<Sql, 'one'>, id: string): Promise<StoredProblemReport | undefined> {
  return sql.one<StoredProblemReport>({
    name: 'find-problem-report',
    text: `select ${COLUMNS} from problem_report where id = $1`,
    values: [id],
  })
}

/** @returns whether it was there; its file goes at once or with the next house-keeping */
export async function deleteProblemReport(sql: Pick<Sql, 'run'>, id: string): Promise<boolean> {
  return (
    (await sql.run({ name: 'delete-problem-report', text: 'delete from problem_report where id = $1', values: [id] })) >
    0
  )
}

/** @returns the bytes, or undefined when they lie with another process or are gone */
export async function openProblemReport(folder: string, id: string): Promise<Readable | undefined> {
  const path = problemReportPath(folder, id)
  try {
    if (!(await stat(path)).isFile()) return undefined
  } catch {
    // That it is not there is the answer.
    return undefined
  }
  return createReadStream(path)
}

/** Removes what is past its time, and files that no row names. Safe to run in several processes. */
export async function keepProblemReports(
  sql: Pick<Sql, 'run' | 'query'>,
  folder: string,
  keep: { readonly days: number; readonly now: number },
): Promise<void> {
  await sql.run({
    name: 'drop-past-problem-reports',
    text: `delete from problem_report where at < to_timestamp($1 / 1000.0) - make_interval(days => $2)`,
    values: [keep.now, keep.days],
  })
  const files = (await readdir(folder)).filter((file) => /^(?:\.upload-)?prt_[0-9a-f]{32}(?:\.tar\.gz)?$/.test(file))
  const ids = files.map((file) => file.replace(/^\.upload-|\.tar\.gz$/g, ''))
  const rows = await sql.query<{ id: string }>({
    name: 'known-problem-reports',
    text: 'select id from problem_report where id = any($1)',
    values: [ids],
  })
  const known = new Set(rows.map(({ id }) => `${id}.tar.gz`))
  for (const file of files.filter((each) => !known.has(each))) await removeOrphan(join(folder, file), keep.now)
}

async function removeOrphan(path: string, now: number): Promise<void> {
  try {
    if (now - (await stat(path)).mtimeMs > ORPHAN_AGE_MS) await rm(path, { force: true })
  } catch (error) {
    // Another pass was first.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
