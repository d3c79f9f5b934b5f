import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { loadMasterKey, verifyKeyCheck } from '../../server/database/mod.ts'
import { examineKeyCheck } from '../../server/store/mod.ts'
import { type Check, type Examined, type Finding, ok, problem, reasonOf, warning } from './finding.ts'

const CHECK = 'master-key'

/** The master key: there, closed to others, and the one of this database. Never makes one. */
export const checkMasterKey: Check = async (examined) => {
  const { dataDir, masterKey, masterKeyFile } = examined.settings
  const own = join(dataDir, 'master.key')
  const file = masterKeyFile ?? own
  const left = existsSync(`${own}.new`)
    ? [
        warning(
          CHECK,
          'A change of the master key was cut short',
          `${own}.new`,
          'Run "offhook key rotate" again: it goes on where it stopped.',
        ),
      ]
    : []
  if (masterKey !== undefined) return [...left, ...(await fits(examined, { value: masterKey }, 'OFFHOOK_MASTER_KEY'))]
  if (!existsSync(file)) return [...left, await absent(examined, file)]
  return [...left, ...(await closed(file)), ...(await fits(examined, { file }, file))]
}

async function absent({ settings, db }: Examined, file: string): Promise<Finding> {
  const sealed = db === undefined ? undefined : await examineKeyCheck(db)
  const used = sealed !== undefined || existsSync(join(settings.dataDir, 'postgres.json'))
  if (used) {
    const advice = 'Put the file back from where you keep it: without it nothing that was sealed can be opened.'
    return problem(CHECK, 'The master key is missing, and there is a database that was sealed with it', file, advice)
  }
  if (settings.masterKeyFile === undefined)
    return ok(CHECK, 'There is no master key yet; the first start makes it', file)
  return problem(CHECK, 'The file of the master key is missing', file, 'Correct OFFHOOK_MASTER_KEY_FILE.')
}

async function closed(file: string): Promise<readonly Finding[]> {
  const { mode } = await stat(file)
  if ((mode & 0o077) === 0) return []
  const bits = `0${(mode & 0o777).toString(8)}`
  return [warning(CHECK, 'Others may read the master key', `${file} (${bits})`, `Close it: chmod 600 ${file}`)]
}

async function fits(
  { settings, db }: Examined,
  source: { readonly value: string } | { readonly file: string },
  name: string,
): Promise<readonly Finding[]> {
  const key = await loadMasterKey({ dataDir: settings.dataDir, ...source }).catch((error: unknown) => reasonOf(error))
  if (typeof key === 'string') return [problem(CHECK, 'The master key cannot be read', name, key)]
  if (!key.ok) return [problem(CHECK, 'The master key cannot be used', name, key.error.message)]
  const stored = db === undefined ? undefined : await examineKeyCheck(db)
  if (stored === undefined) return [ok(CHECK, 'The master key can be read', `${name}: key ${key.value.id}`)]
  if (verifyKeyCheck(key.value, stored)) return [ok(CHECK, 'The master key is that of this database', key.value.id)]
  const advice = 'Give the right one by OFFHOOK_MASTER_KEY or OFFHOOK_MASTER_KEY_FILE.'
  const value = `this is ${key.value.id}, the database was sealed with ${stored.slice(0, 8)}`
  return [problem(CHECK, 'The master key is that of another database', value, advice)]
}
