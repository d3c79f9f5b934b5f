/**
 * The real server of this world: `serveFetch` on a real database, without sockets. It can go down and come back on the
 * same database, and it remembers what it gave away to whom, so that secrets can be searched for.
 */
import { readFileSync } from 'node:fs'
import type { FetchRequest as PhoneRequest } from '../phone/agent/mod.ts'
import type { MacAddress } from '../protocol/identity.ts'
import { assert, assertNever, type Millis } from '../protocol/result.ts'
import type { FetchRequest } from '../server/fetch/mod.ts'
import { answerTftp, type Delivery, serveFetch } from '../server/nps/mod.ts'
import type { TftpAnswer } from '../server/nps/tftp/mod.ts'
import type { Platform } from '../server/platform.ts'
import { type Caller, PUBLIC_HTTP_URL, PUBLIC_URL } from './addresses.ts'
import { type VirtualClock, WORLD_START } from './clock.ts'

/** What left the server. */
export interface Leaving {
  readonly at: Millis
  readonly door: FetchRequest['door']
  readonly target: string
  /** Whose certificate the asker showed; undefined for none. */
  readonly certified: MacAddress | undefined
  readonly status: number
  readonly bytes: Uint8Array
}

export interface HttpAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

const NOTHING = new Uint8Array(0)

export class ProvisioningServer {
  readonly #open: (now: () => Millis) => Promise<Platform>
  #platform: Platform | undefined
  #clock: VirtualClock | undefined
  #leavings: Leaving[] = []
  #waiting: { readonly customerId: string; readonly resolve: () => void } | undefined

  /** @param open opens the platform, always on the same database and data directory */
  constructor(open: (now: () => Millis) => Promise<Platform>) {
    this.#open = open
  }

  /** Begins a new world with a clock of its own. What left before is forgotten. */
  enter(clock: VirtualClock): void {
    this.#clock = clock
    this.#leavings = []
  }

  get isUp(): boolean {
    return this.#platform !== undefined
  }

  get platform(): Platform {
    assert(this.#platform !== undefined, 'the server is up')
    return this.#platform
  }

  get leavings(): readonly Leaving[] {
    return this.#leavings
  }

  async start(): Promise<void> {
    if (this.#platform !== undefined) return
    const platform = await this.#open(() => this.#clock?.now ?? WORLD_START)
    platform.setPublicUrls({ https: PUBLIC_URL, http: PUBLIC_HTTP_URL })
    platform.directory.onChange((change) => {
      if (change.kind === 'customer' && change.customerId === this.#waiting?.customerId) this.#waiting.resolve()
    })
    this.#platform = platform
  }

  async stop(): Promise<void> {
    const platform = this.#platform
    this.#platform = undefined
    await platform?.close()
  }

  /**
   * Resolves when the server has heard of a change, and so of all that were committed before it: they are heard in
   * their order. A server that is down reads everything when it comes back.
   * @param announce commits the change of this Customer ID
   */
  async hears(customerId: string, announce: () => Promise<void>): Promise<void> {
    if (!this.isUp) return
    const heard = new Promise<void>((resolve) => {
      this.#waiting = { customerId, resolve }
    })
    await announce()
    await heard
    this.#waiting = undefined
  }

  /** One request over HTTP or HTTPS; the server must be up. */
  async answerHttp(asked: PhoneRequest, caller: Caller): Promise<HttpAnswer> {
    const request = requestAtDoor(asked, caller)
    const answer = this.#renderHttp(await serveFetch(this.platform.context, request))
    this.#note(
      request.door,
      request.target,
      { ...caller, certificate: request.certificate },
      answer.status,
      answer.body,
    )
    return answer
  }

  /** One read request over TFTP; the server must be up. */
  async answerTftp(filename: string, peer: { readonly address: string; readonly port: number }): Promise<TftpAnswer> {
    const { context, firmwarePath } = this.platform
    const answer = await answerTftp(context, { op: 'read', filename, peer }, firmwarePath)
    const bytes = answer.kind === 'file' ? answer.source.read(0, answer.source.byteCount) : NOTHING
    const status = answer.kind === 'error' ? 404 : 200
    this.#note('tftp', filename, { address: peer.address, certificate: undefined }, status, bytes)
    return answer
  }

  #note(door: FetchRequest['door'], target: string, caller: Caller, status: number, bytes: Uint8Array): void {
    const certified = caller.certificate?.mac
    this.#leavings.push({ at: this.#clock?.now ?? WORLD_START, door, target, certified, status, bytes })
  }

  /** As the HTTP doors say it. */
  #renderHttp(delivery: Delivery): HttpAnswer {
    switch (delivery.kind) {
      case 'bytes':
        return { status: 200, headers: new Map([['content-type', delivery.contentType]]), body: delivery.bytes }
      case 'file':
        return { status: 200, headers: new Map(), body: readFileSync(this.platform.firmwarePath(delivery.file)) }
      case 'empty':
        return { status: 200, headers: new Map(), body: NOTHING }
      case 'challenge':
        return { status: 401, headers: new Map([['www-authenticate', delivery.header]]), body: NOTHING }
      case 'later':
        return { status: 503, headers: new Map(), body: NOTHING }
      case 'refusal':
        return { status: 404, headers: new Map(), body: NOTHING }
      default:
        return assertNever(delivery)
    }
  }
}

/** What the door makes of the phone's request; a certificate and credentials count over TLS only. */
function requestAtDoor(asked: PhoneRequest, caller: Caller): FetchRequest {
  const question = asked.path.indexOf('?')
  const secure = asked.scheme === 'https'
  return {
    door: asked.scheme,
    method: asked.method,
    path: decodedPath(question < 0 ? asked.path : asked.path.slice(0, question)),
    query: question < 0 ? '' : asked.path.slice(question + 1),
    target: asked.path,
    userAgent: headerOf(asked, 'user-agent'),
    peer: caller.address,
    certificate: secure ? caller.certificate : undefined,
    authorization: secure ? headerOf(asked, 'authorization') : undefined,
    range: undefined,
    body: asked.body,
  }
}

function headerOf({ headers }: PhoneRequest, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1]
}

function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    // A broken escape names no file of ours.
    return '/%'
  }
}
