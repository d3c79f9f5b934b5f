/** All that the phone fetches and asks: HTTP, HTTPS, TFTP, DNS. Source: MPP §4.6, §5.6, §11. */
import type { LookupAddress } from 'node:dns'
import type { Resolver } from 'node:dns/promises'
import { assertNever, type Millis } from '../../protocol/result.ts'
import type { TransferPolicy } from '../../protocol/tftp/mod.ts'
import type { FetchOutcome, FetchRequest, SrvRecord } from '../agent/mod.ts'
import { type Connections, createConnections, DEFAULT_HTTP_TIMES, exchangeHttp, type HttpTimes } from './http-client.ts'
import { addressesOf, localAddressFor, resolverOf, type Source } from './source.ts'
import { type TftpReadResult, tftpRead, type TftpWriteResult, tftpWrite } from './tftp-client.ts'
import { createTrust, type ShellTls, type Trust } from './trust.ts'

/** Addresses of one name that are tried. */
export const ADDRESSES_MAX = 4
const DNS_MS = 10_000
const SRV_RECORDS_MAX = 16

export interface TransportOptions {
  readonly tls: ShellTls
  /** Keep connections for the next exchange: for fleets that share one transport. */
  readonly keepAlive?: boolean
  readonly times?: Partial<HttpTimes>
  readonly tftp?: Partial<TransferPolicy>
  /** `address:port` of name servers, instead of those of the system; for SRV questions only. */
  readonly dnsServers?: readonly string[]
}

/** What an exchange has of its own. */
export interface ExchangeHow {
  readonly own?: Connections | undefined
  readonly from?: Source | undefined
}

/** Carries out exchanges. Nothing here ever rejects for what the network did. */
export interface Transport {
  readonly trust: Trust
  /**
   * An aborted exchange ends with `broken`.
   * @param how.own  connections of the caller's, for exchanges that belong together; absent: those of all
   * @param how.from  where the phone is in the network; absent: wherever the system puts it
   */
  exchange(request: FetchRequest, signal: AbortSignal, how?: ExchangeHow): Promise<FetchOutcome>
  /** @returns the records; none when the name has none or nobody answers */
  resolveSrv(name: string, signal: AbortSignal, from?: Source): Promise<readonly SrvRecord[]>
  /** Closes kept connections. */
  close(): void
}

/** @throws PhoneProblem when certificate, key or CA cannot be used */
export function createTransport(options: TransportOptions): Transport {
  const trust = createTrust(options.tls)
  const connections = createConnections(options.keepAlive ?? false)
  const times = { ...DEFAULT_HTTP_TIMES, ...options.times }

  async function exchange(request: FetchRequest, signal: AbortSignal, how: ExchangeHow = {}): Promise<FetchOutcome> {
    if (!isUsable(request)) return { kind: 'failed', reason: 'bad-url', detail: 'no usable host or port' }
    const { own = connections, from } = how
    const found = await lookUp(request.host, signal, from)
    if (found instanceof Error) return { kind: 'failed', reason: 'dns', detail: found.message }
    const addresses = found.slice(0, ADDRESSES_MAX)
    if (request.scheme !== 'tftp') {
      return exchangeHttp(request, addresses, { trust, connections: own, times, signal, from })
    }
    return exchangeTftp(request, addresses, { policy: options.tftp, signal, from })
  }

  return {
    trust,
    exchange,
    resolveSrv: (name, signal, from) => resolveSrv(name, resolverOf(from, options.dnsServers), signal),
    close: () => connections.close(),
  }
}

function isUsable({ host, port }: FetchRequest): boolean {
  return host !== '' && !/[\u0000-\u0020/?#@\u007f]/.test(host) && Number.isInteger(port) && port > 0 && port < 65_536
}

/** @returns the addresses in the order of the resolver, or why there are none */
async function lookUp(
  host: string,
  signal: AbortSignal,
  from: Source | undefined,
): Promise<readonly LookupAddress[] | Error> {
  const deadline = cancellable(DNS_MS, signal)
  try {
    const found = await Promise.race([addressesOf(host, from), deadline.ended])
    return found ?? new Error(`no answer for "${host}"`)
  } catch (cause) {
    return cause instanceof Error ? cause : new Error(String(cause))
  } finally {
    deadline.clear()
  }
}

/** Resolves with undefined after the time or at the abort, whichever is first. */
function cancellable(ms: Millis, signal: AbortSignal): { readonly ended: Promise<undefined>; clear(): void } {
  let clear: () => void = () => undefined
  const ended = new Promise<undefined>((resolve) => {
    const end = (): void => resolve(undefined)
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    clear = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
    }
  })
  return { ended, clear: () => clear() }
}

interface TftpHow {
  readonly policy: Partial<TransferPolicy> | undefined
  readonly signal: AbortSignal
  readonly from: Source | undefined
}

async function exchangeTftp(
  request: FetchRequest,
  addresses: readonly LookupAddress[],
  how: TftpHow,
): Promise<FetchOutcome> {
  let outcome: FetchOutcome = { kind: 'failed', reason: 'dns', detail: 'no address' }
  for (const { address } of addresses) {
    const { signal, policy, from } = how
    const localAddress = localAddressFor(from, address)
    const target = { host: address, port: request.port, path: request.path, signal, policy, localAddress }
    const result =
      request.method === 'GET'
        ? await tftpRead({ ...target, maxBytes: request.bytesMax })
        : // MPP §12.2: a report goes by "TFTP PUT".
          await tftpWrite({ ...target, body: request.body ?? new Uint8Array(0) })
    outcome = tftpOutcome(result, address)
    const unreached = outcome.kind === 'failed' && outcome.reason !== 'too-large'
    if (!unreached || how.signal.aborted) return outcome
  }
  return outcome
}

function tftpOutcome(result: TftpReadResult | TftpWriteResult, peerAddress: string): FetchOutcome {
  switch (result.kind) {
    case 'file':
      return { kind: 'tftp-file', body: result.bytes, peerAddress }
    case 'sent':
      return { kind: 'tftp-file', body: new Uint8Array(0), peerAddress }
    case 'error':
      return { kind: 'tftp-error', code: result.code, message: result.message, peerAddress }
    case 'failed':
      return { ...result, reason: result.reason === 'network' ? 'broken' : result.reason }
    default:
      return assertNever(result)
  }
}

async function resolveSrv(name: string, resolver: Resolver, signal: AbortSignal): Promise<readonly SrvRecord[]> {
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const records = await resolver.resolveSrv(name)
    const known = records.slice(0, SRV_RECORDS_MAX)
    return known.map(({ priority, weight, name: host, port }) => ({ priority, weight, host, port }))
  } catch {
    // No such name, no server, no answer: all the same to a phone that looks for its provider.
    return []
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
