import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../server/database/testing.ts'
import { type Server, startServer } from '../../server/main.ts'
import {
  type CertificatePair,
  createCa,
  createDeviceCertificates,
  issueServerCertificate,
} from '../../server/pki/mod.ts'
import { createToken, ensureLabCa } from '../../server/store/mod.ts'
import { bodyOfPem, plant, plantSecretsOf, PN, testSettings } from '../../server/testing.ts'
import { identityOf, macNumber } from '../durability/testing.ts'

const DAY_MS = 86_400_000
const PAST = Date.now() - 7400 * DAY_MS
const HEAD = 'mac,serial,model,account\n'
const ROW = `000e08000001,FCH2305DMH0,${PN},bad-shop\n`

let database: TestDatabase
let server: Server
let token: string
beforeAll(async () => {
  database = await createTestDatabase()
  const settings = testSettings(database.url)
  server = await startServer({ settings, what: 'a test', log: pino({ level: 'silent' }) })
  token = plant(await createToken(server.platform.db, { name: 'test', scopes: ['admin'] }))
  for (const customerId of ['bad-shop', 'other-shop']) await api('POST', 'accounts', { name: customerId, customerId })
  const theirs = { mac: '000e08000009', serial: 'FCH2305DMH9', model: PN, accountId: await accountId('other-shop') }
  expect((await api('POST', 'devices', theirs)).status).toBe(201)
}, 60_000)
afterAll(async () => {
  await plantSecretsOf(server.platform)
  await server.stop()
  await database.drop()
})

interface Problem {
  readonly type: string
  readonly detail: string
  readonly problems?: readonly { readonly code: string; readonly place: string; readonly message: string }[]
}

/** Bytes go as they are, text as CSV, and what is neither as JSON. */
async function api(method: string, path: string, body: unknown, type?: string) {
  const kind = type ?? (typeof body === 'string' ? 'text/csv' : 'application/json')
  const response = await fetch(`http://127.0.0.1:${server.ports.api}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': kind }) },
    ...(body === undefined
      ? {}
      : { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const json: unknown = text === '' ? undefined : JSON.parse(text)
  return { status: response.status, type: response.headers.get('content-type') ?? '', json: json as Problem, text }
}

async function accountId(customerId: string): Promise<string> {
  const { json } = await api('GET', 'accounts', undefined)
  const { items } = json as unknown as { items: readonly { id: string; customerId: string }[] }
  return items.find((each) => each.customerId === customerId)?.id ?? ''
}

/** All that an import, an upload or a layer could have left: rows, revisions, events, files. */
async function everything(): Promise<unknown> {
  await server.platform.flush()
  const { rows } = await server.platform.db.pool.query(
    `select (select count(*) from device) as devices, (select count(*) from account) as accounts,
            (select count(*) from revision) as revisions, (select count(*) from firmware) as firmware,
            (select count(*) from device_ca) as cas, (select count(*) from layer) as layers,
            (select count(*) from server_certificate) as certificates`,
  )
  return { rows, files: await readdir(join(server.platform.settings.dataDir, 'firmware')) }
}

/** The request is refused in words that match, and nothing has come of it. */
async function expectRefused(asked: () => ReturnType<typeof api>, status: number, words: RegExp): Promise<Problem> {
  const before = await everything()
  const { status: found, type, json, text } = await asked()
  expect({ found, type: type.split(';')[0], text }).toEqual({
    found: status,
    type: 'application/problem+json',
    text: expect.stringMatching(/^\{.*\}$/) as unknown,
  })
  expect(json.detail).toMatch(words)
  expect(json.detail).not.toContain('\n')
  expect(await everything()).toEqual(before)
  return json
}

describe('an import of devices', () => {
  it.each<[string, string, number | undefined, string, RegExp]>([
    [
      'a doubled MAC',
      `${HEAD}${ROW}000e08000002,FCH2305DMH1,${PN},bad-shop\n00:0E:08:00:00:01,FCH2305DMH0,${PN},bad-shop\n`,
      4,
      'doubled',
      /Lines 2 and 4 name the same mac; expected each one once/,
    ],
    [
      'an unknown model',
      `${HEAD}${ROW.replace(PN, 'CP-9999-3PCC')}`,
      2,
      'unknown-model',
      /"CP-9999-3PCC" is no model that Offhook knows; expected/,
    ],
    [
      'a wrong serial number',
      `${HEAD}${ROW.replace('FCH2305DMH0', 'F!')}`,
      2,
      'bad-value',
      /"F!" is no serial number; expected 4 to 32 letters and digits/,
    ],
    [
      'a wrong MAC',
      `${HEAD}${ROW.replace('000e08000001', '000e0800000g')}`,
      2,
      'bad-value',
      /000e0800000g.*12 hex digits/,
    ],
    [
      'the MAC of another account',
      `${HEAD}000e08000009,FCH2305DMH9,${PN},bad-shop\n`,
      2,
      'other-account',
      /000e08000009|other account|another account/,
    ],
    [
      'an unknown account',
      `${HEAD}${ROW.replace('bad-shop', 'nobody')}`,
      2,
      'unknown-account',
      /There is no account "nobody"/,
    ],
    ['an empty file', '', 1, 'no-rows', /The file is empty; expected a first line of column names: mac, serial/],
    ['lines without anything', '\n\n\n', 1, 'no-rows', /The file is empty/],
    [
      'an unknown column',
      'mac,sirial\n000e08000001,X\n',
      1,
      'unknown-column',
      /There is no column "sirial"; expected columns of these: mac, serial/,
    ],
    [
      'a doubled column',
      `mac,MAC,serial,model\n000e08000001,000e08000001,FCH2305DMH0,${PN}\n`,
      1,
      'doubled-column',
      /The column "MAC" is there twice/,
    ],
    [
      'a missing column',
      `mac,model,account\n000e08000001,${PN},bad-shop\n`,
      2,
      'missing',
      /The serial is missing; expected 4 to 32/,
    ],
    [
      'an unclosed quote',
      `${HEAD}${ROW}\n"000e08000002,FCH2305DMH1,${PN},bad-shop\n${ROW}`,
      4,
      'bad-csv',
      /line 4: A quote is opened in this row and never closed; expected a " at both ends/,
    ],
    [
      'a quote within a cell',
      `${HEAD}000e08000001,"FCH" x,${PN},bad-shop\n`,
      2,
      'bad-csv',
      /line 2: A quote stands within a cell of this row; .* doubled/,
    ],
    [
      'a row of 1 MiB',
      `${HEAD}${ROW}000e08000002,${'F'.repeat(2 ** 20)},${PN},bad-shop\n`,
      3,
      'bad-csv',
      /line 3: The row has more than 65536 characters; expected shorter rows/,
    ],
    ['too many cells', `${HEAD}${ROW.trim()},x,y\n`, 2, 'bad-row', /The row has 6 cells, the first line has 4/],
    ['5,000 columns', `mac,${'x,'.repeat(5000)}\n${ROW}`, 1, 'unknown-column', /Nothing was imported: 500\d problem/],
    ['a web page', '<html><body>mac</body></html>', 1, 'unknown-column', /There is no column "<html>/],
    [
      'control characters',
      `mac,label\n000e08000009,a\u001b[31mb\n`,
      2,
      'bad-value',
      /must not hold control characters/,
    ],
  ])('with %s names line, value and what was expected, and keeps nothing', async (_name, body, line, code, words) => {
    const said = await expectRefused(() => api('POST', 'import/devices', body), 422, words)
    expect(said.type).toBe('import-refused')
    expect(said.problems?.[0]).toMatchObject({
      code,
      place: expect.stringMatching(new RegExp(`^line ${line}\\b`)) as unknown,
    })
    expect(said.detail).toMatch(/^Nothing was imported: .* Correct the file and import it again\.$/)
  })

  it('with only a header has nothing to do, as an export of nothing', async () => {
    const { status, json } = await api('POST', 'import/devices', HEAD)
    expect({ status, json }).toMatchObject({ status: 200, json: { rows: 0, created: 0, problemCount: 0 } })
  })

  it.each<[string, () => Uint8Array]>([
    [
      'Latin-1',
      () => Buffer.concat([Buffer.from(`${HEAD}${ROW}000e08000002,B`), Buffer.of(0xfc), Buffer.from('ro,x,y\n')]),
    ],
    ['UTF-16', () => Buffer.from(`\uFEFF${HEAD}${ROW}`, 'utf16le')],
    [
      'a workbook',
      () => Buffer.concat([Buffer.from('PK\u0003\u0004\u0014\0\u0006\0'), createHash('sha512').update('x').digest()]),
    ],
    ['noise', () => randomBytes(20_000)],
  ])('in %s says how to save it', async (_name, bytes) => {
    const words = /^The file is not UTF-8\. Save it as "CSV UTF-8" and send it again\.$/
    expect((await expectRefused(() => api('POST', 'import/devices', bytes(), 'text/csv'), 422, words)).type).toBe(
      'not-utf-8',
    )
  })

  it('of 200,000 rows or 40 MB is refused by its size', async () => {
    const rows = Array.from(
      { length: 200_000 },
      (_, index) => `0010${index.toString(16).padStart(8, '0')},FCH2305DMH0,${PN},bad-shop`,
    )
    await expectRefused(
      () => api('POST', 'import/devices', HEAD + rows.join('\n')),
      422,
      /line 100002: The file has more than 100000 rows; expected smaller files/,
    )
    await expectRefused(
      () => api('POST', 'import/devices', 'x'.repeat(40 * 2 ** 20)),
      413,
      /larger than this route takes\. Send it in smaller parts/,
    )
  })

  it.each<[string, unknown, number, RegExp]>([
    [
      'items that are none',
      { items: [1, null, []] },
      422,
      /line 1: The item is no object; expected an object of column names/,
    ],
    ['values that are lists', { items: [{ mac: ['000e08000001'] }] }, 422, /"mac" is no text; expected 12 hex digits/],
    ['names from elsewhere', { items: [{ constructor: 'x' }] }, 422, /There is no column "constructor"/],
    ['no list of items', { items: 'x' }, 415, /Send CSV with content-type text\/csv, or \{"items": \[\.\.\.\]\}/],
    ['a list', [1], 415, /Send CSV/],
    ['100,001 items', { items: Array.from({ length: 100_001 }, () => ({})) }, 422, /There are more than 100000 items/],
    [
      'half a surrogate pair',
      { items: [{ mac: '000e08000009', label: '\ud800' }] },
      422,
      /items\/0\/label: .* Leave it out/,
    ],
  ])('as JSON with %s is refused', async (_name, body, status, words) => {
    await expectRefused(() => api('POST', 'import/devices', body), status, words)
  })

  it('as JSON that is cut off is refused', async () => {
    await expectRefused(
      () => api('POST', 'import/devices', Buffer.from('{"items":['), 'application/json'),
      400,
      /not valid JSON\. Correct it/,
    )
  })

  it('that is put right is taken', async () => {
    expect((await api('POST', 'import/devices', HEAD + ROW)).json).toMatchObject({ created: 1, problemCount: 0 })
  })
})

describe('a hostile name', () => {
  it.each([
    '../../etc/passwd',
    'a/b',
    'a\\b',
    'x'.repeat(129),
    '.loads',
    '..',
    '-rf',
    'a\nb',
    'sip.loads ',
    'ѕip88xx.loads',
    'sip․loads',
    '',
  ])('of a firmware file is refused: %j', async (name) => {
    const upload = () =>
      api('POST', `firmware?name=${encodeURIComponent(name)}`, Buffer.from('x'), 'application/octet-stream')
    const said = await expectRefused(
      upload,
      422,
      /must be a file name of at most 128 letters, digits, dots, _ and -, like sip/,
    )
    expect(said.detail).toContain(JSON.stringify(name.slice(0, 80)))
  })

  it('of a device elsewhere is a name like any other, for files lie by their hash', async () => {
    const names = ['CON', 'nul.loads']
    for (const name of names) {
      expect(
        (await api('POST', `firmware?name=${name}`, Buffer.from('bytes'), 'application/octet-stream')).status,
      ).toBe(201)
    }
    expect(await readdir(join(server.platform.settings.dataDir, 'firmware'))).toEqual([
      createHash('sha256').update('bytes').digest('hex'),
    ])
    for (const name of names) expect((await api('DELETE', `firmware/${name}`, undefined)).status).toBe(204)
  })

  it('or none, with bytes or without, leaves no file', async () => {
    const type = 'application/octet-stream'
    await expectRefused(() => api('POST', 'firmware', Buffer.from('x'), type), 422, /querystring\/name/)
    await expectRefused(
      () => api('POST', 'firmware?name=empty.loads', new Uint8Array(), type),
      400,
      /Cannot store "empty\.loads": the file is empty/,
    )
    await expectRefused(() => api('POST', 'firmware?name=a%00b', Buffer.from('x'), type), 422, /character 0/)
  })

  it.each<[string, number, RegExp]>([
    ['account/..%2f..%2fetc', 404, /There is no account "\.\.\/\.\.\/etc"/],
    ['account/%00', 422, /character 0/],
    [`account/${'x'.repeat(300)}`, 414, /longer than any that there is\. Shorten it/],
    ['device/zz', 404, /There is no device "zz"/],
    ['nothing/x', 422, /expected one of "platform"/],
    ['platform/x', 422, /has the id "-", not "x"/],
    ['account/%zz', 400, /cannot be decoded\. Write "%" as "%25"/],
  ])('of a layer is refused: %s', async (path, status, words) => {
    await expectRefused(() => api('PUT', `layers/${path}`, { parameters: {} }), status, words)
  })
})

describe('a certificate', () => {
  let ca: CertificatePair
  let good: CertificatePair
  beforeAll(async () => {
    ca = await createCa('A CA of the test', Date.now())
    good = await issueServerCertificate(ca, ['localhost'], Date.now())
    for (const { keyPem } of [ca, good]) plant(bodyOfPem(keyPem))
  })

  it('of a device CA that is none is refused', async () => {
    const install = (pem: string) => () => api('POST', 'device-cas', { name: 'Test', pem })
    for (const pem of ['hello', ca.certPem.slice(0, 200), ca.keyPem]) {
      const said = await expectRefused(
        install(pem),
        422,
        /no certificate; expected PEM that starts with -----BEGIN CERTIFICATE/,
      )
      expect(said.detail).not.toContain(bodyOfPem(ca.keyPem))
    }
    await expectRefused(install(good.certPem), 422, /it is the certificate of a device or host.* Give that of the CA/)
  })

  it.each<[string, () => Promise<{ chain: string; key: string }>, RegExp]>([
    [
      'expired',
      async () => chainOf(await issueServerCertificate(ca, ['localhost'], PAST)),
      /Cannot use this certificate: .* ended on /,
    ],
    [
      'not yet valid',
      async () => chainOf(await issueServerCertificate(ca, ['localhost'], Date.now() + 30 * DAY_MS)),
      /Cannot use this certificate: .*(?:begin|valid|start)/,
    ],
    [
      'with the key of another',
      async () => ({ chain: good.certPem, key: ca.keyPem }),
      /does not belong to the certificate/,
    ],
    ['that cannot be read', async () => ({ chain: 'hello', key: good.keyPem }), /no certificate that can be read/],
    ['whose key cannot be read', async () => ({ chain: good.certPem, key: 'hello' }), /private key cannot be read/],
  ])('for the server %s is refused', async (_name, make, words) => {
    const body = await make()
    plant(bodyOfPem(body.key))
    await expectRefused(() => api('POST', 'server-certificates', body), 422, words)
  })

  it('of a phone that has ended is refused, and taken where the account says so; one of the future never', async () => {
    const labCa = await ensureLabCa(server.platform.db, server.platform.vault, Date.now())
    const make = await createDeviceCertificates(labCa)
    const [old, early] = [macNumber(0x77), macNumber(0x78)]
    const pairs = {
      old: await make(identityOf(old), PAST),
      early: await make(identityOf(early), Date.now() + 30 * DAY_MS),
    }
    const id = await accountId('bad-shop')
    for (const mac of [old, early]) {
      expect(
        (await api('POST', 'devices', { ...identityOf(mac), productName: undefined, model: PN, accountId: id })).status,
      ).toBe(201)
    }
    expect(await phoneGets(pairs.old)).toBe(404)
    await server.platform.flush()
    const events = (await api('GET', `events?mac=${old}`, undefined)).text
    expect(events).toContain('expired-certificate')
    expect((await api('GET', `devices/${old}`, undefined)).json).toMatchObject({ state: 'known' })
    expect((await api('PATCH', `accounts/${id}/settings`, { expiredCertificates: 'accept' })).status).toBe(200)
    expect(await phoneGets(pairs.old)).toBe(200)
    expect((await api('GET', `devices/${old}`, undefined)).json).toMatchObject({ state: 'bound' })
    expect(await phoneGets(pairs.early)).toBe(404)
    expect((await api('GET', `devices/${early}`, undefined)).json).toMatchObject({ state: 'known' })
  })
})

function chainOf({ certPem, keyPem }: CertificatePair) {
  return { chain: certPem, key: keyPem }
}

/** Status of the first profile for a phone with this certificate. */
function phoneGets({ certPem, keyPem }: CertificatePair): Promise<number> {
  plant(bodyOfPem(keyPem))
  return new Promise((resolve, reject) => {
    request(
      {
        host: '127.0.0.1',
        servername: 'localhost',
        port: server.ports.https,
        path: '/cisco-init',
        agent: false,
        ca: server.platform.secrets.serverCa.certPem,
        cert: certPem,
        key: keyPem,
      },
      (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)),
    )
      .on('error', reject)
      .end()
  })
}
