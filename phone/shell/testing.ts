/** Phones and small servers for tests; everything listens on the loopback address and is closed after each test. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach } from 'vitest'
import { parseMacAddress, parseProductName, parseSerialNumber } from '../../protocol/identity.ts'
import { assert } from '../../protocol/result.ts'
import type { FetchRequest, Hardware, Lease, PhoneEvent, PhonePolicies } from '../agent/mod.ts'
import { type Phone, type PhoneShellOptions, startPhone } from './mod.ts'

export const HOST = '127.0.0.1'

const closers: (() => unknown)[] = []

/** Has something closed when the test is over, the latest first. */
export function closeLater(close: () => unknown): void {
  closers.push(close)
}

/** To be called once in each test file. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
}

/** @returns the port */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  closeLater(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

export function serveHttp(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  return listen(createServer(handle))
}

export function fetchRequest(port: number, more: Partial<FetchRequest> = {}): FetchRequest {
  return {
    purpose: 'profile',
    scheme: 'http',
    host: HOST,
    port,
    path: '/8851-3PCC.xml',
    method: 'GET',
    headers: [['Host', 'prov.example.com']],
    body: undefined,
    bytesMax: 10_000,
    customCaPem: undefined,
    certificateName: undefined,
    ...more,
  }
}

export function hardware(macText = '000e08aabbcc'): Hardware {
  const [mac, serial, productName] = [
    parseMacAddress(macText),
    parseSerialNumber('FCH2305DMH0'),
    parseProductName('CP-8851-3PCC'),
  ]
  assert(mac !== undefined && serial !== undefined && productName !== undefined, 'the fixture names a phone')
  return {
    mac,
    serial,
    productName,
    hardwareVersion: '2.0.1',
    factoryLoad: 'sip88xx.11-3-2MPP0001-609',
    clientCertificate: false,
    rcUrl: `https://${HOST}:1/`,
  }
}

/** A phone without the waits of the real one. */
export const HASTY: Partial<PhonePolicies> = { bootMs: 1, flashMs: 1, quietSeconds: 0, randomDelayUnitSeconds: 0 }

export function leaseOf(server: string | undefined): Lease {
  return { address: HOST, domain: undefined, options: new Map(server === undefined ? [] : [[66, server]]) }
}

export interface WatchedPhone extends Phone {
  readonly events: readonly PhoneEvent[]
  /** Resolves with the next event of that name, or one that was there since `from`. */
  event(name: string, from?: number): Promise<PhoneEvent>
}

const EVENT_MS = 20_000

/** Starts a hasty phone that is switched off after the test. */
export async function runPhone(options: Partial<PhoneShellOptions> = {}): Promise<WatchedPhone> {
  const events: PhoneEvent[] = []
  const phone = await startPhone({
    hardware: hardware(),
    webPort: 0,
    tls: {},
    lease: leaseOf(undefined),
    policies: HASTY,
    onEvent: (event) => events.push(event),
    ...options,
  })
  closeLater(() => phone.powerOff())
  async function event(name: string, from = 0): Promise<PhoneEvent> {
    const find = (): PhoneEvent | undefined => events.slice(from).find((each) => each.name === name)
    // Said inside a step, and the predicate is asked after each step.
    await phone.until(() => find() !== undefined, EVENT_MS)
    const found = find()
    assert(found !== undefined, 'the event is there')
    return found
  }
  return Object.assign(phone, { events, event })
}

export function profileText(elements: Readonly<Record<string, string>>): string {
  const lines = Object.entries(elements).map(([name, value]) => `<${name}>${value}</${name}>`)
  return `<flat-profile>\n${lines.join('\n')}\n</flat-profile>\n`
}
