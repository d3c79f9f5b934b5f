/**
 * Reads files by TFTP, many at once, each from a socket of its own as phones do. Packets by hand: the client must cost
 * less than the servers that it measures.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { serveCalls } from './worker.ts'

export interface TftpLoad {
  readonly host: string
  readonly port: number
  /** File names, asked in turn. */
  readonly names: readonly string[]
  readonly blockSize: number
  /** Transfers at once. */
  readonly atOnce: number
  /** How long to go on beginning new ones. */
  readonly ms: number
}

export interface TftpResult {
  readonly perSecond: number
  readonly failedCount: number
  /** Of each transfer, from its request to its last block. */
  readonly durationsMs: readonly number[]
}

/** A phone asks again, or repeats its last ACK, after this time without an answer. Servers are to be quicker. */
const PATIENCE_MS = 5000
const PATIENCE_REQUEST_MS = 1000
const ATTEMPTS_MAX = 4

/** One lane: a socket, one transfer after the other. */
class Lane {
  readonly #load: TftpLoad
  readonly #socket: Socket
  readonly #ack = Buffer.from([0, 4, 0, 0])
  #request = Buffer.alloc(0)
  #peerPort = 0
  #block = 0
  #byteCount = 0
  #attempts = 0
  #startedAt = 0
  #timer: NodeJS.Timeout | undefined
  #ended: (result: 'done' | 'failed') => void = () => undefined

  constructor(load: TftpLoad, socket: Socket) {
    this.#load = load
    this.#socket = socket
    socket.on('message', (bytes, remote) => this.#receive(bytes, remote))
  }

  /** @returns how long it took, ms; undefined when it failed */
  async read(name: string, expectedBytes: number | undefined): Promise<{ ms: number; byteCount: number } | undefined> {
    const { blockSize } = this.#load
    const options = blockSize === 512 ? '' : `blksize\0${blockSize}\0`
    this.#request = Buffer.from(`\0\u0001${name}\0octet\0${options}`, 'latin1')
    this.#peerPort = 0
    this.#block = 0
    this.#byteCount = 0
    this.#attempts = 0
    this.#startedAt = performance.now()
    const ended = new Promise<'done' | 'failed'>((resolve) => {
      this.#ended = resolve
    })
    this.#ask()
    const result = await ended
    clearTimeout(this.#timer)
    const whole = expectedBytes === undefined || this.#byteCount === expectedBytes
    if (result === 'failed' || !whole) return undefined
    return { ms: performance.now() - this.#startedAt, byteCount: this.#byteCount }
  }

  #ask(): void {
    this.#socket.send(this.#request, this.#load.port, this.#load.host)
    this.#wait(PATIENCE_REQUEST_MS, () => this.#ask())
  }

  #wait(ms: number, again: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#attempts += 1
      if (this.#attempts >= ATTEMPTS_MAX) this.#ended('failed')
      else again()
    }, ms)
  }

  #sendAck(): void {
    this.#ack.writeUInt16BE(this.#block & 0xffff, 2)
    this.#socket.send(this.#ack, this.#peerPort, this.#load.host)
  }

  #receive(bytes: Buffer, remote: RemoteInfo): void {
    const opcode = bytes.length < 4 ? 0 : bytes[1]
    if (this.#peerPort !== 0 && remote.port !== this.#peerPort) return
    if (opcode === 5) return this.#ended('failed')
    if (opcode === 6 && this.#block === 0) {
      this.#peerPort = remote.port
      this.#acknowledge()
      return
    }
    if (opcode !== 3) return
    const block = bytes.readUInt16BE(2)
    // RFC 1350 §2: a repeated block means that its ACK was lost.
    if (block === this.#block) return this.#sendAck()
    if (block !== this.#block + 1) return
    this.#peerPort = remote.port
    this.#block = block
    this.#byteCount += bytes.length - 4
    this.#acknowledge()
    if (bytes.length - 4 < this.#load.blockSize) this.#ended('done')
  }

  /** The timer is set once for a transfer and looks again when it fires: setting it for each packet would cost more. */
  #acknowledge(): void {
    this.#attempts = 0
    this.#sendAck()
    if (this.#block <= 1) this.#watch(this.#block)
  }

  #watch(block: number): void {
    this.#wait(PATIENCE_MS, () => {
      if (this.#block === block) this.#sendAck()
      else this.#attempts = 0
      this.#watch(this.#block)
    })
  }
}

async function openLane(load: TftpLoad): Promise<{ lane: Lane; socket: Socket }> {
  // The address is one already: the look-up of a name would put off each datagram.
  const socket = createSocket({ type: 'udp4', lookup: (address, _options, done) => done(null, address, 4) })
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound))
  return { lane: new Lane(load, socket), socket }
}

const calls = {
  /** @returns the size of one file, bytes */
  async size(load: TftpLoad): Promise<number> {
    const { lane, socket } = await openLane(load)
    const read = await lane.read(load.names[0] ?? '', undefined)
    socket.close()
    if (read === undefined) throw new Error(`"${load.names[0]}" could not be read`)
    return read.byteCount
  },
  async run(load: TftpLoad & { readonly byteCount: number }): Promise<TftpResult> {
    const durationsMs: number[] = []
    let failedCount = 0
    let next = 0
    const startedAt = performance.now()
    const work = async (): Promise<void> => {
      while (performance.now() - startedAt < load.ms) {
        // As a phone that starts anew, from a port of its own.
        const { lane, socket } = await openLane(load)
        const read = await lane.read(load.names[next++ % load.names.length] ?? '', load.byteCount)
        if (read === undefined) failedCount += 1
        else durationsMs.push(read.ms)
        socket.close()
      }
    }
    await Promise.all(Array.from({ length: load.atOnce }, work))
    const perSecond = (durationsMs.length * 1000) / (performance.now() - startedAt)
    return { perSecond, failedCount, durationsMs }
  },
}

export type TftpLoadCalls = typeof calls

serveCalls(calls)
