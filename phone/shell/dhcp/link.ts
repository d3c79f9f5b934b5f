/** One network interface on which any number of phones ask for their addresses, each for itself. */
import { peekDhcpReply, peekDhcpv6Reply } from '../../../protocol/dhcp/mod.ts'
import type { MacAddress } from '../../../protocol/identity.ts'
import { PhoneProblem } from '../problem.ts'
import { type LanInterface, openInterface } from './interface.ts'
import { type DhcpGuest, type DhcpSeat, openSeat, type Seat } from './seat.ts'
import { type DhcpSocket, type DhcpSocketV4, openSocketV4, openSocketV6 } from './sockets.ts'

export interface DhcpLinkOptions {
  /** As `ip link` shows it. It is brought up when it is down. */
  readonly interfaceName: string
  /** Ask DHCPv6 as well, for an address and, at the same time, for options alone. */
  readonly ipv6: boolean
}

export interface DhcpLink {
  readonly interfaceName: string
  /** Gives a phone its place. Throws PhoneProblem when a phone with that MAC has one already. */
  join(guest: DhcpGuest): DhcpSeat
  /** Closes the sockets and puts the interface back. Every phone should have left before. */
  close(): Promise<void>
}

/** @throws PhoneProblem: no such interface, no right to use it, port 68 or 546 taken */
export async function openDhcpLink({ interfaceName, ipv6 }: DhcpLinkOptions): Promise<DhcpLink> {
  const seats = new Map<MacAddress, Seat>()
  const lan = await openInterface(interfaceName)
  try {
    const v4 = await openSocketV4((bytes) => dispatchV4(seats, bytes))
    try {
      const v6 = ipv6 ? await openSocketV6(interfaceName, (bytes) => dispatchV6(seats, bytes)) : undefined
      return new OpenLink({ lan, v4, v6, seats })
    } catch (cause) {
      await v4.close()
      throw cause
    }
  } catch (cause) {
    await lan.restore()
    throw cause
  }
}

function dispatchV4(seats: ReadonlyMap<MacAddress, Seat>, bytes: Uint8Array): void {
  const reply = peekDhcpReply(bytes)
  if (reply !== undefined) seats.get(reply.chaddr)?.receivedV4(bytes)
}

function dispatchV6(seats: ReadonlyMap<MacAddress, Seat>, bytes: Uint8Array): void {
  const reply = peekDhcpv6Reply(bytes)
  if (reply !== undefined) seats.get(reply.mac)?.receivedV6(bytes)
}

interface Parts {
  readonly lan: LanInterface
  readonly v4: DhcpSocketV4
  readonly v6: DhcpSocket | undefined
  readonly seats: Map<MacAddress, Seat>
}

class OpenLink implements DhcpLink {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get interfaceName(): string {
    return this.#parts.lan.name
  }

  join(guest: DhcpGuest): DhcpSeat {
    const { lan, v4, v6, seats } = this.#parts
    const { mac } = guest
    if (seats.has(mac)) {
      throw new PhoneProblem(
        `Cannot ask for an address for ${mac} twice: a phone with this MAC is on ${lan.name} already`,
      )
    }
    const seat = openSeat(guest, { lan, v4, v6, left: () => seats.delete(mac) })
    seats.set(mac, seat)
    return seat
  }

  async close(): Promise<void> {
    const { lan, v4, v6, seats } = this.#parts
    await Promise.all([...seats.values()].map((seat) => seat.leave({ orderly: false })))
    await Promise.all([v4.close(), v6?.close()])
    await lan.restore()
  }
}
