/** The body of a request, read and unpacked within bounds. Source: TR-069 §2. */
import type { IncomingMessage } from 'node:http'
import { createGunzip, createInflate } from 'node:zlib'
import type { Transform } from 'node:stream'

export type Body =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'broken'; readonly detail: string }

/** @param bytesMax of what comes and of what it unpacks to */
export async function readBody(message: IncomingMessage, bytesMax: number): Promise<Body> {
  if (Number(message.headers['content-length'] ?? 0) > bytesMax) return { kind: 'too-large' }
  const coding = message.headers['content-encoding']?.trim().toLowerCase()
  switch (coding) {
    case undefined:
    case '':
    case 'identity':
      return readPlain(message, bytesMax)
    case 'gzip':
    case 'x-gzip':
      return readPacked(message, createGunzip(), bytesMax)
    case 'deflate':
      return readPacked(message, createInflate(), bytesMax)
    default:
      return { kind: 'broken', detail: `Cannot unpack the coding "${coding.slice(0, 40)}"; send gzip, deflate or none` }
  }
}

function readPlain(message: IncomingMessage, bytesMax: number): Promise<Body> {
  return new Promise((known) => {
    const pieces: Buffer[] = []
    let size = 0
    message.on('data', (piece: Buffer) => {
      size += piece.length
      if (size > bytesMax) {
        message.removeAllListeners('data')
        known({ kind: 'too-large' })
      } else pieces.push(piece)
    })
    message.on('end', () => known({ kind: 'whole', bytes: joined(pieces) }))
    message.on('error', (error) => known({ kind: 'broken', detail: error.message }))
    message.on('close', () => known({ kind: 'broken', detail: 'The connection ended within the body' }))
  })
}

function readPacked(message: IncomingMessage, unpacker: Transform, bytesMax: number): Promise<Body> {
  return new Promise((known) => {
    const pieces: Buffer[] = []
    let [packed, size] = [0, 0]
    function end(body: Body): void {
      message.unpipe(unpacker)
      unpacker.destroy()
      known(body)
    }
    message.on('data', (piece: Buffer) => {
      packed += piece.length
      if (packed > bytesMax) end({ kind: 'too-large' })
    })
    unpacker.on('data', (piece: Buffer) => {
      size += piece.length
      if (size > bytesMax) end({ kind: 'too-large' })
      else pieces.push(piece)
    })
    unpacker.on('end', () => known({ kind: 'whole', bytes: joined(pieces) }))
    unpacker.on('error', (error) => end({ kind: 'broken', detail: `Cannot unpack the body: ${error.message}` }))
    message.on('close', () => {
      if (!message.complete) end({ kind: 'broken', detail: 'The connection ended within the body' })
    })
    message.pipe(unpacker)
  })
}

function joined(pieces: readonly Buffer[]): Uint8Array {
  const [only] = pieces
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
}
