/**
 * DHCPv6 of one phone. Whether the network gives addresses by it, a router says, and Node cannot hear routers; so the phone
 * asks for an address and, at the same time, for options alone, and takes what comes. Source: RFC 8415 §18.2.1, §18.2.6.
 */
import {
  createDhcpv6Client,
  type Dhcpv6Client,
  type Dhcpv6Lease,
  type DhcpClientEvent,
  stepDhcpv6,
} from '../../../protocol/dhcp/mod.ts'
import { assertNever, type Millis } from '../../../protocol/result.ts'
import type { Alarm } from '../schedule.ts'
import type { LanInterface, OwnAddress } from './interface.ts'
import { lifeOf } from './lease.ts'
import type { DhcpGuest } from './seat.ts'
import type { DhcpSocket } from './sockets.ts'

/** What a phone with an IPv4 address waits for DHCPv6: two tries fit, over an address of the link that is still new. */
const PATIENCE_MS: Millis = 4000
/** Options came alone: an address may still follow. */
const ADDRESS_MS: Millis = 1500

/** What DHCPv6 gave so far. */
export interface GivenV6 {
  readonly address: string | undefined
  readonly dnsServers: readonly string[]
  readonly domains: readonly string[]
  /** All of an option's values by its code; empty while nothing was given. */
  readonly options: ReadonlyMap<number, readonly Uint8Array[]>
}

export interface SeatV6 {
  start(extra: ReadonlyMap<number, Uint8Array>): void
  received(bytes: Uint8Array): void
  /** Resolves when it is no longer worth waiting for. */
  settled(): Promise<void>
  given(): GivenV6
  leave(how: { readonly orderly: boolean }): Promise<void>
}

export interface SeatV6Parts {
  readonly lan: LanInterface
  readonly socket: DhcpSocket
  /** It has given, or lost, something. */
  readonly changed: () => void
}

export function openSeatV6(guest: DhcpGuest, parts: SeatV6Parts): SeatV6 {
  return new OpenSeatV6(guest, parts)
}

type Mode = 'stateful' | 'stateless'

interface Exchange {
  client: Dhcpv6Client | undefined
  lease: Dhcpv6Lease | undefined
  readonly alarm: Alarm
}

class OpenSeatV6 implements SeatV6 {
  readonly #guest: DhcpGuest
  readonly #parts: SeatV6Parts
  readonly #exchanges: Readonly<Record<Mode, Exchange>>
  readonly #patience: Alarm
  #own: OwnAddress | undefined
  #queue: Promise<void> = Promise.resolve()
  #wait = waiting()

  constructor(guest: DhcpGuest, parts: SeatV6Parts) {
    this.#guest = guest
    this.#parts = parts
    const exchange = (mode: Mode): Exchange => ({
      client: undefined,
      lease: undefined,
      alarm: guest.schedule.alarm(() => this.#step(mode, { kind: 'tick' })),
    })
    this.#exchanges = { stateful: exchange('stateful'), stateless: exchange('stateless') }
    this.#patience = guest.schedule.alarm(() => this.#wait.end())
  }

  start(extra: ReadonlyMap<number, Uint8Array>): void {
    this.#wait.end()
    this.#wait = waiting()
    this.#patience.set(this.#guest.now() + PATIENCE_MS)
    for (const mode of ['stateful', 'stateless'] as const) {
      const exchange = this.#exchanges[mode]
      exchange.client = createDhcpv6Client({ mac: this.#guest.mac, mode, extra })
      this.#step(mode, { kind: 'start' })
    }
  }

  /** Both are told; each takes only what answers its own transaction. */
  received(bytes: Uint8Array): void {
    this.#step('stateful', { kind: 'received', bytes })
    this.#step('stateless', { kind: 'received', bytes })
  }

  settled(): Promise<void> {
    return this.#wait.ended
  }

  given(): GivenV6 {
    const { stateful, stateless } = this.#exchanges
    const leases = [stateful.lease, stateless.lease].flatMap((lease) => lease ?? [])
    return {
      address: this.#own?.address,
      dnsServers: leases.find(({ dnsServers }) => dnsServers.length > 0)?.dnsServers ?? [],
      domains: leases.find(({ domains }) => domains.length > 0)?.domains ?? [],
      // What came with the address counts more.
      options: new Map(leases.toReversed().flatMap(({ options }) => [...options])),
    }
  }

  #step(mode: Mode, event: DhcpClientEvent): void {
    const exchange = this.#exchanges[mode]
    if (exchange.client === undefined) return
    const { client, outputs } = stepDhcpv6(exchange.client, event, this.#guest.now(), this.#guest.rng)
    exchange.client = client
    exchange.alarm.set(client.wakeAt)
    for (const output of outputs) {
      switch (output.kind) {
        case 'send':
          this.#parts.socket.broadcast(output.bytes)
          break
        case 'bound':
        case 'renewed':
          exchange.lease = output.lease
          if (mode === 'stateful') this.#inTurn(() => this.#place(output.lease))
          else {
            this.#patience.set(this.#guest.now() + ADDRESS_MS)
            this.#parts.changed()
          }
          break
        case 'lost':
          exchange.lease = undefined
          if (mode === 'stateful') this.#inTurn(() => this.#remove())
          break
        case 'ignored':
          break
        default:
          assertNever(output)
      }
    }
  }

  async #place({ address, prefixLength, validSeconds }: Dhcpv6Lease): Promise<void> {
    if (address !== undefined) {
      const own = { address, prefixLength, router: undefined, seconds: lifeOf(validSeconds) }
      const added = await this.#parts.lan.put(own, this.#own)
      if (added.ok) this.#own = own
    }
    this.#wait.end()
    this.#parts.changed()
  }

  async #remove(): Promise<void> {
    const own = this.#own
    this.#own = undefined
    if (own !== undefined) await this.#parts.lan.remove(own)
  }

  async leave({ orderly }: { readonly orderly: boolean }): Promise<void> {
    if (orderly) this.#step('stateful', { kind: 'release' })
    for (const exchange of Object.values(this.#exchanges)) {
      exchange.client = undefined
      exchange.lease = undefined
      exchange.alarm.set(undefined)
    }
    this.#patience.set(undefined)
    this.#wait.end()
    this.#inTurn(() => this.#remove())
    await this.#queue
  }

  #inTurn(change: () => Promise<void>): void {
    this.#queue = this.#queue.then(change)
  }
}

function waiting(): { readonly ended: Promise<void>; end(): void } {
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { ended, end: () => end() }
}
