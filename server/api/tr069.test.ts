/** TR-069 through the API: what is shown of a device, and what may be asked of it. */
import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import { recordMessages, recordParameters, recordSession, recordUnknownCallers } from '../store/mod.ts'
import type { AcsWrite, KnownParameter } from '../tr069/mod.ts'
import { freshMac, plant, PUBLIC_HTTP_URL, PUBLIC_URL, serialFor } from '../testing.ts'
import { providerOn } from '../testing-provider.ts'
import { openTestApi } from './testing.ts'
import { calledBy } from './testing-things.ts'

const api = await openTestApi()
const { platform, call } = api
const { db, vault } = platform
const provider = providerOn(platform)
const ACS_URL = 'https://prov.example.com:7548/'
const LINE = 'Device.Services.VoiceService.1.VoiceProfile.1.Line.1.'

beforeAll(() => platform.setPublicUrls({ https: PUBLIC_URL, http: PUBLIC_HTTP_URL, acs: ACS_URL }))

async function phone(settings: Parameters<typeof provider.bound>[0] = {}): Promise<MacAddress> {
  const { mac } = await provider.bound(settings)
  await calledBy(api, mac, 'quebec')
  return mac
}

const at = (mac: string, path = ''): string => `/api/v1/devices/${mac}/tr069${path === '' ? '' : `/${path}`}`

async function write(mac: MacAddress, ...writes: readonly AcsWrite[]): Promise<void> {
  const place = { mac, accountId: undefined, trust: 'certified', now: Date.now() } as const
  await db.transaction((tx) => recordSession(tx, vault, place, writes))
}

async function tree(mac: MacAddress, rows: readonly KnownParameter[]): Promise<void> {
  await recordParameters(db, [{ mac, at: Date.now(), rows }])
}

describe('a device', () => {
  it('says when it called, what of, and how it can be reached, and shows no password', async () => {
    const mac = await phone()
    await tree(mac, [{ path: 'Device.ManagementServer.PeriodicInformInterval', type: 'unsignedInt', value: '7200' }])
    const { status, json, text } = await call('GET', at(mac))
    expect(status).toBe(200)
    expect(json).toMatchObject({
      mac,
      ledBy: 'profile',
      acsUrl: ACS_URL,
      username: mac,
      called: true,
      from: '192.0.2.9',
      secure: true,
      manufacturer: 'Cisco',
      software: 'quebec 12.0',
      events: ['1 BOOT'],
      root: 'Device.',
      informSeconds: 7200,
      inStep: null,
      reachable: { way: 'direct', basis: 'assumed', expectedSeconds: null, waitingSince: null },
      openTasks: 0,
      tracedUntil: null,
      refused: [],
    })
    expect(Date.parse(json.reachable.nextCallBy) - Date.parse(json.lastAt)).toBe(7_200_000)
    expect(text).not.toMatch(/password/i)
  })

  it('that has never called says so, with what it is to be set to', async () => {
    const { mac } = await provider.bound()
    expect((await call('GET', at(mac))).json).toMatchObject({
      called: false,
      lastAt: null,
      reachable: null,
      acsUrl: ACS_URL,
    })
  })

  it('that cannot be reached from here waits for its next call by the clock, or for SIP', async () => {
    const mac = await phone()
    await db.run({
      name: 'test-private-url',
      text: 'update acs_state set connection_request_url = $2 where mac = $1',
      values: [mac, 'http://10.1.2.3:7547/'],
    })
    expect((await call('GET', at(mac))).json.reachable).toMatchObject({ way: 'periodic', basis: 'assumed' })
    await call('PUT', '/api/v1/sip-proxy', { body: { host: 'proxy.example.com' } })
    expect((await call('GET', at(mac))).json.reachable).toMatchObject({ way: 'sip', basis: 'assumed' })
    await call('DELETE', '/api/v1/sip-proxy')
    const data = { way: 'connection-request', waitedMs: 1400 }
    platform.note([{ name: 'tr069.woken', trust: 'certified', mac, accountId: undefined, data }])
    const known = { way: 'direct', basis: 'last-time', expectedSeconds: 2 }
    expect((await call('GET', at(mac))).json.reachable).toMatchObject(known)
  })

  it('tells what is left to do, and what it refused', async () => {
    const mac = await phone({ ledBy: 'tr069' })
    const path = 'Device.ManagementServer.PeriodicInformEnable'
    await tree(mac, [{ path, type: 'boolean', writable: true, value: '0' }])
    const no = { mac: 'x', code: 9007, text: 'no', at: new Date().toISOString() }
    const refused = { [path]: no, [`notification:${LINE}Status`]: no }
    await write(mac, { kind: 'tree-read', before: 0 }, { kind: 'refused', values: refused })
    await write(mac, { kind: 'in-step', fingerprint: 'f', informSeconds: 3600 })
    const before = (await call('GET', at(mac))).json
    expect(before).toMatchObject({ ledBy: 'tr069', inStep: false, left: { values: 1, objects: 0 } })
    const { mac: _hash, ...said } = no
    expect(before.refused).toEqual([
      { what: 'value', path, ...said },
      { what: 'notification', path: `${LINE}Status`, ...said },
    ])
    const config = before.left.files
    await tree(mac, [{ path, value: 'true' }])
    expect((await call('GET', at(mac))).json.left).toEqual({ values: 0, objects: 0, files: config })
  })
})

describe('the tree of a device', () => {
  it('stands beside what the profile wishes, with its secrets masked on both sides', async () => {
    const mac = await phone()
    const facts = await platform.directory.device(mac)
    const userId = facts?.lines[0]?.userId ?? ''
    const seen = plant(randomBytes(12).toString('hex'))
    await tree(mac, [
      { path: `${LINE}DirectoryNumber`, type: 'string', writable: true, value: 'other' },
      { path: `${LINE}SIP.AuthUserName`, type: 'string', writable: true, value: userId },
      { path: `${LINE}SIP.AuthPassword`, type: 'string', writable: true, value: seen },
    ])
    const { json, text } = await call('GET', at(mac, `parameters?below=${LINE}`))
    const [number, password] = json.items
    expect(number).toMatchObject({ value: 'other', wished: { value: userId, same: false }, refused: null })
    expect(password).toMatchObject({ value: null, secret: true, wished: { value: null, same: null } })
    expect(json.items).toHaveLength(3)
    expect(text).not.toContain(seen)
    expect(text).not.toContain(facts?.lines[0]?.password ?? seen)
    const found = await call('GET', at(mac, `parameters?q=${seen.slice(0, 8)}`))
    expect(found.json.items).toEqual([])
  })

  it('whose line numbers have gaps: the lowest number is the first line, whatever it is [TR-069 §7 AddObject]', async () => {
    const mac = await phone()
    const userId = (await platform.directory.device(mac))?.lines[0]?.userId ?? ''
    const table = LINE.slice(0, -2)
    await tree(mac, [
      { path: table, writable: true },
      ...[4, 11].flatMap((number): readonly KnownParameter[] => [
        { path: `${table}${number}.`, writable: true },
        { path: `${table}${number}.DirectoryNumber`, type: 'string', writable: true, value: userId },
      ]),
    ])
    const { json } = await call('GET', at(mac, `parameters?below=${table}&q=DirectoryNumber`))
    expect(json.items).toMatchObject([
      { path: `${table}11.DirectoryNumber`, wished: { value: '', same: false } },
      { path: `${table}4.DirectoryNumber`, wished: { value: userId, same: true } },
    ])
  })

  it('of thousands of nodes comes page by page, whole and in order', async () => {
    const mac = await phone()
    const names = Array.from({ length: 3000 }, (_each, index) => `Device.Many.${index}.Name`)
    await tree(
      mac,
      names.map((path) => ({ path, type: 'string', value: 'x' })),
    )
    const seen: string[] = []
    let after: string | null = ''
    while (after !== null) {
      const query = `parameters?below=Device.Many.&limit=700${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`
      const { json } = await call('GET', at(mac, query))
      seen.push(...json.items.map(({ path }: { path: string }) => path))
      after = json.next
    }
    expect(seen.toSorted()).toEqual(names.toSorted())
    expect((await call('GET', at(mac, 'parameters?limit=1'))).json.total).toBe(3002)
    expect((await call('GET', at(mac, 'parameters?q=MANY.17.n'))).json.items).toHaveLength(1)
    expect((await call('GET', at(mac, 'parameters?below=Device'))).status).toBe(422)
  })
})

describe('messages', () => {
  it('come by sessions, newest first, and page within a session', async () => {
    const mac = await phone()
    const message = { mac, at: Date.now(), sender: 'ACS', kind: 'empty', text: '' } as const
    for (const kind of ['one', 'two', 'three']) await recordMessages(db, [{ ...message, session: 'later', kind }])
    const first = (await call('GET', at(mac, 'messages?limit=2'))).json
    expect(first.items).toMatchObject([{ session: 'later', messages: [{ kind: 'two' }, { kind: 'three' }] }])
    const rest = (await call('GET', at(mac, `messages?before=${first.next}`))).json
    expect(rest.items.map(({ session }: { session: string }) => session)).toEqual(['later', 'abcdefgh'])
    expect(rest.next).toBeNull()
  })

  it('are kept for at most seven days at a time, and not before the first call', async () => {
    const mac = await phone()
    const asked = await call('PUT', at(mac, 'trace'), { body: { seconds: 7 * 86_400 } })
    expect(asked).toMatchObject({ status: 200, json: { mac } })
    expect((await call('GET', at(mac))).json.tracedUntil).toBe(asked.json.tracedUntil)
    expect((await call('PUT', at(mac, 'trace'), { body: { seconds: 7 * 86_400 + 1 } })).status).toBe(422)
    expect((await call('DELETE', at(mac, 'trace'))).status).toBe(204)
    expect((await call('GET', at(mac))).json.tracedUntil).toBeNull()
    const { mac: silent } = await provider.bound()
    expect(await call('PUT', at(silent, 'trace'), { body: {} })).toMatchObject({
      status: 409,
      json: { type: 'never-called' },
    })
  })
})

describe('a task', () => {
  it('is asked for, found by its filters and called off once, with its lines in timeline and audit', async () => {
    const mac = await phone()
    const body = { kind: 'get-values', paths: ['Device.DeviceInfo.'], deadlineSeconds: 600 }
    const asked = await call('POST', at(mac, 'tasks'), { body })
    expect(asked).toMatchObject({ status: 202, json: { mac, state: 'queued', arguments: { paths: body.paths } } })
    const { id, createdAt, deadlineAt } = asked.json
    expect(Date.parse(deadlineAt) - Date.parse(createdAt)).toBe(600_000)
    expect((await call('GET', at(mac))).json).toMatchObject({ openTasks: 1, reachable: { way: 'direct' } })
    const list = await call('GET', `/api/v1/tr069/tasks?mac=${mac}&state=queued&kind=get-values`)
    expect(list.json.items).toEqual([asked.json])
    expect((await call('GET', at(mac, 'tasks?state=done'))).json.items).toEqual([])
    expect((await call('DELETE', `/api/v1/tr069/tasks/${id}`)).json.state).toBe('cancelled')
    expect(await call('DELETE', `/api/v1/tr069/tasks/${id}`)).toMatchObject({
      status: 409,
      json: { type: 'task-over', detail: `Cannot call off ${id}: it is over (cancelled)` },
    })
    expect(await provider.eventsOf(mac)).toEqual(expect.arrayContaining(['tr069.task-asked', 'tr069.task-cancelled']))
    const audit = await call('GET', `/api/v1/audit?target=${mac}`)
    const whats = audit.json.items.map(({ what }: { what: string }) => what)
    expect(whats).toEqual(expect.arrayContaining(['asked for get-values', 'TR-069 task called off']))
  })

  it('asked for twice with one key is one task', async () => {
    const mac = await phone()
    const headers = { 'idempotency-key': `task-${mac}` }
    const one = await call('POST', at(mac, 'tasks'), { body: { kind: 'reboot' }, headers })
    const two = await call('POST', at(mac, 'tasks'), { body: { kind: 'reboot' }, headers })
    expect([one.status, two.json.id, two.headers.get('idempotency-replayed')]).toEqual([202, one.json.id, 'true'])
    expect((await call('GET', at(mac, 'tasks'))).json.items).toHaveLength(1)
  })

  it('shows none of the secrets that it carries, and the device gets them all the same', async () => {
    const mac = await phone()
    const [password, token] = [plant(randomBytes(12).toString('hex')), plant(randomBytes(12).toString('hex'))]
    const url = `https://files.example.com/x?token=${token}`
    const body = { kind: 'download', file: 'configuration', url, username: 'u', password }
    const { json, text } = await call('POST', at(mac, 'tasks'), { body })
    expect(json.arguments).toMatchObject({ file: 'configuration', username: 'u', password: '***' })
    const values = [{ path: 'Device.Users.User.1.Password', value: password }]
    const set = await call('POST', at(mac, 'tasks'), { body: { kind: 'set-values', values } })
    const all = [text, set.text, (await call('GET', at(mac, 'tasks'))).text].join('')
    expect([all.includes(password), all.includes(token)]).toEqual([false, false])
  })

  const long = `Device.${'x'.repeat(250)}`
  it.each<[string, unknown]>([
    ['of no kind', { kind: 'dance' }],
    ['without its arguments', { kind: 'get-values' }],
    ['with no path', { kind: 'get-values', paths: [] }],
    ['with too many paths', { kind: 'get-values', paths: Array.from({ length: 257 }, () => 'Device.') }],
    ['with too long a path', { kind: 'get-values', paths: [long] }],
    ['that sets an object', { kind: 'set-values', values: [{ path: 'Device.', value: '1' }] }],
    ['with a field that nobody knows', { kind: 'set-values', values: [{ path: 'Device.A', value: '1', typ: 'int' }] }],
    ['with a value that XML cannot hold', { kind: 'set-values', values: [{ path: 'Device.A', value: '\u0001' }] }],
    ['with an unknown type', { kind: 'set-values', values: [{ path: 'Device.A', value: '1', type: 'float' }] }],
    ['with a notification that there is not', { kind: 'set-attributes', attributes: [{ path: 'A', notification: 3 }] }],
    ['that adds to a parameter', { kind: 'add-object', path: 'Device.A' }],
    ['that deletes a table', { kind: 'delete-object', path: 'Device.A.' }],
    ['for another file', { kind: 'download', file: 'ringtone', url: 'https://a.example.com/' }],
    ['from nowhere', { kind: 'download', file: 'firmware', url: 'ftp://a.example.com/' }],
    ['from a URL with a user', { kind: 'download', file: 'firmware', url: 'https://u:p@a.example.com/' }],
    ['from too long a URL', { kind: 'download', file: 'firmware', url: `https://a.example.com/${'x'.repeat(250)}` }],
    ['with too short a time', { kind: 'reboot', deadlineSeconds: 59 }],
    ['with too long a time', { kind: 'reboot', deadlineSeconds: 30 * 86_400 + 1 }],
  ])('%s is refused', async (_what, body) => {
    const { status, json } = await call('POST', at(freshMac(), 'tasks'), { body })
    expect({ status, isKnown: ['not-valid', 'unknown-field'].includes(json.type) }).toEqual({
      status: 422,
      isKnown: true,
    })
  })

  it('is for bound devices with room for one more', async () => {
    const mac = freshMac()
    await call('POST', '/api/v1/devices', { body: { mac, serial: serialFor(mac), model: 'CP-8851-3PCC' } })
    expect(await call('POST', at(mac, 'tasks'), { body: { kind: 'reboot' } })).toMatchObject({
      status: 409,
      json: { type: 'wrong-state' },
    })
    const full = await phone()
    await fill(full)
    expect(await call('POST', at(full, 'tasks'), { body: { kind: 'reboot' } })).toMatchObject({
      status: 409,
      json: { type: 'too-many' },
    })
  })

  it('for many devices names those that cannot have it, and one that is not there stops all', async () => {
    const [one, full] = [await phone(), await phone()]
    await fill(full)
    const known = freshMac()
    await call('POST', '/api/v1/devices', { body: { mac: known, serial: serialFor(known), model: 'CP-8851-3PCC' } })
    const bulk = async (...macs: readonly string[]) =>
      call('POST', '/api/v1/tr069/tasks', { body: { kind: 'reboot', macs } })
    const stopped = await bulk(one, freshMac())
    expect(stopped).toMatchObject({ status: 404, json: { type: 'not-found' } })
    expect((await call('GET', at(one, 'tasks'))).json.items).toEqual([])
    const done = await bulk(one, full, known, one)
    expect(done).toMatchObject({ status: 202, json: { count: 1, leftOut: { count: 2 } } })
    const types = done.json.leftOut.devices.map(({ type }: { type: string }) => type)
    expect(types).toEqual(['too-many', 'wrong-state'])
    expect((await call('GET', `/api/v1/tr069/tasks/${done.json.ids[0]}`)).json).toMatchObject({ mac: one })
  })
})

async function fill(mac: MacAddress): Promise<void> {
  await db.run({
    name: 'test-fill-tasks',
    text: `insert into acs_task (id, mac, kind, shown, command_key, who, due_at, deadline_at, created_at)
           select 'x' || $1 || n, $1, 'reboot', '{}', 'k', 'test', now(), now() + interval '1 hour', now()
             from generate_series(1, 100) n`,
    values: [mac],
  })
}

describe('who leads', () => {
  it('is a setting of the account, as is waking by a reboot', async () => {
    const { id } = await provider.accountWith()
    const body = { ledBy: 'tr069', wakeByReboot: true }
    const changed = await call('PATCH', `/api/v1/accounts/${id}/settings`, { body })
    expect(changed.json.settings).toMatchObject(body)
    expect((await call('PATCH', `/api/v1/accounts/${id}/settings`, { body: { ledBy: 'nobody' } })).status).toBe(422)
  })
})

describe('credentials', () => {
  it('are not there for a device that was never bound', async () => {
    const mac = freshMac()
    await call('POST', '/api/v1/devices', { body: { mac, serial: serialFor(mac), model: 'CP-8851-3PCC' } })
    expect(await call('GET', at(mac, 'credentials'))).toMatchObject({ status: 409, json: { type: 'no-passwords' } })
  })
})

describe('callers that nobody has registered', () => {
  it('are listed in the order of their MACs', async () => {
    const macs = [freshMac(), freshMac()].toSorted()
    const caller = { serial: 'FCH2347E0AC', manufacturer: 'Cisco', productClass: 'CP-8851-3PCC', ca: 'f', from: '::1' }
    await recordUnknownCallers(
      db,
      macs.map((mac) => ({ ...caller, mac, at: Date.now() })),
    )
    const page = (await call('GET', '/api/v1/tr069/unknown?limit=1')).json
    expect(page).toMatchObject({ items: [{ mac: macs[0], lastFrom: '::1' }], next: macs[0] })
    const rest = (await call('GET', `/api/v1/tr069/unknown?after=${page.next}`)).json
    expect(rest).toMatchObject({ items: [{ mac: macs[1] }], next: null })
  })
})
