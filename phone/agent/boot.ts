/**
 * From power to a working phone: booting, waiting for the network, then lines, upgrade rule, report and the first resync.
 * Source: MPP §5.1 (Resync_On_Reset, Resync_Random_Delay), §5.3, §5.8, §16 row 6.
 */
import { assertNever, type Millis } from '../../protocol/result.ts'
import { emptyRam } from './create.ts'
import { cwmpBooted } from './cwmp/mod.ts'
import { unusableOptions } from './dhcp-problems.ts'
import { wantUpgrade } from './effects.ts'
import { tellLines } from './lines.ts'
import { say } from './mask.ts'
import { parameterNumber, parameterYes } from './parameters.ts'
import { armProblemReportTimer } from './prt.ts'
import { reboot } from './reboot.ts'
import { wantReport } from './report.ts'
import { armReportAtBoot, armReportTimer, reportOccasion } from './report-schedule.ts'
import { armPeriodic, armResyncAt } from './schedule.ts'
import { setTimer } from './timers.ts'
import { armTriggerPoll } from './triggers.ts'
import { andThen, type Moment, type Turn, turnOf, withFlash, withRam } from './turn.ts'
import type { Agent, Flash, Lease } from './types.ts'

/** Power comes, or comes back: whatever the phone was doing is forgotten. */
export function powerOn(agent: Agent, moment: Moment): Turn {
  const { now } = moment
  const empty: Agent = { ...agent, ram: { ...emptyRam(now), mode: 'booting', nextId: agent.ram.nextId } }
  const fresh = cwmpBooted(empty, moment)
  const booting = setTimer(fresh, 'boot', now + agent.policies.bootMs)
  const { hardware, flash } = agent
  return turnOf(
    booting,
    say(booting, 'boot', `${hardware.productName} ${hardware.mac} boots ${flash.activeLoad}`, {
      productName: hardware.productName,
      mac: hardware.mac,
      load: flash.activeLoad,
      customization: flash.customization,
      cause: flash.bootCause,
    }),
  )
}

/** The software runs; without a network it waits for one. */
export function bootDone(agent: Agent, moment: Moment): Turn {
  return agent.ram.networkUp ? startWork(agent, moment) : turnOf(withRam(agent, { mode: 'network' }))
}

/**
 * The network gave an address. A new one in the middle of work restarts the phone (MPP §5.7 `IP Changed`); the same one
 * again is a lease that was renewed, whose options count from now on.
 */
export function networkUp(
  agent: Agent,
  event: { readonly lease: Lease; readonly sipPort: number },
  moment: Moment,
): Turn {
  const { lease, sipPort } = event
  const { lastAddress: before, networkUp, run } = agent.ram
  const renewed = networkUp && before === lease.address && sipPort === agent.ram.sipPort
  // The servers of this lease begin with the first; a run in progress keeps its place.
  const dhcpIndex = run === undefined ? 0 : agent.ram.dhcpIndex
  const connected = withRam(agent, { lease, sipPort, networkUp: true, lastAddress: lease.address, dhcpIndex })
  const told = turnOf(
    connected,
    say(connected, 'network-up', `Address ${lease.address}`, { address: lease.address, renewed }),
    ...unusableOptions(connected).map(({ family, option, reason }) =>
      say(connected, 'dhcp-option-unusable', `DHCP option ${option} (${family}) counts as absent: ${reason}`, {
        family,
        option,
        reason,
      }),
    ),
  )
  return andThen(told, (agent) => {
    if (agent.ram.mode === 'network') return startWork(agent, moment)
    if (renewed || (agent.ram.mode !== 'running' && agent.ram.mode !== 'discovering')) return turnOf(agent)
    if (before !== undefined && before !== lease.address) {
      return reboot(agent, { reason: 'IP Changed', cause: 'power' }, moment)
    }
    return tellLines(agent, { kind: 'start' }, moment)
  })
}

/** The cable is out. Exchanges in flight fail by themselves; the lines are told. */
export function networkDown(agent: Agent, moment: Moment): Turn {
  const cut = withRam(agent, { lease: undefined, networkUp: false })
  return andThen(turnOf(cut, say(cut, 'network-down', 'The network is gone')), (agent) =>
    tellLines(agent, { kind: 'stop' }, moment),
  )
}

function startWork(agent: Agent, moment: Moment): Turn {
  const cause = agent.flash.bootCause
  // A cause holds for one boot: a power cut from now on is a power cut.
  const succeeded = cause !== 'power' && agent.flash.resyncSucceeded
  const started = withRam(withFlash(agent, { bootCause: 'power', resyncSucceeded: succeeded }), {
    mode: 'running',
    succeeded,
  })
  const resyncing = armTriggerPoll(armResyncAt(firstResync(started, cause, moment), moment), moment)
  const armed = armProblemReportTimer(armReportAtBoot(armReportTimer(resyncing, moment), moment), moment)
  return andThen(
    andThen(turnOf(wantUpgrade(armed)), (agent) => tellLines(agent, { kind: 'start' }, moment)),
    // MPP §12.2: On Request also means at a restart.
    (agent) => (reportOccasion(agent) === 'On Request' ? wantReport(agent, moment) : turnOf(agent)),
  )
}

function firstResync(agent: Agent, cause: Flash['bootCause'], moment: Moment): Agent {
  switch (cause) {
    case 'parameters':
      return withoutResync(agent, moment)
    case 'upgrade':
      if (!parameterYes(agent, 'Resync_After_Upgrade_Attempt')) return withoutResync(agent, moment)
      return setTimer(agent, 'resync', moment.now)
    case 'power':
    case 'web-submit':
      if (!parameterYes(agent, 'Resync_On_Reset')) return withoutResync(agent, moment)
      return setTimer(agent, 'resync', moment.now + randomDelayMs(agent, moment))
    default:
      return assertNever(cause)
  }
}

/** MPP §5.1: Resync_Periodic is armed only after a success; one before a reboot by software counts. */
function withoutResync(agent: Agent, moment: Moment): Agent {
  return agent.ram.succeeded ? armPeriodic(agent, moment) : agent
}

/** MPP §5.1: uniform between 0 and the parameter times 20 seconds (the unit is a policy). */
function randomDelayMs(agent: Agent, { rng }: Moment): Millis {
  const units = parameterNumber(agent, 'Resync_Random_Delay', { min: 0, max: 65_535, otherwise: 2 })
  return Math.floor(rng() * units * agent.policies.randomDelayUnitSeconds * 1000)
}
