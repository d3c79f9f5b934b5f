import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { issueServerCertificate } from '../../pki/mod.ts'
import { openTestPlatform } from '../../testing.ts'
import {
  admitConnection,
  type AdmissionLimits,
  type AdmissionLoad,
  admitRequest,
  asksToResume,
  DEFAULT_ADMISSION,
  limitsOfMachine,
  mayBegin,
  RESUMED_WEIGHT,
  retryAfterSeconds,
} from './admission.ts'
import { type HttpDoor, listenHttps } from './listen.ts'
import { ticketKeysOn } from './ticket-keys.ts'

const IDLE: AdmissionLoad = { handshakes: 0, waiting: 0, loopDelayMs: 0, requests: 0 }
const LIMITS: AdmissionLimits = { ...DEFAULT_ADMISSION, handshakesMax: 10, waitingMax: 100, requestsMax: 50 }

describe('the policy of admission', () => {
  const table: readonly (readonly [string, Partial<AdmissionLoad>, string])[] = [
    ['nothing under way', {}, 'begin'],
    ['room for one more', { handshakes: 9 }, 'begin'],
    ['as many as it may', { handshakes: 10 }, 'defer'],
    ['the loop is late', { handshakes: 1, loopDelayMs: 251 }, 'defer'],
    ['the loop is late, but nothing is under way', { loopDelayMs: 5000 }, 'begin'],
    ['others wait already', { waiting: 1 }, 'defer'],
    ['as many wait as may', { handshakes: 10, waiting: 100 }, 'close'],
  ]
  it.each(table)('%s', (_title, load, decision) => {
    expect(admitConnection({ ...IDLE, ...load }, LIMITS)).toBe(decision)
  })

  it('a resumed handshake finds room where a full one does not', () => {
    const load = { ...IDLE, handshakes: 9.5 }
    expect([mayBegin(load, LIMITS, 1), mayBegin(load, LIMITS, RESUMED_WEIGHT)]).toEqual([false, true])
  })

  it('turns requests away only beyond a number that memory feels, whatever the handshakes do', () => {
    expect(admitRequest({ ...IDLE, handshakes: 999, waiting: 99, loopDelayMs: 9999, requests: 49 }, LIMITS)).toBe(
      'serve',
    )
    expect(admitRequest({ ...IDLE, requests: 50 }, LIMITS)).toBe('later')
  })

  it('never begins more than it may, never closes while there is room to wait', () => {
    const load = fc.record({
      handshakes: fc.double({ min: 0, max: 50, noNaN: true }),
      waiting: fc.nat(200),
      loopDelayMs: fc.nat(1000),
      requests: fc.nat(100),
    })
    fc.assert(
      fc.property(load, (each) => {
        const decision = admitConnection(each, LIMITS)
        if (decision === 'begin') expect(each.handshakes === 0 || each.handshakes + 1 <= 10).toBe(true)
        if (decision === 'close') expect(each.waiting).toBeGreaterThanOrEqual(100)
      }),
    )
  })

  it('follows the machine: a quarter of a second under way, and no more waiting than can be served in time', () => {
    expect(limitsOfMachine(400)).toMatchObject({ handshakesMax: 100, waitingMax: 8000 })
    expect(limitsOfMachine(1).handshakesMax).toBe(8)
    expect(limitsOfMachine(1_000_000)).toMatchObject({ handshakesMax: 1024, waitingMax: 15_000 })
  })

  it('spreads those that it turns away over a minute', () => {
    expect([retryAfterSeconds(0), retryAfterSeconds(0.5), retryAfterSeconds(0.9999)]).toEqual([60, 90, 120])
  })
})

describe('a ClientHello', () => {
  it('of random bytes is read without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        bytes[0] = 22
        if (bytes.length > 5) bytes[5] = 1
        expect(typeof asksToResume(bytes)).toBe('boolean')
      }),
    )
  })
})

const { platform } = await openTestPlatform()
const pair = await issueServerCertificate(platform.secrets.serverCa, ['localhost'], Date.now())
const TLS = { certPem: pair.certPem, keyPem: pair.keyPem, caPems: [], prove: () => undefined }

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openDoor(admission: Partial<AdmissionLimits>): Promise<HttpDoor> {
  const door = await listenHttps(
    {
      host: '127.0.0.1',
      port: 0,
      context: platform.context,
      firmwarePath: platform.firmwarePath,
      onError: () => undefined,
      admission: { ...DEFAULT_ADMISSION, ...admission },
    },
    TLS,
  )
  closing.push(() => door.close())
  return door
}

interface Got {
  readonly status: string | undefined
  readonly reused: boolean
  readonly session: Buffer | undefined
}

/** One phone: handshake, one request, the first line of the answer. */
async function ask(door: HttpDoor, how: { session?: Buffer; path?: string } = {}): Promise<Got> {
  const socket = connectTls({
    port: door.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(how.session === undefined ? {} : { session: how.session }),
  })
  let session: Buffer | undefined
  socket.on('session', (each) => (session = each))
  await once(socket, 'secureConnect')
  const reused = socket.isSessionReused()
  socket.write(`GET ${how.path ?? '/cisco-ack'} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  const text = await textOf(socket)
  return { status: text.split('\r\n')[0], reused, session }
}

async function textOf(socket: TLSSocket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function silent(door: HttpDoor): Promise<Socket> {
  const socket = connect(door.port, '127.0.0.1')
  socket.on('error', () => undefined)
  closing.push(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

describe('connections at the door', () => {
  it('more than may begin at once are deferred, and every one is served', async () => {
    const door = await openDoor({ handshakesMax: 2 })
    let most = 0
    const watching = setInterval(() => (most = Math.max(most, door.admission.load().handshakes)), 1)
    closing.push(() => clearInterval(watching))
    platform.signals.drain()
    const got = await Promise.all(Array.from({ length: 120 }, () => ask(door)))
    expect(got.every(({ status }) => status === 'HTTP/1.1 200 OK')).toBe(true)
    expect(platform.signals.drain().overload.deferred).toBeGreaterThan(50)
    expect(most).toBeLessThanOrEqual(2)
    expect(door.admission.load()).toMatchObject({ waiting: 0, handshakes: 0, requests: 0 })
  })

  it('an open connection is served while others wait', async () => {
    const door = await openDoor({ handshakesMax: 1 })
    const open = connectTls({ port: door.port, host: '127.0.0.1', rejectUnauthorized: false })
    closing.push(() => void open.destroy())
    await once(open, 'secureConnect')
    await silent(door)
    const waiting = await silent(door)
    await until(() => door.admission.load().waiting >= 1)
    open.write('GET /cisco-ack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(await textOf(open)).toContain('200 OK')
    expect([door.admission.load().waiting > 0, waiting.destroyed]).toEqual([true, false])
  })

  it('those that say nothing hold nobody up for long', async () => {
    const door = await openDoor({ handshakesMax: 4 })
    for (let count = 0; count < 40; count++) await silent(door)
    expect((await ask(door)).status).toBe('HTTP/1.1 200 OK')
  })

  it('beyond those that may wait, new ones are closed before their handshake costs anything', async () => {
    const door = await openDoor({ handshakesMax: 1, waitingMax: 3 })
    for (let count = 0; count < 4; count++) await silent(door)
    const closed = await silent(door)
    await once(closed, 'close')
    expect(door.admission.load()).toMatchObject({ waiting: 3 })
  })

  it('one that has waited too long is closed', async () => {
    const door = await openDoor({ handshakesMax: 1, waitMaxMs: 50 })
    await silent(door)
    const late = await silent(door)
    await once(late, 'close')
    expect(platform.signals.drain().overload['given-up']).toBeGreaterThan(0)
  })

  it('resumes a session also after it had to wait, and before full handshakes', async () => {
    const door = await openDoor({ handshakesMax: 1 })
    const { session } = await ask(door)
    expect(session).toBeDefined()
    const [, resumed] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, () => ask(door))),
      ask(door, { session: session ?? Buffer.alloc(0) }),
    ])
    expect(resumed).toMatchObject({ status: 'HTTP/1.1 200 OK', reused: true })
  })

  it('sessions survive new settings under the same ticket keys, and end with them', async () => {
    const door = await openDoor({})
    const keys = () => ticketKeysOn(platform.secrets.markerKey, ['a'], Date.now())
    door.renewTls({ ...TLS, ticketKeys: keys })
    const session = (await ask(door)).session ?? Buffer.alloc(0)
    door.renewTls({ ...TLS, ticketKeys: keys })
    expect((await ask(door, { session })).reused).toBe(true)
    door.renewTls({ ...TLS, ticketKeys: () => ticketKeysOn(platform.secrets.markerKey, ['a', 'b'], Date.now()) })
    expect((await ask(door, { session })).reused).toBe(false)
  })

  it('requests beyond what memory bears are told to come later, but the acknowledgement is always served', async () => {
    const door = await openDoor({ requestsMax: 0 })
    expect((await ask(door, { path: '/ca.pem' })).status).toBe('HTTP/1.1 503 Service Unavailable')
    expect((await ask(door)).status).toBe('HTTP/1.1 200 OK')
  })
})

/** A deadline of the test run ends it when it never comes true. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((next) => setImmediate(next))
}
