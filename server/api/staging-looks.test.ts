/** Who looks at a batch again and again is told what has changed, and comes to see what a whole look shows. */
import { createHash } from 'node:crypto'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { findBatch, STAGED_MAX } from '../store/mod.ts'
import { certificateOf, certifiedFetch, freshMac, PN, requestOf, serialFor, servedTo } from '../testing.ts'
import { providerOn } from '../testing-provider.ts'
import { lookSince } from './staging-looks.ts'
import { type Answer, type CallOptions, openTestApi, type TestApi } from './testing.ts'

const api = await openTestApi({ log: pino({ level: 'silent' }) })
const another = await api.listenAnother()
const { platform } = api
const call = (method: string, path: string, options?: CallOptions) => api.call(method, `/api/v1/${path}`, options)
const provider = providerOn(platform)

type Mac = ReturnType<typeof freshMac>
type Row = Readonly<Record<string, unknown>> & { readonly mac: string }
const partOf = (mac: string) => mac.slice(-2)
const boxOf = (mac: Mac) => ({ mac, serial: serialFor(mac) })

/** MACs with different ends, so that each is a part of its own. */
function apart(count: number): readonly Mac[] {
  const macs = new Map<string, Mac>()
  while (macs.size < count) {
    const mac = freshMac()
    macs.set(partOf(mac), mac)
  }
  return [...macs.values()]
}

async function bench(boxes: number, lines = 0) {
  const account = await provider.accountWith({ lines })
  const batch: string = (await call('POST', 'batches', { body: { accountId: account.id, name: 'Bench', model: PN } }))
    .json.id
  const macs = apart(boxes)
  const scan = (some: readonly object[]) => call('POST', `batches/${batch}/boxes`, { body: { boxes: some } })
  if (boxes > 0) expect((await scan(macs.map(boxOf))).json.added).toBe(boxes)
  return {
    account,
    batch,
    macs,
    scan,
    token: await api.tokenFor(['stage'], { accountId: account.id }),
    look: (since: string, token?: string) =>
      call('GET', `batches/${batch}/staging?since=${since}`, token === undefined ? {} : { token }),
    whole: (token?: string) => call('GET', `batches/${batch}/staging`, token === undefined ? {} : { token }),
  }
}
type Bench = Awaited<ReturnType<typeof bench>>

/** Somebody who looks again and again. */
function watcher(place: Bench, { token, by = api }: { readonly token?: string; readonly by?: TestApi } = {}) {
  let [cursor, boxes] = ['', new Map<string, Row>()]
  return {
    boxes: () => [...boxes.values()].toSorted((a, b) => (a.mac < b.mac ? -1 : 1)),
    async look(): Promise<Answer> {
      const path = `/api/v1/batches/${place.batch}/staging?since=${cursor}`
      const answer = await by.call('GET', path, token === undefined ? {} : { token })
      const { parts, boxes: sent, cursor: next } = answer.json
      if (parts === null) boxes = new Map()
      for (const mac of boxes.keys()) if (parts?.includes(partOf(mac))) boxes.delete(mac)
      for (const box of sent) boxes.set(box.mac, box)
      cursor = next
      return answer
    },
  }
}

const sorted = (boxes: readonly Row[]) => boxes.toSorted((a, b) => (a.mac < b.mac ? -1 : 1))
const run = (text: string, ...values: readonly unknown[]) =>
  platform.db.run({ name: `test-${createHash('md5').update(text).digest('hex')}`, text, values })

describe('a look with a cursor', () => {
  it('shows all boxes at first, then those that changed, with the counts of all', async () => {
    const place = await bench(20)
    const first = (await place.look('')).json
    const { cursor: _cursor, parts: _parts, at: _at, ...shown } = first
    const { at: _then, ...whole } = (await place.whole()).json
    expect(shown).toEqual(whole)
    expect(first).toMatchObject({ parts: null, counts: { missing: 20 } })
    expect(whole).not.toHaveProperty('cursor')
    const quiet = (await place.look(first.cursor)).json
    expect(quiet).toMatchObject({ parts: [], boxes: [], cursor: first.cursor, counts: { missing: 20 } })
    const mac = place.macs[7] as Mac
    await certifiedFetch(platform, '/cisco-init', mac)
    const next = (await place.look(first.cursor)).json
    expect(next).toMatchObject({
      parts: [partOf(mac)],
      boxes: [{ mac, stage: 'bound' }],
      counts: { missing: 19, bound: 1 },
    })
    // An older cursor is as good, and a newer one has nothing to be told.
    expect((await place.look(first.cursor)).json.boxes).toEqual(next.boxes)
    expect((await place.look(next.cursor)).json.boxes).toEqual([])
  })

  it('reads no box at all while nothing changes, and else those parts alone that did', async () => {
    const place = await bench(40)
    const read: unknown[] = []
    const query: typeof platform.db.query = (statement) => {
      read.push(statement.name === 'staging-rows' ? statement.values[3] : statement.name)
      return platform.db.query(statement)
    }
    const db = Object.assign(Object.create(platform.db) as typeof platform.db, { query })
    const batch = await findBatch(platform.db, place.batch)
    if (batch === undefined) throw new Error('it was just made')
    const look = (since: string | undefined) => lookSince({ db }, batch, { reach: null, since: since ?? '' })
    const { cursor } = await look('')
    expect(read.splice(0)).toEqual(['staging-marks', place.macs.map(partOf).toSorted()])
    expect(await look(cursor)).toMatchObject({ boxes: [], cursor })
    expect(read.splice(0)).toEqual(['staging-marks'])
    const [mac] = place.macs as [Mac]
    await call('PATCH', `devices/${mac}`, { body: { label: 'Ann' } })
    expect(await look(cursor)).toMatchObject({ boxes: [{ mac, name: 'Ann' }] })
    expect(read.splice(0)).toEqual(['staging-marks', [partOf(mac)]])
  })

  it('tells of boxes that came, in the order of scanning, and of those that went', async () => {
    const place = await bench(3)
    const { cursor } = (await place.look('')).json
    const more = Array.from({ length: 30 }, () => freshMac())
    await place.scan(more.map(boxOf))
    const [gone] = place.macs
    await call('DELETE', `batches/${place.batch}/boxes/${gone}`)
    const { json } = await place.look(cursor)
    const own = json.boxes.map(({ mac }: Row) => mac)
    expect(own.filter((mac: Mac) => more.includes(mac))).toEqual(more)
    expect(own).not.toContain(gone)
    expect(json.parts).toEqual([...new Set([gone, ...more].map((mac) => partOf(mac as string)))].toSorted())
    expect(json.counts.missing).toBe(32)
  })

  it('goes on at any process, and from before a start', async () => {
    const place = await bench(5)
    const { cursor } = (await place.look('')).json
    await call('PATCH', `devices/${place.macs[0]}`, { body: { label: 'Ann' } })
    const path = `/api/v1/batches/${place.batch}/staging?since=${cursor}`
    expect((await another.call('GET', path)).json).toMatchObject({ parts: [partOf(place.macs[0] as Mac)] })
  })

  it('shows all boxes for a cursor that says nothing, and refuses what cannot be one', async () => {
    const place = await bench(2)
    const odd = (await place.look('abc')).json
    expect([odd.parts, odd.boxes.length]).toEqual([null, 2])
    // The form of one, with hashes that nobody made: the parts that it names are looked at, and the others.
    const made = (await place.look('A'.repeat(80))).json
    expect([made.boxes.length, made.parts.length]).toEqual([2, 3])
    for (const since of ['%00', 'a b', 'a'.repeat(2049), 'é']) expect((await place.look(since)).status).toBe(422)
    const empty = await bench(0)
    expect((await empty.look('')).json).toMatchObject({ boxes: [], parts: null, cursor: '' })
  })

  it('has one of 256 parts for each box at most, in a cursor that a request can carry', async () => {
    const place = await bench(0)
    const macs = Array.from({ length: 600 }, () => freshMac())
    await place.scan(macs.map(boxOf))
    const { json } = await place.look('')
    expect(json.cursor).toHaveLength(2048)
    expect((await place.look(json.cursor)).json).toMatchObject({ parts: [], boxes: [] })
  })

  it('is refused for a batch with more boxes than staging shows', async () => {
    const place = await bench(0)
    await run(
      `insert into device (mac, serial, model, account_id, batch_id, profile_path, state)
       select 'fe' || lpad(to_hex(i), 10, '0'), 'S' || i, $1, $2, $3, md5('looks' || i), 'known' from generate_series(0, $4) i`,
      PN,
      place.account.id,
      place.batch,
      STAGED_MAX,
    )
    expect((await place.look('')).json).toMatchObject({ status: 409, type: 'batch-too-large' })
    await run(`delete from device where batch_id = $1`, place.batch)
  })
})

/** What may happen to a box, as rows: each changes something that the view reads. */
const HAPPENS: readonly (readonly [what: string, text: string])[] = [
  ['its name', `update device set label = 'Lobby' where mac = $1`],
  ['its serial number', `update device set serial = 'FCH9999XXXX' where mac = $1`],
  ['its model', `update device set model = 'CP-7841-3PCC' where mac = $1`],
  [
    'a stranger’s word',
    `insert into sighting select $1, 'path', '', '192.0.2.7', null, null, null, null, null, now(), now()`,
  ],
  ['the next word', `update sighting set address = '192.0.2.8', last_at = now() where mac = $1`],
  ['the first profile', `update sighting set profile_at = now() where mac = $1`],
  [
    'another serial number',
    `insert into sighting select $1, 'certificate', '', '192.0.2.9', null, 'FCH1', null, null, null, now(), now()`,
  ],
  ['the right one', `update sighting set serial = 'FCH9999XXXX' where mac = $1 and source = 'certificate'`],
  ['a refusal', `update sighting set problem = 'wrong-ca', last_at = now() where mac = $1 and source = 'certificate'`],
  ['no word any more', `delete from sighting where mac = $1`],
  ['a claim', `insert into device_seen (mac, claimed_at, claimed_from) values ($1, now(), '192.0.2.10')`],
  ['another claim', `update device_seen set claimed_from = '192.0.2.11' where mac = $1`],
  ['a later claim', `update device_seen set claimed_at = now() where mac = $1`],
  [
    'a call by TR-069',
    `insert into acs_state (mac, first_at, last_at, last_from, secure, manufacturer, oui, product_class,
     root, namespace, inform_hash) values ($1, now(), now(), '192.0.2.12', false, 'Cisco', '000e08', 'x', 'Device.', 'x', 'x')`,
  ],
  ['a secure call', `update acs_state set secure = true where mac = $1`],
  ['a later call', `update acs_state set last_at = now() + interval '1 s' where mac = $1`],
  ['an earlier first call', `update acs_state set first_at = now() - interval '1 h' where mac = $1`],
  ['a call from elsewhere', `update acs_state set last_from = '192.0.2.13' where mac = $1`],
  ['its binding', `update device set state = 'bound', bound_at = now(), key_issued = 1 where mac = $1`],
  [
    'a proof',
    `update device_seen set believed_at = now() + interval '2 s', believed_from = '192.0.2.14' where mac = $1`,
  ],
  ['a later proof', `update device_seen set believed_at = now() + interval '3 s' where mac = $1`],
  ['a proof from elsewhere', `update device_seen set believed_from = '192.0.2.15' where mac = $1`],
  ['an earlier first proof', `update device_seen set first_at = now() - interval '2 h' where mac = $1`],
  ['its key', `update device set key_confirmed = 1 where mac = $1`],
  ['one more key', `update device set key_issued = 2 where mac = $1`],
  ['a version', `update device set running_version = 'a' where mac = $1`],
  ['the version that it was sent', `update device set served_version = 'a' where mac = $1`],
  ['no version', `update device set running_version = null where mac = $1`],
  ['being in step', `update acs_state set in_step = 'x' where mac = $1`],
  [
    'its line up by TR-069',
    `insert into acs_parameter (mac, path, value, at) values
       ($1, 'Device.Services.VoiceService.1.VoiceProfile.1.Line.1.Status', 'Up', now() + interval '3 s')`,
  ],
  ['up at another time', `update acs_parameter set at = now() + interval '4 s' where mac = $1`],
  ['down', `update acs_parameter set value = 'Disabled' where mac = $1`],
  ['a version again', `update device set running_version = 'b' where mac = $1`],
  ['its own word of its line', `update device_seen set registration_seconds = 0 where mac = $1`],
  [
    'a line',
    `update line set device_mac = $1, line_index = 1
     where id = (select id from line where account_id = (select account_id from device where mac = $1) limit 1)`,
  ],
  ['who has the line', `update line set display_name = 'Ann' where device_mac = $1`],
  ['its user', `update line set user_id = '4711' where device_mac = $1`],
  [
    'the registrar',
    `insert into registration (line_id, registered, asked_at, seen_at, changed_at)
       select id, false, now(), now() + interval '5 s', now() + interval '5 s' from line where device_mac = $1`,
  ],
  [
    'registered',
    `update registration set registered = true where line_id = (select id from line where device_mac = $1)`,
  ],
  [
    'since another time',
    `update registration set changed_at = now() + interval '6 s'
     where line_id = (select id from line where device_mac = $1)`,
  ],
  [
    'before its binding',
    `update registration set seen_at = now() - interval '1 d'
     where line_id = (select id from line where device_mac = $1)`,
  ],
  ['bound again', `update device set bound_at = now() + interval '1 s' where mac = $1`],
  [
    'one more line',
    `update line set device_mac = $1, line_index = 2
     where id = (select l.id from line l join device d on d.account_id = l.account_id
                  where d.mac = $1 and l.device_mac is null limit 1)`,
  ],
  ['the order of its lines', `update line set line_index = 3 where device_mac = $1 and line_index = 1`],
  ['no line', `update line set device_mac = null, line_index = null where device_mac = $1`],
  ['being put in at another time', `update batch_box set scanned_at = now() + interval '1 s' where mac = $1`],
  ['no scan', `delete from batch_box where mac = $1`],
  ['no binding', `update device set bound_at = null where mac = $1`],
  ['its making', `update device set created_at = now() - interval '1 d' where mac = $1`],
  ['being disabled', `update device set state = 'disabled' where mac = $1`],
  ['leaving', `update device set batch_id = null where mac = $1`],
]

describe('whoever follows a batch by cursors', () => {
  it('sees all that may happen to a box as a whole look shows it, and is sent that part alone', async () => {
    const place = await bench(12, 2)
    await run('update line set device_mac = null, line_index = null where account_id = $1', place.account.id)
    const follower = watcher(place)
    await follower.look()
    const mac = place.macs[5] as Mac
    const before = new Set<string>()
    const silent: string[] = []
    for (const [what, text] of HAPPENS) {
      await run(text, mac)
      const { json } = await follower.look()
      expect([what, follower.boxes()]).toEqual([what, sorted((await place.whole()).json.boxes)])
      expect([what, json.counts]).toEqual([what, (await place.whole()).json.counts])
      if (json.parts.length === 0) silent.push(what)
      else expect([what, json.parts]).toEqual([what, [partOf(mac)]])
      before.add(JSON.stringify(json.boxes))
    }
    // Most of it is seen; a row that shows nothing sends nothing.
    expect(silent.length).toBeLessThan(HAPPENS.length / 2)
    expect(before.size).toBeGreaterThan(HAPPENS.length / 3)
  })

  it('sees how profiles travel in its account', async () => {
    const place = await bench(2)
    const [mac] = place.macs
    await run(
      `update device set state = 'bound', bound_at = now(), key_issued = 1, running_version = 'a', served_version = 'a'
        where mac = $1`,
      mac,
    )
    const follower = watcher(place)
    await follower.look()
    expect(follower.boxes().find((box) => box.mac === mac)?.['keysConfirmed']).toBe(true)
    await run(`update account set settings = settings || '{"delivery": "sealed"}' where id = $1`, place.account.id)
    await follower.look()
    expect(follower.boxes().find((box) => box.mac === mac)?.['keysConfirmed']).toBe(false)
  })

  it('sees the same as others at other processes, whatever their limits, in whatever order it happens', async () => {
    const place = await bench(8, 2)
    await run('update line set device_mac = null, line_index = null where account_id = $1', place.account.id)
    const { token } = place
    const followers = [
      { who: watcher(place), token: undefined },
      { who: watcher(place, { by: another }), token: undefined },
      { who: watcher(place, { token }), token },
      { who: watcher(place, { token, by: another }), token },
    ]
    let seed = 11
    const pick = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
    for (let step = 0; step < 60; step++) {
      const [, text = ''] = HAPPENS[pick(HAPPENS.length - 1)] ?? []
      // Not each can happen to each box at each time.
      await run(text, place.macs[pick(place.macs.length)]).catch(() => undefined)
      const follower = followers[pick(followers.length)]
      await follower?.who.look()
      const whole = (await place.whole(follower?.token)).json.boxes
      expect([step, follower?.who.boxes()]).toEqual([step, sorted(whole)])
    }
  })
})

describe('a limited token that follows a batch', () => {
  it('is told of a wrong serial number by what the networks of others are by then', async () => {
    const place = await bench(3)
    const [own, wrong] = apart(2) as [Mac, Mac]
    await place.scan([boxOf(own), { mac: wrong, serial: 'FCH2305DMH0' }])
    const follower = watcher(place, { token: place.token })
    const from = (mac: Mac, peer: string) =>
      servedTo(platform, requestOf('/cisco-init', { peer, certificate: certificateOf(mac) }))
    await from(wrong, '198.18.9.1')
    await follower.look()
    const shown = () => follower.boxes().find((box) => box.mac === wrong)
    expect(shown()).toMatchObject({ stage: 'wrong-serial', address: null })
    // It acts once more, and that shows nowhere: not in the cursor either.
    const quiet = (await place.look('', place.token)).json.cursor
    await from(wrong, '198.18.9.2')
    const { cursor, parts } = (await place.look(quiet, place.token)).json
    expect({ cursor, parts }).toEqual({ cursor: quiet, parts: [] })
    await from(own, '198.18.9.3')
    const { json } = await follower.look()
    expect(json.parts).toEqual([wrong, own].map(partOf).toSorted())
    expect(shown()).toMatchObject({ stage: 'wrong-serial', address: '198.18.9.2' })
    expect(follower.boxes()).toEqual(sorted((await place.whole(place.token)).json.boxes))
    await run('delete from device where mac = $1', own)
    await follower.look()
    expect(shown()).toMatchObject({ address: null })
  })

  it('learns nothing by the cursor of leases that others tell of', async () => {
    const [place, other] = [await bench(2), await bench(0)]
    const { cursor } = (await place.look('', place.token)).json
    const whole = (await place.look('')).json.cursor
    const mac = place.macs[0] as Mac
    await run(
      `insert into sighting select $1, 'dhcp', $2, '192.0.2.77', null, null, null, null, null, now(), now()`,
      mac,
      other.account.id,
    )
    expect((await place.look(cursor, place.token)).json).toMatchObject({ parts: [], cursor })
    expect((await place.look(whole)).json).toMatchObject({ parts: [partOf(mac)], boxes: [{ mac, stage: 'seen' }] })
  })

  it('follows no batch of others', async () => {
    const [place, other] = [await bench(1), await bench(1)]
    expect((await other.look('', place.token)).status).toBe(404)
  })
})
