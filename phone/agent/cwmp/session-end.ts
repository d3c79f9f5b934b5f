/** What follows a session, well ended or not: the next one, its wait, and the work that had to wait for the end. */
import { retryWaitSeconds } from '../../../protocol/cwmp/mod.ts'
import { clearTimers, setTimer } from '../timers.ts'
import { type Moment, type Turn, turnOf, withRam } from '../turn.ts'
import type { Agent } from '../types.ts'
import { owesSession, withCwmp, withMemory } from './events.ts'
import { backupUrl, retryPolicy } from './settings.ts'
import { shortened, tell } from './trace.ts'
import type { CwmpSession } from './types.ts'

/** Failed sessions after which the backup ACS is tried [TR-069 §10.1]. */
const FAILURES_UNTIL_BACKUP = 3

/** The peaceful end: both sides have nothing more to say. */
export function sessionSucceeded(agent: Agent, session: CwmpSession, moment: Moment): Turn {
  const { now } = moment
  const lastSession = { at: now, ok: true, text: `ended after ${session.messageCount} messages` }
  const rested = withCwmp(clearTimers(agent, 'cwmp-retry'), { session: undefined, failureCount: 0, lastSession })
  const after = released(rested, moment)
  const next = withCwmp(after, { due: owesSession(after) })
  const data = { state: 'ended', messages: session.messageCount }
  return turnOf(next, ...tell(next, 'tr069-session', 'session ended', data, now))
}

/** The session is lost; what it had not delivered is owed, and another try follows [TR-069 §6]. */
export function sessionFailed(agent: Agent, session: CwmpSession, why: string, moment: Moment): Turn {
  const { now, rng } = moment
  const failureCount = agent.ram.cwmp.failureCount + 1
  const waitMs = Math.round(retryWaitSeconds(failureCount, retryPolicy(agent), rng) * 1000)
  const lastSession = { at: now, ok: false, text: shortened(why) }
  const switches = !session.backup && failureCount >= FAILURES_UNTIL_BACKUP && backupUrl(agent) !== undefined
  const lost = withCwmp(agent, { session: undefined, failureCount, lastSession, due: false })
  const moved = switches ? withCwmp(lost, { backup: true }) : lost
  // Something new that came meanwhile does not wait [TR-069 §6].
  const urgent = moved.ram.cwmp.connectionRequested
  const armed = setTimer(withCwmp(released(moved, moment), { due: urgent }), 'cwmp-retry', now + waitMs)
  const retrySeconds = Math.round(waitMs / 1000)
  const data = { state: 'failed', why: shortened(why), retryCount: failureCount, retrySeconds, backup: switches }
  const text = `session failed: ${shortened(why)}; next try in ${retrySeconds} s${switches ? ' at the backup ACS' : ''}`
  return turnOf(armed, ...tell(armed, 'tr069-session', text, data, now))
}

/** Accepted transfers count their delay from now; a reboot and a reset that were asked for may come. */
function released(agent: Agent, { now }: Moment): Agent {
  const { transfers, rebootKeys, resetOwed } = agent.flash.tr069
  const waits = transfers.some(({ state, notBefore }) => state === 'waiting' && notBefore === undefined)
  const timed = waits
    ? withMemory(agent, {
        transfers: transfers.map((one) =>
          one.state === 'waiting' && one.notBefore === undefined
            ? { ...one, notBefore: now + one.delaySeconds * 1000 }
            : one,
        ),
      })
    : agent
  const restarting =
    rebootKeys.length > 0 && timed.ram.pendingReboot === undefined
      ? withRam(timed, { pendingReboot: { reason: 'Provisioning', cause: 'power' } })
      : timed
  return resetOwed ? withRam(restarting, { pendingFactoryReset: true }) : restarting
}
