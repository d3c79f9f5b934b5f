/**
 * Busy lines hold resyncs back. When the last call ends, the lines must stay quiet for a while; a new call starts that
 * countdown again, but after the due time plus Forced_Resync_Delay the first idle instant is used.
 * Source: MPP §5.4 (Model).
 */
import { parameterNumber } from './parameters.ts'
import { clearTimers, setTimer } from './timers.ts'
import { type Moment, withRam } from './turn.ts'
import type { Agent } from './types.ts'

/** Lines that can be busy at once; the largest model has 16. */
const BUSY_LINES_MAX = 64

/** A call starts: everything that needs idle lines waits. */
export function callStarted(agent: Agent, line: number): Agent {
  const { busyLines, pending } = agent.ram
  if (busyLines.includes(line) || busyLines.length >= BUSY_LINES_MAX) return agent
  return withRam(clearTimers(agent, 'quiet'), {
    busyLines: [...busyLines, line],
    pending: pending === undefined ? undefined : { ...pending, notBefore: undefined },
  })
}

/** A call ends; with the last one the countdown of a waiting resync starts. */
export function callEnded(agent: Agent, line: number, { now }: Moment): Agent {
  const idle = withRam(agent, { busyLines: agent.ram.busyLines.filter((busy) => busy !== line) })
  const { pending, busyLines } = idle.ram
  if (busyLines.length > 0 || pending === undefined || pending.notBefore !== undefined) return idle
  const forcedMs = parameterNumber(idle, 'Forced_Resync_Delay', { min: 0, max: 65_535, otherwise: 14_400 }) * 1000
  const quietMs = Math.min(forcedMs, idle.policies.quietSeconds * 1000)
  const notBefore = Math.max(now, Math.min(now + quietMs, pending.dueAt + forcedMs))
  return setTimer(withRam(idle, { pending: { ...pending, notBefore } }), 'quiet', notBefore)
}

/** Whether no line is in a call. */
export function isIdle(agent: Agent): boolean {
  return agent.ram.busyLines.length === 0
}
