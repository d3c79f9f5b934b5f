import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { type Check, type Finding, ok, problem, reasonOf, warning } from './finding.ts'

const CHECK = 'data'
const MIB = 1024 * 1024
/** Below this PostgreSQL may stop at any moment. */
const FREE_LEAST = 200 * MIB
const FREE_LITTLE = 2048 * MIB
const INODES_LITTLE = 10_000
/** Anybody in the group or the world who may write, or (beside passing through) read. */
const OPEN_BITS = 0o066

/** The data directory: there, ours, closed to others, with room. Never makes one. */
export const checkDataDirectory: Check = async ({ settings: { dataDir } }) => {
  const found = await stat(dataDir).catch((error: unknown) => reasonOf(error))
  if (typeof found === 'string') {
    const advice = 'The first start makes it; if there should be one, name it by --data or OFFHOOK_DATA.'
    return [warning(CHECK, 'There is no data directory', dataDir, advice)]
  }
  if (!found.isDirectory()) {
    return [problem(CHECK, 'The data directory is no folder', dataDir, 'Name another by --data or OFFHOOK_DATA.')]
  }
  return [...(await ownership(dataDir, found)), ...(await room(dataDir))]
}

async function ownership(
  dataDir: string,
  { uid, mode }: { readonly uid: number; readonly mode: number },
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const me = process.getuid?.()
  if (me !== undefined && me !== uid) {
    const advice = `Run as its owner, or change it: chown -R ${me} ${dataDir}`
    findings.push(
      me === 0
        ? ok(CHECK, 'The data directory belongs to another user', `${dataDir}: user ${uid}`)
        : problem(
            CHECK,
            'The data directory belongs to another user',
            `${dataDir}: user ${uid}, this is ${me}`,
            advice,
          ),
    )
  }
  const bits = `0${(mode & 0o777).toString(8)}`
  if ((mode & OPEN_BITS) !== 0) {
    findings.push(warning(CHECK, 'Others may look into the data directory', bits, `Close it: chmod 700 ${dataDir}`))
  }
  const refused = await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => undefined,
    (error: unknown) => reasonOf(error),
  )
  if (refused !== undefined) {
    const advice = 'Give this user the right to write there, and mount the disk read-write.'
    return [...findings, problem(CHECK, 'The data directory cannot be written to', refused, advice)]
  }
  return [...findings, ok(CHECK, 'The data directory can be used', `${dataDir} (${bits})`)]
}

async function room(dataDir: string): Promise<readonly Finding[]> {
  const { bavail, bsize, files, ffree } = await statfs(dataDir)
  const free = bavail * bsize
  const text = `${Math.floor(free / MIB)} MiB free`
  const advice = 'Make room, or move the data directory to a larger disk.'
  const space =
    free < FREE_LEAST
      ? problem(CHECK, 'The disk is nearly full', text, advice)
      : free < FREE_LITTLE
        ? warning(CHECK, 'The disk has little room', text, advice)
        : ok(CHECK, 'The disk has room', text)
  // Some file systems have no fixed number of inodes, and say 0.
  if (files === 0 || ffree >= INODES_LITTLE) return [space]
  return [space, warning(CHECK, 'The disk has few inodes left', String(ffree), 'Remove small files from that disk.')]
}
