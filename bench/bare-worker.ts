/** The bound: `node:http` and `node:https` that send the same bytes and do nothing else. */
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { cpuMs, serveCalls } from './worker.ts'

interface Tls {
  readonly certPem: string
  readonly keyPem: string
  readonly caPem: string
}

const servers: Server[] = []

async function listen(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return (server.address() as AddressInfo).port
}

/** Status 404 has no body. */
function answer(response: ServerResponse, status: number, contentType: string, body: Uint8Array): void {
  if (status === 404) response.writeHead(404, { 'content-length': 0 }).end()
  else {
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': body.length,
      'cache-control': 'no-store',
    })
    response.end(body)
  }
}

const calls = {
  http: ({ status, contentType, body }: { status: number; contentType: string; body: Uint8Array }) =>
    listen(createHttpServer((_request, response) => answer(response, status, contentType, body))),
  https({ tls, status, contentType, body }: { tls: Tls; status: number; contentType: string; body: Uint8Array }) {
    const options: ServerOptions = {
      cert: tls.certPem,
      key: tls.keyPem,
      ca: [tls.caPem],
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
    }
    return listen(createHttpsServer(options, (_request, response) => answer(response, status, contentType, body)))
  },
  /** Takes a body, answers it with one, and an empty one with 204. */
  posts: ({ body }: { body: Uint8Array }) =>
    listen(
      createHttpServer((request, response) => {
        let size = 0
        request.on('data', (piece: Buffer) => (size += piece.length))
        request.on('end', () => {
          if (size === 0) response.writeHead(204).end()
          else answer(response, 200, 'text/xml; charset=utf-8', body)
        })
      }),
    ),
  cpuMs: () => cpuMs(),
}

export type BareCalls = typeof calls

serveCalls(calls)
