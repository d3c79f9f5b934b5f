/**
 * The master key, under which the database's secrets are sealed, and the profile keys of phones. Changing the master key
 * takes a stopped server: everything is sealed anew in one transaction, between two steps that a crash may cut.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import {
  type Database,
  keyCheck,
  loadMasterKey,
  lockDataDirectory,
  type MasterKey,
  readMigrations,
  syncFolder,
  verifyKeyCheck,
} from '../server/database/mod.ts'
import { type Settings, StartProblem } from '../server/config.ts'
import { packageRoot } from '../server/package-root.ts'
import { createVault, replaceKeyCheck, resealAll } from '../server/store/mod.ts'
import { withBareDatabase } from './bare-database.ts'
import { addExamples } from './examples.ts'
import { printResult } from './output.ts'
import { addApiOptions, withApi } from './remote/api.ts'
import { addSettingOptions, settingsFrom } from './settings.ts'
import { refuseAbsentStore } from './store-access.ts'

const KEY_BYTES = 32

export function registerKeyCommand(program: Command): void {
  const key = program.command('key').description('The master key of the database, and the profile keys of phones')
  const rotate = key
    .command('rotate')
    .description('Change the master key: every secret is sealed anew. The server must be stopped')
    .option('--json', 'print JSON')
  addExamples(addSettingOptions(rotate), [
    ['offhook key rotate --data /var/lib/offhook', 'the key before stays beside it as master.key.old-<id>'],
  ]).action(async (options) => {
    const done = await rotateMasterKey(settingsFrom(options))
    const lines = () => [
      `${done.secrets} secrets are sealed under master key ${done.id}, in ${done.file}`,
      `The key before is in ${done.oldFile}: older backups need it. Keep both in a safe place.`,
    ]
    printResult({ json: options.json === true, value: done, lines })
  })
  const device = key
    .command('device')
    .description('Give a phone a new profile key; the one before opens until the new one is confirmed')
    .argument('<mac>', 'the phone')
  addExamples(addApiOptions(device), [['offhook key device 000e08a1b2c3', 'it gets the key at its next fetch']]).action(
    (mac: string, options) =>
      withApi(options, async (api) => {
        const path = `devices/${encodeURIComponent(mac)}/rotate-key`
        const done = await api.call<{ readonly keys: { readonly issued: number } }>('POST', path)
        const lines = () => [`Key generation ${done.keys.issued} is issued to ${mac}`]
        printResult({ json: options.json === true, value: done, lines })
      }),
  )
}

interface Rotated {
  readonly id: string
  readonly secrets: number
  readonly file: string
  readonly oldFile: string
}

async function rotateMasterKey(settings: Settings): Promise<Rotated> {
  if (settings.masterKey !== undefined) {
    throw new StartProblem(
      'The master key comes from OFFHOOK_MASTER_KEY, which this command cannot change. Put the key into a file, unset the variable, and give the file by --master-key-file.',
    )
  }
  refuseAbsentStore(settings, 'Name the data directory of a server by --data')
  const file = settings.masterKeyFile ?? join(settings.dataDir, 'master.key')
  if (!existsSync(file)) throw new StartProblem(`There is no master key in "${file}": nothing was sealed here yet`)
  const lock = await lockDataDirectory(settings.dataDir, 'offhook key rotate')
  if (!lock.ok) throw new StartProblem(`${lock.error.message}. Stop it first`)
  try {
    return await withBareDatabase(settings, (db) => rotateIn(db, settings, file))
  } finally {
    await lock.value.release()
  }
}

/**
 * The new key is on disk before anything is sealed under it, and gets its name when all is. In between, this command
 * run again finds out by the database which of the two is right.
 */
async function rotateIn(db: Database, settings: Settings, file: string): Promise<Rotated> {
  await refuseServers(db)
  await refuseOtherSchema(db)
  const fresh = `${file}.new`
  const check = await storedCheck(db)
  const old = await readKey(settings, file)
  if (existsSync(fresh)) {
    const begun = await readKey(settings, fresh)
    if (verifyKeyCheck(begun, check)) return { ...(await exchange(file, fresh, old)), id: begun.id, secrets: 0 }
    await rm(fresh)
  }
  if (!verifyKeyCheck(old, check)) {
    throw new StartProblem(`The master key in "${file}" is not the one that this database was sealed with`)
  }
  await writeSynced(fresh, `${randomBytes(KEY_BYTES).toString('hex')}\n`)
  const next = await readKey(settings, fresh)
  const secrets = await db.transaction(async (tx) => {
    const count = await resealAll(tx, createVault(old), createVault(next))
    await replaceKeyCheck(tx, keyCheck(next))
    return count
  })
  return { ...(await exchange(file, fresh, old)), id: next.id, secrets }
}

async function exchange(file: string, fresh: string, old: MasterKey): Promise<Pick<Rotated, 'file' | 'oldFile'>> {
  const oldFile = `${file}.old-${old.id}`
  await rename(file, oldFile)
  await rename(fresh, file)
  await syncFolder(dirname(file))
  return { file, oldFile }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function readKey(settings: Settings, file: string): Promise<MasterKey> {
  const key = await loadMasterKey({ dataDir: settings.dataDir, file })
  if (!key.ok) throw new StartProblem(key.error.message)
  return key.value
}

async function storedCheck(db: Database): Promise<string> {
  const row = await db.one<{ sealed: Buffer }>({
    name: 'stored-key-check',
    text: `select sealed from platform_secret where name = 'key-check'`,
    values: [],
  })
  if (row === undefined) throw new StartProblem('This database was never used by a server: there is nothing to seal')
  return row.sealed.toString()
}

/** Another release seals in places that this one does not know: those would stay under the old key. */
async function refuseOtherSchema(db: Database): Promise<void> {
  const [row] = await db.query<{ version: number }>({
    name: 'schema-version',
    text: 'select max(version) as version from schema_migration',
    values: [],
  })
  const newest = (await readMigrations(new URL('server/store/migrations/', packageRoot()))).length
  if (row?.version === newest) return
  throw new StartProblem(
    `Cannot change the master key: the schema of the database has version ${row?.version ?? 0}, that of this release is ${newest}. Start the server of this release once, or install the release that the database belongs to.`,
  )
}

/** A server would go on to seal under the old key. */
async function refuseServers(db: Database): Promise<void> {
  const row = await db.one<{ count: number }>({
    name: 'count-servers',
    text: `select count(*)::int as count from pg_stat_activity
            where datname = current_database() and application_name = 'offhook listen'`,
    values: [],
  })
  if (row !== undefined && row.count > 0) {
    throw new StartProblem(`${row.count} server process(es) use this database. Stop all of them first`)
  }
}
