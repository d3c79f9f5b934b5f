import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { once } from 'node:events'

import { afterEach, describe, expect, it } from 'vitest'

import {
  bytesSource,
  decodePacket,
  DEFAULT_TRANSFER_POLICY,
  encodePacket,
  startReceiving,
  startSending,
  stepTransfer,
} from '../../protocol/tftp/mod.ts'
import type { TftpPacket, Transfer, TransferOutput } from '../../protocol/tftp/mod.ts'
import { tftpRead, tftpWrite } from './tftp-client.ts'

const HOST = '127.0.0.1'
const file = Uint8Array.from({ length: 3000 }, (_, index) => (index * 3) & 0xff)
const large = { maxBytes: 1_000_000 }

const opened: Socket[] = []
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close()
})

describe('tftpRead', () => {
  it('asks without options in blocks of 512 when no size is given [RFC 1350 §4]', async () => {
    const server = await serve(sendFile)
    const result = await tftpRead({ host: HOST, port: server.port, path: '/8851-3PCC.xml', ...large })
    expect(result).toEqual({ kind: 'file', bytes: file })
    expect(server.requests).toEqual(['rrq /8851-3PCC.xml octet '])
    expect(server.dataSizes[0]).toBe(512)
  })

  it('asks for a block size, and for the size of the file with it [RFC 2348 §2, RFC 2349 §4]', async () => {
    const server = await serve(sendFile)
    const result = await tftpRead({ host: HOST, port: server.port, path: 'a', blockSize: 1428, ...large })
    expect(result).toEqual({ kind: 'file', bytes: file })
    expect(server.requests).toEqual(['rrq a octet blksize=1428 tsize=0'])
    expect(server.dataSizes[0]).toBe(1428)
  })

  it('finds the server by name', async () => {
    const server = await serve(sendFile)
    const result = await tftpRead({ host: 'localhost', port: server.port, path: 'a', ...large })
    expect(result.kind).toBe('file')
  })

  it('follows the server to the port of the transfer, and tells another port so without harm [RFC 1350 §4]', async () => {
    const transferSocket = await openSocket()
    const stranger = await openSocket()
    const toStranger = firstPacket(stranger)
    const server = await serve((packet, remote) => {
      if (packet.kind !== 'rrq') return
      transferSocket.send(encodePacket({ kind: 'data', block: 1, data: file.subarray(0, 512) }), remote.port, HOST)
    })
    transferSocket.on('message', (bytes, remote) => {
      const packet = decodePacket(bytes)
      if (!packet.ok || packet.value.kind !== 'ack' || packet.value.block !== 1) return
      const forged = encodePacket({ kind: 'data', block: 2, data: Uint8Array.of(66, 65, 68) })
      stranger.send(forged, remote.port, HOST, () => {
        void toStranger.then(() => {
          const data = file.subarray(512, 600)
          transferSocket.send(encodePacket({ kind: 'data', block: 2, data }), remote.port, HOST)
        })
      })
    })
    const result = await tftpRead({ host: HOST, port: server.port, path: 'a', ...large })
    expect(result).toEqual({ kind: 'file', bytes: file.slice(0, 600) })
    expect(await toStranger).toEqual({ kind: 'error', code: 5, message: 'Unknown transfer ID' })
  })

  it('is not led astray by noise before the answer', async () => {
    const noisy = await openSocket()
    const server = await serve((packet, remote, reply) => {
      if (packet.kind !== 'rrq') return
      noisy.send(Uint8Array.of(0, 9, 1, 2, 3), remote.port, HOST, () => {
        reply({ kind: 'data', block: 1, data: file.subarray(0, 7) })
      })
    })
    const result = await tftpRead({ host: HOST, port: server.port, path: 'a', ...large })
    expect(result).toEqual({ kind: 'file', bytes: file.slice(0, 7) })
  })

  it('asks again when its request is lost', async () => {
    let count = 0
    const server = await serve((packet, _remote, reply) => {
      if (packet.kind === 'rrq') count += 1
      if (count === 3 && packet.kind === 'rrq') reply({ kind: 'data', block: 1, data: file.subarray(0, 7) })
    })
    const policy = { timeoutMs: 10, timeoutMinMs: 10 }
    const result = await tftpRead({ host: HOST, port: server.port, path: 'a', policy, ...large })
    expect(result.kind).toBe('file')
    expect(count).toBe(3)
  })

  it('says the last ACK again to a server that has missed it [RFC 1350 §6]', async () => {
    const acks: number[] = []
    const server = await serve((packet, _remote, reply) => {
      if (packet.kind === 'ack') acks.push(packet.block)
      if (packet.kind === 'rrq' || acks.length === 1) reply({ kind: 'data', block: 1, data: file.subarray(0, 7) })
    })
    const result = await tftpRead({ host: HOST, port: server.port, path: 'a', ...large })
    expect(result.kind).toBe('file')
    await expect.poll(() => acks).toEqual([1, 1])
  })

  it('tries the plain way when the server refuses options [RFC 2347 §4]', async () => {
    const server = await serve((packet, remote, reply, self) => {
      if (packet.kind === 'rrq' && packet.options.size > 0) reply({ kind: 'error', code: 8, message: 'no options' })
      else sendFile(packet, remote, reply, self)
    })
    const result = await tftpRead({ host: HOST, port: server.port, path: 'a', blockSize: 1428, ...large })
    expect(result.kind).toBe('file')
    expect(server.requests).toHaveLength(2)
  })

  it('gives back the error of the server [MPP §5.6]', async () => {
    const server = await serve((_packet, _remote, reply) =>
      reply({ kind: 'error', code: 1, message: 'File not found' }),
    )
    const result = await tftpRead({ host: HOST, port: server.port, path: 'a', ...large })
    expect(result).toEqual({ kind: 'error', code: 1, message: 'File not found' })
  })

  it('refuses a file over its limit, told or not', async () => {
    const server = await serve(sendFile)
    const target = { host: HOST, port: server.port, path: 'a', maxBytes: 2999 }
    expect(await tftpRead(target)).toMatchObject({ kind: 'failed', reason: 'too-large' })
    expect(await tftpRead({ ...target, blockSize: 1428 })).toMatchObject({ kind: 'failed', reason: 'too-large' })
    await expect.poll(() => server.errors).toEqual([3, 3])
  })

  it('gives up on a server that never answers', async () => {
    const server = await serve(() => undefined)
    const policy = { timeoutMs: 5, timeoutMinMs: 5, timeoutMaxMs: 20, retriesMax: 3 }
    const result = await tftpRead({ host: HOST, port: server.port, path: 'a', policy, ...large })
    expect(result).toMatchObject({ kind: 'failed', reason: 'timeout' })
    expect(server.requests).toHaveLength(4)
  })

  it('stops when told to, and tells the server', async () => {
    const abort = new AbortController()
    const server = await serve((packet, _remote, reply) => {
      if (packet.kind === 'rrq') reply({ kind: 'data', block: 1, data: file.subarray(0, 512) })
      if (packet.kind === 'ack') abort.abort()
    })
    const target = { host: HOST, port: server.port, path: 'a', signal: abort.signal, ...large }
    expect(await tftpRead(target)).toEqual({ kind: 'failed', reason: 'network', detail: 'Aborted' })
    await expect.poll(() => server.errors).toEqual([0])
    expect(await tftpRead(target)).toEqual({ kind: 'failed', reason: 'network', detail: 'Aborted' })
    expect(server.requests).toHaveLength(1)
  })

  it('fails for what cannot be asked or reached', async () => {
    const server = await serve(sendFile)
    const tooLong = await tftpRead({ host: HOST, port: server.port, path: 'a'.repeat(2000), ...large })
    const noSuchHost = await tftpRead({ host: 'no-such-host.invalid', port: server.port, path: 'a', ...large })
    const noPort = await tftpRead({ host: HOST, port: 70_000, path: 'a', ...large })
    for (const result of [tooLong, noSuchHost, noPort]) {
      expect(result).toMatchObject({ kind: 'failed', reason: 'network' })
    }
    expect(server.requests).toEqual([])
  })
})

describe('tftpWrite', () => {
  it.each([undefined, 1428])('sends a file in blocks of %s [MPP §12.2]', async (blockSize) => {
    const server = await serve(takeFile)
    const result = await tftpWrite({ host: HOST, port: server.port, path: '/report', body: file, blockSize })
    expect(result).toEqual({ kind: 'sent', byteCount: 3000 })
    expect(server.requests).toEqual([
      blockSize === undefined ? 'wrq /report octet ' : 'wrq /report octet blksize=1428 tsize=3000',
    ])
    expect(server.taken[0]).toEqual(file)
  })

  it('gives back the error of the server', async () => {
    const server = await serve((_packet, _remote, reply) => reply({ kind: 'error', code: 2, message: 'Read only' }))
    const result = await tftpWrite({ host: HOST, port: server.port, path: 'a', body: file })
    expect(result).toEqual({ kind: 'error', code: 2, message: 'Read only' })
  })
})

type Reply = (packet: TftpPacket) => void
type Behaviour = (packet: TftpPacket, remote: RemoteInfo, reply: Reply, server: Server) => void

interface Server {
  readonly port: number
  /** Requests as `rrq name mode option=value`. */
  readonly requests: string[]
  readonly dataSizes: number[]
  readonly errors: number[]
  readonly taken: Uint8Array[]
  readonly transfers: Map<number, Transfer>
}

/** A server on one port that does with each packet what the test says, and notes what passes. */
async function serve(behaviour: Behaviour): Promise<Server> {
  const socket = await openSocket()
  const { port } = socket.address()
  const server: Server = { port, requests: [], dataSizes: [], errors: [], taken: [], transfers: new Map() }
  socket.on('message', (bytes, remote) => {
    const packet = decodePacket(bytes)
    if (!packet.ok) return
    if (packet.value.kind === 'error') server.errors.push(packet.value.code)
    if (packet.value.kind === 'rrq' || packet.value.kind === 'wrq') {
      const { kind, filename, mode, options } = packet.value
      const shown = [...options].map(([name, value]) => `${name}=${value}`).join(' ')
      server.requests.push([kind, filename, mode, shown].join(' '))
    }
    const reply = (answer: TftpPacket): void => {
      if (answer.kind === 'data') server.dataSizes.push(answer.data.length)
      socket.send(encodePacket(answer), remote.port, remote.address)
    }
    behaviour(packet.value, remote, reply, server)
  })
  return server
}

/** The real other side of a read; it resends nothing, since nothing is lost here. */
const sendFile: Behaviour = (packet, remote, reply, server) => {
  const before = server.transfers.get(remote.port)
  if (packet.kind === 'rrq') {
    const opening = { kind: 'answer', options: packet.options } as const
    answer(startSending(bytesSource(file), opening, DEFAULT_TRANSFER_POLICY, 0), remote, reply, server)
  } else if (before !== undefined) {
    answer(stepTransfer(before, { kind: 'datagram', bytes: encodePacket(packet) }, 0), remote, reply, server)
  }
}

/** The real other side of a write. */
const takeFile: Behaviour = (packet, remote, reply, server) => {
  const before = server.transfers.get(remote.port)
  if (packet.kind === 'wrq') {
    const opening = { kind: 'answer', options: packet.options } as const
    answer(startReceiving(opening, DEFAULT_TRANSFER_POLICY, 0), remote, reply, server)
  } else if (before !== undefined) {
    answer(stepTransfer(before, { kind: 'datagram', bytes: encodePacket(packet) }, 0), remote, reply, server)
  }
}

function answer(
  step: { readonly state: Transfer; readonly outputs: readonly TransferOutput[] },
  remote: RemoteInfo,
  reply: Reply,
  server: Server,
): void {
  server.transfers.set(remote.port, step.state)
  for (const output of step.outputs) {
    if (output.kind === 'done' && output.bytes !== undefined) server.taken.push(output.bytes)
    if (output.kind !== 'send') continue
    const packet = decodePacket(output.bytes)
    if (packet.ok) reply(packet.value)
  }
}

async function firstPacket(socket: Socket): Promise<TftpPacket | undefined> {
  const [bytes] = (await once(socket, 'message')) as [Uint8Array]
  const packet = decodePacket(bytes)
  return packet.ok ? packet.value : undefined
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, HOST)
  await once(socket, 'listening')
  opened.push(socket)
  return socket
}
