import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { createTestDatabase } from '../server/database/testing.ts'
import { type Settings, startServer } from '../server/main.ts'
import { createCa, issueServerCertificate } from '../server/pki/mod.ts'
import { createToken } from '../server/store/mod.ts'
import { bodyOfPem, plant, plantSecretsOf, scratchFolder, testSettings } from '../server/testing.ts'
import { examine } from './doctor.ts'
import type { Finding } from './doctor/finding.ts'
import { offhook, scratch } from './testing-process.ts'

const DAY_MS = 86_400_000
const NOT_DURABLE = 'A crash of the machine would lose'
const closers: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})
const folder = scratch()
const database = await createTestDatabase()
closers.push(() => database.drop())

/** The database of tests gives up durability for speed: that is found, and has a test of its own. */
function bad(findings: readonly Finding[], level: Finding['level'] = 'problem'): readonly string[] {
  const texts = findings.filter((finding) => finding.level === level).map(({ check, what }) => `${check}: ${what}`)
  return texts.filter((text) => !text.includes(NOT_DURABLE))
}

/** Settings of a server that is stopped, on ports that are free now. */
async function stopped(more: Partial<Settings> = {}): Promise<Settings> {
  const apiPort = await freePort()
  return { ...testSettings(database.url), apiPort, ...more }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}

describe('doctor of a stopped server', () => {
  it('finds nothing wrong where nothing is, and makes no data directory', async () => {
    const dataDir = join(scratchFolder(), 'none')
    const { databaseUrl: _none, masterKey: _key, ...rest } = await stopped({ dataDir })
    const findings = await examine({ ...rest, databaseUrl: undefined, masterKey: undefined })
    expect(bad(findings)).toEqual([])
    expect(bad(findings, 'warning')).toContain('data: There is no data directory')
    expect(existsSync(dataDir)).toBe(false)
  })

  it('names a port that another program uses, and what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    closers.push(() => new Promise((closed) => other.close(closed)))
    const httpPort = (other.address() as AddressInfo).port
    const found = (await examine(await stopped({ httpPort }))).find(
      ({ check, level }) => check === 'ports' && level === 'problem',
    )
    expect(found).toMatchObject({
      check: 'ports',
      what: 'HTTP: another program uses the port',
      value: `tcp ${httpPort}`,
    })
    expect(found?.advice).toContain('OFFHOOK_HTTP_PORT')
  })

  it('says that a data directory is open to others, and that a change of the key was cut short', async () => {
    const dataDir = scratchFolder()
    chmodSync(dataDir, 0o755)
    writeFileSync(join(dataDir, 'master.key.new'), '')
    expect(bad(await examine(await stopped({ dataDir })), 'warning')).toEqual(
      expect.arrayContaining([
        'data: Others may look into the data directory',
        'master-key: A change of the master key was cut short',
      ]),
    )
  })

  it('says that a file is no data directory', async () => {
    const dataDir = join(folder, 'file')
    writeFileSync(dataDir, '')
    expect(bad(await examine(await stopped({ dataDir })))).toContain('data: The data directory is no folder')
  })

  it('refuses an expired certificate in files, and tells of one with the key of another', async () => {
    const ca = await createCa('CA', Date.now())
    const [old, other] = [
      await issueServerCertificate(ca, ['localhost'], Date.now() - 500 * DAY_MS),
      await issueServerCertificate(ca, ['localhost'], Date.now()),
    ]
    for (const { keyPem } of [ca, old, other]) plant(bodyOfPem(keyPem))
    const [tlsCertFile, tlsKeyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    writeFileSync(tlsCertFile, old.certPem)
    writeFileSync(tlsKeyFile, other.keyPem)
    const found = bad(await examine(await stopped({ tlsCertFile, tlsKeyFile })))
    expect(found).toEqual(
      expect.arrayContaining([
        'certificates: The private key does not belong to the certificate',
        expect.stringMatching(/^certificates: The certificate ended on /),
        'certificates: CP-* would refuse the server',
      ]),
    )
    rmSync(tlsCertFile)
    expect(bad(await examine(await stopped({ tlsCertFile, tlsKeyFile })))).toEqual([
      'certificates: The server certificate cannot be looked at',
    ])
  })

  it('says that a database does not answer, without its password', async () => {
    const secret = plant('Password-0f-Nobody')
    const findings = await examine(await stopped({ databaseUrl: `postgres://user:${secret}@127.0.0.1:1/none` }))
    expect(bad(findings)).toEqual(['database: The database does not answer'])
    expect(JSON.stringify(findings)).not.toContain(secret)
  })
})

describe('doctor of a running server', async () => {
  const settings = testSettings(database.url, { lab: true })
  const server = await startServer({ settings, what: 'a test', log: pino({ level: 'silent' }) })
  closers.push(async () => {
    await plantSecretsOf(server.platform)
    await server.stop()
  })
  const { api, http, https, tftp } = server.ports
  const publicUrl = `https://localhost:${https}`
  const asked: Settings = { ...settings, apiPort: api, httpPort: http, httpsPort: https, tftpPort: tftp, publicUrl }
  const { db } = server.platform

  it('finds its doors, its database, its clock and its certificate well', async () => {
    const findings = await examine(asked)
    expect(bad(findings)).toEqual([])
    const fine = findings.filter(({ level }) => level === 'ok').map(({ check, what }) => `${check}: ${what}`)
    expect(fine).toEqual(
      expect.arrayContaining([
        'doors: HTTP: answers',
        'doors: HTTPS: answers',
        'doors: TFTP: answers',
        'master-key: The master key is that of this database',
        'clock: The clock agrees with that of the database',
        'database: The schema is that of this release',
        'public-url: This server answers at the public URL',
      ]),
    )
  })

  it('finds durability that is switched off', async () => {
    const [row] = await db.query<{ fsync: string }>({ name: 'fsync', text: 'show fsync', values: [] })
    const found = (await examine(asked)).filter(({ what }) => what.startsWith(NOT_DURABLE)).map(({ value }) => value)
    expect(found.includes('fsync')).toBe(row?.fsync === 'off')
  })

  it('finds another server at the public URL', async () => {
    const ca = await createCa('Other', Date.now())
    const pair = await issueServerCertificate(ca, ['other.example.com'], Date.now())
    for (const { keyPem } of [ca, pair]) plant(bodyOfPem(keyPem))
    const { createServer: createTls } = await import('node:tls')
    const other = createTls({ cert: pair.certPem, key: pair.keyPem }, (socket) => socket.end()).listen(0, '127.0.0.1')
    await once(other, 'listening')
    closers.push(() => new Promise((closed) => other.close(closed)))
    const { port } = other.address() as AddressInfo
    expect(bad(await examine({ ...asked, publicUrl: `https://127.0.0.1:${port}` }))).toContain(
      'public-url: Another server answers at the public URL',
    )
  })

  it('finds a master key of another database', async () => {
    const masterKey = plant('ab'.repeat(32))
    expect(bad(await examine({ ...asked, masterKey }))).toContain(
      'master-key: The master key is that of another database',
    )
  })

  it('finds firmware files that are missing or were changed', async () => {
    const sha256 = 'ab'.repeat(32)
    const text = `insert into firmware (name, sha256, byte_count) values ('a.loads', $1, 4)`
    await db.run({ name: 'firmware-row', text, values: [sha256] })
    expect(bad(await examine(asked))).toContain('firmware: The firmware file "a.loads" is missing on disk')
    mkdirSync(join(settings.dataDir, 'firmware'), { recursive: true })
    writeFileSync(join(settings.dataDir, 'firmware', sha256), 'four')
    expect(bad(await examine(asked))).toContain('firmware: The firmware file "a.loads" was changed on disk')
    await db.run({ name: 'firmware-gone', text: 'delete from firmware', values: [] })
  })

  it('asks the SIP proxy [RFC 3261 §11]', async () => {
    const proxy = createSocket('udp4').bind(0, '127.0.0.1')
    await once(proxy, 'listening')
    closers.push(() => new Promise<void>((closed) => proxy.close(closed)))
    let answers = true
    proxy.on('message', (_bytes, from) => answers && proxy.send('SIP/2.0 200 OK\r\n\r\n', from.port, from.address))
    const text = `insert into sip_proxy (scope, host, port, transport) values ('-', '127.0.0.1', $1, 'UDP')`
    await db.run({ name: 'proxy-row', text, values: [proxy.address().port] })
    const found = async () => (await examine(asked)).find(({ check }) => check === 'sip-proxy')
    expect(await found()).toMatchObject({ level: 'ok', what: 'The SIP proxy answers' })
    answers = false
    expect(await found()).toMatchObject({ level: 'warning', what: 'The SIP proxy does not answer' })
  })

  it('finds a database of a newer release', async () => {
    const text = `insert into schema_migration (version, name, sha256) values (9999, 'later', 'x')`
    await db.run({ name: 'newer', text, values: [] })
    expect(bad(await examine(asked))).toContain('database: The database is of a newer release')
    await db.run({ name: 'not-newer', text: 'delete from schema_migration where version = 9999', values: [] })
  })

  it('as a command prints JSON, ends with 1 for problems, and certificate commands reach the server', async () => {
    const dataDir = join(folder, 'of-a-command')
    const report = await offhook(['doctor', '--json', '--data', dataDir, '--api-port', String(await freePort())])
    const read = JSON.parse(report.output.toString()) as { problems: number; findings: Finding[] }
    expect([report.code, read.findings.length > 10]).toEqual([read.problems > 0 ? 1 : 0, true])
    expect(existsSync(dataDir)).toBe(false)
    const token = plant(await createToken(db, { name: 'cli', scopes: ['admin'] }))
    const where = ['--api', `http://127.0.0.1:${api}`, '--token', token]
    const shown = await offhook(['certificate', 'show', '--json', ...where])
    expect([shown.code, JSON.parse(shown.output.toString()).source]).toEqual([0, 'own'])
    const csr = join(folder, 'server.csr')
    const made = await offhook(['certificate', 'csr', csr, '--host', 'prov.example.com', ...where])
    expect([made.code, existsSync(csr)]).toEqual([0, true])
    expect(made.errors).toMatch(/offhook certificate install CHAIN\.pem --id crt_[0-9a-f]{32}/)
    const wrong = await offhook(['certificate', 'install', csr, ...where])
    expect([wrong.code, wrong.errors]).toEqual([2, expect.stringContaining('give either --key, or --id')])
    const none = await offhook(['certificate', 'acme', ...where])
    expect([none.code, none.errors]).toEqual([1, expect.stringContaining('No authority is set')])
  }, 120_000)
})
