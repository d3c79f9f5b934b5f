/**
 * One run of rules: each rule is read at its turn, since a file may redefine the next ones; the first failure ends it.
 * What the end means is the business of `resync.ts`.
 * Source: MPP §0 fact 1, §4.1, §5.5, §5.6, §9.2.
 */
import { utf8Bytes } from '../../protocol/bytes.ts'
import { PROFILE_BYTES_MAX } from '../../protocol/profile/mod.ts'
import { assertNever } from '../../protocol/result.ts'
import { type Decision, evaluateRule, expandMacros, NO_OPTIONS, resolveUrl, type Url } from '../../protocol/rule/mod.ts'
import { applyAssignments, applyToPhone, CORRUPT_FILE, readDownloadedProfile } from './apply.ts'
import { profileUrl } from './dhcp.ts'
import { DOWNLOAD_FAILED, type DownloadEnd, type DownloadOrder, type Progress, startDownload } from './download.ts'
import { noteProvisioning } from './history.ts'
import { macroLookup } from './macros.ts'
import { say } from './mask.ts'
import { parameterText, parameterYes } from './parameters.ts'
import { redirectUrl } from './redirect-service.ts'
import { logFrom } from './syslog.ts'
import { type Moment, withFlash, withRam } from './turn.ts'
import type { Agent, AgentAction, ResyncRun } from './types.ts'

/** The rule parameters in the order of a run (MPP §5.5). */
export const PROFILE_RULES = ['Profile_Rule', 'Profile_Rule_B', 'Profile_Rule_C', 'Profile_Rule_D']

/** A sealed file is a little longer than the profile inside; compressed ones are shorter. */
const SEALED_BYTES_EXTRA = 64 * 1024
/** Names of changed elements that a watcher is told. */
const NAMES_SHOWN_MAX = 12

/** How a run ended. `unowned`: RC knows no owner of this phone (MPP §9.2). */
export type RunEnd =
  | { readonly kind: 'ok'; readonly run: ResyncRun }
  | { readonly kind: 'failed'; readonly run: ResyncRun; readonly unowned: boolean }

export interface RunProgress {
  readonly agent: Agent
  readonly actions: readonly AgentAction[]
  readonly end: RunEnd | undefined
}

/** Starts a run. It may end at once: no rule applies, or the first one cannot be fetched. */
export function startRun(agent: Agent, run: ResyncRun, moment: Moment): RunProgress {
  const begun = withRam(agent, { run, inProgress: undefined, lastError: '' })
  return run.kind === 'rc' ? askRedirectService(begun, run, moment) : nextRule(begun, run, moment)
}

/** Takes the end of the run's download: applies the file and goes on with the next rule. */
export function continueRun(agent: Agent, end: DownloadEnd, how: FetchedHow, moment: Moment): RunProgress {
  const { run } = agent.ram
  if (run === undefined) return { agent, actions: [], end: undefined }
  switch (end.kind) {
    case 'failed':
      return failed(agent, run, end, moment)
    case 'not-found':
      // MPP §5.6: the only failure that Resync_Fails_On_FNF forgives.
      if (run.kind === 'rc' || parameterYes(agent, 'Resync_Fails_On_FNF')) return failed(agent, run, end, moment)
      return withActions(
        [say(agent, 'file-not-found', 'File not found, taken as done (Resync_Fails_On_FNF is No)')],
        () => nextRule(agent, { ...run, ruleIndex: run.ruleIndex + 1 }, moment),
      )
    case 'file':
      if (run.kind === 'rc' && end.body.length === 0) {
        return failed(agent, run, { error: 'No profile', detail: 'the redirect service knows no owner' }, moment, true)
      }
      return applyFile(agent, run, end, how, moment)
    default:
      return assertNever(end)
  }
}

/** What is remembered of the download whose end is handed in. */
export interface FetchedHow {
  readonly options: DownloadOrder['options']
  readonly url: string
}

function nextRule(agent: Agent, run: ResyncRun, moment: Moment): RunProgress {
  const text = ruleText(agent, run)
  if (text === undefined) return { agent: withRam(agent, { run }), actions: [], end: { kind: 'ok', run } }
  const decision = evaluateRule(text, 'profile', macroLookup(agent, moment.now), agent.policies.rule)
  switch (decision.kind) {
    case 'invalid':
    case 'depends': {
      const reason = decision.problems[0]?.message ?? 'it cannot be read'
      return failed(agent, run, { error: DOWNLOAD_FAILED, detail: `profile rule: ${reason}` }, moment)
    }
    case 'nothing': {
      const assigned = assign(agent, run, decision)
      return nextRule(assigned.agent, { ...assigned.run, ruleIndex: run.ruleIndex + 1 }, moment)
    }
    case 'fetch':
      return fetchRule(agent, run, decision, moment)
    default:
      return assertNever(decision)
  }
}

function ruleText(agent: Agent, run: ResyncRun): string | undefined {
  if (run.kind === 'url') return run.ruleIndex === 0 ? run.givenRule : undefined
  const element = PROFILE_RULES[run.ruleIndex]
  return element === undefined ? undefined : parameterText(agent, element)
}

function assign(
  agent: Agent,
  run: ResyncRun,
  decision: Extract<Decision, { kind: 'nothing' | 'fetch' }>,
): { readonly agent: Agent; readonly run: ResyncRun } {
  const applied = applyAssignments(agent, decision.assignments)
  return { agent: applied.agent, run: { ...run, changed: [...new Set([...run.changed, ...applied.changed])] } }
}

function fetchRule(
  agent: Agent,
  run: ResyncRun,
  decision: Extract<Decision, { kind: 'fetch' }>,
  moment: Moment,
): RunProgress {
  const assigned = assign(agent, run, decision)
  if (decision.url.scheme === 'gds') return awaitActivationCode(assigned.agent, assigned.run, moment)
  // MPP §4.5: of a rule that someone handed in without a server, the server is the one who handed it in.
  const caller = run.kind === 'url' ? run.callerAddress : undefined
  const resolved = caller === undefined ? profileUrl(assigned.agent, decision.url) : resolveUrl(decision.url, caller)
  const asking = { ...assigned.run, byDhcp: caller === undefined && decision.url.host === undefined }
  if (!resolved.ok) {
    return failed(assigned.agent, asking, { error: DOWNLOAD_FAILED, detail: resolved.error.message }, moment)
  }
  return fetch(assigned.agent, asking, { url: resolved.value, options: decision.options }, moment)
}

function fetch(
  agent: Agent,
  run: ResyncRun,
  target: { readonly url: Url; readonly options: DownloadOrder['options'] },
  moment: Moment,
): RunProgress {
  const host = target.url.host ?? ''
  const begun = withRam(agent, { run, inProgress: { url: target.url, host, address: host } })
  const logged = logFrom(begun, 'Log_Request_Msg', moment.now)
  const order: DownloadOrder = {
    purpose: run.kind === 'rc' ? 'rc' : 'profile',
    bytesMax: PROFILE_BYTES_MAX + SEALED_BYTES_EXTRA,
    ...target,
    ...(run.certificateName === undefined ? {} : { certificateName: run.certificateName }),
    ...postedBody(agent, target.options, moment),
  }
  return withActions(logged, () => fromProgress(startDownload(begun, order, moment), order, moment))
}

/** MPP §4.4 `--post x`: the macros of GPP_X are put in. The content type is a Model. */
function postedBody(
  agent: Agent,
  { post }: DownloadOrder['options'],
  { now }: Moment,
): Pick<DownloadOrder, 'method' | 'body' | 'bodyHeaders'> {
  if (post === undefined) return {}
  const text = expandMacros(parameterText(agent, `GPP_${post.toUpperCase()}`), macroLookup(agent, now)).text
  return { method: 'POST', body: utf8Bytes(text), bodyHeaders: [['Content-Type', 'text/plain']] }
}

function fromProgress(progress: Progress, order: DownloadOrder, moment: Moment): RunProgress {
  if (progress.end === undefined) return { ...progress, end: undefined }
  const how = { options: order.options, url: '' }
  const { end } = progress
  return withActions(progress.actions, () => continueRun(progress.agent, end, how, moment))
}

function applyFile(
  agent: Agent,
  run: ResyncRun,
  file: Extract<DownloadEnd, { kind: 'file' }>,
  how: FetchedHow,
  moment: Moment,
): RunProgress {
  const profile = readDownloadedProfile(agent, file.body, {
    options: how.options,
    contentEncoding: file.contentEncoding,
  })
  if (!profile.ok) return failed(agent, run, { error: CORRUPT_FILE, detail: profile.error }, moment)
  const applied = applyToPhone(agent, profile.value)
  const after: ResyncRun = {
    ...run,
    changed: [...new Set([...run.changed, ...applied.changed])],
    appliedCount: run.appliedCount + 1,
    ruleIndex: run.ruleIndex + 1,
  }
  const noted = noteProvisioning(withRam(applied.agent, { run: after }), `Successful resync ${how.url}`, moment.now)
  const shown = applied.changed.slice(0, NAMES_SHOWN_MAX).join(', ')
  const actions = [
    say(noted, 'profile-applied', `Profile applied, ${applied.changed.length} elements changed`, {
      url: how.url,
      byteCount: file.body.length,
      changedCount: applied.changed.length,
      changed: applied.changed.length > NAMES_SHOWN_MAX ? `${shown}, …` : shown,
      skippedCount: applied.skippedCount,
    }),
    ...logFrom(noted, 'Log_Success_Msg', moment.now),
  ]
  return withActions(actions, () => (run.kind === 'rc' ? done(noted, after) : nextRule(noted, after, moment)))
}

function done(agent: Agent, run: ResyncRun): RunProgress {
  return { agent, actions: [], end: { kind: 'ok', run } }
}

function failed(
  agent: Agent,
  run: ResyncRun,
  why: { readonly error: string; readonly detail: string },
  moment: Moment,
  unowned = false,
): RunProgress {
  const text = `Resync failed: ${why.error} (${why.detail})`
  const noted = noteProvisioning(withRam(agent, { run, lastError: why.error }), text, moment.now)
  const actions = [
    say(noted, unowned ? 'redirect-unowned' : 'resync-failed', text, {
      error: why.error,
      detail: why.detail,
      source: run.source,
    }),
    ...(unowned ? [] : logFrom(noted, 'Log_Failure_Msg', moment.now)),
  ]
  return { agent: noted, actions, end: { kind: 'failed', run, unowned } }
}

/** MPP §4.7: the display asks for an activation code. Its service is not public, so nothing is fetched. */
function awaitActivationCode(agent: Agent, run: ResyncRun, moment: Moment): RunProgress {
  const waiting = agent.flash.customization === 'Acquired' ? agent : withFlash(agent, { customization: 'GDS-Pending' })
  return withActions([say(agent, 'activation-code', 'The display asks for an activation code (gds://)')], () =>
    nextRule(waiting, { ...run, ruleIndex: run.ruleIndex + 1 }, moment),
  )
}

function askRedirectService(agent: Agent, run: ResyncRun, moment: Moment): RunProgress {
  const url = redirectUrl(agent)
  if (url === undefined) {
    return failed(agent, run, { error: DOWNLOAD_FAILED, detail: 'this phone has no redirect service' }, moment)
  }
  return fetch(agent, run, { url, options: NO_OPTIONS }, moment)
}

function withActions(actions: readonly AgentAction[], next: () => RunProgress): RunProgress {
  const progress = next()
  return { ...progress, actions: [...actions, ...progress.actions] }
}
