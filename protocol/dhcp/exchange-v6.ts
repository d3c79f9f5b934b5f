import { bytesToHex } from '../bytes.ts'
import { assertNever, type Millis, type Rng } from '../result.ts'
import { ipv6ToBytes, isAssignableIpv6 } from './address.ts'
import { waitAfter } from './exchange-send.ts'
import {
  DHCPV6_FIELD,
  DUID_BYTES_MAX,
  findGranted,
  isTo,
  judgeInformation,
  leaseOf,
  numberOf,
  serverDuidOf,
} from './exchange-v6-lease.ts'
import type { Dhcpv6Lease } from './exchange-v6-lease.ts'
import { DHCPV6_WAITS, drawXidV6, iaidOf, nextWaitMs, writeClientMessageV6 } from './exchange-v6-send.ts'
import type { Dhcpv6Ask, Dhcpv6ClientMessage } from './exchange-v6-send.ts'
import { DECLINE_WAIT_MS } from './exchange.ts'
import type { DhcpClientEvent, LeaseOutput } from './exchange.ts'
import { FOREVER_SECONDS } from './lease-times.ts'
import { decodeDhcpv6Message, duidOfMac } from './message-v6.ts'
import type { Dhcpv6Message } from './message-v6.ts'
import type { DhcpProblem } from './options/vendor-data.ts'

/*
 * The client of RFC 8415 §18.2, sans-io.
 *
 *   init        nothing is going on, or a wait before it begins
 *   soliciting  SOLICIT is out; the first ADVERTISE that a phone can use is taken
 *   requesting  REQUEST for it is out
 *   informing   INFORMATION-REQUEST is out (stateless)
 *   bound       has a lease, or options
 *   renewing    T1 is over: RENEW, or in stateless mode INFORMATION-REQUEST, is out
 *   rebinding   T2 is over: REBIND is out
 *
 * Only an answer with the transaction and the DUID of the exchange that is open counts; there is none in init and bound.
 * Not done: waiting for a better ADVERTISE (§18.2.1), CONFIRM, repeating RELEASE and DECLINE (a server learns of a lost one
 * when the address ends), rapid commit, RECONFIGURE.
 */

/** What a client wants done, in order: as that of DHCP for IPv4. */
export type Dhcpv6Output =
  | LeaseOutput<Dhcpv6Lease>
  /** To ff02::1:2, port 547, from port 546. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array; readonly to: 'multicast' }

/** A client between two events: a plain value. `wakeAt`: when it wants a tick, milliseconds since the epoch. */
export type Dhcpv6Client = InitClient | AskingClient | RequestingClient | BoundClient | ExtendingClient

/** A client and what it wants done. */
export interface Dhcpv6Step {
  readonly client: Dhcpv6Client
  readonly outputs: readonly Dhcpv6Output[]
}

interface AnyClient {
  readonly ask: Dhcpv6Ask
  readonly wakeAt: Millis | undefined
  /** How often a server has refused since the last lease: each makes it wait longer. */
  readonly setbacks: number
  /** Longest waits, which a server may set (RFC 8415 §21.24, §21.25), milliseconds. */
  readonly solicitMaxMs: Millis
  readonly informMaxMs: Millis
}

/** What all states with an open exchange have. */
interface OpenExchange {
  readonly xid: number
  /** When its first message was sent. */
  readonly since: Millis
  readonly tries: number
  /** The wait after the last sending. */
  readonly waitMs: Millis
}

interface InitClient extends AnyClient {
  readonly state: 'init'
  /** The address of the last time, wished for. */
  readonly wished: string | undefined
}

interface AskingClient extends AnyClient, OpenExchange {
  readonly state: 'soliciting' | 'informing'
  readonly wished: string | undefined
}

interface RequestingClient extends AnyClient, OpenExchange {
  readonly state: 'requesting'
  readonly address: string
  readonly serverDuid: Uint8Array
}

interface BoundClient extends AnyClient {
  readonly state: 'bound'
  readonly lease: Dhcpv6Lease
  /** When the REPLY came: times count from here (RFC 8415 §21.4). */
  readonly leasedAt: Millis
}

interface ExtendingClient extends AnyClient, OpenExchange {
  readonly state: 'renewing' | 'rebinding'
  readonly lease: Dhcpv6Lease
  readonly leasedAt: Millis
}

type OpenClient = AskingClient | RequestingClient | ExtendingClient

/** REQUESTs for one ADVERTISE (RFC 8415 §7.6, REQ_MAX_RC). */
export const DHCPV6_REQUEST_TRIES_MAX = 10

/** Longest wait before the first message, so that phones that start together do not ask together (RFC 8415 §7.6). */
const START_DELAY_MAX_MS = 1000

/** What a server may set as longest wait, in seconds (RFC 8415 §21.24). */
const WAIT_MAX_SECONDS = { least: 60, most: 86_400 }

/** @returns a client that does nothing before `start`. Throws an assertion error when the ask is too long for one message. */
export function createDhcpv6Client(ask: Dhcpv6Ask): Dhcpv6Client {
  // The longest message it will ever send, so that no later step can fail.
  const longest = {
    type: 'request',
    xid: 0,
    elapsedMs: 0,
    address: '::',
    serverDuid: new Uint8Array(DUID_BYTES_MAX),
  } as const
  writeClientMessageV6(ask, longest)
  const { soliciting, informing } = DHCPV6_WAITS
  const waits = { solicitMaxMs: soliciting.maxMs, informMaxMs: informing.maxMs }
  return { ask, state: 'init', wakeAt: undefined, setbacks: 0, ...waits, wished: undefined }
}

/**
 * Lets one event happen at `now`, milliseconds since the epoch; the events are those of DHCP for IPv4. Never throws. `rng` gives
 * transactions and waits. The first message goes out up to a second after `start`; `lastAddress` is wished for in SOLICIT.
 */
export function stepDhcpv6(client: Dhcpv6Client, event: DhcpClientEvent, now: Millis, rng: Rng): Dhcpv6Step {
  switch (event.kind) {
    case 'start':
      return start(client, event.lastAddress, now, rng)
    case 'received':
      return receive(client, event.bytes, now, rng)
    case 'tick':
      return client.wakeAt === undefined || now < client.wakeAt ? stay(client) : wake(client, now, rng)
    case 'in-use':
      return decline(client, now, rng)
    case 'release':
      return release(client, rng)
    default:
      return assertNever(event)
  }
}

function start(client: Dhcpv6Client, lastAddress: string | undefined, now: Millis, rng: Rng): Dhcpv6Step {
  const bytes = ipv6ToBytes(lastAddress ?? '')
  const wished = bytes !== undefined && isAssignableIpv6(bytes) ? lastAddress : undefined
  const wakeAt = now + Math.floor(rng() * START_DELAY_MAX_MS)
  return { client: { ...base(client), setbacks: 0, state: 'init', wakeAt, wished }, outputs: [] }
}

function wake(client: Dhcpv6Client, now: Millis, rng: Rng): Dhcpv6Step {
  switch (client.state) {
    case 'init':
      return begin(client, client.wished, now, rng)
    case 'soliciting':
    case 'informing':
      return transmit(client, now, rng)
    case 'requesting':
      return client.tries < DHCPV6_REQUEST_TRIES_MAX
        ? transmit(client, now, rng)
        : begin(client, client.address, now, rng)
    case 'bound':
    case 'renewing':
    case 'rebinding':
      return extend(client, now, rng)
    default:
      return assertNever(client)
  }
}

function receive(client: Dhcpv6Client, bytes: Uint8Array, now: Millis, rng: Rng): Dhcpv6Step {
  if (client.state === 'init' || client.state === 'bound') return stay(client)
  // Only a decoded answer names its client, so broken bytes are nobody's.
  const decoded = decodeDhcpv6Message(bytes)
  if (!decoded.ok || decoded.value.xid !== client.xid) return stay(client)
  const message = decoded.value
  const expected = client.state === 'soliciting' ? 'advertise' : 'reply'
  if (message.type !== expected || !isTo(message, duidOfMac(client.ask.mac))) return stay(client)
  const server = serverDuidOf(message)
  if (server === undefined) return ignore(client, 'Cannot take a DHCPv6 answer without the name of one server')
  const heard = { ...client, ...waitsOf(message, client) }
  switch (heard.state) {
    case 'soliciting':
      return takeAdvertise(heard, message, server, now, rng)
    case 'informing':
      return takeInformation(heard, message, now)
    case 'requesting':
      return bytesToHex(server) === bytesToHex(heard.serverDuid)
        ? takeReply(heard, message, heard.address, now, rng)
        : ignore(client, 'Cannot take a REPLY of another DHCPv6 server than the one that was asked')
    case 'renewing':
    case 'rebinding':
      return heard.lease.address === undefined
        ? takeInformation(heard, message, now)
        : takeReply(heard, message, heard.lease.address, now, rng)
    default:
      return assertNever(heard)
  }
}

function takeAdvertise(
  client: AskingClient,
  message: Dhcpv6Message,
  serverDuid: Uint8Array,
  now: Millis,
  rng: Rng,
): Dhcpv6Step {
  const granted = findGranted(message, iaidOf(client.ask.mac), client.wished, false)
  if (granted.kind !== 'granted') return ignored(client, granted.problem)
  const { address } = granted
  return transmit({ ...base(client), ...opened(now, rng), state: 'requesting', address, serverDuid }, now, rng)
}

function takeReply(
  client: RequestingClient | ExtendingClient,
  message: Dhcpv6Message,
  address: string,
  now: Millis,
  rng: Rng,
): Dhcpv6Step {
  const extending = client.state !== 'requesting'
  const granted = findGranted(message, iaidOf(client.ask.mac), address, extending)
  if (granted.kind === 'unusable') return ignored(client, granted.problem)
  if (granted.kind === 'refused') {
    const again = beginAgain(client, now, rng)
    return extending ? { ...again, outputs: [{ kind: 'lost', reason: 'refused' }] } : again
  }
  const lease = leaseOf(message, granted.address, granted.times)
  return lease.ok ? bind(client, lease.value, now) : ignored(client, lease.error)
}

function takeInformation(client: AskingClient | ExtendingClient, message: Dhcpv6Message, now: Millis): Dhcpv6Step {
  const lease = judgeInformation(message)
  return lease.ok ? bind(client, lease.value, now) : ignored(client, lease.error)
}

function bind(client: OpenClient, lease: Dhcpv6Lease, now: Millis): Dhcpv6Step {
  const kind = 'lease' in client ? 'renewed' : 'bound'
  const wakeAt = lease.renewSeconds === FOREVER_SECONDS ? undefined : now + lease.renewSeconds * 1000
  return {
    client: { ...base(client), setbacks: 0, state: 'bound', wakeAt, lease, leasedAt: now },
    outputs: [{ kind, lease }],
  }
}

/** After a refusal: soon the first time, then slower and slower. */
function beginAgain(client: AnyClient, now: Millis, rng: Rng): Dhcpv6Step {
  const setbacks = client.setbacks + 1
  const wait = setbacks === 1 ? Math.floor(rng() * START_DELAY_MAX_MS) : waitAfter(setbacks - 1, rng)
  return { client: { ...base(client), setbacks, state: 'init', wakeAt: now + wait, wished: undefined }, outputs: [] }
}

function begin(client: AnyClient, wished: string | undefined, now: Millis, rng: Rng): Dhcpv6Step {
  const state = client.ask.mode === 'stateful' ? 'soliciting' : 'informing'
  return transmit({ ...base(client), ...opened(now, rng), state, wished }, now, rng)
}

/** T1, T2 or the end of the address has come, or an answer has not. */
function extend(client: BoundClient | ExtendingClient, now: Millis, rng: Rng): Dhcpv6Step {
  const { lease, leasedAt } = client
  // Only what has an address ends; with options alone both other times are for ever.
  const passed = (seconds: number): boolean => seconds !== FOREVER_SECONDS && now >= leasedAt + seconds * 1000
  if (passed(lease.validSeconds)) {
    const again = begin(client, undefined, now, rng)
    return { ...again, outputs: [{ kind: 'lost', reason: 'expired' }, ...again.outputs] }
  }
  const state = passed(lease.rebindSeconds) ? 'rebinding' : 'renewing'
  if (client.state === state) return transmit(client, now, rng)
  return transmit({ ...base(client), ...opened(now, rng), state, lease, leasedAt }, now, rng)
}

/** Sends the message of the open exchange, for the first time or again with the same transaction (RFC 8415 §15). */
function transmit(client: OpenClient, now: Millis, rng: Rng): Dhcpv6Step {
  const limits = limitsOf(client)
  const again = client.tries > 0
  // The first SOLICIT is never repeated before its second is over (RFC 8415 §18.2.1).
  const chance = client.state === 'soliciting' && !again ? (): number => 0.5 + rng() / 2 : rng
  const waitMs = nextWaitMs(again ? client.waitMs : undefined, limits, chance)
  const { xid, since } = client
  const message: Dhcpv6ClientMessage = { xid, elapsedMs: now - since, ...contentOf(client) }
  return {
    client: { ...client, tries: client.tries + 1, waitMs, wakeAt: Math.min(now + waitMs, untilOf(client)) },
    outputs: [send(client.ask, message)],
  }
}

function contentOf(client: OpenClient): Pick<Dhcpv6ClientMessage, 'type' | 'address' | 'serverDuid'> {
  switch (client.state) {
    case 'soliciting':
      return { type: 'solicit', ...(client.wished === undefined ? {} : { address: client.wished }) }
    case 'informing':
      return { type: 'information-request' }
    case 'requesting':
      return { type: 'request', address: client.address, serverDuid: client.serverDuid }
    case 'renewing':
      return client.lease.address === undefined
        ? { type: 'information-request' }
        : { type: 'renew', address: client.lease.address, serverDuid: client.lease.serverDuid }
    case 'rebinding':
      return { type: 'rebind', ...(client.lease.address === undefined ? {} : { address: client.lease.address }) }
    default:
      return assertNever(client)
  }
}

function limitsOf(client: OpenClient): { readonly firstMs: Millis; readonly maxMs: Millis } {
  const informs = client.state === 'renewing' && client.lease.address === undefined
  const limits = DHCPV6_WAITS[informs ? 'informing' : client.state]
  if (client.state === 'soliciting') return { ...limits, maxMs: client.solicitMaxMs }
  return client.state === 'informing' || informs ? { ...limits, maxMs: client.informMaxMs } : limits
}

/** When the state of an extension ends by itself. */
function untilOf(client: OpenClient): Millis {
  if (!('lease' in client)) return Number.POSITIVE_INFINITY
  const { rebindSeconds, validSeconds } = client.lease
  const seconds = client.state === 'renewing' ? rebindSeconds : validSeconds
  return seconds === FOREVER_SECONDS ? Number.POSITIVE_INFINITY : client.leasedAt + seconds * 1000
}

function decline(client: Dhcpv6Client, now: Millis, rng: Rng): Dhcpv6Step {
  if (!('lease' in client) || client.lease.address === undefined) return stay(client)
  const { address, serverDuid } = client.lease
  const wakeAt = now + DECLINE_WAIT_MS + Math.floor(rng() * 1000)
  return {
    client: { ...base(client), state: 'init', wakeAt, wished: undefined },
    outputs: [send(client.ask, { type: 'decline', xid: drawXidV6(rng), elapsedMs: 0, address, serverDuid })],
  }
}

function release(client: Dhcpv6Client, rng: Rng): Dhcpv6Step {
  const stopped: InitClient = { ...base(client), state: 'init', wakeAt: undefined, wished: undefined }
  if (!('lease' in client) || client.lease.address === undefined) return { client: stopped, outputs: [] }
  const { address, serverDuid } = client.lease
  const message = { type: 'release', xid: drawXidV6(rng), elapsedMs: 0, address, serverDuid } as const
  return { client: stopped, outputs: [send(client.ask, message)] }
}

/** What a client keeps from state to state. */
function base(client: AnyClient): AnyClient {
  const { ask, wakeAt, setbacks, solicitMaxMs, informMaxMs } = client
  return { ask, wakeAt, setbacks, solicitMaxMs, informMaxMs }
}

function opened(now: Millis, rng: Rng): OpenExchange {
  return { xid: drawXidV6(rng), since: now, tries: 0, waitMs: 0 }
}

function waitsOf(message: Dhcpv6Message, client: AnyClient): Pick<AnyClient, 'solicitMaxMs' | 'informMaxMs'> {
  return {
    solicitMaxMs: waitMsOf(numberOf(message, DHCPV6_FIELD.solicitWaitMax)) ?? client.solicitMaxMs,
    informMaxMs: waitMsOf(numberOf(message, DHCPV6_FIELD.informWaitMax)) ?? client.informMaxMs,
  }
}

function waitMsOf(seconds: number | undefined): Millis | undefined {
  const { least, most } = WAIT_MAX_SECONDS
  return seconds === undefined || seconds < least || seconds > most ? undefined : seconds * 1000
}

function send(ask: Dhcpv6Ask, message: Dhcpv6ClientMessage): Dhcpv6Output {
  return { kind: 'send', bytes: writeClientMessageV6(ask, message), to: 'multicast' }
}

function stay(client: Dhcpv6Client): Dhcpv6Step {
  return { client, outputs: [] }
}

function ignore(client: Dhcpv6Client, message: string): Dhcpv6Step {
  return ignored(client, { code: 'bad-value', message })
}

function ignored(client: Dhcpv6Client, problem: DhcpProblem): Dhcpv6Step {
  return { client, outputs: [{ kind: 'ignored', problem }] }
}
