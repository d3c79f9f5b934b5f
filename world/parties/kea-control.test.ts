/** `offhook dhcp kea` and a real Kea: what is ours goes in, what is theirs stays, leases become phones that are seen. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { dhcpHere, type Said } from '../../cli/dhcp/testing.ts'
import { scratch } from '../../cli/testing-process.ts'
import { type MacAddress, macWithColons } from '../../protocol/identity.ts'
import { openTestApi } from '../../server/api/testing.ts'
import { freshMac, plant, PN, serialFor } from '../../server/testing.ts'
import { providerOn } from '../../server/testing-provider.ts'
import { type Kea, LEASE_HOOK, startKea } from './kea.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const PASSWORD = plant('only-for-the-agent-of-this-test')
const THEIR_CLASS = { name: 'theirs', test: "option[60].text == 'theirs'" }
const THEIR_CLASS_6 = { name: 'theirs', test: "option[16].hex == 'theirs'" }
const THEIR_RESERVATION = { 'hw-address': '02:00:00:00:00:07', 'ip-address': '192.0.2.7', hostname: 'printer' }
const THEIRS = {
  'hooks-libraries': [LEASE_HOOK],
  'valid-lifetime': 4321,
  'client-classes': [THEIR_CLASS],
  'option-data': [
    { name: 'domain-name', data: 'lan.example.com' },
    // For every client, so status names it; it stays, since it is theirs.
    { name: 'tftp-server-name', data: '192.0.2.99' },
  ],
  subnet4: [
    {
      id: 7,
      subnet: '192.0.2.0/24',
      pools: [{ pool: '192.0.2.50-192.0.2.200' }],
      'option-data': [{ name: 'routers', data: '192.0.2.1' }],
      reservations: [THEIR_RESERVATION],
    },
  ],
}
const WISH = ['--public-url', 'https://prov.example.com', '--server', '192.0.2.10', '--standard-ports']

const folder = scratch()
const api = await openTestApi()
const provider = providerOn(api.platform)
let kea: Kea
let token = ''
let bound: MacAddress
let known: MacAddress
beforeAll(async () => {
  kea = await startKea(THEIRS)
  token = await api.tokenFor(['admin'])
  bound = (await provider.bound()).mac
  known = freshMac()
  await api.call('POST', '/api/v1/devices', { body: { mac: known, serial: serialFor(known), model: PN } })
})
afterAll(() => kea?.stop())

function dhcpKea(...args: readonly string[]): Promise<Said> {
  return dhcpHere(['kea', ...args])
}

function apply(...args: readonly string[]): Promise<Said> {
  return dhcpKea('apply', '--control', kea.socket, ...WISH, '--api', api.base, '--token', token, ...args)
}

interface Fields {
  readonly [name: string]: unknown
}

async function configuration(): Promise<Fields> {
  return ((await kea.ask('config-get')) as { readonly Dhcp4: Fields }).Dhcp4
}

const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? (value as readonly Fields[]) : [])

/** Wherever they stand. */
function reservationsIn(config: Fields): readonly Fields[] {
  return [...list(config['reservations']), ...list(config['subnet4']).flatMap((net) => list(net['reservations']))]
}

describe('offhook dhcp kea status', () => {
  it('says what a running Kea is, and what keeps phones away', async () => {
    const said = await dhcpKea('status', '--control', kea.socket, '--json')
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 1, errors: '' })
    const { services } = JSON.parse(said.output) as { readonly services: readonly Fields[] }
    expect(services).toMatchObject([
      { service: 'dhcp4', networks: ['192.0.2.0/24'], reservations: 1, leaseCommands: true },
    ])
    expect(services[0]?.['version']).toMatch(/^\d+\.\d+\.\d+/)
    expect(list(services[0]?.['problems'])).toMatchObject([{ code: 'for-everyone', place: 'Dhcp4.option-data[1]' }])
    const shown = await dhcpKea('status', '--control', kea.socket)
    expect(shown.output).toMatch(/^dhcp4: Kea \d.*, up for \d+ s\n {2}networks 192\.0\.2\.0\/24; 1 reservations\n/)
  })

  it('is refused by who is no daemon of that kind', async () => {
    const said = await dhcpKea('status', '--control6', kea.socket)
    expect({ code: said.code, output: said.output }).toEqual({ code: 1, output: '' })
    expect(said.errors).toMatch(/is no Dhcp6/)
  })
})

describe('offhook dhcp kea apply', () => {
  it('says first what would change, and changes nothing', async () => {
    const before = await configuration()
    const said = await apply('--dry-run')
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 0, errors: '' })
    expect(said.output).toMatch(/^dhcp4: would change\n {2}[+~] Dhcp4 /)
    expect(said.output).toMatch(new RegExp(`\\+ Dhcp4 .*${macWithColons(bound)}`))
    expect(said.output).not.toMatch(/^ {2}- /m)
    expect(await configuration()).toEqual(before)
  })

  it('puts ours beside theirs, with a reservation for each known phone', async () => {
    const said = await apply('--json')
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 0, errors: '' })
    expect(JSON.parse(said.output)).toMatchObject({ dryRun: false, services: [{ service: 'dhcp4', written: null }] })
    const after = await configuration()
    expect(after).toMatchObject({
      'valid-lifetime': 4321,
      'option-data': [
        { name: 'domain-name', data: 'lan.example.com' },
        { name: 'tftp-server-name', data: '192.0.2.99' },
      ],
    })
    expect(list(after['client-classes'])).toContainEqual(expect.objectContaining(THEIR_CLASS))
    expect(list(after['client-classes']).length).toBeGreaterThan(1)
    expect(JSON.stringify(after['client-classes'])).toContain(PN)
    const reservations = reservationsIn(after)
    expect(reservations).toContainEqual(expect.objectContaining(THEIR_RESERVATION))
    const macs = reservations.map((each) => each['hw-address'])
    expect(macs).toEqual(expect.arrayContaining([macWithColons(bound), macWithColons(known)]))
  })

  it('changes nothing the second time, and writes the file when told', async () => {
    const before = await configuration()
    const said = await apply('--write')
    expect(said).toEqual({ code: 0, errors: '', output: `dhcp4: nothing to change\ndhcp4: written to ${kea.file}\n` })
    expect(await configuration()).toEqual(before)
    expect(await readFile(kea.file, 'utf8')).toContain(macWithColons(bound))
  })

  it('takes back what is no longer asked, and only that', async () => {
    const said = await apply('--no-reservations')
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 0, errors: '' })
    expect(said.output).toContain(macWithColons(bound))
    expect(reservationsIn(await configuration()).map((each) => each['hw-address'])).toEqual(['02:00:00:00:00:07'])
    expect((await apply()).code).toBe(0)
  })

  it('refuses when somebody else has changed the configuration meanwhile, and keeps what they did', async () => {
    const said = await dhcpKea(
      'apply',
      '--control',
      await changingSocket(() => change({ 'valid-lifetime': 4444 })),
      ...WISH,
      '--scheme',
      'http',
      '--no-reservations',
    )
    expect({ code: said.code, output: said.output }).toEqual({ code: 1, output: '' })
    expect(said.errors).toBe(
      'offhook: The configuration of Kea (dhcp4) was changed by somebody else meanwhile. Nothing was written; look at it and do this again\n',
    )
    const now = await configuration()
    expect(now).toMatchObject({ 'valid-lifetime': 4444 })
    expect(reservationsIn(now).length).toBeGreaterThan(1)
  })

  it('tells what Kea has against it, and changes nothing', async () => {
    const before = await configuration()
    const path = await refusingSocket()
    const said = await dhcpKea('apply', '--control', path, ...WISH, '--scheme', 'http', '--no-reservations')
    expect({ code: said.code, output: said.output }).toEqual({ code: 1, output: '' })
    expect(said.errors).toBe('offhook: Kea did not take the configuration, and nothing was changed: not today\n')
    expect(await configuration()).toEqual(before)
  })
})

async function change(fields: Fields): Promise<void> {
  const config = await configuration()
  await kea.ask('config-set', { Dhcp4: { ...config, ...fields } })
}

let socketCount = 0

/** Passes commands on to Kea. @param before  what happens before each is passed on; its text is answered instead of Kea's */
async function socketBefore(before: (command: string) => Promise<string | undefined>): Promise<string> {
  const path = join(folder, `s${socketCount++}`)
  const server = createServer((socket) => {
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', (piece) => {
      text += piece.toString()
      const asked = parsed(text)
      if (asked !== undefined) void answer(asked).then((said) => socket.end(said))
    })
  })
  async function answer({ command, arguments: args }: { readonly command: string; readonly arguments?: object }) {
    const own = await before(command)
    return own ?? JSON.stringify({ result: 0, text: '', arguments: await kea.ask(command, args) })
  }
  await new Promise<void>((resolve) => server.listen(path, resolve))
  afterAll(() => void server.close())
  return path
}

function parsed(text: string): { readonly command: string; readonly arguments?: object } | undefined {
  try {
    return JSON.parse(text) as { readonly command: string }
  } catch {
    // The rest is still to come.
    return undefined
  }
}

/** Somebody else is at it between the first look at the configuration and the second. */
function changingSocket(elsewhere: () => Promise<void>): Promise<string> {
  let looks = 0
  return socketBefore(async (command) => {
    if (command === 'config-get' && ++looks === 2) await elsewhere()
    return undefined
  })
}

function refusingSocket(): Promise<string> {
  return socketBefore(async (command) => (command === 'config-test' ? '{"result":1,"text":"not today"}' : undefined))
}

describe('by --control6', () => {
  const theirs6 = {
    'hooks-libraries': [LEASE_HOOK],
    'valid-lifetime': 4321,
    'client-classes': [THEIR_CLASS_6],
    'option-data': [{ name: 'domain-search', data: 'lan.example.com' }],
    subnet6: [{ id: 7, subnet: '2001:db8:1::/64', pools: [{ pool: '2001:db8:1::100-2001:db8:1::1ff' }] }],
  }
  const wish = [...WISH, '--ipv6', '2001:db8:1::10', '--options', '160', '--scheme', 'http', '--acs']
  let kea6: Kea
  beforeAll(async () => {
    kea6 = await startKea(theirs6, 6)
  })
  afterAll(() => kea6?.stop())
  const configuration6 = async () => ((await kea6.ask('config-get')) as { readonly Dhcp6: Fields }).Dhcp6

  it('says what a running kea-dhcp6 is, beside a kea-dhcp4', async () => {
    const said = await dhcpKea('status', '--control6', kea6.socket)
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 0, errors: '' })
    expect(said.output).toMatch(/^dhcp6: Kea \d.*, up for \d+ s\n {2}networks 2001:db8:1::\/64; 0 reservations\n/)
    const both = await dhcpKea('status', '--control', kea.socket, '--control6', kea6.socket, '--json')
    const { services } = JSON.parse(both.output) as { readonly services: readonly Fields[] }
    expect(services.map(({ service, leaseCommands }) => [service, leaseCommands])).toEqual([
      ['dhcp4', true],
      ['dhcp6', true],
    ])
  })

  it('puts ours beside theirs and changes nothing the second time', async () => {
    const words = ['apply', '--control6', kea6.socket, ...wish, '--no-reservations']
    const before = await configuration6()
    const dry = await dhcpKea(...words, '--dry-run')
    expect({ code: dry.code, errors: dry.errors }).toEqual({ code: 0, errors: '' })
    expect(dry.output).toMatch(/^dhcp6: would change\n {2}[+~] Dhcp6 /)
    expect(await configuration6()).toEqual(before)
    const done = await dhcpKea(...words)
    expect({ code: done.code, errors: done.errors }).toEqual({ code: 0, errors: '' })
    const after = await configuration6()
    expect(after).toMatchObject({ 'valid-lifetime': 4321, 'option-data': [{ data: 'lan.example.com' }] })
    const classes = list(after['client-classes'])
    expect(classes).toContainEqual(expect.objectContaining(THEIR_CLASS_6))
    const sent = classes.flatMap((each) => list(each['option-data']))
    expect(sent).toContainEqual(expect.objectContaining({ code: 160, data: 'http://prov.example.com' }))
    // Enterprise 3561, sub-option 1, 30 bytes: https://prov.example.com:7548/
    const acs = '00000DE90001001E68747470733A2F2F70726F762E6578616D706C652E636F6D3A373534382F'
    expect(sent).toContainEqual(expect.objectContaining({ code: 17, data: acs }))
    const again = await dhcpKea(...words, '--write')
    expect(again.output).toBe(`dhcp6: nothing to change\ndhcp6: written to ${kea6.file}\n`)
    expect(await readFile(kea6.file, 'utf8')).toContain(PN)
    expect((await dhcpKea('status', '--control6', kea6.socket)).code).toBe(0)
  })

  it('names what keeps phones away by its path', async () => {
    const config = await configuration6()
    const data = { code: 160, space: 'dhcp6', data: 'http://a.example/' }
    const own = list(config['option-data'])
    await kea6.ask('config-set', { Dhcp6: { ...config, 'option-data': [...own, data] } })
    const said = await dhcpKea('status', '--control6', kea6.socket)
    expect(said.code).toBe(1)
    expect(said.output).toMatch(/^ {2}Dhcp6\.option-data\[1\]: Option 160 of DHCPv6 .* \(for-everyone\)$/m)
    expect(said.output).toMatch(/^ {2}Dhcp6\.option-data\[1\]: .* \(trailing-slash\)$/m)
  })
})

describe('a Kea that keeps no leases on disk', () => {
  it('forgets them with a change, and apply says so before', async () => {
    const forgetful = await startKea({ ...THEIRS, 'lease-database': { type: 'memfile', persist: false } })
    try {
      await forgetful.ask('lease4-add', { 'ip-address': '192.0.2.60', 'hw-address': macWithColons(bound) })
      const words = ['--control', forgetful.socket, ...WISH, '--no-reservations']
      const dry = await dhcpKea('apply', ...words, '--dry-run')
      expect(dry.errors).toMatch(/^offhook: dhcp4: its leases are not kept on disk/)
      expect(await forgetful.ask('lease4-get-all')).toMatchObject({ leases: [{ 'ip-address': '192.0.2.60' }] })
      expect((await dhcpKea('apply', ...words)).code).toBe(0)
      expect(await forgetful.ask('lease4-get-all')).toMatchObject({ leases: [] })
    } finally {
      await forgetful.stop()
    }
  })
})

describe('offhook dhcp kea leases', () => {
  const leases = (...args: readonly string[]) => dhcpKea('leases', '--api', api.base, '--token', token, ...args)

  async function seen(mac: MacAddress): Promise<readonly string[]> {
    const rows = await api.platform.db.query<{ address: string }>({
      name: 'test-dhcp-sightings',
      text: `select address from sighting where mac = $1 and source = 'dhcp'`,
      values: [mac],
    })
    return rows.map(({ address }) => address)
  }

  it('tells of none, then of those that Kea has given to phones', async () => {
    expect(await leases('--control', kea.socket)).toEqual({
      code: 0,
      errors: '',
      output: '0 leases, 0 of them new; 0 of phones\n',
    })
    const [stranger, laptop] = [freshMac(), freshMac()]
    await kea.ask('lease4-add', { 'ip-address': '192.0.2.60', 'hw-address': macWithColons(bound), 'subnet-id': 7 })
    await kea.ask('lease4-add', {
      'ip-address': '192.0.2.61',
      'hw-address': macWithColons(stranger),
      hostname: `SEP${stranger.toUpperCase()}`,
    })
    await kea.ask('lease4-add', { 'ip-address': '192.0.2.62', 'hw-address': macWithColons(laptop), hostname: 'ann' })
    const said = await leases('--control', kea.socket, '--json')
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 0, errors: '' })
    expect(JSON.parse(said.output)).toEqual({ leases: 3, told: 3, taken: 2 })
    expect([await seen(bound), await seen(stranger), await seen(laptop)]).toEqual([['192.0.2.60'], ['192.0.2.61'], []])
  })

  it('goes on with --every until Ctrl-C, and tells only what is new', async () => {
    const main = new URL('../../cli/main.ts', import.meta.url).pathname
    const words = ['dhcp', 'kea', 'leases', '--control', kea.socket, '--every', '2', '--json', '--api', api.base]
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, ...words], {
      env: { ...process.env, OFFHOOK_TOKEN: token },
    })
    let output = ''
    child.stdout.on('data', (piece: Buffer) => (output += piece.toString()))
    const closed = once(child, 'close')
    const said = (): readonly unknown[] =>
      output
        .split('\n')
        .slice(0, -1)
        .map((line): unknown => JSON.parse(line))
    await expect.poll(said, { timeout: 90_000 }).toContainEqual({ leases: 3, told: 0, taken: 0 })
    const phone = freshMac()
    const [ip, hostname] = ['192.0.2.63', `SEP${phone.toUpperCase()}`]
    await kea.ask('lease4-add', { 'ip-address': ip, 'hw-address': macWithColons(phone), hostname })
    await expect.poll(() => seen(phone), { timeout: 60_000 }).toEqual([ip])
    child.kill('SIGINT')
    expect(await closed).toEqual([0, null])
    expect(said()).toContainEqual({ leases: 4, told: 1, taken: 1 })
    await kea.ask('lease4-del', { 'ip-address': ip })
  })

  it('says what to add when Kea cannot tell them', async () => {
    const path = await socketBefore(async (command) =>
      command === 'lease4-get-all' ? `{"result":2,"text":"'${command}' command not supported."}` : undefined,
    )
    const said = await leases('--control', path)
    expect({ code: said.code, output: said.output }).toEqual({ code: 1, output: '' })
    expect(said.errors).toMatch(/"hooks-libraries": \[\{ "library": ".*libdhcp_lease_cmds\.so" \}\]/)
  })
})

describe('through a control agent', () => {
  it('asks by HTTP with user and password, and says so when they are wrong', async () => {
    const url = await kea.agent('ann', PASSWORD)
    process.env['KEA_USER'] = 'ann'
    process.env['KEA_PASSWORD'] = PASSWORD
    try {
      const status = await dhcpKea('status', '--control', url)
      expect(status.output).toMatch(/^dhcp4: Kea \d/)
      const applied = await dhcpKea('apply', '--control', url, ...WISH, '--scheme', 'http', '--no-reservations')
      expect({ code: applied.code, errors: applied.errors }).toEqual({ code: 0, errors: '' })
      expect(applied.output).toMatch(/^dhcp4: changed\n/)
      const told = await dhcpKea('leases', '--control', url, '--api', api.base, '--token', token, '--json')
      expect(JSON.parse(told.output)).toMatchObject({ leases: 3, taken: 2 })
      process.env['KEA_PASSWORD'] = 'another'
      const refused = await dhcpKea('status', '--control', url)
      expect(refused).toEqual({
        code: 1,
        output: '',
        errors: `offhook: ${url} wants a user and a password: give them by KEA_USER and KEA_PASSWORD\n`,
      })
    } finally {
      delete process.env['KEA_USER']
      delete process.env['KEA_PASSWORD']
    }
  })
})
