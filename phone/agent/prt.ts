/**
 * The problem report tool: status and configuration without secrets in an archive, sent as a form to PRT_Upload_Rule.
 * Source: MPP §12.3, §8 (prt-gen).
 */
import type { Millis } from '../../protocol/result.ts'
import { expandMacros, NO_OPTIONS, parseUrl, resolveUrl } from '../../protocol/rule/mod.ts'
import { exportProfile } from '../../protocol/profile/mod.ts'
import { randomHex } from './chance.ts'
import { learnedServer } from './dhcp.ts'
import { type DownloadEnd, type DownloadOrder, startDownload } from './download.ts'
import { exportWithoutSecrets } from './hidden.ts'
import { type LocalTime, localTime } from './local-time.ts'
import { macroLookup } from './macros.ts'
import { say } from './mask.ts'
import { parameterText } from './parameters.ts'
import { type ArchiveFile, packArchive, packForm } from './prt-archive.ts'
import { statusReport } from './status-report.ts'
import { clearTimers, setTimer } from './timers.ts'
import { andThen, type Moment, type Turn, turnOf, withRam } from './turn.ts'
import type { Agent } from './types.ts'

/** What a NOTIFY `prt-gen` gives as description (MPP §8). */
export const REMOTE_DESCRIPTION = 'Remote PRT Trigger'
const PERIODIC_DESCRIPTION = 'Periodic PRT'

/** The answer to an upload is not read. */
const ANSWER_BYTES_MAX = 64 * 1024
const BOUNDARY_BYTES = 12
const MINUTES_MIN = 15
const MINUTES_MAX = 1440

/** Has a problem report sent as soon as the phone has time for it; one that waits already is replaced. */
export function wantProblemReport(agent: Agent, description: string): Turn {
  if (parameterText(agent, 'PRT_Upload_Rule').trim() === '') {
    // MPP §12.3: what the display says with an empty rule.
    return turnOf(agent, say(agent, 'problem-report-failed', 'Report problem: PRT_Upload_Rule is empty'))
  }
  return turnOf(withRam(agent, { problemReport: description }))
}

/** Sets the alarm of automatic problem reports, or takes a running one back (PRT_Max_Timer). */
export function armProblemReportTimer(agent: Agent, { now }: Moment): Agent {
  const text = parameterText(agent, 'PRT_Max_Timer').trim()
  const minutes = Number(text)
  const valid = /^[0-9]{1,4}$/.test(text) && minutes >= MINUTES_MIN && minutes <= MINUTES_MAX
  return valid ? setTimer(agent, 'problem-report', now + minutes * 60_000) : clearTimers(agent, 'problem-report')
}

/** The alarm of PRT_Max_Timer has rung. */
export function problemReportDue(agent: Agent, moment: Moment): Turn {
  return wantProblemReport(armProblemReportTimer(agent, moment), PERIODIC_DESCRIPTION)
}

/** Uploads the problem report that waits. */
export function sendProblemReport(agent: Agent, moment: Moment): Turn {
  const { problemReport: description } = agent.ram
  if (description === undefined) return turnOf(agent)
  const taken = withRam(agent, { problemReport: undefined })
  const lookup = macroLookup(agent, moment.now)
  const parsed = parseUrl(expandMacros(parameterText(agent, 'PRT_Upload_Rule').trim(), lookup).text)
  const url = parsed.ok ? resolveUrl(parsed.value, learnedServer(agent)) : parsed
  if (!url.ok || !/^https?$/.test(url.value.scheme)) {
    return turnOf(taken, say(taken, 'problem-report-failed', 'Error: 109, PRT_Upload_Rule is no URL to upload to'))
  }
  const order: DownloadOrder = {
    purpose: 'problem-report',
    url: url.value,
    options: NO_OPTIONS,
    bytesMax: ANSWER_BYTES_MAX,
    method: parameterText(agent, 'PRT_Upload_Method').trim() === 'PUT' ? 'PUT' : 'POST',
    ...formOf(agent, description, moment),
  }
  const progress = startDownload(taken, order, moment)
  const { end } = progress
  const turn = turnOf(progress.agent, ...progress.actions)
  return end === undefined ? turn : andThen(turn, (agent) => problemReportEnded(agent, end))
}

/** The upload has ended, well or not; there is no retry. */
export function problemReportEnded(agent: Agent, end: DownloadEnd): Turn {
  if (end.kind === 'file') return turnOf(agent, say(agent, 'problem-report-sent', 'Problem report sent'))
  const text = `Problem report failed: ${end.detail}`
  return turnOf(agent, say(agent, 'problem-report-failed', text, { detail: end.detail }))
}

function formOf(
  agent: Agent,
  description: string,
  { now, rng }: Moment,
): Required<Pick<DownloadOrder, 'body' | 'bodyHeaders'>> {
  const { mac, serial } = agent.hardware
  const fields = {
    devicename: `SEP${mac.toUpperCase()}`,
    serialno: serial,
    username: parameterText(agent, 'Station_Display_Name') || parameterText(agent, 'User_ID_1_'),
  }
  const file = {
    field: 'prt_file',
    name: archiveName(agent, now),
    bytes: packArchive(filesOf(agent, description, now), now),
  }
  const { contentType, body } = packForm(fields, file, `----prt${randomHex(BOUNDARY_BYTES, rng)}`)
  const header = parameterText(agent, 'PRT_HTTP_Header').trim()
  const extra = /^[A-Za-z0-9_-]+$/.test(header) ? [[header, headerValue(agent)] as const] : []
  return { body, bodyHeaders: [['Content-Type', contentType], ...extra] }
}

/** A header line takes visible ASCII only (RFC 9110 §5.5). */
function headerValue(agent: Agent): string {
  return parameterText(agent, 'PRT_HTTP_Header_Value')
    .replace(/[^\u0020-\u007e]+/g, ' ')
    .trim()
}

function filesOf(agent: Agent, description: string, now: Millis): readonly ArchiveFile[] {
  return [
    { name: 'description.txt', text: `${description}\n` },
    { name: 'status.xml', text: statusReport(agent, now) },
    { name: 'cfg.xml', text: exportWithoutSecrets(exportProfile(agent.flash.parameters, agent.hardware.productName)) },
  ]
}

/** `probrep-YYYYMMDD-HHMMSS.tar.gz`, or what PRT_Name says. */
function archiveName(agent: Agent, now: Millis): string {
  const pattern = parameterText(agent, 'PRT_Name').trim()
  const expanded = expandMacros(pattern, macroLookup(agent, now)).text.replace(/[^A-Za-z0-9._-]+/g, '_')
  if (expanded === '') return `probrep-${stamp(localTime(agent, now))}.tar.gz`
  return expanded.endsWith('.tar.gz') ? expanded : `${expanded}.tar.gz`
}

function stamp({ year, month, day, hour, minute, second }: LocalTime): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${year}${two(month)}${two(day)}-${two(hour)}${two(minute)}${two(second)}`
}
