import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { utf8Bytes, utf8Text } from '../../protocol/bytes.ts'
import type { SipPeer } from '../agent/mod.ts'
import { openSipLink, type SipLink } from './sip-link.ts'
import { createTrust } from './trust.ts'
import { makeCa } from './testing-certificates.ts'
import { closeAfterEach, closeLater, HOST, listen } from './testing.ts'

closeAfterEach()

const OK = 'SIP/2.0 200 OK\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n'
const REGISTER = 'REGISTER sip:a SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n'

type Happening = { readonly peer: SipPeer } & ({ readonly text: string } | { readonly failed: string })

interface Watched {
  readonly link: SipLink
  readonly next: () => Promise<Happening>
}

async function open(caPem?: string): Promise<Watched> {
  const happened: Happening[] = []
  const waiting: ((happening: Happening) => void)[] = []
  const happens = (happening: Happening): void => {
    const waiter = waiting.shift()
    if (waiter === undefined) happened.push(happening)
    else waiter(happening)
  }
  const trust = createTrust(caPem === undefined ? {} : { caPem })
  const link = await openSipLink({
    address: HOST,
    port: 0,
    context: () => trust.context(undefined),
    received: (peer, bytes) => happens({ peer, text: utf8Text(bytes) ?? '' }),
    failed: (peer, detail) => happens({ peer, failed: detail }),
  })
  closeLater(() => link.close())
  function next(): Promise<Happening> {
    const first = happened.shift()
    return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first)
  }
  return { link, next }
}

describe('SIP over UDP', () => {
  it('goes out from the port that is told, to an address or a name, and answers come in with their sender', async () => {
    const peer = createSocket('udp4')
    closeLater(() => peer.close())
    peer.bind(0, HOST)
    await once(peer, 'listening')
    const ports: number[] = []
    peer.on('message', (_bytes, remote) => {
      ports.push(remote.port)
      peer.send(OK, remote.port, remote.address)
    })
    const { link, next } = await open()
    const { port } = peer.address()
    for (const host of [HOST, 'localhost']) {
      link.send({ host, port, transport: 'udp' }, utf8Bytes(REGISTER))
      expect(await next()).toEqual({ peer: { host: HOST, port, transport: 'udp' }, text: OK })
    }
    expect(ports).toEqual([link.port, link.port])
  })

  it('tells that a name is unknown', async () => {
    const { link, next } = await open()
    link.send({ host: 'no..such', port: 5060, transport: 'udp' }, utf8Bytes(REGISTER))
    expect(await next()).toMatchObject({
      peer: { host: 'no..such' },
      failed: expect.stringContaining('no..such') as string,
    })
  })

  it('refuses a port that is taken, by name', async () => {
    const { link } = await open()
    const again = openSipLink({ address: HOST, port: link.port, context: never, received: never, failed: never })
    await expect(again).rejects.toThrow(`Cannot open UDP port ${link.port} for SIP`)
  })
})

describe('SIP over TCP', () => {
  it('uses one connection, cuts its stream into messages, and answers on it [RFC 3261 §18.3]', async () => {
    const sockets: Socket[] = []
    let heard = ''
    const port = await listen(
      createServer((socket) => {
        sockets.push(socket)
        socket.on('data', (chunk) => {
          heard += chunk.toString()
        })
      }),
    )
    const { link, next } = await open()
    const asked: SipPeer = { host: 'localhost', port, transport: 'tcp' }
    link.send(asked, utf8Bytes(REGISTER))
    link.send(asked, utf8Bytes(REGISTER))
    const socket = await until(() => (heard.length >= 2 * REGISTER.length ? sockets[0] : undefined))
    expect(sockets).toHaveLength(1)
    const notify = OK.replace('200 OK', '201 Part')
    socket.write(`\r\n\r\n${OK}${notify.slice(0, 20)}`)
    const first = await next()
    expect(first).toEqual({ peer: { host: HOST, port, transport: 'tcp' }, text: OK })
    socket.write(notify.slice(20))
    expect(await next()).toMatchObject({ text: notify })
    // An answer goes back to the address; it must find the connection that was opened by name.
    link.send(first.peer, utf8Bytes('X'))
    await until(() => (heard.endsWith('X') ? true : undefined))
    expect(sockets).toHaveLength(1)
  })

  it('tells by the name that was asked for when nobody listens, and when the server hangs up', async () => {
    const closing = createServer((socket) => socket.end())
    const port = await listen(closing)
    const { link, next } = await open()
    link.send({ host: HOST, port: 1, transport: 'tcp' }, utf8Bytes(REGISTER))
    expect(await next()).toMatchObject({
      peer: { host: HOST, port: 1 },
      failed: expect.stringContaining('ECONNREFUSED') as string,
    })
    link.send({ host: HOST, port, transport: 'tcp' }, utf8Bytes(REGISTER))
    expect(await next()).toMatchObject({ peer: { port }, failed: expect.stringMatching(/./) as string })
  })

  it('listens on its own port once it uses TCP, and answers on the connection that a request came by [RFC 3261 §18.2]', async () => {
    const silent = await listen(createServer())
    const { link, next } = await open()
    expect(await canConnect(link.port)).toBe(false)
    link.send({ host: HOST, port: silent, transport: 'tcp' }, utf8Bytes(REGISTER))
    const proxy = await until(
      () => undefined,
      () => tryConnect(link.port),
    )
    closeLater(() => void proxy.destroy())
    let heard = ''
    proxy.on('data', (chunk) => {
      heard += chunk.toString()
    })
    proxy.write(OK.replace('200 OK', '299 Asked'))
    const asked = await next()
    expect(asked).toMatchObject({ text: expect.stringContaining('299 Asked') as string })
    expect(asked.peer).toEqual({ host: HOST, port: proxy.localPort, transport: 'tcp' })
    link.send(asked.peer, utf8Bytes(OK))
    await until(() => (heard === OK ? true : undefined))
    link.dropConnections()
    await once(proxy, 'end')
    await link.close()
    expect(await canConnect(link.port)).toBe(false)
  })

  it('hangs up on what is no SIP', async () => {
    const port = await listen(createServer((socket) => socket.write('hello\r\nthere\r\n\r\n')))
    const { link, next } = await open()
    link.send({ host: HOST, port, transport: 'tcp' }, utf8Bytes(REGISTER))
    expect(await next()).toMatchObject({ failed: expect.stringContaining('no SIP') as string })
  })

  it('lets go of its connections at a reboot without a word, after what was said before', async () => {
    let heard = ''
    const ended: Promise<unknown>[] = []
    const port = await listen(
      createServer((socket) => {
        socket.on('data', (chunk) => {
          heard += chunk.toString()
        })
        ended.push(once(socket, 'end'))
      }),
    )
    const { link } = await open()
    link.send({ host: HOST, port, transport: 'tcp' }, utf8Bytes(REGISTER))
    link.dropConnections()
    await until(() => ended[0])
    await ended[0]
    expect(heard).toBe(REGISTER)
  })
})

describe('SIP over TLS', () => {
  it('trusts the CA of the phone, and nobody else', async () => {
    const ca = await makeCa('CN=Provider')
    const other = await makeCa('CN=Somebody')
    const pair = await ca.issue('CN=proxy', ['localhost', HOST])
    const server = createTlsServer({ cert: pair.certPem, key: pair.keyPem }, (socket) => socket.write(OK))
    server.on('tlsClientError', () => undefined)
    const port = await listen(server)
    const right = await open(ca.certPem)
    right.link.send({ host: 'localhost', port, transport: 'tls' }, utf8Bytes(REGISTER))
    expect(await right.next()).toMatchObject({ text: OK, peer: { transport: 'tls' } })
    const wrong = await open(other.certPem)
    wrong.link.send({ host: 'localhost', port, transport: 'tls' }, utf8Bytes(REGISTER))
    expect(await wrong.next()).toMatchObject({ failed: expect.stringMatching(/certificate|issuer/) as string })
  })
})

function never(): never {
  throw new Error('nothing comes here')
}

async function tryConnect(port: number): Promise<Socket | undefined> {
  const socket = connect(port, HOST)
  const isOpen = await new Promise((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  return isOpen === true ? socket : undefined
}

async function canConnect(port: number): Promise<boolean> {
  const socket = await tryConnect(port)
  socket?.destroy()
  return socket !== undefined
}

/** Looks again after each turn of the event loop. */
async function until<T>(
  look: () => T | undefined,
  wait: () => Promise<T | undefined> = () => Promise.resolve(undefined),
): Promise<T> {
  for (;;) {
    const found = look() ?? (await wait())
    if (found !== undefined) return found
    await new Promise((resolve) => setImmediate(resolve))
  }
}
