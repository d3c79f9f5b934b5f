import { describe, expect, it } from 'vitest'
import { DEFAULT_ACCOUNT_SETTINGS } from '../accounts/mod.ts'
import { freshMac, plant, PN, serialFor } from '../testing.ts'
import { type CallOptions, openTestApi } from './testing.ts'

const { call: rawCall, tokenFor, platform, listenAnother } = await openTestApi()
const call = (method: string, path: string, options?: CallOptions) => rawCall(method, `/api/v1/${path}`, options)
const csv = (path: string, body: string, more: CallOptions = {}) =>
  call('POST', `import/${path}`, { body, ...more, headers: { 'content-type': 'text/csv' } })

let lastShop = 0
async function shop(more: object = {}) {
  const customerId = `shop-${++lastShop}-x`
  const made = await call('POST', 'accounts', { body: { name: `Shop ${lastShop}`, customerId, ...more } })
  expect(made.status).toBe(201)
  return { id: made.json.id as string, customerId }
}

async function countOf(accountId: string): Promise<number> {
  return (await call('GET', `devices/summary?accountId=${accountId}`)).json.total
}

describe('import of devices', () => {
  it.each([
    ['commas and LF', ',', '\n', ''],
    ['semicolons and CRLF', ';', '\r\n', ''],
    ['a byte order mark, tabs', '\t', '\n', '\uFEFF'],
  ])('reads %s', async (_name, separator, newline, mark) => {
    const { id, customerId } = await shop()
    const mac = freshMac()
    const lines = [
      ['MAC', 'Serial', 'model', 'account', 'Label', 'notes'],
      [mac.toUpperCase(), serialFor(mac), PN, customerId, `"Desk; , ""left"""`, '"two\nlines"'],
      [],
    ]
    const report = await csv('devices', mark + lines.map((cells) => cells.join(separator)).join(newline))
    expect(report).toMatchObject({ status: 200, json: { ok: true, rows: 1, created: 1, updated: 0, problems: [] } })
    expect((await call('GET', `devices/${mac}`)).json).toMatchObject({
      mac,
      accountId: id,
      state: 'known',
      label: `Desk; , "left"`,
      notes: 'two\nlines',
    })
  })

  it('is in force at once: the index knows the new MACs, in another process too', async () => {
    const { customerId } = await shop()
    const other = (await listenAnother()).platform
    const macs = Array.from({ length: 200 }, () => freshMac())
    const body = ['mac,serial,model,account', ...macs.map((mac) => `${mac},${serialFor(mac)},${PN},${customerId}`)]
    await csv('devices', body.join('\n'))
    for (const each of [platform, other]) {
      while ((await each.directory.device(macs[199] ?? freshMac())) === undefined) await new Promise(setImmediate)
      expect((await each.directory.device(macs[0] ?? freshMac()))?.device.state).toBe('known')
    }
  })

  it('names every problem with its line, column, value and what was expected, and keeps nothing', async () => {
    const { id, customerId } = await shop()
    const foreign = await shop()
    const [good, doubled, theirs] = [freshMac(), freshMac(), freshMac()]
    const input = { mac: theirs, serial: serialFor(theirs), model: PN, accountId: foreign.id }
    expect((await call('POST', 'devices', { body: input })).status).toBe(201)
    const body = [
      'mac,serial,model,account,notes',
      `${good},${serialFor(good)},${PN},${customerId},"over`,
      `two lines"`,
      `${doubled},${serialFor(doubled)},${PN},${customerId},`,
      `nonsense,FCH1,${PN},${customerId},`,
      `${doubled},${serialFor(doubled)},${PN},${customerId},`,
      `${theirs},${serialFor(theirs)},${PN},${customerId},`,
      `${freshMac()},FCH2305DMH0,CP-9999-3PCC,${customerId},`,
      `${freshMac()},FCH2305DMH0,${PN},nobody-there,`,
      `${freshMac()},,${PN},${customerId},`,
    ].join('\n')
    const expected = [
      [5, 'mac', 'bad-value'],
      [6, 'mac', 'doubled'],
      [7, 'account', 'other-account'],
      [8, 'model', 'unknown-model'],
      [9, 'account', 'unknown-account'],
      [10, 'serial', 'missing'],
    ]
    const dry = await csv('devices?dryRun=true', body)
    expect(dry).toMatchObject({ status: 200, json: { ok: false, dryRun: true, rows: 8, problemCount: 6 } })
    type Listed = { line: number; column: string; code: string; value: string; message: string; expected: string }
    const listed = dry.json.problems as Listed[]
    expect(listed.map(({ line, column, code }) => [line, column, code])).toEqual(expected)
    expect(listed[1]).toMatchObject({ value: doubled, message: 'Lines 4 and 6 name the same mac' })
    expect(listed[0]?.message).toContain('12 hex digits')
    const real = await csv('devices', body)
    expect(real).toMatchObject({ status: 422, json: { type: 'import-refused', problems: { length: 6 } } })
    expect(real.json.problems[1]).toMatchObject({ code: 'doubled', place: 'line 6, column mac' })
    expect(real.type).toContain('application/problem+json')
    expect(await countOf(id)).toBe(0)
  })

  it('a dry run reports what the run then does, and changes nothing', async () => {
    const { id, customerId } = await shop()
    const mac = freshMac()
    const body = `mac,serial,model,account\n${mac},${serialFor(mac)},${PN},${customerId}\n`
    const dry = await csv('devices?dryRun=true', body)
    expect(await countOf(id)).toBe(0)
    expect(await platform.directory.device(mac)).toBeUndefined()
    const real = await csv('devices', body)
    expect({ ...dry.json, dryRun: false }).toEqual(real.json)
    expect(await countOf(id)).toBe(1)
  })

  it('mode=create refuses what is there; upsert changes what is named and leaves empty cells alone', async () => {
    const { customerId } = await shop()
    const mac = freshMac()
    const row = `${mac},${serialFor(mac)},${PN},${customerId}`
    await csv('devices', `mac,serial,model,account,label,notes\n${row},Desk,Old\n`)
    expect((await csv('devices?mode=create', `mac,serial,model,account\n${row}\n`)).json.problems[0].code).toBe(
      'device-taken',
    )
    const again = await csv('devices', `mac,label,notes\n${mac},Door,\n`)
    expect(again.json).toMatchObject({ created: 0, updated: 1, unchanged: 0 })
    expect((await call('GET', `devices/${mac}`)).json).toMatchObject({
      label: 'Door',
      notes: 'Old',
      serial: serialFor(mac),
    })
  })

  it.each([
    ['mac,sirial\n000e08000001,X\n', 'unknown-column'],
    ['mac,mac\n000e08000001,000e08000001\n', 'doubled-column'],
    ['mac,serial\n"000e08000001,X\n', 'bad-csv'],
    ['mac\n000e08000001,surplus\n', 'bad-row'],
    ['', 'no-rows'],
  ])('%j is refused as %s', async (body, code) => {
    const report = await csv('devices?dryRun=true', body)
    expect(
      report.status === 415 || report.json.problems.map((each: { code: string }) => each.code).includes(code),
    ).toBe(true)
    expect(report.status).not.toBe(500)
  })

  it('what is no UTF-8 is told', async () => {
    const body = Buffer.from([...Buffer.from('mac,label\n000e08000001,caf'), 0xe9, 0x0a])
    const answer = await rawCall('POST', '/api/v1/import/devices', { body: body.toString('latin1') })
    expect(answer.status).toBe(400)
    const sent = await fetch((await listenAnother()).base + '/api/v1/import/devices', {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${await tokenFor(['write'])}`, 'content-type': 'text/csv' },
    })
    expect([sent.status, ((await sent.json()) as { type: string }).type]).toEqual([422, 'not-utf-8'])
  })

  it('takes 10,000 devices in a few seconds', async () => {
    const { id, customerId } = await shop()
    const rows = Array.from({ length: 10_000 }, () => freshMac()).map(
      (mac) => `${mac},${serialFor(mac)},${PN},${customerId}`,
    )
    const begun = performance.now()
    const report = await csv('devices', ['mac,serial,model,account', ...rows].join('\n'))
    expect(report.json).toMatchObject({ ok: true, created: 10_000 })
    expect(performance.now() - begun).toBeLessThan(15_000)
    expect(await countOf(id)).toBe(10_000)
  })
})

describe('import of accounts and lines', () => {
  it('makes a tree whose parents stand behind their children', async () => {
    const report = await csv(
      'accounts',
      'customer_id;Name;kind;parent;delivery\nleaf-1-x;Leaf;customer;mid-1-x;sealed\nmid-1-x;Mid;reseller;top-1-x;\ntop-1-x;Top;operator;;\n',
    )
    expect(report).toMatchObject({ status: 200, json: { created: 3 } })
    const top = (await call('GET', 'accounts?q=top-1-x')).json.items[0]
    const tree = await call('GET', `accounts/${top.id}/tree`)
    expect(tree.json.items.map((each: { name: string; depth: number }) => [each.name, each.depth])).toEqual([
      ['Top', 0],
      ['Mid', 1],
      ['Leaf', 2],
    ])
    expect(tree.json.items[2].settings).toEqual({ delivery: 'sealed' })
  })

  it.each([
    ['a circle', 'customerId,name,parent\ncirc-a,A,circ-b\ncirc-b,B,circ-a\n', 'tree-too-deep'],
    ['a wrong kind', 'customerId,name,kind,parent\nkind-a,A,customer,\nkind-b,B,operator,kind-a\n', 'wrong-parent'],
    ['an unknown parent', 'customerId,name,parent\norph-a,A,nowhere\n', 'unknown-account'],
  ])('refuses %s', async (_name, body, code) => {
    const report = await csv('accounts?dryRun=true', body)
    expect(report.json.problems.map((each: { code: string }) => each.code)).toContain(code)
  })

  it('puts lines on phones; two may change places; a taken place is refused', async () => {
    const { customerId } = await shop()
    const mac = freshMac()
    await csv('devices', `mac,serial,model,account\n${mac},${serialFor(mac)},${PN},${customerId}\n`)
    const secret = plant('s3cret,"with"=quotes')
    const head = 'account,userId,domain,password,mac,index\n'
    const made = await csv(
      'lines',
      `${head}${customerId},+4930,sip.example.com,"${secret.replaceAll('"', '""')}",${mac},1\n${customerId},102,sip.example.com,,${mac},2\n`,
    )
    expect(made.json).toMatchObject({ created: 2 })
    expect(made.text.includes(secret)).toBe(false)
    const swapped = await csv(
      'lines',
      `${head}${customerId},+4930,sip.example.com,,${mac},2\n${customerId},102,sip.example.com,,${mac},1\n`,
    )
    expect(swapped.json).toMatchObject({ updated: 2 })
    expect((await call('GET', `devices/${mac}`)).json.lines.map((line: { userId: string }) => line.userId)).toEqual([
      '102',
      '+4930',
    ])
    const taken = await csv('lines?dryRun=true', `${head}${customerId},103,sip.example.com,,${mac},2\n`)
    expect(taken.json.problems[0]).toMatchObject({ code: 'index-in-use', column: 'index', value: '2' })
    const lines = await call('GET', `lines?q=%2B4930&reveal=true`, { token: await tokenFor(['read', 'secrets']) })
    expect(lines.json.items[0].password === secret).toBe(true)
  })

  it('JSON items are imported like rows', async () => {
    const { customerId } = await shop()
    const body = {
      items: [
        { account: customerId, userId: '7', domain: 'a.example', index: null },
        { account: customerId, usr: 1 },
      ],
    }
    const report = await call('POST', 'import/lines?dryRun=true', { body })
    expect(report.json).toMatchObject({ ok: false, rows: 2 })
    expect(report.json.problems[0]).toMatchObject({ line: 2, code: 'unknown-column' })
    expect((await call('POST', 'import/lines', { body: { items: [body.items[0]] } })).json).toMatchObject({
      created: 1,
    })
  })
})

describe('export', () => {
  it.each(['csv', 'json'])('what is exported as %s imports again unchanged', async (format) => {
    const top = await shop({ kind: 'reseller' })
    const { id, customerId } = await shop({ parentId: top.id, settings: { delivery: 'sealed' } })
    const mac = freshMac()
    const label = `'=HYPERLINK("x");,1`
    const input = { mac, serial: serialFor(mac), model: PN, accountId: id, label, notes: ' -1\r\nx\t' }
    expect((await call('POST', 'devices', { body: input })).status).toBe(201)
    const line = { userId: '@7', domain: 'sip.example.com', password: plant('=cmd|x!A1-abcdef'), displayName: '+Desk' }
    const made = await call('POST', `accounts/${id}/lines`, { body: line })
    await call('POST', `lines/${made.json.id}/assign`, { body: { mac } })
    const token = await tokenFor(['write', 'secrets'], { accountId: top.id })
    for (const noun of ['accounts', 'lines?reveal=true', 'devices']) {
      const name = noun.split('?')[0] ?? ''
      const exported = await call('GET', `export/${noun}${noun.includes('?') ? '&' : '?'}format=${format}`, { token })
      expect(exported.status).toBe(200)
      const rows = format === 'csv' ? exported.text.split('\r\n').length - 2 : exported.json.items.length
      expect(rows).toBeGreaterThanOrEqual(name === 'accounts' ? 2 : 1)
      if (format === 'csv') expect(exported.text).not.toMatch(/(?:^|,|\n)"? *[=+@-]/)
      const again =
        format === 'csv'
          ? await csv(name, exported.text, { token })
          : await call('POST', `import/${name}`, { body: exported.json, token })
      expect(again.json).toMatchObject({ ok: true, created: 0, updated: 0, problems: [] })
      expect(again.json.unchanged).toBeGreaterThanOrEqual(1)
    }
    expect((await call('GET', `devices/${mac}`)).json).toMatchObject({ label, notes: ' -1\r\nx\t' })
    expect(customerId).toBeTruthy()
  })

  it.each(['csv', 'json'])('as %s has all that the API sets, and brings it back as it was', async (format) => {
    const top = await shop({ kind: 'reseller' })
    const settings = {
      delivery: 'sealed',
      credentialed: true,
      expiredCertificates: 'accept',
      rcForClaimed: true,
      claimedProblemReports: true,
      ledBy: 'both',
      wakeByReboot: true,
    }
    const { id } = await shop({ parentId: top.id, settings })
    const other = (await call('POST', 'batches', { body: { accountId: id, name: 'Other' } })).json.id
    const batchId = (await call('POST', 'batches', { body: { accountId: id, name: 'Shelf' } })).json.id
    const mac = freshMac()
    const words = { label: 'Desk', notes: 'By the door' }
    const device = { mac, serial: serialFor(mac), model: PN, accountId: id, batchId, ...words }
    expect((await call('POST', 'devices', { body: device })).status).toBe(201)
    const more = { displayName: 'Ann', authId: 'a-101', outboundProxy: 'edge.example.com:5061', transport: 'TLS' }
    const line = { userId: '101', domain: 'sip.example.com', password: plant('bulk-made-up-1'), ...more }
    const lineId = (await call('POST', `accounts/${id}/lines`, { body: line })).json.id
    await call('POST', `lines/${lineId}/assign`, { body: { mac, index: 3 } })

    const token = await tokenFor(['write', 'secrets'], { accountId: top.id })
    const state = async () => {
      const { passwordGeneration: _generation, ...one } = (await call('GET', `lines/${lineId}?reveal=true`, { token }))
        .json
      const { accountId, batchId: batch, label, notes, serial, model } = (await call('GET', `devices/${mac}`)).json
      return {
        account: (await call('GET', `accounts/${id}`)).json,
        line: one,
        device: { accountId, batch, label, notes, serial, model },
      }
    }
    const before = await state()
    const exports = new Map<string, string>()
    for (const noun of ['accounts', 'devices', 'lines']) {
      const reveal = noun === 'lines' ? '&reveal=true' : ''
      exports.set(noun, (await call('GET', `export/${noun}?format=${format}${reveal}`, { token })).text)
    }
    const bring = (noun: string, query: string) => {
      const text = exports.get(noun) ?? ''
      const path = `${noun}${query}`
      return format === 'csv'
        ? csv(path, text, { token })
        : call('POST', `import/${path}`, { body: JSON.parse(text), token })
    }
    for (const noun of exports.keys()) {
      expect((await bring(noun, '')).json).toMatchObject({ ok: true, created: 0, updated: 0, problems: [] })
    }
    expect(await state()).toEqual(before)

    await call('PATCH', `accounts/${id}`, { body: { name: 'Renamed' } })
    await call('PATCH', `accounts/${id}/settings`, { body: DEFAULT_ACCOUNT_SETTINGS })
    await call('POST', `lines/${lineId}/unassign`, { body: {} })
    await call('PATCH', `lines/${lineId}`, {
      body: { displayName: '', authId: null, outboundProxy: null, transport: 'UDP' },
    })
    await call('PATCH', `devices/${mac}`, {
      body: { label: '', notes: '', batchId: other, serial: 'FCH2305DMH9', model: 'CP-7841-3PCC' },
    })
    const changed = await state()
    expect(changed.account.settings).toEqual(DEFAULT_ACCOUNT_SETTINGS)
    for (const noun of exports.keys()) {
      const dry = await bring(noun, '?dryRun=true')
      expect(dry.json).toMatchObject({ ok: true, created: 0, updated: 1, problems: [] })
    }
    expect(await state()).toEqual(changed)
    for (const noun of exports.keys()) {
      expect((await bring(noun, '')).json).toMatchObject({ ok: true, created: 0, updated: 1, problems: [] })
    }
    expect(await state()).toEqual(before)
  })

  it('a limited token exports and imports what it reaches, and passwords need the scope for secrets', async () => {
    const [mine, theirs] = [await shop(), await shop()]
    const macs = [freshMac(), freshMac()]
    for (const [index, { id }] of [mine, theirs].entries()) {
      const mac = macs[index] ?? freshMac()
      await call('POST', 'devices', { body: { mac, serial: serialFor(mac), model: PN, accountId: id } })
    }
    const token = await tokenFor(['write'], { accountId: mine.id })
    const exported = await call('GET', 'export/devices', { token })
    expect([exported.text.includes(macs[0] ?? '?'), exported.text.includes(macs[1] ?? '?')]).toEqual([true, false])
    expect((await call('GET', 'export/lines?reveal=true', { token })).status).toBe(403)
    const report = await csv('devices?dryRun=true', `mac,label\n${macs[1]},Mine\n`, { token })
    expect(report.json.problems[0].code).toBe('device-taken')
    const foreign = await csv(
      'devices?dryRun=true',
      `mac,serial,model,account\n${freshMac()},FCH2305DMH0,${PN},${theirs.customerId}\n`,
      { token },
    )
    expect(foreign.json.problems[0].code).toBe('unknown-account')
  })
})
