import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket as NetSocket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { utf8Bytes } from '../../protocol/bytes.ts'
import { openSipLink } from './sip-link.ts'
import { addressesOf, localAddressFor, type Source } from './source.ts'
import { createSyslogSender } from './syslog.ts'
import { closeAfterEach, closeLater, fetchRequest, HOST, listen, serveHttp } from './testing.ts'
import { createTransport } from './transport.ts'

closeAfterEach()

/** All of 127.0.0.0/8 is this machine: two phones have two addresses. */
const ANN = '127.0.9.1'
const BOB = '127.0.9.2'
const { signal } = new AbortController()

function sourceAt(address: string, more: Partial<Source> = {}): Source {
  return { address, addressV6: undefined, dnsServers: [], domain: undefined, ...more }
}

async function udp(received: (socket: Socket, bytes: Buffer, from: RemoteInfo) => void): Promise<number> {
  const socket = createSocket('udp4')
  closeLater(() => socket.close())
  socket.on('message', (bytes, from) => received(socket, bytes, from))
  socket.bind(0, HOST)
  await once(socket, 'listening')
  return socket.address().port
}

/** A port, and the first datagram that comes to it. */
async function listenOnce(): Promise<{
  readonly port: number
  readonly first: Promise<{ readonly bytes: Buffer; readonly from: RemoteInfo }>
}> {
  let hear: (heard: { readonly bytes: Buffer; readonly from: RemoteInfo }) => void = () => undefined
  const first = new Promise<{ readonly bytes: Buffer; readonly from: RemoteInfo }>((resolve) => {
    hear = resolve
  })
  return { port: await udp((_socket, bytes, from) => hear({ bytes, from })), first }
}

interface Asked {
  readonly name: string
  readonly from: string
}

/** A name server that knows one name, whose address is this machine's. */
async function serveNames(known: string): Promise<{ readonly server: string; readonly asked: readonly Asked[] }> {
  const asked: Asked[] = []
  const port = await udp((socket, query, from) => {
    const end = query.indexOf(0, 12)
    const name = query
      .subarray(12, end)
      .toString('latin1')
      .replace(/[\u0001-\u001f]/g, '.')
      .slice(1)
    asked.push({ name, from: from.address })
    const isKnown = name === known && query[end + 2] === 1
    const head = [query[0] ?? 0, query[1] ?? 0, 0x81, isKnown ? 0x80 : 0x83, 0, 1, 0, Number(isKnown), 0, 0, 0, 0]
    const answer = isKnown ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...HOST.split('.').map(Number)] : []
    socket.send(
      Buffer.concat([Buffer.from(head), query.subarray(12, end + 5), Buffer.from(answer)]),
      from.port,
      from.address,
    )
  })
  return { server: `${HOST}:${port}`, asked }
}

describe('the name servers of a lease', () => {
  it('are asked from the phone’s own address, and nobody else is [RFC 2132 §3.8]', async () => {
    const { server, asked } = await serveNames('prov.example.test')
    const source = sourceAt(ANN, { dnsServers: [server] })
    expect(await addressesOf('prov.example.test', source)).toEqual([{ address: HOST, family: 4 }])
    expect(asked).toEqual([{ name: 'prov.example.test', from: ANN }])
    await expect(addressesOf('localhost.example.test', source)).rejects.toThrow('ENOTFOUND')
    // The file of this machine's names is not the phone's.
    await expect(addressesOf('localhost', source)).rejects.toThrow()
  })

  it('hear a name of one label with the domain of the lease behind it [RFC 2132 §3.17]', async () => {
    const { server, asked } = await serveNames('prov.example.test')
    const source = sourceAt(ANN, { dnsServers: [server], domain: 'example.test' })
    expect(await addressesOf('prov', source)).toHaveLength(1)
    await expect(addressesOf('other', source)).rejects.toThrow()
    expect(asked.map(({ name }) => name)).toEqual(['prov.example.test', 'other.example.test', 'other'])
  })

  it('hear questions for SRV records, too [MPP §4.6]', async () => {
    const { server, asked } = await serveNames('prov.example.test')
    const source = sourceAt(BOB, { dnsServers: [server] })
    const transport = createTransport({ tls: {} })
    expect(await transport.resolveSrv('_cisco._tcp.example.test', signal, source)).toEqual([])
    expect(asked).toEqual([{ name: '_cisco._tcp.example.test', from: BOB }])
  })

  it('are not needed for literal addresses, and the system’s stand in when there are none', async () => {
    const dead = sourceAt(ANN, { dnsServers: [`${HOST}:1`] })
    expect(await addressesOf('192.0.2.1', dead)).toEqual([{ address: '192.0.2.1', family: 4 }])
    expect(await addressesOf('2001:db8::1', dead)).toEqual([{ address: '2001:db8::1', family: 6 }])
    expect(await addressesOf('localhost', sourceAt(ANN))).toContainEqual({ address: HOST, family: 4 })
  })
})

describe('what a phone sends comes from its own address', () => {
  it.each([
    ['192.0.2.1', ANN],
    ['2001:db8::1', 'fd00::9'],
  ])('for %s that is %s', (target, own) => {
    expect(localAddressFor(sourceAt(ANN, { addressV6: 'fd00::9' }), target)).toBe(own)
    expect(localAddressFor(undefined, target)).toBeUndefined()
  })

  it('by HTTP, over connections that phones share only each with itself', async () => {
    const seen: string[] = []
    const port = await serveHttp((request, response) => {
      seen.push(`${request.socket.remoteAddress} ${request.url}`)
      response.end('ok')
    })
    const transport = createTransport({ tls: {}, keepAlive: true })
    closeLater(() => transport.close())
    for (const address of [ANN, BOB, ANN]) {
      const request = fetchRequest(port, { path: `/${address}` })
      const outcome = await transport.exchange(request, signal, { from: sourceAt(address) })
      expect(outcome).toMatchObject({ kind: 'response', status: 200 })
    }
    expect(seen).toEqual([ANN, BOB, ANN].map((address) => `${address} /${address}`))
    const without = await transport.exchange(fetchRequest(port, { path: '/' }), signal)
    expect([without.kind, seen.at(-1)]).toEqual(['response', `${HOST} /`])
  })

  it('by HTTP it fails when the address has gone from the interface', async () => {
    const port = await serveHttp((_request, response) => response.end())
    const gone = { from: sourceAt('192.0.2.77') }
    expect(await createTransport({ tls: {} }).exchange(fetchRequest(port), signal, gone)).toMatchObject({
      kind: 'failed',
      reason: 'connect',
    })
  })

  it('by TFTP, also for a server that is found by name', async () => {
    const names = await serveNames('tftp.example.test')
    const heard: string[] = []
    const port = await udp((socket, _bytes, from) => {
      heard.push(from.address)
      socket.send(Buffer.from([0, 5, 0, 1, 0]), from.port, from.address)
    })
    const from = sourceAt(ANN, { dnsServers: [names.server] })
    const request = fetchRequest(port, { scheme: 'tftp', host: 'tftp.example.test', path: '/a' })
    expect(await createTransport({ tls: {} }).exchange(request, signal, { from })).toMatchObject({
      kind: 'tftp-error',
      code: 1,
    })
    expect(heard).toEqual([ANN])
  })

  it('in its log lines [MPP §12.1]', async () => {
    const { port, first } = await listenOnce()
    const sender = createSyslogSender(sourceAt(BOB))
    closeLater(() => sender.close())
    sender.send(`${HOST}:${port}`, 'a line')
    const { bytes, from } = await first
    expect([from.address, bytes.toString()]).toEqual([BOB, 'a line'])
  })

  it('by SIP over UDP and TCP, where it also listens; names are those of the lease [RFC 3261 §18]', async () => {
    const names = await serveNames('sip.example.test')
    const from = sourceAt(ANN, { dnsServers: [names.server] })
    const link = await openSipLink({
      address: ANN,
      from,
      port: 0,
      context: () => createTransport({ tls: {} }).trust.context(undefined),
      received: () => undefined,
      failed: (_peer, detail) => expect.unreachable(detail),
    })
    closeLater(() => link.close())
    const { port, first } = await listenOnce()
    const server = createServer()
    const tcpPort = await listen(server)
    const connected = once(server, 'connection') as Promise<[NetSocket]>
    link.send({ host: 'sip.example.test', port, transport: 'udp' }, utf8Bytes('x'))
    link.send({ host: 'sip.example.test', port: tcpPort, transport: 'tcp' }, utf8Bytes('x'))
    const [tcp] = await connected
    const { from: sender } = await first
    expect([tcp.remoteAddress, sender.address, sender.port]).toEqual([ANN, ANN, link.port])
    // Another phone can have the same port at its own address.
    const other = await openSipLink({
      address: BOB,
      from: sourceAt(BOB),
      port: link.port,
      context: () => createTransport({ tls: {} }).trust.context(undefined),
      received: () => undefined,
      failed: () => undefined,
    })
    await other.close()
    expect(other.port).toBe(link.port)
  })
})
