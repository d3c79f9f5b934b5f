/**
 * A small stand-in for a provider's registrar: REGISTER with digest over UDP, and nothing else. It is the example's;
 * tests of what a phone says to a registrar use a real one. Source: RFC 3261 §10.3, §22.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { checkDigest, digestChallengeHeader, parseDigestAuthorization } from '../../protocol/http/mod.ts'
import {
  buildResponse,
  decodeSip,
  encodeSip,
  header,
  parseAddress,
  parseSipUri,
  type SipRequest,
  type SipResponse,
} from '../../protocol/sip/mod.ts'

/** A line that may register. */
export interface RegistrarUser {
  readonly userId: string
  readonly password: string
}

export interface Registrar {
  readonly port: number
  /** Users with a binding now. */
  registered(): readonly string[]
  close(): Promise<void>
}

export interface RegistrarOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** The password of a user, or undefined when there is no such user. */
  readonly passwordOf: (userId: string) => string | undefined
  readonly onRegistered?: (userId: string, contact: string) => void
}

/** Bindings kept at once. */
const BINDINGS_MAX = 10_000
const EXPIRES_MAX_S = 3600
const REALM = 'registrar.example'

/** @throws the system's error when the port cannot be had */
export async function startRegistrar(options: RegistrarOptions): Promise<Registrar> {
  const socket = createSocket('udp4')
  const bindings = new Map<string, number>()
  const nonceKey = randomBytes(16)
  socket.on('message', (bytes, peer) => {
    const message = decodeSip(bytes)
    if (!message.ok || message.value.kind !== 'request') return
    const source = { address: peer.address, port: peer.port }
    const answer = answerRequest(message.value, options, bindings, nonceKey)
    if (answer === undefined) return
    const response = buildResponse(message.value, { ...answer, toTag: randomBytes(6).toString('hex'), source })
    socket.send(encodeSip(response), peer.port, peer.address)
  })
  await bind(socket, options)
  return {
    port: socket.address().port,
    registered: () => [...bindings].filter(([, until]) => until > Date.now()).map(([userId]) => userId),
    close: () => new Promise((closed) => socket.close(() => closed())),
  }
}

/** Rejects when the port cannot be had. */
async function bind(socket: Socket, { port, host }: RegistrarOptions): Promise<void> {
  try {
    socket.bind({ port, address: host, exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    throw error
  }
  // One datagram that could not be sent: the phone asks again.
  socket.on('error', () => undefined)
}

type Answer = Pick<SipResponse, 'status' | 'reason' | 'headers'>

function answerRequest(
  request: SipRequest,
  options: RegistrarOptions,
  bindings: Map<string, number>,
  nonceKey: Uint8Array,
): Answer | undefined {
  if (request.method === 'ACK') return undefined
  if (request.method !== 'REGISTER') return { status: 501, reason: 'Not Implemented', headers: [] }
  const user = parseSipUri(parseAddress(header(request, 'to') ?? '')?.uri ?? '')?.user
  const nonce = createHash('sha256')
    .update(nonceKey)
    .update(header(request, 'call-id') ?? '')
    .digest('hex')
  const password = user === undefined ? undefined : options.passwordOf(user)
  if (user === undefined || !proves(request, password, nonce)) return challenge(request, nonce)
  return register(request, user, bindings, options)
}

function proves(request: SipRequest, password: string | undefined, nonce: string): boolean {
  const digest = parseDigestAuthorization(header(request, 'authorization') ?? '')
  if (digest === undefined || password === undefined) return false
  return checkDigest(digest, { method: 'REGISTER', password, nonce, realm: REALM, uri: request.uri })
}

/** A wrong password is refused; a request without one is asked for it. */
function challenge(request: SipRequest, nonce: string): Answer {
  if (header(request, 'authorization') !== undefined) return { status: 403, reason: 'Forbidden', headers: [] }
  const value = digestChallengeHeader({ realm: REALM, nonce, qop: 'auth', algorithm: 'MD5', stale: false })
  return { status: 401, reason: 'Unauthorized', headers: [['WWW-Authenticate', value]] }
}

function register(request: SipRequest, user: string, bindings: Map<string, number>, options: RegistrarOptions): Answer {
  const contact = header(request, 'contact') ?? ''
  const asked = /;\s*expires=([0-9]+)/i.exec(contact)?.[1] ?? header(request, 'expires') ?? String(EXPIRES_MAX_S)
  const seconds = Math.min(Number(asked), EXPIRES_MAX_S)
  if (seconds === 0) bindings.delete(user)
  else if (bindings.size < BINDINGS_MAX) bindings.set(user, Date.now() + seconds * 1000)
  if (seconds > 0) options.onRegistered?.(user, contact)
  const bare = contact.replace(/;\s*expires=[0-9]+/i, '')
  return { status: 200, reason: 'OK', headers: seconds === 0 ? [] : [['Contact', `${bare};expires=${seconds}`]] }
}
