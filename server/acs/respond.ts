/** Answers of the ACS in HTTP: always with their length, packed as the request was. Source: TR-069 §2, §2.3. */
import { deflateSync, gzipSync } from 'node:zlib'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type CwmpMessage, writeCwmp } from '../../protocol/cwmp/mod.ts'
import { COOKIE } from './sessions.ts'

/** How a request ended, for the metrics. */
export type Sent = 'message' | 'empty' | 'refused' | 'later'

interface Exchange {
  readonly message: IncomingMessage
  readonly response: ServerResponse
}

/** What is left of a refused body is read this far, so that the connection may go on; beyond, it is closed. */
const DRAIN_BYTES_MAX = 1024 * 1024

/** @param said undefined: nothing more */
export function send({ message, response }: Exchange, said: CwmpMessage | undefined, cookie?: string): Sent {
  const headers: Record<string, string | number> = {}
  if (cookie !== undefined) headers['set-cookie'] = `${COOKIE}=${cookie}; Path=/; HttpOnly`
  if (said === undefined) {
    response.writeHead(204, headers)
    response.end()
    return 'empty'
  }
  // Text leaves together with its head, in one write.
  const text = writeCwmp(said)
  const [coding, body] = packed(text, message.headers['content-encoding']?.trim().toLowerCase())
  if (coding !== undefined) headers['content-encoding'] = coding
  headers['content-type'] = 'text/xml; charset="utf-8"'
  headers['content-length'] = Buffer.byteLength(body)
  response.writeHead(200, headers)
  response.end(body)
  return 'message'
}

/** As the device packs, it can unpack. */
function packed(text: string, coding: string | undefined): readonly [string | undefined, Buffer | string] {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return [coding, gzipSync(text)]
    case 'deflate':
      return [coding, deflateSync(text)]
    default:
      return [undefined, text]
  }
}

export function refuse(
  { message, response }: Exchange,
  status: number,
  text: string,
  headers: Readonly<Record<string, string | string[]>> = {},
): Sent {
  if (response.destroyed || message.socket.destroyed) return 'refused'
  const closes = !drain(message)
  response.writeHead(status, {
    ...headers,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...(closes ? { connection: 'close' } : {}),
  })
  response.end(text)
  return status === 503 ? 'later' : 'refused'
}

/** @returns whether the connection may be used again */
function drain(message: IncomingMessage): boolean {
  if (message.complete) return true
  const announced = Number(message.headers['content-length'] ?? 0)
  if (announced > DRAIN_BYTES_MAX || message.headers.expect !== undefined) {
    // The answer has a moment to arrive before the connection goes.
    setTimeout(() => message.socket.destroy(), 200).unref()
    return false
  }
  let size = 0
  message.on('data', (piece: Buffer) => {
    size += piece.length
    if (size > DRAIN_BYTES_MAX) message.socket.destroy()
  })
  message.resume()
  return true
}
