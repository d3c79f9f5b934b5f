/** The phone's alarms: at most one of each name, kept as times in ram, so that a power cut loses them all. */
import type { Millis } from '../../protocol/result.ts'
import { linesWake } from './sip/mod.ts'
import { withRam } from './turn.ts'
import type { Agent, TimerName } from './types.ts'

/** Sets or moves an alarm. */
export function setTimer(agent: Agent, name: TimerName, at: Millis): Agent {
  return withRam(agent, { timers: { ...agent.ram.timers, [name]: at } })
}

/** Takes alarms back; unset ones are no error. */
export function clearTimers(agent: Agent, ...names: readonly TimerName[]): Agent {
  const kept = Object.entries(agent.ram.timers).filter(([name]) => !names.some((cleared) => cleared === name))
  return withRam(agent, { timers: Object.fromEntries(kept) })
}

/** @returns the earliest alarm that is due, and the agent without it. */
export function takeDueTimer(
  agent: Agent,
  now: Millis,
): { readonly agent: Agent; readonly name: TimerName } | undefined {
  const due = timersOf(agent)
    .filter(([, at]) => at <= now)
    .sort(([, a], [, b]) => a - b)[0]
  return due === undefined ? undefined : { agent: clearTimers(agent, due[0]), name: due[0] }
}

/** When `{ kind: 'tick' }` is wanted next; undefined while the phone waits for events only. */
export function nextWake(agent: Agent): Millis | undefined {
  if (agent.ram.mode === 'off') return undefined
  const lines = linesWake(agent.ram.lines)
  const times = [...timersOf(agent).map(([, at]) => at), ...(lines === undefined ? [] : [lines])]
  return times.length === 0 ? undefined : Math.min(...times)
}

function timersOf(agent: Agent): readonly (readonly [TimerName, Millis])[] {
  // Keys come only from setTimer, whose parameter is a TimerName.
  return Object.entries(agent.ram.timers) as [TimerName, Millis][]
}
