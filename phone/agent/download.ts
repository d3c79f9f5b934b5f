/**
 * One file from or to a server: over redirects, authentication and SRV targets to one end. The phone does one at a time.
 * Source: MPP §5.6 (results), §4.4 (--srv), §7.2 (restricted domains), §7.6, §11.
 */
import { assertNever } from '../../protocol/result.ts'
import { defaultPort, parseUrl, type RuleOptions, type Url } from '../../protocol/rule/mod.ts'
import { authenticate } from './authenticate.ts'
import type { FailureCause } from './cwmp/mod.ts'
import { printDownloadUrl, requestFor } from './http-request.ts'
import { say } from './mask.ts'
import { hostAllowed } from './restricted.ts'
import { orderSrv, srvName } from './srv.ts'
import { type Moment, withRam } from './turn.ts'
import type { Agent, AgentAction, Download, DownloadPurpose, FetchOutcome, SrvRecord } from './types.ts'

/** `$ERR` for everything that is neither a missing nor a corrupt file; the text that phones were seen to log (MPP §12.1). */
export const DOWNLOAD_FAILED = 'Download failed'
export const FILE_NOT_FOUND = 'File not found'

/** Text of servers and transports that is passed on to a watcher. */
const DETAIL_CHARS_MAX = 200

/** What a failure of the transport means to the ACS [TR-069 §4.1]. */
const CAUSES: Readonly<Record<Extract<FetchOutcome, { kind: 'failed' }>['reason'], FailureCause>> = {
  dns: 'unreachable',
  connect: 'unreachable',
  tls: 'unreachable',
  timeout: 'interrupted',
  broken: 'interrupted',
  'too-large': 'too-large',
  'bad-url': 'unreachable',
}

/** What to fetch or to send. */
export interface DownloadOrder {
  readonly purpose: DownloadPurpose
  readonly options: RuleOptions
  /** With its server resolved. */
  readonly url: Url
  readonly bytesMax: number
  readonly method?: Download['method']
  readonly body?: Uint8Array
  readonly bodyHeaders?: Download['bodyHeaders']
  readonly certificateName?: string
}

/** How a download ended. `error` is for `$ERR`, `detail` for whoever watches, `cause` for the ACS. */
export type DownloadEnd =
  | { readonly kind: 'file'; readonly body: Uint8Array; readonly contentEncoding: string | undefined }
  | { readonly kind: 'not-found'; readonly error: string; readonly detail: string }
  | { readonly kind: 'failed'; readonly error: string; readonly detail: string; readonly cause: FailureCause }

/** A step of a download; `end` is there with the last one. */
export interface Progress {
  readonly agent: Agent
  readonly actions: readonly AgentAction[]
  readonly end: DownloadEnd | undefined
}

/** Starts a download; it may end at once, for example at a host that is not allowed. */
export function startDownload(agent: Agent, order: DownloadOrder, moment: Moment): Progress {
  const { url } = order
  if (url.host === undefined) return failed(agent, 'no server is known for this URL')
  if (url.scheme === 'gds') return failed(agent, 'gds:// is no download')
  const download: Download = {
    id: agent.ram.nextId,
    purpose: order.purpose,
    options: order.options,
    url,
    host: url.host,
    port: url.port ?? defaultPort(url.scheme),
    redirects: 0,
    authAttempts: 0,
    authorization: undefined,
    proxyAuthorization: undefined,
    method: order.method ?? 'GET',
    body: order.body,
    bodyHeaders: order.bodyHeaders ?? [],
    bytesMax: order.bytesMax,
    certificateName: order.certificateName,
    targets: [],
    waitsFor: 'answer',
  }
  return order.options.srv ? askSrv(agent, download) : send(agent, download, moment)
}

/** Takes the answer of the exchange in flight. */
export function continueDownload(agent: Agent, outcome: FetchOutcome, moment: Moment): Progress {
  const { download } = agent.ram
  if (download === undefined) return { agent, actions: [], end: undefined }
  const seen = notePeer(agent, outcome)
  switch (outcome.kind) {
    case 'tftp-file':
      return file(seen, download, outcome.body, undefined)
    case 'tftp-error':
      // MPP §5.6: TFTP error 1 is the file-not-found class.
      return outcome.code === 1
        ? finish(seen, { kind: 'not-found', error: FILE_NOT_FOUND, detail: `TFTP error 1 ${outcome.message}` })
        : failed(seen, `TFTP error ${outcome.code} ${outcome.message}`)
    case 'failed':
      return nextTarget(seen, download, outcome, moment)
    case 'response':
      return response(seen, download, outcome, moment)
    default:
      return assertNever(outcome)
  }
}

/** Takes the answer to the SRV question of `--srv`. */
export function continueWithSrv(agent: Agent, records: readonly SrvRecord[], moment: Moment): Progress {
  const { download } = agent.ram
  if (download === undefined) return { agent, actions: [], end: undefined }
  const targets = orderSrv(records, agent.policies.srvWeight, moment.rng).map(({ host, port }) => ({ host, port }))
  // MPP §4.6: the certificate belongs to the name that was asked for, not to the target of the record.
  const asked = { ...download, certificateName: download.host, waitsFor: 'answer' as const, targets }
  return nextTarget(withRam(agent, { download: asked }), asked, undefined, moment)
}

function askSrv(agent: Agent, download: Download): Progress {
  const { scheme } = download.url
  if (scheme !== 'http' && scheme !== 'https') return failed(agent, 'TFTP Scheme not supported in SRV lookups')
  const waiting = withRam(agent, {
    download: { ...download, waitsFor: 'srv' },
    srvQueryId: download.id,
    nextId: download.id + 1,
  })
  return {
    agent: waiting,
    actions: [{ kind: 'resolve-srv', id: download.id, name: srvName(scheme, download.host) }],
    end: undefined,
  }
}

function send(agent: Agent, download: Download, { now }: Moment): Progress {
  if (!hostAllowed(agent, download.host))
    return failed(agent, `Restricted_Access_Domains does not allow ${download.host}`, 'not-allowed')
  const id = agent.ram.nextId
  const current: Download = { ...download, id }
  const sending = withRam(agent, { download: current, nextId: id + 1 })
  const url = printDownloadUrl(current)
  return {
    agent: sending,
    actions: [
      say(agent, 'fetch', `${current.method} ${url}`, { url, method: current.method, purpose: current.purpose }),
      { kind: 'fetch', id, request: requestFor(sending, current, now) },
    ],
    end: undefined,
  }
}

function response(
  agent: Agent,
  download: Download,
  answer: Extract<FetchOutcome, { kind: 'response' }>,
  moment: Moment,
): Progress {
  const { status, headers, body } = answer
  if (status >= 200 && status < 300) return file(agent, download, body, headers.get('content-encoding'))
  if (status === 301 || status === 302) return redirect(agent, download, headers.get('location'), moment)
  if (status === 404) return finish(agent, { kind: 'not-found', error: FILE_NOT_FOUND, detail: 'HTTP 404' })
  if (status === 401 || status === 407) {
    const proxy = status === 407
    const header = headers.get(proxy ? 'proxy-authenticate' : 'www-authenticate')
    const again = authenticate(agent, download, { proxy, header }, moment)
    return again === undefined ? failed(agent, `HTTP ${status}`, 'no-credentials') : send(agent, again, moment)
  }
  if (status === 403) return failed(agent, 'HTTP 403', 'no-credentials')
  return failed(agent, `HTTP ${status}`, status >= 500 ? 'cannot-serve' : 'refused')
}

/** MPP §5.6: followed at once and not remembered; a redirected POST stays a POST. */
function redirect(agent: Agent, download: Download, location: string | undefined, moment: Moment): Progress {
  if (download.redirects >= agent.policies.redirectsMax) return failed(agent, 'too many redirects')
  const base = printDownloadUrl(download)
  if (location === undefined || !URL.canParse(location, base))
    return failed(agent, 'a redirect without a usable Location')
  const target = new URL(location, base)
  const parsed = parseUrl(`${target.protocol}//${target.host}${target.pathname}${target.search}`)
  if (!parsed.ok || parsed.value.host === undefined || parsed.value.scheme === 'gds') {
    return failed(agent, 'a redirect to a URL that the phone cannot use')
  }
  const { value: url } = parsed
  const next: Download = {
    ...download,
    url,
    host: parsed.value.host,
    port: url.port ?? defaultPort(url.scheme),
    redirects: download.redirects + 1,
    // Another server gives its own challenge; credentials of the first are none of its business.
    authorization: undefined,
    proxyAuthorization: undefined,
    authAttempts: 0,
    certificateName: undefined,
    targets: [],
  }
  return send(agent, next, moment)
}

/** After a target that could not be reached: the next one of the SRV answer, else the end. */
function nextTarget(
  agent: Agent,
  download: Download,
  failure: Extract<FetchOutcome, { kind: 'failed' }> | undefined,
  moment: Moment,
): Progress {
  const [target, ...targets] = download.targets
  if (target === undefined) {
    if (failure === undefined) return failed(agent, 'no SRV record', 'unreachable')
    return failed(agent, `${failure.reason}: ${failure.detail}`, CAUSES[failure.reason])
  }
  return send(agent, { ...download, ...target, targets }, moment)
}

function file(agent: Agent, download: Download, body: Uint8Array, contentEncoding: string | undefined): Progress {
  if (body.length > download.bytesMax) {
    return failed(agent, `the file has more than ${download.bytesMax} bytes`, 'too-large')
  }
  return finish(agent, { kind: 'file', body, contentEncoding })
}

function failed(agent: Agent, detail: string, cause: FailureCause = 'refused'): Progress {
  return finish(agent, { kind: 'failed', error: DOWNLOAD_FAILED, detail: detail.slice(0, DETAIL_CHARS_MAX), cause })
}

function finish(agent: Agent, end: DownloadEnd): Progress {
  return { agent: withRam(agent, { download: undefined, srvQueryId: undefined }), actions: [], end }
}

/** `$SERVIP` is the address that answered (MPP §3.3). */
function notePeer(agent: Agent, outcome: FetchOutcome): Agent {
  const { inProgress } = agent.ram
  if (inProgress === undefined || outcome.kind === 'failed') return agent
  return withRam(agent, { inProgress: { ...inProgress, address: outcome.peerAddress } })
}
