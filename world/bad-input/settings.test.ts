import { createSocket } from 'node:dgram'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../server/database/testing.ts'
import { readSettings } from '../../server/main.ts'
import { plant } from '../../server/testing.ts'
import { Place, type Run } from '../life/testing.ts'
import { asUser, expectRefusal, refusalOf, startsWell } from './testing.ts'

const SECRET = plant('made-up-but-no-master-key')

let place: Place
let database: TestDatabase
let running: Run
let env: Readonly<Record<string, string>>
/** Where the first server listens, and a second one is refused. */
let taken: Readonly<Record<string, number>>
beforeAll(async () => {
  place = await Place.make()
  database = await createTestDatabase()
  const spare = await Place.make()
  taken = { ...spare.ports, syslog: spare.ports.registrar, sip: spare.ports.phone }
  const ports = Object.fromEntries(DOORS.map(([name]) => [`OFFHOOK_${name}_PORT`, String(taken[name.toLowerCase()])]))
  env = { DATABASE_URL: database.url, OFFHOOK_MASTER_KEY: plant('5a'.repeat(32)) }
  // The first server, of another data directory, on the database that all share.
  running = place.offhook(['serve', '--log-level', 'error'], {
    ...env,
    ...ports,
    OFFHOOK_DATA: `${place.folder}/first`,
  })
  await running.until('offhook: phones at')
  await spare.clear()
}, 60_000)
afterAll(async () => {
  await running.stop('SIGTERM', 'process')
  await place.clear()
  await database.drop()
})

const DOORS: readonly (readonly [setting: string, name: string, over: 'TCP' | 'UDP'])[] = [
  ['API', 'API', 'TCP'],
  ['HTTP', 'HTTP', 'TCP'],
  ['HTTPS', 'HTTPS', 'TCP'],
  ['TFTP', 'TFTP', 'UDP'],
  ['SYSLOG', 'syslog', 'UDP'],
  ['SIP', 'SIP', 'UDP'],
]

describe('settings', () => {
  const NONSENSE: readonly (readonly [name: string, value: string, words: RegExp])[] = [
    ['OFFHOOK_HOST', 'not a host', /"not a host" is not an IP address of this machine/],
    ['OFFHOOK_API_HOST', 'a b', /"a b" is not an IP address or name/],
    ['OFFHOOK_API_PORT', '99999', /"99999" is not a whole number from 0 to 65535/],
    ['OFFHOOK_HTTP_PORT', ' 80', /" 80" is not a whole number/],
    ['OFFHOOK_HTTPS_PORT', '-1', /"-1" is not a whole number/],
    ['OFFHOOK_TFTP_PORT', '6.9', /"6\.9" is not a whole number/],
    ['OFFHOOK_ACS_PORT', '7547x', /"7547x" is not a whole number/],
    ['OFFHOOK_ACS_TLS_PORT', '65536', /"65536" is not a whole number from 0 to 65535/],
    ['OFFHOOK_ACS_UNKNOWN', 'welcome', /"welcome" is none of refuse, quarantine, register/],
    ['OFFHOOK_ACS_SESSIONS_PER_SECOND', '0', /"0" is not a whole number from 1 to/],
    ['OFFHOOK_SYSLOG_PORT', '0x10', /"0x10" is not a whole number/],
    ['OFFHOOK_SIP_PORT', 'sip', /"sip" is not a whole number/],
    ['OFFHOOK_PUBLIC_URL', 'https://u:x@host/?q', /is not of the form https:\/\/host\[:port\]/],
    ['OFFHOOK_PUBLIC_HTTP_URL', 'http://host/path', /is not of the form http:/],
    ['OFFHOOK_DATABASE_URL', `mysql://u:${SECRET}@h/db`, /expected a URL like postgres:\/\/.* not repeated/],
    ['OFFHOOK_MASTER_KEY', SECRET, /expected 32 bytes as 64 hex digits or in base64; .* not repeated/],
    ['OFFHOOK_LAB', 'maybe', /"maybe" is not yes or no/],
    ['OFFHOOK_NTP_SERVER', 'ntp"/><x', /"ntp"\/><x" is not a host name or IP address/],
    ['OFFHOOK_RESYNC_PERIOD', '1e3', /"1e3" is not a whole number from 60 to/],
    ['OFFHOOK_EVENT_RETENTION_DAYS', '0', /"0" is not a whole number from 1 to/],
    ['OFFHOOK_PROBLEM_REPORT_DAYS', 'x', /"x" is not a whole number/],
    ['OFFHOOK_PROBLEM_REPORT_MIB', '1GB', /"1GB" is not a whole number/],
    ['OFFHOOK_SILENCE_SLACK', '-5', /"-5" is not a whole number/],
    ['OFFHOOK_OUTBOUND_ALLOW', '10.0.0.0/33', /"10\.0\.0\.0\/33" is no network like 10\.0\.0\.0\/8/],
    ['OFFHOOK_LOG_LEVEL', 'loud', /"loud" is none of debug, info/],
    ['OFFHOOK_TLS_CERT', 'cert.pem', /needs both OFFHOOK_TLS_CERT and OFFHOOK_TLS_KEY/],
  ]

  it('of nonsense are told all at once, each by its name, and no secret is repeated', async () => {
    const wrong = Object.fromEntries(NONSENSE.map(([name, value]) => [name, value]))
    const { code, output, errors } = await place.offhook(['serve'], wrong).ended
    expect({ code, output, repeats: errors.includes(SECRET) }).toEqual({ code: 1, output: '', repeats: false })
    const [head, ...lines] = errors.trimEnd().split('\n')
    expect(head).toBe(`offhook: ${NONSENSE.length} settings are wrong`)
    for (const [name, , words] of NONSENSE) {
      expect(lines.find((line) => line.startsWith(`  ${name}: `))).toMatch(words)
    }
    expect(lines.length).toBe(NONSENSE.length)
    expect(await readdir(place.folder)).toEqual(['first'])
  })

  it.each([
    { OFFHOOK_HOST: '::', OFFHOOK_API_HOST: 'localhost', OFFHOOK_LAB: 'no', OFFHOOK_NTP_SERVER: '2001:db8::1' },
    { OFFHOOK_DATABASE_URL: 'postgresql://u@/db?host=%2Frun', OFFHOOK_LAB: '', OFFHOOK_NTP_SERVER: 'a_b.example.com' },
    { DATABASE_URL: '', OFFHOOK_MASTER_KEY: `${'ab'.repeat(32)}\n`, OFFHOOK_API_HOST: '0.0.0.0' },
  ])('as people write them are right, case %#', (right) => {
    expect(readSettings(right, {}).ok).toBe(true)
  })

  it('that give two doors one port are told with both names, UDP beside UDP; TCP beside UDP may be', async () => {
    const port = String(place.ports.api)
    const both = { OFFHOOK_TFTP_PORT: port, OFFHOOK_SYSLOG_PORT: port, OFFHOOK_SIP_PORT: port, OFFHOOK_API_PORT: port }
    const { code, errors } = await place.offhook(['serve'], { ...env, ...both }).ended
    expect({ code, lines: errors.trimEnd().split('\n') }).toEqual({
      code: 1,
      lines: [
        'offhook: 2 settings are wrong',
        `  OFFHOOK_SYSLOG_PORT: port ${port} is that of OFFHOOK_TFTP_PORT too`,
        `  OFFHOOK_SIP_PORT: port ${port} is that of OFFHOOK_TFTP_PORT too`,
      ],
    })
  })
})

describe('a port in use', () => {
  it.each(DOORS)('%s: by a second offhook, told with its setting', async (setting, name) => {
    const port = String(taken[setting.toLowerCase()])
    const said = await refusalOf(place, { ...env, [`OFFHOOK_${setting}_PORT`]: port })
    expect(said).toBe(
      `Cannot listen on port ${port} (${name}): another program uses it. Choose another by OFFHOOK_${setting}_PORT.`,
    )
    expect((await readdir(place.dataDir)).filter((file) => file.endsWith('.sock'))).toEqual([])
  })

  it.each(DOORS)('%s: by another program, told with its setting', async (setting, name, over) => {
    const taker = over === 'TCP' ? await takeTcp() : await takeUdp()
    try {
      expect(await refusalOf(place, { ...env, [`OFFHOOK_${setting}_PORT`]: String(taker.port) })).toContain(
        `Cannot listen on port ${taker.port} (${name}): another program uses it.`,
      )
    } finally {
      await taker.close()
    }
  })

  it('ends the program with 1 and one line, and the next start with another port works', async () => {
    const port = String(taken['sip'])
    const ended = await place.offhook(['serve'], { ...env, OFFHOOK_SIP_PORT: port }).ended
    expectRefusal(ended, /\(SIP\): another program uses it\. Choose another by OFFHOOK_SIP_PORT\./)
    await startsWell(place, env)
  })

  it('of an address that this machine does not have is told in one line', async () => {
    const ended = await place.offhook(['serve', '--api-host', '203.0.113.7'], env).ended
    expectRefusal(ended, /EADDRNOTAVAIL.* 203\.0\.113\.7:/)
    expect((await readdir(place.dataDir)).filter((file) => file.endsWith('.sock'))).toEqual([])
  })

  it('below 1024 needs a privilege, which a plain user is told', async () => {
    const folder = `${place.folder}/of-nobody`
    await mkdir(folder)
    await chmod(folder, 0o777)
    // A network of its own, where the port is free and the limit is that of most machines.
    const limit = 'sysctl -qw net.ipv4.ip_unprivileged_port_start=1024 && ip link set lo up && exec "$@"'
    const by = ['unshare', '--net', 'sh', '-c', limit, 'sh', ...asUser()]
    const ended = await place.offhook(['serve', '--api-port', '99', '--data', `${folder}/data`], env, by).ended
    expectRefusal(
      ended,
      /Cannot listen on port 99 \(API\): that needs a privilege\. Choose another by OFFHOOK_API_PORT\./,
    )
  })
})

interface Taker {
  readonly port: number
  close(): Promise<unknown>
}

async function takeTcp(): Promise<Taker> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '0.0.0.0', listening))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { port, close: () => new Promise((closed) => server.close(closed)) }
}

async function takeUdp(): Promise<Taker> {
  const socket = createSocket('udp4')
  await new Promise<void>((bound) => socket.bind(0, '0.0.0.0', bound))
  return { port: socket.address().port, close: () => new Promise<void>((closed) => socket.close(closed)) }
}
