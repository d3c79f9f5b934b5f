/** `offhook doctor`: looks at everything that a server needs, and changes nothing. */
import type { Command } from 'commander'
import { type Database, openDatabase, postgresSocketOf } from '../server/database/mod.ts'
import type { Settings } from '../server/main.ts'
import { checkCertificates } from './doctor/certificates.ts'
import { checkClock } from './doctor/clock.ts'
import { checkDataDirectory } from './doctor/data-directory.ts'
import { checkDatabase } from './doctor/database.ts'
import { checkDoors } from './doctor/doors.ts'
import {
  type Check,
  type Examined,
  type Finding,
  inUrl,
  NETWORK_MS,
  ok,
  problem,
  reachable,
  reasonOf,
} from './doctor/finding.ts'
import { checkFirmware } from './doctor/firmware.ts'
import { checkMasterKey } from './doctor/master-key.ts'
import { checkPorts } from './doctor/ports.ts'
import { checkPublicUrl } from './doctor/public-url.ts'
import { checkSipProxies } from './doctor/sip-proxy.ts'
import { addExamples } from './examples.ts'
import { EXIT } from './exit-codes.ts'
import { endWith, printResult } from './output.ts'
import { addSettingOptions, settingsFrom } from './settings.ts'

/** In the order of the report. */
const CHECKS: Readonly<Record<string, Check>> = {
  data: checkDataDirectory,
  'master-key': checkMasterKey,
  database: checkDatabase,
  ports: checkPorts,
  doors: checkDoors,
  clock: checkClock,
  certificates: checkCertificates,
  'public-url': checkPublicUrl,
  'sip-proxy': checkSipProxies,
  firmware: checkFirmware,
}

const MARKS = { ok: 'ok', warning: 'WARNING', problem: 'PROBLEM' } as const

export function registerDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('Look at everything that a server needs, running or stopped; changes nothing')
    .option('--json', 'print JSON')
  addExamples(addSettingOptions(command), [
    ['offhook doctor', 'ports, disk, master key, database, clock, certificates, and which phones would refuse us'],
    ['offhook doctor --data /srv/offhook --json', 'the same for scripts: exit code 1 when something is wrong'],
  ]).action(async (options) => {
    // Wrong settings end here, all named at once.
    const settings = settingsFrom(options)
    const findings = await examine(settings)
    const counts = { problems: countOf(findings, 'problem'), warnings: countOf(findings, 'warning') }
    printResult({
      json: options.json === true,
      value: { ...counts, findings },
      lines: () => [...findings.flatMap(linesOf), '', summaryOf(counts)],
    })
    endWith(counts.problems > 0 ? EXIT.problems : EXIT.done)
  })
}

/** Everything at once: each check has its own bounds, and one that fails itself is a finding too. */
export async function examine(settings: Settings): Promise<readonly Finding[]> {
  const running = await answersHealth(settings)
  const opened = await openReading(settings)
  const examined: Examined = { settings, running, db: opened.db, databaseProblem: opened.problem }
  try {
    const found = await Promise.all(
      Object.entries(CHECKS).map(async ([name, check]) =>
        check(examined).catch((error: unknown) => [failed(name, error)]),
      ),
    )
    const state = running ? 'A server of ours runs here' : 'No server runs here'
    return [ok('settings', 'The settings can be read'), ok('server', state, apiUrl(settings)), ...found.flat()]
  } finally {
    await opened.db?.close()
  }
}

function failed(name: string, error: unknown): Finding {
  return problem(name, 'This could not be looked at', reasonOf(error), 'Put that right, and ask again.')
}

function apiUrl({ apiHost, apiPort }: Settings): string {
  return `http://${inUrl(reachable(apiHost))}:${apiPort}`
}

/** Only ours says how its doors are. */
async function answersHealth(settings: Settings): Promise<boolean> {
  try {
    const response = await fetch(`${apiUrl(settings)}/health`, { signal: AbortSignal.timeout(NETWORK_MS) })
    const health: unknown = await response.json()
    return typeof health === 'object' && health !== null && 'status' in health && 'doors' in health
  } catch {
    // Nobody, or another program: the check of the ports says which.
    return false
  }
}

/** Opens the database if there is one that answers; starts none. */
async function openReading(
  settings: Settings,
): Promise<{ readonly db: Database | undefined; readonly problem: string | undefined }> {
  const log = (): undefined => undefined
  try {
    if (settings.databaseUrl !== undefined) {
      return { db: await openDatabase({ url: settings.databaseUrl, log, poolMax: 2 }), problem: undefined }
    }
    const connection = postgresSocketOf(settings.dataDir)
    if (connection === undefined) return { db: undefined, problem: 'there is none yet' }
    return { db: await openDatabase({ connection, log, poolMax: 2 }), problem: undefined }
  } catch (error) {
    // A URL may hold a password; pg names only hosts and users.
    return { db: undefined, problem: reasonOf(error) }
  }
}

function countOf(findings: readonly Finding[], level: Finding['level']): number {
  return findings.filter((finding) => finding.level === level).length
}

function linesOf({ level, check, what, value, advice }: Finding): readonly string[] {
  const line = `${MARKS[level].padEnd(8)} ${check.padEnd(13)} ${what}${value === '' ? '' : `: ${value}`}`
  return advice === '' ? [line] : [line, `${' '.repeat(23)}-> ${advice}`]
}

function summaryOf({ problems, warnings }: { readonly problems: number; readonly warnings: number }): string {
  if (problems === 0 && warnings === 0) return 'All is well.'
  return `${problems} ${problems === 1 ? 'problem' : 'problems'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}.`
}
