/** TFTP as one more rendering of the same decisions: reads, and reports sealed with a device's key. */
import { closeSync, openSync, readSync } from 'node:fs'
import type { FetchRequest, FirmwareFacts } from '../fetch/mod.ts'
import { bytesSource, type TransferSource } from '../../protocol/tftp/mod.ts'
import { type Delivery, serveFetch, type ServeContext } from './serve.ts'
import type { TftpAnswer, TftpRequest } from './tftp/mod.ts'

const NOT_FOUND: TftpAnswer = { kind: 'error', code: 1, message: 'File not found' }

/** @returns the answer for the TFTP door; error 1 for every refusal (RFC 1350 §5). */
export async function answerTftp(
  context: ServeContext,
  request: TftpRequest,
  firmwarePath: (file: FirmwareFacts) => string,
): Promise<TftpAnswer> {
  const delivery = await serveFetch(context, fetchRequestOfTftp(request))
  return renderTftp(delivery, firmwarePath)
}

/** File names may come with or without the leading slash, and with a query as our own rules write it. */
export function fetchRequestOfTftp(request: TftpRequest): FetchRequest {
  const name = request.filename.replaceAll('\\', '/').replace(/^\/*/, '/')
  const question = name.indexOf('?')
  return {
    door: 'tftp',
    method: request.op === 'read' ? 'GET' : 'PUT',
    path: question < 0 ? name : name.slice(0, question),
    query: question < 0 ? '' : name.slice(question + 1),
    target: name,
    userAgent: undefined,
    peer: request.peer.address,
    certificate: undefined,
    authorization: undefined,
    range: undefined,
    body: request.body,
  }
}

export function renderTftp(delivery: Delivery, firmwarePath: (file: FirmwareFacts) => string): TftpAnswer {
  switch (delivery.kind) {
    case 'bytes':
      return { kind: 'file', source: bytesSource(delivery.bytes) }
    case 'file':
      return fileAnswer(delivery.file, firmwarePath(delivery.file))
    case 'empty':
      return { kind: 'accepted' }
    case 'later':
      return { kind: 'error', code: 0, message: 'Try again later' }
    case 'challenge':
    case 'refusal':
      return NOT_FOUND
  }
}

/** Reads block by block from disk: an image of 60 MB is never in memory. */
function fileAnswer(file: FirmwareFacts, path: string): TftpAnswer {
  const descriptor = openSync(path, 'r')
  const source: TransferSource = {
    byteCount: file.byteCount,
    read(offset, length) {
      const block = Buffer.alloc(Math.max(0, Math.min(length, file.byteCount - offset)))
      readSync(descriptor, block, 0, block.length, offset)
      return block
    },
  }
  return { kind: 'file', source, close: () => closeSync(descriptor) }
}
