import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { beforeAll, describe, expect, it } from 'vitest'
import { utf8Bytes, utf8Text } from '../../protocol/bytes.ts'
import { decodePacket, encodePacket, type TftpPacket } from '../../protocol/tftp/mod.ts'
import type { FetchOutcome } from '../agent/mod.ts'
import { createConnections, DEFAULT_HTTP_TIMES, exchangeHttp } from './http-client.ts'
import { createTransport, type TransportOptions } from './transport.ts'
import { createTrust, type ShellTls } from './trust.ts'
import { makeCa, type TestCa, type TestPair } from './testing-certificates.ts'
import { closeAfterEach, closeLater, fetchRequest, HOST, listen, serveHttp } from './testing.ts'

closeAfterEach()

type Request = Parameters<typeof fetchRequest>[1]

function fetch(port: number, more: Request = {}, options: Partial<TransportOptions> = {}): Promise<FetchOutcome> {
  const transport = createTransport({ tls: {}, ...options })
  return transport.exchange(fetchRequest(port, more), new AbortController().signal)
}

/** `response 200 text`, or the reason of the failure. */
function told(outcome: FetchOutcome): string {
  if (outcome.kind === 'response') return `response ${outcome.status} ${utf8Text(outcome.body) ?? ''}`
  return outcome.kind === 'failed' ? outcome.reason : outcome.kind
}

const QUICK = { times: { connectMs: 5000, silenceMs: 50, totalMs: 5000 } }

describe('an HTTP exchange', () => {
  it('sends what the agent wrote and nothing of its own but what the transport needs [MPP §11.1]', async () => {
    let seen: IncomingMessage | undefined
    let body = ''
    const port = await serveHttp((request, response) => {
      seen = request
      request.on('data', (chunk: Uint8Array) => {
        body += utf8Text(chunk) ?? ''
      })
      request.on('end', () => response.writeHead(201, { 'X-Answer': 'a', 'Set-Cookie': ['b=1', 'c=2'] }).end('done'))
    })
    const headers = [
      ['User-Agent', 'Cisco-CP-8851-3PCC/12.0.2 (000e08aabbcc)'],
      ['Host', 'prov.example.com'],
    ] as const
    const outcome = await fetch(port, { method: 'POST', path: '/a?b=$c', headers, body: utf8Bytes('MA="1"') })
    expect([seen?.method, seen?.url, seen?.rawHeaders, body]).toEqual([
      'POST',
      '/a?b=$c',
      [...headers.flat(), 'Content-Length', '6', 'Connection', 'close'],
      'MA="1"',
    ])
    expect(outcome).toMatchObject({ kind: 'response', status: 201, peerAddress: HOST })
    expect(outcome.kind === 'response' && outcome.headers.get('x-answer')).toBe('a')
    expect(outcome.kind === 'response' && outcome.headers.get('set-cookie')).toBe('b=1, c=2')
  })

  it('hands back a redirect as it is: following it is the business of the agent [MPP §5.6]', async () => {
    const port = await serveHttp((_request, response) => response.writeHead(302, { Location: '/b' }).end())
    const outcome = await fetch(port)
    expect(outcome.kind === 'response' && [outcome.status, outcome.headers.get('location')]).toEqual([302, '/b'])
  })

  it('hands back a compressed body unopened [MPP §2.1]', async () => {
    const packed = Uint8Array.of(0x1f, 0x8b, 8, 0)
    const port = await serveHttp((_request, response) =>
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(packed),
    )
    const outcome = await fetch(port)
    expect(outcome.kind === 'response' && [outcome.body, outcome.headers.get('content-encoding')]).toEqual([
      packed,
      'gzip',
    ])
  })

  it('gives up on a server that does not answer, or stops in the middle', async () => {
    const silent = await serveHttp(() => undefined)
    const halting = await serveHttp((_request, response) =>
      response.writeHead(200, { 'Content-Length': '9' }).write('half'),
    )
    expect(told(await fetch(silent, {}, QUICK))).toBe('timeout')
    expect(told(await fetch(halting, {}, QUICK))).toBe('timeout')
  })

  it('gives up on a server that drips for ever', async () => {
    let stop: unknown
    const port = await serveHttp((_request, response) => {
      const timer = setInterval(() => response.write('x'), 10)
      stop = response.on('close', () => clearInterval(timer))
    })
    const outcome = await fetch(port, {}, { times: { silenceMs: 5000, totalMs: 100 } })
    expect([told(outcome), stop !== undefined]).toEqual(['timeout', true])
  })

  it.each([
    ['that says so', { 'Content-Length': '10001' }],
    ['that does not say so', {}],
  ])('cuts off a file %s and is larger than allowed', async (_, headers) => {
    let cutOff = (): void => undefined
    const closed = new Promise<void>((resolve) => {
      cutOff = resolve
    })
    const port = await serveHttp((request, response) => {
      request.socket.on('close', () => cutOff())
      response.writeHead(200, headers)
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(1000)));
      }
      response.on('drain', more)
      more()
    })
    expect(told(await fetch(port, { bytesMax: 10_000 }))).toBe('too-large')
    await closed
  })

  it('takes a file of exactly the size allowed', async () => {
    const port = await serveHttp((_request, response) => response.end('x'.repeat(10_000)))
    const outcome = await fetch(port, { bytesMax: 10_000 })
    expect(outcome.kind === 'response' && outcome.body.length).toBe(10_000)
  })

  it.each([
    ['hangs up at once', (socket: Socket) => socket.destroy(), 'broken'],
    [
      'hangs up in the middle',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
      'broken',
    ],
    ['speaks no HTTP', (socket: Socket) => socket.end('SSH-2.0-OpenSSH\r\n\r\n'), 'broken'],
    [
      'switches protocols',
      (socket: Socket) => socket.end('HTTP/1.1 101 No\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      'broken',
    ],
  ])('survives a server that %s', async (_, answer, reason) => {
    const port = await listen(
      createServer((socket) => socket.on('error', () => undefined).once('data', () => answer(socket))),
    )
    expect(told(await fetch(port))).toBe(reason)
  })

  it('tries the next address when one refuses [MPP §4.5]', async () => {
    const port = await serveHttp((_request, response) => response.end('second'))
    const how = {
      trust: createTrust({}),
      connections: createConnections(false),
      times: DEFAULT_HTTP_TIMES,
      signal: new AbortController().signal,
    }
    const addresses = ['127.0.0.2', HOST].map((address) => ({ address, family: 4 }))
    const request = fetchRequest(port, { host: 'localhost' })
    expect(told(await exchangeHttp(request, addresses, how))).toBe('response 200 second')
    expect(told(await exchangeHttp(request, addresses.slice(0, 1), how))).toBe('connect')
  })

  it.each<[string, Request, string]>([
    ['a name that does not exist', { host: 'no..such' }, 'dns'],
    ['no host', { host: '' }, 'bad-url'],
    ['a host with a slash', { host: 'a/b' }, 'bad-url'],
    ['port 0', { port: 0 }, 'bad-url'],
    ['a line end in the path', { path: '/a\r\nX: y' }, 'bad-url'],
    ['a line end in a header', { headers: [['Host', 'a\r\nY: z']] }, 'bad-url'],
    ['a port where nobody listens', { port: 1 }, 'connect'],
  ])('says what is wrong: %s', async (_, request, reason) => {
    const port = await serveHttp((_request, response) => response.end())
    expect(told(await fetch(port, request))).toBe(reason)
  })

  it('ends at once when it is aborted', async () => {
    const abort = new AbortController()
    const port = await serveHttp(() => abort.abort())
    const outcome = await createTransport({ tls: {} }).exchange(fetchRequest(port), abort.signal)
    expect(outcome).toEqual({ kind: 'failed', reason: 'broken', detail: 'aborted' })
    const again = await createTransport({ tls: {} }).exchange(fetchRequest(port), abort.signal)
    expect(again.kind).toBe('failed')
  })

  it('keeps connections when asked to, and takes a fresh one when the server closed the kept one', async () => {
    const sockets = new Set<Socket>()
    let requestCount = 0
    const port = await listen(
      createServer((socket) => {
        sockets.add(socket)
        socket.on('error', () => undefined)
        socket.on('data', () => {
          requestCount += 1
          // The third request comes on a kept connection that the server has just given up.
          if (requestCount === 3) socket.resetAndDestroy()
          else socket.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok')
        })
      }),
    )
    const transport = createTransport({ tls: {}, keepAlive: true })
    closeLater(() => transport.close())
    for (let count = 0; count < 3; count += 1) {
      expect(told(await transport.exchange(fetchRequest(port), new AbortController().signal))).toBe('response 200 ok')
    }
    expect([sockets.size, requestCount]).toEqual([2, 4])
  })
})

describe('an HTTPS exchange', () => {
  let provider: TestCa
  let factory: TestCa
  let device: TestPair
  beforeAll(async () => {
    provider = await makeCa('CN=Provider')
    factory = await makeCa('CN=Factory')
    device = await factory.issue('OU=CP-8851-3PCC, L=FCH2305DMH0, ST=000e08aabbcc')
  })

  async function serve(pair: TestPair, more: object = {}): Promise<number> {
    const options = {
      cert: pair.certPem,
      key: pair.keyPem,
      ca: factory.certPem,
      requestCert: true,
      rejectUnauthorized: false,
    }
    const server = createHttpsServer({ ...options, ...more }, (request, response) => {
      const socket = request.socket as TLSSocket
      response.end(socket.authorized ? `for ${String(socket.getPeerCertificate().subject.ST)}` : 'for nobody')
    })
    server.on('tlsClientError', () => undefined)
    return listen(server)
  }
  function ask(port: number, tls: ShellTls, more: Request = {}): Promise<FetchOutcome> {
    return fetch(port, { scheme: 'https', host: 'localhost', ...more }, { tls })
  }

  it('shows the client certificate of the phone [MPP §11.2]', async () => {
    const port = await serve(await provider.issue('CN=x', ['localhost']))
    const caPem = provider.certPem
    expect(told(await ask(port, { ...device, caPem }))).toBe('response 200 for 000e08aabbcc')
    expect(told(await ask(port, { caPem }))).toBe('response 200 for nobody')
  })

  it('trusts its roots and the custom CA, and nobody else [MPP §11.2]', async () => {
    const port = await serve(await provider.issue('CN=x', ['localhost']))
    const right = provider.certPem
    const wrong = factory.certPem
    expect(told(await ask(port, { caPem: wrong }))).toBe('tls')
    expect(told(await ask(port, {}))).toBe('tls')
    expect(told(await ask(port, { caPem: wrong }, { customCaPem: right }))).toBe('response 200 for nobody')
    expect(told(await ask(port, {}, { customCaPem: right }))).toBe('response 200 for nobody')
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    expect(told(await ask(port, { caPem: right }, { customCaPem: broken }))).toBe('response 200 for nobody')
  })

  it('checks the name: the host, or the name that DNS SRV was asked for [MPP §4.6, §11.2]', async () => {
    const caPem = provider.certPem
    const named = await serve(await provider.issue('CN=x', ['voice.example.net']))
    expect(told(await ask(named, { caPem }))).toBe('tls')
    expect(told(await ask(named, { caPem }, { certificateName: 'voice.example.net' }))).toBe('response 200 for nobody')
    const local = await serve(await provider.issue('CN=x', ['localhost']))
    expect(told(await ask(local, { caPem }, { certificateName: 'voice.example.net' }))).toBe('tls')
    const byAddress = await serve(await provider.issue('CN=x', [HOST]))
    expect(told(await ask(byAddress, { caPem }, { host: HOST }))).toBe('response 200 for nobody')
  })

  it('takes a common name that goes on after a slash [MPP §11.2]', async () => {
    const caPem = provider.certPem
    const old = await serve(await provider.issue('CN=localhost/mailto:a@b.example'))
    expect(told(await ask(old, { caPem }))).toBe('response 200 for nobody')
    const foreign = await serve(await provider.issue('CN=other.example/localhost'))
    expect(told(await ask(foreign, { caPem }))).toBe('tls')
  })

  it('calls it a TLS failure when the server insists on a certificate, or speaks no TLS 1.2', async () => {
    const pair = await provider.issue('CN=x', ['localhost'])
    const caPem = provider.certPem
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
      const strict = await serve(pair, { rejectUnauthorized: true, maxVersion })
      expect(told(await ask(strict, { caPem }))).toBe('tls')
      expect(told(await ask(strict, { ...device, caPem }))).toBe('response 200 for 000e08aabbcc')
    }
    const old = await serve(pair, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    expect(told(await ask(old, { caPem }))).toBe('tls')
    const plain = await serveHttp((_request, response) => response.end())
    expect(told(await ask(plain, { caPem }))).toBe('tls')
  })
})

describe('a TFTP exchange', () => {
  it('gets a file, an error, and puts a report [MPP §12.2]', async () => {
    const server = createSocket('udp4')
    closeLater(() => server.close())
    server.bind(0, HOST)
    await once(server, 'listening')
    const seen: string[] = []
    const answers: Readonly<Record<string, TftpPacket>> = {
      '/a': { kind: 'data', block: 1, data: utf8Bytes('<flat-profile/>') },
      '/b': { kind: 'error', code: 1, message: 'File not found' },
      '/c': { kind: 'ack', block: 0 },
    }
    server.on('message', (bytes, remote) => {
      const packet = decodePacket(new Uint8Array(bytes))
      if (!packet.ok) return
      const { value } = packet
      if (value.kind === 'data') seen.push(`data ${utf8Text(value.data)}`)
      const answer =
        value.kind === 'rrq' || value.kind === 'wrq'
          ? answers[value.filename]
          : value.kind === 'data'
            ? ({ kind: 'ack', block: value.block } as const)
            : undefined
      if (answer !== undefined) server.send(encodePacket(answer), remote.port, remote.address)
    })
    const { port } = server.address()
    const tftp = { scheme: 'tftp' } as const
    expect(await fetch(port, { ...tftp, path: '/a' })).toEqual({
      kind: 'tftp-file',
      body: utf8Bytes('<flat-profile/>'),
      peerAddress: HOST,
    })
    expect(await fetch(port, { ...tftp, path: '/b' })).toMatchObject({ kind: 'tftp-error', code: 1, peerAddress: HOST })
    expect(await fetch(port, { ...tftp, path: '/a', bytesMax: 5 })).toMatchObject({ reason: 'too-large' })
    const sent = await fetch(port, { ...tftp, path: '/c', method: 'PUT', body: utf8Bytes('report') })
    expect([told(sent), seen]).toEqual(['tftp-file', ['data report']])
  })
})

describe('a question for SRV records', () => {
  it('is answered by DNS, or with none when there are none [RFC 2782]', async () => {
    const server = createSocket('udp4')
    closeLater(() => server.close())
    server.bind(0, HOST)
    await once(server, 'listening')
    server.on('message', (query, remote) => {
      const known = query.includes('_ciscoprov-https')
      server.send(known ? srvAnswer(query) : noName(query), remote.port, remote.address)
    })
    const transport = createTransport({ tls: {}, dnsServers: [`${HOST}:${server.address().port}`] })
    const { signal } = new AbortController()
    expect(await transport.resolveSrv('_ciscoprov-https._tls.example.net', signal)).toEqual([
      { priority: 10, weight: 20, host: 'pv.example.net', port: 8443 },
    ])
    expect(await transport.resolveSrv('_ciscoprov-http._tcp.example.net', signal)).toEqual([])
    expect(await transport.resolveSrv('', signal)).toEqual([])
  })
})

/** RFC 1035 §4.1: the question again, and one record. */
function srvAnswer(query: Buffer): Buffer {
  const name = Buffer.from('\u0002pv\u0007example\u0003net\u0000', 'latin1')
  const rdata = Buffer.concat([Buffer.from([0, 10, 0, 20, 8443 >> 8, 8443 & 255]), name])
  const record = Buffer.from([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, rdata.length])
  return Buffer.concat([headerFor(query, 0x8180, 1), questionOf(query), record, rdata])
}

function noName(query: Buffer): Buffer {
  return Buffer.concat([headerFor(query, 0x8183, 0), questionOf(query)])
}

function headerFor(query: Buffer, flags: number, answerCount: number): Buffer {
  return Buffer.from([query[0] ?? 0, query[1] ?? 0, flags >> 8, flags & 255, 0, 1, 0, answerCount, 0, 0, 0, 0])
}

/** The question ends four bytes after the empty label; what follows (EDNS) is not repeated. */
function questionOf(query: Buffer): Buffer {
  return query.subarray(12, query.indexOf(0, 12) + 5)
}
