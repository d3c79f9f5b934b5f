import { connect } from 'node:net'
import { once } from 'node:events'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { freshMac, plant, PN, scratchFolder, serialFor } from '../testing.ts'
import { providerOn } from '../testing-provider.ts'
import { listenApi } from './mod.ts'
import { type CallOptions, openTestApi } from './testing.ts'

const { call: rawCall, tokenFor, platform, door } = await openTestApi()
const call = (method: string, path: string, options?: CallOptions) => rawCall(method, `/api/v1/${path}`, options)
const provider = providerOn(platform)

async function account(more: object = {}): Promise<string> {
  const made = await call('POST', 'accounts', { body: { name: 'Shop', ...more } })
  expect(made.status).toBe(201)
  return made.json.id
}

describe('the tree of accounts', () => {
  it('holds resellers below operators and customers below all; no circles, no more than eight levels', async () => {
    const top = await account({ kind: 'operator' })
    const middle = await account({ kind: 'reseller', parentId: top })
    const leaf = await account({ parentId: middle })
    const type = async (body: object) => (await call('POST', 'accounts', { body: { name: 'x', ...body } })).json.type
    expect(await type({ kind: 'operator', parentId: top })).toBe('wrong-parent')
    expect(await type({ kind: 'reseller', parentId: leaf })).toBe('wrong-parent')
    expect(await type({ parentId: 'acc_0' })).toBe('not-found')
    const inner = await account({ parentId: leaf })
    expect((await call('PATCH', `accounts/${leaf}`, { body: { parentId: inner } })).json.type).toBe('account-circle')
    expect((await call('PATCH', `accounts/${leaf}`, { body: { parentId: leaf } })).json.type).toBe('account-circle')
    let at = inner
    for (let level = 5; level <= 8; level++) at = await account({ parentId: at })
    expect(await type({ parentId: at })).toBe('tree-too-deep')
    const tree = (await call('GET', `accounts/${middle}/tree`)).json.items
    expect(tree[0]).toMatchObject({ id: middle, depth: 0 })
    expect(tree).toHaveLength(7)
  })

  it('pages in any order without gaps, filters by parent, kind and text', async () => {
    const top = await account({ kind: 'reseller' })
    for (const name of ['Beta', 'alpha', 'Beta', 'delta', 'gamma']) await account({ parentId: top, name })
    for (const sort of ['name', '-name', 'createdAt', '-createdAt', 'id', 'customerId']) {
      const names: string[] = []
      let next = ''
      do {
        const page = await call(
          'GET',
          `accounts?parentId=${top}&sort=${sort}&limit=2${next === '' ? '' : `&after=${next}`}`,
        )
        names.push(...page.json.items.map((each: { name: string }) => each.name))
        next = page.json.next ?? ''
      } while (next !== '')
      expect(names).toHaveLength(5)
      if (sort === '-name')
        expect(names.map((name) => name.toLowerCase())).toEqual(['gamma', 'delta', 'beta', 'beta', 'alpha'])
      if (sort === 'createdAt') expect(names).toEqual(['Beta', 'alpha', 'Beta', 'delta', 'gamma'])
    }
    expect((await call('GET', `accounts?parentId=${top}&q=ALPH`)).json.items).toHaveLength(1)
    for (const after of ['x', Buffer.from('["2026-99-99","x"]').toString('base64url')]) {
      expect(await call('GET', `accounts?sort=createdAt&after=${after}`)).toMatchObject({
        status: 422,
        json: { type: 'bad-after' },
      })
    }
  })

  it('is deleted only when empty, and the answer says what is still there', async () => {
    const id = await account()
    const child = await account({ parentId: id })
    await provider.lineOf(id)
    const refused = await call('DELETE', `accounts/${id}`)
    expect(refused).toMatchObject({ status: 409, json: { type: 'account-not-empty' } })
    expect(refused.json.problems.map((each: { place: string }) => each.place)).toEqual(['accounts', 'lines'])
    plant((await call('POST', `accounts/${child}/codes`, { body: {} })).json.code)
    expect((await call('DELETE', `accounts/${child}`)).status).toBe(204)
    expect((await call('GET', `accounts/${child}`)).status).toBe(404)
  })

  it('a limited token sees and makes what is at or below its account only', async () => {
    const [mine, theirs] = [await account({ kind: 'reseller' }), await account()]
    const token = await tokenFor(['write'], { accountId: mine })
    const made = await call('POST', 'accounts', { token, body: { name: 'Below', parentId: mine } })
    expect(made.status).toBe(201)
    expect((await call('POST', 'accounts', { token, body: { name: 'Root' } })).json.type).toBe('out-of-reach')
    expect((await call('POST', 'accounts', { token, body: { name: 'x', parentId: theirs } })).status).toBe(404)
    expect((await call('PATCH', `accounts/${made.json.id}`, { token, body: { parentId: null } })).status).toBe(403)
    const seen = (await call('GET', 'accounts', { token })).json.items.map((each: { id: string }) => each.id)
    expect(new Set(seen)).toEqual(new Set([mine, made.json.id]))
    for (const path of [theirs, `${theirs}/tree`, `${theirs}/lines`, `${theirs}/codes`, `${theirs}/windows`]) {
      expect((await call('GET', `accounts/${path}`, { token })).status).toBe(404)
    }
    for (const path of ['layers/platform/-', 'layers/provider/-', `layers/model/${PN}`, 'device-cas']) {
      expect((await call('GET', path, { token })).status).toBe(403)
    }
  })
})

describe('lines, codes and windows', () => {
  it('a changed line is in force at once, and a new password is a new generation', async () => {
    const { mac } = await provider.bound()
    const { lines } = (await call('GET', `devices/${mac}`)).json
    const facts = await platform.directory.device(mac)
    const password = plant(randomBytes(9).toString('hex'))
    const body = { displayName: 'Door', password, outboundProxy: 'proxy.example.com' }
    const changed = await call('PATCH', `lines/${lines[0].id}`, { body })
    expect(changed).toMatchObject({ status: 200, json: { displayName: 'Door', passwordGeneration: 2, password: null } })
    const now = (await platform.directory.device(mac))?.lines[0]
    expect(now).toMatchObject({ displayName: 'Door', outboundProxy: 'proxy.example.com' })
    expect([now?.password === password, facts?.lines[0]?.password === password]).toEqual([true, false])
    const cleared = await call('PATCH', `lines/${lines[0].id}`, { body: { outboundProxy: null, rotatePassword: true } })
    expect(cleared.json).toMatchObject({ outboundProxy: null, passwordGeneration: 3 })
    expect((await call('DELETE', `lines/${lines[0].id}`)).status).toBe(204)
    expect((await platform.directory.device(mac))?.lines).toEqual([])
  })

  it('goes on a phone of its account, at a free place of the model, and off again with a new password', async () => {
    const { mac, account: owner } = await provider.bound()
    const [line, other] = [await provider.lineOf(owner.id), await provider.lineOf((await provider.accountWith()).id)]
    const assign = (id: string, body: object) => call('POST', `lines/${id}/assign`, { body: { mac, ...body } })
    expect((await assign(line, { index: 1 })).json.type).toBe('index-in-use')
    expect((await assign(line, { index: 11 })).json.type).toBe('too-many-lines')
    expect((await assign(other, {})).json.type).toBe('device-of-other-account')
    expect((await assign(line, {})).json).toMatchObject({ mac, index: 2, passwordGeneration: 1 })
    const off = await call('POST', `lines/${line}/unassign`)
    expect(off.json).toMatchObject({ mac: null, index: null, passwordGeneration: 2 })
    expect((await provider.eventsOf(mac)).slice(-2)).toEqual(['line.assigned', 'line.unassigned'])
  })

  it('codes are listed without the code; windows keep the address that opened them, and close', async () => {
    const id = await account()
    const code = plant((await call('POST', `accounts/${id}/codes`, { body: {} })).json.code)
    const codes = await call('GET', `accounts/${id}/codes`)
    expect(codes.json.items).toMatchObject([{ state: 'open', usedBy: [], devices: 1 }])
    expect(codes.text.includes(code)).toBe(false)
    await call('DELETE', `accounts/${id}/codes/${codes.json.items[0].id}`)
    expect((await call('GET', `accounts/${id}/codes`)).json.items[0].state).toBe('revoked')
    const window = await call('POST', `accounts/${id}/windows`, { body: { seconds: 60, devices: 3 } })
    expect((await call('GET', `accounts/${id}/windows`)).json.items).toMatchObject([
      { state: 'open', openedFrom: '127.0.0.1', left: 3 },
    ])
    expect((await call('DELETE', `accounts/${id}/windows/${window.json.id}`)).status).toBe(204)
    expect((await call('GET', `accounts/${id}/windows`)).json.items[0].state).toBe('closed')
    expect((await call('DELETE', `accounts/${id}/windows/${window.json.id}`)).status).toBe(404)
  })
})

describe('devices', () => {
  it('are found by MAC, serial, label and line user, and counted', async () => {
    const { mac, account: owner } = await provider.bound()
    const child = await account({ parentId: owner.id })
    const known = freshMac()
    await call('POST', 'devices', {
      body: { mac: known, serial: serialFor(known), model: PN, accountId: child, label: 'Lobby' },
    })
    const find = async (query: string) =>
      (await call('GET', `devices?accountId=${owner.id}&subtree=true&${query}`)).json.items.map(
        (each: { mac: string }) => each.mac,
      )
    expect(await find('')).toEqual([mac, known].toSorted())
    expect(await find(`q=${known.slice(6).replace(/(..)(?=.)/g, '$1:')}`)).toEqual([known])
    expect(await find('q=lobb')).toEqual([known])
    expect(await find(`q=${provider.lastUserId()}`)).toEqual([mac])
    expect(await find(`q=zzzz`)).toEqual([])
    expect(await find('outOfDate=true')).toEqual([mac])
    expect(await find('seenBefore=2020-01-01T00:00:00Z&state=known')).toEqual([known])
    expect((await call('GET', `devices?accountId=${owner.id}`)).json.items).toHaveLength(1)
    const summary = await call('GET', `devices/summary?accountId=${owner.id}&subtree=true`)
    expect(summary.json).toMatchObject({
      total: 2,
      byState: { bound: 1, known: 1 },
      byModel: { [PN]: 2 },
      outOfDate: 1,
    })
  })

  it('a known one may be corrected, a bound one not; disabled ones come back; let go ones may be deleted', async () => {
    const { mac } = await provider.bound()
    expect((await call('PATCH', `devices/${mac}`, { body: { serial: 'FCH2305DMH1' } })).json.type).toBe('wrong-state')
    expect((await call('DELETE', `devices/${mac}`)).json.type).toBe('wrong-state')
    const known = freshMac()
    await call('POST', 'devices', { body: { mac: known, serial: 'FCH2305DMH0', model: PN } })
    expect(
      (await call('PATCH', `devices/${known}`, { body: { serial: 'FCH2305DMH1', notes: 'x' } })).json,
    ).toMatchObject({ serial: 'FCH2305DMH1', notes: 'x' })
    await call('POST', `devices/${mac}/disable`)
    expect((await call('GET', `devices/${mac}`)).json.farewell).toBe('owed')
    expect((await call('POST', `devices/${mac}/enable`)).json).toMatchObject({ state: 'known', farewell: null })
    expect((await call('DELETE', `devices/${mac}`)).status).toBe(204)
    expect((await call('GET', `devices/${mac}`)).status).toBe(404)
    expect(await platform.directory.device(mac)).toBeUndefined()
    expect(await provider.eventsOf(mac)).toContain('device.deleted')
  })
})

describe('the history and drafts of layers', () => {
  it('tells each change with secrets masked, and goes back', async () => {
    const id = await account()
    const put = (parameters: object, headers = {}) =>
      call('PUT', `layers/account/${id}`, { body: { parameters, why: 'test' }, headers })
    const secret = plant(randomBytes(9).toString('hex'))
    const first = await put({ Station_Name: { value: 'A' }, XML_Password: { value: secret } })
    const second = await put({ Station_Name: { value: 'B' }, XML_Password: { value: secret } })
    const history = await call('GET', `layers/account/${id}/revisions`)
    expect(history.text.includes(secret)).toBe(false)
    expect(history.json.items).toMatchObject([
      {
        id: second.json.revisionId,
        why: 'test',
        changes: [{ element: 'Station_Name', change: 'changed', before: { value: 'A' }, after: { value: 'B' } }],
      },
      {
        id: first.json.revisionId,
        changes: [
          { element: 'Station_Name', change: 'added' },
          { element: 'XML_Password', after: { value: null, secret: true } },
        ],
      },
    ])
    const undone = await call('POST', `layers/account/${id}/undo`, { body: { revisionId: second.json.revisionId } })
    expect(undone).toMatchObject({ status: 200, json: { parameters: { Station_Name: { value: 'A' } } } })
    expect((await call('DELETE', `layers/account/${id}`)).status).toBe(204)
    const back = await call('POST', `layers/account/${id}/undo`, {
      body: { revisionId: second.json.revisionId, to: 'after' },
    })
    expect(back.json.parameters.Station_Name.value).toBe('B')
    expect((await call('POST', `layers/account/${id}/undo`, { body: { revisionId: 1 } })).status).toBe(404)
  })

  it('a writer who saw an older revision is told, and changes nothing', async () => {
    const id = await account()
    const put = (value: string, match: string) =>
      call('PUT', `layers/account/${id}`, {
        body: { parameters: { Station_Name: { value } } },
        headers: { 'if-match': match },
      })
    const first = await put('A', '"0"')
    expect([first.status, first.headers.get('etag')]).toEqual([200, `"${first.json.revisionId}"`])
    expect(await put('B', '"0"')).toMatchObject({ status: 412, json: { type: 'layer-changed' } })
    const both = await Promise.all(['C', 'D'].map((value) => put(value, `"${first.json.revisionId}"`)))
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412])
  })

  it('nobody gets a draft before it is published, and a layer that changed meanwhile is not overwritten', async () => {
    const id = await account()
    const draft = (value: string) =>
      call('PUT', `layers/account/${id}/draft`, { body: { parameters: { Station_Name: { value } } } })
    expect((await draft('A')).json).toMatchObject({ baseRevisionId: 0, conflict: false, problems: [] })
    expect((await call('GET', `layers/account/${id}`)).json.parameters).toEqual({})
    const other = await call('PUT', `layers/account/${id}`, { body: { parameters: { Station_Name: { value: 'X' } } } })
    expect((await call('GET', `layers/account/${id}/draft`)).json.conflict).toBe(true)
    expect(await call('POST', `layers/account/${id}/draft/publish`)).toMatchObject({
      status: 409,
      json: { type: 'draft-outdated' },
    })
    const done = await call('POST', `layers/account/${id}/draft/publish`, {
      body: { revisionId: other.json.revisionId },
    })
    expect(done.json.parameters.Station_Name.value).toBe('A')
    expect((await call('GET', `layers/account/${id}/draft`)).status).toBe(404)
    await draft('B')
    expect((await call('GET', 'layers?scope=account&limit=1000')).json.items).toContainEqual(
      expect.objectContaining({ id, hasDraft: true }),
    )
    expect((await call('DELETE', `layers/account/${id}/draft`)).status).toBe(204)
  })
})

describe('firmware', () => {
  const upload = (name: string, body: string) =>
    call('POST', `firmware?name=${encodeURIComponent(name)}`, {
      body,
      headers: { 'content-type': 'application/octet-stream' },
    })
  const onDisk = () => readdirSync(dirname(platform.firmwarePath({ sha256: 'x' })))

  it.each(['..', '.', '../x', 'a/b', 'a\\b', '.hidden', 'a\u0000b', 'a b', '', 'x'.repeat(129), '-rf%2f'])(
    'refuses the name %j',
    async (name) => {
      expect((await upload(name, 'x')).status).toBe(422)
    },
  )

  it('is deleted only when no layer names it, and its bytes only with its last name', async () => {
    await upload('a.loads', 'same bytes')
    const file = (await upload('b.loads', 'same bytes')).json
    const id = await account()
    await call('PUT', `layers/account/${id}`, {
      body: { parameters: { Upgrade_Rule: { value: 'https://prov.example.com/firmware/a.loads' } } },
    })
    expect(await call('DELETE', 'firmware/a.loads')).toMatchObject({
      status: 409,
      json: { type: 'firmware-in-use', problems: [{ place: `layers/account/${id}` }] },
    })
    expect((await call('DELETE', 'firmware/a.loads?force=true')).status).toBe(204)
    expect(onDisk()).toContain(file.sha256)
    expect(await platform.directory.firmware('a.loads')).toBeUndefined()
    expect((await call('PATCH', 'firmware/b.loads', { body: { notes: 'stable' } })).json.notes).toBe('stable')
    expect((await upload('b.loads', 'other bytes')).json).toMatchObject({ notes: 'stable' })
    expect(onDisk()).not.toContain(file.sha256)
  })

  it('a cut upload leaves neither a name nor bytes', async () => {
    const before = onDisk()
    const token = await tokenFor(['write'])
    const socket = connect(door.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(
      `POST /api/v1/firmware?name=cut.loads HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/octet-stream\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(5000)}`,
    )
    while (!onDisk().some((name) => name.startsWith('.upload-'))) await new Promise(setImmediate)
    socket.destroy()
    while (onDisk().some((name) => name.startsWith('.upload-'))) await new Promise(setImmediate)
    expect(onDisk()).toEqual(before)
    expect((await call('GET', 'firmware/cut.loads')).status).toBe(404)
  })
})

describe('a full disk', () => {
  // A file system of its own that holds next to nothing; only root may mount one.
  const small = join(scratchFolder(), 'small')
  mkdirSync(small)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]).status === 0
  afterAll(() => {
    if (mounted) spawnSync('umount', ['-l', small])
  })

  it('refuses the upload with what to do, and keeps nothing of it', async () => {
    expect(mounted, 'a small file system is mounted, which only root may do').toBe(true)
    const pathOf = ({ sha256 }: { sha256: string }) => join(small, sha256)
    const full = Object.assign(Object.create(platform) as typeof platform, { firmwarePath: pathOf })
    const other = await listenApi({ host: '127.0.0.1', port: 0, platform: () => full, log: pino({ level: 'silent' }) })
    const answer = await fetch(`http://127.0.0.1:${other.port}/api/v1/firmware?name=big.loads`, {
      method: 'POST',
      body: randomBytes(300_000),
      headers: { authorization: `Bearer ${await tokenFor(['write'])}`, 'content-type': 'application/octet-stream' },
    })
    expect([answer.status, ((await answer.json()) as { type: string }).type]).toEqual([507, 'disk-full'])
    expect(readdirSync(small)).toEqual([])
    expect((await call('GET', 'firmware/big.loads')).status).toBe(404)
    await other.close()
  })
})
