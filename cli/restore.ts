import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type BackupHeader, readBackupHeader, restoreBackup, type RestoreCounts } from '../server/backup/mod.ts'
import { loadMasterKey, lockDataDirectory, migrate, readMigrations, verifyKeyCheck } from '../server/database/mod.ts'
import { type Settings, StartProblem } from '../server/config.ts'
import { packageRoot } from '../server/package-root.ts'
import { withBareDatabase } from './bare-database.ts'
import { quoted, reasonOf } from './files.ts'
import { printResult } from './output.ts'
import { addSettingOptions, settingsFrom } from './settings.ts'

export function registerRestoreCommand(program: Command): void {
  addSettingOptions(
    program
      .command('restore')
      .description('Fill a new data directory from a backup: all of it or nothing')
      .argument('<file>', 'what "offhook backup" wrote'),
  )
    .option('--json', 'say what was restored as JSON')
    .addHelpText('after', HELP)
    .action(async (file: string, options) => {
      const counts = await restore(settingsFrom(options), file)
      const text = `${counts.rows} rows and ${counts.files} firmware files are restored. Start the server now.`
      printResult({ json: options.json === true, value: { file, ...counts }, lines: () => [text] })
    })
}

const HELP = `
The master key is not in the backup. Put it to <data>/master.key first, or give --master-key-file or OFFHOOK_MASTER_KEY.

Example:
  mkdir -m 700 restored && cp /safe/place/master.key restored/
  offhook restore offhook-2026-11-22.backup --data ./restored
  offhook serve --data ./restored`

/** Throws StartProblem or BackupProblem before anything is made, whenever it can be known before. */
async function restore(settings: Settings, file: string): Promise<RestoreCounts> {
  refuseNoFile(file)
  const header = await readBackupHeader(file)
  await refuseOtherKey(settings, header)
  const folder = new URL('server/store/migrations/', packageRoot())
  const newest = (await readMigrations(folder)).length
  if (header.schema > newest) {
    throw new StartProblem(
      `Cannot restore "${file}": its schema has version ${header.schema}, this release knows versions up to ${newest}. Install the newer release.`,
    )
  }
  const lock = await lockDataDirectory(settings.dataDir, 'offhook restore')
  if (!lock.ok) throw new StartProblem(lock.error.message)
  try {
    return await withBareDatabase(settings, async (db) => {
      await migrate(db, folder, header.schema)
      const firmwareDir = join(settings.dataDir, 'firmware')
      mkdirSync(firmwareDir, { recursive: true, mode: 0o700 })
      const counts = await restoreBackup(db, file, ({ sha256 }) => join(firmwareDir, sha256))
      await migrate(db, folder)
      return counts
    })
  } finally {
    await lock.value.release()
  }
}

/** It is read twice, so a pipe will not do. */
function refuseNoFile(file: string): void {
  try {
    const there = statSync(file)
    if (there.isFile()) return
    throw cannotRead(file, there.isDirectory() ? 'it is a folder' : 'it is no file')
  } catch (error) {
    if (error instanceof StartProblem) throw error
    // What is not there is told by who reads it.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw cannotRead(file, reasonOf(error))
  }
}

function cannotRead(file: string, why: string): StartProblem {
  return new StartProblem(`Cannot read ${quoted(file)}: ${why}. Name a file that "offhook backup" wrote.`)
}

/** A backup without its key would be a database whose secrets nobody can open. */
async function refuseOtherKey(settings: Settings, header: BackupHeader): Promise<void> {
  const { dataDir, masterKey, masterKeyFile } = settings
  const wanted = header.keyCheck.slice(0, 8)
  const own = join(dataDir, 'master.key')
  if (masterKey === undefined && masterKeyFile === undefined && !existsSync(own)) {
    throw new StartProblem(
      `Cannot restore without the master key ${wanted}: a backup never holds it. Put the key file to "${own}", or give it by --master-key-file or OFFHOOK_MASTER_KEY.`,
    )
  }
  const key = await loadMasterKey({
    dataDir,
    ...(masterKey === undefined ? {} : { value: masterKey }),
    ...(masterKeyFile === undefined ? {} : { file: masterKeyFile }),
  })
  if (!key.ok) throw new StartProblem(key.error.message)
  if (verifyKeyCheck(key.value, header.keyCheck)) return
  throw new StartProblem(
    `Cannot restore: the backup was sealed with master key ${wanted}, and the one given is ${key.value.id}. Give the right one.`,
  )
}
