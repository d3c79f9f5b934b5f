/**
 * The UDP sockets of DHCP: one for all phones of the process, since a port is there once. Replies go to whoever reads the
 * MAC or DUID in them. Source: RFC 2131 §4.1 (ports 67 and 68); RFC 8415 §7.1, §7.2 (ff02::1:2, ports 546 and 547).
 */
import { createSocket, type Socket } from 'node:dgram'
import {
  DHCP_CLIENT_PORT,
  DHCP_SERVER_PORT,
  DHCPV6_CLIENT_PORT,
  DHCPV6_GROUP,
  DHCPV6_SERVER_PORT,
} from '../../../protocol/dhcp/mod.ts'
import type { Millis } from '../../../protocol/result.ts'
import { PhoneProblem } from '../problem.ts'

/** How long the socket of one message waits for its answer; one that comes later comes to the socket of all. */
const ANSWER_MS: Millis = 1000

export type Received = (bytes: Uint8Array) => void

export interface DhcpSocket {
  /** To every server on the link. What cannot be sent is lost; the exchange sends again. */
  broadcast(bytes: Uint8Array): void
  close(): Promise<void>
}

export interface DhcpSocketV4 extends DhcpSocket {
  /** To one server, from the phone's own address. Resolves when it is sent, or lost. */
  unicast(bytes: Uint8Array, from: string, to: string): Promise<void>
}

/** @throws PhoneProblem: port 68 is taken, or needs root */
export async function openSocketV4(received: Received): Promise<DhcpSocketV4> {
  // Alone first: with reuse, a socket of another DHCP client would go unnoticed.
  await closed(await bound({ family: 4, reuse: false }, () => undefined))
  const socket = await bound({ family: 4, reuse: true }, received)
  socket.setBroadcast(true)
  const waiting = new Map<Socket, NodeJS.Timeout>()
  return {
    broadcast: (bytes) => sendQuietly(socket, bytes, DHCP_SERVER_PORT, '255.255.255.255'),
    unicast: (bytes, from, to) => sendFrom(bytes, from, to, { received, waiting }),
    close: async () => {
      const all = [...waiting]
      waiting.clear()
      for (const [, timer] of all) clearTimeout(timer)
      await Promise.all([socket, ...all.map(([one]) => one)].map(closed))
    },
  }
}

/** @throws PhoneProblem: port 546 is taken, or needs root */
export async function openSocketV6(interfaceName: string, received: Received): Promise<DhcpSocket> {
  const socket = await bound({ family: 6, reuse: false }, received)
  return {
    broadcast: (bytes) => sendQuietly(socket, bytes, DHCPV6_SERVER_PORT, `${DHCPV6_GROUP}%${interfaceName}`),
    close: () => closed(socket),
  }
}

interface Binding {
  readonly family: 4 | 6
  readonly reuse: boolean
  readonly address?: string
}

function bound({ family, reuse, address }: Binding, received: Received): Promise<Socket> {
  const type = family === 6 ? 'udp6' : 'udp4'
  const port = family === 6 ? DHCPV6_CLIENT_PORT : DHCP_CLIENT_PORT
  const socket = createSocket({ type, reuseAddr: reuse, ipv6Only: family === 6 })
  socket.on('message', (bytes: Uint8Array) => received(new Uint8Array(bytes)))
  return new Promise((resolve, reject) => {
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      socket.close()
      reject(portProblem(family, port, cause))
    })
    socket.bind({ port, exclusive: true, ...(address === undefined ? {} : { address }) }, () => {
      socket.removeAllListeners('error')
      // Trouble with one datagram is a datagram lost.
      socket.on('error', () => undefined)
      resolve(socket)
    })
  })
}

function portProblem(family: 4 | 6, port: number, cause: NodeJS.ErrnoException): PhoneProblem {
  const what = `Cannot open UDP port ${port} for ${family === 6 ? 'DHCPv6' : 'DHCP'}`
  switch (cause.code) {
    case 'EACCES':
    case 'EPERM':
      return new PhoneProblem(`${what}: that needs root (CAP_NET_BIND_SERVICE and CAP_NET_ADMIN)`, { cause })
    case 'EADDRINUSE':
      return new PhoneProblem(
        `${what}: another DHCP client uses it, perhaps another virtual phone. Stop that one, or run the phone in a network namespace of its own (ip netns exec)`,
        { cause },
      )
    default:
      return new PhoneProblem(`${what}: ${cause.message}`, { cause })
  }
}

interface Answers {
  readonly received: Received
  /** Sockets of one message each, until their time is over. */
  readonly waiting: Map<Socket, NodeJS.Timeout>
}

/**
 * A socket for this one message: the kernel would choose the address of another phone. Its answer comes here, and a quick one
 * at once: closed behind the message, the socket would take that answer with it.
 */
async function sendFrom(bytes: Uint8Array, from: string, to: string, { received, waiting }: Answers): Promise<void> {
  try {
    const socket = await bound({ family: 4, reuse: true, address: from }, received)
    const timer = setTimeout(() => {
      if (waiting.delete(socket)) socket.close()
    }, ANSWER_MS)
    waiting.set(socket, timer)
    await new Promise<void>((resolve) => socket.send(bytes, DHCP_SERVER_PORT, to, () => resolve()))
  } catch (cause) {
    // The address has gone from the interface meanwhile.
    if (!(cause instanceof PhoneProblem)) throw cause
  }
}

function sendQuietly(socket: Socket, bytes: Uint8Array, port: number, address: string): void {
  try {
    socket.send(bytes, port, address, () => undefined)
  } catch (cause) {
    // Closed already: the phone has no power any more.
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') throw cause
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()))
}
