/**
 * A small ACS for tests, by the order of messages of a session and nothing more: it answers the Inform, then asks what a
 * test wants asked. The real ACS of this project is not used here, so that each is tried against somebody else's reading.
 */
import {
  CWMP_NAMESPACE,
  type CwmpBody,
  type CwmpBodyOf,
  type CwmpMessage,
  readCwmp,
  writeCwmp,
} from '../../../../protocol/cwmp/mod.ts'
import { typeOf } from '../../../../protocol/data-model/mod.ts'
import { checkDigest, digestChallengeHeader, parseDigestAuthorization } from '../../../../protocol/http/mod.ts'
import { assert } from '../../../../protocol/result.ts'

/** One POST as the ACS sees it. Names of headers in lower case. */
export interface Post {
  readonly path: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface AcsOptions {
  readonly account?: { readonly username: string; readonly password: string }
  /** Instead of the usual answer; undefined: the usual one. */
  readonly instead?: (post: Post, message: CwmpMessage | undefined, count: number) => Reply | undefined
}

const COOKIE = 'session=7e57'

export class Acs {
  /** What is asked next, one after another, over sessions if need be. */
  readonly asks: CwmpBody[] = []
  readonly informs: CwmpBodyOf<'Inform'>[] = []
  /** Answers to what was asked. */
  readonly answers: CwmpBody[] = []
  readonly transfers: CwmpBodyOf<'TransferComplete'>[] = []
  readonly posts: Post[] = []
  /** All that came, `empty` included. */
  readonly heard: string[] = []
  readonly #options: AcsOptions
  #asked = false
  #count = 0

  constructor(options: AcsOptions = {}) {
    this.#options = options
  }

  ask(...bodies: readonly CwmpBody[]): this {
    this.asks.push(...bodies)
    return this
  }

  reply(post: Post): Reply {
    this.posts.push(post)
    const message = post.body.length === 0 ? undefined : readMessage(post.body)
    this.#count += 1
    const refusal = this.#refusal(post)
    if (refusal !== undefined) return refusal
    const instead = this.#options.instead?.(post, message, this.#count)
    if (instead !== undefined) return instead
    this.heard.push(message === undefined ? 'empty' : nameOf(message.body))
    return this.#answer(message)
  }

  #answer(message: CwmpMessage | undefined): Reply {
    if (message === undefined) return this.#next()
    const { body, id } = message
    switch (body.kind) {
      case 'Inform':
        this.informs.push(body)
        this.#asked = false
        return withCookie(envelope({ kind: 'InformResponse', maxEnvelopes: 1 }, id))
      case 'TransferComplete':
        this.transfers.push(body)
        return envelope({ kind: 'TransferCompleteResponse' }, id)
      default:
        assert(this.#asked, 'an answer needs a question')
        this.answers.push(body)
        this.asks.shift()
        return this.#next()
    }
  }

  #next(): Reply {
    const [ask] = this.asks
    this.#asked = ask !== undefined
    return ask === undefined ? NOTHING_MORE : envelope(ask, 'ask')
  }

  #refusal({ headers, path }: Post): Reply | undefined {
    const { account } = this.#options
    if (account === undefined) return undefined
    const digest = parseDigestAuthorization(headers.get('authorization') ?? '')
    const expected = { method: 'POST', uri: path, realm: 'acs', nonce: 'n1', qopRequired: true, ...account }
    if (digest !== undefined && checkDigest(digest, expected)) return undefined
    const header = digestChallengeHeader({ realm: 'acs', nonce: 'n1', qop: 'auth', algorithm: 'MD5', stale: false })
    return { status: 401, headers: { 'www-authenticate': header }, body: '' }
  }
}

/** The end of a session. */
export const NOTHING_MORE: Reply = { status: 204, headers: {}, body: '' }

/** An envelope with HTTP around it. */
export function envelope(body: CwmpBody, id: string | undefined = 'ask', namespace = CWMP_NAMESPACE): Reply {
  const text = writeCwmp({ id, namespace, headers: {}, body })
  return { status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' }, body: text }
}

/** A fault of the ACS. */
export function acsFault(code: number): CwmpBody {
  return { kind: 'Fault', code, text: 'no', parameterFaults: [] }
}

export function readMessage(bytes: Uint8Array): CwmpMessage {
  const read = readCwmp(bytes, undefined)
  assert(read.ok, 'the phone writes envelopes')
  return read.value
}

function withCookie(reply: Reply): Reply {
  return { ...reply, headers: { ...reply.headers, 'set-cookie': `${COOKIE}; Path=/; HttpOnly` } }
}

function nameOf(body: CwmpBody): string {
  return body.kind === 'Unknown' ? body.name : body.kind
}

// --- what is asked

export function getValues(...names: readonly string[]): CwmpBody {
  return { kind: 'GetParameterValues', names }
}

export function setValues(values: Readonly<Record<string, string>>, parameterKey = 'key'): CwmpBody {
  const parameters = Object.entries(values).map(([name, value]) => {
    const type = typeOf(name)
    return { name, type: type === 'object' ? undefined : type, value }
  })
  return { kind: 'SetParameterValues', parameters, parameterKey }
}

export function download(more: Partial<CwmpBodyOf<'Download'>> = {}): CwmpBody {
  return {
    kind: 'Download',
    commandKey: 'job',
    fileType: '3 Vendor Configuration File',
    url: 'http://files.test/job.xml',
    username: '',
    password: '',
    fileSize: 0,
    targetFileName: '',
    delaySeconds: 0,
    successUrl: '',
    failureUrl: '',
    ...more,
  }
}
