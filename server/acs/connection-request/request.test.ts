import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { digestChallengeHeader } from '../../../protocol/http/mod.ts'
import { type ConnectionRequestOptions, requestConnection } from './request.ts'
import { LOOPBACK, listen, provesItself, type TestDevice } from './testing-device.ts'
import type { ConnectionRequest } from './types.ts'

const devices: TestDevice[] = []
afterEach(() => {
  for (const device of devices.splice(0)) device.close()
})

async function start(answer: Parameters<typeof listen>[0]): Promise<TestDevice> {
  const device = await listen(answer)
  devices.push(device)
  return device
}

const ask = (device: TestDevice, more: Partial<ConnectionRequestOptions> = {}, request?: Partial<ConnectionRequest>) =>
  requestConnection(device.request(request), { allow: LOOPBACK, ...more })

const unauthorized = (challenge: string, more = 'Content-Length: 0\r\n'): string =>
  `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ${challenge}\r\n${more}\r\n`
const MD5 = digestChallengeHeader({ realm: 'cpe', nonce: 'n1', qop: 'auth', algorithm: 'MD5', stale: false })
const NO_CONTENT = 'HTTP/1.1 204 No Content\r\n\r\n'

/** Answers the digest of the right password, and challenges everything else. */
const strict =
  (challenge = MD5, nonce = 'n1', qopRequired = true) =>
  (request: string, socket: Socket): void =>
    void socket.write(provesItself(request, nonce, { qopRequired }) ? NO_CONTENT : unauthorized(challenge))

describe('a connection request to a strict device [TR-069 §8.1]', () => {
  it('is proven by digest on the same connection, and carries no body', async () => {
    const device = await start(strict())
    expect(await ask(device)).toEqual({ kind: 'accepted', status: 204 })
    expect(device.connections()).toBe(1)
    expect(device.requests[0]).toBe(`GET /cr-7f3a HTTP/1.1\r\nHost: 127.0.0.1:${device.port}\r\n\r\n`)
    expect(device.requests).toHaveLength(2)
    expect(device.requests.join()).not.toContain('pw-of-the-acs')
  })

  it('is proven by SHA-256 where that is asked for', async () => {
    const challenge = { realm: 'cpe', nonce: 'n1', qop: 'auth', algorithm: 'SHA-256', stale: false } as const
    expect((await ask(await start(strict(digestChallengeHeader(challenge))))).kind).toBe('accepted')
  })

  it('is proven in the way of RFC 2069 where no qop is offered', async () => {
    const device = await start(strict('Digest realm="cpe", nonce="n1"', 'n1', false))
    expect((await ask(device)).kind).toBe('accepted')
    expect(device.requests[1]).not.toContain('qop')
  })

  it('hashes a realm beyond ASCII as the device wrote it', async () => {
    const device = await start((request, socket) => {
      // The device sees bytes, and compares with those of its own realm.
      const asSent = Buffer.from(request, 'latin1').toString('utf8')
      const fine = asSent.includes('realm="Gäste"') && provesItself(asSent, 'n1')
      socket.write(fine ? NO_CONTENT : unauthorized('Digest realm="Gäste", nonce="n1", qop="auth"'))
    })
    expect((await ask(device)).kind).toBe('accepted')
  })

  it('asks for path and query letter by letter', async () => {
    const device = await start(strict())
    const url = `http://127.0.0.1:${device.port}/a/../B%2f{x}|?id='1'&y#end`
    expect((await ask(device, {}, { url })).kind).toBe('accepted')
    expect(device.requests[0]).toMatch(/^GET \/a\/\.\.\/B%2f\{x\}\|\?id='1'&y HTTP\/1\.1\r\n/)
    await ask(device, {}, { url: `http://127.0.0.1:${device.port}?q` })
    expect(device.requests[2]).toMatch(/^GET \/\?q HTTP/)
    await ask(device, {}, { url: `http://127.0.0.1:${device.port}/a b\r\nX: y` })
    expect(device.requests[4]).toMatch(/^GET \/a%20bX:%20y HTTP\/1\.1\r\nHost/)
  })

  it('is refused with a wrong password after one try', async () => {
    const device = await start(strict())
    expect(await ask(device, {}, { password: 'other' })).toMatchObject({ kind: 'refused', status: 401 })
    expect(device.requests).toHaveLength(2)
  })

  it('tries a fresh nonce once when the first was stale', async () => {
    const stale = digestChallengeHeader({ realm: 'cpe', nonce: 'n2', qop: 'auth', algorithm: 'MD5', stale: true })
    const device = await start((request, socket) => {
      if (provesItself(request, 'n2')) socket.write(NO_CONTENT)
      else socket.write(unauthorized(provesItself(request, 'n1') ? stale : MD5))
    })
    expect((await ask(device)).kind).toBe('accepted')
    const stubborn = await start((_request, socket) => void socket.write(unauthorized(stale)))
    expect(await ask(stubborn)).toMatchObject({ kind: 'refused', status: 401 })
    expect(stubborn.requests).toHaveLength(3)
  })

  it('sends no password to a device that wants Basic, unless that is allowed', async () => {
    const device = await start(
      (request, socket) =>
        void socket.write(request.includes('Authorization: Basic ') ? NO_CONTENT : unauthorized('Basic realm="cpe"')),
    )
    expect(await ask(device)).toMatchObject({ kind: 'refused', status: 401 })
    expect(device.requests).toHaveLength(1)
    expect((await ask(device, { allowBasic: true })).kind).toBe('accepted')
  })

  it('tells a busy device from one that does not want', async () => {
    expect(await ask(await start((_request, socket) => void socket.write('HTTP/1.1 503 Busy\r\n\r\n')))).toEqual({
      kind: 'busy',
    })
    for (const status of [403, 404]) {
      const device = await start((_request, socket) => void socket.write(`HTTP/1.1 ${status} No\r\n\r\n`))
      expect(await ask(device)).toMatchObject({ kind: 'refused', status })
    }
  })

  it('follows no redirect', async () => {
    const other = await start(strict())
    const device = await start(
      (_request, socket) =>
        void socket.write(
          `HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:${other.port}/\r\nContent-Length: 0\r\n\r\n`,
        ),
    )
    expect(await ask(device)).toMatchObject({ kind: 'refused', status: 302 })
    expect(other.connections()).toBe(0)
    expect(device.requests).toHaveLength(1)
  })
})

describe('a connection request to a loose device [TR-069 §8.1]', () => {
  /** Answers in two texts: a challenge, and an acceptance. */
  const loose = (challenge: string, accepted: string) => (request: string, socket: Socket) =>
    void socket.write(provesItself(request, 'n1') ? accepted : challenge)

  it('understands lines that end with LF alone', async () => {
    const device = await start(loose(unauthorized(MD5).replaceAll('\r', ''), 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'))
    expect(await ask(device)).toEqual({ kind: 'accepted', status: 200 })
    expect(device.connections()).toBe(1)
  })

  it('understands a folded challenge', async () => {
    const device = await start(loose(unauthorized(MD5.replaceAll(', ', ',\r\n\t ')), NO_CONTENT))
    expect((await ask(device)).kind).toBe('accepted')
  })

  it('understands answers without a blank line at their end', async () => {
    const device = await start((request, socket) => {
      socket.end(provesItself(request, 'n1') ? 'HTTP/1.1 200 OK\r\n' : unauthorized(MD5, '').slice(0, -2))
    })
    expect(await ask(device)).toEqual({ kind: 'accepted', status: 200 })
    expect(device.connections()).toBe(2)
  })

  it('understands them even where the connection stays open, when the time is over', async () => {
    const device = await start(loose(unauthorized(MD5, '').slice(0, -2), 'HTTP/1.1 200 OK\r\n'))
    expect(await ask(device, { answerMs: 1000 })).toEqual({ kind: 'accepted', status: 200 })
  })

  it('understands answers that come byte by byte', async () => {
    const device = await start((request, socket) => {
      socket.setNoDelay(true)
      const text = provesItself(request, 'n1') ? NO_CONTENT : unauthorized(MD5, 'Content-Length: 2\r\n').concat('no')
      const drip = (at: number): void => {
        if (at < text.length) socket.write(text.charAt(at), () => setImmediate(() => drip(at + 1)))
      }
      drip(0)
    })
    expect((await ask(device)).kind).toBe('accepted')
    expect(device.connections()).toBe(1)
  })

  it('passes over 100 Continue', async () => {
    const first = 'HTTP/1.1 100 Continue\r\n\r\n'
    expect((await ask(await start(loose(first + unauthorized(MD5), first + NO_CONTENT)))).kind).toBe('accepted')
  })

  it.each([
    ['says so', 'Connection: close\r\nContent-Length: 0\r\n'],
    ['says nothing of it', 'Content-Length: 0\r\n'],
    ['announces a body that never comes', 'Content-Length: 7\r\n'],
  ])('connects again when the device closes after its challenge and %s', async (_what, more) => {
    const device = await start((request, socket) => {
      if (provesItself(request, 'n1')) socket.write(NO_CONTENT)
      else socket.end(unauthorized(MD5, more))
    })
    expect((await ask(device)).kind).toBe('accepted')
    expect(device.connections()).toBe(2)
  })

  it('connects again when the device resets the connection on which the proof was sent', async () => {
    let seen = 0
    const device = await start((request, socket) => {
      seen++
      if (seen === 1) socket.write(unauthorized(MD5))
      else if (seen === 2) socket.resetAndDestroy()
      else socket.write(provesItself(request, 'n1') ? NO_CONTENT : 'HTTP/1.1 500 No\r\n\r\n')
    })
    expect((await ask(device)).kind).toBe('accepted')
    expect(seen).toBe(3)
  })
})

describe('a connection request to a hostile device [TR-069 §8.1]', () => {
  it('waits no longer than allowed for one that says nothing', async () => {
    const device = await start(() => undefined)
    expect(await ask(device, { answerMs: 1000 })).toMatchObject({ kind: 'unreachable' })
    expect(device.requests).toHaveLength(1)
  })

  it('waits no longer than allowed for one that never ends its first line', async () => {
    const device = await start((_request, socket) => void socket.write('HTTP/1.'))
    expect(await ask(device, { answerMs: 1000 })).toMatchObject({ kind: 'broken' })
  })

  it('reads no more than allowed of endless headers', async () => {
    const device = await start((_request, socket) => flood(socket, 'HTTP/1.1 200 OK\r\n', 'X: y\r\n'))
    expect(await ask(device)).toMatchObject({ kind: 'broken', detail: expect.stringContaining('8192') as string })
  })

  it('reads no more than allowed of an endless body, and believes the status before it', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n'
    const device = await start((_request, socket) => flood(socket, head, 'x'))
    expect(await ask(device)).toEqual({ kind: 'accepted', status: 200 })
    expect(await ask(device, { bytesMax: 10 })).toMatchObject({ kind: 'broken' })
  })

  it('answers a challenge with an endless body on a new connection', async () => {
    const device = await start((request, socket) => {
      if (provesItself(request, 'n1')) socket.write(NO_CONTENT)
      else flood(socket, unauthorized(MD5, 'Content-Length: 999999999\r\n'), 'x')
    })
    expect((await ask(device)).kind).toBe('accepted')
    expect(device.connections()).toBe(2)
  })

  it('calls broken what speaks another protocol, or closes without a word', async () => {
    const other = await start((_request, socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n\r\n'))
    expect(await ask(other)).toMatchObject({ kind: 'broken' })
    const silent = await start((_request, socket) => void socket.end())
    expect(await ask(silent)).toMatchObject({ kind: 'broken' })
    expect(silent.connections()).toBe(1)
  })

  it('ends for one that closes every connection and challenges for ever', async () => {
    const stale = 'Digest realm="a", nonce="n", stale=true'
    const device = await start((_request, socket) => void socket.end(unauthorized(stale)))
    expect(await ask(device)).toMatchObject({ kind: 'refused', status: 401 })
    expect(device.connections()).toBe(3)
  })

  it('calls unreachable a closed port and a name without address, and names no path', async () => {
    for (const url of ['http://127.0.0.1:1/secret-path', 'http://nowhere.invalid:7547/secret-path']) {
      const outcome = await requestConnection({ url, username: 'a', password: 'b' }, { allow: LOOPBACK })
      expect(outcome.kind).toBe('unreachable')
      expect(JSON.stringify(outcome)).not.toContain('secret-path')
    }
  })

  it('ends at once when the caller wants it no more', async () => {
    const controller = new AbortController()
    const device = await start(() => controller.abort())
    expect(await ask(device, { signal: controller.signal })).toMatchObject({ kind: 'unreachable' })
    expect(await ask(device, { signal: AbortSignal.abort() })).toMatchObject({ kind: 'unreachable' })
    expect(device.connections()).toBe(1)
  })
})

/** Writes a beginning, and then the same for as long as somebody reads. */
function flood(socket: Socket, head: string, piece: string): void {
  const block = piece.repeat(4096)
  const more = (): void => {
    if (socket.writable) socket.write(block, () => setImmediate(more))
  }
  socket.write(head, more)
}
