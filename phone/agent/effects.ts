/** What follows from changed parameters: a reboot, new registrations, another schedule, an upgrade. Source: MPP §5.5, §5.7, §6. */
import { needsReboot } from './apply.ts'
import { tellLines } from './lines.ts'
import { armProblemReportTimer } from './prt.ts'
import { armReportTimer } from './report-schedule.ts'
import { armResyncAt, rearmPeriodic } from './schedule.ts'
import { andThen, type Moment, type Turn, turnOf, withRam } from './turn.ts'
import type { Agent, RebootReason } from './types.ts'

/** Elements whose new value moves an alarm. */
const SCHEDULE = ['Resync_Periodic', 'Resync_At__HHmm_', 'Resync_At_Random_Delay', 'Time_Zone', 'Time_Offset__HH_mm_']
const REPORTS = ['Report_Rule', 'Report_To_Server', 'Periodic_Upload_To_Server']

/**
 * Makes changed parameters effective.
 * @param reboot  the reason to give if one of them needs a reboot; undefined: no reboot now, all that can is done live
 */
export function parametersChanged(
  agent: Agent,
  changed: readonly string[],
  reboot: RebootReason | undefined,
  moment: Moment,
): Turn {
  if (changed.length === 0) return turnOf(agent)
  const scheduled = reschedule(agent, changed, moment)
  const upgrading = changed.includes('Upgrade_Rule') ? wantUpgrade(scheduled) : scheduled
  if (reboot !== undefined && needsReboot(upgrading, changed)) {
    return turnOf(
      withRam(upgrading, { pendingReboot: upgrading.ram.pendingReboot ?? { reason: reboot, cause: 'parameters' } }),
    )
  }
  return andThen(turnOf(upgrading), (live) => tellLines(live, { kind: 'config-changed' }, moment))
}

/** Has Upgrade_Rule looked at as soon as the phone has time for it (MPP §6 "When evaluated"). */
export function wantUpgrade(agent: Agent): Agent {
  return agent.ram.pendingUpgrade === undefined
    ? withRam(agent, { pendingUpgrade: { url: undefined, callerAddress: undefined, by: 'rule' } })
    : agent
}

function reschedule(agent: Agent, changed: readonly string[], moment: Moment): Agent {
  const touches = (elements: readonly string[]) => changed.some((element) => elements.includes(element))
  const reports = touches(REPORTS) ? armReportTimer(agent, moment) : agent
  const armed = touches(['PRT_Max_Timer']) ? armProblemReportTimer(reports, moment) : reports
  if (!touches(SCHEDULE)) return armed
  const at = armResyncAt(armed, moment)
  // A phone that waits for a retry or is in a run gets its period when that run has succeeded.
  const periodic = at.ram.run === undefined && at.ram.succeeded && at.ram.timers.retry === undefined
  return periodic ? rearmPeriodic(at, moment) : at
}
