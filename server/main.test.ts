import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { Agent, request as httpsRequest } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { afterAll, describe, expect, it } from 'vitest'
import { pino } from 'pino'
import type { MacAddress } from '../protocol/identity.ts'
import { assert } from '../protocol/result.ts'
import { createTestDatabase } from './database/testing.ts'
import { type Server, startServer } from './main.ts'
import { type CertificatePair, createCa, issueDeviceCertificate } from './pki/mod.ts'
import {
  createAccount,
  createCode,
  createLine,
  createToken,
  endDevice,
  ensureLabCa,
  installDeviceCa,
  removeDeviceCa,
  viewDevice,
} from './store/mod.ts'
import { bodyOfPem, freshMac, plant, plantSecretsOf, PN, serialFor, testSettings } from './testing.ts'

const WHO = 'test'
const database = await createTestDatabase()
const server: Server = await startServer({
  settings: testSettings(database.url, { lab: true }),
  what: 'a test',
  log: pino({ level: 'silent' }),
})
afterAll(async () => {
  await plantSecretsOf(server.platform)
  await server.stop()
  await database.drop()
})
const { platform } = server
const { db, vault } = platform
const lab = await ensureLabCa(db, vault, Date.now())
plant(bodyOfPem(lab.keyPem))
const SERVER_CA = platform.secrets.serverCa.certPem

async function certificateFor(mac: MacAddress, ca: CertificatePair = lab): Promise<CertificatePair> {
  const pair = await issueDeviceCertificate(ca, { mac, serial: serialFor(mac), productName: PN }, Date.now())
  plant(bodyOfPem(pair.keyPem))
  return pair
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly tookMs: number
  readonly reused: boolean
}

const agents: Agent[] = []
afterAll(() => agents.forEach((agent) => agent.destroy()))

/** A phone's side of one kept connection. */
function agentOf(pair: CertificatePair | undefined): Agent {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1,
    ca: SERVER_CA,
    ...(pair === undefined ? {} : { key: pair.keyPem, cert: pair.certPem }),
  })
  agents.push(agent)
  return agent
}

function get(
  agent: Agent,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const { method = 'GET', headers = {}, body } = options
    const request = httpsRequest(
      { host: '127.0.0.1', port: server.ports.https, path, method, headers, agent },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
            tookMs: performance.now() - started,
            reused: request.reusedSocket,
          }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

/** With a client that we did not write. */
async function byTftp(path: string): Promise<Buffer> {
  const args = ['-s', '--max-time', '20', `tftp://127.0.0.1:${server.ports.tftp}${path}`]
  const { stdout } = await promisify(execFile)('curl', args, { encoding: 'buffer', maxBuffer: 1_000_000 })
  return stdout
}

let lastUser = 5000

async function accountWithLine(): Promise<string> {
  const account = {
    name: 'Shop',
    customerId: `c-${randomBytes(6).toString('hex')}`,
    kind: 'customer',
    parentId: undefined,
    settings: {},
  } as const
  const made = await db.transaction((tx) => createAccount(tx, WHO, account))
  assert(made.ok, 'the Customer ID is free')
  const line = {
    accountId: made.value.id,
    userId: String(++lastUser),
    password: plant(randomBytes(12).toString('hex')),
    displayName: '',
    domain: 'sip.example.com',
    authId: undefined,
    outboundProxy: undefined,
    transport: undefined,
  }
  await db.transaction((tx) => createLine(tx, vault, WHO, line))
  return made.value.id
}

async function codeOf(accountId: string, ttlSeconds = 600): Promise<string> {
  const { code } = await db.transaction((tx) => createCode(tx, WHO, { accountId, ttlSeconds, devices: 1, lineIds: [] }))
  await arrived(async () => (await platform.directory.code(code)) !== undefined)
  return plant(code)
}

/** Waits for word of a change over the database's socket. */
async function arrived(check: () => Promise<boolean>): Promise<void> {
  const started = Date.now()
  while (!(await check())) {
    assert(Date.now() - started < 5000, 'word of a change arrives')
    await new Promise(setImmediate)
  }
}

async function boundPhone() {
  const mac = freshMac()
  const pair = await certificateFor(mac)
  const agent = agentOf(pair)
  const answer = await get(agent, `/cisco-init/${await codeOf(await accountWithLine())}`)
  expect(answer.status).toBe(200)
  await plantSecretsOf(platform)
  return { mac, pair, agent }
}

describe('the HTTPS door', () => {
  it('binds a phone with a lab certificate, which comes back by certificate alone', async () => {
    const { agent } = await boundPhone()
    const answer = await get(agent, '/cisco-init')
    expect([answer.status, answer.headers['content-type'], answer.headers['cache-control']]).toEqual([
      200,
      'text/xml; charset=utf-8',
      'no-store',
    ])
  })

  it('gives firmware whole and in ranges, over every transport [RFC 9110 §14]', async () => {
    const content = randomBytes(3000)
    const token = plant(await createToken(db, { name: 'test', scopes: ['admin'] }))
    const upload = await fetch(`http://127.0.0.1:${server.ports.api}/api/v1/firmware?name=sip88xx.12-0-7.loads`, {
      method: 'POST',
      body: content,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    })
    expect(upload.status).toBe(201)
    await arrived(async () => (await platform.directory.firmware('sip88xx.12-0-7.loads')) !== undefined)
    const path = '/firmware/sip88xx.12-0-7.loads'
    const agent = agentOf(undefined)
    const http = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${server.ports.http}${path}`, { headers })
    const whole = await get(agent, path)
    expect([whole.status, whole.body.equals(content), whole.headers['accept-ranges']]).toEqual([200, true, 'bytes'])
    const CASES = [
      ['bytes=0-9', 206, content.subarray(0, 10), 'bytes 0-9/3000'],
      ['bytes=2990-', 206, content.subarray(2990), 'bytes 2990-2999/3000'],
      ['bytes=-5', 206, content.subarray(2995), 'bytes 2995-2999/3000'],
      ['bytes=2999-99999', 206, content.subarray(2999), 'bytes 2999-2999/3000'],
      ['bytes=3000-', 416, Buffer.alloc(0), 'bytes */3000'],
      ['lines=1-2', 200, content, null],
    ] as const
    for (const [range, status, expected, contentRange] of CASES) {
      const byHttps = await get(agent, path, { headers: { range } })
      expect([range, byHttps.status, byHttps.body.equals(expected), byHttps.headers['content-range'] ?? null]).toEqual([
        range,
        status,
        true,
        contentRange,
      ])
      const byHttp = await http({ range })
      expect([range, byHttp.status, Buffer.from(await byHttp.arrayBuffer()).equals(expected)]).toEqual([
        range,
        status,
        true,
      ])
    }
    const head = await get(agent, path, { method: 'HEAD' })
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '3000', 0])
    expect((await byTftp(path)).equals(content)).toBe(true)
  })

  it('the first profile is the same by TFTP, HTTP and HTTPS, for any MAC', async () => {
    const http = async (path: string) => (await fetch(`http://127.0.0.1:${server.ports.http}${path}`)).text()
    const texts = [
      await http('/8851-3PCC.xml'),
      await http(`/a/${freshMac()}.cfg`),
      (await byTftp('/8851-3PCC.xml')).toString(),
      (await get(agentOf(undefined), '/8851-3PCC.xml')).body.toString(),
    ]
    expect(texts[0]).toContain('<Profile_Rule_B>https://')
    expect(new Set(texts).size).toBe(1)
  })

  it('methods that no phone uses are refused like the rest', async () => {
    const answer = await get(agentOf(undefined), '/cisco-init', { method: 'DELETE' })
    expect([answer.status, answer.body.length]).toEqual([404, 0])
  })

  it('a certificate of a CA that is not ours proves nothing', async () => {
    const { mac } = await boundPhone()
    const forged = planted(await createCa('Offhook lab device CA', Date.now()))
    expect((await get(agentOf(await certificateFor(mac, forged)), '/cisco-init')).status).toBe(404)
  })
})

function planted(pair: CertificatePair): CertificatePair {
  plant(bodyOfPem(pair.keyPem))
  return pair
}

describe('trust, as it changes', () => {
  /** One request on a connection of its own, which is resumed where a session is given. */
  function once(
    pair: CertificatePair,
    path: string,
    session?: Buffer,
  ): Promise<{ status: number; reused: boolean; session: Buffer | undefined }> {
    return new Promise((resolve, reject) => {
      let ticket: Buffer | undefined
      let socket: TLSSocket | undefined
      const options = {
        host: '127.0.0.1',
        port: server.ports.https,
        path,
        agent: false as const,
        ca: SERVER_CA,
        key: pair.keyPem,
        cert: pair.certPem,
      }
      const request = httpsRequest({ ...options, ...(session === undefined ? {} : { session }) }, (response) => {
        response.resume()
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, reused: socket?.isSessionReused() === true, session: ticket }),
        )
      })
      request.on('socket', (each: TLSSocket) => {
        socket = each
        each.on('session', (bytes: Buffer) => {
          ticket = bytes
        })
      })
      request.on('error', reject)
      request.end()
    })
  }

  it('removing a CA refuses its phones at once, on open connections too, and ends its TLS tickets', async () => {
    const vendor = planted(await createCa('Vendor', Date.now()))
    const installed = await db.transaction((tx) =>
      installDeviceCa(tx, { name: 'Vendor', pem: vendor.certPem, models: [] }),
    )
    const pair = await certificateFor(freshMac(), vendor)
    const code = await codeOf(await accountWithLine())
    await arrived(async () => (await once(pair, `/cisco-init/${code}`)).status === 200)
    await plantSecretsOf(platform)
    const open = agentOf(pair)
    expect((await get(open, '/cisco-init')).status).toBe(200)
    const first = await once(pair, '/cisco-init')
    const second = await once(pair, '/cisco-init', first.session)
    expect(second).toMatchObject({ status: 200, reused: true })
    await db.transaction((tx) => removeDeviceCa(tx, installed.fingerprint))
    await arrived(async () => (await get(open, '/cisco-init')).status === 404)
    expect((await get(open, '/cisco-init')).reused).toBe(true)
    expect(await once(pair, '/cisco-init', second.session)).toMatchObject({ status: 404, reused: false })
  })

  it('a phone whose certificate hangs on an intermediate that it sends along is proved on a resumed session too', async () => {
    const root = planted(await createCa('Vendor root', Date.now()))
    const middle = planted(await intermediateOf(root))
    const installed = await db.transaction((tx) => installDeviceCa(tx, { name: 'Root', pem: root.certPem, models: [] }))
    const leaf = await certificateFor(freshMac(), middle)
    const pair = { keyPem: leaf.keyPem, certPem: `${leaf.certPem}${middle.certPem}` }
    const code = await codeOf(await accountWithLine())
    await arrived(async () => (await once(pair, `/cisco-init/${code}`)).status === 200)
    await plantSecretsOf(platform)
    const first = await once(pair, '/cisco-init')
    expect(await once(pair, '/cisco-init', first.session)).toMatchObject({ status: 200, reused: true })
    await db.transaction((tx) => removeDeviceCa(tx, installed.fingerprint))
  })

  it('a disabled phone is refused at once on a resumed session', async () => {
    const { mac, pair } = await boundPhone()
    const first = await once(pair, '/cisco-init')
    const second = await once(pair, '/cisco-init', first.session)
    expect(second).toMatchObject({ status: 200, reused: true })
    await db.transaction((tx) => endDevice(tx, vault, WHO, mac, 'disable'))
    await arrived(
      async () =>
        (await viewDevice(db, mac))?.farewell_owed === false || (await once(pair, '/cisco-init')).status !== 200,
    )
    await arrived(async () => (await once(pair, '/cisco-init', second.session)).status === 404)
  })
})

async function intermediateOf(root: CertificatePair): Promise<CertificatePair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const signingKey = await crypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(root.keyPem),
    ALGORITHM,
    true,
    ['sign'],
  )
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `00${randomBytes(8).toString('hex')}`,
    subject: 'CN=Vendor intermediate',
    issuer: new x509.X509Certificate(root.certPem).subject,
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { certPem: `${certificate.toString('pem')}\n`, keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n` }
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

interface Refusal {
  readonly name: string
  readonly agent: Agent
  readonly path: string
}

/** A refused request in each of its kinds, each on a kept connection of its own. */
async function refusals(): Promise<readonly Refusal[]> {
  const owner = await boundPhone()
  const path = (await viewDevice(db, owner.mac))?.profile_path ?? ''
  const disabled = await boundPhone()
  await db.transaction((tx) => endDevice(tx, vault, WHO, disabled.mac, 'disable'))
  await arrived(async () => (await get(disabled.agent, '/cisco-init')).status === 404)
  const account = await accountWithLine()
  const expired = await codeOf(account, 1)
  await arrived(async () => (await platform.directory.code(expired)) === undefined)
  const agent = async () => agentOf(await certificateFor(freshMac()))
  const phones: Refusal[] = []
  // Each certificate has twenty wrong codes an hour, so many phones take turns.
  for (let index = 0; index < 12; index++) {
    phones.push({ name: 'wrong code', agent: await agent(), path: `/cisco-init/${'x'.repeat(27)}` })
    phones.push({ name: 'expired code', agent: await agent(), path: `/cisco-init/${expired}` })
    phones.push({ name: 'unknown device', agent: await agent(), path: '/cisco-init' })
    phones.push({ name: 'foreign certificate path', agent: await agent(), path: `/s/${path}.cfg` })
    // A connection of its own like the others: one that is used more often is warmer.
    phones.push({ name: 'disabled', agent: agentOf(disabled.pair), path: '/cisco-init' })
  }
  return phones
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

const ROUNDS = 17
const ATTEMPTS_MAX = 3

describe('refusals', () => {
  it('all look alike: status, headers, empty body; and take about the same time over 1,000 interleaved requests', async () => {
    let spread = Number.POSITIVE_INFINITY
    for (let attempt = 1; attempt <= ATTEMPTS_MAX && spread > 0.1; attempt++) spread = await measure(await refusals())
    expect(spread).toBeLessThanOrEqual(0.1)
  }, 180_000)
})

/** @returns how far the medians of the kinds lie apart, as a share of the smallest */
async function measure(phones: readonly Refusal[]): Promise<number> {
  const times = new Map<string, number[]>()
  const looks = new Set<string>()
  for (const { agent, path } of phones) await get(agent, path) // connections open, facts loaded
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, agent, path } of phones) {
      const { status, headers, body, tookMs, reused } = await get(agent, path)
      assert(reused, 'the connection is kept')
      const { date: _date, ...others } = headers
      looks.add(JSON.stringify([status, Object.entries(others), body.length]))
      times.set(name, [...(times.get(name) ?? []), tookMs])
    }
  }
  expect([...looks]).toHaveLength(1)
  expect([...looks][0]).toContain('[404,')
  expect([...times.values()].flat().length).toBeGreaterThanOrEqual(1000)
  const medians = [...times.values()].map(median)
  return Math.max(...medians) / Math.min(...medians) - 1
}
