import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { plant } from '../../server/testing.ts'
import { openTestProxy } from '../../server/jobs/control/testing-proxy.ts'
import { shopForAll } from './cli-testing.ts'
import { eventually } from './testing.ts'

vi.setConfig({ testTimeout: 120_000 })

const shop = shopForAll()

interface DeviceJson {
  readonly mac: string
  readonly state: string
  readonly keys: { readonly issued: number }
  readonly versions: { readonly wanted: string; readonly served: string }
  readonly rc: { readonly enteredAt: string | null; readonly firstSeenAt: string | null }
}

interface ActionJson {
  readonly state: string
  readonly steps: readonly { readonly state: string }[]
}

async function device(mac: string): Promise<DeviceJson> {
  return shop().api<DeviceJson>('GET', `devices/${mac}`)
}

describe('offhook resync and reboot', () => {
  it('follow the phone until it runs what is wanted, or has come back', async () => {
    const phone = await shop().phone()
    const proxy = await openTestProxy()
    try {
      await shop().api('PUT', 'sip-proxy', { host: proxy.host, port: proxy.port })
      const resync = shop().run(['resync', phone.mac])
      await eventually('the NOTIFY', () => proxy.requests.length > 0)
      const { wanted } = (await device(phone.mac)).versions
      expect((await phone.asks(`/cisco-init?v=${wanted}&why=Sip`))?.status).toBe(200)
      const said = await resync
      expect({ code: said.code, errors: said.errors }).toEqual({ code: 0, errors: '' })
      expect(said.output).toMatch(/ queued .*\n(?:.*\n)* *\S+ +accepted .*\n(?:.*\n)*\S+ +runs-version /)

      const before = proxy.requests.length
      const reboot = shop().run(['reboot', phone.mac, '--json'])
      await eventually('the second NOTIFY', () => proxy.requests.length > before)
      await eventually('its yes', async () => {
        const path = `devices/${phone.mac}/actions?limit=1`
        const { items } = await shop().api<{ readonly items: readonly ActionJson[] }>('GET', path)
        return items[0]?.state === 'accepted'
      })
      await phone.asks(`/cisco-init?v=${wanted}&why=Reboot`)
      const rebooted = await reboot
      expect({ code: rebooted.code, state: (rebooted.json as ActionJson).state }).toEqual({
        code: 0,
        state: 'came-back',
      })
    } finally {
      await proxy.close()
    }
  })

  it('end with 1 and the reason when the proxy says no, and do not wait with --no-wait', async () => {
    const phone = await shop().phone()
    const proxy = await openTestProxy()
    proxy.answer = () => ({ status: 404 })
    try {
      await shop().api('PUT', 'sip-proxy', { host: proxy.host, port: proxy.port })
      const said = await shop().run(['resync', phone.mac])
      expect(said.code).toBe(1)
      expect(said.errors).toMatch(/^offhook: The resync of \S+ ended as "failed": .*404/)
      const asked = await shop().well(['resync', phone.mac, '--no-wait', '--json'])
      expect(['queued', 'sent']).toContain((asked.json as ActionJson).state)
    } finally {
      await proxy.close()
    }
  })

  it('refuse a phone that is not bound, in words and as JSON', async () => {
    const mac = shop().nextMac()
    await shop().api('POST', 'devices', { mac, serial: 'FCH2347E0AC', model: 'CP-8851-3PCC' })
    const said = await shop().run(['reboot', mac])
    expect({ code: said.code, output: said.output }).toEqual({ code: 1, output: '' })
    expect(said.errors).toBe(`offhook: Cannot ask ${mac}: it is known, and only bound phones know us. Bind it first.\n`)
    const json = await shop().run(['reboot', mac, '--json'])
    expect({ code: json.code, json: json.json }).toEqual({
      code: 1,
      json: expect.objectContaining({ type: 'wrong-state', status: 409 }) as unknown,
    })
  })
})

describe('offhook replace, release, diff and key device', () => {
  it('replace says what moves, changes nothing in a dry run, and then does it', async () => {
    const phone = await shop().phone()
    const to = shop().nextMac()
    const args = ['replace', phone.mac, to, '--serial', 'FCH2347E0AD', '--model', 'CP-7841-3PCC']
    const dry = await shop().well([...args, '--dry-run'])
    expect(dry.output).toMatch(new RegExp(`^Would replace ${phone.mac} by ${to} \\(CP-7841-3PCC\\)\n  line 1: \\d+@`))
    expect((await device(phone.mac)).state).toBe('bound')
    const done = await shop().well([...args, '--json'])
    expect(done.json).toMatchObject({ dryRun: false, moves: { lines: [{ index: 1 }] } })
    expect((await device(phone.mac)).state).toBe('released')
    expect((await device(to)).state).toBe('known')
    const again = await shop().run(args)
    expect(again.code).toBe(1)
    expect(again.errors).toContain('Cannot replace')
  })

  it('release lets a phone go, once', async () => {
    const phone = await shop().phone()
    expect((await shop().well(['release', phone.mac])).output).toBe(`${phone.mac}: released\n`)
    const again = await shop().run(['release', phone.mac, '--json'])
    expect({ code: again.code, json: again.json }).toMatchObject({ code: 1, json: { status: 409 } })
    expect(again.errors).toContain('it is released')
  })

  it('diff shows what a draft would change, as lines and as JSON', async () => {
    const phone = await shop().phone()
    const parameters = { Time_Zone: { value: 'GMT+01:00' } }
    await shop().api('PUT', `layers/device/${phone.mac}/draft`, { parameters })
    const args = ['diff', phone.mac, '--from', 'wanted', '--to', 'draft']
    const text = await shop().well(args)
    expect(text.output).toMatch(new RegExp(`^${phone.mac}: wanted \\w+ -> draft`))
    expect(text.output).toMatch(/\n[+~] Time_Zone: .*"GMT\+01:00"/)
    const { json } = await shop().well([...args, '--json'])
    expect(json).toMatchObject({ same: false, changes: [{ element: 'Time_Zone', to: { value: 'GMT+01:00' } }] })
    const unknown = await shop().run(['diff', 'no-mac'])
    expect(unknown.code).toBe(1)
    expect(unknown.errors).toContain('"no-mac" is no MAC address; expected 12 hex digits')
  })

  it('key device issues the next generation', async () => {
    const phone = await shop().phone()
    const { issued } = (await device(phone.mac)).keys
    const said = await shop().well(['key', 'device', phone.mac])
    expect(said.output).toBe(`Key generation ${issued + 1} is issued to ${phone.mac}\n`)
    expect((await device(phone.mac)).keys.issued).toBe(issued + 1)
  })
})

describe('offhook events', () => {
  it('filters, one JSON document a line', async () => {
    const phone = await shop().phone()
    const said = await shop().well(['events', '--mac', phone.mac, '--name', 'device.*', '--json'])
    const events = said.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; mac: string })
    expect(events.map(({ name, mac }) => ({ name, mac }))).toContainEqual({ name: 'device.bound', mac: phone.mac })
    expect(events.every(({ name }) => name.startsWith('device.'))).toBe(true)
    const wrong = await shop().run(['events', '--limit', 'many'])
    expect(wrong.code).toBe(1)
    expect(wrong.errors).toContain('limit')
  })

  it('with --follow tells of a binding as it happens, also when the server is started anew, until SIGINT ends it with 0', async () => {
    const run = shop().place.offhook(['events', '--follow', '--name', 'device.bound', '--limit', '1', '--json'])
    const first = await shop().phone()
    await run.until(`"mac":"${first.mac}"`)
    await shop().restart()
    const second = await shop().phone()
    await run.until(`"mac":"${second.mac}"`)
    const ended = await run.stop('SIGINT', 'process')
    expect(ended.code).toBe(0)
    expect(ended.errors.replaceAll(/offhook: the server (?:has gone; waiting for it|is back)\n/g, '')).toBe('')
    const macs = ended.output
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { mac: string }).mac)
    expect(macs.filter((mac) => mac === first.mac || mac === second.mac)).toEqual([first.mac, second.mac])
  })
})

describe('offhook import and export', () => {
  const BOXES =
    'mac,serial,model,account\n0059dc000001,FCH2347E0B1,CP-8851-3PCC,shop-0\n0059dc000002,FCH2347E0B2,CP-7841-3PCC,shop-0\n'

  it('says what would be done, does it, and takes in again what was written out', async () => {
    const boxes = await shop().file('boxes.csv', BOXES)
    expect((await shop().well(['import', 'devices', boxes, '--dry-run'])).output).toBe(
      '2 rows would be imported: 2 new, 0 changed, 0 as they were\n',
    )
    expect((await shop().run(['api', 'GET', 'devices/0059dc000001'])).code).toBe(1)
    expect((await shop().well(['import', 'devices', boxes, '--json'])).json).toMatchObject({ created: 2 })
    for (const [kind, format] of [
      ['devices', 'csv'],
      ['lines', 'csv'],
      ['accounts', 'json'],
      ['devices', 'json'],
    ] as const) {
      const file = join(shop().place.folder, `${kind}.${format}`)
      expect((await shop().well(['export', kind, file, '--format', format])).output).toBe('')
      const again = await shop().well(['import', kind, file, '--json'])
      expect(again.json).toMatchObject({ created: 0, updated: 0, problemCount: 0 })
    }
    expect((await shop().well(['export', 'devices'])).output).toContain('0059dc000002')
  })

  it('names line and column of every problem, and ends with 1, with and without --dry-run', async () => {
    const file = await shop().file(
      'wrong.csv',
      `${BOXES}0059dc000001,FCH2347E0B9,CP-8851-3PCC,shop-0\nno-mac,x,y,shop-9\n`,
    )
    const dry = await shop().run(['import', 'devices', file, '--dry-run'])
    expect({ code: dry.code, errors: dry.errors }).toEqual({ code: 1, errors: '' })
    expect(dry.output).toMatch(/^\d problem\(s\) in 4 rows\n {2}line 4/)
    expect(dry.output).toMatch(/\n {2}line 5, column mac: .*Expected: 12 hex digits/)
    const real = await shop().run(['import', 'devices', file, '--json'])
    expect({ code: real.code, type: (real.json as { type: string }).type }).toEqual({ code: 1, type: 'import-refused' })
    expect((await shop().run(['import', 'gadgets', file])).code).toBe(2)
  })

  it('shows passwords only with --reveal, and then in a file for its owner', async () => {
    const plain = (await shop().well(['export', 'lines'])).output
    const file = join(shop().place.folder, 'revealed.csv')
    await shop().well(['export', 'lines', file, '--reveal'])
    const revealed = await readFile(file, 'utf8')
    expect([plain, revealed].map((text) => text.includes('made-up-0-0-password'))).toEqual([false, true])
  })
})

describe('offhook rc export', () => {
  it('writes what is to be entered at Cisco, notes it, and tells when the rule is no longer right', async () => {
    const [first, second] = [shop().nextMac(), shop().nextMac()]
    const accountId = shop().provider.accounts[0]?.id
    for (const mac of [first, second]) {
      const phone = await shop().box(mac)
      await shop().api('POST', 'devices', { mac, serial: phone.serial, model: phone.productName, accountId })
    }
    const file = join(shop().place.folder, 'rc.csv')
    const marked = await shop().run(['rc', 'export', file, '--mark'])
    expect(marked.code).toBe(0)
    expect(marked.errors).toMatch(/^offhook: \d+ phones are noted as entered\n$/)
    const csv = await readFile(file, 'utf8')
    const rule = `https://localhost:${shop().place.ports.https}/cisco-init`
    expect(csv).toMatch(/^mac,serial,productName,profileRule\n/)
    for (const mac of [first, second])
      expect(csv).toMatch(new RegExp(`\n${mac.toUpperCase()},FCH\\w+,CP-[^,]+,.*${rule}`))
    expect((await shop().well(['rc', 'export', '--json'])).json).toEqual([])
    expect((await device(first)).rc).toEqual({ enteredAt: expect.stringMatching(/^20/) as unknown, firstSeenAt: null })

    await (await shop().box(first)).asks('/cisco-init')
    await eventually('its first sight', async () => (await device(first)).rc.firstSeenAt !== null)
    const seen = (await shop().well(['rc', 'export', '--state', 'seen', '--json'])).json as readonly DeviceJson[]
    expect(seen.map(({ mac }) => mac)).toEqual([first.toUpperCase()])

    expect((await shop().well(['rc', 'export', '--state', 'changed', '--json'])).json).toEqual([])
    await shop().restart({ OFFHOOK_PUBLIC_URL: `https://prov.example.com:${shop().place.ports.https}` })
    const changed = await shop().well(['rc', 'export', '--state', 'changed'])
    expect(changed.output).toMatch(new RegExp(`\n${second.toUpperCase()},.*prov\\.example\\.com`))
    await shop().run(['rc', 'export', file, '--state', 'changed', '--mark'])
    expect((await shop().well(['rc', 'export', '--state', 'changed', '--json'])).json).toEqual([])
    await shop().restart()
  })
})

describe('offhook user', () => {
  it('adds, lists, gives a new password, disables and enables', async () => {
    const [old, fresh] = ['made-up-user-password-1', 'made-up-user-password-2'].map((text) => plant(text))
    const files = [await shop().file('old.txt', `${old}\n`), await shop().file('new.txt', `${fresh}\n`)]
    const said = [
      await shop().well(['user', 'add', 'Ann@Example.com', '--role', 'support', '--password-file', files[0] ?? '']),
    ]
    expect(await signIn(old ?? '')).toBe(201)
    said.push(await shop().well(['user', 'password', 'ann@example.com', '--password-file', files[1] ?? '', '--json']))
    expect([await signIn(old ?? ''), await signIn(fresh ?? '')]).toEqual([401, 201])
    said.push(await shop().well(['user', 'disable', 'ann@example.com']))
    expect(await signIn(fresh ?? '')).toBe(401)
    said.push(await shop().well(['user', 'list']))
    expect(said.at(-1)?.output).toMatch(/^ann@example\.com +support +all accounts .*\(disabled\)$/m)
    said.push(await shop().well(['user', 'enable', 'ann@example.com']))
    expect((await shop().well(['user', 'list', '--json'])).json).toMatchObject([{ disabled: false }])
    expect(said.some(({ output, errors }) => `${output}${errors}`.includes('made-up'))).toBe(false)
  })

  it('refuses a short password, an unknown role and an unknown person', async () => {
    const short = await shop().file('short.txt', 'short\n')
    const weak = await shop().run(['user', 'add', 'bob@example.com', '--role', 'owner', '--password-file', short])
    expect(weak.code).toBe(1)
    expect(weak.errors).toContain('at least 12 characters')
    expect((await shop().run(['user', 'add', 'bob@example.com', '--role', 'king'])).code).toBe(2)
    const nobody = await shop().run(['user', 'disable', 'carol@example.com'])
    expect(nobody.errors).toBe('offhook: There is no user "carol@example.com"; "offhook user list" shows all\n')
  })

  async function signIn(password: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${shop().place.ports.api}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ann@example.com', password }),
    })
    if (response.ok) plant(((await response.json()) as { token: string }).token)
    return response.status
  }
})

describe('offhook token', () => {
  it('lists tokens without their texts, and revokes one', async () => {
    const made = await shop().well(['token', 'create', '--name', 'short-lived', '--scope', 'read', '--json'])
    const { token } = made.json as { token: string }
    plant(token)
    const env = { OFFHOOK_TOKEN: token, OFFHOOK_API: `http://127.0.0.1:${shop().place.ports.api}/api/v1/` }
    await shop().well(['events', '--limit', '1'], env)
    const list = await shop().well(['token', 'list', '--json'])
    const id =
      (list.json as readonly { id: string; name: string }[]).find(({ name }) => name === 'short-lived')?.id ?? ''
    expect(list.output.includes(token)).toBe(false)
    expect((await shop().well(['token', 'revoke', id])).output).toBe(`${id} is revoked\n`)
    const refused = await shop().run(['events'], env)
    expect({ code: refused.code, output: refused.output }).toEqual({ code: 1, output: '' })
    expect(refused.errors).toMatch(/^offhook: The server does not take the token: it is wrong, or it has ended\./)
    expect((await shop().run(['token', 'revoke', id])).errors).toContain(`There is no token "${id}"`)
  })

  it('a token without the scope is told which one is missing', async () => {
    const { output } = await shop().well(['token', 'create', '--name', 'reader'])
    const said = await shop().run(['release', '000e08000000', '--json'], { OFFHOOK_TOKEN: plant(output.trim()) })
    expect(said.code).toBe(1)
    expect(said.json).toMatchObject({ status: 403, type: 'missing-scope' })
    expect(said.errors).toBe('offhook: This needs a token with the scope "write"\n')
  })
})

describe('offhook api', () => {
  it('takes a body as text, from a file and from standard input; prints what came', async () => {
    expect((await shop().well(['api', 'get', '/health'])).json).toMatchObject({ status: 'ok' })
    const made = await shop().well(['api', 'POST', 'accounts', '{"name": "Ann Example", "customerId": "ann-example"}'])
    const { id } = made.json as { id: string }
    const change = await shop().file('account.json', '{"rcForClaimed": true}')
    await shop().well(['api', 'PATCH', `accounts/${id}/settings`, `@${change}`])
    expect((await shop().well(['api', 'GET', `accounts/${id}`])).json).toMatchObject({
      settings: { rcForClaimed: true },
    })
    const image = await shop().file('image.bin', 'firmware')
    const path = 'firmware?name=sip88xx.12-0-7MPP0201-66.loads'
    const stored = await shop().well(['api', 'POST', path, `@${image}`, '--type', 'application/octet-stream', '--json'])
    expect(stored.json).toMatchObject({ name: 'sip88xx.12-0-7MPP0201-66.loads' })
    const piped = shop().place.paste([
      `echo '{"name": "Piped"}' | OFFHOOK_DATA='${shop().place.dataDir}' OFFHOOK_API_PORT=${shop().place.ports.api} ./offhook api POST accounts -`,
    ])
    expect(await piped.ended).toMatchObject({ code: 0, errors: '' })
  })

  it('refuses an unknown method with 2, and a route that is not there with 1', async () => {
    expect((await shop().run(['api', 'FETCH', 'devices'])).code).toBe(2)
    const lost = await shop().run(['api', 'GET', 'gadgets', '--json'])
    expect({ code: lost.code, json: lost.json }).toMatchObject({ code: 1, json: { status: 404 } })
    const invalid = await shop().run(['api', 'POST', 'accounts', '{"name": ""}'])
    expect(invalid.errors).toMatch(/^offhook: body\/name: /)
  })
})
