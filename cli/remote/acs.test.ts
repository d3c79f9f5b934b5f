import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import { openTestApi } from '../../server/api/testing.ts'
import { calledBy } from '../../server/api/testing-things.ts'
import { recordParameters, recordSession, recordUnknownCallers } from '../../server/store/mod.ts'
import type { AcsWrite } from '../../server/tr069/mod.ts'
import { freshMac, plant, PUBLIC_HTTP_URL, PUBLIC_URL } from '../../server/testing.ts'
import { providerOn } from '../../server/testing-provider.ts'
import { offhook, scratch } from '../testing-process.ts'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

vi.setConfig({ testTimeout: 120_000 })

const api = await openTestApi()
const { platform } = api
const { db, vault } = platform
const provider = providerOn(platform)
const folder = scratch()
let token = ''
let mac: MacAddress
beforeAll(async () => {
  platform.setPublicUrls({ https: PUBLIC_URL, http: PUBLIC_HTTP_URL, acs: 'https://prov.example.com:7548/' })
  token = await api.tokenFor(['admin'])
  mac = await phone()
})

async function phone(): Promise<MacAddress> {
  const bound = await provider.bound()
  await calledBy(api, bound.mac, 'romeo')
  return bound.mac
}

async function acs(...args: readonly string[]) {
  const ended = await offhook(['acs', ...args, '--api', api.base, '--token', token])
  return { code: ended.code, output: ended.output.toString(), errors: ended.errors }
}

/** As the door writes down what a device did. */
async function write(of: MacAddress, ...writes: readonly AcsWrite[]): Promise<void> {
  const place = { mac: of, accountId: undefined, trust: 'certified', now: Date.now() } as const
  await db.transaction((tx) => recordSession(tx, vault, place, writes))
}

describe('offhook acs show, tree and messages', () => {
  it('show says when it called and how it can be reached', async () => {
    const { code, output, errors } = await acs('show', mac)
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(output).toMatch(/^called {6}\S+ from 192\.0\.2\.9, over TLS$/m)
    expect(output).toMatch(/^device {6}Cisco CP-8851-3PCC romeo 12\.0$/m)
    expect(output).toMatch(/^reachable {3}direct\. A connection request/m)
    const { mac: silent } = await provider.bound()
    expect((await acs('show', silent)).output).toMatch(/^called {6}never\nled by {6}profile\nACS {9}https:\/\//)
  })

  it('tree prints a branch, what is found, and a control character of a device as a blank', async () => {
    const path = 'Device.DeviceInfo.X'
    const rows = [{ path, type: 'string', value: 'a\u001b[2Jb' } as const]
    await recordParameters(db, [{ mac, at: Date.now(), rows }])
    const { output } = await acs('tree', mac, '--below', 'Device.DeviceInfo.')
    expect(output).toContain('Device.DeviceInfo.\n')
    expect(output).toContain('Device.DeviceInfo.SoftwareVersion = "romeo 12.0"\n')
    expect(output).not.toContain('\u001b')
    const found = await acs('tree', mac, '--search', 'softwareversion', '--limit', '0', '--json')
    expect(JSON.parse(found.output)).toMatchObject([{ path: 'Device.DeviceInfo.SoftwareVersion' }])
    const first = await acs('tree', mac, '--limit', '1')
    expect(first.errors).toContain('these are the first 1 rows')
  })

  it('trace and messages work together, and --off ends it', async () => {
    expect((await acs('trace', mac, '--seconds', '600')).output).toMatch(new RegExp(`^${mac} is traced until 20`))
    expect((await acs('messages', mac)).output).toMatch(/^session abcdefgh\n\S+ {2}CPE Inform\n {4}<romeo\/>\n$/)
    expect((await acs('trace', mac, '--off')).output).toBe(`${mac} is traced no more\n`)
    expect((await acs('trace', mac, '--seconds', '700000')).code).toBe(1)
  })
})

describe('offhook acs task', () => {
  it.each<[readonly string[], object]>([
    [['get', 'Device.', 'Device.A'], { kind: 'get-values', arguments: { paths: ['Device.', 'Device.A'] } }],
    [['names'], { kind: 'get-names', arguments: { path: '', nextLevel: true } }],
    [['names', 'Device.', '--whole'], { kind: 'get-names', arguments: { path: 'Device.', nextLevel: false } }],
    [
      ['set', 'Device.A=x=1', 'Device.B=', '--type', 'string'],
      {
        kind: 'set-values',
        arguments: {
          values: [
            { path: 'Device.A', value: 'x=1', type: 'string' },
            { path: 'Device.B', value: '', type: 'string' },
          ],
        },
      },
    ],
    [['notify', 'Device.A=1'], { arguments: { attributes: [{ path: 'Device.A', notification: 1 }] } }],
    [['add', 'Device.Users.User.'], { kind: 'add-object' }],
    [['delete', 'Device.Users.User.2.'], { kind: 'delete-object' }],
    [['reboot'], { kind: 'reboot' }],
    [['factory-reset', '--yes'], { kind: 'factory-reset' }],
    [
      ['download', 'firmware', 'https://prov.example.com/x.loads'],
      { kind: 'download', arguments: { file: 'firmware', url: 'https://prov.example.com/x.loads' } },
    ],
  ])('%j asks for it', async (words, expected) => {
    const said = await acs('task', mac, ...words, '--json')
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 0, errors: '' })
    expect(JSON.parse(said.output)).toMatchObject({ mac, state: 'queued', ...expected })
  })

  it('takes a password from a file and never shows it', async () => {
    const password = plant(randomBytes(12).toString('hex'))
    const file = join(folder, 'password')
    await writeFile(file, `${password}\n`, { mode: 0o600 })
    const url = 'https://prov.example.com/x.cfg'
    const said = await acs('task', mac, 'download', 'configuration', url, '--username', 'u', '--password-file', file)
    expect({ code: said.code, shows: said.output.includes(password) }).toEqual({ code: 0, shows: false })
  })

  it.each<[readonly string[], RegExp]>([
    [['factory-reset'], /calls no more until discovery .* add --yes/],
    [['dance'], /there is no task "dance"/],
    [['get'], /name a path/],
    [['set', 'Device.A'], /"Device\.A" is not of the form PATH=VALUE/],
    [['reboot', 'now'], /"now" is more than this task takes/],
    [['download', 'ringtone', 'https://a.example.com/'], /download needs a file \(firmware, /],
    [['reboot', '--deadline', 'soon'], /"soon" is not a whole number/],
  ])('%j ends with 2 before anybody is asked', async (words, said) => {
    const ended = await acs('task', mac, ...words)
    expect({ code: ended.code, output: ended.output }).toEqual({ code: 2, output: '' })
    expect(ended.errors).toMatch(said)
  })

  it('waits for the outcome when told so, and ends with 1 for a fault', async () => {
    const device = await phone()
    const waiting = acs('task', device, 'get', 'Device.DeviceInfo.', '--wait')
    const id = await expect
      .poll(() => openTask(device), { timeout: 60_000 })
      .not.toBe('')
      .then(() => openTask(device))
    const result = { count: 1, values: { 'Device.DeviceInfo.SoftwareVersion': '12' } }
    await write(device, { kind: 'task-ended', id, state: 'done', result })
    const done = await waiting
    expect({ code: done.code, errors: done.errors }).toEqual({ code: 0, errors: '' })
    expect(done.output).toContain('  Device.DeviceInfo.SoftwareVersion = "12"\n')
    const failing = acs('task', device, 'reboot', '--wait')
    await expect.poll(() => openTask(device), { timeout: 60_000 }).not.toBe('')
    const fault = { code: 9001, text: 'Request denied' }
    await write(device, { kind: 'task-ended', id: await openTask(device), state: 'failed', fault })
    const failed = await failing
    expect({ code: failed.code, errors: failed.errors }).toMatchObject({
      code: 1,
      errors: 'offhook: The task ended as "failed"\n',
    })
    expect(failed.output).toContain('  fault 9001: Request denied\n')
    const listed = await acs('tasks', '--mac', device, '--state', 'failed')
    expect(listed.output).toMatch(/ reboot +failed +token:admin {2}9001 Request denied\n$/)
  })

  it('is called off once', async () => {
    const asked = await acs('task', mac, 'reboot', '--json')
    const { id } = JSON.parse(asked.output) as { readonly id: string }
    expect((await acs('cancel', id)).output).toBe(`${id}  ${mac}  reboot: cancelled\n`)
    const again = await acs('cancel', id)
    expect({ code: again.code, errors: again.errors }).toEqual({
      code: 1,
      errors: `offhook: Cannot call off ${id}: it is over (cancelled)\n`,
    })
  })
})

async function openTask(of: MacAddress): Promise<string> {
  const row = await db.one<{ id: string }>({
    name: 'test-open-task',
    text: 'select id from acs_task where mac = $1 and ended_at is null order by seq desc limit 1',
    values: [of],
  })
  return row?.id ?? ''
}

describe('offhook acs unknown and credentials', () => {
  it('unknown lists who is not registered', async () => {
    const stranger = freshMac()
    const caller = { mac: stranger, serial: 'FCH2347E0AC', manufacturer: 'Cisco', productClass: 'CP-8851-3PCC' }
    await recordUnknownCallers(db, [{ ...caller, ca: 'f', at: Date.now(), from: '192.0.2.1' }])
    const { output } = await acs('unknown')
    expect(output).toMatch(
      new RegExp(`^${stranger} {2}FCH2347E0AC {2}Cisco CP-8851-3PCC {2}\\S+ from 192\\.0\\.2\\.1\n`),
    )
  })

  it('credentials shows what a client is set to', async () => {
    const { code, output } = await acs('credentials', mac, '--json')
    const shown = JSON.parse(output) as Readonly<Record<string, string>>
    for (const name of ['password', 'connectionRequestPassword']) plant(shown[name] ?? '')
    expect(code).toBe(0)
    expect(shown).toMatchObject({ username: mac, acsUrl: 'https://prov.example.com:7548/' })
  })
})
