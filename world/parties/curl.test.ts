/** The real `curl` plays the phone, and `openssl` opens what it brings home. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { afterAll, describe, expect, it } from 'vitest'

import { type Box, HOST, NEW_LOAD, openBench } from '../journeys/testing.ts'

/** Longest a program may take; it is killed then. */
const PROGRAM_MS_MAX = 45_000

for (const program of ['curl', 'openssl']) requireProgram(program)

const bench = await openBench()
const { ports } = bench.server
const HTTP = `http://${HOST}:${ports.http}`
const HTTPS = `https://localhost:${ports.https}`
const TFTP = `tftp://${HOST}:${ports.tftp}`
const folder = await mkdtemp(join(tmpdir(), 'offhook-curl-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
const CA_FILE = join(folder, 'ca.pem')
await writeFile(CA_FILE, (await bench.box()).caPem)
const TRUSTING = ['--cacert', CA_FILE]

interface Answer {
  /** Of the program: 0 when it is content. */
  readonly exitCode: number
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

let runCount = 0

async function curl(url: string, args: readonly string[] = []): Promise<Answer> {
  runCount += 1
  const files = { body: join(folder, `${runCount}.body`), headers: join(folder, `${runCount}.headers`) }
  await Promise.all([writeFile(files.body, ''), writeFile(files.headers, '')])
  const own = ['-sS', '--max-time', '40', '-o', files.body, '-D', files.headers, '-w', '%{http_code}']
  const { exitCode, output } = await run('curl', [...own, ...args, url])
  const lines = (await readFile(files.headers, 'utf8')).split('\r\n').filter((line) => line.includes(': '))
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 2),
  ])
  return {
    exitCode,
    status: Number(output),
    headers: new Map(headers as [string, string][]),
    body: await readFile(files.body),
  }
}

/** As curl wants a phone's certificate. */
async function asPhone(box: Box): Promise<readonly string[]> {
  const file = join(folder, `${box.mac}.pem`)
  await writeFile(file, `${box.certPem}\n${box.keyPem}`, { mode: 0o600 })
  return [...TRUSTING, '--cert', file]
}

/** A phone that the account's code has bound, with its profile. */
async function bound(settings = {}) {
  const account = await bench.account({ settings })
  const box = await bench.box()
  const identity = await asPhone(box)
  const answer = await curl(`${HTTPS}/cisco-init/${await bench.code(account)}`, identity)
  return { account, box, identity, answer, profile: answer.body.toString() }
}

/** What stands in an element of a profile; entities of XML undone where rules have them. */
function valueOf(profile: string, element: string): string {
  const text = new RegExp(`<${element}(?: [^>]*)?>([^<]*)</`).exec(profile)?.[1] ?? ''
  return text.replaceAll('&amp;', '&')
}

describe('the first profile', () => {
  it('comes by HTTP, HTTPS and TFTP to anybody, the same for every phone, and leads to HTTPS [MPP §4.5]', async () => {
    const { headers, ...first } = await curl(`${HTTP}/8851-3PCC.xml`)
    expect([first.status, headers.get('content-type')]).toEqual([200, 'text/xml; charset=utf-8'])
    expect(valueOf(first.body.toString(), 'Profile_Rule_B')).toContain(`${HTTPS}/cisco-init?`)
    const others = [
      await curl(`${HTTP}/CP-8851-3PCC.cfg`),
      await curl(`${HTTP}/shop/${(await bench.box()).mac}.xml`),
      await curl(`${HTTPS}/8851-3PCC.xml`, TRUSTING),
      await curl(`${TFTP}/8851-3PCC.xml`),
    ]
    for (const other of others) expect([other.exitCode, other.body.equals(first.body)]).toEqual([0, true])
  })
})

describe('the HTTPS door', () => {
  it.each(['localhost', HOST])(
    'binds a phone by a code under the name %s [guide: Retail Distribution]',
    async (name) => {
      const account = await bench.account()
      const box = await bench.box()
      const url = `https://${name}:${ports.https}/cisco-init`
      const answer = await curl(`${url}/${await bench.code(account)}`, await asPhone(box))
      expect([answer.exitCode, answer.status]).toEqual([0, 200])
      const profile = answer.body.toString()
      expect(valueOf(profile, 'User_ID_1_')).toBe(account.lines[0]?.userId)
      expect(valueOf(profile, 'Profile_Rule')).toContain(`${HTTPS}/cisco-init?`)
      expect(/^[0-9a-f]{64}$/.test(valueOf(profile, 'GPP_SA'))).toBe(true)
      expect(await bench.device(box.mac)).toMatchObject({ state: 'bound', accountId: account.id })

      const again = await curl(url, await asPhone(box))
      expect([again.status, again.body.equals(answer.body), again.headers.get('cache-control')]).toEqual([
        200,
        true,
        'no-store',
      ])
    },
  )

  it('is not trusted by who does not know its CA', async () => {
    expect((await curl(`${HTTPS}/8851-3PCC.xml`)).exitCode).toBe(60) // "certificate cannot be authenticated"
  })

  it('refuses a caller without a certificate, whatever the path, with 404 and nothing else', async () => {
    const { box, account } = await bound()
    const code = await bench.code(account)
    for (const path of [
      '/cisco-init',
      `/cisco-init/${code}`,
      `/cisco-init/${account.customerId}`,
      '/report',
      '/nowhere',
    ]) {
      const { status, body } = await curl(`${HTTPS}${path}`, TRUSTING)
      expect([path === `/cisco-init/${code}` ? 'code' : path, status, body.length]).toEqual([
        path === `/cisco-init/${code}` ? 'code' : path,
        404,
        0,
      ])
    }
    expect((await bench.device(box.mac)).state).toBe('bound')
  })

  it('refuses a certificate that says the right words but that nobody we know has signed', async () => {
    const { box } = await bound()
    const file = join(folder, 'forged.pem')
    const subject = `/O=Offhook lab/OU=${box.model}/L=${box.serial}/ST=${box.mac}`
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file]
    const { exitCode } = await run('openssl', [
      'req',
      '-x509',
      ...key,
      '-out',
      `${file}.crt`,
      '-days',
      '1',
      '-subj',
      subject,
    ])
    expect(exitCode).toBe(0)
    const answer = await curl(`${HTTPS}/cisco-init`, [...TRUSTING, '--cert', `${file}.crt`, '--key', file])
    expect([answer.status, answer.body.length]).toEqual([404, 0])
  })
})

describe('the redirect service', () => {
  const rc = (box: Box) =>
    `${HTTPS}/software/edos/callhome/rc?id=${box.mac.toUpperCase()}:${box.serial}:${box.model}&sw=x`

  it('tells a phone of ours where to go, and nothing that is secret [MPP §9.2]', async () => {
    const box = await bench.box()
    await bench.register(box, await bench.account())
    const { status, headers, body } = await curl(rc(box), await asPhone(box))
    expect([status, headers.get('content-type')]).toEqual([200, 'text/xml; charset=utf-8'])
    expect(valueOf(body.toString(), 'Profile_Rule')).toContain(`${HTTPS}/cisco-init?`)
    expect(body.toString()).not.toMatch(/GPP_S|Password/)
  })

  it('has 200 and nothing for a phone that nobody owns, for who has no certificate, and for who has another [MPP §9.2]', async () => {
    const [owned, unowned] = [await bench.box(), await bench.box()]
    await bench.register(owned, await bench.account())
    const answers = [
      await curl(rc(unowned), await asPhone(unowned)),
      await curl(rc(owned), TRUSTING),
      await curl(rc(owned), await asPhone(unowned)),
    ]
    expect(answers.map(({ status, body }) => [status, body.length])).toEqual([
      [200, 0],
      [200, 0],
      [200, 0],
    ])
    expect(await bench.story(owned.mac)).toContain('identity.mismatch')
  })
})

describe('firmware', () => {
  const file = `${NEW_LOAD}.loads`

  it('comes whole by HTTP, HTTPS and TFTP, and in ranges by the first two [RFC 9110 §14]', async () => {
    await bench.release('http')
    const whole = (await curl(`${HTTP}/firmware/${file}`)).body
    expect(whole.toString()).toContain(`offhook-load 1 ${NEW_LOAD}\n`)
    const part = /^part (\S+) (\d+)/m.exec(whole.toString())?.[1] ?? ''
    const content = (await curl(`${TFTP}/firmware/${part}`)).body
    expect(content.length).toBe(200_000)
    for (const origin of [HTTP, HTTPS]) {
      const url = `${origin}/firmware/${part}`
      const all = await curl(url, TRUSTING)
      expect([all.status, all.body.equals(content), all.headers.get('accept-ranges')]).toEqual([200, true, 'bytes'])
      const ranges = [
        ['0-99', content.subarray(0, 100), 'bytes 0-99/200000'],
        ['199990-', content.subarray(199_990), 'bytes 199990-199999/200000'],
        ['-7', content.subarray(199_993), 'bytes 199993-199999/200000'],
      ] as const
      for (const [range, expected, said] of ranges) {
        const answer = await curl(url, [...TRUSTING, '-r', range])
        expect([answer.status, answer.body.equals(expected), answer.headers.get('content-range')]).toEqual([
          206,
          true,
          said,
        ])
      }
      const beyond = await curl(url, [...TRUSTING, '-r', '200000-'])
      expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */200000'])
      const missing = await curl(`${origin}/firmware/none.loads`, TRUSTING)
      expect([missing.status, missing.body.length]).toEqual([404, 0])
    }
    expect((await curl(`${TFTP}/firmware/none.loads`)).exitCode).toBe(68) // "file not found on TFTP server"
    await bench.withdraw()
  })

  it('that broke off goes on where it was [RFC 9110 §14.2]', async () => {
    await bench.release('https')
    const whole = (await curl(`${HTTPS}/firmware/${file}`, TRUSTING)).body
    const half = join(folder, 'half')
    await writeFile(half, whole.subarray(0, 40))
    await run('curl', ['-sS', ...TRUSTING, '-C', '-', '-o', half, `${HTTPS}/firmware/${file}`])
    expect((await readFile(half)).equals(whole)).toBe(true)
    await bench.withdraw()
  })
})

describe('reports', () => {
  it.each([
    ['POST', '--data-binary', '@'],
    ['PUT', '-T', ''],
  ] as const)(
    'are taken by %s from the phone itself and from nobody else [MPP §12.2]',
    async (_method, option, sign) => {
      const { box, identity } = await bound()
      const file = join(folder, `${box.mac}.report`)
      // Long enough for curl to ask first whether it may send (Expect: 100-continue).
      await writeFile(file, `<flat-profile>\n${'<GPP_A>status</GPP_A>\n'.repeat(60_000 / 22)}</flat-profile>\n`)
      const upload = [option, `${sign}${file}`]
      const taken = await curl(`${HTTPS}/report`, [...identity, ...upload])
      expect([taken.exitCode, taken.status, taken.body.length]).toEqual([0, 200, 0])
      const stranger = await curl(`${HTTPS}/report`, [...TRUSTING, ...upload])
      expect([stranger.status, stranger.body.length]).toEqual([404, 0])
      const clear = await curl(`${HTTP}/report`, upload)
      expect([clear.status, clear.body.length]).toEqual([404, 0])
      const { items } = await bench.api<{ items: readonly unknown[] }>('GET', `devices/${box.mac}/reports`)
      expect(items).toEqual([expect.objectContaining({ trust: 'certified', byteCount: (await readFile(file)).length })])
    },
  )
})

describe('a sealed profile', () => {
  it.each(['tftp', 'http'] as const)(
    'comes to anybody by %s, and openssl opens it with the key [MPP §2.2]',
    async (scheme) => {
      const { profile, account } = await bound({ delivery: 'sealed' })
      const rule = /^\[--key \$SA\] http:\/\/[^/]+(\/s\/[0-9a-f]{32}\.cfg)\?(k=1&[^ ]*)$/.exec(
        valueOf(profile, 'Profile_Rule'),
      )
      expect(rule).not.toBeNull()
      const [, path = '', query = ''] = rule ?? []
      const sealed = await curl(scheme === 'tftp' ? `${TFTP}${path}` : `${HTTP}${path}?${query.replaceAll('$', '')}`)
      expect([sealed.exitCode, sealed.body.subarray(0, 8).toString()]).toEqual([0, 'Salted__'])
      expect(sealed.body.includes('flat-profile')).toBe(false)

      const opened = gunzipSync(await openWith(valueOf(profile, 'GPP_SA'), sealed.body)).toString()
      expect(opened.includes('<flat-profile>')).toBe(true)
      expect(valueOf(opened, 'User_ID_1_')).toBe(account.lines[0]?.userId)
      expect(valueOf(opened, 'Password_1_') === valueOf(profile, 'Password_1_')).toBe(true)
      // The key itself travels over certified TLS only.
      expect([valueOf(profile, 'GPP_SA').length, valueOf(opened, 'GPP_SA')]).toEqual([64, ''])
    },
  )

  it('of a path that nobody has is not there', async () => {
    const path = `/s/${'0'.repeat(32)}.cfg`
    expect((await curl(`${TFTP}${path}`)).exitCode).toBe(68)
    const { status, body } = await curl(`${HTTP}${path}`)
    expect([status, body.length]).toEqual([404, 0])
  })
})

/** The phrase goes by the environment, so that it shows in no list of processes. */
async function openWith(key: string, sealed: Buffer): Promise<Buffer> {
  const files = { sealed: join(folder, 'sealed'), opened: join(folder, 'opened') }
  await writeFile(files.sealed, sealed)
  const args = [
    'enc',
    '-d',
    '-aes-256-cbc',
    '-md',
    'md5',
    '-pass',
    'env:ENC_PHRASE',
    '-in',
    files.sealed,
    '-out',
    files.opened,
  ]
  const { exitCode } = await run('openssl', args, { ENC_PHRASE: key })
  expect(exitCode).toBe(0)
  return readFile(files.opened)
}

/** Runs a program to its end; what it says on stderr is not kept. */
async function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(program, [...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PROGRAM_MS_MAX,
  })
  const pieces: Buffer[] = []
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode: exitCode ?? -1, output: Buffer.concat(pieces).toString() }
}

function requireProgram(program: string): void {
  const found = spawnSync(program, [program === 'curl' ? '--version' : 'version'], { timeout: PROGRAM_MS_MAX })
  if (found.error !== undefined) throw new Error(`Cannot run "${program}": install the Debian package ${program}`)
}
