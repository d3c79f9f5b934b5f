/**
 * The server's SIP sockets: one for UDP (and one for IPv6 when a proxy needs it), and a TCP connection to each proxy that
 * is reached so. Source: RFC 3261 §18.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { concatBytes } from '../../../protocol/bytes.ts'
import { err, type Millis, ok, type Result } from '../../../protocol/result.ts'
import { splitSipStream } from '../../../protocol/sip/mod.ts'
import { checkedAddresses, resolvedAddresses } from '../../outbound/mod.ts'

/** Proxies talked to by TCP at once; the one that was opened first goes when there are more. */
const CONNECTIONS_MAX = 256
/** Bytes that a proxy may leave unread before its connection is given up. */
const UNSENT_BYTES_MAX = 1024 * 1024
const CONNECT_MS: Millis = 10_000
/** Finds out that a proxy is gone while nothing is sent. */
const KEEP_ALIVE_MS: Millis = 30_000
/** How long an address is believed; then the name is resolved, and what it resolves to is checked, anew. */
const RESOLVED_MS: Millis = 60_000
const NAMES_MAX = 1000

export interface ProxyPlace {
  readonly host: string
  readonly port: number
  readonly transport: 'UDP' | 'TCP'
  /** Networks near us that it may be in (`settings.outboundAllow`); undefined: anywhere. */
  readonly allow?: readonly string[] | undefined
}

/** Where a proxy really is, and the address that it sees us at. */
export interface SipPeer {
  readonly address: string
  readonly port: number
  readonly transport: 'UDP' | 'TCP'
  readonly localAddress: string
}

export interface SipSocketsOptions {
  /** Address to bind. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly received: (from: Omit<SipPeer, 'localAddress'>, bytes: Uint8Array) => void
  /** Nothing more will come from this peer by what was sent before. */
  readonly lost: (peer: Omit<SipPeer, 'localAddress'>, detail: string) => void
}

export interface SipSockets {
  /** Of UDP. */
  readonly port: number
  /**
   * Rejects with a message that names what cannot be found.
   * @returns the very address that is talked to; or why it may not be
   */
  resolve(place: ProxyPlace): Promise<Result<SipPeer, string>>
  /** Trouble is told by `lost`. */
  send(peer: SipPeer, bytes: Uint8Array): void
  close(): Promise<void>
}

/** Rejects with the system's error when the UDP port cannot be had. */
export async function openSipSockets(options: SipSocketsOptions): Promise<SipSockets> {
  const udp = await openUdp(options, isIP(options.host) === 6 ? 6 : 4, options.port)
  const sockets = new Map<4 | 6, Promise<UdpSocket>>([[isIP(options.host) === 6 ? 6 : 4, Promise.resolve(udp)]])
  const streams = new Streams(options)
  const known = new Map<string, { readonly peer: Promise<Result<SipPeer, string>>; readonly until: Millis }>()
  const { port } = udp.address()
  const ending = { begun: false }

  function sendUdp(peer: SipPeer, bytes: Uint8Array): void {
    const family = isIP(peer.address) === 6 ? 6 : 4
    const opened = sockets.get(family) ?? openUdp({ ...options, host: family === 6 ? '::' : '0.0.0.0' }, family, port)
    sockets.set(family, opened)
    const lost = (cause: unknown): void => {
      if (!ending.begun) options.lost(peer, messageOf(cause))
    }
    opened.then(
      (socket) => {
        if (ending.begun) return
        socket.send(bytes, peer.port, peer.address, (cause) => {
          if (cause) lost(cause)
        })
      },
      (cause: unknown) => {
        sockets.delete(family)
        lost(cause)
      },
    )
  }

  return {
    port,
    resolve(place) {
      // What is believed for one that may go anywhere says nothing to one that may not.
      const key = `${place.transport} ${place.host} ${place.port} ${place.allow?.join() ?? 'anywhere'}`
      const found = known.get(key)
      if (found !== undefined && found.until > performance.now()) return found.peer
      if (known.size >= NAMES_MAX) known.clear()
      const peer = findPeer(place)
      known.set(key, { peer, until: performance.now() + RESOLVED_MS })
      peer.catch(() => known.delete(key))
      return peer
    },
    send: (peer, bytes) => (peer.transport === 'UDP' ? sendUdp(peer, bytes) : streams.send(peer, bytes)),
    async close() {
      ending.begun = true
      streams.close()
      const opened = await Promise.allSettled(sockets.values())
      for (const each of opened) {
        if (each.status === 'fulfilled') await new Promise<void>((closed) => each.value.close(() => closed()))
      }
    },
  }
}

async function openUdp({ host, received }: SipSocketsOptions, family: 4 | 6, port: number): Promise<UdpSocket> {
  const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', ipv6Only: family === 6 })
  try {
    socket.bind({ port, address: host, exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    throw error
  }
  socket.on('message', (bytes: Uint8Array, remote: RemoteInfo) => {
    // A copy: the datagram's buffer is shared with others.
    received({ address: remote.address, port: remote.port, transport: 'UDP' }, new Uint8Array(bytes))
  })
  // Trouble with a single datagram comes back through its own callback.
  socket.on('error', () => undefined)
  return socket
}

async function findPeer({ host, port, transport, allow }: ProxyPlace): Promise<Result<SipPeer, string>> {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  const found = allow === undefined ? await resolvedAddresses(bare) : await checkedAddresses(bare, allow)
  if (!found.ok && found.error.code === 'forbidden-address') return err(found.error.message)
  const address = found.ok ? found.value[0]?.address : undefined
  if (address === undefined) throw new Error(found.ok ? `The name "${bare}" has no address` : found.error.message)
  return ok({ address, port, transport, localAddress: await localAddressTowards(address, port) })
}

/** The kernel says which of our addresses leads there; nothing is sent. */
async function localAddressTowards(address: string, port: number): Promise<string> {
  const probe = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4')
  try {
    probe.connect(port, address)
    await once(probe, 'connect')
    return probe.address().address
  } finally {
    probe.close()
  }
}

interface Stream {
  readonly peer: SipPeer
  readonly socket: Socket
  rest: Uint8Array
}

class Streams {
  readonly #options: SipSocketsOptions
  /** In the order of their opening. */
  readonly #streams = new Map<string, Stream>()

  constructor(options: SipSocketsOptions) {
    this.#options = options
  }

  send(peer: SipPeer, bytes: Uint8Array): void {
    const { socket } = this.#streams.get(keyOf(peer)) ?? this.#open(peer)
    socket.write(bytes)
    if (socket.writableLength > UNSENT_BYTES_MAX) socket.destroy(new Error('the proxy does not read'))
  }

  close(): void {
    const all = [...this.#streams.values()]
    this.#streams.clear()
    for (const { socket } of all) socket.destroy()
  }

  #open(peer: SipPeer): Stream {
    const [oldest] = this.#streams.values()
    if (oldest !== undefined && this.#streams.size >= CONNECTIONS_MAX) this.#lose(oldest, 'too many proxies by TCP')
    const socket = connect({ host: peer.address, port: peer.port })
    const stream: Stream = { peer, socket, rest: new Uint8Array(0) }
    this.#streams.set(keyOf(peer), stream)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.setNoDelay(true)
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error('no connection in time')))
    socket.once('connect', () => socket.setTimeout(0))
    socket.on('data', (chunk: Uint8Array) => this.#receive(stream, chunk))
    socket.on('error', (cause) => this.#lose(stream, messageOf(cause)))
    socket.on('close', () => this.#lose(stream, 'the connection was closed'))
    return stream
  }

  #receive(stream: Stream, chunk: Uint8Array): void {
    const split = splitSipStream(concatBytes([stream.rest, chunk]))
    stream.rest = new Uint8Array(split.rest)
    for (const message of split.messages) this.#options.received(stream.peer, new Uint8Array(message))
    if (split.broken) stream.socket.destroy(new Error('the proxy sends something that is no SIP'))
  }

  #lose(stream: Stream, detail: string): void {
    const key = keyOf(stream.peer)
    if (this.#streams.get(key) !== stream) return
    this.#streams.delete(key)
    stream.socket.destroy()
    this.#options.lost(stream.peer, detail)
  }
}

function keyOf({ address, port }: SipPeer): string {
  return `${address} ${port}`
}

function messageOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text === '' && cause instanceof Error && 'code' in cause ? String(cause.code) : text
}
