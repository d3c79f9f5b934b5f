import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { createTestDatabase } from '../../server/database/testing.ts'
import { type Ended, eventually, kill, Place, Run } from './testing.ts'

// Many starts on a machine that runs other tests too.
vi.setConfig({ testTimeout: 180_000 })

let place: Place
afterEach(async () => {
  await place.clear()
})

const UP = 'offhook: phones at'
const ONE_TOKEN = /^oh_[\w-]{43}\n$/
const PHONE = ['--mac', '00:0E:08:00:00:07', '--serial', 'FCH2347E0AD', '--model', 'CP-8851-3PCC']

async function tokenOf(made: Promise<Ended>): Promise<string> {
  const { code, output, errors } = await made
  expect({ code, errors, isOneToken: ONE_TOKEN.test(output) }).toEqual({ code: 0, errors: '', isOneToken: true })
  return output.trim()
}

describe('offhook serve', () => {
  it('runs the platform without the example, also under NODE_ENV=production', async () => {
    place = await Place.make()
    const run = place.offhook(['serve'], { NODE_ENV: 'production' })
    const seen = new Set<number>()
    await eventually('200', async () => seen.add(await place.health()).has(200))
    expect([...seen]).toEqual([0, 503, 200])
    await run.until(`${UP} https://localhost:${place.ports.https} (HTTP ${place.ports.http},`)
    const token = await tokenOf(place.offhook(['token', 'create', '--scope', 'admin', '--data', place.dataDir]).ended)
    expect(await place.api('accounts', token)).toEqual({ status: 200, body: { items: [], next: null } })
    const ended = await run.stop('SIGTERM', 'process')
    expect({ code: ended.code, errors: ended.errors }).toEqual({ code: 0, errors: '' })
    await place.nothingLeft()
  })

  it('keeps its database where only root may enter the folder, with a public URL of its own, and comes back after kill -9 of Node', async () => {
    place = await Place.make(0o700)
    const args = ['serve', '--data', place.dataDir, '--public-url', 'https://127.0.0.1:18443/']
    const first = place.offhook(args)
    await first.until(`${UP} https://127.0.0.1:18443 (HTTP`)
    kill(first.pid)
    const second = place.offhook(args)
    await second.until(UP)
    expect((await second.stop('SIGINT', 'group')).code).toBe(0)
  })

  it('uses an external PostgreSQL by the one setting DATABASE_URL', async () => {
    place = await Place.make()
    const database = await createTestDatabase({ migrations: 'none' })
    try {
      const env = { DATABASE_URL: database.url }
      const run = place.offhook(['serve'], env)
      const token = await tokenOf(place.offhook(['token', 'create', '--scope', 'admin'], env).ended)
      await run.until(UP)
      expect((await place.api('accounts', token)).status).toBe(200)
      expect((await readdir(place.dataDir)).filter((name) => name.startsWith('postgres'))).toEqual([])
      expect((await run.stop('SIGTERM', 'process')).code).toBe(0)
    } finally {
      await place.clear()
      await database.drop()
    }
  })
})

describe('offhook token create and offhook lab cert', () => {
  it('work in a data directory that nobody has used, several at once, with a server started right behind them', async () => {
    place = await Place.make()
    const out = join(place.folder, 'cert')
    const data = ['--data', place.dataDir]
    const runs = [
      place.offhook(['token', 'create', '--scope', 'admin', '--init', ...data]),
      place.offhook(['token', 'create', '--scope', 'read', '--init', ...data]),
      place.offhook(['lab', 'cert', ...PHONE, '--out', out, '--init', ...data]),
    ]
    const server = place.offhook(['serve'])
    const [first, second, third] = await Promise.all(runs.map((run) => run.ended))
    expect([first, second].map((made) => ONE_TOKEN.test(made?.output ?? ''))).toEqual([true, true])
    expect({ code: third?.code, output: third?.output, errors: third?.errors }).toEqual({
      code: 0,
      output: '',
      errors: '',
    })
    await server.until(UP)
    expect((await place.api('accounts', first?.output.trim() ?? '')).status).toBe(200)
    expect(await curlWith(out)).toMatch(/^200 0$/)
    expect((await server.stop('SIGTERM', 'process')).code).toBe(0)
    await place.nothingLeft()
  })

  /** Status and verification result of a request that proves itself by the files. */
  async function curlWith(folder: string): Promise<string> {
    const files = ['--cacert', 'ca.pem', '--cert', 'cert.pem', '--key', 'key.pem'].map((word) =>
      word.startsWith('--') ? word : join(folder, word),
    )
    const url = `https://localhost:${place.ports.https}/software/edos/callhome/rc?id=000E08000007:FCH2347E0AD:CP-8851-3PCC`
    const wanted = ['-s', '-o', '/dev/null', '-w', '%{http_code} %{ssl_verify_result}']
    return (await place.keep(new Run('curl', [...wanted, ...files, url], {})).ended).output
  }
})

describe('a start that cannot be', () => {
  it('names every wrong setting at once', async () => {
    place = await Place.make()
    const wrong = {
      OFFHOOK_API_PORT: 'eight',
      OFFHOOK_TFTP_PORT: '70000',
      OFFHOOK_PHONE_PORT: 'x',
      OFFHOOK_PUBLIC_URL: 'ftp:/x',
    }
    const { code, output, errors } = await place.offhook(['start', '--http-port', '-1'], wrong).ended
    expect({ code, output }).toEqual({ code: 1, output: '' })
    for (const name of [...Object.keys(wrong), 'OFFHOOK_HTTP_PORT']) expect(errors).toContain(`${name}: `)
    const same = await place.offhook(['serve'], { OFFHOOK_HTTP_PORT: '8443', OFFHOOK_HTTPS_PORT: '8443' }).ended
    expect(same.errors).toBe('offhook: OFFHOOK_HTTPS_PORT: port 8443 is that of OFFHOOK_HTTP_PORT too\n')
    expect(same.code).toBe(1)
  })

  it('names the port that is taken and its setting, and leaves neither process nor lock', async () => {
    place = await Place.make()
    for (const [door, port] of [
      ['API', place.ports.api],
      ['HTTPS', place.ports.https],
    ] as const) {
      const taker = createServer()
      await new Promise<void>((taken) => taker.listen(port, '0.0.0.0', taken))
      const { code, errors } = await place.offhook(['start']).ended
      await new Promise((closed) => taker.close(closed))
      const words = `Cannot listen on port ${port} (${door}): another program uses it. Choose another by OFFHOOK_${door}_PORT.`
      expect({ code, errors }).toEqual({ code: 1, errors: `offhook: ${words}\n` })
      await place.nothingLeft()
    }
    expect((await readdir(place.dataDir)).filter((name) => name.endsWith('.sock'))).toEqual([])
    const run = place.offhook(['serve'])
    await run.until(UP)
    expect((await run.stop('SIGTERM', 'process')).code).toBe(0)
  })

  it('says that the data directory is no folder, or cannot be made', async () => {
    place = await Place.make()
    await writeFile(place.dataDir, 'a file')
    for (const dataDir of [place.dataDir, join(place.dataDir, 'below')]) {
      const { code, errors } = await place.offhook(['serve', '--data', dataDir]).ended
      expect(code).toBe(1)
      expect(errors).toMatch(
        /^offhook: Cannot use data directory "[^"]+": .*It must be a folder that this user may write to\n$/,
      )
    }
  })

  it('says that the master key is another one, and ends', async () => {
    place = await Place.make()
    await tokenOf(place.offhook(['token', 'create', '--init', '--data', place.dataDir]).ended)
    const key = join(place.dataDir, 'master.key')
    const before = await readFile(key, 'utf8')
    await writeFile(key, `${'0'.repeat(64)}\n`)
    const { code, errors } = await place.offhook(['serve']).ended
    expect(code).toBe(1)
    expect(errors).toMatch(/^offhook: The master key is not the one .*\n$/)
    expect(errors).not.toContain(before.trim())
    await place.nothingLeft()
  })

  it('says what is wrong with the files of the server certificate', async () => {
    place = await Place.make()
    await mkdir(place.dataDir)
    const args = ['serve', '--tls-cert', join(place.folder, 'none.pem'), '--tls-key', join(place.folder, 'none.pem')]
    const { code, errors } = await place.offhook(args).ended
    expect(code).toBe(1)
    expect(errors).toMatch(/^offhook: Cannot read [^\n]*none\.pem" \(OFFHOOK_TLS_CERT\)[^\n]*\n$/)
    await place.nothingLeft()
  })
})
