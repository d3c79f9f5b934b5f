/** What one process at a time looks at in the database: silence, loops, alarms that are over. */
import type { Logger } from 'pino'
import {
  clearAlarms,
  countBoundDevices,
  dropOldAlarms,
  dropOldCapacity,
  dropOldDownloads,
  findBusyDevices,
  findSilentDevices,
  type NewAlarm,
  raiseAlarms,
  type Sql,
  standingAlarms,
  type StoredAlarm,
  takeTurn,
} from '../../store/mod.ts'
import { metrics } from '../../metrics/mod.ts'
import { judgeDownloads, LOOP_ADVICE, LOOP_LEAST } from './loops.ts'
import { isOver } from './noticed.ts'
import { decideSilence } from './silence.ts'

/** A phone may be late by this much whatever its period. */
const GRACE_S = 15 * 60
const DAY_MS = 86_400_000
/** Rows that `findSilentDevices` gives at most. */
const LOOK_MAX = 5000

export interface TurnOptions {
  readonly now: number
  readonly everyMs: number
  /** The longest wait of the platform's own period, seconds. */
  readonly periodSeconds: number
  /** How much longer than its period a phone may stay away, in percent of it. */
  readonly slackPercent: number
  readonly retentionDays: number
  readonly log: Logger
}

/** Does all of it if it is due and nobody else does; to be run in one transaction. @returns whether it was */
export async function runTurn(sql: Sql, options: TurnOptions): Promise<boolean> {
  const since = await takeTurn(sql, { name: 'watch', now: options.now, everyMs: options.everyMs })
  if (since === undefined) return false
  await lookForSilence(sql, options, since)
  await lookForLoops(sql, options)
  await lookForQuiet(sql, options)
  await dropOldDownloads(sql, options.now)
  await dropOldAlarms(sql, options.now - options.retentionDays * DAY_MS)
  await dropOldCapacity(sql, options.now - DAY_MS)
  return true
}

async function lookForSilence(sql: Sql, options: TurnOptions, since: number): Promise<void> {
  const silent = await findSilentDevices(sql, {
    now: options.now,
    since,
    platformPeriodSeconds: options.periodSeconds,
    slack: 1 + options.slackPercent / 100,
    graceSeconds: GRACE_S,
  })
  const standing = await standingAlarms(sql, 'silence')
  if (silent.length === 0 && standing.length === 0) return
  const bound = await countBoundDevices(sql)
  const decision = decideSilence({ silent, more: silent.length >= LOOK_MAX, bound, standing })
  await settle(sql, options, decision)
}

async function lookForLoops(sql: Sql, options: TurnOptions): Promise<void> {
  const standing = await standingAlarms(sql, 'loop')
  const byMac = new Map(standing.map((alarm) => [alarm.subject, alarm]))
  const hours = await findBusyDevices(sql, { now: options.now, least: LOOP_LEAST, macs: [...byMac.keys()] })
  const raise: NewAlarm[] = []
  const restless = new Set<string>()
  for (const hour of hours) {
    const { state, explained, reason } = judgeDownloads(hour, options.periodSeconds)
    if (state !== 'calm') restless.add(hour.mac)
    // It stands already, for the same reason: nothing to tell.
    if (state !== 'loop' || byMac.get(hour.mac)?.data['reason'] === reason) continue
    const data = { downloads: hour.total, explained, reason, advice: LOOP_ADVICE[reason] }
    const account = hour.accountId === null ? {} : { accountId: hour.accountId }
    raise.push({ kind: 'loop', subject: hour.mac, mac: hour.mac, ...account, data })
  }
  const clear = standing.filter(({ subject }) => !restless.has(subject)).map(({ id }) => id)
  await settle(sql, options, { raise, clear })
}

async function lookForQuiet(sql: Sql, options: TurnOptions): Promise<void> {
  for (const kind of ['overload', 'unknown-macs', 'canary'] as const) {
    const standing = await standingAlarms(sql, kind)
    const clear = standing.filter((alarm) => isOver(alarm, options.now)).map(({ id }) => id)
    await settle(sql, options, { raise: [], clear })
  }
}

/** Writes what was decided and says it once in the log. */
export async function settle(
  sql: Pick<Sql, 'query' | 'run'>,
  options: Pick<TurnOptions, 'now' | 'log'>,
  decision: { readonly raise: readonly NewAlarm[]; readonly clear: readonly string[] },
): Promise<void> {
  const raised = await raiseAlarms(sql, decision.raise, options.now)
  const cleared = await clearAlarms(sql, decision.clear, options.now)
  for (const alarm of raised) tell(options.log, alarm, 'raised')
  for (const alarm of cleared) tell(options.log, alarm, 'cleared')
}

function tell(log: Logger, { id, kind, subject }: StoredAlarm, change: 'raised' | 'cleared'): void {
  metrics.alarms.inc({ kind, change })
  const line = { event: `alarm-${change}`, alarm: id, kind, subject }
  if (change === 'raised') log.warn(line, 'an alarm was raised')
  else log.info(line, 'an alarm is over')
}
