import { assertNever, type Millis, type Rng } from '../result.ts'
import { ipv4ToBytes, isAssignableIpv4 } from './address.ts'
import { judgeLease, serverIdOf } from './exchange-lease.ts'
import type { DhcpLease } from './exchange-lease.ts'
import { drawXid, waitAfter, writeClientMessage } from './exchange-send.ts'
import type { ClientMessage, DhcpAsk } from './exchange-send.ts'
import { FOREVER_SECONDS } from './lease-times.ts'
import { decodeDhcpMessage, peekDhcpReply } from './message.ts'
import type { DhcpMessage } from './message.ts'
import type { DhcpProblem } from './options/vendor-data.ts'

/*
 * The client of RFC 2131 §4.4, sans-io.
 *
 *   init        nothing is going on, or a wait before it begins again
 *   selecting   DISCOVER is out; the first OFFER that a phone can use is taken
 *   requesting  REQUEST for an offer is out
 *   rebooting   REQUEST for the address of the last time is out (INIT-REBOOT)
 *   bound       has a lease
 *   renewing    T1 is over: REQUEST to the server that granted the lease
 *   rebinding   T2 is over: REQUEST to any server
 *
 * Only an answer with the xid and the MAC of the exchange that is open counts; there is none in init and bound. So what
 * comes late, twice or out of order changes nothing.
 */

/** What happens to a client. `lastAddress`: the address that it had before, which it asks for first (INIT-REBOOT). */
export type DhcpClientEvent =
  /** The link is up: begins anew in any state, and forgets a lease. */
  | { readonly kind: 'start'; readonly lastAddress?: string }
  /** A datagram came; whose it is, the client sees. */
  | { readonly kind: 'received'; readonly bytes: Uint8Array }
  /** Time has passed. Before `wakeAt` it does nothing. */
  | { readonly kind: 'tick' }
  /** Another host answered for the address: the client declines it, and begins again after 10 seconds. */
  | { readonly kind: 'in-use' }
  /** The phone goes away: a lease is given back, nothing more is sent. */
  | { readonly kind: 'release' }

/** What a client wants done, in order. */
export type DhcpOutput =
  | LeaseOutput<DhcpLease>
  /** `to`: `broadcast`, or the dotted address of the server; port 67, from port 68. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array; readonly to: string }

/** What a client of either IP tells of its lease. */
export type LeaseOutput<Lease> =
  | { readonly kind: 'bound'; readonly lease: Lease }
  | { readonly kind: 'renewed'; readonly lease: Lease }
  /** The address may not be used any longer: its time is over, or a server said no. The client begins again by itself. */
  | { readonly kind: 'lost'; readonly reason: 'expired' | 'refused' }
  /** A reply to us that cannot be: hostile, broken, or with nothing that can be used. The exchange goes on. */
  | { readonly kind: 'ignored'; readonly problem: DhcpProblem }

/** A client between two events: a plain value. `wakeAt`: when it wants a tick, milliseconds since the epoch. */
export type DhcpClient = InitClient | SelectingClient | AskingClient | BoundClient | ExtendingClient

/** A client and what it wants done. */
export interface DhcpStep {
  readonly client: DhcpClient
  readonly outputs: readonly DhcpOutput[]
}

interface AnyClient {
  readonly ask: DhcpAsk
  readonly wakeAt: Millis | undefined
  /** When it began to want an address, or to extend a lease: `secs` counts from here. */
  readonly since: Millis
  /** How often a server has refused since the last lease: each makes it wait longer. */
  readonly setbacks: number
}

interface InitClient extends AnyClient {
  readonly state: 'init'
}

interface SelectingClient extends AnyClient {
  readonly state: 'selecting'
  readonly xid: number
  /** How often DISCOVER was sent. */
  readonly tries: number
  /** `secs` of the last DISCOVER. */
  readonly secs: number
}

interface AskingClient extends AnyClient {
  readonly state: 'requesting' | 'rebooting'
  readonly xid: number
  readonly tries: number
  readonly secs: number
  readonly address: string
  /** Whose offer it is; undefined when rebooting, where any server may answer. */
  readonly serverId: string | undefined
  /** When the first REQUEST was sent: the lease counts from here (RFC 2131 §4.4.1). */
  readonly askedAt: Millis
}

interface BoundClient extends AnyClient {
  readonly state: 'bound'
  readonly lease: DhcpLease
  /** When the lease began. */
  readonly leasedAt: Millis
}

interface ExtendingClient extends AnyClient {
  readonly state: 'renewing' | 'rebinding'
  readonly lease: DhcpLease
  readonly leasedAt: Millis
  readonly xid: number
  readonly askedAt: Millis
}

/** REQUESTs for one offer, in all about a minute (RFC 2131 §3.1 step 5). */
export const REQUEST_TRIES_MAX = 4

/** REQUESTs for the address of the last time: a server that does not know it is silent (RFC 2131 §4.3.2), and a phone wants to start. */
export const REBOOT_TRIES_MAX = 2

/** Shortest wait after a DECLINE (RFC 2131 §3.1 step 5). */
export const DECLINE_WAIT_MS = 10_000

/** Shortest wait between two REQUESTs that extend a lease (RFC 2131 §4.4.5). */
export const EXTEND_WAIT_MIN_MS = 60_000

/** @returns a client that does nothing before `start`. Throws an assertion error when the ask is too long for one message. */
export function createDhcpClient(ask: DhcpAsk): DhcpClient {
  // The longest message it will ever send, so that no later step can fail.
  const longest = { type: 'request', xid: 0, secs: 0, requested: '0.0.0.0', serverId: '0.0.0.0' } as const
  writeClientMessage(ask, longest)
  return { ask, state: 'init', wakeAt: undefined, since: 0, setbacks: 0 }
}

/**
 * Lets one event happen at `now`, milliseconds since the epoch. Never throws. `rng` gives xids and jitter.
 *
 * Broadcasts REQUEST after the first OFFER that can be used; repeats after 4, 8, 16, 32, 64 seconds, one more or less; begins
 * again after a NAK, at once the first time and then after the same waits; renews at T1, rebinds at T2 (RFC 2131 §4.4).
 */
export function stepDhcp(client: DhcpClient, event: DhcpClientEvent, now: Millis, rng: Rng): DhcpStep {
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
      return release(client, now, rng)
    default:
      return assertNever(event)
  }
}

function start(client: DhcpClient, lastAddress: string | undefined, now: Millis, rng: Rng): DhcpStep {
  const fresh = { ask: client.ask, since: now, setbacks: 0 }
  const bytes = ipv4ToBytes(lastAddress ?? '')
  // What no server can have given, no server is asked for.
  if (lastAddress === undefined || bytes === undefined || !isAssignableIpv4(bytes)) {
    return discover(fresh, now, rng)
  }
  const rebooting = { ...fresh, state: 'rebooting', wakeAt: now, xid: drawXid(rng), tries: 0, secs: 0 } as const
  return request({ ...rebooting, address: lastAddress, serverId: undefined, askedAt: now }, now, rng)
}

function wake(client: DhcpClient, now: Millis, rng: Rng): DhcpStep {
  switch (client.state) {
    case 'init':
      return discover(client, now, rng)
    case 'selecting':
      return sendDiscover(client, now, rng)
    case 'requesting':
      return client.tries < REQUEST_TRIES_MAX ? request(client, now, rng) : discover(client, now, rng)
    case 'rebooting':
      return client.tries < REBOOT_TRIES_MAX ? request(client, now, rng) : discover(client, now, rng)
    case 'bound':
    case 'renewing':
    case 'rebinding':
      return extend(client, now, rng)
    default:
      return assertNever(client)
  }
}

function receive(client: DhcpClient, bytes: Uint8Array, now: Millis, rng: Rng): DhcpStep {
  if (client.state === 'init' || client.state === 'bound') return stay(client)
  const peeked = peekDhcpReply(bytes)
  if (peeked?.xid !== client.xid || peeked.chaddr !== client.ask.mac) return stay(client)
  const decoded = decodeDhcpMessage(bytes)
  if (!decoded.ok) return ignore(client, decoded.error)
  const message = decoded.value
  if (client.state === 'selecting')
    return message.type === 'offer' ? takeOffer(client, message, now, rng) : stay(client)
  if (message.type === 'ack') return takeAck(client, message)
  return message.type === 'nak' ? takeNak(client, message, now, rng) : stay(client)
}

function takeOffer(client: SelectingClient, offer: DhcpMessage, now: Millis, rng: Rng): DhcpStep {
  const judged = judgeLease(offer)
  if (!judged.ok) return ignore(client, judged.error)
  const { address, serverId } = judged.value
  // The same xid, and the same `secs` as the DISCOVER, so that relays treat both alike (RFC 2131 §4.4.1).
  return request({ ...client, state: 'requesting', tries: 0, address, serverId, askedAt: now }, now, rng)
}

function takeAck(client: AskingClient | ExtendingClient, ack: DhcpMessage): DhcpStep {
  const judged = judgeLease(ack)
  if (!judged.ok) return ignore(client, judged.error)
  const lease = judged.value
  const expected = expectedOf(client)
  if (lease.address !== expected.address || (expected.serverId ?? lease.serverId) !== lease.serverId) {
    return ignore(client, {
      code: 'bad-value',
      message:
        `Cannot take address "${lease.address}" from server "${lease.serverId}": expected "${expected.address}" ` +
        `from "${expected.serverId ?? 'any'}", look for a second DHCP server`,
    })
  }
  const kind = client.state === 'renewing' || client.state === 'rebinding' ? 'renewed' : 'bound'
  const { ask, since, askedAt: leasedAt } = client
  const wakeAt = lease.leaseSeconds === FOREVER_SECONDS ? undefined : leasedAt + lease.renewSeconds * 1000
  return {
    client: { ask, since, setbacks: 0, state: 'bound', wakeAt, lease, leasedAt },
    outputs: [{ kind, lease }],
  }
}

function takeNak(client: AskingClient | ExtendingClient, nak: DhcpMessage, now: Millis, rng: Rng): DhcpStep {
  const serverId = serverIdOf(nak)
  const expected = expectedOf(client).serverId
  if (serverId === undefined || (expected ?? serverId) !== serverId) {
    return ignore(client, {
      code: 'bad-value',
      message: `Cannot take a NAK of server "${serverId ?? 'none'}": expected "${expected ?? 'any'}", look for a second DHCP server`,
    })
  }
  const extending = client.state === 'renewing' || client.state === 'rebinding'
  const again = beginAgain({ ...client, since: extending ? now : client.since }, now, rng)
  return extending ? { ...again, outputs: [{ kind: 'lost', reason: 'refused' }, ...again.outputs] } : again
}

/** Whose answer, with which address, is waited for; while renewing it can only be the server that granted the lease. */
function expectedOf(client: AskingClient | ExtendingClient): { address: string; serverId: string | undefined } {
  switch (client.state) {
    case 'requesting':
    case 'rebooting':
      return { address: client.address, serverId: client.serverId }
    case 'renewing':
      return { address: client.lease.address, serverId: client.lease.serverId }
    case 'rebinding':
      return { address: client.lease.address, serverId: undefined }
    default:
      return assertNever(client)
  }
}

/** After a refusal: at once the first time, since a phone that was moved is refused once; then slower and slower. */
function beginAgain(client: Pick<AnyClient, 'ask' | 'since' | 'setbacks'>, now: Millis, rng: Rng): DhcpStep {
  const { ask, since } = client
  const setbacks = client.setbacks + 1
  if (setbacks === 1) return discover({ ask, since, setbacks }, now, rng)
  const wakeAt = now + waitAfter(setbacks - 1, rng)
  return { client: { ask, since, setbacks, state: 'init', wakeAt }, outputs: [] }
}

function discover(client: Pick<AnyClient, 'ask' | 'since' | 'setbacks'>, now: Millis, rng: Rng): DhcpStep {
  const { ask, since, setbacks } = client
  const selecting = { ask, since, setbacks, state: 'selecting', wakeAt: now, tries: 0, secs: 0 } as const
  return sendDiscover({ ...selecting, xid: drawXid(rng) }, now, rng)
}

function sendDiscover(client: SelectingClient, now: Millis, rng: Rng): DhcpStep {
  const tries = client.tries + 1
  const secs = secondsSince(client.since, now)
  return {
    client: { ...client, tries, secs, wakeAt: now + waitAfter(tries, rng) },
    outputs: [send(client.ask, { type: 'discover', xid: client.xid, secs })],
  }
}

function request(client: AskingClient, now: Millis, rng: Rng): DhcpStep {
  const tries = client.tries + 1
  const secs = client.state === 'requesting' ? client.secs : secondsSince(client.since, now)
  const { ask, xid, address: requested, serverId } = client
  return {
    client: { ...client, tries, secs, wakeAt: now + waitAfter(tries, rng) },
    outputs: [send(ask, { type: 'request', xid, secs, requested, ...(serverId === undefined ? {} : { serverId }) })],
  }
}

/** T1, T2 or the end of the lease has come, or an answer has not. Each REQUEST is an exchange of its own: they are minutes apart. */
function extend(client: BoundClient | ExtendingClient, now: Millis, rng: Rng): DhcpStep {
  const { ask, setbacks, lease, leasedAt } = client
  const rebindAt = leasedAt + lease.rebindSeconds * 1000
  const endsAt = leasedAt + lease.leaseSeconds * 1000
  if (now >= endsAt) {
    const again = discover({ ask, setbacks, since: now }, now, rng)
    return { ...again, outputs: [{ kind: 'lost', reason: 'expired' }, ...again.outputs] }
  }
  const state = now < rebindAt ? 'renewing' : 'rebinding'
  const until = now < rebindAt ? rebindAt : endsAt
  const wakeAt = Math.min(until, now + Math.max(EXTEND_WAIT_MIN_MS, Math.floor((until - now) / 2)))
  const since = client.state === 'bound' ? now : client.since
  const xid = drawXid(rng)
  const message = { type: 'request', xid, secs: secondsSince(since, now), ciaddr: lease.address } as const
  return {
    client: { ask, setbacks, lease, leasedAt, state, since, xid, askedAt: now, wakeAt },
    outputs: [send(ask, message, state === 'renewing' ? lease.serverId : 'broadcast')],
  }
}

function decline(client: DhcpClient, now: Millis, rng: Rng): DhcpStep {
  if (!('lease' in client)) return stay(client)
  const { ask, setbacks, lease } = client
  const { address: requested, serverId } = lease
  const message = { type: 'decline', xid: drawXid(rng), secs: 0, requested, serverId } as const
  const wakeAt = now + DECLINE_WAIT_MS + Math.floor(rng() * 1000)
  return { client: { ask, setbacks, state: 'init', since: now, wakeAt }, outputs: [send(ask, message)] }
}

function release(client: DhcpClient, now: Millis, rng: Rng): DhcpStep {
  const { ask, setbacks } = client
  const stopped: InitClient = { ask, setbacks, state: 'init', since: now, wakeAt: undefined }
  if (!('lease' in client)) return { client: stopped, outputs: [] }
  const { address: ciaddr, serverId } = client.lease
  const message = { type: 'release', xid: drawXid(rng), secs: 0, ciaddr, serverId } as const
  return { client: stopped, outputs: [send(ask, message, serverId)] }
}

function send(ask: DhcpAsk, message: ClientMessage, to = 'broadcast'): DhcpOutput {
  return { kind: 'send', bytes: writeClientMessage(ask, message), to }
}

function stay(client: DhcpClient): DhcpStep {
  return { client, outputs: [] }
}

function ignore(client: DhcpClient, problem: DhcpProblem): DhcpStep {
  return { client, outputs: [{ kind: 'ignored', problem }] }
}

function secondsSince(since: Millis, now: Millis): number {
  return Math.min(0xffff, Math.max(0, Math.floor((now - since) / 1000)))
}
