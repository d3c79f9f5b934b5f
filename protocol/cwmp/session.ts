import type { Role } from './faults.ts'
import type { CwmpBody, CwmpMessage } from './types.ts'

/**
 * How far a session is, seen the same from both sides [TR-069 §1]. `acsAnswers…`: the ACS has a message to answer;
 * `acsTurn…`: the ACS may ask, or end; `mayEnd`: the ACS had nothing more, but the device may still ask.
 */
export type SessionStage =
  | 'start'
  | 'acsAnswersInform'
  | 'cpeTurn'
  | 'acsAnswersRequest'
  | 'acsTurnAfterEmpty'
  | 'acsTurnAfterAnswer'
  | 'cpeAnswers'
  | 'mayEnd'
  | 'done'
  | 'failed'

/** What is sent: `retry` is the fault 8005, `empty` an HTTP message without a body. */
export type SessionMessage = 'inform' | 'informResponse' | 'request' | 'response' | 'fault' | 'retry' | 'empty'

/** A message, or the loss of the session: `close` is its peaceful end by the device. */
export type SessionEvent =
  | { readonly kind: 'message'; readonly from: Role; readonly message: SessionMessage; readonly hold?: boolean }
  | { readonly kind: 'close' }
  | { readonly kind: 'failure' }

/** A session's state; `hold`: the ACS wants no requests of the device now [TR-069 §3.2]. */
export interface SessionState {
  readonly stage: SessionStage
  readonly hold: boolean
}

/** Before the Inform. */
export const SESSION_START: SessionState = { stage: 'start', hold: false }

/** One row of the order of messages. */
export interface SessionRow {
  readonly stage: SessionStage
  readonly from: Role
  readonly message: SessionMessage
  readonly next: SessionStage
}

function row(stage: SessionStage, from: Role, message: SessionMessage, next: SessionStage): SessionRow {
  return { stage, from, message, next }
}

/** All that may be sent; what is not here breaks the order [TR-069 §1.1, §1.2]. */
export const SESSION_ORDER: readonly SessionRow[] = [
  row('start', 'CPE', 'inform', 'acsAnswersInform'),
  row('acsAnswersInform', 'ACS', 'informResponse', 'cpeTurn'),
  row('acsAnswersInform', 'ACS', 'retry', 'start'),
  row('acsAnswersInform', 'ACS', 'fault', 'failed'),
  row('cpeTurn', 'CPE', 'request', 'acsAnswersRequest'),
  row('cpeTurn', 'CPE', 'empty', 'acsTurnAfterEmpty'),
  row('acsAnswersRequest', 'ACS', 'response', 'cpeTurn'),
  row('acsAnswersRequest', 'ACS', 'fault', 'cpeTurn'),
  row('acsAnswersRequest', 'ACS', 'retry', 'cpeTurn'),
  row('acsTurnAfterEmpty', 'ACS', 'request', 'cpeAnswers'),
  row('acsTurnAfterEmpty', 'ACS', 'empty', 'done'),
  row('cpeAnswers', 'CPE', 'response', 'acsTurnAfterAnswer'),
  row('cpeAnswers', 'CPE', 'fault', 'acsTurnAfterAnswer'),
  row('acsTurnAfterAnswer', 'ACS', 'request', 'cpeAnswers'),
  row('acsTurnAfterAnswer', 'ACS', 'empty', 'mayEnd'),
  row('mayEnd', 'CPE', 'request', 'acsAnswersRequest'),
  row('mayEnd', 'CPE', 'empty', 'acsTurnAfterEmpty'),
]

/** The state after an event; undefined: it is not allowed here. */
export function nextSession(state: SessionState, event: SessionEvent): SessionState | undefined {
  if (state.stage === 'done' || state.stage === 'failed') return undefined
  if (event.kind === 'failure') return { stage: 'failed', hold: false }
  if (event.kind === 'close') return state.stage === 'mayEnd' ? { stage: 'done', hold: false } : undefined
  const { from, message } = event
  if (state.hold && from === 'CPE' && message === 'request') return undefined
  const found = SESSION_ORDER.find((one) => one.stage === state.stage && one.from === from && one.message === message)
  if (found === undefined) return undefined
  // Absent is as good as false, and an empty message has no headers.
  return { stage: found.next, hold: from === 'ACS' ? event.hold === true : state.hold }
}

/** What a message is to the order; undefined: an HTTP message without a body. */
export function sessionEventOf(message: CwmpMessage | undefined, from: Role): SessionEvent {
  if (message === undefined) return { kind: 'message', from, message: 'empty' }
  const hold = message.headers.holdRequests
  return {
    kind: 'message',
    from,
    message: sessionMessageOf(message.body, from),
    ...(hold === undefined ? {} : { hold }),
  }
}

function sessionMessageOf(body: CwmpBody, from: Role): SessionMessage {
  if (body.kind === 'Inform') return 'inform'
  if (body.kind === 'InformResponse') return 'informResponse'
  if (body.kind === 'Fault') return body.code === 8005 && from === 'ACS' ? 'retry' : 'fault'
  return nameOf(body).endsWith('Response') ? 'response' : 'request'
}

function nameOf(body: CwmpBody): string {
  return body.kind === 'Unknown' ? body.name : body.kind
}

/** Whether `answer` is the response, or a fault, to `request`: by method, and by ID without white space [TR-069 §3.2]. */
export function answersRequest(request: CwmpMessage, answer: CwmpMessage): boolean {
  if ((request.id?.trim() ?? '') !== (answer.id?.trim() ?? '')) return false
  return answer.body.kind === 'Fault' || nameOf(answer.body) === `${nameOf(request.body)}Response`
}
