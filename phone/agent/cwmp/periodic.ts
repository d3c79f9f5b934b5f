/** The periodic Inform: a grid of times that hangs on PeriodicInformTime, or on chance where that is unknown [TR-069 §6]. */
import { readDateTime } from '../../../protocol/cwmp/mod.ts'
import { clearTimers, setTimer } from '../timers.ts'
import type { Moment } from '../turn.ts'
import type { Agent } from '../types.ts'
import { withCwmp, withOwedEvent } from './events.ts'
import { PERIODIC_INFORM_TIME, periodicInformSeconds } from './settings.ts'

/** Sets the alarm where there is none, or where the settings have changed since it was set. */
export function armPeriodic(agent: Agent, { now, rng }: Moment): Agent {
  const seconds = periodicInformSeconds(agent)
  if (seconds === undefined) return disarmed(agent)
  const time = agent.flash.tr069.values[PERIODIC_INFORM_TIME] ?? ''
  const settings = `${seconds} ${time}`
  const { cwmp, timers } = agent.ram
  if (settings === cwmp.periodicFor && timers['cwmp-periodic'] !== undefined) return agent
  const intervalMs = seconds * 1000
  const known = readDateTime(time)
  // [TR-069 §6]: a phase of chance keeps a fleet from coming all at once.
  const phase = typeof known === 'number' ? cwmp.phase : (cwmp.phase ?? rng())
  const reference = typeof known === 'number' ? known : (phase ?? 0) * intervalMs
  const next = reference + (Math.floor((now - reference) / intervalMs) + 1) * intervalMs
  return setTimer(withCwmp(agent, { periodicFor: settings, phase }), 'cwmp-periodic', next)
}

/** The alarm has rung; the next one is set when the settings are looked at again. */
export function periodicRang(agent: Agent): Agent {
  return withCwmp(withOwedEvent(agent, { code: '2 PERIODIC', commandKey: '' }), { due: true })
}

/** No alarm, for the settings want none. */
export function disarmed(agent: Agent): Agent {
  return agent.ram.timers['cwmp-periodic'] === undefined ? agent : clearTimers(agent, 'cwmp-periodic')
}
