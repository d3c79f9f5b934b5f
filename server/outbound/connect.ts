/** One TCP connection to a host that somebody else chose, for what speaks something that is not quite HTTP. */
import { connect, type Socket } from 'node:net'
import { ok, type Result } from '../../protocol/result.ts'
import { checkedAddresses, codeOf, fail, type HostAddress, type NameResolver, type OutboundProblem } from './request.ts'

/** Addresses of one name that are tried; more would leave too little time for each. */
const ADDRESSES_MAX = 4

export interface GuardedConnection {
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  /** For everything together: the name's resolution and all addresses that are tried. */
  readonly timeoutMs: number
  /** Networks (CIDR) that may be reached although they are near: `settings.outboundAllow`. */
  readonly allow: readonly string[]
  /** Instead of the system's resolver. */
  readonly resolve?: NameResolver
  /** Ends it early, as `timeout`, and later destroys the socket. */
  readonly signal?: AbortSignal
}

/**
 * Resolves the name once, refuses addresses near us (see `addresses.ts`) and connects to the first of the checked
 * addresses that answers, never to the name. Whoever gets the socket must destroy it. Never throws.
 */
export async function guardedConnect(options: GuardedConnection): Promise<Result<Socket, OutboundProblem>> {
  const { host, port, timeoutMs, signal } = options
  const late = fail('timeout', `${host}:${port} could not be reached within ${timeoutMs} ms`)
  const deadline = performance.now() + timeoutMs
  const stop = stopper(timeoutMs, signal)
  const found = await Promise.race([checkedAddresses(host, options.allow, options.resolve), stop.stopped])
  stop.end()
  if (found === undefined) return late
  if (!found.ok) return found
  let last: Result<Socket, OutboundProblem> = late
  const addresses = found.value.slice(0, ADDRESSES_MAX)
  for (const [index, address] of addresses.entries()) {
    // What is left is shared, so that an address that swallows everything leaves time for the next.
    const share = (deadline - performance.now()) / (addresses.length - index)
    if (share <= 0 || signal?.aborted === true) return late
    last = await tryAddress(address, share, options)
    if (last.ok) return last
  }
  return last
}

/** Resolves to undefined after a time, or when the signal says so. */
function stopper(timeoutMs: number, signal: AbortSignal | undefined): { stopped: Promise<undefined>; end(): void } {
  let stop = (): void => undefined
  const stopped = new Promise<undefined>((done) => {
    stop = () => done(undefined)
  })
  const timer = setTimeout(stop, timeoutMs)
  if (signal?.aborted === true) stop()
  signal?.addEventListener('abort', stop)
  const end = (): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
  return { stopped, end }
}

function tryAddress(
  { address, family }: HostAddress,
  timeoutMs: number,
  { host, port, signal }: GuardedConnection,
): Promise<Result<Socket, OutboundProblem>> {
  return new Promise((done) => {
    const socket = connect({ host: address, family, port, ...(signal === undefined ? {} : { signal }) })
    const timer = setTimeout(() => {
      done(fail('timeout', `${host}:${port} could not be reached in time`))
      socket.destroy()
    }, timeoutMs)
    // Stays for good: without a listener a later error, which its user may not wait for, would end the process.
    socket.on('error', (error) => {
      clearTimeout(timer)
      done(fail(signal?.aborted === true ? 'timeout' : 'unreachable', unreachedText(host, port, error)))
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      done(ok(socket))
    })
  })
}

function unreachedText(host: string, port: number, error: Error): string {
  return `${host}:${port} cannot be reached (${codeOf(error)})`
}
