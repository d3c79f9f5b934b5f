import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type GuardedConnection, guardedConnect, guardedRequest, readOutboundUrl, refusalOfAddress } from './mod.ts'

const LOOPBACK = ['127.0.0.0/8']
const servers: { close(): void }[] = []
afterAll(() => {
  for (const server of servers) server.close()
})

async function listen(handler: RequestListener): Promise<string> {
  const server: Server = createServer(handler)
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const ask = (url: string, more: Partial<Parameters<typeof guardedRequest>[0]> = {}) =>
  guardedRequest({ url, method: 'GET', timeoutMs: 5000, answerBytesMax: 1000, allow: LOOPBACK, ...more })

const codeOf = async (answer: ReturnType<typeof ask>) => {
  const result = await answer
  return result.ok ? result.value.status : result.error.code
}

describe('addresses', () => {
  it.each([
    ['0.0.0.0', 'this host'],
    ['0.1.2.3', 'this host'],
    ['10.1.2.3', 'private'],
    ['100.64.0.1', 'carrier-grade NAT'],
    ['100.127.255.255', 'carrier-grade NAT'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.8', 'reserved'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', 'reserved'],
    ['192.168.178.1', 'private'],
    ['198.18.0.1', 'benchmarking'],
    ['198.51.100.7', 'documentation'],
    ['203.0.113.7', 'documentation'],
    ['224.0.0.251', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::', 'this host'],
    ['::1', 'loopback'],
    ['::7f00:1', 'reserved'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['0:0:0:0:0:ffff:10.0.0.1', 'private'],
    ['::ffff:169.254.169.254', 'link-local'],
    ['64:ff9b::127.0.0.1', 'loopback'],
    ['64:ff9b::1', 'this host'],
    ['64:ff9b::', 'this host'],
    ['64:ff9b:1::1', 'private'],
    ['100::1', 'discard only'],
    ['2001::1', 'reserved'],
    ['2001:db8::1', 'documentation'],
    ['2002:7f00:1::', '6to4'],
    ['3fff::1', 'documentation'],
    ['fc00::1', 'private'],
    ['fd12:3456::1', 'private'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['fec0::1', 'private'],
    ['ff02::1', 'multicast'],
    ['localhost', 'no address'],
    ['', 'no address'],
  ])('refuses %s as %s', (address, reason) => expect(refusalOfAddress(address, [])).toBe(reason))

  it.each([
    '1.1.1.1',
    '100.63.255.255',
    '100.128.0.1',
    '172.15.1.1',
    '172.32.0.1',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
  ])('lets %s pass', (address) => expect(refusalOfAddress(address, [])).toBeUndefined())

  it('lets an allowed network pass in every notation, and nothing beside it', () => {
    expect(refusalOfAddress('10.1.2.3', ['10.1.0.0/16'])).toBeUndefined()
    expect(refusalOfAddress('::ffff:10.1.2.3', ['10.1.0.0/16'])).toBeUndefined()
    expect(refusalOfAddress('10.2.0.1', ['10.1.0.0/16'])).toBe('private')
    expect(refusalOfAddress('fd00::5', ['fd00::/64'])).toBeUndefined()
    expect(refusalOfAddress('fd00:1::5', ['fd00::/64'])).toBe('private')
    expect(refusalOfAddress('192.168.1.7', ['192.168.1.7'])).toBeUndefined()
  })

  it('refuses an address of this machine although it is public', () => {
    expect(refusalOfAddress('8.8.4.4', [], ['8.8.4.4', 'fe80::1%lo'])).toBe('this machine')
    expect(refusalOfAddress('::ffff:8.8.4.4', [], ['8.8.4.4'])).toBe('this machine')
    const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
    for (const address of own) expect(refusalOfAddress(address, [], own)).toBeDefined()
  })

  it('says of an IPv4 address and of the same one inside IPv6 the same', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const plain = refusalOfAddress(address, [])
        expect(refusalOfAddress(`::ffff:${address}`, [])).toBe(plain)
        expect(refusalOfAddress(`64:ff9b::${address}`, [])).toBe(plain)
      }),
    )
  })

  it('never throws, whatever it is asked', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV6()), (text) => {
        expect(['string', 'undefined']).toContain(typeof refusalOfAddress(text, []))
      }),
    )
  })
})

describe('URLs', () => {
  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://0/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://127.0.0.1./',
    'http://１２７.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
  ])('refuses %s before anything is asked', (url) => {
    expect(readOutboundUrl(url, [])).toMatchObject({ ok: false, error: { code: 'forbidden-address' } })
  })

  it.each([
    '',
    'example.com',
    'ftp://example.com/',
    'file:///etc/passwd',
    'http://',
    `https://a.example/${'a'.repeat(3000)}`,
  ])('refuses "%s" as no URL of ours', (url) =>
    expect(readOutboundUrl(url, [])).toMatchObject({ ok: false, error: { code: 'bad-url' } }),
  )

  it('refuses user and password, and does not repeat them', () => {
    const refused = readOutboundUrl('https://me:hunter@example.com/', [])
    expect(refused).toMatchObject({ ok: false, error: { code: 'bad-url' } })
    expect(JSON.stringify(refused)).not.toContain('hunter')
  })
})

describe('requests', () => {
  it('sends method, headers and body, and gives back status, headers and body', async () => {
    const base = await listen((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        response.writeHead(201, { 'x-two': ['a', 'b'], 'x-method': request.method })
        response.end(`${String(request.headers['x-mine'])} ${Buffer.concat(parts).toString()}`)
      })
    })
    const body = new TextEncoder().encode('{"a":1}')
    const answer = await ask(`${base}/hook?x=1`, { method: 'POST', headers: { 'x-mine': 'yes' }, body })
    expect(answer).toMatchObject({ ok: true, value: { status: 201, headers: { 'x-two': 'a, b', 'x-method': 'POST' } } })
    expect(answer.ok && new TextDecoder().decode(answer.value.body)).toBe('yes {"a":1}')
  })

  it('asks nobody when the address of the name is near and not allowed', async () => {
    let asked = 0
    const base = await listen((_request, response) => {
      asked++
      response.end()
    })
    expect(await codeOf(ask(base, { allow: [] }))).toBe('forbidden-address')
    expect(await codeOf(ask(base.replace('127.0.0.1', 'localhost'), { allow: [] }))).toBe('forbidden-address')
    expect(asked).toBe(0)
    expect(await codeOf(ask(base.replace('127.0.0.1', 'localhost')))).toBe(200)
  })

  it('follows no redirect', async () => {
    const base = await listen((_request, response) => response.writeHead(302, { location: 'http://10.0.0.1/' }).end())
    expect(await codeOf(ask(base))).toBe(302)
  })

  it('ends at the time limit, before, in and after the headers', async () => {
    const silent = createTcpServer(() => undefined)
    servers.push(silent)
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
    const port = (silent.address() as AddressInfo).port
    expect(await codeOf(ask(`http://127.0.0.1:${port}/`, { timeoutMs: 50 }))).toBe('timeout')
    const dripping = await listen((_request, response) => void response.writeHead(200).write('a'))
    expect(await codeOf(ask(dripping, { timeoutMs: 100 }))).toBe('timeout')
  })

  it('ends at the byte limit', async () => {
    const base = await listen((_request, response) => response.end('x'.repeat(1001)))
    expect(await codeOf(ask(base))).toBe('too-large')
    const enough = await ask(base, { answerBytesMax: 1001 })
    expect(enough.ok && enough.value.body.length).toBe(1001)
  })

  it('tells an unknown name, a closed port, a broken answer and a header that cannot be sent', async () => {
    expect(await codeOf(ask('http://nowhere.invalid/'))).toBe('unreachable')
    expect(await codeOf(ask('http://127.0.0.1:1/'))).toBe('unreachable')
    const cut = await listen((_request, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('abc')
      setImmediate(() => response.destroy())
    })
    expect(await codeOf(ask(cut))).toBe('unreachable')
    expect(await codeOf(ask(cut, { headers: { 'x-bad': 'a\nb' } }))).toBe('unreachable')
  })
})

describe('connections', () => {
  const listenTcp = async (): Promise<number> => {
    const server = createTcpServer((socket) => socket.on('error', () => undefined))
    servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return (server.address() as AddressInfo).port
  }
  const connectTo = async (host: string, port: number, more: Partial<GuardedConnection> = {}) => {
    const connected = await guardedConnect({ host, port, timeoutMs: 5000, allow: LOOPBACK, ...more })
    if (!connected.ok) return connected.error.code
    const address = connected.value.remoteAddress
    connected.value.destroy()
    return address
  }

  it('lead to an address that was checked, never to one that is near and not allowed', async () => {
    const port = await listenTcp()
    expect(await connectTo('localhost', port)).toBe('127.0.0.1')
    expect(await connectTo('localhost', port, { allow: [] })).toBe('forbidden-address')
    const resolve = async () => [
      { address: '10.0.0.1', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]
    expect(await connectTo('phone.example', port, { resolve })).toBe('127.0.0.1')
    expect(await connectTo('phone.example', port, { resolve, allow: [] })).toBe('forbidden-address')
  })

  it('go to the next address of a name when one does not answer', async () => {
    const port = await listenTcp()
    const resolve = async () => [
      { address: '127.0.0.2', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]
    expect(await connectTo('phone.example', port, { resolve })).toBe('127.0.0.1')
  })

  it('tell a closed port, an unknown name, a resolver that never answers and a caller who gave up', async () => {
    expect(await connectTo('127.0.0.1', 1)).toBe('unreachable')
    expect(await connectTo('nowhere.invalid', 1)).toBe('unreachable')
    const never = () => new Promise<never>(() => undefined)
    expect(await connectTo('phone.example', 1, { resolve: never, timeoutMs: 20 })).toBe('timeout')
    expect(await connectTo('127.0.0.1', await listenTcp(), { signal: AbortSignal.abort() })).toBe('timeout')
    const controller = new AbortController()
    const waiting = connectTo('phone.example', 1, { resolve: never, signal: controller.signal })
    controller.abort()
    expect(await waiting).toBe('timeout')
  })
})
