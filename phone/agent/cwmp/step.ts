/** After every event: does TR-069 have something to do now? The door to the rest of the agent [TR-069 §1.3, §5.1, §6]. */
import { randomHex } from '../chance.ts'
import { clearTimers, setTimer } from '../timers.ts'
import { andThen, type Moment, type Turn, turnOf, withRam } from '../turn.ts'
import type { Agent, AgentEvent } from '../types.ts'
import { owesBootstrap, owesSession, rebootedMemory, withCwmp, withMemory, withoutOldEvents } from './events.ts'
import { observe, owesActiveChange } from './notifications.ts'
import { armPeriodic, disarmed, periodicRang } from './periodic.ts'
import { startSession } from './session.ts'
import { acsTarget, configuredAcsUrl, isTr069On } from './settings.ts'
import { tell } from './trace.ts'

/** How long the first session waits to hear where connection requests can come in, for its Inform names that. */
const LISTENER_WAIT_MS = 2000
/** Of the random part of the connection request URL. */
const PATH_BYTES = 16

/** The alarms of TR-069. */
export type CwmpTimer = 'cwmp-periodic' | 'cwmp-retry' | 'cwmp-listener' | 'cwmp-transfer'

/** Brings the TR-069 client up to date, and begins a session when one is due and nothing stands in its way. */
export function stepCwmp(agent: Agent, moment: Moment): Turn {
  const { mode } = agent.ram
  if (mode !== 'running' && mode !== 'discovering') return turnOf(agent)
  if (!isTr069On(agent)) return turnOf(switchedOff(agent))
  const known = settingsSeen(withConnectionPath(agent, moment), moment)
  return andThen(known, (agent) => {
    const observed = changesSeen(agent, moment)
    const armed = transferAlarm(armPeriodic(observed, moment), moment)
    return mayStart(armed) ? startWhenHeard(armed, moment) : turnOf(armed)
  })
}

/** One of its alarms has rung. */
export function cwmpRang(agent: Agent, timer: CwmpTimer): Agent {
  switch (timer) {
    case 'cwmp-periodic':
      return isTr069On(agent) ? periodicRang(agent) : agent
    case 'cwmp-retry':
      return withCwmp(agent, { due: true })
    case 'cwmp-listener':
    case 'cwmp-transfer':
      // `stepCwmp` and `work.ts` see the time themselves.
      return agent
  }
}

/** What the surroundings say of the listener for connection requests. */
export function listening(agent: Agent, event: Extract<AgentEvent, { kind: 'listening' }>): Agent {
  return withCwmp(clearTimers(agent, 'cwmp-listener'), { listener: { port: event.port } })
}

/** Power has come: what was asked for before has happened now [TR-069 §5.1, §7]. */
export function cwmpBooted(agent: Agent, { now }: Moment): Agent {
  const { tr069, activeLoad } = agent.flash
  const memory = rebootedMemory(tr069, activeLoad, now)
  const booted = memory === tr069 ? agent : withMemory(agent, memory)
  return memory.resetOwed ? withRam(booted, { pendingFactoryReset: true }) : booted
}

/** The phone goes down: a session in progress is cut, and what it did not deliver stays owed. */
export function cwmpCut(agent: Agent): Agent {
  return withCwmp(agent, { session: undefined, due: false })
}

function switchedOff(agent: Agent): Agent {
  const { seenUrl, due } = agent.ram.cwmp
  const quiet = clearIfSet(disarmed(agent))
  return seenUrl === undefined && !due ? quiet : withCwmp(quiet, { seenUrl: undefined, due: false })
}

function clearIfSet(agent: Agent): Agent {
  return agent.ram.timers['cwmp-retry'] === undefined ? agent : clearTimers(agent, 'cwmp-retry')
}

/** [TR-069 §8.1]: drawn at first use, the same for ever. */
function withConnectionPath(agent: Agent, { rng }: Moment): Agent {
  if (agent.flash.tr069.connectionPath !== '') return agent
  return withMemory(agent, { connectionPath: randomHex(PATH_BYTES, rng) })
}

/** Another ACS than before, or the first one: it hears of this phone at once. */
function settingsSeen(agent: Agent, { now }: Moment): Turn {
  const url = configuredAcsUrl(agent)
  const { seenUrl } = agent.ram.cwmp
  if (url === seenUrl) return turnOf(agent)
  const usable = url !== undefined && acsTarget(url) !== undefined
  const moved = withCwmp(clearIfSet(agent), { seenUrl: url, backup: false, failureCount: 0 })
  // Only an ACS that knew the phone before leaves something behind.
  const known = agent.flash.tr069.bootstrappedUrl !== '' && url !== undefined && owesBootstrap(moved)
  const changed = known ? withoutOldEvents(moved) : moved
  const fresh = withCwmp(changed, { due: usable && owesSession(changed) })
  if (url === undefined || usable) return turnOf(fresh)
  return turnOf(fresh, ...tell(fresh, 'tr069-problem', 'ACS_URL is no URL of http or https', {}, now))
}

function changesSeen(agent: Agent, { now }: Moment): Agent {
  const { lease, cwmp } = agent.ram
  // Without a network the phone has no address, and nobody to tell; soon it has the old one back.
  const settled = cwmp.listener !== undefined || now >= (cwmp.listenerWaitUntil ?? Number.POSITIVE_INFINITY)
  if (lease === undefined || !settled) return agent
  const before = agent.flash.tr069.changed
  const observed = observe(agent, now)
  const { changed } = observed.flash.tr069
  return changed !== before && owesActiveChange(observed) ? withCwmp(observed, { due: true }) : observed
}

/** The earliest time at which an accepted transfer may begin. */
function transferAlarm(agent: Agent, { now }: Moment): Agent {
  const times = agent.flash.tr069.transfers.flatMap(({ state, notBefore }) =>
    state === 'waiting' && notBefore !== undefined && notBefore > now ? [notBefore] : [],
  )
  const at = Math.min(...times)
  if (times.length === 0 || agent.ram.timers['cwmp-transfer'] === at) return agent
  return setTimer(agent, 'cwmp-transfer', at)
}

function mayStart({ ram }: Agent): boolean {
  const { due, session, seenUrl } = ram.cwmp
  return due && session === undefined && seenUrl !== undefined && ram.networkUp
}

function startWhenHeard(agent: Agent, moment: Moment): Turn {
  const { listener, listenerWaitUntil } = agent.ram.cwmp
  if (listener !== undefined) return startSession(agent, moment)
  if (listenerWaitUntil === undefined) {
    const until = moment.now + LISTENER_WAIT_MS
    return turnOf(setTimer(withCwmp(agent, { listenerWaitUntil: until }), 'cwmp-listener', until))
  }
  return moment.now < listenerWaitUntil ? turnOf(agent) : startSession(agent, moment)
}
