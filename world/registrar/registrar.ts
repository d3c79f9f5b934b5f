/** The registrar of the example on a real UDP socket. Source: RFC 3261 §10.3, §18. */
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { SipRegistrar } from './sip-registrar.ts'

export interface Registrar {
  readonly port: number
  /** Enters a line that may register. */
  setPassword(userId: string, password: string): void
  /** Users with a binding now. */
  registered(): readonly string[]
  close(): Promise<void>
}

export interface RegistrarOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

const REALM = 'registrar.example'

/** @throws the system's error when the port cannot be had */
export async function startRegistrar(options: RegistrarOptions): Promise<Registrar> {
  const socket = createSocket('udp4')
  const registrar = new SipRegistrar({
    realm: REALM,
    nonce: randomBytes(16).toString('hex'),
    tagPrefix: randomBytes(6).toString('hex'),
  })
  socket.on('message', (bytes, { address, port }) => {
    const answer = registrar.receive(bytes, { address, port }, Date.now())
    if (answer !== undefined) socket.send(answer, port, address)
  })
  await bind(socket, options)
  return {
    port: socket.address().port,
    setPassword: (userId, password) => registrar.setPassword(userId, password),
    registered: () => registrar.registered(Date.now()),
    close: () => new Promise((closed) => socket.close(() => closed())),
  }
}

/** Rejects when the port cannot be had. */
async function bind(socket: Socket, { port, host }: RegistrarOptions): Promise<void> {
  try {
    socket.bind({ port, address: host, exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    throw error
  }
  // One datagram that could not be sent: the phone asks again.
  socket.on('error', () => undefined)
}
