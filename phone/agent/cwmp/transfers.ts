/**
 * Downloads that the ACS has asked for: queued in flash before they are answered, run one at a time when their time has
 * come and the lines are idle, and reported until the ACS has heard it. What a file does and that it has done it are
 * written to flash in one step, so a power cut never makes it do that twice.
 * Source: TR-069 §5.1, §7 (Download, TransferComplete).
 */
import type { CwmpBody, CwmpBodyOf } from '../../../protocol/cwmp/mod.ts'
import { PROFILE_BYTES_MAX } from '../../../protocol/profile/mod.ts'
import { err, type Millis, ok, type Result } from '../../../protocol/result.ts'
import { NO_OPTIONS, parseUrl, type RuleOptions, type Url } from '../../../protocol/rule/mod.ts'
import { applyToPhone, readDownloadedProfile } from '../apply.ts'
import { configuredElsewhere } from '../commands.ts'
import { CA_BYTES_MAX, installCustomCa } from '../custom-ca.ts'
import { type DownloadEnd, startDownload } from '../download.ts'
import { parametersChanged } from '../effects.ts'
import { noteProvisioning } from '../history.ts'
import { say } from '../mask.ts'
import { parameterYes } from '../parameters.ts'
import { andThen, type Moment, type Turn, turnOf } from '../turn.ts'
import type { Agent } from '../types.ts'
import { upgradeForTransfer } from '../upgrade.ts'
import { KEY_CHARS_MAX } from './answer.ts'
import { withCwmp, withMemory } from './events.ts'
import { TRANSFERS_MAX } from './memory.ts'
import { tell } from './trace.ts'
import { isTr069On } from './settings.ts'
import { faultOfEnd, type TransferFault } from './transfer-fault.ts'
import type { Transfer, TransferKind } from './types.ts'

/** Characters of URL, user name and password of Download [TR-069 §7]. */
const WORD_CHARS_MAX = 256
const FAULT_TEXT_CHARS_MAX = 256
/** Words in a URL from this length on may be keys. */
const TOKEN_CHARS_MIN = 16

/** Takes a Download into the queue. @returns the fault to answer with, or the agent that has it in flash */
export function queueTransfer(
  agent: Agent,
  { commandKey, fileType, url, username, password, fileSize, delaySeconds }: CwmpBodyOf<'Download'>,
): Result<Agent, number> {
  const kind = kindOf(fileType)
  const tooLong = [url, username, password].some((text) => text.length > WORD_CHARS_MAX)
  if (kind === undefined || tooLong || commandKey.length > KEY_CHARS_MAX) return err(9003)
  if (!/^(?:https?|tftp):/i.test(url)) return err(url.includes('://') ? 9013 : 9003)
  // Credentials have arguments of their own [TR-069 §7].
  if (transferUrl(url) === undefined || /^[a-z]+:\/\/[^/]*@/i.test(url)) return err(9003)
  if (kind === 'firmware' && !parameterYes(agent, 'Upgrade_Enable')) return err(9001)
  const { transfers, nextTransferId: id } = agent.flash.tr069
  if (transfers.length >= TRANSFERS_MAX) return err(9004)
  const words = { commandKey, url, username, password, faultText: '' }
  const times = { notBefore: undefined, startedAt: undefined, endedAt: undefined }
  const queued: Transfer = {
    id,
    kind,
    state: 'waiting',
    ...words,
    ...times,
    fileSize,
    delaySeconds,
    load: undefined,
    faultCode: 0,
  }
  return ok(withMemory(agent, { transfers: [...transfers, queued], nextTransferId: id + 1 }))
}

/** The digits decide, the words after them are prose; a custom CA has no number of its own [TR-069 §7]. */
function kindOf(fileType: string): TransferKind | undefined {
  if (/^\s*1(?:\s|$)/.test(fileType)) return 'firmware'
  if (/^\s*3(?:\s|$)/.test(fileType)) return 'profile'
  return /custom ?ca/i.test(fileType) ? 'custom-ca' : undefined
}

/** @returns the transfer that may begin now, if any; called only while nothing else is under way */
export function dueTransfer(agent: Agent, now: Millis): Transfer | undefined {
  if (!isTr069On(agent)) return undefined
  return agent.flash.tr069.transfers.find(
    ({ state, notBefore }) => state === 'waiting' && notBefore !== undefined && notBefore <= now,
  )
}

/** Begins the transfer that is due. */
export function startTransfer(agent: Agent, moment: Moment): Turn {
  const transfer = dueTransfer(agent, moment.now)
  const url = transfer === undefined ? undefined : transferUrl(transfer.url)
  if (transfer === undefined || url === undefined) return turnOf(agent)
  const begun = withTransfer(agent, transfer.id, { state: 'running', startedAt: moment.now })
  const data = { state: 'started', kind: transfer.kind }
  const told = turnOf(
    begun,
    ...tell(begun, 'tr069-transfer', `transfer of a ${transfer.kind} begins`, data, moment.now),
  )
  return andThen(told, (agent) => {
    const options = accountOf(transfer)
    if (transfer.kind === 'firmware') return upgradeForTransfer(agent, { id: transfer.id, url, options }, moment)
    const bytesMax = transfer.kind === 'profile' ? PROFILE_BYTES_MAX : CA_BYTES_MAX
    const progress = startDownload(agent, { purpose: 'transfer', url, options, bytesMax }, moment)
    const { end } = progress
    const turn = turnOf(progress.agent, ...progress.actions)
    return end === undefined ? turn : andThen(turn, (agent) => transferDownloadEnded(agent, end, moment))
  })
}

/** The file of a profile or a CA is there, or will not come. */
export function transferDownloadEnded(agent: Agent, end: DownloadEnd, moment: Moment): Turn {
  const transfer = agent.flash.tr069.transfers.find(({ state }) => state === 'running')
  if (transfer === undefined) return turnOf(agent)
  if (end.kind !== 'file') return transferEnded(agent, transfer.id, faultOfEnd(end), moment)
  const { body, contentEncoding } = end
  const plain = contentEncoding === undefined || contentEncoding === ''
  if (transfer.fileSize > 0 && plain && body.length !== transfer.fileSize) {
    return transferEnded(agent, transfer.id, { code: 9018, text: 'The file has another size than was said' }, moment)
  }
  return transfer.kind === 'custom-ca'
    ? takeCa(agent, transfer, body, moment)
    : takeProfile(agent, transfer, { body, contentEncoding }, moment)
}

/** A transfer is over; `fault` undefined: with success. Its report is owed from now on. */
export function transferEnded(agent: Agent, id: number, fault: TransferFault | undefined, moment: Moment): Turn {
  const { now } = moment
  const faultText = (fault?.text ?? '').slice(0, FAULT_TEXT_CHARS_MAX)
  const ended = withTransfer(agent, id, { state: 'ended', endedAt: now, faultCode: fault?.code ?? 0, faultText })
  const due = withCwmp(ended, { due: true })
  const text = fault === undefined ? 'transfer done' : `transfer failed: ${fault.code} ${faultText}`
  const data = { state: fault === undefined ? 'done' : 'failed', fault: fault?.code ?? 0 }
  return turnOf(due, ...tell(due, 'tr069-transfer', text, data, now))
}

/** A load is in flash: the phone reports it when it runs. */
export function transferInstalled(agent: Agent, id: number, load: string): Agent {
  return withTransfer(agent, id, { state: 'installed', load })
}

/** TransferComplete for one transfer [TR-069 §7]. */
export function reportBody(transfer: Transfer): CwmpBody {
  const { commandKey, faultCode: code, faultText: text, startedAt, endedAt } = transfer
  return {
    kind: 'TransferComplete',
    commandKey,
    fault: { code, text },
    startTime: startedAt,
    completeTime: endedAt,
  }
}

/** The ACS has answered a report: it is done with, or refused and then told again in a later session. */
export function reportAnswered(
  agent: Agent,
  id: number | undefined,
  answer: { readonly ok: true } | { readonly ok: false; readonly code: number },
  { now }: Moment,
): Turn {
  if (id === undefined) return turnOf(agent)
  const { refusedReports } = agent.ram.cwmp
  const others = refusedReports.filter((one) => one !== id)
  if (!answer.ok) {
    const refused = withCwmp(agent, { refusedReports: [...others, id] })
    const text = `the ACS refuses a report with fault ${answer.code}`
    return turnOf(refused, ...tell(refused, 'tr069-problem', text, { fault: answer.code }, now))
  }
  const transfers = agent.flash.tr069.transfers.filter((one) => one.id !== id)
  return turnOf(withCwmp(withMemory(agent, { transfers }), { refusedReports: others }))
}

function takeProfile(
  agent: Agent,
  transfer: Transfer,
  file: { readonly body: Uint8Array; readonly contentEncoding: string | undefined },
  moment: Moment,
): Turn {
  const { contentEncoding } = file
  const profile = readDownloadedProfile(agent, file.body, { options: NO_OPTIONS, contentEncoding })
  if (!profile.ok) return transferEnded(agent, transfer.id, { code: 9018, text: profile.error }, moment)
  const { agent: applied, changed, skippedCount } = applyToPhone(agent, profile.value)
  const text = `Profile of the ACS applied, ${changed.length} elements changed`
  const noted = noteProvisioning(applied, text, moment.now)
  const told = turnOf(noted, say(noted, 'profile-applied', text, { changedCount: changed.length, skippedCount }))
  return andThen(
    andThen(
      andThen(told, (agent) => transferEnded(agent, transfer.id, undefined, moment)),
      (agent) => configuredElsewhere(agent, changed, moment),
    ),
    (agent) => parametersChanged(agent, changed, 'Provisioning', moment),
  )
}

function takeCa(agent: Agent, transfer: Transfer, body: Uint8Array, moment: Moment): Turn {
  const installed = installCustomCa(agent, body, moment)
  if (installed === undefined) {
    const text = 'There is no certificate in the file'
    return transferEnded(agent, transfer.id, { code: 9018, text }, moment)
  }
  return andThen(installed, (agent) => transferEnded(agent, transfer.id, undefined, moment))
}

/** What must not be shown of a transfer: its password, and what in its URL is long enough to be a key. */
export function transferSecrets({ url, password }: Transfer): readonly string[] {
  const path = url.replace(/^[a-z]+:\/\/[^/]*/i, '')
  const words = path.split(/[/?&=]/).filter((word) => word.length >= TOKEN_CHARS_MIN)
  // A file that is only fetched is known by its name.
  return [password, ...words.filter((word) => !/\.[a-z]{2,5}$/i.test(word))]
}

/** No other account of the phone is shown to a server that only the ACS has named. */
function accountOf({ username, password }: Transfer): RuleOptions {
  return { ...NO_OPTIONS, uid: username, pwd: password }
}

function transferUrl(text: string): Url | undefined {
  const parsed = parseUrl(text)
  return parsed.ok && parsed.value.host !== undefined && parsed.value.scheme !== 'gds' ? parsed.value : undefined
}

function withTransfer(agent: Agent, id: number, change: Partial<Transfer>): Agent {
  const { transfers } = agent.flash.tr069
  return withMemory(agent, { transfers: transfers.map((one) => (one.id === id ? { ...one, ...change } : one)) })
}
