/** The body of a request, read and unpacked within bounds. Source: TR-069 §2. */
import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { createGunzip, createInflate, createInflateRaw } from 'node:zlib'

export type Body =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'no-room' }
  | { readonly kind: 'broken'; readonly detail: string }

/** Of each body so much counts for nothing: what most devices say never waits for those that say much. */
const FREE_BYTES = 64 * 1024

/** The memory that all bodies at one time share, in bytes. */
export class Room {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  /** What one visit takes of it. */
  hold(): Hold {
    return new Hold((bytes) => {
      if (bytes > this.#left) return false
      this.#left -= bytes
      return true
    })
  }
}

/** What one visit holds, until it is answered. */
export class Hold {
  readonly #take: (bytes: number) => boolean
  #bytes = 0
  #charged = 0

  constructor(take: (bytes: number) => boolean) {
    this.#take = take
  }

  /** @returns whether there was room for so many bytes more */
  add(bytes: number): boolean {
    const charged = Math.max(0, this.#bytes + bytes - FREE_BYTES)
    if (!this.#take(charged - this.#charged)) return false
    this.#bytes += bytes
    this.#charged = charged
    return true
  }

  release(): void {
    this.#take(-this.#charged)
    this.#bytes = 0
    this.#charged = 0
  }
}

/** How much one body may have, packed and unpacked, and where that is kept. */
export interface BodyBounds {
  readonly bytesMax: number
  readonly hold: Hold
}

/** Reads the whole body; whatever is left of a refused one is the caller's affair. Never rejects. */
export async function readBody(message: IncomingMessage, bounds: BodyBounds): Promise<Body> {
  if (Number(message.headers['content-length'] ?? 0) > bounds.bytesMax) return { kind: 'too-large' }
  const coding = message.headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (!CODINGS.has(coding)) {
    return { kind: 'broken', detail: `Cannot unpack the coding "${coding.slice(0, 40)}"; send gzip, deflate or none` }
  }
  const sent = await readSent(message, bounds)
  const isPlain = coding === '' || coding === 'identity'
  if (sent.kind !== 'whole' || sent.bytes.length === 0 || isPlain) return sent
  return unpack(unpackerOf(coding, sent.bytes), sent.bytes, bounds)
}

const CODINGS: ReadonlySet<string> = new Set(['', 'identity', 'gzip', 'x-gzip', 'deflate'])

/** What is called deflate comes with the header of zlib, and from some agents without. */
function unpackerOf(coding: string, [first = 0]: Uint8Array): Transform {
  if (coding !== 'deflate') return createGunzip()
  return (first & 0x0f) === 8 ? createInflate() : createInflateRaw()
}

function readSent(message: IncomingMessage, bounds: BodyBounds): Promise<Body> {
  return new Promise((known) => {
    const pieces = new Pieces(bounds)
    function take(piece: Buffer): void {
      const refused = pieces.add(piece)
      if (refused !== undefined) end(refused)
    }
    function end(body: Body): void {
      message.off('data', take)
      known(body)
    }
    message.on('data', take)
    message.on('end', () => end(pieces.whole()))
    message.on('error', (error) => end({ kind: 'broken', detail: error.message }))
    message.on('close', () => end({ kind: 'broken', detail: 'The connection ended within the body' }))
  })
}

function unpack(unpacker: Transform, packed: Uint8Array, bounds: BodyBounds): Promise<Body> {
  return new Promise((known) => {
    const pieces = new Pieces(bounds)
    function end(body: Body): void {
      unpacker.destroy()
      known(body)
    }
    unpacker.on('data', (piece: Buffer) => {
      const refused = pieces.add(piece)
      if (refused !== undefined) end(refused)
    })
    unpacker.on('end', () => end(pieces.whole()))
    unpacker.on('error', (error) => end({ kind: 'broken', detail: `Cannot unpack the body: ${error.message}` }))
    unpacker.end(packed)
  })
}

/** What has come so far. */
class Pieces {
  readonly #bounds: BodyBounds
  #pieces: Buffer[] = []
  #size = 0

  constructor(bounds: BodyBounds) {
    this.#bounds = bounds
  }

  /** @returns why it is one too many; what came before is forgotten then */
  add(piece: Buffer): Body | undefined {
    this.#size += piece.length
    const tooLarge = this.#size > this.#bounds.bytesMax
    if (!tooLarge && this.#bounds.hold.add(piece.length)) {
      this.#pieces.push(piece)
      return undefined
    }
    this.#pieces = []
    return { kind: tooLarge ? 'too-large' : 'no-room' }
  }

  whole(): Body {
    const [only] = this.#pieces
    return {
      kind: 'whole',
      bytes: this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces),
    }
  }
}
