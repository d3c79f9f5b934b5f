import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { pino } from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { assert } from '../protocol/result.ts'
import { loadMasterKey } from './database/mod.ts'
import { createTestDatabase } from './database/testing.ts'
import { type Server, startServer } from './main.ts'
import { issueDeviceCertificate } from './pki/mod.ts'
import { createToken, createVault, ensureLabCa, searchEvents, setAcme } from './store/mod.ts'
import { openTestAuthority, type TestAuthority } from './testing-acme.ts'
import { bodyOfPem, freshMac, plant, plantSecretsOf, PN, serialFor, testSettings } from './testing.ts'

const HOST = 'prov.example.com'
const WAIT_MS = 60_000
const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + WAIT_MS
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    assert(Date.now() < deadline, `${what} within ${WAIT_MS / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

interface Running {
  readonly server: Server
  call(method: string, path: string, body?: unknown): Promise<{ status: number; json: Record<string, unknown> }>
}

async function runningServer(databaseUrl: string, more: object = {}): Promise<Running> {
  const settings = testSettings(databaseUrl, { lab: true, publicUrl: `https://${HOST}`, ...more })
  const server = await startServer({ settings, what: 'a test', log: pino({ level: 'silent' }) })
  closers.push(async () => {
    await plantSecretsOf(server.platform)
    await server.stop()
  })
  const token = plant(await createToken(server.platform.db, { name: 'test', scopes: ['admin'] }))
  return {
    server,
    async call(method, path, body) {
      const response = await fetch(`http://127.0.0.1:${server.ports.api}/api/v1/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, json: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
    },
  }
}

async function freshDatabase() {
  const database = await createTestDatabase()
  closers.push(() => database.drop())
  return database
}

async function authorityFor(options: Parameters<typeof openTestAuthority>[0]): Promise<TestAuthority> {
  const authority = await openTestAuthority(options)
  closers.push(() => authority.close())
  return authority
}

/** A TLS connection of a phone with a lab certificate, checked against a CA. */
async function phoneConnection({ server }: Running, ca: string): Promise<TLSSocket> {
  const { db, vault } = server.platform
  const lab = await ensureLabCa(db, vault, Date.now())
  const mac = freshMac()
  const pair = await issueDeviceCertificate(lab, { mac, serial: serialFor(mac), productName: PN }, Date.now())
  for (const { keyPem } of [lab, pair]) plant(bodyOfPem(keyPem))
  const socket = connect({
    host: '127.0.0.1',
    port: server.ports.https,
    servername: HOST,
    ca,
    cert: pair.certPem,
    key: pair.keyPem,
  })
  closers.push(async () => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

/** The status of one request on a connection that is kept. */
async function ask(socket: TLSSocket, path: string): Promise<number> {
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`)
  const [piece] = (await once(socket, 'data')) as [Buffer]
  return Number(piece.toString().split(' ')[1])
}

const acmeState = async (running: Running, state: string) => {
  const { json } = await running.call('GET', 'acme')
  return json['state'] === state ? json : undefined
}

const eventNames = async ({ server }: Running) => {
  const events = await searchEvents(server.platform.db, { reach: null }, { before: undefined, limit: 100 })
  return events.map(({ name }) => name).filter((name) => name.startsWith('certificate.'))
}

describe('ACME', () => {
  it('brings a certificate in force without a restart while phones stay connected [RFC 8555 §7, §8.3]', async () => {
    const database = await freshDatabase()
    const running = await runningServer(database.url)
    const { platform, ports } = running.server
    const authority = await authorityFor({ httpPort: () => ports.http, secure: true })
    const before = await phoneConnection(running, platform.secrets.serverCa.certPem)
    expect(await ask(before, '/ca.pem')).toBe(200)
    const set = await running.call('PUT', 'acme', {
      directory: authority.directory,
      email: 'noc@example.com',
      ca: authority.ca.certPem,
      agreeToTerms: true,
    })
    expect(set).toMatchObject({ status: 200, json: { hosts: [HOST], failures: 0 } })
    const done = await until('the certificate is in force', () => acmeState(running, 'done'))
    expect(authority.log).toEqual(['account', 'order', 'looked', 'finalize', 'certificate'])
    // Two thirds of ninety days.
    expect((Date.parse(String(done['nextAt'])) - Date.now()) / 86_400_000).toBeCloseTo(60, 1)
    const after = await phoneConnection(running, authority.ca.certPem)
    expect(after.getPeerCertificate().subject.CN).toBe(HOST)
    expect([await ask(before, '/ca.pem'), await ask(after, '/ca.pem')]).toEqual([200, 200])
    const { json } = await running.call('GET', 'server-certificate')
    expect(json).toMatchObject({
      source: 'acme',
      hosts: [HOST],
      keyType: 'rsa',
      daysLeft: 89,
      customCa: true,
      problems: [],
    })
    // A private authority: phones learn its root, and not ours.
    const served = await (await fetch(`http://127.0.0.1:${ports.http}/ca.pem`)).text()
    expect(served).toBe(authority.ca.certPem)
    expect(await eventNames(running)).toEqual(['certificate.renewed'])
  })

  it('tells why a challenge failed and keeps the old certificate, until the next try is right [RFC 8555 §7.1.6]', async () => {
    const database = await freshDatabase()
    const running = await runningServer(database.url)
    const look = { port: 1 }
    const authority = await authorityFor({ httpPort: () => look.port })
    await running.call('PUT', 'acme', { directory: authority.directory, agreeToTerms: true })
    const failed = await until('the failure is told', () => acmeState(running, 'failed'))
    expect(failed['lastError']).toContain(`"${HOST}" was not proved to be ours: Invalid response from http://${HOST}/`)
    expect(failed['failures']).toBe(1)
    const waitMs = Date.parse(String(failed['nextAt'])) - Date.now()
    expect(waitMs).toBeGreaterThan(50_000)
    expect((await running.call('GET', 'server-certificate')).json['source']).toBe('own')
    expect(await eventNames(running)).toEqual(['certificate.renewal-failed'])
    look.port = running.server.ports.http
    expect((await running.call('POST', 'acme/renew')).status).toBe(202)
    const done = await until('the certificate is in force', () => acmeState(running, 'done'))
    expect([done['lastError'], done['failures']]).toEqual([null, 0])
    // Without "ca" the authority counts as a public one: nothing names our CA any more.
    expect((await running.call('GET', 'server-certificate')).json).toMatchObject({ source: 'acme', customCa: false })
    expect((await fetch(`http://127.0.0.1:${running.server.ports.http}/ca.pem`)).status).toBe(404)
    expect(running.server.platform.facts().customCaUrl).toBeUndefined()
  })

  it('says that nobody answers at the directory, in words', async () => {
    const database = await freshDatabase()
    const running = await runningServer(database.url)
    await running.call('PUT', 'acme', { directory: 'http://127.0.0.1:1/directory', agreeToTerms: true })
    const failed = await until('the failure is told', () => acmeState(running, 'failed'))
    expect(failed['lastError']).toMatch(/^the authority does not answer at http:\/\/127\.0\.0\.1:1: /)
    expect(await running.call('DELETE', 'acme')).toMatchObject({ status: 204 })
    expect(await running.call('GET', 'acme')).toMatchObject({ status: 404 })
  })

  it('any process answers a challenge; an unknown token looks like any refusal', async () => {
    const database = await freshDatabase()
    const first = await runningServer(database.url)
    const second = await runningServer(database.url)
    // Whichever process has the work in hand, the authority looks at one that may be the other.
    const authority = await authorityFor({ httpPort: () => second.server.ports.http })
    await first.call('PUT', 'acme', { directory: authority.directory, agreeToTerms: true })
    await until('the certificate is in force', () => acmeState(first, 'done'))
    expect(authority.log.filter((each) => each === 'order')).toHaveLength(1)
    for (const running of [first, second]) {
      await until('both show it', async () => {
        const { json } = await running.call('GET', 'server-certificate')
        return json['source'] === 'acme' || undefined
      })
    }
    const door = `http://127.0.0.1:${first.server.ports.http}`
    const [unknown, nowhere] = await Promise.all([
      fetch(`${door}/.well-known/acme-challenge/${'x'.repeat(43)}`),
      fetch(`${door}/nowhere`),
    ])
    const look = ({ status, headers }: Response) => [status, [...headers].filter(([name]) => name !== 'date')]
    expect(look(unknown)).toEqual(look(nowhere))
  })

  it('an order that a killed process left half-done is done by another', async () => {
    const database = await freshDatabase()
    const look = { port: await freePort() }
    const hold = { on: true, reached: (): void => undefined }
    const reached = new Promise<void>((resolve) => {
      hold.reached = resolve
    })
    const authority = await authorityFor({
      httpPort: () => look.port,
      async beforeFinalize() {
        hold.reached()
        if (hold.on) await new Promise(() => undefined)
      },
    })
    const child = await childServer(database.url, look.port)
    const db = await database.open()
    const vault = createVault(await masterKey())
    const accountKeyPem = accountKey()
    const acme = { directory: authority.directory, email: null, hosts: [HOST], ca: null, accountKeyPem }
    await db.transaction((tx) => setAcme(tx, vault, 'test', acme))
    await reached
    child.kill('SIGKILL')
    await once(child, 'exit')
    hold.on = false
    const running = await runningServer(database.url)
    look.port = running.server.ports.http
    // Its lease has not ended: nobody else begins.
    expect((await running.call('GET', 'acme')).json['state']).toBe('working')
    expect((await running.call('GET', 'server-certificate')).json['source']).toBe('own')
    await db.run({ name: 'time-passes', text: `update acme set leased_until = now()`, values: [] })
    await until('the certificate is in force', () => acmeState(running, 'done'))
    expect(authority.log.filter((each) => each === 'order')).toHaveLength(2)
    // The account of the first try is found again by its key.
    expect(authority.log.filter((each) => each === 'account')).toHaveLength(1)
    expect((await running.call('GET', 'server-certificates')).json['items']).toHaveLength(1)
  }, 120_000)
})

function accountKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  plant(bodyOfPem(pem))
  return pem
}

async function masterKey() {
  const { masterKey: value = '', dataDir } = testSettings('')
  const key = await loadMasterKey({ dataDir, value })
  assert(key.ok, 'the master key of tests is right')
  return key.value
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}

/** The real program, ready when it says that all is up. */
async function childServer(databaseUrl: string, httpPort: number): Promise<ChildProcess> {
  const { dataDir, masterKey: key = '' } = testSettings(databaseUrl)
  const apiPort = await freePort()
  const main = new URL('../cli/main.ts', import.meta.url).pathname
  const ports = [
    '--api-port',
    String(apiPort),
    '--http-port',
    String(httpPort),
    '--https-port',
    '0',
    '--tftp-port',
    '0',
  ]
  const more = [
    '--syslog-port',
    '0',
    '--sip-port',
    '0',
    '--acs-port',
    '0',
    '--acs-tls-port',
    '0',
    '--data',
    dataDir,
    '--host',
    '127.0.0.1',
    '--log-level',
    'silent',
  ]
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, 'serve', ...ports, ...more], {
    env: { ...process.env, DATABASE_URL: databaseUrl, OFFHOOK_MASTER_KEY: key, OFFHOOK_PUBLIC_URL: `https://${HOST}` },
    stdio: 'ignore',
  })
  closers.push(async () => child.kill('SIGKILL'))
  await until('the child is up', () =>
    fetch(`http://127.0.0.1:${apiPort}/health`).then(
      ({ status }) => status === 200 || undefined,
      () => undefined,
    ),
  )
  return child
}
