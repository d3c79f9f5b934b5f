/** Which events an Inform must name, and until when they are owed [TR-069 §5.1]. */
import { EVENTS_MAX } from '../../../protocol/cwmp/mod.ts'
import type { Agent } from '../types.ts'
import { withFlash, withRam } from '../turn.ts'
import { REBOOT_EVENTS_MAX } from './memory.ts'
import { changesAfterBoot, owesActiveChange } from './notifications.ts'
import { configuredAcsUrl } from './settings.ts'
import type { CwmpSession, CwmpState, OwedEvent, Tr069Memory, Transfer } from './types.ts'

/** One entry of an Inform. */
export interface InformEvent {
  readonly code: string
  readonly commandKey: string
}

/** @returns the agent with some of the TR-069 part of its lasting memory replaced */
export function withMemory(agent: Agent, change: Partial<Tr069Memory>): Agent {
  return withFlash(agent, { tr069: { ...agent.flash.tr069, ...change } })
}

/** @returns the agent with some of the TR-069 part of its volatile memory replaced */
export function withCwmp(agent: Agent, change: Partial<CwmpState>): Agent {
  return withRam(agent, { cwmp: { ...agent.ram.cwmp, ...change } })
}

/** Another ACS than the one that knows this phone must hear `0 BOOTSTRAP` first. */
export function owesBootstrap(agent: Agent): boolean {
  return (configuredAcsUrl(agent) ?? '') !== agent.flash.tr069.bootstrappedUrl
}

/** `0 BOOTSTRAP` lets go of what was owed to the ACS before; reports of transfers are never let go. */
export function withoutOldEvents(agent: Agent): Agent {
  const { events, changed } = agent.flash.tr069
  return events.length === 0 && changed.length === 0 ? agent : withMemory(agent, { events: [], changed: [] })
}

/** All that is owed now, in the order of the numbers. */
export function eventsOwed(agent: Agent): readonly InformEvent[] {
  const { cwmp } = agent.ram
  const { events, changed } = agent.flash.tr069
  const single = (code: string, owed: boolean): readonly InformEvent[] => (owed ? [{ code, commandKey: '' }] : [])
  const reports = reportsOwed(agent)
  return [
    ...single('0 BOOTSTRAP', owesBootstrap(agent)),
    ...single('1 BOOT', cwmp.bootOwed),
    ...single(
      '2 PERIODIC',
      events.some(({ code }) => code === '2 PERIODIC'),
    ),
    ...single('4 VALUE CHANGE', changed.length > 0),
    ...single('6 CONNECTION REQUEST', cwmp.connectionRequested),
    ...single('7 TRANSFER COMPLETE', reports.length > 0),
    ...events.filter(({ code }) => code === 'M Reboot'),
    ...reports.map(({ commandKey }) => ({ code: 'M Download', commandKey })),
  ].slice(0, EVENTS_MAX)
}

/** Transfers that have ended and that the ACS has not acknowledged. */
export function reportsOwed(agent: Agent): readonly Transfer[] {
  return agent.flash.tr069.transfers.filter(({ state }) => state === 'ended')
}

/** Whether something is owed that opens a session by itself: all but passive changes and refused reports. */
export function owesSession(agent: Agent): boolean {
  const { cwmp } = agent.ram
  const reports = reportsOwed(agent).some(({ id }) => !cwmp.refusedReports.includes(id))
  const events = agent.flash.tr069.events.length > 0
  return (
    owesBootstrap(agent) || cwmp.bootOwed || cwmp.connectionRequested || events || reports || owesActiveChange(agent)
  )
}

/** The InformResponse delivers all events of the Inform but those of transfers. */
export function informDelivered(agent: Agent, session: CwmpSession): Agent {
  const { events, changed, observed } = agent.flash.tr069
  const told = (event: OwedEvent) =>
    session.events.some(({ code, commandKey }) => code === event.code && commandKey === event.commandKey)
  const bootstrapped = session.events.some(({ code }) => code === '0 BOOTSTRAP')
  const booted = session.events.some(({ code }) => code === '1 BOOT')
  const remembered = withMemory(agent, {
    events: events.filter((event) => !told(event)),
    // What has changed once more since the Inform is still news.
    changed: changed.filter((path) => session.told[path] === undefined || session.told[path] !== observed[path]),
    ...(bootstrapped ? { bootstrappedUrl: session.bootstrapUrl } : {}),
  })
  return booted ? withCwmp(remembered, { bootOwed: false }) : remembered
}

/** Adds an event that survives reboots; a single one is added once. */
export function withOwedEvent(agent: Agent, event: OwedEvent): Agent {
  const { events } = agent.flash.tr069
  const known = event.code === '2 PERIODIC' && events.some(({ code }) => code === event.code)
  return known ? agent : withMemory(agent, { events: [...events, event].slice(-REBOOT_EVENTS_MAX) })
}

/**
 * Power has come (again): reboots that were asked for have happened, transfers that were cut off begin anew, and a load
 * that was installed either runs or does not.
 */
export function rebootedMemory(memory: Tr069Memory, activeLoad: string, now: number): Tr069Memory {
  const rebooted = memory.rebootKeys.map((commandKey): OwedEvent => ({ code: 'M Reboot', commandKey }))
  const changed = changesAfterBoot(memory)
  const touched = memory.transfers.some(({ state }) => state !== 'ended')
  if (rebooted.length === 0 && changed === memory.changed && !touched) return memory
  return {
    ...memory,
    rebootKeys: [],
    changed,
    events: [...memory.events, ...rebooted].slice(-REBOOT_EVENTS_MAX),
    transfers: memory.transfers.map((transfer) => rebootedTransfer(transfer, activeLoad, now)),
  }
}

function rebootedTransfer(transfer: Transfer, activeLoad: string, now: number): Transfer {
  switch (transfer.state) {
    case 'waiting':
    case 'running':
      // The session of a transfer without a time has ended with the power.
      return { ...transfer, state: 'waiting', notBefore: transfer.notBefore ?? now + transfer.delaySeconds * 1000 }
    case 'installed': {
      const runs = transfer.load === activeLoad
      const fault = runs ? { faultCode: 0, faultText: '' } : { faultCode: 9018, faultText: 'The load does not run' }
      return { ...transfer, ...fault, state: 'ended', endedAt: now }
    }
    case 'ended':
      return transfer
  }
}
