import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { arrivalOf } from './fleet.ts'
import { leaseFrom, rcUrlFrom } from './phone.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Told {
  readonly at: string
  readonly name: string
  readonly text: string
  readonly data: Readonly<Record<string, unknown>>
}

interface Running {
  readonly process: ChildProcess
  /** Every line of stdout so far. */
  readonly lines: readonly string[]
  readonly event: (name: string) => Promise<Told>
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>
}

const MAIN = new URL('main.ts', import.meta.url).pathname

/** Runs the command as a program of its own, in an empty folder. */
function offhook(...args: readonly string[]): Running {
  const { OFFHOOK_DATA: _data, OFFHOOK_PUBLIC_URL: _url, ...env } = process.env
  const tsx = import.meta.resolve('tsx')
  const child = spawn(process.execPath, ['--import', tsx, MAIN, ...args], {
    cwd: scratch(),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  closers.push(() => child.kill('SIGKILL'))
  const lines: string[] = []
  const waiting = new Map<string, (told: Told) => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    if (!line.startsWith('{')) return
    const told = JSON.parse(line) as Told
    waiting.get(told.name)?.(told)
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, errors }))
  async function event(name: string): Promise<Told> {
    const before = lines.find((line) => line.includes(`"name":"${name}"`))
    if (before !== undefined) return JSON.parse(before) as Told
    const told = new Promise<Told>((resolve) => waiting.set(name, resolve))
    const early = ended.then((end) => Promise.reject(new Error(`ended before "${name}": ${end.errors}`)))
    return Promise.race([told, early])
  }
  return { process: child, lines, event, ended }
}

function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'offhook-cli-'))
  closers.push(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

async function serve(body: string): Promise<number> {
  const server = createServer((_request, response) => response.end(body))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

describe('offhook phone', () => {
  it('keeps what it learned when it is killed, is the same phone again, and ends with 0 at SIGTERM', async () => {
    const state = join(scratch(), 'phone')
    const port = await serve('<flat-profile><Station_Display_Name>Killed</Station_Display_Name></flat-profile>')
    const common = ['phone', '--state', state, '--json', '--fast', '--address', '127.0.0.1']
    const first = offhook(...common, '--mac', '00:0e:08:00:00:77', '--dhcp', `66=http://127.0.0.1:${port}`)
    await first.event('profile-applied')
    first.process.kill('SIGKILL')
    await first.ended
    expect(readFileSync(join(state, 'flash.json'), 'utf8')).toContain('"Killed"')
    expect(readdirSync(state).map((name) => statSync(join(state, name)).mode & 0o777)).toEqual([0o600, 0o600])

    const second = offhook(...common)
    expect((await second.event('boot')).data).toMatchObject({ mac: '000e08000077', customization: 'Aborted' })
    await second.event('web-server')
    second.process.kill('SIGTERM')
    expect(await second.ended).toEqual({ code: 0, errors: '' })
    // Nothing but JSON on stdout.
    for (const line of second.lines)
      expect(Object.keys(JSON.parse(line) as object)).toEqual(['at', 'name', 'text', 'data'])

    const third = offhook(...common, '--factory-reset')
    expect((await third.event('boot')).data).toMatchObject({ mac: '000e08000077', customization: 'Open' })
    third.process.kill('SIGINT')
    expect((await third.ended).code).toBe(0)
  })

  it('refuses the folder of another phone, in one line and before it changes anything', async () => {
    const state = join(scratch(), 'phone')
    const rc = ['--rc', 'http://127.0.0.1:1/', '--address', '127.0.0.1']
    const phone = offhook('phone', '--state', state, '--json', '--fast', '--mac', '000e08000078', ...rc)
    await phone.event('resync-retry')
    phone.process.kill('SIGTERM')
    await phone.ended
    const other = await offhook('phone', '--state', state, '--mac', '000e08000079', '--factory-reset').ended
    expect(other.code).toBe(1)
    expect(other.errors).toMatch(
      /^offhook: Cannot use ".*" for another phone: it belongs to CP-8851-3PCC 000e08000078 .*\n$/,
    )
    expect(readdirSync(state).sort()).toEqual(['flash.json', 'hardware.json'])
  })
})

describe('offhook fleet', () => {
  it('ends when all phones are provisioned, with what was measured', async () => {
    const port = await serve('<flat-profile/>')
    const args = [
      '--count',
      '20',
      '--arrival',
      'at-once',
      '--address',
      '127.0.0.1',
      '--dhcp',
      `66=http://127.0.0.1:${port}`,
    ]
    const fleet = offhook('fleet', '--json', '--fast', ...args)
    expect((await fleet.ended).code).toBe(0)
    const last = JSON.parse(fleet.lines.at(-1) ?? '') as Told
    expect(last.name).toBe('fleet-summary')
    expect(last.data).toMatchObject({ phones: 20, provisioned: 20, failed: 0, outcomes: { 'HTTP 200': 20 } })
    expect(last.data['latency']).toMatchObject({ count: 20 })
  })

  it('ends with 1 when some did not come there, and says why in the summary; progress goes to stderr', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    closers.push(() => server.close())
    const dhcp = `66=http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const args = ['-n', '3', '--arrival', 'at-once', '--duration', '8', '--address', '127.0.0.1', '--dhcp', dhcp]
    const fleet = offhook('fleet', '--fast', ...args)
    const { code, errors } = await fleet.ended
    expect(code).toBe(1)
    expect(errors).toMatch(/^3 of 3 phones on, 0 provisioned, 0 registered, 3 failed, \d+ requests\n$/)
    expect(fleet.lines.slice(0, 2)).toEqual([
      'phones          3: 0 provisioned, 0 registered',
      expect.stringMatching(/^trouble {9}resync: .* \(3\)$/) as string,
    ])
    expect(fleet.lines).toContainEqual(expect.stringMatching(/^requests {8}\d+, \d+ bytes received$/))
  }, 60_000)
})

describe('the options', () => {
  it.each([
    'phone --interface lo --dhcp 66=a',
    'fleet --interface lo --address 127.0.0.1',
    'fleet --boxes a.csv --count 3',
    'phone --ipv6',
  ])('refuse what contradicts itself, with 2: %s', async (line) => {
    const { code, errors } = await offhook(...line.split(' ')).ended
    expect(code).toBe(2)
    expect(errors).toMatch(/cannot be used with option|--ipv6 needs --interface/)
  })

  it('read DHCP options as text, addresses or bytes [MPP §10.1]', () => {
    const lease = leaseFrom({
      address: '192.0.2.9',
      dhcp: ['66=tftp://a/b?c=d', '150=192.0.2.1,192.0.2.2', '43=01:0203', '132=20', 'domain=example.net'],
    })
    expect(lease).toEqual({
      address: '192.0.2.9',
      domain: 'example.net',
      options: new Map<number, string | Uint8Array>([
        [66, 'tftp://a/b?c=d'],
        [150, Uint8Array.of(192, 0, 2, 1, 192, 0, 2, 2)],
        [43, Uint8Array.of(1, 2, 3)],
        [132, '20'],
      ]),
    })
    expect(leaseFrom({ dhcp: [] }).address).toMatch(/^[0-9.]+$/)
  })

  it.each([
    '67=x',
    '132=x',
    '150=20',
    '66',
    'x',
    '150=1.2.3',
    '150=1.2.3.256',
    '150=',
    '150=1..2.3',
    '150=0x10.1.1.1',
    '150=1.2.3.4.5.6.7.8',
    '150=1.2,3.4',
    '150=192.0.2.01',
    '150=192.0.2.1,',
    '43=xyz',
    '=1',
  ])('refuse --dhcp "%s"', (text) => {
    expect(() => leaseFrom({ dhcp: [text] })).toThrow(`--dhcp "${text}" cannot be`)
  })

  it('know the redirect service of the lab [MPP §9.2]', () => {
    expect(rcUrlFrom(undefined)).toBe('https://localhost:8443/software/edos/callhome/rc')
    expect(rcUrlFrom('http://rc.example.net/')).toBe('http://rc.example.net/')
    expect(() => rcUrlFrom('ftp://a')).toThrow('is no URL of a redirect service')
  })

  it('read arrival patterns', () => {
    const texts = ['at-once', 'even:10', 'random:2.5', 'poisson:5']
    expect(texts.map(arrivalOf)).toEqual([
      { kind: 'at-once' },
      { kind: 'even', overMs: 10_000 },
      { kind: 'random', overMs: 2500 },
      { kind: 'poisson', perSecond: 5 },
    ])
    for (const wrong of ['', 'even', 'even:x', 'poisson:0', 'all:1'])
      expect(() => arrivalOf(wrong)).toThrow('--arrival')
  })
})
