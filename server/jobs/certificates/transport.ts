/**
 * HTTP to a certificate authority, beneath `acme-client`: one attempt with a bounded time and size, no redirects, no proxy
 * and no retries of its own, since the job has its own. A private authority is checked by the root that came with it.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { rootCertificates } from 'node:tls'
import { axios } from 'acme-client'
import { isAuthorityUrl } from '../../pki/mod.ts'

const REQUEST_MS = 20_000
/** A chain of certificates is the longest that an authority says. */
const ANSWER_BYTES_MAX = 256 * 1024

export interface AuthorityOptions {
  /** PEM of a private authority's root; null: a public one. */
  readonly ca: string | null
  readonly signal: AbortSignal
}

/** What an answer could not be had for; the message is for people. */
export class AuthorityUnreachable extends Error {
  override readonly name = 'AuthorityUnreachable'
}

/** Does the work with all requests of `acme-client` in it going this way. */
export async function withAuthority<T>(options: AuthorityOptions, work: () => Promise<T>): Promise<T> {
  const here = new AsyncLocalStorage<true>()
  const interceptor = axios.interceptors.request.use((config) => {
    if (here.getStore() !== true) return config
    return Object.assign(config, { adapter: (each: AuthorityRequest) => ask(each, options) })
  })
  try {
    return await here.run(true, work)
  } finally {
    axios.interceptors.request.eject(interceptor)
  }
}

/** What axios hands to its adapter, as far as we use it. */
interface AuthorityRequest {
  readonly url?: string | undefined
  readonly method?: string | undefined
  readonly headers: { toJSON(): object }
  readonly data?: unknown
}

async function ask(config: AuthorityRequest, { ca, signal }: AuthorityOptions) {
  const url = config.url ?? ''
  if (!isAuthorityUrl(url)) throw new AuthorityUnreachable(`the authority names "${url}", which is no https URL`)
  const body = typeof config.data === 'string' ? config.data : undefined
  const headers = Object.fromEntries(
    Object.entries(config.headers.toJSON()).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  )
  if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body))
  const response = await send(url, {
    method: config.method?.toUpperCase() ?? 'GET',
    headers,
    body,
    ca,
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
  })
  return {
    data: await readBody(response, url),
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headers: response.headers,
    config,
  }
}

interface Sent {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly ca: string | null
  readonly signal: AbortSignal
}

function send(url: string, { method, headers, body, ca, signal }: Sent): Promise<IncomingMessage> {
  return new Promise((answered, failed) => {
    const secure = new URL(url).protocol === 'https:'
    const trust = ca === null ? {} : { ca: [...rootCertificates, ca] }
    const options = { method, headers, signal, agent: false }
    const request = secure ? httpsRequest(url, { ...options, ...trust }) : httpRequest(url, options)
    request.on('response', answered)
    request.on('error', (error: Error) => failed(unreachable(url, error)))
    request.end(body)
  })
}

function unreachable(url: string, error: Error): AuthorityUnreachable {
  const why =
    error.name === 'AbortError' || error.name === 'TimeoutError'
      ? `no answer within ${REQUEST_MS / 1000} s`
      : error.message
  return new AuthorityUnreachable(`the authority does not answer at ${new URL(url).origin}: ${why}`)
}

async function readBody(response: IncomingMessage, url: string): Promise<string> {
  const pieces: Buffer[] = []
  let byteCount = 0
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      byteCount += piece.length
      if (byteCount > ANSWER_BYTES_MAX) throw new Error(`it sent more than ${ANSWER_BYTES_MAX} bytes`)
      pieces.push(piece)
    }
  } catch (error) {
    throw unreachable(url, error instanceof Error ? error : new Error(String(error)))
  }
  return Buffer.concat(pieces).toString()
}
