/**
 * What the phone answers to SIP requests. Calls are simulated elsewhere, so only NOTIFY (MPP §8) has an effect.
 * Source: RFC 3261 §8.2 (UAS), §17.2.2 (non-INVITE server transaction), §18.2.1 (Via received and rport).
 */
import { buildResponse, encodeSip, header, parseSipUri, parseVia } from '../../../protocol/sip/mod.ts'
import type { SipRequest } from '../../../protocol/sip/mod.ts'
import { randomHex } from '../chance.ts'
import { parameterText, parameterYes } from '../parameters.ts'
import type { Agent, AgentAction, Command, SipPeer } from '../types.ts'
import { ALLOWED_EVENTS, answerNotify } from './notify.ts'
import { ALLOWED_METHODS } from './register.ts'
import type { World } from './register.ts'
import { extensionOf, lineCount, proxyOf, softwareName } from './settings.ts'
import { TRANSACTION_MS, TRANSACTIONS_MAX } from './state.ts'
import type { IssuedChallenge, LinesState, LinesStep } from './state.ts'

/** A decision about one request, before it is written as a response. */
export interface Reply {
  readonly status: number
  readonly reason: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly commands?: readonly Command[]
  readonly says?: readonly AgentAction[]
  /** The challenges after this request, when it made or used one. */
  readonly challenges?: readonly IssuedChallenge[]
}

/** RFC 3261 methods and its extensions that exist but are nothing for this phone. */
const KNOWN_METHODS = new Set(['REGISTER', 'SUBSCRIBE', 'MESSAGE', 'REFER', 'INFO', 'PUBLISH', 'PRACK', 'UPDATE'])

/** Answers one request, or stays silent: for ACK, for strangers (Block_Nonproxy_SIP) and where no answer could arrive. */
export function answerRequest(world: World, request: SipRequest, peer: SipPeer, tooLarge: boolean): LinesStep {
  const { agent, now } = world
  const silent: LinesStep = { agent, actions: [], commands: [] }
  if (request.method === 'ACK' || header(request, 'Via') === undefined) return silent
  if (parameterYes(agent, 'Block_Nonproxy_SIP') && !comesFromProxy(agent, peer)) return silent
  const { lines } = agent.ram
  const key = transactionKey(request, peer)
  const answered = lines.answered.filter((entry) => now - entry.at < TRANSACTION_MS)
  const before = answered.find((entry) => entry.key === key)
  if (before !== undefined) return { ...silent, actions: [{ kind: 'send-sip', peer, bytes: before.response }] }
  const reply = tooLarge ? { status: 513, reason: 'Message Too Large' } : replyTo(world, request, peer)
  const response = responseTo(world, request, peer, reply)
  const next: LinesState = {
    ...lines,
    // An over-long request is answered each time, its answer is not worth keeping.
    answered: tooLarge ? answered : [...answered, { key, at: now, response }].slice(-TRANSACTIONS_MAX),
    challenges: reply.challenges ?? lines.challenges,
  }
  return {
    agent: { ...agent, ram: { ...agent.ram, lines: next } },
    actions: [{ kind: 'send-sip', peer, bytes: response }, ...(reply.says ?? [])],
    commands: reply.commands ?? [],
  }
}

function replyTo(world: World, request: SipRequest, peer: SipPeer): Reply {
  const missing = ['From', 'To', 'Call-ID', 'CSeq'].find((name) => header(request, name) === undefined)
  if (missing !== undefined) return { status: 400, reason: `Missing ${missing}` }
  switch (request.method) {
    case 'NOTIFY': {
      const line = lineFor(world.agent, request.uri)
      return line === undefined ? { status: 404, reason: 'Not Found' } : answerNotify(world, request, line, peer)
    }
    case 'OPTIONS':
      return { status: 200, reason: 'OK', headers: [['Accept', 'application/sdp'], ...allowed()] }
    case 'INVITE':
      return answerInvite(world.agent, request)
    case 'BYE':
    case 'CANCEL':
      return { status: 481, reason: 'Call/Transaction Does Not Exist' }
    default:
      return KNOWN_METHODS.has(request.method)
        ? { status: 405, reason: 'Method Not Allowed', headers: allowed() }
        : { status: 501, reason: 'Not Implemented', headers: allowed() }
  }
}

function answerInvite(agent: Agent, request: SipRequest): Reply {
  const line = lineFor(agent, request.uri)
  if (line === undefined) return { status: 404, reason: 'Not Found' }
  if (agent.ram.busyLines.includes(line)) return { status: 486, reason: 'Busy Here' }
  return { status: 480, reason: 'Temporarily Unavailable' }
}

function allowed(): readonly (readonly [string, string])[] {
  return [
    ['Allow', ALLOWED_METHODS],
    ['Allow-Events', ALLOWED_EVENTS],
  ]
}

/**
 * The extension that a Request-URI means: by its user, or the first one in service when it names none. Line 1 stands in
 * on a phone without any account, so that `Auth_Resync-Reboot_1_` still decides.
 */
function lineFor(agent: Agent, uri: string): number | undefined {
  const extensions = Array.from({ length: lineCount(agent) }, (_, index) => extensionOf(agent, index + 1)).filter(
    (extension) => extension !== undefined,
  )
  const user = parseSipUri(uri)?.user ?? ''
  if (user === '') return extensions[0]?.line ?? 1
  return extensions.find(({ userId }) => userId === user)?.line
}

/** MPP §7.2, §8: whether a request comes from a proxy of a line, as configured or as it answered our REGISTER. */
export function comesFromProxy(agent: Agent, peer: SipPeer): boolean {
  const configured = Array.from({ length: lineCount(agent) }, (_, index) => proxyOf(agent, index + 1))
  const answered = agent.ram.lines.registrations.map(({ answeredFrom }) => answeredFrom)
  return [...configured, ...answered].some(
    (proxy) =>
      proxy !== undefined &&
      proxy.host.toLowerCase() === peer.host.toLowerCase() &&
      // A proxy opens TCP connections from any port.
      (peer.transport !== 'udp' || proxy.port === peer.port),
  )
}

/** RFC 3261 §17.2.3: the branch, the sent-by and the method tell transactions apart; the peer keeps strangers apart. */
function transactionKey(request: SipRequest, peer: SipPeer): string {
  const via = header(request, 'Via') ?? ''
  const branch = parseVia(via)?.params.get('branch') ?? ''
  return JSON.stringify([
    peer.host,
    peer.transport,
    branch,
    via,
    request.method,
    header(request, 'Call-ID'),
    header(request, 'CSeq'),
  ])
}

function responseTo({ agent, rng }: World, request: SipRequest, peer: SipPeer, reply: Reply): Uint8Array {
  const server = softwareName(agent, parameterText(agent, 'SIP_Server_Name'))
  const response = buildResponse(request, {
    status: reply.status,
    reason: reply.reason,
    toTag: randomHex(8, rng),
    source: { address: peer.host, port: peer.port },
    headers: [...(reply.headers ?? []), ...(server === '' ? [] : [['Server', server] as const])],
  })
  return encodeSip(response)
}
