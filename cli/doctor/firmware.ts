import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { examineFirmware, type ExaminedFirmware } from '../../server/store/mod.ts'
import { type Check, type Finding, ok, problem } from './finding.ts'

const CHECK = 'firmware'
/** Bytes that are read again to see that they are right; of the rest only the size is compared. */
const READ_MAX = 4 * 1024 ** 3
const NAMED_MAX = 10

/** The firmware files on disk against the table of their names. */
export const checkFirmware: Check = async ({ settings, db }) => {
  if (db === undefined) return [ok(CHECK, 'The database is not looked into, so the firmware files are not compared')]
  const files = await examineFirmware(db)
  const wrong: Finding[] = []
  let left = READ_MAX
  for (const file of files) {
    const path = join(settings.dataDir, 'firmware', file.sha256)
    const reason = await wrongWith(file, path, left >= file.byteCount)
    left -= file.byteCount
    if (reason === undefined) continue
    const advice = 'Upload it again: POST /api/v1/firmware, or restore the data directory from a backup.'
    wrong.push(problem(CHECK, `The firmware file "${file.name}" ${reason}`, path, advice))
    if (wrong.length >= NAMED_MAX) break
  }
  return wrong.length > 0 ? wrong : [ok(CHECK, 'Every firmware file is as it was uploaded', `${files.length} files`)]
}

async function wrongWith(file: ExaminedFirmware, path: string, read: boolean): Promise<string | undefined> {
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  )
  if (size === undefined) return 'is missing on disk'
  if (size !== file.byteCount) return `has ${size} bytes on disk instead of ${file.byteCount}`
  if (!read) return undefined
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex') === file.sha256 ? undefined : 'was changed on disk'
}
