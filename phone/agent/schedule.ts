/** When the next automatic resync comes. Source: MPP §5.1, §5.2, §5.3. */
import type { Millis } from '../../protocol/result.ts'
import { delayAt, isOff, parseDelayList } from '../../protocol/rule/mod.ts'
import { nextLocal } from './local-time.ts'
import { parameterNumber, parameterText } from './parameters.ts'
import { clearTimers, setTimer } from './timers.ts'
import { type Moment, withRam } from './turn.ts'
import type { Agent } from './types.ts'

/** A list element of 0 must not make the phone ask without pause. */
const DELAY_MS_MIN = 1000
/** MPP §5.1: Resync_At_Random_Delay below this counts as this. */
const RESYNC_AT_SPREAD_SECONDS_MIN = 600

/** After a success: Resync_Periodic, unless a valid Resync_At replaces it; the error list starts again. */
export function armAfterSuccess(agent: Agent, moment: Moment): Agent {
  const calm = clearTimers(withRam(agent, { errorIndex: 0 }), 'retry')
  return armResyncAt(armPeriodic(calm, moment), moment)
}

/** After a failure: the next element of Resync_Error_Retry_Delay; `0` means never again by itself. */
export function armAfterFailure(agent: Agent, moment: Moment): Agent {
  const { errorIndex } = agent.ram
  const delay = delayMs(parameterText(agent, 'Resync_Error_Retry_Delay'), errorIndex, moment)
  const counted = armResyncAt(clearTimers(withRam(agent, { errorIndex: errorIndex + 1 }), 'periodic'), moment)
  return delay === undefined ? counted : setTimer(counted, 'retry', moment.now + delay)
}

/** The next use of Resync_Periodic: the list is walked once; its index is kept while the value stays the same. */
export function armPeriodic(agent: Agent, moment: Moment): Agent {
  const text = parameterText(agent, 'Resync_Periodic')
  const { periodicIndex, periodicText } = agent.ram
  const index = text === periodicText ? periodicIndex : 0
  const cleared = clearTimers(agent, 'periodic')
  const delay = resyncAt(agent) === undefined ? delayMs(text, index, moment) : undefined
  if (delay === undefined) return cleared
  return setTimer(withRam(cleared, { periodicIndex: index + 1, periodicText: text }), 'periodic', moment.now + delay)
}

/** After an edit of the schedule: an alarm that still fits its value goes on, so that no element of the list is lost. */
export function rearmPeriodic(agent: Agent, moment: Moment): Agent {
  const unchanged = parameterText(agent, 'Resync_Periodic') === agent.ram.periodicText
  const fits = unchanged && agent.ram.timers.periodic !== undefined && resyncAt(agent) === undefined
  return fits ? agent : armPeriodic(agent, moment)
}

/** The daily Resync_At, somewhere in its random window; no alarm when it is empty or invalid (then it is ignored). */
export function armResyncAt(agent: Agent, { now, rng }: Moment): Agent {
  const at = resyncAt(agent)
  if (at === undefined) return clearTimers(agent, 'resync-at')
  const bounds = { min: RESYNC_AT_SPREAD_SECONDS_MIN, max: 65_535, otherwise: RESYNC_AT_SPREAD_SECONDS_MIN }
  const seconds = parameterNumber(agent, 'Resync_At_Random_Delay', bounds)
  // MPP §5.1: d = floor((value + 30) / 60) minutes.
  const windowMs = Math.floor((seconds + 30) / 60) * 60_000
  return setTimer(agent, 'resync-at', nextLocal(agent, at.hour, at.minute, now) + Math.floor(rng() * windowMs))
}

/** When the phone will resync by itself next, as far as an alarm is set. */
export function nextResyncAt({ ram }: Agent): Millis | undefined {
  const { resync, periodic, retry, 'resync-at': daily } = ram.timers
  const times = [resync, periodic, retry, daily].filter((at) => at !== undefined)
  return times.length === 0 ? undefined : Math.min(...times)
}

/** The k-th upgrade retry after a failed attempt, or undefined for never. */
export function upgradeRetryMs(agent: Agent, moment: Moment): Millis | undefined {
  return delayMs(parameterText(agent, 'Upgrade_Error_Retry_Delay'), agent.ram.upgradeErrorIndex, moment)
}

/** MPP §5.1: four digits 0000 to 2400, where 2400 is 0000. */
function resyncAt(agent: Agent): { readonly hour: number; readonly minute: number } | undefined {
  const [, hours, minutes] = /^([0-9]{2})([0-9]{2})$/.exec(parameterText(agent, 'Resync_At__HHmm_').trim()) ?? []
  const hour = Number(hours)
  const minute = Number(minutes)
  if (hours === undefined || minute > 59 || hour > 24 || (hour === 24 && minute > 0)) return undefined
  return { hour: hour % 24, minute }
}

function delayMs(text: string, index: number, { rng }: Moment): Millis | undefined {
  const list = parseDelayList(text)
  if (!list.ok || isOff(list.value)) return undefined
  return Math.max(DELAY_MS_MIN, Math.round(delayAt(list.value, index, rng) * 1000))
}
