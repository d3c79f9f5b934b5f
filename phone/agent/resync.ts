/**
 * The life of a resync around its run: who may ask, whether it may start, and what its end means for the schedule and
 * for the customization state.
 * Source: MPP §5.3, §5.5, §9.
 */
import { assertNever, type Millis } from '../../protocol/result.ts'
import { dhcpServers } from './dhcp.ts'
import { isBlank, namesServer, rulesUsable, srvCandidates, srvDomain } from './discovery.ts'
import type { DownloadEnd } from './download.ts'
import { parametersChanged, wantUpgrade } from './effects.ts'
import { say } from './mask.ts'
import { parameterText, parameterYes } from './parameters.ts'
import { continueRun, type FetchedHow, type RunProgress, startRun } from './run.ts'
import { armAfterFailure, armAfterSuccess, armPeriodic } from './schedule.ts'
import { srvName } from './srv.ts'
import { clearTimers } from './timers.ts'
import { triggersAllow } from './triggers.ts'
import { andThen, type Moment, type Turn, turnOf, withFlash, withRam } from './turn.ts'
import type { Agent, CustomizationState, Discovery, ProvisioningCause, Ram, ResyncRun, SrvRecord } from './types.ts'

/** A wish for a resync. */
export interface ResyncWish {
  readonly cause: ProvisioningCause
  /** Runs alone, once, instead of the configured rules (MPP §5.5). */
  readonly rule?: string | undefined
  readonly callerAddress?: string | undefined
  /** For the watcher: `power-up`, `periodic`, `web` and so on. */
  readonly because: string
}

const EMPTY_RUN: Omit<ResyncRun, 'cause' | 'kind' | 'source'> = {
  givenRule: undefined,
  ruleIndex: 0,
  changed: [],
  appliedCount: 0,
  callerAddress: undefined,
  certificateName: undefined,
  byDhcp: false,
}

/** Notes a resync as due, unless it is forbidden or held back by the triggers. It starts when lines and hands are free. */
export function wishResync(agent: Agent, wish: ResyncWish, moment: Moment): Turn {
  const { now } = moment
  if (!parameterYes(agent, 'Provision_Enable')) {
    return turnOf(agent, say(agent, 'resync-refused', 'No resync: Provision_Enable is No', { because: wish.because }))
  }
  // MPP §5.3: explicit requests ignore the triggers.
  if (wish.cause !== -1 && !triggersAllow(agent, now)) {
    const text = 'Resync held back: no Resync_Trigger is true'
    return turnOf(armPeriodic(agent, moment), say(agent, 'resync-held', text, { because: wish.because }))
  }
  const { pending } = agent.ram
  // An explicit request with its own rule must not be lost to an automatic one.
  if (pending !== undefined && wish.cause !== -1) return turnOf(agent)
  const kind = wish.rule === undefined ? 'rules' : 'url'
  const run: ResyncRun = {
    ...EMPTY_RUN,
    cause: wish.cause,
    kind,
    source: kind === 'url' ? 'command' : 'rules',
    givenRule: wish.rule,
    callerAddress: wish.callerAddress,
  }
  const busy = agent.ram.busyLines.length > 0
  const queued = withRam(agent, {
    pending: { run, dueAt: pending?.dueAt ?? now, notBefore: busy ? undefined : (pending?.notBefore ?? now) },
  })
  const text = `Resync asked for (${wish.because})${busy ? ', waits for idle lines' : ''}`
  return turnOf(queued, say(agent, 'resync-asked', text, { because: wish.because, rule: wish.rule ?? null }))
}

/** @returns whether the pending resync may start now (MPP §5.4). */
export function resyncMayStart({ pending, busyLines }: Ram, now: Millis): boolean {
  if (pending === undefined || busyLines.length > 0) return false
  return pending.notBefore !== undefined && now >= pending.notBefore
}

/** Starts the pending resync: of a blank phone with a search for its provider, of any other with the rules. */
export function startPending(agent: Agent, moment: Moment): Turn {
  const run = agent.ram.pending?.run
  if (run === undefined) return turnOf(agent)
  const begun = withRam(clearTimers(agent, 'resync', 'periodic', 'retry', 'quiet'), {
    pending: undefined,
    lastResyncAt: moment.now,
    provisioningCause: run.cause,
  })
  const text = run.givenRule === undefined ? 'Resync started' : `Resync started with ${run.givenRule}`
  const told = turnOf(begun, say(begun, 'resync-started', text, { provisioningState: run.cause, source: run.source }))
  if (run.kind === 'rules' && isBlank(begun)) return andThen(told, (agent) => startDiscovery(agent, run.cause, moment))
  return andThen(told, (agent) => concluded(startRun(agent, run, moment), moment))
}

/** The run's download has ended. */
export function resyncDownloadEnded(agent: Agent, end: DownloadEnd, how: FetchedHow, moment: Moment): Turn {
  return concluded(continueRun(agent, end, how, moment), moment)
}

/** DNS has answered the question of a blank phone. */
export function discoverySrvAnswered(agent: Agent, records: readonly SrvRecord[], moment: Moment): Turn {
  const { discovery } = agent.ram
  if (discovery === undefined) return turnOf(agent)
  const scheme = discovery.step === 'srv-http' ? 'http' : 'https'
  const candidates = srvCandidates(agent, scheme, records, moment)
  const answered = withRam(agent, { srvQueryId: undefined, discovery: { ...discovery, candidates } })
  return nextSource(answered, moment)
}

function startDiscovery(agent: Agent, cause: ProvisioningCause, moment: Moment): Turn {
  const discovery: Discovery = { step: 'dhcp', candidates: [], cause }
  const searching = withRam(agent, { mode: 'discovering', discovery })
  if (agent.flash.customization === 'Custom-Pending' && namesServer(agent, moment.now)) {
    return startSource(
      searching,
      { cause, kind: 'url', source: 'redirect', givenRule: parameterText(agent, 'Profile_Rule') },
      moment,
    )
  }
  if (!rulesUsable(agent, moment.now)) return nextSource(searching, moment)
  return startSource(searching, { cause, kind: 'rules', source: 'dhcp' }, moment)
}

function startSource(
  agent: Agent,
  run: Pick<ResyncRun, 'cause' | 'kind' | 'source'> & Partial<ResyncRun>,
  moment: Moment,
): Turn {
  return concluded(startRun(agent, { ...EMPTY_RUN, ...run }, moment), moment)
}

/** The next thing that a blank phone has not tried in this attempt. */
function nextSource(agent: Agent, moment: Moment): Turn {
  const { discovery } = agent.ram
  if (discovery === undefined) return attemptFailed(agent, [], moment)
  const [candidate, ...candidates] = discovery.candidates
  if (candidate !== undefined) {
    const tried = withRam(agent, { discovery: { ...discovery, candidates } })
    const run = { cause: discovery.cause, kind: 'url', source: 'srv', givenRule: candidate } as const
    return startSource(tried, { ...run, certificateName: srvDomain(agent) }, moment)
  }
  const domain = srvDomain(agent)
  if (discovery.step === 'dhcp' && domain !== undefined) return askSrv(agent, discovery, 'https', domain)
  if (discovery.step === 'srv-https' && domain !== undefined) return askSrv(agent, discovery, 'http', domain)
  if (discovery.step === 'rc') return attemptFailed(agent, [], moment)
  const asking = withRam(agent, { discovery: { ...discovery, step: 'rc' } })
  // Custom-Pending stays: it says that a rule from RC is there already.
  const state = agent.flash.customization === 'Custom-Pending' ? turnOf(asking) : customize(asking, 'Pending')
  return andThen(state, (pending) => startSource(pending, { cause: discovery.cause, kind: 'rc', source: 'rc' }, moment))
}

function askSrv(agent: Agent, discovery: Discovery, scheme: 'http' | 'https', domain: string): Turn {
  const id = agent.ram.nextId
  const name = srvName(scheme, domain)
  const asking = withRam(agent, {
    run: undefined,
    srvQueryId: id,
    nextId: id + 1,
    discovery: { ...discovery, step: scheme === 'https' ? 'srv-https' : 'srv-http' },
  })
  return turnOf(asking, say(agent, 'srv-query', `Asking DNS for ${name}`, { name }), { kind: 'resolve-srv', id, name })
}

function concluded(progress: RunProgress, moment: Moment): Turn {
  const { agent, actions, end } = progress
  if (end === undefined) return { agent, actions }
  return andThen({ agent, actions }, (ended) =>
    end.kind === 'ok' ? runSucceeded(ended, end.run, moment) : runFailed(ended, end.run, end.unowned, moment),
  )
}

function runSucceeded(agent: Agent, run: ResyncRun, moment: Moment): Turn {
  switch (run.source) {
    case 'rc':
      return redirected(agent, run, moment)
    case 'redirect':
      return andThen(customize(agent, 'Acquired'), (acquired) => complete(acquired, run, moment))
    case 'dhcp':
    case 'srv':
      // Nothing was fetched, so nobody has provisioned the phone: it looks further.
      if (run.appliedCount === 0 && isBlank(agent)) return nextSource(changesKept(agent, run.changed), moment)
      return andThen(customize(learned(agent, run), 'Aborted'), (aborted) => complete(aborted, run, moment))
    case 'command':
    case 'rules':
      return andThen(run.appliedCount > 0 && isBlank(agent) ? customize(agent, 'Aborted') : turnOf(agent), (told) =>
        complete(told, run, moment),
      )
    default:
      return assertNever(run.source)
  }
}

/** MPP §9.2: RC's profile sets Profile_Rule; the phone resyncs with it at once, with that rule alone. */
function redirected(agent: Agent, run: ResyncRun, moment: Moment): Turn {
  const sameAgain = agent.flash.customization === 'Custom-Pending' && !run.changed.includes('Profile_Rule')
  if (sameAgain || !namesServer(agent, moment.now)) return attemptFailed(agent, run.changed, moment)
  const rule = parameterText(agent, 'Profile_Rule')
  return andThen(customize(changesKept(agent, run.changed), 'Custom-Pending'), (pending) =>
    startSource(pending, { cause: run.cause, kind: 'url', source: 'redirect', givenRule: rule }, moment),
  )
}

function runFailed(agent: Agent, run: ResyncRun, unowned: boolean, moment: Moment): Turn {
  const kept = changesKept(agent, run.changed)
  switch (run.source) {
    case 'dhcp':
    case 'rules':
      return nextServer(kept, run, moment)
    case 'srv':
      return nextSource(kept, moment)
    case 'redirect':
      // The first thing of a Custom-Pending phone's attempt; RC may name another server by now.
      return kept.ram.discovery?.step === 'dhcp' ? nextSource(kept, moment) : attemptFailed(kept, [], moment)
    case 'rc':
      return andThen(unowned ? customize(kept, 'Unavailable') : turnOf(kept), (told) => attemptFailed(told, [], moment))
    case 'command':
      return attemptFailed(kept, [], moment)
    default:
      return assertNever(run.source)
  }
}

/** Of the servers of the lease the next one follows a failing one; which those are is a matter of policies (MPP §10.1). */
function nextServer(agent: Agent, run: ResyncRun, moment: Moment): Turn {
  const next = agent.ram.dhcpIndex + 1
  if (run.byDhcp && next < dhcpServers(agent).length) {
    return startSource(
      withRam(agent, { dhcpIndex: next }),
      { cause: run.cause, kind: 'rules', source: run.source },
      moment,
    )
  }
  const first = withRam(agent, { dhcpIndex: 0 })
  return run.source === 'dhcp' ? nextSource(first, moment) : attemptFailed(first, [], moment)
}

function complete(agent: Agent, run: ResyncRun, moment: Moment): Turn {
  const changed = [...new Set([...agent.ram.changedSinceBoot, ...run.changed])]
  const rested = withRam(atRest(agent), { succeeded: true, changedSinceBoot: [], pendingCustomCa: true })
  const noted = armAfterSuccess(withFlash(wantUpgrade(rested), { resyncSucceeded: true }), moment)
  const text = `Resync finished, ${run.changed.length} elements changed`
  const told = turnOf(
    noted,
    say(noted, 'resync-finished', text, { changedCount: run.changed.length, source: run.source }),
  )
  // MPP §9.2: the reboot after a redirect has its own reason.
  return andThen(told, (agent) =>
    parametersChanged(agent, changed, run.source === 'redirect' ? 'RC' : 'Provisioning', moment),
  )
}

function attemptFailed(agent: Agent, changed: readonly string[], moment: Moment): Turn {
  const kept = changesKept(agent, changed)
  // The file that failed may need the very CA that an earlier file of the run named.
  const armed = armAfterFailure(withRam(atRest(kept), { pendingCustomCa: true }), moment)
  const retryAt = armed.ram.timers.retry
  const text = retryAt === undefined ? 'No retry' : `Next try in ${Math.round((retryAt - moment.now) / 1000)} s`
  const retrySeconds = retryAt === undefined ? null : Math.round((retryAt - moment.now) / 1000)
  // A reboot now would lose the retry, so what earlier files of the run changed takes effect live for the moment.
  return andThen(turnOf(armed, say(armed, 'resync-retry', text, { retrySeconds })), (agent) =>
    parametersChanged(agent, agent.ram.changedSinceBoot, undefined, moment),
  )
}

/** A blank phone that was looking for its provider gives up: somebody has told it at the phone itself. */
export function abandonSearch(agent: Agent, moment: Moment): Agent {
  if (agent.ram.discovery === undefined) return agent
  return armAfterFailure(atRest(withRam(agent, { download: undefined })), moment)
}

function atRest(agent: Agent): Agent {
  return withRam(agent, { mode: 'running', run: undefined, discovery: undefined, srvQueryId: undefined })
}

function changesKept(agent: Agent, changed: readonly string[]): Agent {
  return withRam(agent, { changedSinceBoot: [...new Set([...agent.ram.changedSinceBoot, ...changed])] })
}

/** A server found by SRV answers relative rules until the next boot. */
function learned(agent: Agent, run: ResyncRun): Agent {
  const base = run.source === 'srv' ? /^https?:\/\/[^/]+/.exec(run.givenRule ?? '')?.[0] : undefined
  return base === undefined ? agent : withRam(agent, { srvServer: base })
}

/** MPP §9.1: `Acquired` is final until factory reset. */
export function customize(agent: Agent, state: CustomizationState): Turn {
  if (agent.flash.customization === state || agent.flash.customization === 'Acquired') return turnOf(agent)
  const changed = withFlash(agent, { customization: state })
  return turnOf(
    changed,
    say(changed, 'customization', `Customization state ${state}`, { state, before: agent.flash.customization }),
  )
}
