/** A delivery in the words of HTTP. Every refusal is the same 404 with nothing in it. */
import { createReadStream } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { parseRange } from '../../../protocol/http/mod.ts'
import { assertNever } from '../../../protocol/result.ts'
import type { FetchRequest, FirmwareFacts } from '../../fetch/mod.ts'
import type { Delivery } from '../serve.ts'

/**
 * @param firmwarePath where the bytes of an image lie
 * @returns a promise where it takes longer: files
 */
export function respond(
  response: ServerResponse,
  request: FetchRequest,
  delivery: Delivery,
  firmwarePath: (file: FirmwareFacts) => string,
): Promise<void> | undefined {
  const head = request.method === 'HEAD'
  switch (delivery.kind) {
    case 'bytes':
      response.writeHead(200, {
        'content-type': delivery.contentType,
        'content-length': delivery.bytes.length,
        'cache-control': 'no-store',
      })
      response.end(head ? undefined : delivery.bytes)
      return undefined
    case 'file':
      return respondFile(response, request, delivery.file, firmwarePath(delivery.file))
    case 'empty':
      response.writeHead(200, { 'content-length': 0, 'cache-control': 'no-store' }).end()
      return undefined
    case 'challenge':
      response.writeHead(401, { 'www-authenticate': delivery.header, 'content-length': 0 }).end()
      return undefined
    case 'later':
      unavailable(response)
      return undefined
    case 'refusal':
      refuse(response)
      return undefined
    default:
      return assertNever(delivery)
  }
}

/** 404, empty: unknown, foreign, disabled and wrong look alike. */
export function refuse(response: ServerResponse): void {
  response.writeHead(404, { 'content-length': 0 }).end()
}

/**
 * The machine failed or has too much to do: the phone keeps what it has and comes back (MPP §5.6: 503 is class C).
 * @param afterSeconds what is asked of it; phones go by their own list of error retries
 */
export function unavailable(response: ServerResponse, afterSeconds = 60): void {
  response.writeHead(503, { 'content-length': 0, 'retry-after': String(afterSeconds) }).end()
}

/** RFC 9110 §14: one range; 416 when it lies outside the file. */
async function respondFile(
  response: ServerResponse,
  request: FetchRequest,
  file: FirmwareFacts,
  path: string,
): Promise<void> {
  const common = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes', etag: `"${file.sha256}"` }
  const range = parseRange(request.range, file.byteCount)
  if (range.kind === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${file.byteCount}`, 'content-length': 0 }).end()
    return
  }
  const start = range.kind === 'part' ? range.start : 0
  const end = range.kind === 'part' ? range.end : file.byteCount - 1
  const part = range.kind === 'part' ? { 'content-range': `bytes ${start}-${end}/${file.byteCount}` } : {}
  response.writeHead(range.kind === 'part' ? 206 : 200, { ...common, ...part, 'content-length': end - start + 1 })
  if (request.method === 'HEAD' || file.byteCount === 0) {
    response.end()
    return
  }
  await pipeline(createReadStream(path, { start, end }), response)
}
