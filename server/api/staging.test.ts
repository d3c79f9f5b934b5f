import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { macWithColons } from '../../protocol/identity.ts'
import { type AccountSettings } from '../devices/mod.ts'
import { shipBatch } from '../store/mod.ts'
import { certificateOf, certifiedFetch, freshMac, plant, PN, requestOf, serialFor, servedTo } from '../testing.ts'
import { providerOn } from '../testing-provider.ts'
import { type CallOptions, openTestApi } from './testing.ts'
import { speedDial } from './testing-things.ts'

const api = await openTestApi({ log: pino({ level: 'silent' }) })
const { platform } = api
const call = (method: string, path: string, options?: CallOptions) => api.call(method, `/api/v1/${path}`, options)
const provider = providerOn(platform)

type Mac = ReturnType<typeof freshMac>
const boxOf = (mac: Mac, more: object = {}) => ({ mac, serial: serialFor(mac), ...more })

/** An account with lines `101`, `102`, …, and a batch of it. */
async function bench(about: { lines?: number; expected?: number; settings?: Partial<AccountSettings> } = {}) {
  const account = await provider.accountWith({ lines: 0, settings: about.settings ?? {} })
  for (let line = 1; line <= (about.lines ?? 0); line++) {
    const body = {
      userId: `${100 + line}`,
      displayName: `Desk ${line}`,
      domain: 'sip.example.com',
      password: plant(`Pw-${account.id}-${line}`),
    }
    expect((await call('POST', `accounts/${account.id}/lines`, { body })).status).toBe(201)
  }
  const { expected } = about
  const body = { accountId: account.id, name: 'Bench', model: PN, ...(expected === undefined ? {} : { expected }) }
  const batch: string = (await call('POST', 'batches', { body })).json.id
  return {
    account,
    batch,
    scan: (boxes: readonly object[], more: CallOptions & { dryRun?: boolean } = {}) =>
      call('POST', `batches/${batch}/boxes`, { ...more, body: { boxes, dryRun: more.dryRun ?? false } }),
    csv: (text: string, query = '') =>
      call('POST', `batches/${batch}/boxes/csv${query}`, { body: text, headers: { 'content-type': 'text/csv' } }),
    staging: async (token?: string) => (await call('GET', `batches/${batch}/staging`, { token })).json,
    ship: (body: object = {}) => call('POST', `batches/${batch}/ship`, { body }),
  }
}

async function boxIn(place: Awaited<ReturnType<typeof bench>>, mac: Mac) {
  return (await place.staging()).boxes.find((box: { mac: string }) => box.mac === mac)
}

/** Asks without proof, as a phone of the factory does by `$PSN` or by its MAC. */
const claims = (mac: Mac, path = '/8851-3PCC.xml', peer = '192.0.2.7') =>
  servedTo(platform, requestOf(path, { door: 'http', peer, userAgent: `Cisco-CP-8851-3PCC/12.0.2 (${mac})` }))

/** As a sealed phone asks the redirect service. */
const rcPath = (mac: Mac, serial: string) => `/software/edos/callhome/rc?id=${mac}:${serial}:${PN}`

async function comesToRun(mac: Mac, query = 'reg=0') {
  await certifiedFetch(platform, '/cisco-init', mac)
  await platform.flush()
  const served: string = (await call('GET', `devices/${mac}`)).json.versions.served
  await certifiedFetch(platform, `/cisco-init?v=${served}&why=1&${query}`, mac)
  await platform.flush()
}

describe('a box', () => {
  it('goes from its scan to a registered phone by what is known of it', async () => {
    const place = await bench({ lines: 1 })
    const mac = freshMac()
    expect((await place.scan([boxOf(mac, { name: 'Reception' })])).json).toMatchObject({ added: 1, refused: [] })
    const missing = await boxIn(place, mac)
    expect(missing).toMatchObject({ stage: 'missing', name: 'Reception', model: PN, address: null, firstSeenAt: null })
    expect(missing.lines).toEqual([{ userId: '101', displayName: 'Desk 1' }])
    await claims(mac, '/cisco-init')
    expect(await boxIn(place, mac)).toMatchObject({ stage: 'seen', source: 'path', address: '192.0.2.7' })
    await claims(mac, `/x/${mac}.cfg`)
    expect(await boxIn(place, mac)).toMatchObject({ stage: 'first-profile', source: 'path', address: '192.0.2.7' })
    await certifiedFetch(platform, '/cisco-init', mac)
    expect(await boxIn(place, mac)).toMatchObject({ stage: 'bound', source: 'certificate', keysConfirmed: false })
    await comesToRun(mac, 'reg=12')
    expect(await boxIn(place, mac)).toMatchObject({ stage: 'applied', keysConfirmed: true, problem: null })
    await comesToRun(mac)
    expect(await boxIn(place, mac)).toMatchObject({ stage: 'registered', problem: null })
    const { counts } = await place.staging()
    expect(counts).toEqual({
      missing: 0,
      seen: 0,
      'first-profile': 0,
      bound: 0,
      applied: 0,
      registered: 1,
      'wrong-serial': 0,
      refused: 0,
    })
  })

  it('is seen by a redirect that nobody proved, and by a lease', async () => {
    const place = await bench()
    const [asked, leased] = [freshMac(), freshMac()]
    await place.scan([boxOf(asked), boxOf(leased)])
    await servedTo(platform, requestOf(rcPath(asked, serialFor(asked)), { door: 'http' }))
    const leases = [{ mac: leased, address: '192.0.2.60', at: new Date().toISOString() }]
    await call('POST', 'dhcp/leases', { body: { leases } })
    expect(await boxIn(place, asked)).toMatchObject({ stage: 'seen', source: 'path', address: '192.0.2.7' })
    expect(await boxIn(place, leased)).toMatchObject({ stage: 'seen', source: 'dhcp', address: '192.0.2.60' })
  })

  it('has the wrong serial number when a certificate says so, until the right phone comes', async () => {
    const place = await bench()
    const [mac, other] = [freshMac(), freshMac()]
    await place.scan([{ mac, serial: serialFor(other) }])
    await certifiedFetch(platform, '/cisco-init', mac)
    const box = await boxIn(place, mac)
    expect(box).toMatchObject({ stage: 'wrong-serial', problem: { code: 'wrong-serial' } })
    for (const serial of [serialFor(mac), serialFor(other)]) expect(box.problem.message).toContain(`"${serial}"`)
    const list = (await call('GET', `batches/${place.batch}/missing`)).json
    expect(list.items).toMatchObject([{ mac, stage: 'wrong-serial', todo: expect.stringContaining('scan it again') }])
    await certifiedFetch(platform, '/cisco-init', mac, { serial: serialFor(other) })
    expect((await boxIn(place, mac)).stage).toBe('bound')
  })

  it('does not tell who knows a MAC alone which serial number belongs to it, nor where it is', async () => {
    const place = await bench()
    const token = await api.tokenFor(['stage'], { accountId: place.account.id })
    const [guessed, neighbour, own] = [freshMac(), freshMac(), freshMac()]
    const from = (mac: Mac, peer: string) =>
      servedTo(platform, requestOf('/cisco-init', { peer, certificate: certificateOf(mac) }))
    await from(guessed, '198.18.7.1')
    await from(neighbour, '198.18.7.2')
    await place.scan([{ mac: guessed, serial: 'FCH2305DMH0' }, boxOf(own)])
    const shown = await place.staging(token)
    expect(shown.boxes[0]).toMatchObject({ stage: 'wrong-serial', address: null, firstSeenAt: null })
    const list = await call('GET', `batches/${place.batch}/missing`, { token })
    const ship = await call('POST', `batches/${place.batch}/ship`, { token })
    expect(ship.json.type).toBe('batch-not-ready')
    for (const text of [JSON.stringify(shown), list.text, ship.text]) {
      expect([serialFor(guessed), neighbour, '198.18.7.1'].filter((each) => text.includes(each))).toEqual([])
    }
    // On the bench of a phone that is really its own, it is told.
    await from(own, '198.18.7.3')
    const told = await place.staging(token)
    expect(told.boxes[0].problem.message).toContain(serialFor(guessed))
    expect(told.strangers.map(({ mac }: { mac: string }) => mac)).toContain(neighbour)
  })

  it('is never believed to have another serial number by a request without a certificate', async () => {
    const place = await bench()
    const [mac, other] = [freshMac(), freshMac()]
    await place.scan([boxOf(mac)])
    await servedTo(platform, requestOf(rcPath(mac, serialFor(other)), { door: 'http' }))
    expect(await boxIn(place, mac)).toMatchObject({ stage: 'seen', problem: null })
  })

  it('is refused when its phone is, and says why', async () => {
    const place = await bench()
    const [expired, swapped] = [freshMac(), freshMac()]
    await place.scan([boxOf(expired), boxOf(swapped)])
    await certifiedFetch(platform, '/cisco-init', expired, { expired: true })
    await certifiedFetch(platform, `/${expired}.cfg`, swapped)
    expect(await boxIn(place, expired)).toMatchObject({ stage: 'refused', problem: { code: 'expired-certificate' } })
    expect(await boxIn(place, swapped)).toMatchObject({ stage: 'refused', problem: { code: 'identity-mismatch' } })
  })

  it('counts as registered by the word of the registrar, which knows every line', async () => {
    const place = await bench({ lines: 1 })
    const mac = freshMac()
    await place.scan([boxOf(mac)])
    await comesToRun(mac)
    const says = (registered: boolean) =>
      platform.db.run({
        name: 'test-registrar',
        text: `insert into registration (line_id, registered, asked_at, seen_at, changed_at)
               select id, $2, now(), now(), now() from line where device_mac = $1
               on conflict (line_id) do update set registered = excluded.registered`,
        values: [mac, registered],
      })
    await says(false)
    expect((await boxIn(place, mac)).stage).toBe('applied')
    await says(true)
    expect((await boxIn(place, mac)).stage).toBe('registered')
  })
})

describe('strangers', () => {
  it('are told to who sees everything, and to others only near a phone that proved itself', async () => {
    const place = await bench()
    const token = await api.tokenFor(['stage'], { accountId: place.account.id })
    const [own, near, far, claimed] = [freshMac(), freshMac(), freshMac(), freshMac()]
    const from = (mac: Mac, peer: string) =>
      servedTo(platform, requestOf('/cisco-init', { peer, certificate: certificateOf(mac) }))
    await place.scan([boxOf(own)])
    await from(near, '198.51.100.9')
    await from(far, '203.0.113.9')
    await claims(claimed, '/8851-3PCC.xml', '198.51.100.77')
    const macsFor = async (who?: string) =>
      (await place.staging(who)).strangers.map((each: { mac: string }) => each.mac) as string[]
    expect(await macsFor()).toEqual(expect.arrayContaining([near, far, claimed]))
    expect(await macsFor(token)).toEqual([])
    // Anybody can claim that, so it opens nothing.
    await claims(own, `/x/${own}.cfg`, '203.0.113.10')
    expect(await macsFor(token)).toEqual([])
    await from(own, '198.51.100.200')
    expect((await macsFor(token)).toSorted()).toEqual([near, claimed].toSorted())
    const { strangers } = await place.staging(token)
    expect(strangers.find((each: { mac: string }) => each.mac === near)).toMatchObject({
      serial: serialFor(near),
      productName: PN,
      source: 'certificate',
      address: '198.51.100.9',
      problem: null,
    })
    expect(strangers.find((each: { mac: string }) => each.mac === claimed)).toMatchObject({
      source: 'path',
      serial: null,
    })
  })

  it('behind the public address of a neighbour are told to nobody who may not see them anyway', async () => {
    const place = await bench()
    const token = await api.tokenFor(['stage'], { accountId: place.account.id })
    const [own, near, neighbour] = [freshMac(), freshMac(), freshMac()]
    const from = (mac: Mac, peer: string) =>
      servedTo(platform, requestOf('/cisco-init', { peer, certificate: certificateOf(mac) }))
    await place.scan([boxOf(own)])
    await from(own, '93.184.216.34')
    await from(near, '93.184.216.34')
    await from(neighbour, '93.184.216.35')
    const shown = await place.staging(token)
    expect(shown.strangers.map(({ mac }: { mac: string }) => mac)).toEqual([near])
  })

  it('are told of leases only to the accounts whose token has reported them', async () => {
    const [place, other] = [await bench(), await bench()]
    const tokens = await Promise.all(
      [place, other].map(({ account }) => api.tokenFor(['stage'], { accountId: account.id })),
    )
    const mac = freshMac()
    const leases = [{ mac, address: '192.0.2.61', vendorClass: 'CP-8851-3PCC', at: new Date().toISOString() }]
    const told = await call('POST', 'dhcp/leases', { token: tokens[0], body: { leases } })
    expect(told.json).toEqual({ taken: 1 })
    const macs = (staging: { strangers: { mac: string }[] }) => staging.strangers.map((each) => each.mac)
    expect(macs(await place.staging(tokens[0]))).toContain(mac)
    expect(macs(await other.staging(tokens[1]))).not.toContain(mac)
    expect(macs(await other.staging())).toContain(mac)
  })

  it('stop being strangers when their box is scanned, and the box has been seen', async () => {
    const place = await bench()
    const mac = freshMac()
    await certifiedFetch(platform, '/cisco-init', mac)
    await place.scan([boxOf(mac)])
    const { boxes, strangers } = await place.staging()
    expect(boxes).toMatchObject([{ mac, stage: 'seen', source: 'certificate', problem: null }])
    expect(strangers.map((each: { mac: string }) => each.mac)).not.toContain(mac)
  })
})

describe('shipping', () => {
  it('names each box that is not ready, locks the batch, and tells whoever follows', async () => {
    const place = await bench({ lines: 2, expected: 5 })
    const [ready, missing, wrong, bare] = [freshMac(), freshMac(), freshMac(), freshMac()]
    await place.scan([boxOf(ready), { mac: wrong, serial: serialFor(freshMac()) }])
    await place.scan([boxOf(missing), boxOf(bare)])
    await comesToRun(ready)
    await comesToRun(bare, 'reg=3')
    await certifiedFetch(platform, '/cisco-init', wrong)
    const refused = await place.ship()
    expect(refused).toMatchObject({ status: 409, json: { type: 'batch-not-ready' } })
    expect(refused.json.problems.map(({ code, place: where }: Record<string, string>) => [code, where])).toEqual([
      ['not-scanned', 'batch'],
      ['wrong-serial', wrong],
      ['missing', missing],
      ['not-registered', bare],
    ])
    expect(refused.json.problems.at(-1).message).toContain('has no line')
    expect((await place.ship({ force: true })).json).toMatchObject({ state: 'shipped' })
    const events = await call('GET', `events?accountId=${place.account.id}&name=batch.shipped`)
    const shipped = events.json.items.filter((each: { name: string }) => each.name === 'batch.shipped')
    expect(shipped).toMatchObject([{ data: { batch: place.batch, devices: 4, unready: 4 }, trust: 'operator' }])
  })

  it('needs no force when all phones are registered with their keys', async () => {
    const place = await bench({ lines: 2, expected: 2 })
    const macs = [freshMac(), freshMac()]
    await place.scan(macs.map((mac) => boxOf(mac)))
    for (const mac of macs) await comesToRun(mac)
    expect((await place.ship()).json).toMatchObject({ state: 'shipped' })
    expect((await place.ship()).json.type).toBe('batch-shipped')
    expect((await call('POST', `batches/${place.batch}/reopen`)).json.state).toBe('open')
  })

  it('is not misled by what a phone said of its registration before it was let go', async () => {
    const place = await bench({ lines: 1 })
    const mac = freshMac()
    await place.scan([boxOf(mac)])
    await comesToRun(mac)
    expect((await boxIn(place, mac)).stage).toBe('registered')
    await call('POST', `devices/${mac}/release`)
    await place.scan([boxOf(mac)])
    await comesToRun(mac, 'reg=')
    expect(await boxIn(place, mac)).toMatchObject({ stage: 'applied', keysConfirmed: true })
    expect((await place.ship()).json.problems).toMatchObject([{ code: 'not-registered', place: mac }])
    await comesToRun(mac)
    expect((await place.ship()).json.state).toBe('shipped')
  })

  it('waits for the newest key where profiles are sealed', async () => {
    const place = await bench({ lines: 1, settings: { delivery: 'sealed' } })
    const mac = freshMac()
    await place.scan([boxOf(mac)])
    await comesToRun(mac)
    expect(await boxIn(place, mac)).toMatchObject({ stage: 'registered', keysConfirmed: false })
    expect((await place.ship()).json.problems).toMatchObject([{ code: 'key-not-confirmed', place: mac }])
    await certifiedFetch(platform, '/cisco-ack?k=1', mac)
    expect((await place.ship()).json.state).toBe('shipped')
  })

  it('keeps a scan waiting that comes while it is under way, and refuses it', async () => {
    const place = await bench()
    await place.scan([boxOf(freshMac())])
    let scan: ReturnType<typeof place.scan> | undefined
    await platform.change(async (tx) => {
      const shipped = await shipBatch(tx, 'test', place.batch, { force: true, reach: null })
      expect(shipped.ok).toBe(true)
      scan = place.scan([boxOf(freshMac())])
      let answered = false
      void scan.then(() => (answered = true))
      const waiting = { name: 'test-waiting', text: 'select 1 from pg_locks where not granted', values: [] }
      while (!answered && (await platform.db.one(waiting)) === undefined);
    })
    expect((await scan)?.json.type).toBe('batch-shipped')
    expect((await call('GET', `batches/${place.batch}`)).json.progress.total).toBe(1)
  })

  it('and scanning at once end in one order: a box that was added did not come after the lock', async () => {
    const place = await bench()
    await place.scan([boxOf(freshMac())])
    const scans = Array.from({ length: 8 }, () => place.scan([boxOf(freshMac())]))
    const [ship, ...answers] = await Promise.all([place.ship({ force: true }), ...scans])
    const added = answers.filter(({ status }) => status === 200).length
    for (const { status, json } of answers) if (status !== 200) expect(json.type).toBe('batch-shipped')
    expect(ship.json.state).toBe('shipped')
    expect((await call('GET', `batches/${place.batch}`)).json.progress.total).toBe(1 + added)
  })
})

describe('papers', () => {
  it('are labels of the boxes in the order of scanning, or of those that are named', async () => {
    const place = await bench({ lines: 1 })
    expect((await call('GET', `batches/${place.batch}/labels.pdf`)).json.type).toBe('batch-empty')
    const [mac, other] = [freshMac(), freshMac()]
    await place.scan([boxOf(mac, { name: 'Reception' }), boxOf(other)])
    for (const layout of ['a4-24', 'a4-8', 'roll-62x29']) {
      const pdf = await call('GET', `batches/${place.batch}/labels.pdf?layout=${layout}`)
      expect(pdf).toMatchObject({ status: 200, type: 'application/pdf' })
      expect(pdf.text.startsWith('%PDF-')).toBe(true)
    }
    const labels = (query: string) => call('GET', `batches/${place.batch}/labels.pdf?${query}`)
    const pages = (text: string) => text.match(/\/Type \/Page\b/g)?.length
    expect(pages((await labels('layout=roll-62x29')).text)).toBe(2)
    expect(pages((await labels(`layout=roll-62x29&macs=${macWithColons(mac)}`)).text)).toBe(1)
    expect((await labels(`macs=${freshMac()}`)).status).toBe(404)
    expect((await labels('macs=nonsense')).status).toBe(422)
    expect((await labels('layout=a3')).status).toBe(422)
  })

  it('are a pick list with what is missing, which no spreadsheet runs', async () => {
    const place = await bench({ lines: 1, expected: 3 })
    const mac = freshMac()
    await place.scan([boxOf(mac, { name: '=1+1,"x"' })])
    const { json } = await call('GET', `batches/${place.batch}/missing`)
    expect(json).toMatchObject({
      unscanned: 2,
      items: [{ mac, stage: 'missing', todo: expect.stringContaining('Connect') }],
    })
    const csv = await call('GET', `batches/${place.batch}/missing?format=csv`)
    expect(csv.type).toContain('text/csv')
    expect(csv.text.split('\r\n')).toEqual([
      'mac,serial,model,name,line,stage,problem,todo',
      `${mac},${serialFor(mac)},${PN},"'=1+1,""x""",101,missing,,"Connect the phone, or look for its box"`,
      ',,,,,not-scanned,,Scan 2 more',
      '',
    ])
  })
})

/** Calls as a person with the role `var` whose account this is. */
async function signedInVar(accountId: string) {
  const [email, password] = [`var-${accountId}@example.com`, plant('Correct-horse-battery-staple-9')]
  const made = await call('POST', 'users', { body: { email, password, role: 'var', accountId } })
  expect(made.json.scopes).toEqual(['stage'])
  const session = await call('POST', 'session', { token: '', body: { email, password } })
  const token = plant(session.json.token as string)
  return (method: string, path: string, more: object = {}) => call(method, path, { token, ...more })
}

describe('a person with the role var', () => {
  it('signs in, stages the phones of its customers, and is told of nothing else', async () => {
    const [a, b] = [await api.account(), await api.account()]
    const [mine, others] = [await api.account(a), await api.account(b)]
    const unlimited = { email: `var-${mine}@example.com`, role: 'var', password: plant('Horse-battery-staple-9') }
    expect((await call('POST', 'users', { body: unlimited })).json.type).toBe('account-missing')
    const as = await signedInVar(a)
    expect((await as('GET', 'accounts')).json.items.map((each: { id: string }) => each.id).toSorted()).toEqual(
      [a, mine].toSorted(),
    )
    const batch = (await as('POST', 'batches', { body: { accountId: mine, name: 'Mine', model: PN } })).json.id
    const mac = freshMac()
    expect((await as('POST', `batches/${batch}/boxes`, { body: { boxes: [boxOf(mac)] } })).json.added).toBe(1)
    const foreign = (await call('POST', 'batches', { body: { accountId: others, name: 'Theirs', model: PN } })).json.id
    const theirs = freshMac()
    await call('POST', `batches/${foreign}/boxes`, { body: { boxes: [boxOf(theirs)] } })
    expect((await as('POST', 'batches', { body: { accountId: others, name: 'x' } })).status).toBe(404)
    for (const [method, path, sent] of [
      ['GET', `batches/${foreign}`],
      ['GET', `batches/${foreign}/staging`],
      ['GET', `batches/${foreign}/missing`],
      ['GET', `batches/${foreign}/labels.pdf`],
      ['POST', `batches/${foreign}/ship`, { force: true }],
      ['POST', `batches/${foreign}/boxes`, { boxes: [boxOf(freshMac())] }],
      ['DELETE', `batches/${foreign}/boxes/${theirs}`],
      ['GET', `batches/${batch}/labels.pdf?macs=${theirs}`],
      ['DELETE', `batches/${batch}/boxes/${theirs}`],
    ] as const) {
      const answer = await as(method, path, sent === undefined ? {} : { body: sent })
      expect(answer.status, path).toBe(404)
      expect(answer.text).not.toContain(others)
    }
    const taken = await as('POST', `batches/${batch}/boxes`, { body: { boxes: [boxOf(theirs)] } })
    expect(taken.json).toMatchObject({ added: 0, refused: [{ code: 'not-available' }] })
    for (const text of [others, foreign, serialFor(theirs)]) {
      expect(taken.json.refused[0].message).not.toContain(text)
    }
    expect((await as('GET', `devices/${mac}`)).json).toMatchObject({ status: 403, type: 'missing-scope' })
    expect((await as('POST', `batches/${batch}/reopen`)).status).toBe(403)
  })

  it('renames and resizes the open batches of its customers, and no others', async () => {
    const [a, b] = [await api.account(), await api.account()]
    const [mine, others] = [await api.account(a), await api.account(b)]
    const as = await signedInVar(a)
    const made = await as('POST', 'batches', { body: { accountId: mine, name: 'Mine', model: PN, expected: 3 } })
    const change = (id: string, body: object) => as('PATCH', `batches/${id}`, { body })
    const changed = await change(made.json.id, { name: 'Shop 7', expected: 5 })
    expect(changed).toMatchObject({ status: 200, json: { name: 'Shop 7', expected: 5, model: PN } })
    expect((await change(made.json.id, { expected: null })).json).toMatchObject({ name: 'Shop 7', expected: null })
    const audit = await call('GET', `audit?scope=batch&target=${made.json.id}`)
    expect(audit.json.items[1]).toMatchObject({
      who: `user:var-${a}@example.com`,
      what: 'changed',
      before: { name: 'Mine', expected: 3 },
      after: { name: 'Shop 7', expected: 5 },
    })
    const mac = freshMac()
    await as('POST', `batches/${made.json.id}/boxes`, { body: { boxes: [boxOf(mac)] } })
    expect(await change(made.json.id, { model: 'CP-7841-3PCC' })).toMatchObject({
      status: 409,
      json: { type: 'other-model', problems: [{ place: mac }] },
    })
    await as('POST', `batches/${made.json.id}/ship`, { body: { force: true } })
    expect(await change(made.json.id, { name: 'x' })).toMatchObject({ status: 409, json: { type: 'batch-shipped' } })
    const theirs = (await call('POST', 'batches', { body: { accountId: others, name: 'Theirs' } })).json.id
    expect((await change(theirs, { name: 'x' })).status).toBe(404)
    expect((await change('none', { name: 'x' })).status).toBe(404)
    expect((await call('GET', `batches/${made.json.id}`)).json.name).toBe('Shop 7')
    expect((await call('GET', `batches/${theirs}`)).json.name).toBe('Theirs')
  })

  it('deletes an open batch of its customers from which all boxes were taken out, and nothing that others have set', async () => {
    const [a, b] = [await api.account(), await api.account()]
    const [mine, others] = [await api.account(a), await api.account(b)]
    const as = await signedInVar(a)
    const newBatch = async (accountId: string): Promise<string> =>
      (await call('POST', 'batches', { body: { accountId, name: 'Bench', model: PN } })).json.id
    const remove = (id: string) => as('DELETE', `batches/${id}`)
    const full = await newBatch(mine)
    const mac = freshMac()
    await as('POST', `batches/${full}/boxes`, { body: { boxes: [boxOf(mac)] } })
    expect(await remove(full)).toMatchObject({ status: 409, json: { type: 'batch-not-empty' } })
    expect((await call('GET', `devices/${mac}`)).json).toMatchObject({ batchId: full })
    await as('POST', `batches/${full}/ship`, { body: { force: true } })
    expect(await remove(full)).toMatchObject({ status: 409, json: { type: 'batch-shipped' } })
    await call('POST', `batches/${full}/reopen`)
    await as('DELETE', `batches/${full}/boxes/${mac}`)
    expect((await remove(full)).status).toBe(204)
    expect((await as('GET', `batches/${full}`)).status).toBe(404)
    const audit = await call('GET', `audit?scope=batch&target=${full}`)
    expect(audit.json.items[0]).toMatchObject({ what: 'deleted', who: `user:var-${a}@example.com` })
    // A phone that left a shipped batch by another way leaves an empty one: it is history, and locked.
    const shipped = await newBatch(mine)
    const gone = freshMac()
    await as('POST', `batches/${shipped}/boxes`, { body: { boxes: [boxOf(gone)] } })
    await as('POST', `batches/${shipped}/ship`, { body: { force: true } })
    await call('DELETE', `devices/${gone}`)
    expect((await call('GET', `batches/${shipped}`)).json).toMatchObject({ state: 'shipped', progress: { total: 0 } })
    expect(await remove(shipped)).toMatchObject({ status: 409, json: { type: 'batch-shipped' } })
    const theirs = await newBatch(others)
    for (const id of [theirs, 'none']) expect((await remove(id)).status).toBe(404)
    expect((await call('GET', `batches/${theirs}`)).status).toBe(200)
    expect((await call('DELETE', `batches/${shipped}`)).status).toBe(204)
  })

  it.each([
    [
      'a layer',
      (id: string) => call('PUT', `layers/batch/${id}`, { body: { parameters: { Station_Name: { value: 'x' } } } }),
    ],
    [
      'a draft',
      (id: string) =>
        call('PUT', `layers/batch/${id}/draft`, { body: { parameters: { Station_Name: { value: 'x' } } } }),
    ],
    [
      'a feature',
      (id: string) => call('POST', 'features', { body: { scope: 'batch', id, feature: speedDial(7, 'Desk') } }),
    ],
  ])('does not delete a batch that has %s: whoever has set it does', async (_what, set) => {
    const a = await api.account()
    const as = await signedInVar(a)
    const { id } = (await as('POST', 'batches', { body: { accountId: a, name: 'Bench' } })).json
    expect(Math.floor((await set(id)).status / 100)).toBe(2)
    expect(await as('DELETE', `batches/${id}`)).toMatchObject({ status: 409, json: { type: 'batch-configured' } })
    expect((await call('DELETE', `batches/${id}`)).status).toBe(204)
  })
})
