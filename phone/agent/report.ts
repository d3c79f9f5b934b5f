/**
 * Reports to the server: the whole configuration, what changed since the last report, or the status.
 * Source: MPP §12.2, §2.3, §1.8.
 */
import { utf8Bytes } from '../../protocol/bytes.ts'
import { ikmFromText, SALT_BYTES, sealAes128gcm, sealSalted } from '../../protocol/envelope/mod.ts'
import { catalogue, exportProfile, storedParameter, writeProfile } from '../../protocol/profile/mod.ts'
import { evaluateReportRule, resolveUrl, type RuleOptions } from '../../protocol/rule/mod.ts'
import { randomBytes } from './chance.ts'
import { learnedServer } from './dhcp.ts'
import { type DownloadEnd, type DownloadOrder, startDownload } from './download.ts'
import { exportWithoutSecrets, holdsSecret } from './hidden.ts'
import { macroLookup } from './macros.ts'
import { say } from './mask.ts'
import { parameterText } from './parameters.ts'
import { statusReport } from './status-report.ts'
import { andThen, type Moment, type Turn, turnOf, withFlash, withRam } from './turn.ts'
import type { Agent, Download } from './types.ts'

/** The answer to an upload is not read. */
const ANSWER_BYTES_MAX = 64 * 1024
/** RFC 8188 §2.1: the salt of the content coding. */
const CODING_SALT_BYTES = 16

/** Queues the uploads of Report_Rule; those that wait already are replaced. One attempt each, no retry. */
export function wantReport(agent: Agent, { now }: Moment): Turn {
  const rule = parameterText(agent, 'Report_Rule')
  if (rule.trim() === '') return turnOf(agent)
  const { items, problems } = evaluateReportRule(rule, macroLookup(agent, now), agent.policies.rule)
  if (items.length === 0 && problems.length > 0) {
    return turnOf(agent, say(agent, 'report-failed', 'Report_Rule cannot be read', { rule }))
  }
  const current = agent.ram.download?.purpose === 'report' ? agent.ram.reports.slice(0, 1) : []
  return turnOf(withRam(agent, { reports: [...current, ...items] }))
}

/** Uploads the first report that waits. */
export function sendNextReport(agent: Agent, moment: Moment): Turn {
  const [item] = agent.ram.reports
  if (item === undefined) return turnOf(agent)
  const url = resolveUrl(item.url, learnedServer(agent))
  const order: DownloadOrder = {
    purpose: 'report',
    url: url.ok ? url.value : item.url,
    options: item.options,
    bytesMax: ANSWER_BYTES_MAX,
    method: item.url.scheme === 'tftp' || parameterText(agent, 'HTTP_Report_Method').trim() === 'PUT' ? 'PUT' : 'POST',
    ...reportBody(agent, item.options, moment),
  }
  const progress = startDownload(agent, order, moment)
  const { end } = progress
  const turn = turnOf(progress.agent, ...progress.actions)
  return end === undefined ? turn : andThen(turn, (agent) => reportEnded(agent, end, item.options))
}

/** An upload has ended, well or not; the next one follows. */
export function reportEnded(agent: Agent, end: DownloadEnd, options: RuleOptions): Turn {
  const rested = withRam(agent, { reports: agent.ram.reports.slice(1) })
  const kind = options.status ? 'status' : options.delta ? 'delta' : 'full'
  if (end.kind !== 'file') {
    return turnOf(rested, say(rested, 'report-failed', `Report failed: ${end.detail}`, { kind, detail: end.detail }))
  }
  // A status report holds no parameters, so it does not move the base line of --delta.
  const noted = options.status ? rested : withFlash(rested, { reported: reportable(rested), editsUnreported: false })
  return turnOf(noted, say(noted, 'report-sent', `Report sent (${kind})`, { kind }))
}

function reportBody(
  agent: Agent,
  options: RuleOptions,
  { now, rng }: Moment,
): { readonly body: Uint8Array; readonly bodyHeaders: Download['bodyHeaders'] } {
  const plain = utf8Bytes(reportText(agent, options, now))
  const ikm = parameterText(agent, 'IKM_HTTP_Encrypt_Content')
  if (options.key !== undefined) {
    const body = sealSalted(plain, options.key, randomBytes(SALT_BYTES, rng))
    return { body, bodyHeaders: [['Content-Type', 'application/octet-stream']] }
  }
  // MPP §2.3: reports are coded with the IKM when the rule has no --key. TFTP has no header to say so.
  if (ikm !== '') {
    const key = ikmFromText(ikm, agent.policies.ikmEncoding)
    const body = sealAes128gcm(plain, key, randomBytes(CODING_SALT_BYTES, rng))
    return {
      body,
      bodyHeaders: [
        ['Content-Type', 'application/octet-stream'],
        ['Content-Encoding', 'aes128gcm'],
      ],
    }
  }
  return { body: plain, bodyHeaders: [['Content-Type', 'text/xml']] }
}

function reportText(agent: Agent, options: RuleOptions, now: number): string {
  if (options.status) return statusReport(agent, now)
  return options.delta
    ? deltaReport(agent)
    : exportWithoutSecrets(exportProfile(agent.flash.parameters, agent.hardware.productName))
}

/** Parameters whose value is another one than in the last report; all that are not at their default if there was none. */
function deltaReport(agent: Agent): string {
  const before = agent.flash.reported ?? {}
  const after = reportable(agent)
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const elements = names
    .filter((name) => (before[name] ?? parameterDefault(name)) !== (after[name] ?? parameterText(agent, name)))
    // As in the whole report, a rule with a key in it stays at home.
    .filter((name) => !holdsSecret(parameterText(agent, name)))
    .sort((a, b) => catalogue.order(a) - catalogue.order(b))
    .map((name) => ({ name, value: parameterText(agent, name), form: 'text', preserveValue: false }) as const)
  return writeProfile({ elements })
}

/** Stored values that may leave the phone: no passwords, keys, secret registers (MPP §1.8, §5.1). */
function reportable(agent: Agent): Readonly<Record<string, string>> {
  const shown = [...agent.flash.parameters].filter(([element]) => {
    const parameter = catalogue.find(element)
    return parameter !== undefined && !parameter.secret && parameter.settableBy !== 'profile-only'
  })
  return Object.fromEntries(shown.map(([element, { value }]) => [element, value]))
}

function parameterDefault(element: string): string {
  return storedParameter(new Map(), element).value
}
