/** A way between clients and a TFTP server that loses one datagram in so many, by chance from a seed. */
import { createSocket, type Socket } from 'node:dgram'
import { seededRng } from '../phone/fleet/mod.ts'
import { serveCalls } from './worker.ts'

interface Way {
  readonly socket: Socket
  /** Where the server sends from for this client: its port for transfers, once known. */
  serverPort: number
  closed: boolean
}

/** Clients told apart by their port. */
const WAYS_MAX = 4000

function bound(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', lookup: (address, _options, done) => done(null, address, 4) })
  return new Promise((done) => socket.bind(0, '127.0.0.1', () => done(socket)))
}

const calls = {
  /** @returns the port that clients use */
  async open({ port, loss, seed }: { readonly port: number; readonly loss: number; readonly seed: number }) {
    const rng = seededRng(seed)
    const front = await bound()
    const ways = new Map<number, Promise<Way>>()
    async function open(clientPort: number): Promise<Way> {
      const way: Way = { socket: await bound(), serverPort: port, closed: false }
      way.socket.on('message', (bytes, remote) => {
        way.serverPort = remote.port
        if (rng() >= loss) front.send(bytes, clientPort, '127.0.0.1')
      })
      return way
    }
    front.on('message', (bytes, { port: clientPort }) => {
      if (rng() < loss) return
      // A request begins anew: what an earlier transfer from this port still sends must not be taken for its answer.
      const isRequest = bytes[1] === 1
      if (isRequest) forget(ways, clientPort)
      const way = ways.get(clientPort) ?? open(clientPort)
      ways.set(clientPort, way)
      if (ways.size > WAYS_MAX) forget(ways, ways.keys().next().value ?? 0)
      void way.then(({ socket, serverPort, closed }) => {
        if (!closed) socket.send(bytes, serverPort, '127.0.0.1')
      })
    })
    return front.address().port
  },
}

function forget(ways: Map<number, Promise<Way>>, clientPort: number): void {
  void ways.get(clientPort)?.then((way) => {
    way.closed = true
    way.socket.close()
  })
  ways.delete(clientPort)
}

export type RelayCalls = typeof calls

serveCalls(calls)
