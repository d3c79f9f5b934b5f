/**
 * What this process can do, measured on itself in about a second: handshakes with a certificate of our kind, requests
 * for a profile in memory, renderings. The client is a thread of its own, so what is measured is our side alone.
 */
import { once } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { parseMacAddress, parseProductName, parseSerialNumber } from '../../../protocol/identity.ts'
import { assert } from '../../../protocol/result.ts'
import { type CertificatePair, createCa, issueDeviceCertificate, issueServerCertificate } from '../../pki/mod.ts'
import type { MeasuredCapacity } from '../../store/mod.ts'

/** Each of the three lasts so long. */
const PHASE_MS = 350
const PROFILE_BYTES = 8192
/** Less than this was no measurement: the machine did something else. */
const COUNT_LEAST = 5

export interface MeasureOptions {
  /** The certificate that phones see; undefined: one of the kind that we make. */
  readonly pair: CertificatePair | undefined
  readonly render: () => void
  readonly now: number
}

/** Takes about a second and a half of one core. */
export async function measureCapacity(options: MeasureOptions): Promise<MeasuredCapacity> {
  const ca = await createCa('Offhook measurement', options.now)
  const pair = options.pair ?? (await issueServerCertificate(ca, ['localhost'], options.now))
  const client = await clientPair(ca, options.now)
  const tls = { cert: pair.certPem, key: pair.keyPem, ca: [ca.certPem], requestCert: true, rejectUnauthorized: false }
  const handshakesPerSecond = await handshakeRate(tls, client)
  const requestsPerSecond = await requestRate(tls, client)
  return { handshakesPerSecond, requestsPerSecond, rendersPerSecond: renderRate(options.render) }
}

type Tls = Readonly<{ cert: string; key: string; ca: string[]; requestCert: boolean; rejectUnauthorized: boolean }>

async function clientPair(ca: CertificatePair, now: number): Promise<CertificatePair> {
  const mac = parseMacAddress('000000000001')
  const serial = parseSerialNumber('MEASURE00001')
  const productName = parseProductName('CP-8851-3PCC')
  assert(mac !== undefined && serial !== undefined && productName !== undefined, 'the measurement has a name')
  return issueDeviceCertificate(ca, { mac, serial, productName }, now)
}

async function handshakeRate(tls: Tls, client: CertificatePair): Promise<number> {
  const server = createTlsServer(tls)
  let count = 0
  server.on('secureConnection', (socket) => {
    count += 1
    socket.on('error', () => undefined)
    socket.end()
  })
  server.on('tlsClientError', () => undefined)
  return rateOf(server, client, 'handshakes', () => count)
}

async function requestRate(tls: Tls, client: CertificatePair): Promise<number> {
  const body = Buffer.alloc(PROFILE_BYTES, 'x')
  let count = 0
  const server = createHttpsServer(tls, (_request, response) => {
    count += 1
    response.writeHead(200, { 'content-type': 'text/xml', 'content-length': body.length }).end(body)
  })
  return rateOf(server, client, 'requests', () => count)
}

/** Counted against the time that this thread really worked: what the client costs is not ours. */
async function rateOf(
  server: ReturnType<typeof createTlsServer>,
  client: CertificatePair,
  what: 'handshakes' | 'requests',
  count: () => number,
): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const worker = new Worker(CLIENT, {
    eval: true,
    execArgv: [],
    workerData: { port, what, cert: client.certPem, key: client.keyPem },
  })
  try {
    await once(worker, 'online')
    await once(server, 'secureConnection')
    const [countBefore, before] = [count(), performance.eventLoopUtilization()]
    await pause(PHASE_MS)
    const { active } = performance.eventLoopUtilization(before)
    const counted = count() - countBefore
    assert(counted >= COUNT_LEAST && active > 0, 'the measurement got through')
    return Math.round((counted * 1000) / active)
  } finally {
    await worker.terminate()
    server.close()
  }
}

function renderRate(render: () => void): number {
  const end = performance.now() + PHASE_MS / 2
  const begun = performance.now()
  let count = 0
  while (performance.now() < end) {
    render()
    count += 1
  }
  return Math.round((count * 1000) / (performance.now() - begun))
}

/** Runs as a text of its own, since a thread has no loader for our sources. Eight phones without a pause. */
const CLIENT = `
const { workerData: { port, what, cert, key } } = require('node:worker_threads')
const options = { port, host: '127.0.0.1', cert, key, rejectUnauthorized: false }
function handshake() {
  const socket = require('node:tls').connect(options)
  socket.resume()
  socket.on('error', () => undefined)
  socket.on('close', () => setImmediate(handshake))
}
const agent = new (require('node:https').Agent)({ ...options, keepAlive: true, maxSockets: 8 })
function request() {
  const asked = require('node:https').get({ ...options, agent, path: '/' }, (response) => {
    response.resume()
    response.on('end', () => setImmediate(request))
  })
  asked.on('error', () => undefined)
}
for (let count = 0; count < 8; count++) what === 'handshakes' ? handshake() : request()
`
