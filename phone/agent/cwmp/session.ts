/**
 * One session from the Inform to its end. The order of messages is the table of protocol/cwmp; here is what the phone
 * says at its turns, and what each outcome means for the events, the retry and the work that waits for the end.
 * Source: TR-069 §1.1, §1.3, §2, §5.1, §6.
 */
import {
  CWMP_NAMESPACE,
  type CwmpBody,
  type CwmpMessage,
  type CwmpUnknown,
  faultCodeOf,
  nextSession,
  readCwmp,
  SESSION_START,
  sessionEventOf,
  type SessionMessage,
  writeCwmp,
} from '../../../protocol/cwmp/mod.ts'
import { FORCED_INFORM } from '../../../protocol/data-model/mod.ts'
import { utf8Bytes } from '../../../protocol/bytes.ts'
import { hostAllowed } from '../restricted.ts'
import { andThen, type Moment, type Turn, turnOf } from '../turn.ts'
import type { Agent, FetchOutcome } from '../types.ts'
import { refusal } from './answer.ts'
import { takeCookies } from './cookies.ts'
import { deviceId } from './device-values.ts'
import { eventsOwed, informDelivered, reportsOwed, withCwmp } from './events.ts'
import { acsRequest, authorized, nextNonceUse, redirected } from './exchange.ts'
import { readPaths } from './parameters.ts'
import { answerRequest } from './requests.ts'
import { sessionFailed, sessionSucceeded } from './session-end.ts'
import { acsInUse, acsTarget, configuredAcsUrl } from './settings.ts'
import { shortened, tell, trace } from './trace.ts'
import { reportAnswered, reportBody } from './transfers.ts'
import type { CwmpSession, Outgoing } from './types.ts'

/** Messages of one session; an ACS that asks for ever must not keep the phone from a reboot that waits. */
const MESSAGES_MAX = 2000
/** How often one message is sent again because the ACS asks for that [TR-069 §4.2, 8005]. */
const RESENDS_MAX = 3

const NOTHING = new Uint8Array(0)
/** Stands for a request whose arguments cannot be read. */
const UNREADABLE: CwmpUnknown = { kind: 'Unknown', name: 'unreadable' }

/** Begins a session with the Inform. Only to be called when none is open and an ACS is known. */
export function startSession(agent: Agent, moment: Moment): Turn {
  const acs = acsInUse(agent)
  const target = acs === undefined ? undefined : acsTarget(acs.url)
  const idle = withCwmp(agent, { due: false })
  if (acs === undefined || target === undefined) {
    return turnOf(idle, ...tell(agent, 'tr069-problem', 'The URL of the ACS cannot be used', {}, moment.now))
  }
  const events = eventsOwed(agent)
  const { changed, observed } = agent.flash.tr069
  const session: CwmpSession = {
    startedAt: moment.now,
    url: acs.url,
    bootstrapUrl: configuredAcsUrl(agent) ?? acs.url,
    account: { username: acs.username, password: acs.password },
    backup: acs.backup,
    target,
    order: SESSION_START,
    exchangeId: 0,
    outgoing: { message: 'inform', name: 'Inform', body: NOTHING, transferId: undefined },
    messageCount: 0,
    resendCount: 0,
    redirectCount: 0,
    authTries: 0,
    authorization: undefined,
    cookies: {},
    events,
    told: Object.fromEntries(changed.map((path) => [path, observed[path] ?? ''])),
    informed: false,
    announced: reportsOwed(agent).map(({ id }) => id),
    reported: [],
    nextMessageId: 1,
  }
  // [TR-069 §5.1]: a connection request is never told twice, whatever becomes of the session.
  const taken = withCwmp(idle, { connectionRequested: false })
  const codes = events.map(({ code }) => code).join(', ')
  const { host, port, scheme } = target
  const text = `session with ${scheme}://${host}:${port} begins: ${codes}`
  const told = tell(agent, 'tr069-session', text, { state: 'started', events: codes, backup: acs.backup }, moment.now)
  return andThen(turnOf(taken, ...told), (agent) => request(agent, session, inform(agent, session, moment), moment))
}

/** The exchange in flight has ended. Never throws for what the ACS sent. */
export function sessionAnswered(agent: Agent, outcome: FetchOutcome, moment: Moment): Turn {
  const { session } = agent.ram.cwmp
  if (session === undefined) return turnOf(agent)
  if (outcome.kind !== 'response') {
    const why = outcome.kind === 'failed' ? `${outcome.reason}: ${outcome.detail}` : 'no answer by HTTP'
    return sessionFailed(agent, session, why, moment)
  }
  const { status, headers, body } = outcome
  const cookies = takeCookies(session.cookies, headers.get('set-cookie'), session.target.scheme)
  const seen: CwmpSession = { ...session, cookies }
  if (status === 401) return resend(agent, authorized(seen, headers.get('www-authenticate')), 'HTTP 401', moment)
  if (status === 302 || status === 307) {
    return resend(agent, redirected(seen, headers.get('location')), 'a redirect that cannot be followed', moment)
  }
  // A fault may come with 500 [TR-069 §2.1]; a page of the web server is no envelope.
  const readable = (status >= 200 && status < 300) || (status === 500 && body.length > 0)
  if (!readable) return sessionFailed(agent, seen, `HTTP ${status}`, moment)
  const settled = { ...seen, authTries: 0 }
  if (status === 204 || body.length === 0) return received(agent, settled, undefined, moment)
  const message = readCwmp(body, charsetOf(headers.get('content-type')))
  if (message.ok) return received(agent, settled, message.value, moment)
  const { code, id, namespace } = message.error
  // A request with an argument that cannot be read is a request all the same, and gets its fault [TR-069 §4.3].
  if (code !== 'bad-argument' || !settled.order.stage.startsWith('acsTurn')) {
    return sessionFailed(agent, seen, `an answer that is ${code}`, moment)
  }
  return received(agent, settled, { id, namespace, headers: {}, body: UNREADABLE }, moment)
}

/** Sends the message in flight once more: after a challenge, to a new address, or because the ACS asks for it. */
function resend(agent: Agent, session: CwmpSession | undefined, failure: string, moment: Moment): Turn {
  const before = agent.ram.cwmp.session
  if (session !== undefined) return post(agent, session, moment)
  return before === undefined ? turnOf(agent) : sessionFailed(agent, before, failure, moment)
}

function received(agent: Agent, session: CwmpSession, message: CwmpMessage | undefined, moment: Moment): Turn {
  const { order: before } = session
  const order = nextSession(before, sessionEventOf(message, 'ACS'))
  const name = message === undefined ? 'empty' : shortened(nameOf(message.body))
  if (order === undefined) return sessionFailed(agent, session, `${name} at the wrong time`, moment)
  const told = turnOf(agent, ...trace(agent, `< ${name}`, moment.now))
  const next = { ...session, order }
  return andThen(told, (agent) => {
    switch (before.stage) {
      case 'acsAnswersInform':
        return informAnswered(agent, next, message, moment)
      case 'acsAnswersRequest':
        return requestAnswered(agent, next, message, moment)
      default:
        return message === undefined ? acsIsDone(agent, next, moment) : asked(agent, next, message, moment)
    }
  })
}

function informAnswered(agent: Agent, session: CwmpSession, message: CwmpMessage | undefined, moment: Moment): Turn {
  const body = message?.body
  if (body?.kind === 'Fault') {
    const again = isRetry(body) && session.resendCount < RESENDS_MAX
    if (!again) return sessionFailed(agent, session, `fault ${faultCodeOf(body, 'ACS')} to Inform`, moment)
    return sendAgain(agent, session, moment)
  }
  const delivered = informDelivered(agent, session)
  return ownTurn(delivered, { ...session, informed: true, resendCount: 0 }, moment)
}

function requestAnswered(agent: Agent, session: CwmpSession, message: CwmpMessage | undefined, moment: Moment): Turn {
  const body = message?.body
  const { transferId } = session.outgoing
  if (body?.kind === 'Fault') {
    if (isRetry(body) && session.resendCount < RESENDS_MAX) return sendAgain(agent, session, moment)
    const code = faultCodeOf(body, 'ACS')
    const refused = reportAnswered(agent, transferId, { ok: false, code }, moment)
    return andThen(refused, (agent) => ownTurn(agent, session, moment))
  }
  if (body?.kind !== 'TransferCompleteResponse') {
    return sessionFailed(agent, session, 'another response than the one to TransferComplete', moment)
  }
  return andThen(reportAnswered(agent, transferId, { ok: true }, moment), (agent) => ownTurn(agent, session, moment))
}

/** The phone may ask: it reports what it has to report, then says that it has nothing more [TR-069 §1.1]. */
function ownTurn(agent: Agent, session: CwmpSession, moment: Moment): Turn {
  const report = session.order.hold ? undefined : nextReport(agent, session)
  if (report === undefined) return empty(agent, session, moment)
  const reporting = { ...session, resendCount: 0, reported: [...session.reported, report.id] }
  const { message, outgoing } = written(agent, session, 'request', reportBody(report), report.id)
  return request(agent, reporting, { message, outgoing }, moment)
}

/** Only what the Inform has announced, so that its events and the reports go together. */
function nextReport(agent: Agent, session: CwmpSession): ReturnType<typeof reportsOwed>[number] | undefined {
  const { announced, reported } = session
  return reportsOwed(agent).find(({ id }) => announced.includes(id) && !reported.includes(id))
}

/** The ACS has sent an empty answer: the end, unless the phone was held back and still has something to say. */
function acsIsDone(agent: Agent, session: CwmpSession, moment: Moment): Turn {
  if (session.order.stage === 'mayEnd' && nextReport(agent, session) !== undefined)
    return ownTurn(agent, session, moment)
  return sessionSucceeded(agent, session, moment)
}

function asked(agent: Agent, session: CwmpSession, message: CwmpMessage, moment: Moment): Turn {
  const answer = message.body === UNREADABLE ? refusal(agent, 9003) : answerRequest(agent, message.body, moment)
  const kind = answer.body.kind === 'Fault' ? 'fault' : 'response'
  // The answer speaks as the question did: the same ID, or none, and the same URN [TR-069 §3.2, §3.3].
  const text = writeCwmp({ id: message.id, namespace: message.namespace, headers: {}, body: answer.body })
  const outgoing = { message: kind, name: nameOf(answer.body), body: utf8Bytes(text), transferId: undefined } as const
  const fault = answer.body.kind === 'Fault' ? (answer.body.code ?? 9002) : null
  const name = shortened(nameOf(message.body))
  const told = tell(agent, 'tr069-request', `${name} ${fault ?? 'done'}`, { method: name, fault }, moment.now)
  const turn: Turn = { agent: answer.agent, actions: [...told, ...answer.actions] }
  return andThen(turn, (agent) => request(agent, { ...session, resendCount: 0 }, { message: kind, outgoing }, moment))
}

interface Saying {
  readonly message: SessionMessage
  readonly outgoing: Outgoing
}

/** Sends a new message of the phone, if the order allows it. */
function request(agent: Agent, session: CwmpSession, { message, outgoing }: Saying, moment: Moment): Turn {
  const order = nextSession(session.order, { kind: 'message', from: 'CPE', message })
  if (order === undefined) return sessionFailed(agent, session, `no turn for ${outgoing.name}`, moment)
  const { nextMessageId } = session
  return post(agent, { ...session, order, outgoing, authTries: 0, nextMessageId: nextMessageId + 1 }, moment)
}

function empty(agent: Agent, session: CwmpSession, moment: Moment): Turn {
  const outgoing = { message: 'empty', name: 'empty', body: NOTHING, transferId: undefined } as const
  return request(agent, session, { message: 'empty', outgoing }, moment)
}

/** [TR-069 §4.2]: 8005 asks for the same request in the same session. */
function sendAgain(agent: Agent, session: CwmpSession, moment: Moment): Turn {
  const { outgoing, resendCount } = session
  return request(agent, { ...session, resendCount: resendCount + 1 }, { message: outgoing.message, outgoing }, moment)
}

function post(agent: Agent, session: CwmpSession, moment: Moment): Turn {
  if (session.messageCount >= MESSAGES_MAX) return sessionFailed(agent, session, 'too many messages', moment)
  if (!hostAllowed(agent, session.target.host)) {
    return sessionFailed(agent, session, 'Restricted_Access_Domains does not allow the ACS', moment)
  }
  const id = agent.ram.nextId
  const sent = nextNonceUse({ ...session, exchangeId: id, messageCount: session.messageCount + 1 })
  const sending = { ...withCwmp(agent, { session: sent }) }
  const counted = { ...sending, ram: { ...sending.ram, nextId: id + 1 } }
  return turnOf(counted, ...trace(counted, `> ${sent.outgoing.name}`, moment.now), {
    kind: 'fetch',
    id,
    request: acsRequest(counted, sent, moment),
  })
}

function inform(agent: Agent, session: CwmpSession, moment: Moment): Saying {
  const paths = [...new Set([...FORCED_INFORM, ...Object.keys(session.told)])]
  const body: CwmpBody = {
    kind: 'Inform',
    deviceId: deviceId(agent),
    events: session.events,
    maxEnvelopes: 1,
    currentTime: moment.now,
    retryCount: agent.ram.cwmp.failureCount,
    parameters: readPaths(agent, paths, moment),
  }
  return written(agent, session, 'inform', body, undefined)
}

function written(
  agent: Agent,
  session: CwmpSession,
  message: SessionMessage,
  body: CwmpBody,
  transferId: number | undefined,
): Saying {
  const namespace = agent.policies.cwmp.version === '1.0' ? 'urn:dslforum-org:cwmp-1-0' : CWMP_NAMESPACE
  const text = writeCwmp({ id: String(session.nextMessageId), namespace, headers: {}, body })
  return { message, outgoing: { message, name: nameOf(body), body: utf8Bytes(text), transferId } }
}

function isRetry(body: Extract<CwmpBody, { kind: 'Fault' }>): boolean {
  return body.code === 8005
}

function nameOf(body: CwmpBody): string {
  return body.kind === 'Unknown' ? body.name : body.kind
}

function charsetOf(contentType: string | undefined): string | undefined {
  return /charset\s*=\s*"?([\w-]+)/i.exec(contentType ?? '')?.[1]
}

/** Whether the answer to an exchange belongs to the session. */
export function isOfSession(agent: Agent, id: number): boolean {
  return agent.ram.cwmp.session?.exchangeId === id
}
