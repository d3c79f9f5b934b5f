/** One POST at the ACS: who sends it, which session it belongs to, and what goes back. Source: TR-069 §1.2, §2. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import {
  chooseVersion,
  CWMP_BYTES_MAX,
  CWMP_INFORM_BYTES_MAX,
  type CwmpMessage,
  readCwmp,
} from '../../protocol/cwmp/mod.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import { type DeviceFacts, plainAddress } from '../devices/mod.ts'
import { alarmOf, type ProvenCertificate, REALM, sightingOfStanding, standingOf } from '../fetch/mod.ts'
import type { EventRecord } from '../store/mod.ts'
import { isSameDevice } from '../tr069/mod.ts'
import type { Authenticator, Caller, SentProof } from './authenticate.ts'
import { type Hold, readBody, type Room } from './body.ts'
import type { AcsContext } from './context.ts'
import { refuse, send, type Sent } from './respond.ts'
import { type Inform, type Party, Session } from './session.ts'
import { newCookie, type Sessions } from './sessions.ts'
import { trace } from './trace.ts'

export interface Door {
  readonly context: AcsContext
  readonly sessions: Sessions<Session>
  readonly authenticator: Authenticator
  /** Too late to take on anything new. */
  readonly overloaded: () => boolean
  /** First messages of sessions, being read right now. */
  readonly reading: { count: number }
  /** The memory for bodies. */
  readonly room: Room
}

/** One request. */
export interface Visit {
  readonly door: Door
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly prove: ((socket: TLSSocket) => ProvenCertificate | undefined) | undefined
  /** What its body takes of the room; given back when it is answered. */
  readonly hold: Hold
}

/** First messages read at once, each of at most 256 KiB; their senders have proved who they are. */
const READING_MAX = 500
/** A device says by its header how long the ACS should wait for it, within this. */
const SILENCE_MAX_MS = 5 * 60_000

/** How often a connection was asked who it is; an honest device needs to be asked once or twice. */
const challenged = new WeakMap<Socket, number>()
const CHALLENGES_MAX = 20

export async function handle(visit: Visit): Promise<Sent> {
  const { door, message } = visit
  if (message.method !== 'POST') return refuse(visit, 405, 'Devices send POST here', { allow: 'POST' })
  const session = door.sessions.find(message.headers.cookie, message.socket)
  if (session !== undefined) return goOn(visit, session)
  return begin(visit, undefined)
}

function overTls(visit: Visit): boolean {
  return visit.prove !== undefined
}

function proofOf(visit: Visit): SentProof {
  const { headers, method, url } = visit.message
  return { method: method ?? '', target: url ?? '', overTls: overTls(visit), authorization: headers.authorization }
}

/** A client certificate counts before any password. */
async function callerOf(visit: Visit): Promise<Caller | undefined> {
  const certificate = visit.prove?.(visit.message.socket as TLSSocket)
  if (certificate !== undefined) return { proof: 'certified', mac: certificate.mac, certificate }
  const mac = await visit.door.authenticator.check(proofOf(visit))
  return mac === undefined ? undefined : { proof: 'credentialed', mac }
}

function askWho(visit: Visit): Sent {
  const challenge = visit.door.authenticator.challenge(proofOf(visit))
  const schemes = overTls(visit) ? [challenge, `Basic realm="${REALM}"`] : [challenge]
  const { socket } = visit.message
  const times = (challenged.get(socket) ?? 0) + 1
  challenged.set(socket, times)
  const closes = times >= CHALLENGES_MAX ? { connection: 'close' } : {}
  return refuse(visit, 401, 'Say who you are', { 'www-authenticate': schemes, ...closes })
}

/** A message of a session that is known by its cookie or its connection. */
async function goOn(visit: Visit, session: Session): Promise<Sent> {
  const { door, message } = visit
  if (session.busy) return notYet(visit)
  if (message.socket !== session.socket) {
    // A cookie alone proves nothing on another connection.
    const caller = await callerOf(visit)
    if (caller?.mac !== session.mac) return askWho(visit)
    // Another message of the session may have come while this one was being proved.
    if (session.busy) return notYet(visit)
    if (!door.sessions.isLive(session)) return begin(visit, undefined)
    door.sessions.moveTo(session, message.socket)
  }
  session.busy = true
  try {
    return await answerWithin(visit, session)
  } finally {
    session.busy = false
    session.lastAt = door.context.now()
  }
}

function notYet(visit: Visit): Sent {
  return refuse(visit, 503, 'The message before this one is still being answered', { 'retry-after': '1' })
}

async function answerWithin(visit: Visit, session: Session): Promise<Sent> {
  const { door } = visit
  const body = await read(visit, CWMP_BYTES_MAX)
  if (body.kind === 'refused') {
    door.sessions.lose(session)
    return body.sent
  }
  // Given up, or followed by a newer one, while its message was on the way.
  if (!door.sessions.isLive(session)) return refuse(visit, 400, 'The session has ended')
  if (body.message?.body.kind === 'Inform') return begin(visit, { message: body.message, session })
  trace(door.context, session, 'CPE', body.message)
  const reply = await session.go(body.message)
  if (reply.kind === 'status') {
    door.sessions.lose(session)
    return refuse(visit, reply.status, reply.text)
  }
  const said = reply.kind === 'message' ? reply.message : undefined
  trace(door.context, session, 'ACS', said)
  if (session.isDone) door.sessions.end(session)
  return send(visit, said)
}

type Read =
  | { readonly kind: 'read'; readonly message: CwmpMessage | undefined }
  | { readonly kind: 'refused'; readonly sent: Sent }

async function read(visit: Visit, bytesMax: number): Promise<Read> {
  const { message, response, hold } = visit
  if (message.headers.expect !== undefined) response.writeContinue()
  const body = await readBody(message, { bytesMax, hold })
  if (body.kind === 'no-room') return { kind: 'refused', sent: later(visit) }
  if (body.kind === 'too-large') {
    return { kind: 'refused', sent: refuse(visit, 413, `A message may have ${bytesMax} bytes here, unpacked`) }
  }
  if (body.kind === 'broken') return { kind: 'refused', sent: refuse(visit, 400, body.detail) }
  if (body.bytes.length === 0) return { kind: 'read', message: undefined }
  const found = readCwmp(body.bytes, charsetOf(message.headers['content-type']))
  if (found.ok) return { kind: 'read', message: found.value }
  return { kind: 'refused', sent: refuse(visit, 400, `Cannot read the message (${found.error.code})`) }
}

function charsetOf(contentType: string | undefined): string | undefined {
  return contentType === undefined ? undefined : /charset\s*=\s*["']?([^"';\s]+)/i.exec(contentType)?.[1]
}

/** An Inform that came within a session: the device has begun anew. */
interface Anew {
  readonly message: CwmpMessage
  readonly session: Session
}

async function begin(visit: Visit, anew: Anew | undefined): Promise<Sent> {
  const { door } = visit
  const caller = await callerOf(visit)
  // On its own connection the session before has proved who this is.
  const who = caller ?? (anew === undefined ? undefined : callerBefore(anew.session))
  if (who === undefined) return askWho(visit)
  if (door.overloaded() || !door.sessions.hasRoom(who.mac) || door.reading.count >= READING_MAX) return later(visit)
  const message = anew?.message ?? (await readFirst(visit))
  if ('sent' in message) return message.sent
  if (message.body.kind !== 'Inform') return refuse(visit, 400, 'A session begins with an Inform')
  if (!door.sessions.mayBegin(who.mac, door.context.now())) return later(visit)
  return welcome(visit, who, message, message.body)
}

function callerBefore({ party }: Session): Caller | undefined {
  return party.proof === 'credentialed' ? { proof: 'credentialed', mac: party.mac } : undefined
}

async function readFirst(visit: Visit): Promise<CwmpMessage | { readonly sent: Sent }> {
  const { reading } = visit.door
  reading.count += 1
  try {
    const found = await read(visit, CWMP_INFORM_BYTES_MAX)
    if (found.kind === 'refused') return found
    return found.message ?? { sent: refuse(visit, 400, 'A session begins with an Inform') }
  } finally {
    reading.count -= 1
  }
}

function later(visit: Visit): Sent {
  return refuse(visit, 503, 'Come later', { 'retry-after': String(30 + Math.floor(Math.random() * 60)) })
}

async function welcome(visit: Visit, who: Caller, message: CwmpMessage, inform: Inform): Promise<Sent> {
  const { door } = visit
  const { context } = door
  const { namespace, headers } = message
  const version = chooseVersion({
    namespace,
    supportedVersions: headers.supportedVersions,
    sessionTimeout: headers.sessionTimeoutSeconds,
  })
  if (version.kind === 'none') return turnAway(visit, message, 8006)
  const party = await partyOf(visit, who, inform)
  if ('refused' in party) return turnAway(visit, message, party.refused)
  const now = context.now()
  const asked = message.headers.sessionTimeoutSeconds
  const silenceMs = Math.min(SILENCE_MAX_MS, Math.max(context.limits.silenceMs, (asked ?? 0) * 1000))
  const session = new Session(context, party, {
    cookie: newCookie(),
    socket: visit.message.socket as Socket,
    now,
    silenceMs,
  })
  session.busy = true
  door.sessions.add(session)
  try {
    const reply = await session.begin(message, inform, version.header ? { useVersion: version.version } : {})
    trace(context, session, 'CPE', message)
    const said = reply.kind === 'message' ? reply.message : undefined
    trace(context, session, 'ACS', said)
    return send(visit, said, session.cookie)
  } catch (error) {
    door.sessions.lose(session)
    throw error
  } finally {
    session.busy = false
    session.lastAt = context.now()
  }
}

/** The device hears a fault it may show; the reason is in our timeline only. */
function turnAway(visit: Visit, message: CwmpMessage, code: 8001 | 8006): Sent {
  const text = code === 8001 ? 'Request denied' : 'No common version of CWMP'
  const body = { kind: 'Fault', code, text, parameterFaults: [] } as const
  return send(visit, { id: message.id, namespace: message.namespace, headers: {}, body })
}

type StandingEvent = EventRecord & { readonly mac: MacAddress; readonly data: { readonly standing: string } }

/** Who this is to us; undefined facts: nobody has registered it. */
async function partyOf(visit: Visit, who: Caller, inform: Inform): Promise<Party | { readonly refused: 8001 }> {
  const { context } = visit.door
  const facts = await context.device(who.mac)
  const peer = plainAddress(visit.message.socket.remoteAddress ?? '')
  const about = { mac: who.mac, accountId: facts?.device.accountId, trust: who.proof, peer } as const
  const party = { mac: who.mac, facts, proof: who.proof, secure: overTls(visit), peer }
  const standing = who.proof === 'credentialed' ? 'bound' : standingOf(who.certificate, facts)
  // That it turned up is to be seen where phones are staged, whatever is said to it. A bound one leaves its own trace.
  if (who.proof === 'certified' && standing !== 'bound') {
    context.store.sighted(sightingOfStanding(standing, who.certificate, peer, context.now()))
  }
  if (facts !== undefined && standing !== 'foreign' && !isSameDevice(inform.deviceId, facts)) {
    const data = { what: 'the serial number of the Inform differs from the registered one' }
    context.note([{ ...about, name: 'identity.mismatch', data }])
    return { refused: 8001 }
  }
  switch (standing) {
    case 'bound':
      return { ...party, served: true }
    case 'registered':
    case 'held':
    case 'unowned':
      await noteStanding(context, { ...about, name: 'tr069.quarantined', data: { standing } })
      return { ...party, served: false }
    case 'unknown': {
      const answer = unknownParty(context, who, inform, party)
      if (!('refused' in answer))
        await noteStanding(context, { ...about, name: 'tr069.quarantined', data: { standing } })
      return answer
    }
    default: {
      const alarm = alarmOf(standing, who.mac, facts)
      if (alarm !== undefined) context.note([{ ...alarm, peer }])
      await noteStanding(context, { ...about, name: 'tr069.refused', data: { standing } })
      return { refused: 8001 }
    }
  }
}

/** Such a device calls again and again, each time the same: its timeline says it once, and then once an hour. */
async function noteStanding(context: AcsContext, event: StandingEvent): Promise<void> {
  const { mac, accountId, name, data } = event
  const seen = { mac, accountId, name, standing: data.standing, at: context.now() }
  if (await context.store.isNews(seen)) context.note([event])
}

function unknownParty(
  context: AcsContext,
  who: Caller,
  { deviceId }: Inform,
  party: Omit<Party, 'served' | 'facts'> & { readonly facts: DeviceFacts | undefined },
): Party | { readonly refused: 8001 } {
  if (context.unknownDevices === 'refuse' || who.proof !== 'certified') return { refused: 8001 }
  const { certificate } = who
  context.store.unknown({
    mac: who.mac,
    serial: certificate.serial,
    manufacturer: deviceId.manufacturer.slice(0, 64),
    productClass: deviceId.productClass.slice(0, 64),
    ca: certificate.caFingerprint,
    at: context.now(),
    from: party.peer,
  })
  if (context.unknownDevices === 'register')
    context.register({ mac: who.mac, serial: certificate.serial, model: certificate.productName })
  return { ...party, served: false }
}
