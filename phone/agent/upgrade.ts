/**
 * Firmware: from Upgrade_Rule or a command to a new load in flash and a reboot into it.
 * Source: MPP §6.
 */
import {
  checkPart,
  LOADS_BYTES_MAX,
  loadFamily,
  type LoadPart,
  PART_BYTES_MAX,
  parseLoadName,
  parseLoads,
} from '../../protocol/firmware/mod.ts'
import { modelInfo } from '../../protocol/profile/mod.ts'
import {
  compareVersions,
  evaluateRule,
  NO_OPTIONS,
  parseVersion,
  printUrl,
  type RuleOptions,
  type Url,
} from '../../protocol/rule/mod.ts'
import { applyAssignments } from './apply.ts'
import { serverFromCaller } from './caller.ts'
import { DOWNLOAD_FAILED, type DownloadEnd, type Progress, startDownload } from './download.ts'
import { faultOfEnd, type TransferFault, transferEnded, transferInstalled } from './cwmp/mod.ts'
import { parametersChanged } from './effects.ts'
import { noteUpgrade } from './history.ts'
import { macroLookup } from './macros.ts'
import { say } from './mask.ts'
import { parameterText, parameterYes } from './parameters.ts'
import { reboot } from './reboot.ts'
import { wishResync } from './resync.ts'
import { upgradeRetryMs } from './schedule.ts'
import { logFrom } from './syslog.ts'
import { clearTimers, setTimer } from './timers.ts'
import { andThen, type Moment, type Turn, turnOf, withFlash, withRam } from './turn.ts'
import type { Agent, UpgradeRun } from './types.ts'

const WRONG_LOAD = 'Load refused'
const CORRUPT_LOAD = 'Corrupt load'

/** Looks at what is pending: the rule, its retry, or a command. Called only while all lines are idle. */
export function considerUpgrade(agent: Agent, moment: Moment): Turn {
  const wish = agent.ram.pendingUpgrade
  const taken = withRam(agent, { pendingUpgrade: undefined })
  if (wish === undefined) return turnOf(taken)
  const byCommand = wish.by === 'command'
  const text = (
    wish.url === undefined ? parameterText(agent, 'Upgrade_Rule') : serverFromCaller(wish.url, wish.callerAddress)
  ).trim()
  if (text === '') return turnOf(clearTimers(taken, 'upgrade'))
  if (!parameterYes(agent, 'Upgrade_Enable')) {
    return turnOf(taken, ...(byCommand ? [say(taken, 'upgrade-refused', 'No upgrade: Upgrade_Enable is No')] : []))
  }
  const decision = evaluateRule(text, 'upgrade', macroLookup(agent, moment.now), agent.policies.rule)
  if (decision.kind === 'invalid' || decision.kind === 'depends') {
    return turnOf(taken, say(taken, 'upgrade-refused', 'The upgrade rule cannot be read', { rule: text }))
  }
  const assigned = applyAssignments(taken, decision.assignments)
  return andThen(parametersChanged(assigned.agent, assigned.changed, 'Provisioning', moment), (after) => {
    if (decision.kind === 'nothing') return turnOf(clearTimers(after, 'upgrade'))
    // MPP §4.5: a rule must name the server; DHCP does not help out.
    const { url } = decision
    if (url.host === undefined || parseLoadName(url.path) === undefined) {
      return turnOf(
        after,
        say(after, 'upgrade-refused', 'The upgrade rule names no .loads file on a server', { rule: text }),
      )
    }
    return weigh(after, { url, ruleText: text, by: wish.by, transfer: undefined }, moment)
  })
}

/** A load that the ACS wants: like a command, but every ending is reported to the ACS [TR-069 §7, Download]. */
export function upgradeForTransfer(
  agent: Agent,
  { id, url, options }: { readonly id: number; readonly url: Url; readonly options: RuleOptions },
  moment: Moment,
): Turn {
  if (parseLoadName(url.path) === undefined) {
    return transferEnded(agent, id, { code: 9018, text: 'The URL names no .loads file' }, moment)
  }
  return weigh(agent, { url, ruleText: '', by: 'command', transfer: { id, options } }, moment)
}

interface Offer {
  readonly url: Url
  readonly ruleText: string
  readonly by: 'rule' | 'retry' | 'command'
  readonly transfer: UpgradeRun['transfer']
}

/** MPP §6 "Skip logic", "Re-attempt", "Downgrade". */
function weigh(agent: Agent, { url, ruleText, by, transfer }: Offer, moment: Moment): Turn {
  const load = parseLoadName(url.path) ?? ''
  const fingerprint = `${ruleText}\n${printUrl(url)}`
  const { activeLoad, inactiveLoad, upgradeFingerprint } = agent.flash
  if (load === activeLoad) {
    const quiet = clearTimers(agent, 'upgrade')
    const skipped = by === 'command' ? [say(quiet, 'upgrade-skipped', `${load} is running already`, { load })] : []
    const told = turnOf(quiet, ...skipped)
    // It need not be installed to run, which is all that the ACS wants to hear.
    return transfer === undefined
      ? told
      : andThen(told, (agent) => transferEnded(agent, transfer.id, undefined, moment))
  }
  const tried = fingerprint === upgradeFingerprint || fingerprint === agent.ram.failedUpgrade
  if (by === 'rule' && tried) return turnOf(agent)
  const host = url.host ?? ''
  const run: UpgradeRun = { load, url, fingerprint, partsLeft: [], byCommand: by === 'command', transfer }
  const trying = withRam(clearTimers(agent, 'upgrade'), {
    upgrade: run,
    lastUpgradeAt: moment.now,
    upgradeState: by === 'retry' ? 2 : 1,
    upgradeErrorIndex: by === 'retry' ? agent.ram.upgradeErrorIndex : 0,
    inProgress: { url, host, address: host },
    lastError: '',
  })
  const told = turnOf(
    trying,
    say(trying, 'upgrade-started', `Upgrade to ${load}`, { load, from: activeLoad, url: printUrl(url) }),
    ...logFrom(trying, 'Log_Upgrade_Request_Msg', moment.now),
  )
  return andThen(told, (agent) => {
    const refusal = refuses(agent, load)
    if (refusal !== undefined) return refused(agent, run, refusal, moment)
    // MPP §6: a load in the inactive partition needs no download, whether its URL works or not.
    if (load === inactiveLoad) return install(agent, run, moment)
    return fetchFile(agent, 'firmware', url, moment)
  })
}

/** The `.loads` file or a part has ended. */
export function firmwareDownloadEnded(agent: Agent, end: DownloadEnd, moment: Moment): Turn {
  const run = agent.ram.upgrade
  if (run === undefined) return turnOf(agent)
  if (end.kind !== 'file') {
    const fault = faultOfEnd(end)
    return attemptFailed(agent, run, { text: `${end.error} (${end.detail})`, error: end.error, fault }, moment)
  }
  const [part, ...partsLeft] = run.partsLeft
  if (part === undefined) return listReceived(agent, run, end.body, moment)
  if (!checkPart(part, end.body)) {
    return corrupt(agent, run, `${part.name} is not what the load names`, moment)
  }
  const text = `${part.name} received, ${partsLeft.length} parts left`
  const told = turnOf(agent, say(agent, 'upgrade-part', text, { part: part.name, partsLeft: partsLeft.length }))
  return andThen(told, (agent) => fetchParts(agent, { ...run, partsLeft }, moment))
}

/** The new load is in flash; the phone restarts with it. */
export function flashWritten(agent: Agent, moment: Moment): Turn {
  const run = agent.ram.upgrade
  return run === undefined ? turnOf(withRam(agent, { mode: 'running' })) : install(agent, run, moment)
}

function listReceived(agent: Agent, run: UpgradeRun, body: Uint8Array, moment: Moment): Turn {
  const parsed = parseLoads(body, run.url.path)
  if (!parsed.ok) return corrupt(agent, run, parsed.error.message, moment)
  const { name, parts } = parsed.value
  const named: UpgradeRun = { ...run, load: name, partsLeft: parts }
  if (name === agent.flash.activeLoad) return refused(agent, named, 'the file holds the running load', moment)
  const refusal = refuses(agent, name)
  if (refusal !== undefined) return refused(agent, named, refusal, moment)
  return fetchParts(agent, named, moment)
}

function fetchParts(agent: Agent, run: UpgradeRun, moment: Moment): Turn {
  const current = withRam(agent, { upgrade: run })
  const [part] = run.partsLeft
  if (part === undefined) {
    const text = `Writing ${run.load} to flash`
    const flashing = setTimer(withRam(current, { mode: 'flashing' }), 'flash', moment.now + agent.policies.flashMs)
    return turnOf(flashing, say(flashing, 'upgrade-flashing', text, { load: run.load }))
  }
  return fetchFile(current, 'firmware-part', besideOf(run.url, part), moment)
}

/** MPP §6: the parts lie in the directory of the `.loads` file. */
function besideOf(url: Url, part: LoadPart): Url {
  const directory = (url.path.split(/[?#]/)[0] ?? '/').replace(/[^/]*$/, '')
  return { ...url, path: `${directory}${part.name}` }
}

function fetchFile(agent: Agent, purpose: 'firmware' | 'firmware-part', url: Url, moment: Moment): Turn {
  const bytesMax = purpose === 'firmware' ? LOADS_BYTES_MAX : PART_BYTES_MAX
  const options = agent.ram.upgrade?.transfer?.options ?? NO_OPTIONS
  const progress: Progress = startDownload(agent, { purpose, url, options, bytesMax }, moment)
  const { end } = progress
  const turn = turnOf(progress.agent, ...progress.actions)
  return end === undefined ? turn : andThen(turn, (agent) => firmwareDownloadEnded(agent, end, moment))
}

/** @returns why this load may never be installed here, or undefined. */
function refuses(agent: Agent, load: string): string | undefined {
  const family = modelInfo(agent.hardware.productName)?.firmwareFamily
  if (family !== undefined && loadFamily(load) !== family && parseVersion(load)?.series !== undefined) {
    return `${load} is for other hardware than ${family}`
  }
  const limit = parseVersion(parameterText(agent, 'Downgrade_Rev_Limit').trim())
  const version = parseVersion(load)
  if (limit === undefined || version === undefined || compareVersions(version, limit) >= 0) return undefined
  return `${load} is older than Downgrade_Rev_Limit`
}

/** A load that will not do is not asked for again; there is no retry. */
function refused(agent: Agent, run: UpgradeRun, detail: string, moment: Moment): Turn {
  const text = `${WRONG_LOAD} (${detail})`
  return ended(agent, run, { text, error: WRONG_LOAD, retry: false, fault: { code: 9018, text: detail } }, moment)
}

function corrupt(agent: Agent, run: UpgradeRun, detail: string, moment: Moment): Turn {
  const why = { text: `${CORRUPT_LOAD} (${detail})`, error: CORRUPT_LOAD, fault: { code: 9018, text: detail } }
  return attemptFailed(agent, run, why, moment)
}

function attemptFailed(agent: Agent, run: UpgradeRun, why: Omit<Ending, 'retry'>, moment: Moment): Turn {
  return ended(agent, run, { ...why, retry: !run.byCommand }, moment)
}

/** How an attempt has failed; `fault` is what the ACS hears if it has asked for it. */
interface Ending {
  readonly text: string
  readonly error: string
  readonly retry: boolean
  readonly fault: TransferFault
}

function ended(agent: Agent, run: UpgradeRun, why: Ending, moment: Moment): Turn {
  const delay = why.retry ? upgradeRetryMs(agent, moment) : undefined
  const rested = withRam(agent, {
    mode: 'running',
    upgrade: undefined,
    upgradeError: why.error,
    lastError: why.error === '' ? DOWNLOAD_FAILED : why.error,
    upgradeErrorIndex: agent.ram.upgradeErrorIndex + 1,
  })
  // A command is no rule: the next look at Upgrade_Rule must not be skipped because of it.
  const marked = run.byCommand ? rested : markFailed(rested, run, why.retry)
  const armed = delay === undefined ? marked : setTimer(marked, 'upgrade', moment.now + delay)
  const noted = noteUpgrade(armed, `Upgrade failed: ${why.text}`, moment.now)
  const retrySeconds = delay === undefined ? null : Math.round(delay / 1000)
  const told = turnOf(
    noted,
    say(noted, 'upgrade-failed', `Upgrade failed: ${why.text}`, { load: run.load, error: why.error, retrySeconds }),
    ...logFrom(noted, 'Log_Upgrade_Failure_Msg', moment.now),
  )
  const { transfer } = run
  const reported =
    transfer === undefined ? told : andThen(told, (agent) => transferEnded(agent, transfer.id, why.fault, moment))
  return andThen(reported, (agent) => resyncAfterAttempt(agent, moment))
}

/**
 * A failure that is tried again is forgotten by a reboot, for the retry is forgotten too: the rule is then followed anew.
 * One that is final stays marked until the rule changes (MPP §6 "Re-attempt").
 */
function markFailed(agent: Agent, run: UpgradeRun, retry: boolean): Agent {
  return retry
    ? withRam(agent, { failedUpgrade: run.fingerprint })
    : withFlash(agent, { upgradeFingerprint: run.fingerprint })
}

/** MPP §5.1 Resync_After_Upgrade_Attempt: also after a failed one. */
function resyncAfterAttempt(agent: Agent, moment: Moment): Turn {
  if (!parameterYes(agent, 'Resync_After_Upgrade_Attempt')) return turnOf(agent)
  return wishResync(agent, { cause: 0, because: 'after upgrade attempt' }, moment)
}

function install(agent: Agent, run: UpgradeRun, moment: Moment): Turn {
  const { activeLoad } = agent.flash
  const swapped = withFlash(
    withRam(agent, { upgrade: undefined, upgradeError: '', lastError: '', upgradeErrorIndex: 0 }),
    {
      activeLoad: run.load,
      inactiveLoad: activeLoad,
      ...(run.byCommand ? {} : { upgradeFingerprint: run.fingerprint }),
    },
  )
  const text = `Upgraded from ${activeLoad} to ${run.load}`
  const marked = run.transfer === undefined ? swapped : transferInstalled(swapped, run.transfer.id, run.load)
  const noted = noteUpgrade(marked, text, moment.now)
  const told = turnOf(
    noted,
    say(noted, 'upgrade-done', text, { load: run.load, from: activeLoad }),
    ...logFrom(noted, 'Log_Upgrade_Success_Msg', moment.now),
  )
  return andThen(told, (agent) => reboot(agent, { reason: 'Upgrade', cause: 'upgrade' }, moment))
}
