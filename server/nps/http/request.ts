/** From a node HTTP request to a FetchRequest. Bad targets become paths that nobody answers. */
import type { IncomingMessage } from 'node:http'
import { plainAddress } from '../../devices/mod.ts'
import type { DoorName, FetchRequest, ProvenCertificate } from '../../fetch/mod.ts'
import { REPORT_BYTES_MAX } from '../report.ts'

const METHODS: ReadonlyMap<string | undefined, FetchRequest['method']> = new Map(
  (['GET', 'HEAD', 'POST', 'PUT'] as const).map((method) => [method, method]),
)

/** @returns undefined for a method that no phone uses */
export function fetchRequestOf(
  message: IncomingMessage,
  door: DoorName,
  certificate: ProvenCertificate | undefined,
  body: Uint8Array | undefined,
): FetchRequest | undefined {
  const method = METHODS.get(message.method)
  if (method === undefined) return undefined
  const target = message.url ?? '/'
  const question = target.indexOf('?')
  const rawPath = question < 0 ? target : target.slice(0, question)
  return {
    door,
    method,
    path: decodedPath(rawPath),
    query: question < 0 ? '' : target.slice(question + 1),
    target,
    userAgent: message.headers['user-agent'],
    peer: plainAddress(message.socket.remoteAddress ?? ''),
    certificate,
    authorization: door === 'https' ? message.headers.authorization : undefined,
    range: message.headers.range,
    contentEncoding: message.headers['content-encoding'],
    body,
  }
}

function decodedPath(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    // A broken escape names no file of ours.
    return '/%'
  }
}

/** @returns the whole body, or undefined when it is larger than a report may be */
export async function readBody(message: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(message.headers['content-length'] ?? 0) > REPORT_BYTES_MAX) return undefined
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > REPORT_BYTES_MAX) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
