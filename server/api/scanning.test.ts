/** Boxes scanned into a batch: what is taken, what is refused alone, lines, files, and two who scan at once. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { macWithColons } from '../../protocol/identity.ts'
import { BOXES_MAX } from '../store/mod.ts'
import { certifiedFetch, freshMac, PN, serialFor } from '../testing.ts'
import { providerOn } from '../testing-provider.ts'
import { type CallOptions, openTestApi } from './testing.ts'

const api = await openTestApi()
const { platform } = api
const call = (method: string, path: string, options?: CallOptions) => api.call(method, `/api/v1/${path}`, options)
const provider = providerOn(platform)

type Mac = ReturnType<typeof freshMac>
const boxOf = (mac: Mac, more: object = {}) => ({ mac, serial: serialFor(mac), ...more })

async function bench(about: { lines?: number; expected?: number; model?: string | null; account?: string } = {}) {
  const accountId = about.account ?? (await provider.accountWith({ lines: about.lines ?? 0 })).id
  const { expected, model = PN } = about
  const body = {
    accountId,
    name: 'Bench',
    ...(model === null ? {} : { model }),
    ...(expected === undefined ? {} : { expected }),
  }
  const batch: string = (await call('POST', 'batches', { body })).json.id
  return {
    accountId,
    batch,
    scan: (boxes: readonly object[], more: { token?: string; dryRun?: boolean } = {}) =>
      call('POST', `batches/${batch}/boxes`, { token: more.token, body: { boxes, dryRun: more.dryRun ?? false } }),
    csv: (text: string, query = '') =>
      call('POST', `batches/${batch}/boxes/csv${query}`, { body: text, headers: { 'content-type': 'text/csv' } }),
    boxes: async () => (await call('GET', `batches/${batch}/staging`)).json.boxes,
    device: async (mac: Mac) => (await call('GET', `devices/${mac}`)).json,
  }
}

const linesOf = (boxes: readonly { lines: readonly { userId: string }[] }[]) =>
  boxes.map(({ lines }) => lines.map(({ userId }) => userId).join(' '))

describe('a scan', () => {
  it('registers the device for the account of the batch, as people do, and counts a second one', async () => {
    const place = await bench({ lines: 1, expected: 1 })
    const mac = freshMac()
    const typed = { mac: ` ${macWithColons(mac).toUpperCase()} `, serial: serialFor(mac).toLowerCase(), name: 'Ann' }
    const first = await place.scan([typed, { ...typed, name: undefined }])
    expect(first.json).toMatchObject({
      added: 1,
      already: 1,
      refused: [],
      warnings: [],
      batch: { progress: { total: 1 } },
    })
    expect(await place.device(mac)).toMatchObject({
      state: 'known',
      accountId: place.accountId,
      serial: serialFor(mac),
      model: PN,
      batchId: place.batch,
      label: 'Ann',
      lines: [{ index: 1 }],
    })
    expect(await provider.eventsOf(mac)).toEqual(['line.assigned', 'device.registered'].toSorted().reverse())
    const again = await place.scan([{ ...typed, name: 'Bob' }, boxOf(freshMac())])
    expect(again.json).toMatchObject({ added: 1, already: 1 })
    expect(again.json.warnings).toEqual([
      { code: 'more-than-expected', message: 'There are 2 boxes in the batch, and 1 were expected' },
    ])
    expect((await place.device(mac)).label).toBe('Bob')
    const audit = await call('GET', `audit?scope=batch&target=${place.batch}`)
    expect(audit.json.items[0]).toMatchObject({ what: 'boxes scanned' })
  })

  it('is in the audit when it changes a box that was there, and is not when it changes nothing', async () => {
    const place = await bench()
    const [mac, other] = [freshMac(), freshMac()]
    await place.scan([boxOf(mac), boxOf(other)])
    const audit = async () => (await call('GET', `audit?scope=batch&target=${place.batch}`)).json.items
    const before = (await audit()).length
    expect((await place.scan([boxOf(mac), boxOf(other)])).json).toMatchObject({ added: 0, already: 2 })
    expect(await audit()).toHaveLength(before)
    const named = await place.scan([boxOf(mac, { name: 'Ann' }), boxOf(other)])
    expect(named.json).toMatchObject({ added: 0, already: 2 })
    expect((await audit())[0]).toMatchObject({ what: 'boxes scanned', after: { macs: [mac] } })
    const lineId = await provider.lineOf(place.accountId)
    expect((await place.scan([boxOf(other, { lineId })])).json.already).toBe(1)
    expect((await audit())[0].after).toEqual({ macs: [other] })
  })

  it('takes the others when it refuses one, and says of each what is wrong', async () => {
    const place = await bench()
    const [good, twice, bound] = [freshMac(), freshMac(), await provider.bound()]
    await place.scan([boxOf(twice)])
    const elsewhere = await bench({ account: place.accountId })
    const inOther = freshMac()
    await elsewhere.scan([boxOf(inOther)])
    const [unscanned, wrongModel, disabled] = [freshMac(), freshMac(), freshMac()]
    await call('POST', 'devices', { body: { ...boxOf(disabled), model: PN, accountId: place.accountId } })
    await call('POST', `devices/${disabled}/disable`)
    const cases: readonly (readonly [object, string, string])[] = [
      [{ serial: 'FCH2305DMH0' }, 'no-mac', 'no MAC address'],
      [{ mac: 'xyz', serial: 'FCH2305DMH0' }, 'bad-mac', '"xyz"'],
      [{ mac: '000000000000', serial: 'FCH2305DMH0' }, 'bad-mac', 'of no phone'],
      [{ mac: 'ff:ff:ff:ff:ff:ff', serial: 'FCH2305DMH0' }, 'bad-mac', 'of no phone'],
      [{ mac: '010e08a1b2c3', serial: 'FCH2305DMH0' }, 'bad-mac', 'of no phone'],
      [{ mac: unscanned }, 'no-serial', macWithColons(unscanned)],
      [{ mac: unscanned, serial: 'A-1' }, 'bad-serial', '"A-1"'],
      [{ mac: unscanned, serial: unscanned }, 'bad-serial', 'scanned twice'],
      [{ mac: 'FCH2305DMH0', serial: macWithColons(unscanned) }, 'swapped', 'Scan the MAC first'],
      [boxOf(wrongModel, { model: 'CP-7841-3PCC' }), 'other-model', '"CP-7841-3PCC"'],
      [boxOf(wrongModel, { model: 'CP-1234-3PCC' }), 'unknown-model', '"CP-1234-3PCC"'],
      [boxOf(unscanned, { name: 'a\u001b[2Jb' }), 'bad-name', '"a?[2Jb"'],
      [boxOf(unscanned, { name: 'x'.repeat(101) }), 'bad-name', 'at most 100'],
      [{ mac: twice, serial: 'FCH2305DMH0' }, 'other-serial', `"FCH2305DMH0" was scanned, but "${serialFor(twice)}"`],
      [{ mac: unscanned, serial: serialFor(twice) }, 'serial-in-use', twice],
      [boxOf(inOther), 'in-other-batch', elsewhere.batch],
      [boxOf(bound.mac), 'not-available', bound.account.id],
      [boxOf(disabled), 'wrong-state', 'disabled'],
      [boxOf(unscanned, { lineId: 'line_none' }), 'unknown-line', '"line_none"'],
      [boxOf(unscanned, { line: 'nobody' }), 'unknown-line', '"nobody"'],
    ]
    const { json } = await place.scan([...cases.map(([box]) => box), boxOf(good)])
    expect(json.refused.map(({ index, code }: { index: number; code: string }) => [index, code])).toEqual(
      cases.map(([, code], index) => [index, code]),
    )
    for (const [index, [, , words]] of cases.entries()) expect(json.refused[index].message).toContain(words)
    expect(json).toMatchObject({ added: 1, already: 0 })
    expect((await place.boxes()).map(({ mac }: { mac: string }) => mac)).toEqual([twice, good])
    for (const mac of [unscanned, wrongModel]) expect((await place.device(mac)).status).toBe(404)
  })

  it('refuses the second of two boxes of one request that share a MAC or a serial number', async () => {
    const place = await bench()
    const [a, b] = [freshMac(), freshMac()]
    const { json } = await place.scan([boxOf(a), { mac: a, serial: serialFor(b) }, { mac: b, serial: serialFor(a) }])
    expect(json.refused).toMatchObject([
      { index: 1, code: 'other-serial' },
      { index: 2, code: 'serial-in-use' },
    ])
    expect(json.added).toBe(1)
  })

  it('says of a device out of reach nothing but that it cannot be had', async () => {
    const place = await bench()
    const token = await api.tokenFor(['stage'], { accountId: place.accountId })
    const foreign = await provider.bound()
    const held = freshMac()
    const other = await provider.accountWith()
    await call('POST', `accounts/${other.id}/windows`, { body: { seconds: 60, devices: 1 } })
    await certifiedFetch(platform, `/cisco-init/${other.customerId}`, held)
    const sent = [boxOf(foreign.mac), { mac: foreign.mac, serial: 'FCH2305DMH0' }, boxOf(held)]
    const { json } = await place.scan(sent, { token })
    const texts = json.refused.map(({ code, mac, message }: Record<string, string>) => [
      code,
      message?.replace(`${mac}`, ''),
    ])
    expect(new Set(texts.map(String)).size).toBe(1)
    expect(texts[0][0]).toBe('not-available')
  })

  it('makes nobody’s device, and one that was let go, the account’s; a bound one joins with what it has', async () => {
    const place = await bench({ lines: 3 })
    const [nobodys, bound, released] = [freshMac(), freshMac(), await provider.bound()]
    await call('POST', 'devices', { body: { mac: nobodys, serial: 'FCH2305DMH0', model: 'CP-7841-3PCC' } })
    await call('POST', 'devices', { body: { ...boxOf(bound), model: PN, accountId: place.accountId } })
    await certifiedFetch(platform, '/cisco-init', bound)
    await call('POST', `devices/${released.mac}/release`)
    const answer = await place.scan([boxOf(nobodys, { model: PN }), boxOf(bound), boxOf(released.mac)])
    expect(answer.json).toMatchObject({ added: 3, refused: [] })
    for (const mac of [nobodys, released.mac]) {
      expect(await place.device(mac)).toMatchObject({ state: 'known', accountId: place.accountId, model: PN })
    }
    const boxes = await place.boxes()
    expect(boxes.map(({ stage }: { stage: string }) => stage)).toEqual(['missing', 'bound', 'missing'])
    expect(new Set(linesOf(boxes)).size).toBe(3)
    expect((await certifiedFetch(platform, '/cisco-init', released.mac)).kind).toBe('bytes')
  })

  it('of a batch for any model needs one with each box that nobody knows', async () => {
    const place = await bench({ model: null })
    const [bare, named] = [freshMac(), freshMac()]
    const { json } = await place.scan([boxOf(bare), boxOf(named, { model: 'CP-7841-3PCC' })])
    expect(json).toMatchObject({ added: 1, refused: [{ code: 'no-model' }] })
    expect((await place.scan([boxOf(named)])).json).toMatchObject({ already: 1, refused: [] })
  })

  it('stores nothing as a dry run, and answers the same', async () => {
    const place = await bench({ lines: 1 })
    const boxes = [boxOf(freshMac()), { mac: 'x', serial: 'y' }]
    const dry = await place.scan(boxes, { dryRun: true })
    expect(await place.boxes()).toEqual([])
    const real = await place.scan(boxes)
    expect({ ...dry.json, dryRun: false }).toEqual(real.json)
    expect(dry.json.dryRun).toBe(true)
  })

  it('is bounded, and refused whole where its form is wrong', async () => {
    const place = await bench()
    const many = Array.from({ length: BOXES_MAX + 1 }, () => ({ mac: 'x', serial: 'y' }))
    expect((await place.scan(many)).status).toBe(422)
    const most = await place.scan(many.slice(1))
    expect(most.json).toMatchObject({ added: 0, refused: { length: BOXES_MAX } })
    for (const boxes of [
      [],
      [{ mac: 1, serial: 'y' }],
      [{ mac: 'x'.repeat(201), serial: 'y' }],
      ['x'],
      [{ other: 1 }],
    ]) {
      expect((await place.scan(boxes as never)).status).toBe(422)
    }
    expect((await call('POST', 'batches/none/boxes', { body: { boxes: [boxOf(freshMac())] } })).status).toBe(404)
  })

  it('into a shipped batch is refused whole', async () => {
    const place = await bench()
    const mac = freshMac()
    await place.scan([boxOf(mac)])
    await call('POST', `batches/${place.batch}/ship`, { body: { force: true } })
    for (const answer of [
      await place.scan([boxOf(freshMac())]),
      await place.csv(`mac,serial\n${mac},${serialFor(mac)}\n`),
      await call('DELETE', `batches/${place.batch}/boxes/${mac}`),
    ]) {
      expect(answer).toMatchObject({ status: 409, json: { type: 'batch-shipped' } })
    }
    expect((await place.boxes()).length).toBe(1)
  })

  it('takes a thousand boxes at once, in their order', async () => {
    const place = await bench({ lines: 2 })
    const boxes = Array.from({ length: BOXES_MAX }, () => boxOf(freshMac()))
    expect((await place.scan(boxes)).json).toMatchObject({ added: BOXES_MAX, refused: [] })
    const shown = await place.boxes()
    expect(shown.map(({ mac }: { mac: string }) => mac)).toEqual(boxes.map(({ mac }) => mac))
    expect(linesOf(shown).filter((text) => text !== '')).toHaveLength(2)
    expect((await call('GET', `batches/${place.batch}/labels.pdf`)).status).toBe(200)
  })
})

describe('lines', () => {
  it('go to boxes in the order of scanning, after those that are asked for', async () => {
    const place = await bench({ lines: 4 })
    const lines = (await call('GET', `accounts/${place.accountId}/lines`)).json.items as {
      id: string
      userId: string
    }[]
    const [l1, l2, l3, l4] = lines
    const macs = Array.from({ length: 5 }, () => freshMac())
    const wishes = [{}, { line: l1?.userId }, {}, { lineId: l3?.id }, { line: l3?.userId }]
    const { json } = await place.scan(macs.map((mac, index) => boxOf(mac, wishes[index])))
    expect(json).toMatchObject({ added: 4, refused: [{ index: 4, code: 'line-in-use' }] })
    expect(linesOf(await place.boxes())).toEqual([l2, l1, l4, l3].map((line) => line?.userId))
    const [first, second] = macs
    const taken = await place.scan([
      boxOf(first as Mac, { line: l1?.userId }),
      boxOf(second as Mac, { line: l1?.userId }),
    ])
    expect(taken.json).toMatchObject({ already: 1, refused: [{ index: 0, code: 'line-in-use' }] })
  })

  it('are not lost to a box that stands twice in one request', async () => {
    const place = await bench({ lines: 2 })
    const [, second] = (await call('GET', `accounts/${place.accountId}/lines`)).json.items
    const [a, b] = [freshMac(), freshMac()]
    const wish = { line: second.userId }
    const { json } = await place.scan([boxOf(a), boxOf(a, wish), boxOf(b, wish)])
    expect(json).toMatchObject({ added: 2, already: 1, refused: [] })
    expect(linesOf(await place.boxes())[1]).toBe(second.userId)
  })

  it('of a user at two domains are named by their id', async () => {
    const place = await bench()
    for (const domain of ['a.example.com', 'b.example.com']) {
      await call('POST', `accounts/${place.accountId}/lines`, {
        body: { userId: '7', domain, password: 'not a secret' },
      })
    }
    const mac = freshMac()
    const { json } = await place.scan([boxOf(mac, { line: '7' })])
    expect(json.refused).toMatchObject([{ code: 'ambiguous-line' }])
    const [line] = (await call('GET', `accounts/${place.accountId}/lines`)).json.items
    expect((await place.scan([boxOf(mac, { lineId: line.id })])).json.added).toBe(1)
    // It has it now, whatever it is called.
    expect((await place.scan([boxOf(mac, { line: '7' })])).json).toMatchObject({ already: 1, refused: [] })
  })

  it('are never those of another account, or more than a model has', async () => {
    const [place, other] = [await bench({ lines: 2, model: 'CP-8832-3PCC' }), await bench({ lines: 1 })]
    const [foreign] = (await call('GET', `accounts/${other.accountId}/lines`)).json.items
    const [first, second] = (await call('GET', `accounts/${place.accountId}/lines`)).json.items
    const mac = freshMac()
    expect((await place.scan([boxOf(mac, { lineId: foreign.id })])).json.refused).toMatchObject([
      { code: 'unknown-line' },
    ])
    expect((await place.scan([boxOf(mac, { lineId: first.id })])).json.added).toBe(1)
    const more = await place.scan([boxOf(mac, { lineId: second.id })])
    expect(more.json.refused).toMatchObject([{ code: 'too-many-lines' }])
  })

  it('are never shared by two who scan at once, into one batch or two', async () => {
    const one = await bench({ lines: 12 })
    const two = await bench({ account: one.accountId })
    const scans = Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? one : two).scan([boxOf(freshMac())]))
    const answers = await Promise.all(scans)
    expect(answers.map(({ json }) => json.added)).toEqual(answers.map(() => 1))
    const boxes = [...(await one.boxes()), ...(await two.boxes())]
    const given = linesOf(boxes).filter((text) => text !== '')
    expect([given.length, new Set(given).size, boxes.length]).toEqual([12, 12, 16])
  })

  it('never bring one serial number onto two MACs of an account, however many scan them at once', async () => {
    const one = await bench()
    const two = await bench({ account: one.accountId })
    const pairs = Array.from({ length: 40 }, () => ({ serial: serialFor(freshMac()), macs: [freshMac(), freshMac()] }))
    const answers = await Promise.all(
      pairs.map(({ serial, macs }) =>
        Promise.all([one, two].map((place, index) => place.scan([{ mac: macs[index], serial }]))),
      ),
    )
    for (const [index, pair] of answers.entries()) {
      expect(pair.map(({ status }) => status)).toEqual([200, 200])
      expect(pair.reduce((sum, { json }) => sum + json.added, 0)).toBe(1)
      const refused = pair.flatMap(({ json }) => json.refused)
      const message = expect.stringContaining(`"${pairs[index]?.serial}"`)
      expect(refused).toMatchObject([{ code: 'serial-in-use', message }])
    }
    const twice = {
      name: 'test-twice',
      text: 'select serial from device group by serial having count(*) > 1',
      values: [],
    }
    expect(await platform.db.query(twice)).toEqual([])
    expect([...(await one.boxes()), ...(await two.boxes())]).toHaveLength(pairs.length)
  })

  it('and boxes survive that two scan the same box at once', async () => {
    const one = await bench({ lines: 1 })
    const two = await bench({ account: one.accountId })
    const mac = freshMac()
    const answers = await Promise.all([one, two, one, two].map((place) => place.scan([boxOf(mac)])))
    const total = (name: 'added' | 'already') => answers.reduce((sum, { json }) => sum + json[name], 0)
    expect([total('added'), total('already')]).toEqual([1, 1])
    const refused = answers.flatMap(({ json }) => json.refused)
    expect(refused).toMatchObject([{ code: 'in-other-batch' }, { code: 'in-other-batch' }])
  })
})

describe('a box that is taken out', () => {
  it('takes the device along that came with its scan, and frees its line', async () => {
    const place = await bench({ lines: 1 })
    const [mac, next] = [freshMac(), freshMac()]
    await place.scan([boxOf(mac)])
    const answer = await call('DELETE', `batches/${place.batch}/boxes/${macWithColons(mac)}`)
    expect(answer.json).toMatchObject({ progress: { total: 0 } })
    expect((await place.device(mac)).status).toBe(404)
    await place.scan([boxOf(next)])
    expect(linesOf(await place.boxes())[0]).not.toBe('')
    expect((await call('DELETE', `batches/${place.batch}/boxes/${mac}`)).status).toBe(404)
  })

  it('leaves a device that was registered before, or that has proved itself since', async () => {
    const place = await bench({ lines: 2 })
    const [before, bound] = [freshMac(), freshMac()]
    await call('POST', 'devices', { body: { ...boxOf(before), model: PN, accountId: place.accountId } })
    await place.scan([boxOf(before), boxOf(bound)])
    await certifiedFetch(platform, '/cisco-init', bound)
    for (const mac of [before, bound]) {
      expect((await call('DELETE', `batches/${place.batch}/boxes/${mac}`)).status).toBe(200)
      expect(await place.device(mac)).toMatchObject({ batchId: null, accountId: place.accountId })
    }
  })

  it('leaves a device that proves itself while it is taken out', async () => {
    const place = await bench({ lines: 1 })
    const mac = freshMac()
    await place.scan([boxOf(mac)])
    let removal: Promise<Awaited<ReturnType<typeof call>>> | undefined
    await platform.change(async (tx) => {
      await tx.run({ name: 'test-binds', text: `update device set state = 'bound' where mac = $1`, values: [mac] })
      removal = call('DELETE', `batches/${place.batch}/boxes/${mac}`)
      let answered = false
      void removal.then(() => (answered = true))
      const waiting = { name: 'test-waiting', text: 'select 1 from pg_locks where not granted', values: [] }
      while (!answered && (await platform.db.one(waiting)) === undefined);
    })
    expect(await removal).toMatchObject({ status: 200, json: { progress: { total: 0 } } })
    expect(await place.device(mac)).toMatchObject({ state: 'bound', batchId: null, lines: [{ index: 1 }] })
  })

  it('and put back otherwise is no scanned box: it stays when it is taken out again', async () => {
    const place = await bench()
    const mac = freshMac()
    await place.scan([boxOf(mac)])
    await call('DELETE', `batches/${place.batch}/devices/${mac}`)
    await call('POST', `batches/${place.batch}/devices`, { body: { macs: [mac] } })
    expect(await place.boxes()).toMatchObject([{ mac, scannedAt: null }])
    await call('DELETE', `batches/${place.batch}/boxes/${mac}`)
    expect((await place.device(mac)).state).toBe('known')
    // By whatever way it left.
    const other = freshMac()
    await place.scan([boxOf(other)])
    await certifiedFetch(platform, '/cisco-init', other)
    await call('POST', `devices/${other}/release`)
    const body = { ...boxOf(other), model: PN, accountId: place.accountId, batchId: place.batch }
    expect((await call('POST', 'devices', { body })).status).toBe(201)
    expect(await place.boxes()).toMatchObject([{ mac: other, scannedAt: null }])
  })
})

describe('a file of boxes', () => {
  it('is read as spreadsheets write it, and answers by line', async () => {
    const place = await bench({ lines: 1 })
    const [line] = (await call('GET', `accounts/${place.accountId}/lines`)).json.items
    const [a, b] = [freshMac(), freshMac()]
    const text = `\uFEFFMAC;Serial;Name;Line\r\n"${a}";${serialFor(a)};"Ann; ""1"" ";${line.userId}\r\n\r\nx;y;;\r\n${b};${serialFor(b)};'=1;\r\n`
    const dry = await place.csv(text, '?dryRun=true')
    expect(dry.json).toMatchObject({ added: 2, dryRun: true })
    const { json } = await place.csv(text)
    expect(json).toMatchObject({ added: 2, refused: [{ index: 1, line: 4, mac: 'x', code: 'bad-mac' }] })
    expect((await place.boxes()).map(({ name }: { name: string }) => name)).toEqual(['Ann; "1"', '=1'])
    expect(linesOf(await place.boxes())).toEqual([line.userId, ''])
  })

  it.each([
    ['an empty one', '', 'bad-csv'],
    ['one without rows', 'mac,serial\n', 'no-rows'],
    ['unknown columns', 'mac,serial,password\n', 'bad-csv'],
    ['a column twice', 'mac,mac,serial\n', 'bad-csv'],
    ['a quote that is never closed', 'mac,serial\n"a,b\n', 'bad-csv'],
    ['bytes that are no UTF-8', 'mac,serial\n\uFFFD,b\n', 'not-utf-8'],
    ['UTF-16', 'm\0a\0c\0', 'not-utf-8'],
    ['too many rows', `mac,serial\n${'a,b\n'.repeat(BOXES_MAX + 1)}`, 'too-many-rows'],
    ['a huge cell', `mac,serial\n${'a'.repeat(70_000)},b\n`, 'bad-csv'],
    ['too many bytes', `mac,serial\n${'a'.repeat(600_000)}`, 'too-large'],
  ])('of %s is refused whole', async (_what, text, type) => {
    const place = await bench()
    const answer = await place.csv(text)
    expect([answer.json.type, Math.floor(answer.status / 100)]).toEqual([type, 4])
    expect(await place.boxes()).toEqual([])
  })

  it('refuses rows alone that are too long or have too many cells', async () => {
    const place = await bench()
    const mac = freshMac()
    const { json } = await place.csv(
      `mac,serial,name\n${freshMac()},FCH2305DMH0,${'n'.repeat(300)}\n${freshMac()},FCH2305DMH1,a,b\n${mac},${serialFor(mac)},ok\n`,
    )
    expect(json).toMatchObject({
      added: 1,
      refused: [
        { line: 2, code: 'bad-row' },
        { line: 3, code: 'bad-row' },
      ],
    })
  })

  it('is CSV, not JSON', async () => {
    const place = await bench()
    const answer = await call('POST', `batches/${place.batch}/boxes/csv`, { body: { boxes: [] } })
    expect([415, 422]).toContain(answer.status)
  })

  it('of anything at all gets an answer of the contract, and no device that it does not count', async () => {
    const place = await bench()
    const piece = fc.oneof(
      fc.constantFrom(
        'mac',
        'serial',
        'name',
        'line',
        ',',
        ';',
        '"',
        '\n',
        '\r\n',
        "'",
        '=1+1',
        'FCH2305DMH0',
        '\u202e',
        '\t',
      ),
      fc.string({ maxLength: 12 }),
      fc.constant('00:56:2b:ff:00:01'),
    )
    let added = 0
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), fc.boolean(), async (pieces, headed) => {
        const { status, json } = await place.csv(`${headed ? 'mac,serial,name,line\n' : ''}${pieces.join('')}`)
        expect([200, 422]).toContain(status)
        if (status === 200) {
          added += json.added
          expect(JSON.stringify(json.refused)).not.toMatch(/[\u0000-\u001f\u202e]/)
        } else expect(json.detail.length).toBeLessThan(500)
      }),
      { numRuns: 60, seed: 7 },
    )
    expect(await place.boxes()).toHaveLength(added)
  })
})
