import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { pino } from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { assert } from '../protocol/result.ts'
import { createTestDatabase } from './database/testing.ts'
import { type Server, startServer } from './main.ts'
import { type CertificatePair, createCa, issueServerCertificate } from './pki/mod.ts'
import { openServerTls } from './server-tls.ts'
import { signRequest } from './testing-acme.ts'
import { createToken } from './store/mod.ts'
import { bodyOfPem, openTestPlatform, plant, plantSecretsOf, scratchFolder, testSettings } from './testing.ts'

const HOST = 'prov.example.com'
const DAY_MS = 86_400_000
const WAIT_MS = 15_000
const database = await createTestDatabase()
const folder = scratchFolder()
const ca = planted(await createCa('Company CA', Date.now()))
const closers: (() => Promise<unknown>)[] = [() => database.drop()]
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

function planted(pair: CertificatePair): CertificatePair {
  plant(bodyOfPem(pair.keyPem))
  return pair
}

async function pairFor(hosts: readonly string[], now = Date.now()): Promise<CertificatePair> {
  return planted(await issueServerCertificate(ca, hosts, now))
}

async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<Awaited<T>>> {
  const deadline = Date.now() + WAIT_MS
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false) return found
    assert(Date.now() < deadline, `${what} within ${WAIT_MS / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Files of one certificate, each put in place as certbot does it: by a rename. */
function filesIn(name: string) {
  const cert = join(folder, `${name}.pem`)
  const key = join(folder, `${name}.key`)
  function put(path: string, text: string): void {
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
  }
  return {
    settings: { tlsCertFile: cert, tlsKeyFile: key, publicUrl: `https://${HOST}` },
    write(pair: { readonly certPem?: string; readonly keyPem?: string }): void {
      if (pair.certPem !== undefined) put(cert, pair.certPem)
      if (pair.keyPem !== undefined) put(key, pair.keyPem)
    },
  }
}

async function start(more: object, lines: string[] = []): Promise<Server> {
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const settings = testSettings(database.url, { lab: true, ...more })
  const server = await startServer({ settings, what: 'a test', log })
  closers.push(async () => {
    await plantSecretsOf(server.platform)
    await server.stop()
  })
  return server
}

/** The certificate that the door shows now, as a new connection sees it. */
async function shown(server: Server): Promise<X509Certificate> {
  const socket = connect({ host: '127.0.0.1', port: server.ports.https, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerX509Certificate()
  socket.destroy()
  assert(certificate !== undefined, 'a server shows a certificate')
  return certificate
}

describe('a certificate from files', () => {
  it('is taken up when the files change, without a restart; a bad one is refused and the old one stays', async () => {
    const files = filesIn('changing')
    const [first, second] = [await pairFor([HOST]), await pairFor([HOST, 'second.example.com'])]
    files.write(first)
    const lines: string[] = []
    const server = await start(files.settings, lines)
    expect((await shown(server)).fingerprint256).toBe(new X509Certificate(first.certPem).fingerprint256)
    expect(server.platform.facts().customCaUrl).toBeUndefined()
    const open = connect({ host: '127.0.0.1', port: server.ports.https, ca: ca.certPem, servername: HOST })
    closers.push(async () => open.destroy())
    await once(open, 'secureConnect')
    // The key of another certificate: what stands between two renames for longer than anybody would wait.
    files.write({ certPem: second.certPem })
    const refused = await until('the refusal is told', () =>
      lines.find((line) => line.includes('server-certificate-refused')),
    )
    expect(refused).toContain('The private key does not belong to the certificate')
    expect((await shown(server)).fingerprint256).toBe(new X509Certificate(first.certPem).fingerprint256)
    files.write({ keyPem: second.keyPem })
    const wanted = new X509Certificate(second.certPem).fingerprint256
    await until('the new one is shown', async () => (await shown(server)).fingerprint256 === wanted)
    open.write(`GET /nowhere HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`)
    const [answer] = (await once(open, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 404 /)
    expect(lines.join('')).not.toContain('PRIVATE KEY')
  }, 60_000)

  it('with a CA of its own for phones serves that one [MPP §11.2 Custom CA]', async () => {
    const files = filesIn('private')
    files.write(await pairFor([HOST]))
    const caFile = join(folder, 'company-ca.pem')
    writeFileSync(caFile, ca.certPem)
    const server = await start({ ...files.settings, tlsCaFile: caFile })
    const { customCaUrl } = server.platform.facts()
    expect(customCaUrl).toMatch(/\/ca\.pem$/)
    expect(await (await fetch(`http://127.0.0.1:${server.ports.http}/ca.pem`)).text()).toBe(ca.certPem)
  })

  it.each<[string, () => Promise<{ certPem?: string; keyPem?: string }>, RegExp]>([
    ['expired', () => pairFor([HOST], Date.now() - 500 * DAY_MS), /ended on \d{4}-.*Have it renewed/],
    [
      'not PEM',
      async () => ({ ...(await pairFor([HOST])), certPem: 'hello' }),
      /no certificate that can be read.*BEGIN CERTIFICATE/,
    ],
    [
      'the key of another',
      async () => ({ ...(await pairFor([HOST])), keyPem: (await pairFor([HOST])).keyPem }),
      /does not belong.*Give the key/,
    ],
    [
      'a broken key',
      async () => ({ ...(await pairFor([HOST])), keyPem: 'hello' }),
      /private key cannot be read.*pass phrase/,
    ],
    [
      'no key file',
      async () => ({ certPem: (await pairFor([HOST])).certPem }),
      /Cannot read ".*no-key-file\.key" \(OFFHOOK_TLS_KEY\)/,
    ],
  ])('stops the start in words that say what to do: %s', async (name, make, words) => {
    const files = filesIn(name.replaceAll(' ', '-'))
    files.write(await make())
    const failure = await start(files.settings).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ name: 'StartProblem' })
    expect((failure as Error).message).toMatch(words)
    expect((failure as Error).message).toContain('OFFHOOK_TLS_')
  })

  it('for another host than the public URL only warns', async () => {
    const files = filesIn('other-host')
    files.write(await pairFor(['other.example.com']))
    const lines: string[] = []
    await start(files.settings, lines)
    expect(lines.join('')).toContain('The certificate is for other.example.com, not for prov.example.com')
  })
})

describe('a certificate of our own CA', () => {
  it('has the public host as its common name and is issued anew before its end [MPP §11.2 Server certificate]', async () => {
    let now = Date.now()
    const { platform } = await openTestPlatform({ now: () => now })
    const tls = await openServerTls(platform)
    const first = new X509Certificate(tls.current().certPem)
    expect(first.subject).toBe(`CN=${new URL(platform.facts().publicUrl).hostname}`)
    expect(first.checkHost('localhost')).toBe('localhost')
    await tls.load()
    expect(tls.current().certPem).toBe(first.toString())
    const keys = tls.current().ticketKeys?.(now)
    now += 300 * DAY_MS
    await tls.load()
    const second = new X509Certificate(tls.current().certPem)
    expect(Date.parse(second.validTo) - Date.parse(first.validTo)).toBeCloseTo(300 * DAY_MS, -4)
    // Tickets of before still open: who the server is has not changed.
    expect(tls.current().ticketKeys?.(now - 300 * DAY_MS)).toEqual(keys)
    await tls.close()
  })
})

interface Answer {
  readonly status: number
  readonly json: Record<string, unknown>
  readonly text: string
}

describe('the certificate routes', async () => {
  const routes = await createTestDatabase()
  closers.push(() => routes.drop())
  const settings = testSettings(routes.url, { lab: true, publicUrl: `https://${HOST}` })
  const server = await startServer({ settings, what: 'a test', log: pino({ level: 'silent' }) })
  closers.push(async () => {
    await plantSecretsOf(server.platform)
    await server.stop()
  })
  const { db } = server.platform
  const token = plant(await createToken(db, { name: 'nightly', scopes: ['admin'], ttlSeconds: 10 * 86_400 }))

  async function call(method: string, path: string, body?: unknown, bearer = token): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${server.ports.api}/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
      text,
    }
  }

  it('show the one in force: our own at first', async () => {
    const { status, json } = await call('GET', 'server-certificate')
    expect([status, json['source'], json['id'], json['customCa'], json['problems']]).toEqual([
      200,
      'own',
      null,
      true,
      [],
    ])
    expect(json['phones']).toEqual(
      expect.arrayContaining([expect.objectContaining({ models: 'DP-*', verdict: 'accepts-with-custom-ca' })]),
    )
  })

  it('take the answer to a request of ours and put it in force; the key never leaves', async () => {
    const made = await call('POST', 'server-certificates/csr')
    expect(made.status).toBe(201)
    const id = String(made.json['id'])
    expect(String(made.json['csr'])).toContain('BEGIN CERTIFICATE REQUEST')
    const chain = await signRequest(ca, { csrPem: String(made.json['csr']), hosts: [HOST], days: 90 })
    const wrong = await call('PUT', `server-certificates/${id}/chain`, { pem: (await pairFor([HOST])).certPem })
    expect([wrong.status, wrong.json['type']]).toEqual([422, 'bad-certificate'])
    expect(wrong.json['problems']).toEqual([expect.objectContaining({ code: 'key-mismatch', place: 'key' })])
    expect((await call('GET', 'server-certificate')).json['waiting']).toHaveLength(1)
    // A key that was pasted along goes nowhere.
    const { keyPem } = await pairFor([HOST])
    const right = await call('PUT', `server-certificates/${id}/chain`, { pem: `${keyPem}${chain}`, ca: ca.certPem })
    expect([right.status, right.json['state']]).toEqual([200, 'in-force'])
    expect(right.text).not.toContain('PRIVATE KEY')
    expect((await shown(server)).fingerprint256).toBe(new X509Certificate(chain).fingerprint256)
    const { json } = await call('GET', 'server-certificate')
    expect(json).toMatchObject({ source: 'csr', id, hosts: [HOST], customCa: true, waiting: [] })
    expect((await call('GET', 'server-certificates')).text).not.toContain('PRIVATE KEY')
  })

  it('take an upload, unless it is bad; what can be taken all the same says so', async () => {
    const other = await pairFor(['other.example.com'])
    const refused = await call('POST', 'server-certificates', { chain: other.certPem, key: other.keyPem })
    expect([refused.status, refused.json['detail']]).toEqual([
      422,
      'Cannot use this certificate: The certificate is for other.example.com, not for prov.example.com. Have it issued for the host of the public URL, or correct OFFHOOK_PUBLIC_URL. It can be taken all the same with "force": true.',
    ])
    const expired = await pairFor([HOST], Date.now() - 500 * DAY_MS)
    const forced = await call('POST', 'server-certificates', {
      chain: expired.certPem,
      key: expired.keyPem,
      force: true,
    })
    expect([forced.status, forced.text.includes('PRIVATE KEY')]).toEqual([422, false])
    const taken = await call('POST', 'server-certificates', { chain: other.certPem, key: other.keyPem, force: true })
    expect(taken.status).toBe(201)
    const { json } = await call('GET', 'server-certificate')
    expect(json).toMatchObject({ source: 'upload', customCa: false, problems: [{ code: 'wrong-host' }] })
    expect(server.platform.facts().customCaUrl).toBeUndefined()
    expect((await call('DELETE', `server-certificates/${String(taken.json['id'])}`)).status).toBe(204)
    expect((await call('GET', 'server-certificate')).json['source']).toBe('own')
    expect((await call('DELETE', 'server-certificates/crt_none')).status).toBe(404)
  })

  it('keep the private key sealed under the master key', async () => {
    const rows = await db.query<{ private_key: Buffer }>({
      name: 'keys',
      text: 'select private_key from server_certificate',
      values: [],
    })
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(row.private_key.toString('latin1')).not.toContain('PRIVATE KEY')
  })

  it('refuse what is no authority to ask', async () => {
    const good = { directory: 'https://ca.example.com/directory', agreeToTerms: true }
    for (const [bad, place] of [
      [{ ...good, directory: 'http://ca.example.com/directory' }, 'directory'],
      [{ ...good, agreeToTerms: false }, 'agreeToTerms'],
      [{ ...good, hosts: ['*.example.com'] }, 'hosts'],
      [{ ...good, hosts: ['10.0.0.1'] }, 'hosts'],
    ] as const) {
      const { status, json } = await call('PUT', 'acme', bad)
      expect([place, status, String(json['detail']).includes(place)]).toEqual([place, 422, true])
    }
    expect((await call('GET', 'acme')).status).toBe(404)
  })

  it('give a calendar of what ends, also for calendar programs [RFC 5545 §3.1]', async () => {
    const { json } = await call('GET', 'expiries?days=30000')
    const items = json['items'] as readonly { kind: string; name: string; daysLeft: number }[]
    expect(new Set(items.map(({ kind }) => kind))).toEqual(
      new Set(['token', 'server-certificate', 'own-ca', 'device-ca']),
    )
    expect(items[0]).toMatchObject({ kind: 'token', name: 'nightly', daysLeft: 9 })
    expect(((await call('GET', 'expiries?days=5')).json['items'] as unknown[]).length).toBe(0)
    const { text } = await call('GET', 'expiries?days=30000&format=ics')
    expect(text).toMatch(/^BEGIN:VCALENDAR\r\n[\s\S]*SUMMARY:An API token ends: nightly\r\n[\s\S]*END:VCALENDAR\r\n$/)
    expect(text.split('\r\n').filter((line) => Buffer.byteLength(line) > 75)).toEqual([])
  })

  it('are closed to tokens without the scope', async () => {
    const reader = plant(await createToken(db, { name: 'reader', scopes: ['read'] }))
    for (const path of ['server-certificate', 'server-certificates', 'acme', 'expiries'])
      expect([path, (await call('GET', path, undefined, reader)).status]).toEqual([path, 403])
  })
})
