/** One HTTP request to a URL that somebody else chose: webhooks, action URLs, feeds. */
import { lookup as resolveName } from 'node:dns/promises'
import { type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { err, ok, type Result } from '../../protocol/result.ts'
import { refusalOfAddress } from './addresses.ts'

/** A longer URL is no URL that a person wrote. */
const URL_CHARS_MAX = 2048
/** Headers of an answer, before its body. */
const HEADER_BYTES_MAX = 16 * 1024

export interface GuardedRequest {
  /** http or https, without user and password. */
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** For everything together, the name's resolution included. */
  readonly timeoutMs: number
  readonly answerBytesMax: number
  /** Networks (CIDR) that may be reached although they are near: `settings.outboundAllow`. */
  readonly allow: readonly string[]
  /** Ends it early, as `timeout`. */
  readonly signal?: AbortSignal
}

export interface GuardedAnswer {
  readonly status: number
  /** Names in lower case; repeated ones joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface OutboundProblem {
  readonly code: 'bad-url' | 'forbidden-address' | 'unreachable' | 'timeout' | 'too-large'
  /** Names host and port, never the rest of the URL, which may hold a secret. */
  readonly message: string
}

/**
 * Resolves the name once, refuses addresses near us (see `addresses.ts`) and connects to the very address that was
 * checked, so that a name cannot change its mind in between. Follows no redirect. Never throws.
 */
export async function guardedRequest(options: GuardedRequest): Promise<Result<GuardedAnswer, OutboundProblem>> {
  const url = readOutboundUrl(options.url, options.allow)
  if (!url.ok) return url
  const limit = AbortSignal.timeout(options.timeoutMs)
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal])
  if (signal.aborted) return fail('timeout', `The request to ${url.value.host} was not wanted any more`)
  const late = new Promise<Result<never, OutboundProblem>>((done) => {
    signal.addEventListener('abort', () =>
      done(fail('timeout', `${url.value.host} did not answer within ${options.timeoutMs} ms`)),
    )
  })
  const addresses = await Promise.race([checkedAddresses(hostOf(url.value), options.allow), late])
  if (!addresses.ok) return addresses
  return Promise.race([exchange(url.value, addresses.value, options, signal), late])
}

/**
 * What can be said of a URL without asking anybody: its form, and its address when it is written as one, in whatever
 * notation (`http://2130706433/` is the loopback address too, and URL writes it so).
 */
export function readOutboundUrl(text: string, allow: readonly string[]): Result<URL, OutboundProblem> {
  if (text.length > URL_CHARS_MAX) return fail('bad-url', `The URL is longer than ${URL_CHARS_MAX} characters`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return fail('bad-url', 'The URL is not one that begins with http:// or https://')
  if (url.username !== '' || url.password !== '')
    return fail('bad-url', 'The URL holds a user or password; send them in a header instead')
  const host = hostOf(url)
  const refusal = isIP(host) === 0 ? undefined : refusalOfAddress(host, allow, ownAddresses())
  return refusal === undefined ? ok(url) : fail('forbidden-address', forbiddenText(host, host, refusal))
}

function forbiddenText(host: string, address: string, refusal: string): string {
  const which = host === address ? `"${host}"` : `"${host}", which is ${address},`
  return `Requests to ${which} are not allowed (${refusal}). OFFHOOK_OUTBOUND_ALLOW lists networks that may be reached`
}

/** The host of a URL, an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
}

/** One address of a host. */
export interface HostAddress {
  readonly address: string
  readonly family: number
}

/** Gives every address of a name, or throws. */
export type NameResolver = (host: string) => Promise<readonly HostAddress[]>

const systemResolver: NameResolver = (host) => resolveName(host, { all: true })

/** Every address of a name, or the address itself; not checked. Never throws. */
export async function resolvedAddresses(
  host: string,
  resolve: NameResolver = systemResolver,
): Promise<Result<readonly HostAddress[], OutboundProblem>> {
  try {
    const all = await resolve(host)
    return all.length > 0 ? ok(all) : fail('unreachable', `The name "${host}" has no address`)
  } catch (error) {
    return fail('unreachable', `The name "${host}" has no address (${codeOf(error)})`)
  }
}

/**
 * Every address of the host that may be reached; a problem when there is none. Whoever asks must connect to one of these
 * and not to the name, which may have changed its mind. Never throws.
 */
export async function checkedAddresses(
  host: string,
  allow: readonly string[],
  resolve?: NameResolver,
): Promise<Result<readonly HostAddress[], OutboundProblem>> {
  const all = await resolvedAddresses(host, resolve)
  if (!all.ok) return all
  const own = ownAddresses()
  const allowed = all.value.filter(({ address }) => refusalOfAddress(address, allow, own) === undefined)
  if (allowed.length > 0) return ok(allowed)
  const address = all.value[0]?.address ?? host
  const refusal = refusalOfAddress(address, allow, own) ?? 'near'
  return fail('forbidden-address', forbiddenText(host, address, refusal))
}

function exchange(
  url: URL,
  addresses: readonly HostAddress[],
  options: GuardedRequest,
  signal: AbortSignal,
): Promise<Result<GuardedAnswer, OutboundProblem>> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((done) => {
    const failed = (error: unknown): void =>
      done(
        signal.aborted
          ? fail('timeout', `${url.host} did not answer within ${options.timeoutMs} ms`)
          : fail('unreachable', `${url.host} cannot be reached (${codeOf(error)})`),
      )
    try {
      const sent = request(url, requestOptions(addresses, options, signal), (response) => {
        response.on('error', failed)
        void gather(response, url, options.answerBytesMax).then((answer) => {
          done(answer)
          // What is still on its way is nobody's business any more.
          sent.destroy()
        }, failed)
      })
      sent.on('error', failed)
      sent.end(options.body)
    } catch (error) {
      // A header with a character that HTTP does not know.
      failed(error)
    }
  })
}

function requestOptions(
  addresses: readonly HostAddress[],
  options: GuardedRequest,
  signal: AbortSignal,
): RequestOptions {
  return {
    method: options.method,
    headers: {
      ...options.headers,
      ...(options.body === undefined ? {} : { 'content-length': String(options.body.length) }),
    },
    // A connection of its own: one that is kept open might lead to an address that was checked for somebody else.
    agent: false,
    lookup: knownAddresses(addresses),
    maxHeaderSize: HEADER_BYTES_MAX,
    signal,
  }
}

/** Instead of a second resolution: the addresses that were checked. TLS still sees the name. */
function knownAddresses(addresses: readonly HostAddress[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses
    if (options.all === true) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
}

async function gather(
  response: IncomingMessage,
  url: URL,
  bytesMax: number,
): Promise<Result<GuardedAnswer, OutboundProblem>> {
  const parts: Buffer[] = []
  let count = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    count += part.length
    if (count > bytesMax) return fail('too-large', `${url.host} answered more than ${bytesMax} bytes`)
    parts.push(part)
  }
  if (!response.complete) return fail('unreachable', `${url.host} broke off its answer`)
  const headers = Object.entries(response.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ])
  return ok({
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(headers) as Readonly<Record<string, string>>,
    body: new Uint8Array(Buffer.concat(parts)),
  })
}

/** A short word for an error of the system, e.g. `ECONNREFUSED`. */
export function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}

export function fail(code: OutboundProblem['code'], message: string): Result<never, OutboundProblem> {
  return err({ code, message })
}
