/**
 * One request at the phone's web server: find the page, find out who asks, answer. Source: MPP §7; RFC 9110 §15.
 */
import { parseActionUrl, splitAccountSuffix } from '../../../protocol/http/mod.ts'
import { exportProfile } from '../../../protocol/profile/mod.ts'
import { assertNever } from '../../../protocol/result.ts'
import type { Millis, Rng } from '../../../protocol/result.ts'
import { randomHex } from '../chance.ts'
import { parameterYes } from '../parameters.ts'
import type { Agent, WebRequest, WebResponse } from '../types.ts'
import { answerCommand, answerPing, answerUpload } from './commands.ts'
import type { CommandAnswer } from './commands.ts'
import { answerExecute, trustsExecute } from './execute.ts'
import { comesFromElsewhere, isOwnName, readForm } from './form.ts'
import type { SubmittedForm } from './form.ts'
import { exportWithoutSecrets } from '../hidden.ts'
import { INFO_TAB, showPage } from './page.ts'
import { respond, sentence, STYLE, xmlDocument } from './response.ts'
import { insistOnPassword, mustSetPassword } from './set-password.ts'
import { signIn } from './sign-in.ts'
import type { SignIn } from './sign-in.ts'
import { withWeb } from './state.ts'
import type { Account, WebAnswer } from './state.ts'
import { statusXml } from './status.ts'
import { submitForm } from './submit.ts'

/** Longest request target: a rule of 4096 characters with room around it. */
export const TARGET_CHARS_MAX = 8192
/** Longest body; a profile has at most 1 MiB (MPP §1.1). */
export const BODY_BYTES_MAX = 1_048_576

type Route =
  | { readonly kind: 'style' }
  | { readonly kind: 'page'; readonly account: Account; readonly tab: string }
  | { readonly kind: 'status' | 'export'; readonly account: Account }
  | { readonly kind: 'command' | 'upload' | 'ping' | 'execute'; readonly account: 'admin' }

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/phone.css', { kind: 'style' }],
  ['/', { kind: 'page', account: 'user', tab: INFO_TAB }],
  ['/admin', { kind: 'page', account: 'admin', tab: INFO_TAB }],
  ['/admin/', { kind: 'page', account: 'admin', tab: INFO_TAB }],
  ['/admin/advanced', { kind: 'page', account: 'admin', tab: 'System' }],
  ['/status.xml', { kind: 'status', account: 'user' }],
  ['/admin/status.xml', { kind: 'status', account: 'admin' }],
  ['/cfg.xml', { kind: 'export', account: 'user' }],
  ['/admin/cfg.xml', { kind: 'export', account: 'admin' }],
  ['/admin/config.xml', { kind: 'upload', account: 'admin' }],
  ['/admin/resync', { kind: 'command', account: 'admin' }],
  ['/admin/upgrade', { kind: 'command', account: 'admin' }],
  ['/admin/reboot', { kind: 'command', account: 'admin' }],
  ['/admin/factory-reset', { kind: 'command', account: 'admin' }],
  ['/admin/ping', { kind: 'ping', account: 'admin' }],
  ['/CGI/Execute', { kind: 'execute', account: 'admin' }],
])

/**
 * Answers one request. Never throws for what was sent.
 * @param rng  source of nonces and form tokens; whoever can predict it can forge them
 * @returns the next agent (its web state, and its parameters after a form), the response, and work for the core
 */
export function answerWeb(agent: Agent, request: WebRequest, now: Millis, rng: Rng): WebAnswer {
  const simple = refusal(agent, request)
  if (simple !== undefined) return { agent, response: simple, commands: [] }
  const { path, query } = splitTarget(request.target)
  const route = ROUTES.get(path)
  // A hidden admin area looks like one that is not there (MPP §7.2).
  const hidden = path.startsWith('/admin') && !parameterYes(agent, 'Enable_Web_Admin_Access')
  if (route === undefined || hidden)
    return { agent, response: sentence(404, 'Not found', 'There is no such page.'), commands: [] }
  const wrongMethod = methodRefusal(route, request)
  if (wrongMethod !== undefined) return { agent, response: wrongMethod, commands: [] }
  if (route.kind === 'style') return { agent, response: respond(200, 'text/css', STYLE), commands: [] }
  const suffix = splitAccountSuffix(request.target).account
  const ready = withFormTokens(agent, rng)
  const entry: SignIn =
    route.kind === 'execute' && trustsExecute(agent)
      ? { kind: 'in', agent: ready }
      : signIn(ready, route.account, { request, suffix }, now, rng)
  if (entry.kind !== 'in') return { agent: entry.agent, response: notIn(entry, route.account), commands: [] }
  const answer = mustSetPassword(entry.agent)
    ? insistOnPassword(entry.agent, route.kind === 'page', request, now)
    : answerRoute(entry.agent, route, request, query, now)
  return withoutBodyForHead(request, answer)
}

function notIn(entry: Exclude<SignIn, { kind: 'in' }>, account: Account): WebResponse {
  if (entry.kind === 'challenge') {
    const text = `Sign in with the name and password of account ${account}.`
    return sentence(401, 'Sign in', text, [['WWW-Authenticate', entry.header]])
  }
  const seconds = Math.ceil(entry.waitMs / 1000)
  const text = `Too many wrong passwords came from your address. Try again in ${seconds} s.`
  return sentence(429, 'Wait', text, [['Retry-After', String(seconds)]])
}

function answerRoute(
  agent: Agent,
  route: Exclude<Route, { kind: 'style' }>,
  request: WebRequest,
  query: string,
  now: Millis,
): WebAnswer {
  switch (route.kind) {
    case 'page': {
      if (request.method === 'POST') return answerForm(agent, route.account, request, now)
      const tab = new URLSearchParams(query).get('tab') ?? route.tab
      return { agent, response: showPage(agent, { account: route.account, tab }, now), commands: [] }
    }
    case 'status':
      return { agent, response: xmlDocument(statusXml(agent, now)), commands: [] }
    case 'export': {
      const xml = exportProfile(agent.flash.parameters, agent.hardware.productName, route.account)
      return { agent, response: xmlDocument(exportWithoutSecrets(xml)), commands: [] }
    }
    case 'command':
      return { agent, ...commandOf(agent, request) }
    case 'upload':
      return { agent, ...answerUpload(agent, request) }
    case 'ping':
      return { agent, ...answerPing(agent, query) }
    case 'execute':
      return { agent, ...answerExecute(agent, request) }
    default:
      return assertNever(route)
  }
}

function commandOf(agent: Agent, request: WebRequest): CommandAnswer {
  const action = parseActionUrl(request.target)
  if (action === undefined) return { response: sentence(400, 'Refused', 'This command cannot be read.'), commands: [] }
  return answerCommand(agent, action, request.peerAddress)
}

function answerForm(agent: Agent, account: Account, request: WebRequest, now: Millis): WebAnswer {
  const form = readForm(agent, account, request)
  if (!form.ok) return { agent, response: sentence(form.error.status, 'Refused', form.error.text), commands: [] }
  return applyForm(agent, account, form.value, now)
}

function applyForm(agent: Agent, account: Account, form: SubmittedForm, now: Millis): WebAnswer {
  const { tab, values: typed } = form
  const submitted = submitForm(agent, account, form)
  if (!submitted.ok) {
    const view = { account, tab, typed, errors: submitted.error, status: 400, notice: 'Nothing was saved.' }
    return { agent, response: showPage(agent, view, now), commands: [] }
  }
  const { agent: next, changed, commands, reboots } = submitted.value
  const counted = changed.length === 0 ? 'Nothing was changed.' : `Saved: ${changed.join(', ')}.`
  const notice = reboots ? `${counted} The phone restarts and then resyncs.` : counted
  return { agent: next, response: showPage(next, { account, tab, notice }, now), commands }
}

/** What is refused before anyone is asked who they are. */
function refusal(agent: Agent, request: WebRequest): WebResponse | undefined {
  if (!parameterYes(agent, 'Enable_Web_Server'))
    return sentence(403, 'Refused', 'The web server of this phone is switched off.')
  if (request.target.length > TARGET_CHARS_MAX) return sentence(414, 'Refused', 'The address is too long.')
  if (request.body.length > BODY_BYTES_MAX) return sentence(413, 'Refused', 'The body is too large.')
  if (request.method === 'POST' && comesFromElsewhere(request)) {
    return sentence(403, 'Refused', 'This form came from another site. Open the page of the phone itself.')
  }
  if (request.method === 'POST' && !isOwnName(agent, request.headers.get('host'))) {
    return sentence(421, 'Refused', 'This is not a name of the phone. Open its page by its IP address.')
  }
  return undefined
}

const METHODS: Readonly<Record<Route['kind'], readonly string[]>> = {
  style: ['GET', 'HEAD'],
  page: ['GET', 'HEAD', 'POST'],
  status: ['GET', 'HEAD'],
  export: ['GET', 'HEAD'],
  // A HEAD of a curious client must not restart the phone.
  command: ['GET'],
  upload: ['POST'],
  ping: ['GET'],
  execute: ['POST'],
}

function methodRefusal(route: Route, request: WebRequest): WebResponse | undefined {
  const methods = METHODS[route.kind]
  if (methods.includes(request.method)) return undefined
  return sentence(405, 'Refused', `This address takes ${methods.join(', ')}.`, [['Allow', methods.join(', ')]])
}

/** The path decides; the account suffix may follow a path or a query (MPP §7.3). */
function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const local = splitAccountSuffix(target.replace(/^https?:\/\/[^/?#]*/i, '')).target
  const mark = local.indexOf('?')
  return mark < 0 ? { path: local, query: '' } : { path: local.slice(0, mark), query: local.slice(mark + 1) }
}

function withFormTokens(agent: Agent, rng: Rng): Agent {
  const { web } = agent.ram
  if (web.formTokens !== undefined) return agent
  return withWeb(agent, { ...web, formTokens: { admin: randomHex(16, rng), user: randomHex(16, rng) } })
}

function withoutBodyForHead(request: WebRequest, answer: WebAnswer): WebAnswer {
  return request.method === 'HEAD' ? { ...answer, response: { ...answer.response, body: '' } } : answer
}
