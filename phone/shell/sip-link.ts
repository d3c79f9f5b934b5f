/**
 * The phone's SIP sockets: one for UDP, and a connection to each server that it talks to by TCP or TLS. A phone that uses
 * TCP also listens there, on the port that its Contact names: a proxy may open a connection of its own for a request.
 * Source: RFC 3261 §18, §18.2.1.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram'
import { connect, createServer, isIP, type Server, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import { concatBytes } from '../../protocol/bytes.ts'
import type { Millis } from '../../protocol/result.ts'
import { splitSipStream } from '../../protocol/sip/mod.ts'
import type { SipPeer } from '../agent/mod.ts'
import { PhoneProblem } from './problem.ts'
import { addressesOf, localAddressFor, lookupBy, type Source } from './source.ts'
import { checkServerName, sniName } from './trust.ts'

/** Servers talked to by TCP or TLS; a phone has a few lines, and a proxy for each at most. */
const CONNECTIONS_MAX = 16
/** Bytes that a server may leave unread before its connection is given up. */
const UNSENT_BYTES_MAX = 256 * 1024
/** Datagrams whose server's name is being looked up. */
const LOOKUPS_MAX = 64
const CONNECT_MS: Millis = 10_000

export interface SipLinkOptions {
  /** Own address, as the lease gives it. It chooses the family; a loopback address is bound, else all are. */
  readonly address: string
  /** Where the phone is in the network, when DHCP has said it: then its address is bound, and nothing else. */
  readonly from?: Source | undefined
  /** 0: any free one. */
  readonly port: number
  readonly context: () => SecureContext
  readonly received: (peer: SipPeer, bytes: Uint8Array) => void
  /** Of a server, by the name it was asked for. */
  readonly failed: (peer: SipPeer, detail: string) => void
}

export interface SipLink {
  /** The UDP port. */
  readonly port: number
  send(peer: SipPeer, bytes: Uint8Array): void
  /** Closes TCP and TLS; what was sent before still goes out. */
  dropConnections(): void
  close(): Promise<void>
}

/** @throws PhoneProblem when the port cannot be had */
export async function openSipLink(options: SipLinkOptions): Promise<SipLink> {
  const family = isIP(options.address) === 6 ? 6 : 4
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  await bind(socket, options)
  const udp = new UdpLink(socket, family, options)
  const streams = new StreamLink(options, socket.address().port)
  return {
    port: socket.address().port,
    send: (peer, bytes) => (peer.transport === 'udp' ? udp.send(peer, bytes) : streams.send(peer, bytes)),
    dropConnections: () => streams.drop(),
    async close() {
      await streams.destroy()
      await udp.close()
    },
  }
}

/** The address to listen on; undefined: all of them. */
function boundAddress({ address, from }: SipLinkOptions): string | undefined {
  const isLoopback = address === '::1' || address.startsWith('127.')
  return isLoopback || from !== undefined ? address : undefined
}

function bind(socket: UdpSocket, options: SipLinkOptions): Promise<void> {
  const { port } = options
  const address = boundAddress(options)
  return new Promise((resolve, reject) => {
    socket.once('error', (cause) => {
      socket.close()
      reject(new PhoneProblem(`Cannot open UDP port ${port} for SIP: ${cause.message}`, { cause }))
    })
    socket.bind({ port, exclusive: true, ...(address === undefined ? {} : { address }) }, () => {
      socket.removeAllListeners('error')
      resolve()
    })
  })
}

class UdpLink {
  readonly #socket: UdpSocket
  readonly #family: 4 | 6
  readonly #options: SipLinkOptions
  #lookupCount = 0
  #closed = false

  constructor(socket: UdpSocket, family: 4 | 6, options: SipLinkOptions) {
    this.#socket = socket
    this.#family = family
    this.#options = options
    socket.on('message', (bytes: Uint8Array, remote: RemoteInfo) => {
      // A copy: the datagram's buffer is shared with others.
      options.received({ host: remote.address, port: remote.port, transport: 'udp' }, new Uint8Array(bytes))
    })
    // Trouble with a single datagram comes back through its own callback.
    socket.on('error', () => undefined)
  }

  send(peer: SipPeer, bytes: Uint8Array): void {
    if (isIP(peer.host) !== 0) return this.#sendTo(peer, peer.host, bytes)
    if (this.#lookupCount >= LOOKUPS_MAX) return this.#options.failed(peer, 'too many names to look up')
    this.#lookupCount += 1
    this.#addressOf(peer.host)
      .then(
        (address) => this.#sendTo(peer, address, bytes),
        (cause: unknown) => this.#options.failed(peer, messageOf(cause)),
      )
      .finally(() => {
        this.#lookupCount -= 1
      })
      .catch(rethrowLater)
  }

  async #addressOf(host: string): Promise<string> {
    const found = await addressesOf(host, this.#options.from)
    const fitting = found.find(({ family }) => family === this.#family)
    if (fitting === undefined) throw new Error(`"${host}" has no IPv${this.#family} address`)
    return fitting.address
  }

  #sendTo(peer: SipPeer, address: string, bytes: Uint8Array): void {
    if (this.#closed) return
    this.#socket.send(bytes, peer.port, address, (cause) => {
      if (cause instanceof Error && !this.#closed) this.#options.failed(peer, cause.message)
    })
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#closed = true
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }
}

interface Connection {
  readonly peer: SipPeer
  readonly socket: Socket
  rest: Uint8Array
}

class StreamLink {
  readonly #options: SipLinkOptions
  readonly #port: number
  /** In the order of their opening; those of others under the address that they came from. */
  readonly #connections = new Map<string, Connection>()
  #server: Server | undefined

  constructor(options: SipLinkOptions, port: number) {
    this.#options = options
    this.#port = port
  }

  send(peer: SipPeer, bytes: Uint8Array): void {
    if (peer.transport === 'tcp') this.#server ??= this.#listen()
    const { socket } = this.#find(peer) ?? this.#open(peer)
    socket.write(bytes)
    if (socket.writableLength > UNSENT_BYTES_MAX) socket.destroy(new Error('the server does not read'))
  }

  drop(): void {
    for (const connection of this.#forgetAll()) connection.socket.end()
  }

  async destroy(): Promise<void> {
    for (const connection of this.#forgetAll()) connection.socket.destroy()
    const server = this.#server
    this.#server = undefined
    if (server?.listening === true) await new Promise<void>((closed) => server.close(() => closed()))
  }

  /** Where somebody else has the port, requests still come on the connections that the phone opened. */
  #listen(): Server {
    const host = boundAddress(this.#options)
    const server = createServer((socket) => this.#accept(socket))
    server.on('error', () => undefined)
    server.maxConnections = CONNECTIONS_MAX
    server.listen({ port: this.#port, exclusive: true, ...(host === undefined ? {} : { host }) })
    return server
  }

  #accept(socket: Socket): void {
    const host = addressOf(socket)
    if (host === undefined || socket.remotePort === undefined) return void socket.destroy()
    this.#makeRoom()
    const peer: SipPeer = { host, port: socket.remotePort, transport: 'tcp' }
    const connection: Connection = { peer, socket, rest: new Uint8Array(0) }
    this.#connections.set(keyOf(peer), connection)
    socket.on('data', (chunk: Uint8Array) => this.#receive(connection, chunk))
    // Nobody waits for anything on it: what it brought was answered, or cannot be any more.
    socket.on('error', () => this.#forget(connection))
    socket.on('close', () => this.#forget(connection))
  }

  /** By the name that was asked for, or by the address that an answer goes back to. */
  #find(peer: SipPeer): Connection | undefined {
    const named = this.#connections.get(keyOf(peer))
    if (named !== undefined) return named
    return [...this.#connections.values()].find(
      ({ socket, peer: { transport } }) =>
        transport === peer.transport && socket.remotePort === peer.port && addressOf(socket) === peer.host,
    )
  }

  #makeRoom(): void {
    const [oldest] = this.#connections.values()
    if (oldest === undefined || this.#connections.size < CONNECTIONS_MAX) return
    this.#forget(oldest)
    oldest.socket.end()
  }

  #open(peer: SipPeer): Connection {
    this.#makeRoom()
    const connection: Connection = { peer, socket: this.#connect(peer), rest: new Uint8Array(0) }
    this.#connections.set(keyOf(peer), connection)
    const { socket } = connection
    const lost = (detail: string): void => {
      if (this.#forget(connection)) this.#options.failed(peer, detail)
    }
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error('no connection in time')))
    socket.once(peer.transport === 'tls' ? 'secureConnect' : 'connect', () => socket.setTimeout(0))
    socket.on('data', (chunk: Uint8Array) => this.#receive(connection, chunk))
    socket.on('error', (cause) => lost(cause.message))
    socket.on('close', () => lost('the connection was closed'))
    return connection
  }

  #connect({ host, port, transport }: SipPeer): Socket {
    const own = ownEnd(host, this.#options.from)
    if (transport !== 'tls') return connect({ host, port, ...own })
    return connectTls({
      host,
      port,
      ...own,
      servername: sniName(host),
      secureContext: this.#options.context(),
      checkServerIdentity: (_host, certificate) => checkServerName(host, certificate),
    })
  }

  #receive(connection: Connection, chunk: Uint8Array): void {
    const { socket, peer } = connection
    const split = splitSipStream(concatBytes([connection.rest, chunk]))
    connection.rest = new Uint8Array(split.rest)
    const from = {
      host: addressOf(socket) ?? peer.host,
      port: socket.remotePort ?? peer.port,
      transport: peer.transport,
    }
    for (const message of split.messages) this.#options.received(from, new Uint8Array(message))
    if (split.broken) socket.destroy(new Error('the server sends something that is no SIP'))
  }

  #forget(connection: Connection): boolean {
    const key = keyOf(connection.peer)
    return this.#connections.get(key) === connection && this.#connections.delete(key)
  }

  #forgetAll(): readonly Connection[] {
    const all = [...this.#connections.values()]
    this.#connections.clear()
    return all
  }
}

/** How a connection begins at the phone's own address, and by its own name servers. */
function ownEnd(host: string, from: Source | undefined): Pick<TcpNetConnectOpts, 'localAddress' | 'family' | 'lookup'> {
  if (from === undefined) return {}
  const family = isIP(host) === 6 ? 6 : 4
  const localAddress = localAddressFor(from, family === 6 ? host : from.address)
  return { family, lookup: lookupBy(from), ...(localAddress === undefined ? {} : { localAddress }) }
}

function keyOf({ host, port, transport }: SipPeer): string {
  return `${transport} ${host.toLowerCase()} ${port}`
}

function addressOf(socket: Socket): string | undefined {
  return socket.remoteAddress?.replace(/^::ffff:/, '')
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** A fault of ours inside a promise: it must not vanish. */
function rethrowLater(cause: unknown): void {
  queueMicrotask(() => {
    throw cause
  })
}
