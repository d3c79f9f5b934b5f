import { createWriteStream, existsSync, type Stats, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { writeBackup } from '../server/backup/mod.ts'
import { syncFolder } from '../server/database/mod.ts'
import { StartProblem } from '../server/config.ts'
import { quoted, reasonOf } from './files.ts'
import { printResult } from './output.ts'
import { addSettingOptions, settingsFrom } from './settings.ts'
import { refuseAbsentStore, withStore } from './store-access.ts'

export function registerBackupCommand(program: Command): void {
  addSettingOptions(
    program
      .command('backup')
      .description('Write the whole database and the firmware files to one file; a server may run meanwhile')
      .argument('<file>', 'where to; written under another name first, so it is whole or not there'),
  )
    .option('--no-firmware', 'leave the firmware files out')
    .option('--json', 'say what was written as JSON')
    .addHelpText('after', HELP)
    .action(async (file: string, options) => {
      const settings = settingsFrom(options)
      refuseAbsentStore(settings, 'Name the data directory of a server by --data')
      refuseNoFile(file)
      const counts = await withStore(settings, async (platform) => {
        await platform.flush()
        const firmwarePath = options.firmware ? platform.firmwarePath : undefined
        return whole(file, (path) =>
          writeBackup({ db: platform.db, now: Date.now(), firmwarePath }, createWriteStream(path, { mode: 0o600 })),
        )
      })
      const text = `${counts.rows} rows of ${counts.tables} tables and ${counts.files} firmware files are in ${file}`
      printResult({ json: options.json === true, value: { file, ...counts }, lines: () => [text] })
    })
}

const HELP = `
The file never holds the master key. Keep <data>/master.key (or what OFFHOOK_MASTER_KEY says) in another place:
without it the secrets in the backup cannot be opened, and restore refuses.

Examples:
  offhook backup /var/backups/offhook-$(date +%F).backup
  offhook restore /var/backups/offhook-2026-11-22.backup --data ./restored`

/** The file gets its name when it is complete and on disk. */
async function whole<T>(file: string, write: (path: string) => Promise<T>): Promise<T> {
  const unfinished = `${file}.unfinished`
  try {
    const result = await write(unfinished)
    const handle = await open(unfinished, 'r')
    await handle.sync()
    await handle.close()
    await rename(unfinished, file)
    await syncFolder(dirname(file))
    return result
  } catch (error) {
    // Where it could not be made it cannot be removed either.
    await rm(unfinished, { force: true }).catch(() => undefined)
    const { code } = error as NodeJS.ErrnoException
    if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw error
    throw cannotWrite(file, reasonOf(error))
  }
}

/** The rename at the end would put a file in the place of a device or pipe, `/dev/null` among them. */
function refuseNoFile(file: string): void {
  if (file === '-') throw cannotWrite(file, 'standard output cannot be taken back when something fails')
  const there = statOf(file)
  if (there === undefined || there.isFile()) return
  throw cannotWrite(file, there.isDirectory() ? 'it is a folder' : 'it is a device or pipe')
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file)
  } catch (error) {
    // Writing makes it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && existsSync(dirname(file))) return undefined
    throw cannotWrite(file, reasonOf(error))
  }
}

function cannotWrite(file: string, why: string): StartProblem {
  const advice = 'Name a file in a folder that this user may write to, on a disk with room'
  return new StartProblem(`Cannot write the backup to ${quoted(file)}: ${why}. Nothing was written. ${advice}.`)
}
