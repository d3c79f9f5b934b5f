import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { once } from 'node:events'

import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'

import { bytesSource, decodePacket, encodePacket } from '../../../protocol/tftp/mod.ts'
import type { TftpPacket } from '../../../protocol/tftp/mod.ts'
import { listenTftp } from './mod.ts'
import type { TftpAnswer, TftpDoor, TftpDoorEvent, TftpDoorOptions, TftpRequest } from './mod.ts'

const file = Uint8Array.from({ length: 1100 }, (_, index) => index & 0xff)
const HOST = '127.0.0.1'

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

describe('the TFTP door, to readers', () => {
  it('sends a file block by block, all from the one port it listens on', async () => {
    const { peer, events, closedCount, door } = await open()
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(await peer.ask(ack(1))).toBe('D2:512')
    expect(await peer.ask(ack(2))).toBe('D3:76')
    peer.send(ack(3))
    expect(await peer.ask(rrq('unknown'))).toBe('E1:File not found')
    expect(peer.received).toEqual(file)
    expect([...peer.ports]).toEqual([door.port])
    expect(closedCount()).toBe(1)
    expect(events[0]).toMatchObject({ kind: 'ended', op: 'read', filename: 'known', byteCount: 1100 })
    expect(events[0]).not.toHaveProperty('failure')
  })

  it('refuses with one text, whatever the reason', async () => {
    const { peer } = await open({
      answer: async ({ filename }) => ({ kind: 'error', code: 1, message: `device ${filename} is disabled` }),
    })
    expect(await peer.ask(rrq('a'))).toBe('E1:File not found')
    expect(await peer.ask(rrq('b'))).toBe('E1:File not found')
  })

  it('takes netascii, in any case, and sends the bytes as they are', async () => {
    const lines = new TextEncoder().encode('a\r\nb\nc\r\0')
    const { peer } = await open({ answer: async () => ({ kind: 'file', source: bytesSource(lines) }) })
    expect(await peer.ask({ ...rrq('known'), mode: 'NetASCII' })).toBe('D1:8')
    expect(peer.received).toEqual(lines)
  })

  it('grants options [RFC 2347 §3]', async () => {
    const { peer } = await open()
    expect(await peer.ask(rrq('known', { blksize: '1024', tsize: '0', windowsize: '2' }))).toBe(
      'O(blksize=1024 tsize=1100 windowsize=2)',
    )
    peer.send(ack(0))
    expect([await peer.next(), await peer.next()]).toEqual(['D1:1024', 'D2:76'])
  })

  it('sends again by its timer', async () => {
    const { peer } = await open({ policy: { timeoutMs: 30 } })
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(await peer.next()).toBe('D1:512')
    expect(await peer.next()).toBe('D1:512')
  })

  it('answers a request repeated at once with its first packet, and asks for the file once', async () => {
    const { peer, asked } = await open({ policy: { timeoutMs: 5000 } })
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(asked).toHaveLength(1)
  })

  it('takes a request repeated in the middle of a file for an echo of the network', async () => {
    const { peer, asked } = await open()
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(await peer.ask(ack(1))).toBe('D2:512')
    peer.send(rrq('known'))
    expect(await peer.ask(ack(2))).toBe('D3:76')
    expect(asked).toHaveLength(1)
  })

  it('starts anew when the same request comes after silence', async () => {
    let now = 1000
    const { peer, asked, closedCount } = await open({ now: () => now })
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(await peer.ask(ack(1))).toBe('D2:512')
    now += 1000
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(await peer.ask(ack(1))).toBe('D2:512')
    expect([asked.length, closedCount()]).toEqual([2, 1])
  })

  it('starts the next file when another request comes from the same port', async () => {
    const { peer, closedCount } = await open()
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(await peer.ask(ack(1))).toBe('D2:512')
    expect(await peer.ask(rrq('known', { tsize: '0' }))).toBe('O(tsize=1100)')
    expect(closedCount()).toBe(1)
  })

  it('stays silent to a late ACK of a file that is done, and serves the same port again', async () => {
    const { peer } = await open({ answer: async () => ({ kind: 'file', source: bytesSource(file.subarray(0, 5)) }) })
    expect(await peer.ask(rrq('a'))).toBe('D1:5')
    peer.send(ack(1))
    peer.send(ack(1))
    expect(await peer.ask(rrq('a'))).toBe('D1:5')
  })

  it('keeps two ports of one address apart', async () => {
    const { peer, door } = await open()
    const other = await openPeer(door.port)
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(await other.ask(rrq('known', { blksize: '600' }))).toBe('O(blksize=600)')
    expect(await peer.ask(ack(1))).toBe('D2:512')
    expect(await other.ask(ack(0))).toBe('D1:600')
  })
})

describe('the TFTP door, to strangers', () => {
  it('tells a packet of no transfer so, but never answers an ERROR or noise [RFC 1350 §4, §7]', async () => {
    const { peer } = await open()
    expect(await peer.ask(ack(7))).toBe('E5:Unknown transfer ID')
    expect(await peer.ask({ kind: 'data', block: 1, data: file })).toBe('E5:Unknown transfer ID')
    peer.send({ kind: 'error', code: 5, message: 'x' })
    peer.sendBytes(Uint8Array.of(9, 9, 9, 9, 9))
    peer.sendBytes(new Uint8Array(0))
    expect(await peer.ask(rrq('unknown'))).toBe('E1:File not found')
  })

  it('refuses requests that are broken or in an unknown mode with error 4', async () => {
    const { peer } = await open()
    peer.sendBytes(Uint8Array.of(0, 1, 65))
    expect(await peer.next()).toBe('E4:Illegal TFTP operation')
    expect(await peer.ask({ ...rrq('known'), mode: 'mail' })).toBe('E4:Illegal TFTP operation')
  })

  it('stays in service after any datagrams', async () => {
    const { peer } = await open()
    const head = fc.constantFrom([], [0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [0, 6])
    const datagrams = fc.tuple(head, fc.uint8Array({ maxLength: 300 }))
    for (const [start, rest] of fc.sample(datagrams, { numRuns: 2000, seed: 9 })) {
      peer.sendBytes(Uint8Array.from([...start, ...rest]))
    }
    const fresh = await openPeer(peer.doorPort)
    expect(await fresh.ask(rrq('known'))).toBe('D1:512')
  })
})

describe('the TFTP door, when it is full', () => {
  it('leaves a request of a full address unanswered, and serves it when there is room', async () => {
    const { peer, door, events } = await open({ limits: { perAddressMax: 1 } })
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    const other = await openPeer(door.port)
    other.send(rrq('known'))
    expect(await peer.ask(ack(1))).toBe('D2:512')
    expect(await peer.ask(ack(2))).toBe('D3:76')
    expect(events).toMatchObject([{ kind: 'busy', peer: { address: HOST } }])
    peer.send(ack(3))
    expect(await other.ask(rrq('known'))).toBe('D1:512')
    expect(other.shown).toEqual(['D1:512'])
  })

  it('lets go of the oldest that has confirmed nothing', async () => {
    const { peer, door, closedCount } = await open({ limits: { unconfirmedMax: 1 } })
    const other = await openPeer(door.port)
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(await other.ask(rrq('known'))).toBe('D1:512')
    expect(closedCount()).toBe(1)
    expect(await peer.ask(ack(1))).toBe('E5:Unknown transfer ID')
    expect(await other.ask(ack(1))).toBe('D2:512')
  })

  it('takes no more writes at a time than it may', async () => {
    const { peer, door, events } = await open({ limits: { writesMax: 1 } })
    const other = await openPeer(door.port)
    expect(await peer.ask(wrq('report'))).toBe('A0')
    other.send(wrq('report'))
    expect(await peer.ask(data(1, 10))).toBe('A1')
    expect(events).toContainEqual(expect.objectContaining({ kind: 'busy' }))
    expect(await other.ask(wrq('report'))).toBe('A0')
  })
})

describe('the TFTP door, to writers', () => {
  it('hands over the whole file and acknowledges its end when it is accepted [MPP §12.2]', async () => {
    const accept = deferred()
    const { peer, asked } = await open({
      answer: async () => {
        await accept.promise
        return { kind: 'accepted' }
      },
    })
    expect(await peer.ask(wrq('report', { blksize: '600' }))).toBe('O(blksize=600)')
    expect(await peer.ask(data(1, 600))).toBe('A1')
    peer.send(data(2, 500, 600))
    await expect.poll(() => asked.length).toBe(1)
    expect(peer.shown.at(-1)).toBe('A1')
    accept.resolve()
    expect(await peer.next()).toBe('A2')
    expect(asked[0]).toMatchObject({ op: 'write', filename: 'report' })
    expect(asked[0]?.body).toEqual(file)
  })

  it('answers the last block with an error when the file is refused', async () => {
    const { peer, events } = await open({ answer: async () => ({ kind: 'error', code: 2, message: 'Not sealed' }) })
    expect(await peer.ask(wrq('report'))).toBe('A0')
    expect(await peer.ask(data(1, 10))).toBe('E2:Not sealed')
    expect(await peer.ask(data(1, 10))).toBe('E2:Not sealed')
    expect(events).toMatchObject([{ kind: 'refused', op: 'write', filename: 'report', code: 2 }])
  })

  it('refuses before a byte is sent where writes are not admitted', async () => {
    const { peer, asked } = await open({ admit: async () => ({ kind: 'error', code: 1, message: 'read only' }) })
    expect(await peer.ask(wrq('report'))).toBe('E1:File not found')
    expect(asked).toEqual([])
  })

  it('refuses a file over its limit, told or not', async () => {
    const { peer, asked } = await open({ policy: { transferSizeMax: 600 } })
    expect(await peer.ask(wrq('report', { tsize: '601' }))).toBe('E3:File larger than 600 bytes')
    expect(await peer.ask(wrq('report'))).toBe('A0')
    expect(await peer.ask(data(1, 512))).toBe('A1')
    expect(await peer.ask(data(2, 512))).toBe('E3:File larger than 600 bytes')
    expect(asked).toEqual([])
  })
})

describe('the TFTP door, when our own side fails', () => {
  it('answers error 0 and stays in service when the answer throws', async () => {
    const { peer, events } = await open({
      answer: async ({ filename }) => {
        if (filename === 'bad') throw new Error('disk')
        return { kind: 'error', code: 1, message: '' }
      },
    })
    expect(await peer.ask(rrq('bad'))).toBe('E0:Server error')
    expect(await peer.ask(rrq('other'))).toBe('E1:File not found')
    expect(events).toContainEqual({ kind: 'broken', cause: new Error('disk') })
  })

  it('answers error 0 and closes the source when it throws in the middle', async () => {
    let closes = 0
    const source = {
      byteCount: 2000,
      read: (offset: number) => {
        if (offset > 0) throw new Error('disk')
        return new Uint8Array(512)
      },
    }
    const { peer } = await open({ answer: async () => ({ kind: 'file', source, close: () => void (closes += 1) }) })
    expect(await peer.ask(rrq('a'))).toBe('D1:512')
    expect(await peer.ask(ack(1))).toBe('E0:Server error')
    expect(closes).toBe(1)
  })

  it('answers error 0 to an answer of the wrong kind', async () => {
    const { peer } = await open({ answer: async () => ({ kind: 'accepted' }) })
    expect(await peer.ask(rrq('a'))).toBe('E0:Server error')
  })

  it('closes the source of a reader that went away while it was being looked up', async () => {
    const first = deferred()
    let closes = 0
    const { peer } = await open({
      answer: async ({ filename }) => {
        if (filename !== 'slow') return { kind: 'error', code: 1, message: '' }
        await first.promise
        return { kind: 'file', source: bytesSource(file), close: () => void (closes += 1) }
      },
    })
    peer.send(rrq('slow'))
    expect(await peer.ask(rrq('other'))).toBe('E1:File not found')
    first.resolve()
    await expect.poll(() => closes).toBe(1)
    expect(peer.shown).toEqual(['E1:File not found'])
  })
})

describe('closing the TFTP door', () => {
  it('tells the peers, closes what is open and frees the port', async () => {
    const { peer, door, closedCount } = await open()
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    await door.close()
    expect(await peer.next()).toBe('E0:Server is closing')
    expect(closedCount()).toBe(1)
    const again = await listenTftp({ port: door.port, host: HOST, answer: async () => ({ kind: 'accepted' }) })
    expect(again.port).toBe(door.port)
    await again.close()
    await again.close()
  })

  it('says when the port is taken', async () => {
    const { door } = await open()
    const second = listenTftp({ port: door.port, host: HOST, answer: async () => ({ kind: 'accepted' }) })
    await expect(second).rejects.toThrow('EADDRINUSE')
  })
})

describe('the TFTP door on IPv6', () => {
  it('serves, and names IPv4 peers by their IPv4 address', async () => {
    const { door, asked } = await open({ host: '::' })
    const peer = await openPeer(door.port)
    expect(await peer.ask(rrq('known'))).toBe('D1:512')
    expect(asked[0]?.peer.address).toBe(HOST)
  })
})

/** A peer that speaks packets. It shows them as `D1:512`, `A1`, `E1:text`, `O(blksize=8)`. */
class Peer {
  readonly shown: string[] = []
  readonly ports = new Set<number>()
  readonly doorPort: number
  readonly #socket: Socket
  readonly #waiting: string[] = []
  #blocks = new Map<number, Uint8Array>()

  constructor(socket: Socket, doorPort: number) {
    this.#socket = socket
    this.doorPort = doorPort
    socket.on('message', (bytes: Uint8Array, remote: RemoteInfo) => {
      const text = this.#show(bytes)
      this.ports.add(remote.port)
      this.shown.push(text)
      this.#waiting.push(text)
      socket.emit('shown')
    })
  }

  get received(): Uint8Array {
    return new Uint8Array(Buffer.concat([...this.#blocks].sort(([a], [b]) => a - b).map(([, block]) => block)))
  }

  send(packet: TftpPacket): void {
    this.sendBytes(encodePacket(packet))
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.doorPort, HOST)
  }

  async next(): Promise<string> {
    while (this.#waiting.length === 0) await once(this.#socket, 'shown')
    return this.#waiting.shift() ?? ''
  }

  async ask(packet: TftpPacket): Promise<string> {
    this.send(packet)
    return this.next()
  }

  #show(bytes: Uint8Array): string {
    const packet = decodePacket(bytes)
    if (!packet.ok) return packet.error.message
    switch (packet.value.kind) {
      case 'data':
        this.#blocks.set(packet.value.block, packet.value.data)
        return `D${packet.value.block}:${packet.value.data.length}`
      case 'ack':
        return `A${packet.value.block}`
      case 'error':
        return `E${packet.value.code}:${packet.value.message}`
      case 'oack':
        return `O(${[...packet.value.options].map(([name, value]) => `${name}=${value}`).join(' ')})`
      default:
        return packet.value.kind
    }
  }
}

interface Opened {
  readonly door: TftpDoor
  readonly peer: Peer
  readonly asked: readonly TftpRequest[]
  readonly events: readonly TftpDoorEvent[]
  readonly closedCount: () => number
}

async function open(options: Partial<TftpDoorOptions> = {}): Promise<Opened> {
  const asked: TftpRequest[] = []
  const events: TftpDoorEvent[] = []
  let closedCount = 0
  const usual = async ({ op, filename }: TftpRequest): Promise<TftpAnswer> => {
    if (op === 'write') return { kind: 'accepted' }
    if (filename !== 'known') return { kind: 'error', code: 1, message: 'no such file' }
    return { kind: 'file', source: bytesSource(file), close: () => void (closedCount += 1) }
  }
  const door = await listenTftp({
    port: 0,
    host: HOST,
    // Slow resends, so that what a test sees is an answer; where resends matter the test waits for them.
    policy: { timeoutMinMs: 3000, timeoutMs: 3000 },
    note: (event) => events.push(event),
    ...options,
    answer: (request) => {
      asked.push(request)
      return (options.answer ?? usual)(request)
    },
  })
  opened.push(() => door.close())
  return { door, peer: await openPeer(door.port), asked, events, closedCount: () => closedCount }
}

async function openPeer(doorPort: number): Promise<Peer> {
  const socket = createSocket('udp4')
  socket.bind(0, HOST)
  await once(socket, 'listening')
  opened.push(async () => socket.close())
  return new Peer(socket, doorPort)
}

function rrq(filename: string, options: Readonly<Record<string, string>> = {}): Extract<TftpPacket, { mode: string }> {
  return { kind: 'rrq', filename, mode: 'octet', options: new Map(Object.entries(options)) }
}

function wrq(filename: string, options: Readonly<Record<string, string>> = {}): TftpPacket {
  return { kind: 'wrq', filename, mode: 'octet', options: new Map(Object.entries(options)) }
}

function ack(block: number): TftpPacket {
  return { kind: 'ack', block }
}

function data(block: number, size: number, offset = 0): TftpPacket {
  return { kind: 'data', block, data: file.subarray(offset, offset + size) }
}

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}
