/** One phone on the link: its exchange with the DHCP server, and its address on the interface. Source: RFC 2131 §4.4. */
import {
  createDhcpClient,
  type DhcpAsk,
  type DhcpClientEvent,
  type DhcpLease,
  stepDhcp,
} from '../../../protocol/dhcp/mod.ts'
import type { MacAddress } from '../../../protocol/identity.ts'
import { assertNever, type Millis, type Rng } from '../../../protocol/result.ts'
import type { Lease, PhoneEvent } from '../../agent/mod.ts'
import type { Alarm, Schedule } from '../schedule.ts'
import type { Source } from '../source.ts'
import type { LanInterface, OwnAddress } from './interface.ts'
import {
  agentLease,
  discoverEvent,
  ignoredEvent,
  leaseEvent,
  lostEvent,
  ownAddressOf,
  sameLease,
  sourceOf,
} from './lease.ts'
import { openSeatV6, type SeatV6 } from './seat-v6.ts'
import type { DhcpSocket, DhcpSocketV4 } from './sockets.ts'

/** Replies that one exchange tells of as not taken; a hostile server could send them without end. */
const IGNORED_TOLD_MAX = 20

/** The phone, as the link sees it. */
export interface DhcpGuest {
  readonly mac: MacAddress
  readonly now: () => Millis
  readonly rng: Rng
  readonly schedule: Schedule
  /** There is an address, and it is on the interface: after every `start`, and when a renewal has brought other options. */
  up(lease: Lease): void
  /** The address has gone. The seat asks for another by itself. */
  down(): void
  say(event: PhoneEvent): void
}

/** What the phone sends beside the protocol's own fields, which are the seat's. */
export interface SeatAsk extends Omit<DhcpAsk, 'mac'> {
  /** Options of DHCPv6 by code. */
  readonly extraV6?: ReadonlyMap<number, Uint8Array>
}

/** The phone's place on the link. */
export interface DhcpSeat {
  /** Asks for an address, for the one it had last if there was one (INIT-REBOOT). For every boot. */
  start(ask: SeatAsk): void
  /** Undefined while there is no address. */
  source(): Source | undefined
  /** Takes the address from the interface and ends; `orderly`: gives it back to the server (DHCPRELEASE). */
  leave(how: { readonly orderly: boolean }): Promise<void>
}

/** A seat as the link needs it. */
export interface Seat extends DhcpSeat {
  receivedV4(bytes: Uint8Array): void
  receivedV6(bytes: Uint8Array): void
}

export interface SeatParts {
  readonly lan: LanInterface
  readonly v4: DhcpSocketV4
  /** Undefined: no DHCPv6. */
  readonly v6: DhcpSocket | undefined
  readonly left: () => void
}

export function openSeat(guest: DhcpGuest, parts: SeatParts): Seat {
  return new OpenSeat(guest, parts)
}

class OpenSeat implements Seat {
  readonly #guest: DhcpGuest
  readonly #parts: SeatParts
  readonly #v6: SeatV6 | undefined
  readonly #alarm: Alarm
  /** A new one for every `start`; undefined before the first one, and after `leave`. */
  #client: ReturnType<typeof createDhcpClient> | undefined
  #ignoredCount = 0
  /** What is on the interface. */
  #own: OwnAddress | undefined
  #lease: DhcpLease | undefined
  #lastAddress: string | undefined
  /** What the phone was told; undefined while it has no network. */
  #told: Lease | undefined
  /** Changes of the interface, one after another. */
  #queue: Promise<void> = Promise.resolve()

  constructor(guest: DhcpGuest, parts: SeatParts) {
    this.#guest = guest
    this.#parts = parts
    this.#alarm = guest.schedule.alarm(() => this.#step({ kind: 'tick' }))
    this.#v6 = parts.v6 === undefined ? undefined : this.#openV6(parts.v6)
  }

  #openV6(socket: DhcpSocket): SeatV6 {
    return openSeatV6(this.#guest, { lan: this.#parts.lan, socket, changed: () => this.#inTurn(() => this.#tell()) })
  }

  start({ extraV6, ...ask }: SeatAsk): void {
    const lastAddress = this.#lastAddress
    this.#told = undefined
    this.#client = createDhcpClient({ ...ask, mac: this.#guest.mac })
    this.#v6?.start(extraV6 ?? new Map())
    this.#tellDiscovery(lastAddress)
    this.#step({ kind: 'start', ...(lastAddress === undefined ? {} : { lastAddress }) })
  }

  #tellDiscovery(lastAddress: string | undefined): void {
    this.#ignoredCount = 0
    this.#guest.say(discoverEvent(this.#parts.lan.name, lastAddress))
  }

  receivedV4(bytes: Uint8Array): void {
    this.#step({ kind: 'received', bytes })
  }

  receivedV6(bytes: Uint8Array): void {
    this.#v6?.received(bytes)
  }

  source(): Source | undefined {
    return this.#lease === undefined || this.#own === undefined ? undefined : sourceOf(this.#lease, this.#v6?.given())
  }

  #step(event: DhcpClientEvent): void {
    const before = this.#client
    if (before === undefined) return
    const { client, outputs } = stepDhcp(before, event, this.#guest.now(), this.#guest.rng)
    this.#client = client
    this.#alarm.set(client.wakeAt)
    // The address of before is refused, or nobody knows it any more.
    const asksAnew = client.state === 'init' || client.state === 'selecting'
    let leaving = before.state === 'rebooting' && asksAnew
    if (leaving) this.#inTurn(() => this.#remove())
    for (const output of outputs) {
      switch (output.kind) {
        case 'send':
          if (leaving) this.#sendLater(before.ask, output.bytes, output.to)
          else this.#send(output.bytes, output.to)
          break
        case 'bound':
        case 'renewed':
          this.#inTurn(() => this.#settle(before.ask, output.lease, output.kind === 'renewed'))
          break
        case 'lost':
          leaving = true
          this.#inTurn(() => this.#lose(before.ask, output.reason))
          break
        case 'ignored':
          this.#ignored(output.problem.code, output.problem.message)
          break
        default:
          assertNever(output)
      }
    }
  }

  #send(bytes: Uint8Array, to: string): void {
    const from = this.#own?.address
    if (to === 'broadcast' || from === undefined) return this.#parts.v4.broadcast(bytes)
    this.#inTurn(() => this.#parts.v4.unicast(bytes, from, to))
  }

  /**
   * Behind the address that is on its way off the interface: a phone without one speaks from 0.0.0.0 (RFC 2131 §4.1), and the
   * route of broadcasts goes with the last address for a moment.
   */
  #sendLater(ask: DhcpAsk, bytes: Uint8Array, to: string): void {
    this.#inTurn(() => {
      // Started anew, or left, meanwhile.
      if (this.#client?.ask === ask) this.#send(bytes, to)
      return Promise.resolve()
    })
  }

  #ignored(code: string, message: string): void {
    this.#ignoredCount += 1
    if (this.#ignoredCount <= IGNORED_TOLD_MAX) this.#guest.say(ignoredEvent(code, message))
  }

  async #settle(ask: DhcpAsk, lease: DhcpLease, renewed: boolean): Promise<void> {
    const placed = await this.#place(ownAddressOf(lease))
    // With what DHCPv6 says, which comes at about the same time.
    await this.#v6?.settled()
    // Started anew, or left, meanwhile.
    if (!placed || this.#client?.ask !== ask) return
    this.#lease = lease
    this.#lastAddress = lease.address
    this.#guest.say(leaseEvent(lease, this.#v6?.given(), renewed))
    if (this.#told === undefined) this.#up(agentLease(lease, this.#v6?.given()))
    else await this.#tell()
  }

  #up(lease: Lease): void {
    this.#told = lease
    this.#guest.up(lease)
  }

  /** A phone that works hears only of what is different. */
  #tell(): Promise<void> {
    if (this.#told === undefined || this.#lease === undefined) return Promise.resolve()
    const lease = agentLease(this.#lease, this.#v6?.given())
    if (!sameLease(lease, this.#told)) this.#up(lease)
    return Promise.resolve()
  }

  /** @returns whether the address is on the interface */
  async #place(own: OwnAddress): Promise<boolean> {
    const { lan } = this.#parts
    const before = this.#own
    const added = await lan.put(own, before)
    if (!added.ok) {
      this.#ignored('interface', `Cannot put ${own.address}/${own.prefixLength} on ${lan.name}: ${added.error}`)
      return false
    }
    this.#own = own
    if (before !== undefined && before.address !== own.address) this.#down()
    return true
  }

  async #lose(ask: DhcpAsk, reason: 'expired' | 'refused'): Promise<void> {
    const address = this.#lastAddress ?? this.#own?.address
    await this.#remove()
    if (this.#client?.ask !== ask) return
    this.#lastAddress = undefined
    if (address !== undefined) this.#guest.say(lostEvent(address, reason))
    this.#down()
    // The exchange has begun again by itself.
    this.#tellDiscovery(undefined)
  }

  #down(): void {
    if (this.#told !== undefined) this.#guest.down()
    this.#told = undefined
  }

  async #remove(): Promise<void> {
    const own = this.#own
    this.#own = undefined
    this.#lease = undefined
    if (own !== undefined) await this.#parts.lan.remove(own)
  }

  async leave({ orderly }: { readonly orderly: boolean }): Promise<void> {
    if (orderly) this.#step({ kind: 'release' })
    this.#client = undefined
    this.#alarm.set(undefined)
    this.#inTurn(() => this.#remove())
    await Promise.all([this.#queue, this.#v6?.leave({ orderly })])
    await this.#queue
    this.#parts.left()
  }

  #inTurn(change: () => Promise<void>): void {
    this.#queue = this.#queue.then(change)
  }
}
