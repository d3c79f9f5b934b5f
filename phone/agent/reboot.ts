/** Going down and the factory reset. Source: MPP §5.7, §7.3, §9.1. */
import { factoryFlash } from './create.ts'
import { cwmpCut } from './cwmp/mod.ts'
import { noteReboot } from './history.ts'
import { tellLines } from './lines.ts'
import { say } from './mask.ts'
import { andThen, type Moment, type Turn, turnOf, withFlash, withRam } from './turn.ts'
import type { Agent, Flash, RebootReason } from './types.ts'

/** From the decision to the dark display. */
export const SHUTDOWN_MS = 2000

/**
 * Leaves the registrars and restarts.
 * @param cause  what the next boot will believe: it decides about the resync after it
 */
export function reboot(
  agent: Agent,
  why: { readonly reason: RebootReason; readonly cause: Flash['bootCause'] },
  moment: Moment,
): Turn {
  const noted = withFlash(noteReboot(agent, why.reason, moment.now), { bootCause: why.cause })
  const told = turnOf(noted, say(noted, 'reboot', `Reboot: ${why.reason}`, { reason: why.reason, cause: why.cause }))
  return andThen(
    andThen(told, (agent) => tellLines(agent, { kind: 'stop' }, moment)),
    goDown,
  )
}

/**
 * Back to the state of the box: parameters, histories and customization go; the loads and, of course, the certificate
 * stay. The next boot is the first one of an unprovisioned phone.
 */
export function factoryReset(agent: Agent, moment: Moment): Turn {
  const left = tellLines(agent, { kind: 'stop' }, moment)
  return andThen(left, (agent) => {
    const { hardware, policies } = agent
    const { activeLoad, inactiveLoad } = agent.flash
    const fresh = { ...agent, flash: { ...factoryFlash(hardware, { load: activeLoad, policies }), inactiveLoad } }
    return andThen(turnOf(fresh, say(fresh, 'factory-reset', 'Factory reset: all settings are gone')), goDown)
  })
}

function goDown(agent: Agent): Turn {
  const down = withRam(cwmpCut(agent), {
    mode: 'rebooting',
    timers: {},
    download: undefined,
    run: undefined,
    srvQueryId: undefined,
  })
  return turnOf(down, { kind: 'reboot', afterMs: SHUTDOWN_MS })
}
