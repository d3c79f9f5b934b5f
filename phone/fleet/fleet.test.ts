import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type MacAddress, parseMacAddress, parseProductName, type ProductName } from '../../protocol/identity.ts'
import { assert } from '../../protocol/result.ts'
import { buildResponse, decodeSip, encodeSip, header } from '../../protocol/sip/mod.ts'
import { arrivalTimes, type Fleet, type FleetOptions, populate, type Population, seededRng, startFleet } from './mod.ts'
import { Samples, SAMPLES_MAX } from './samples.ts'

const HOST = '127.0.0.1'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function mac(text: string): MacAddress {
  const parsed = parseMacAddress(text)
  assert(parsed !== undefined, 'the fixture is a MAC')
  return parsed
}

function model(text: string): ProductName {
  const parsed = parseProductName(text)
  assert(parsed !== undefined, 'the fixture is a model')
  return parsed
}

const POPULATION: Population = {
  count: 50,
  seed: 7,
  firstMac: mac('000e08fffff0'),
  models: [model('CP-8851-3PCC'), model('CP-6841-3PCC')],
  release: '11-3-2MPP0001-609',
  rcUrl: `http://${HOST}:1/`,
  clientCertificate: false,
}

const BOX = populate(POPULATION)[0] ?? never()

function start(port: number, more: Partial<FleetOptions> = {}): Fleet {
  const fleet = startFleet({
    ...POPULATION,
    arrival: { kind: 'at-once' },
    tls: {},
    lease: () => ({ address: HOST, domain: undefined, options: new Map([[66, `http://${HOST}:${port}`]]) }),
    policies: { bootMs: 1, randomDelayUnitSeconds: 0 },
    ...more,
  })
  closers.push(() => fleet.stop())
  return fleet
}

async function serve(
  answer: (request: IncomingMessage) => string | undefined,
): Promise<{ port: number; sockets(): number }> {
  let socketCount = 0
  const server = createServer((request, response) => {
    const body = answer(request)
    response.statusCode = body === undefined ? 404 : 200
    response.end(body)
  })
  server.keepAliveTimeout = 60_000
  server.on('connection', () => {
    socketCount += 1
  })
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { port: (server.address() as AddressInfo).port, sockets: () => socketCount }
}

async function serveRegistrar(): Promise<number> {
  const registrar = createSocket('udp4')
  registrar.bind(0, HOST)
  await once(registrar, 'listening')
  closers.push(() => new Promise<void>((resolve) => registrar.close(() => resolve())))
  registrar.on('message', (bytes, remote) => {
    const message = decodeSip(new Uint8Array(bytes))
    if (!message.ok || message.value.kind !== 'request') return
    const headers = ['Contact', 'Expires'].map(
      (name) => [name, header(message.ok ? message.value : never(), name) ?? ''] as const,
    )
    const ok = buildResponse(message.value, { status: 200, reason: 'OK', toTag: 'r', headers })
    registrar.send(encodeSip(ok), remote.port, remote.address)
  })
  return registrar.address().port
}

describe('a fleet', () => {
  it('of fifty phones is provisioned by one server over shared connections, registers, and is measured', async () => {
    const sip = await serveRegistrar()
    const macs = new Set<string>()
    const server = await serve((request) => {
      const own = /\(([0-9a-f]{12})\)/.exec(request.headers['user-agent'] ?? '')?.[1] ?? ''
      macs.add(own)
      const line = `<Line_Enable_1_>Yes</Line_Enable_1_><User_ID_1_>${own}</User_ID_1_><Proxy_1_>${HOST}:${sip}</Proxy_1_>`
      return `<flat-profile>${line}</flat-profile>`
    })
    const fleet = start(server.port)
    await fleet.until(({ registered }) => registered === 50, 40_000)
    const summary = fleet.summary()
    expect(summary).toMatchObject({ phones: 50, started: 50, broken: 0, provisioned: 50, registered: 50, failed: 0 })
    expect([macs.size, summary.outcomes['HTTP 200']]).toEqual([50, summary.requests])
    expect(summary.latency?.count).toBe(summary.requests)
    expect(summary.toRegistered?.count).toBe(50)
    expect(summary.latency?.p95Ms).toBeGreaterThanOrEqual(summary.latency?.medianMs ?? Number.NaN)
    const before = summary.requests
    for (const phone of fleet.phones()) phone.send({ kind: 'keypad', entry: { kind: 'resync' } })
    await fleet.until(({ requests }) => requests >= before + 50, 20_000)
    // No more connections than were open at once in the first round.
    expect(server.sockets()).toBeLessThanOrEqual(50)
    await fleet.stop({ leaving: true })
    expect(fleet.counts().registered).toBe(0)
    expect(fleet.phones().every((phone) => phone.agent().ram.mode === 'off')).toBe(true)
  })

  it('counts what fails, and goes on', async () => {
    const refused = mac('000e08fffff3')
    const server = await serve((request) =>
      request.headers['user-agent']?.includes(refused) === true ? undefined : '<flat-profile/>',
    )
    const fleet = start(server.port, { count: 10 })
    const counts = await fleet.until(({ provisioned, failed }) => provisioned === 9 && failed === 1, 20_000)
    expect(counts.resyncFailures).toBeGreaterThanOrEqual(1)
    expect(fleet.summary().outcomes).toMatchObject({ 'HTTP 404': 1 })
  })

  it('gives each phone what it asks for: a certificate of its own, a web server', async () => {
    const asked: string[] = []
    const server = await serve(() => '<flat-profile/>')
    const fleet = start(server.port, {
      count: 3,
      webServers: true,
      tls: (hardware) => {
        asked.push(hardware.mac)
        return hardware.mac.endsWith('2') ? Promise.reject(new Error('no certificate')) : Promise.resolve({})
      },
    })
    await fleet.until(({ provisioned, broken }) => provisioned === 2 && broken === 1, 20_000)
    expect(asked).toEqual(['000e08fffff0', '000e08fffff1', '000e08fffff2'])
    expect(new Set(fleet.phones().map((phone) => phone.webUrl())).size).toBe(2)
  })

  it('stops at any moment', async () => {
    const fleet = start(1, { arrival: { kind: 'even', overMs: 60_000 } })
    const waiting = expect(fleet.until(() => false, 60_000)).rejects.toThrow('stopped')
    await fleet.stop()
    await waiting
    expect(fleet.counts().started).toBeLessThan(50)
  })
})

describe('populate', () => {
  it('makes the same phones from the same seed, each with its own MAC and serial number', () => {
    const phones = populate(POPULATION)
    expect(phones).toEqual(populate(POPULATION))
    expect(new Set(phones.map(({ serial }) => serial)).size).toBe(50)
    expect(phones[16]?.mac).toBe('000e09000000')
    expect(phones.slice(0, 3).map(({ factoryLoad }) => factoryLoad.split('.')[0])).toEqual([
      'sip88xx',
      'sip68xx',
      'sip88xx',
    ])
    expect(populate({ ...POPULATION, seed: 8 })[0]?.serial).not.toBe(phones[0]?.serial)
  })

  it('takes the labels of boxes instead of making them up', () => {
    const [first, second] = populate(POPULATION)
    assert(first !== undefined && second !== undefined, 'the fixture has two phones')
    const boxes = [second, first].map(({ mac, serial, productName }) => ({ mac, serial, productName }))
    expect(populate({ ...POPULATION, boxes, count: 0 })).toEqual([second, first])
  })

  it.each([
    ['no phones', { count: 0 }],
    ['no boxes', { boxes: [] }],
    ['two boxes with one MAC', { boxes: Array.from({ length: 2 }, () => BOX) }],
    ['half a phone', { count: 1.5 }],
    ['more than one process holds', { count: 15_001 }],
    ['more than there are addresses', { firstMac: mac('fffffffffff0') }],
  ])('refuses %s', (_, wrong) => {
    expect(() => populate({ ...POPULATION, ...wrong })).toThrow(RangeError)
  })
})

describe('arrivalTimes', () => {
  it('gives ascending times within the span, for any pattern', () => {
    const span = fc.nat(100_000)
    const patterns = fc.oneof(
      fc.constant({ kind: 'at-once' } as const),
      span.map((overMs) => ({ kind: 'even', overMs }) as const),
      span.map((overMs) => ({ kind: 'random', overMs }) as const),
      fc.integer({ min: 1, max: 1000 }).map((perSecond) => ({ kind: 'poisson', perSecond }) as const),
    )
    fc.assert(
      fc.property(patterns, fc.integer({ min: 1, max: 200 }), fc.integer(), (arrival, count, seed) => {
        const times = arrivalTimes(arrival, count, seededRng(seed))
        expect(times).toHaveLength(count)
        expect(times).toEqual([...times].sort((a, b) => a - b))
        expect(times[0]).toBeGreaterThanOrEqual(0)
        if ('overMs' in arrival) expect(times.at(-1)).toBeLessThanOrEqual(arrival.overMs)
      }),
    )
  })

  it('keeps the mean rate of a Poisson arrival', () => {
    const times = arrivalTimes({ kind: 'poisson', perSecond: 100 }, 10_000, seededRng(3))
    expect(Math.abs((times.at(-1) ?? 0) / 100_000 - 1)).toBeLessThan(0.05)
  })
})

describe('Samples', () => {
  it('gives nearest-rank percentiles, and nothing for nothing', () => {
    const samples = new Samples(seededRng(1))
    expect(samples.spread()).toBeUndefined()
    for (let ms = 100; ms >= 1; ms -= 1) samples.add(ms)
    expect(samples.spread()).toEqual({ count: 100, medianMs: 50, p95Ms: 95, maxMs: 100 })
  })

  it('keeps a fair sample when there are more than it holds', () => {
    const samples = new Samples(seededRng(1))
    for (let ms = 0; ms < 5 * SAMPLES_MAX; ms += 1) samples.add(ms)
    const spread = samples.spread()
    expect(spread?.count).toBe(5 * SAMPLES_MAX)
    expect(Math.abs((spread?.medianMs ?? 0) / (5 * SAMPLES_MAX) - 0.5)).toBeLessThan(0.02)
  })
})

function never(): never {
  throw new Error('cannot be')
}
