/** When reports go out by themselves. Source: MPP §12.2 (Report_To_Server). */
import { parameterNumber, parameterText } from './parameters.ts'
import { clearTimers, setTimer } from './timers.ts'
import type { Moment } from './turn.ts'
import type { Agent } from './types.ts'

/** The choices of Report_To_Server. */
export type ReportOccasion = 'On Request' | 'On Local Change' | 'Periodically'

/** @returns the chosen occasion; the default for anything else. */
export function reportOccasion(agent: Agent): ReportOccasion {
  const text = parameterText(agent, 'Report_To_Server').trim()
  return text === 'On Local Change' || text === 'Periodically' ? text : 'On Request'
}

/** Sets the alarm of periodic reports, or takes a running one back. */
export function armReportTimer(agent: Agent, { now }: Moment): Agent {
  if (reportOccasion(agent) !== 'Periodically' || parameterText(agent, 'Report_Rule').trim() === '') {
    return clearTimers(agent, 'report')
  }
  const seconds = parameterNumber(agent, 'Periodic_Upload_To_Server', { min: 600, max: 259_200, otherwise: 3600 })
  return setTimer(agent, 'report', now + seconds * 1000)
}

/** After a restart: edits of before it that no report has told yet. */
export function armReportAtBoot(agent: Agent, moment: Moment): Agent {
  return agent.flash.editsUnreported ? armReportAfterEdit(agent, moment) : agent
}

/** After an edit on the web pages or the display: one report for all edits of the batching time. */
export function armReportAfterEdit(agent: Agent, { now }: Moment): Agent {
  if (reportOccasion(agent) !== 'On Local Change' || agent.ram.timers.report !== undefined) return agent
  const seconds = parameterNumber(agent, 'Upload_Delay_On_Local_Change', { min: 10, max: 900, otherwise: 60 })
  return setTimer(agent, 'report', now + seconds * 1000)
}
