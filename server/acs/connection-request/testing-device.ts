/** A TR-069 device's connection request listener for tests: real sockets, and an HTTP as loose as the test writes it. */
import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { checkDigest, parseDigestAuthorization } from '../../../protocol/http/mod.ts'
import type { ConnectionRequest } from './types.ts'

export const LOOPBACK = ['127.0.0.0/8']

export interface TestDevice {
  readonly port: number
  /** Every request as it came, in order. */
  readonly requests: readonly string[]
  /** How many connections were opened. */
  connections(): number
  request(more?: Partial<ConnectionRequest>): ConnectionRequest
  close(): void
}

/** @param answer is called for each whole request; it writes to the socket whatever it likes */
export async function listen(answer: (request: string, socket: Socket) => void): Promise<TestDevice> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    connections++
    sockets.add(socket)
    let text = ''
    // Who asks may hang up at any time.
    socket.on('error', () => undefined)
    socket.on('data', (part: Buffer) => {
      text += part.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(0, end + 4)
        text = text.slice(end + 4)
        requests.push(request)
        answer(request, socket)
      }
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    port,
    requests,
    connections: () => connections,
    request: (more) => ({
      url: `http://127.0.0.1:${port}/cr-7f3a`,
      username: 'acs',
      password: 'pw-of-the-acs',
      ...more,
    }),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** @returns whether the request carries a digest of the right user and password for this nonce and path */
export function provesItself(request: string, nonce: string, more: { readonly qopRequired?: boolean } = {}): boolean {
  const header = /^Authorization: (.*)\r$/m.exec(request)?.[1]
  const digest = header === undefined ? undefined : parseDigestAuthorization(header)
  if (digest === undefined) return false
  return checkDigest(digest, {
    method: 'GET',
    uri: /^GET (\S+) /.exec(request)?.[1] ?? '',
    username: 'acs',
    password: 'pw-of-the-acs',
    nonce,
    ...more,
  })
}
