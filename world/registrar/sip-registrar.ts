/**
 * A registrar as a value in, value out: it challenges a REGISTER, checks its digest and remembers the binding. It
 * stands in for a provider's in the example and in the simulated world; what phones say to registrars that others
 * wrote is tested elsewhere. Source: RFC 3261 §10.3, §22.
 */
import { checkDigest, digestChallengeHeader, parseDigestAuthorization } from '../../protocol/http/mod.ts'
import type { Millis } from '../../protocol/result.ts'
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

const EXPIRES_MAX_S = 3600
/** Bindings kept at once. */
const BINDINGS_MAX = 10_000

export interface SipRegistrarOptions {
  readonly realm: string
  readonly nonce: string
  /** Begins the tags of its answers. */
  readonly tagPrefix: string
}

type Answer = Pick<SipResponse, 'status' | 'reason' | 'headers'>

export class SipRegistrar {
  readonly #options: SipRegistrarOptions
  readonly #passwords = new Map<string, string>()
  readonly #bindings = new Map<string, { readonly until: Millis; readonly contact: string }>()
  #tags = 0

  constructor(options: SipRegistrarOptions) {
    this.#options = options
  }

  /** Enters a line, or gives it another password; whoever is registered stays so until the binding ends. */
  setPassword(userId: string, password: string): void {
    this.#passwords.set(userId, password)
  }

  /** Where a user can be reached now; undefined when nobody is registered. */
  contactOf(userId: string, now: Millis): string | undefined {
    const binding = this.#bindings.get(userId)
    return binding !== undefined && binding.until > now ? binding.contact : undefined
  }

  /** Users with a binding now. */
  registered(now: Millis): readonly string[] {
    return [...this.#bindings].filter(([, { until }]) => until > now).map(([userId]) => userId)
  }

  /** @returns the answer to one datagram; undefined for what is no request */
  receive(
    bytes: Uint8Array,
    source: { readonly address: string; readonly port: number },
    now: Millis,
  ): Uint8Array | undefined {
    const message = decodeSip(bytes)
    if (!message.ok || message.value.kind !== 'request' || message.value.method === 'ACK') return undefined
    this.#tags += 1
    const answer = this.#answer(message.value, now)
    return encodeSip(
      buildResponse(message.value, { ...answer, toTag: `${this.#options.tagPrefix}${this.#tags}`, source }),
    )
  }

  #answer(request: SipRequest, now: Millis): Answer {
    const { realm, nonce } = this.#options
    if (request.method !== 'REGISTER') return { status: 501, reason: 'Not Implemented', headers: [] }
    const user = parseSipUri(parseAddress(header(request, 'to') ?? '')?.uri ?? '')?.user ?? ''
    const authorization = header(request, 'authorization')
    if (authorization === undefined) {
      const challenge = { realm, nonce, qop: 'auth', algorithm: 'MD5', stale: false } as const
      return { status: 401, reason: 'Unauthorized', headers: [['WWW-Authenticate', digestChallengeHeader(challenge)]] }
    }
    const digest = parseDigestAuthorization(authorization)
    const password = this.#passwords.get(user)
    const expected = { method: 'REGISTER', nonce, realm, uri: request.uri }
    const proved = digest !== undefined && password !== undefined && checkDigest(digest, { ...expected, password })
    return proved ? this.#register(request, user, now) : { status: 403, reason: 'Forbidden', headers: [] }
  }

  #register(request: SipRequest, user: string, now: Millis): Answer {
    const contact = header(request, 'contact') ?? ''
    const asked = /;\s*expires=([0-9]+)/i.exec(contact)?.[1] ?? header(request, 'expires') ?? String(EXPIRES_MAX_S)
    const seconds = Math.min(Number(asked), EXPIRES_MAX_S)
    const bare = contact.replace(/;\s*expires=[0-9]+/i, '')
    if (seconds === 0) this.#bindings.delete(user)
    else if (this.#bindings.size < BINDINGS_MAX)
      this.#bindings.set(user, { until: now + seconds * 1000, contact: bare })
    return { status: 200, reason: 'OK', headers: seconds === 0 ? [] : [['Contact', `${bare};expires=${seconds}`]] }
  }
}
