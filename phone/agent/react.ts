/**
 * One event in, the next phone and its actions out. Only dispatch is here; the rooms are named for what they do.
 *
 *       power-on          boot timer            address
 *     off ----> booting ------------> network ----------> running <------------------+
 *      ^           |                                        | ^                      |
 *      |           +---- address was there already -------->| |                      |
 *      |                                                    | | attempt over         |
 *      |                              a blank phone resyncs | |                      |
 *      |                                                    v |                      |
 *      |                                                discovering                  |
 *      |    power-on                                                                 |
 *   rebooting <---- parameters, command, new address ---- running --- parts are there --> flashing
 *      ^                                                                             |
 *      +-------------------------- flash timer: the new load is in place ------------+
 *
 *  - off: no power; only `power-on` counts.
 *  - booting: the software starts. The lease may come meanwhile.
 *  - network: up, but without an address.
 *  - discovering: a blank phone tries DHCP, DNS SRV and RC in turn (`discovery.ts`).
 *  - running: everything else, with at most one download at a time (`work.ts`).
 *  - flashing: a load is written; nothing else starts.
 *  - rebooting: going down; only `power-on` counts, and the last words with the registrars.
 *
 * Source: MPP §5.8.
 */
import { assertNever, type Millis, type Rng } from '../../protocol/result.ts'
import { answerWeb } from './admin/mod.ts'
import { bootDone, networkDown, networkUp, powerOn } from './boot.ts'
import { callEnded, callStarted } from './calls.ts'
import { runCommands } from './commands.ts'
import { customCaEnded } from './custom-ca.ts'
import {
  answerKnock,
  cwmpRang,
  isOfSession,
  listening,
  sessionAnswered,
  stepCwmp,
  transferDownloadEnded,
} from './cwmp/mod.ts'
import { continueDownload, continueWithSrv, type Progress } from './download.ts'
import { printDownloadUrl } from './http-request.ts'
import { pressKeys } from './keypad.ts'
import { moveLines, tellLines } from './lines.ts'
import { say } from './mask.ts'
import { problemReportDue, problemReportEnded } from './prt.ts'
import { reportEnded, wantReport } from './report.ts'
import { armReportTimer } from './report-schedule.ts'
import { discoverySrvAnswered, resyncDownloadEnded, wishResync } from './resync.ts'
import { armResyncAt } from './schedule.ts'
import { linesWake } from './sip/mod.ts'
import { setTimer, takeDueTimer } from './timers.ts'
import { pollTriggers } from './triggers.ts'
import { andThen, type Moment, type Turn, turnOf, withRam } from './turn.ts'
import type { Agent, AgentAction, AgentEvent, Download, FetchOutcome, SrvRecord, TimerName } from './types.ts'
import { firmwareDownloadEnded, flashWritten } from './upgrade.ts'
import { doNextWork } from './work.ts'

/** Timers handled by one tick: each name at most once. */
const TIMERS_PER_TICK_MAX = 16
/** How often a load that is written asks whether the session with the ACS is over. */
const SESSION_PATIENCE_MS: Millis = 1000

/**
 * Lets something happen to the phone.
 * @param now  must not run backwards between calls
 * @returns the next phone and what its surroundings are to do, in order. Never throws for what the world sent.
 */
export function react(
  agent: Agent,
  event: AgentEvent,
  now: Millis,
  rng: Rng,
): { readonly agent: Agent; readonly actions: readonly AgentAction[] } {
  const moment: Moment = { now, rng }
  if (event.kind !== 'power-on' && !isAwake(agent, event)) return turnOf(agent, ...refusal(event))
  const worked = andThen(dispatch(agent, event, moment), (agent) => doNextWork(agent, moment))
  return andThen(worked, (agent) => stepCwmp(agent, moment))
}

/** While it starts, a phone only counts time and notices the network; going down it still leaves its registrars. */
function isAwake(agent: Agent, event: AgentEvent): boolean {
  switch (agent.ram.mode) {
    case 'off':
      return false
    case 'rebooting':
      return agent.ram.lines.leaving.length > 0 && ['tick', 'sip-received', 'sip-failed'].includes(event.kind)
    case 'booting':
    case 'network':
      return ['network-up', 'network-down', 'listening', 'tick', 'call-started', 'call-ended'].includes(event.kind)
    case 'discovering':
    case 'running':
    case 'flashing':
      return true
    default:
      return assertNever(agent.ram.mode)
  }
}

/** A caller who finds the phone down must not wait for ever. */
function refusal(event: AgentEvent): readonly AgentAction[] {
  if (event.kind !== 'web-request' && event.kind !== 'connection-request') return []
  const response = {
    status: 503,
    headers: [['Content-Type', 'text/plain']],
    body: 'The phone is restarting.\n',
  } as const
  return [{ kind: 'respond', id: event.id, response }]
}

function dispatch(agent: Agent, event: AgentEvent, moment: Moment): Turn {
  switch (event.kind) {
    case 'power-on':
      return powerOn(agent, moment)
    case 'network-up':
      return networkUp(agent, event, moment)
    case 'network-down':
      return networkDown(agent, moment)
    case 'tick':
      return tick(agent, moment)
    case 'fetched':
      return fetched(agent, event.id, event.outcome, moment)
    case 'srv-resolved':
      return srvResolved(agent, event.id, event.records, moment)
    case 'call-started':
      return turnOf(callStarted(agent, event.line))
    case 'call-ended':
      return turnOf(callEnded(agent, event.line, moment))
    case 'web-request': {
      const answer = answerWeb(agent, event.request, moment.now, moment.rng)
      const responded = turnOf(answer.agent, { kind: 'respond', id: event.id, response: answer.response })
      return andThen(responded, (agent) => runCommands(agent, answer.commands, moment))
    }
    case 'connection-request': {
      const { agent: knocked, response } = answerKnock(agent, event.request, moment)
      return turnOf(knocked, { kind: 'respond', id: event.id, response })
    }
    case 'listening':
      return turnOf(listening(agent, event))
    case 'keypad':
      return pressKeys(agent, event.entry, moment)
    case 'sip-received':
    case 'sip-failed':
      return sip(agent, event, moment)
    default:
      return assertNever(event)
  }
}

function sip(agent: Agent, event: Extract<AgentEvent, { kind: 'sip-received' | 'sip-failed' }>, moment: Moment): Turn {
  const input =
    event.kind === 'sip-received'
      ? ({ kind: 'received', peer: event.peer, bytes: event.bytes } as const)
      : ({ kind: 'failed', peer: event.peer, detail: event.detail } as const)
  const moved = moveLines(agent, input, moment)
  return andThen(turnOf(moved.agent, ...moved.actions), (agent) => runCommands(agent, moved.commands, moment))
}

/** Every alarm that is due, earliest first; one that a handler sets for this very moment waits for the next tick. */
function tick(agent: Agent, moment: Moment): Turn {
  let turn = turnOf(agent)
  const rung = new Set<TimerName>()
  for (let count = 0; count < TIMERS_PER_TICK_MAX; count += 1) {
    const due = takeDueTimer(turn.agent, moment.now)
    if (due === undefined || rung.has(due.name)) break
    rung.add(due.name)
    turn = andThen({ agent: due.agent, actions: turn.actions }, (agent) => ring(agent, due.name, moment))
  }
  const { lines } = turn.agent.ram
  const wake = linesWake(lines)
  return wake === undefined || wake > moment.now
    ? turn
    : andThen(turn, (agent) => tellLines(agent, { kind: 'tick' }, moment))
}

function ring(agent: Agent, name: TimerName, moment: Moment): Turn {
  switch (name) {
    case 'boot':
      return bootDone(agent, moment)
    case 'resync':
      return wishResync(agent, { cause: 0, because: 'power-up' }, moment)
    case 'periodic':
      return wishResync(agent, { cause: 1, because: 'periodic' }, moment)
    case 'retry':
      return wishResync(agent, { cause: 2, because: 'retry' }, moment)
    case 'resync-at':
      return wishResync(armResyncAt(agent, moment), { cause: 1, because: 'daily time' }, moment)
    case 'quiet':
      // The countdown of MPP §5.4 is over; `work.ts` sees the time itself.
      return turnOf(agent)
    case 'upgrade':
      return turnOf(withRam(agent, { pendingUpgrade: { url: undefined, callerAddress: undefined, by: 'retry' } }))
    case 'flash':
      // A session with the ACS ends first.
      return agent.ram.cwmp.session === undefined
        ? flashWritten(agent, moment)
        : turnOf(setTimer(agent, 'flash', moment.now + SESSION_PATIENCE_MS))
    case 'report':
      return wantReport(armReportTimer(agent, moment), moment)
    case 'problem-report':
      return problemReportDue(agent, moment)
    case 'cwmp-periodic':
    case 'cwmp-retry':
    case 'cwmp-listener':
    case 'cwmp-transfer':
      return turnOf(cwmpRang(agent, name))
    case 'trigger-poll': {
      const polled = pollTriggers(agent, moment)
      return polled.turnedTrue
        ? wishResync(polled.agent, { cause: 1, because: 'trigger' }, moment)
        : turnOf(polled.agent)
    }
    default:
      return assertNever(name)
  }
}

function fetched(agent: Agent, id: number, outcome: FetchOutcome, moment: Moment): Turn {
  if (isOfSession(agent, id)) return sessionAnswered(agent, outcome, moment)
  const { download } = agent.ram
  // An answer to something that the phone no longer waits for.
  if (download === undefined || download.id !== id || download.waitsFor !== 'answer') return turnOf(agent)
  const told = turnOf(
    agent,
    say(agent, 'fetched', `${printDownloadUrl(download)}: ${outcomeText(outcome)}`, { purpose: download.purpose }),
  )
  return andThen(told, (agent) => progressed(continueDownload(agent, outcome, moment), download, moment))
}

function srvResolved(agent: Agent, id: number, records: readonly SrvRecord[], moment: Moment): Turn {
  const { download, srvQueryId } = agent.ram
  if (srvQueryId !== id) return turnOf(agent)
  const asked = withRam(agent, { srvQueryId: undefined })
  return download?.waitsFor === 'srv'
    ? progressed(continueWithSrv(asked, records, moment), download, moment)
    : discoverySrvAnswered(asked, records, moment)
}

/** Hands the end of a download to whoever wanted it. */
function progressed({ agent, actions, end }: Progress, download: Download, moment: Moment): Turn {
  const turn: Turn = { agent, actions }
  if (end === undefined) return turn
  return andThen(turn, (agent) => {
    switch (download.purpose) {
      case 'rc':
      case 'profile':
        return resyncDownloadEnded(agent, end, { options: download.options, url: printDownloadUrl(download) }, moment)
      case 'firmware':
      case 'firmware-part':
        return firmwareDownloadEnded(agent, end, moment)
      case 'report':
        return reportEnded(agent, end, download.options)
      case 'custom-ca':
        return customCaEnded(agent, end, moment)
      case 'problem-report':
        return problemReportEnded(agent, end)
      case 'transfer':
        return transferDownloadEnded(agent, end, moment)
      default:
        return assertNever(download.purpose)
    }
  })
}

/** What came back, for a watcher; nothing of the content. */
function outcomeText(outcome: FetchOutcome): string {
  switch (outcome.kind) {
    case 'response':
      return `HTTP ${outcome.status}, ${outcome.body.length} bytes`
    case 'tftp-file':
      return `${outcome.body.length} bytes`
    case 'tftp-error':
      return `TFTP error ${outcome.code}`
    case 'failed':
      return `failed, ${outcome.reason}`
    default:
      return assertNever(outcome)
  }
}
