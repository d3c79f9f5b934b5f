import { afterAll, describe, expect, it } from 'vitest'
import {
  eventsAfter,
  eventsUntilNow,
  type EventRecord,
  mendEventOrder,
  newestPlace,
  readPlace,
  recordEvents,
  type Sql,
} from '../store/mod.ts'
import { freshMac } from '../testing.ts'
import { openTestApi, type TestApi } from './testing.ts'

const api = await openTestApi()
const { account, call, platform } = api

const reseller = await account()
const customer = await account(reseller)
const stranger = await account()

const event = (more: Partial<EventRecord> = {}): EventRecord => ({
  name: 'device.bound',
  trust: 'certified',
  mac: undefined,
  accountId: undefined,
  data: {},
  ...more,
})
const put = (...events: readonly EventRecord[]) => recordEvents(platform.db, events)

/** A transaction that stays open until it is told to commit. */
async function openTransaction(on: TestApi, work: (tx: Sql) => Promise<void>): Promise<() => Promise<void>> {
  let commit: () => void = () => undefined
  const told = new Promise<void>((done) => {
    commit = done
  })
  let begun: () => void = () => undefined
  const ready = new Promise<void>((done) => {
    begun = done
  })
  const whole = on.platform.db.transaction(async (tx) => {
    await work(tx)
    begun()
    await told
  })
  await ready
  return () => {
    commit()
    return whole
  }
}

describe('events', () => {
  it('are found by device, account, names and patterns, trust, time and text', async () => {
    const mac = freshMac()
    await put(
      event({ mac, accountId: customer, at: Date.parse('2026-01-01T00:00:00Z') }),
      event({ mac, accountId: customer, name: 'device.held', trust: 'claimed', peer: '192.0.2.77' }),
      event({ mac, accountId: stranger, name: 'report.received', data: { kind: 'full_moon' } }),
    )
    const names = async (query: string) =>
      (await call('GET', `/api/v1/events?mac=${mac}&${query}`)).json.items.map((each: { name: string }) => each.name)
    expect(await names('limit=5')).toEqual(['report.received', 'device.held', 'device.bound'])
    expect(await names('name=device.*')).toEqual(['device.held', 'device.bound'])
    expect(await names('name=device.held,report.received')).toEqual(['report.received', 'device.held'])
    expect(await names('name=device.held&name=device.bound')).toEqual(['device.held', 'device.bound'])
    expect(await names('trust=claimed')).toEqual(['device.held'])
    expect(await names('since=2026-01-01T00:00:01Z')).toEqual(['report.received', 'device.held'])
    expect(await names('until=2026-01-01T00:00:01Z')).toEqual(['device.bound'])
    expect(await names('q=FULL_MOON')).toEqual(['report.received'])
    expect(await names('q=192.0.2.77')).toEqual(['device.held'])
    expect(await names(`accountId=${stranger}`)).toEqual(['report.received'])
    expect((await call('GET', '/api/v1/events?name=a_b')).status).toBe(422)
    expect((await call('GET', '/api/v1/events?trust=much')).status).toBe(422)
    const page = await call('GET', `/api/v1/devices/${mac}/events?limit=2`)
    const rest = await call('GET', `/api/v1/devices/${mac}/events?limit=2&after=${page.json.next}`)
    expect([...page.json.items, ...rest.json.items].map((each: { name: string }) => each.name)).toEqual([
      'report.received',
      'device.held',
      'device.bound',
    ])
  })

  it('of others are not seen by a limited token', async () => {
    const token = await api.tokenFor(['read'], { accountId: reseller })
    await put(event({ accountId: stranger }), event(), event({ accountId: customer }))
    const seen = await call('GET', '/api/v1/events?limit=1000', { token })
    expect(seen.json.items.length).toBeGreaterThan(0)
    for (const each of seen.json.items) expect([reseller, customer]).toContain(each.accountId)
    expect((await call('GET', `/api/v1/events?accountId=${stranger}`, { token })).status).toBe(404)
    expect((await call('GET', `/api/v1/devices/${freshMac()}/events`, { token })).status).toBe(404)
  })
})

describe('following events', () => {
  it('loses none and repeats none when a transaction commits after a younger one', async () => {
    const other = await api.listenAnother()
    const filter = { reach: null, accountId: customer }
    const seen: string[] = []
    let place = await eventsUntilNow(platform.db)
    const read = async () => {
      for (const row of await eventsAfter(platform.db, filter, place, 100)) {
        place = { xid: row.xid, id: row.id }
        seen.push(String(row.data['n']))
      }
    }
    const commitEarly = await openTransaction(api, (tx) =>
      recordEvents(tx, [event({ accountId: customer, data: { n: 'early' } })]),
    )
    const commitLate = await openTransaction(other, (tx) =>
      recordEvents(tx, [event({ accountId: customer, data: { n: 'late' } })]),
    )
    await commitLate()
    // The younger one is visible to everybody, but a follower that took it now would never see the older one.
    const visible = await call('GET', `/api/v1/events?accountId=${customer}&limit=1`)
    expect(visible.json.items[0].data.n).toBe('late')
    await read()
    expect(seen).toEqual([])
    await commitEarly()
    await read()
    await read()
    expect(seen).toEqual(['early', 'late'])
  })

  it('goes on after the database was restored where transactions are counted anew', async () => {
    await put(event({ accountId: customer, data: { n: 'restored' } }))
    await platform.db.run({
      name: 'test-future',
      text: `update event set xid = '9000000000000000000'::xid8 where data->>'n' = 'restored'`,
      values: [],
    })
    const start = await eventsUntilNow(platform.db)
    expect(await mendEventOrder(platform.db)).toBe(1)
    const rows = await eventsAfter(platform.db, { reach: null }, start, 10)
    expect(rows.map(({ data }) => data['n'])).toEqual(['restored'])
  })

  it.each(['', '1', '1.', '.1', 'a.b', '1.2.3', '-1.2', '99999999999999999999.1', '1.99999999999999999'])(
    'knows that "%s" is no place',
    (text) => expect(readPlace(text)).toBeUndefined(),
  )
})

interface Stream {
  readonly status: number
  /** The next event, with its id. */
  next(): Promise<{ readonly id: string; readonly data: any } | undefined> // oxlint-disable-line typescript/no-explicit-any -- the tests look at the shapes themselves
  readonly lastId: () => string
  close(): void
}

const streams: Stream[] = []
afterAll(() => {
  for (const stream of streams) stream.close()
})

async function openStream(
  on: TestApi,
  query = '',
  headers: Readonly<Record<string, string>> = {},
  token?: string,
): Promise<Stream> {
  const stop = new AbortController()
  const bearer = token ?? (await on.tokenFor(['read']))
  const response = await fetch(`${on.base}/api/v1/events/stream${query}`, {
    headers: { authorization: `Bearer ${bearer}`, ...headers },
    signal: stop.signal,
  })
  const blocks = blocksOf(response)
  let lastId = ''
  // The first block says where the stream begins.
  if (response.status === 200) lastId = (await blocks.next()).value?.id ?? ''
  const stream: Stream = {
    status: response.status,
    async next() {
      for (;;) {
        const { value, done } = await blocks.next().catch(() => ({ value: undefined, done: true }))
        if (done === true || value === undefined) return undefined
        lastId = value.id ?? lastId
        if (value.data !== undefined) return { id: lastId, data: JSON.parse(value.data) }
      }
    },
    lastId: () => lastId,
    close: () => stop.abort(),
  }
  streams.push(stream)
  return stream
}

async function* blocksOf(response: Response): AsyncGenerator<{ readonly id?: string; readonly data?: string }> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const part of response.body ?? []) {
    text += decoder.decode(part as Uint8Array, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      yield { ...wrap('id', field('id')), ...wrap('data', field('data')) }
    }
  }
}

const wrap = (name: string, value: string | undefined) => (value === undefined ? {} : { [name]: value })

describe('the stream of events', () => {
  it('tells what happens from now on, in every process, with the same filters', async () => {
    const mac = freshMac()
    const other = await api.listenAnother()
    await put(event({ mac, data: { n: 0 } }))
    const here = await openStream(api, `?mac=${mac}&name=device.*`)
    const there = await openStream(other, `?mac=${mac}`)
    await put(event({ mac, name: 'report.received', data: { n: 1 } }), event({ mac: freshMac() }))
    await put(event({ mac, data: { n: 2 } }))
    expect((await here.next())?.data).toMatchObject({
      mac,
      name: 'device.bound',
      text: 'Bound to the account',
      data: { n: 2 },
    })
    expect((await there.next())?.data.data.n).toBe(1)
    expect((await there.next())?.data.data.n).toBe(2)
  })

  it('goes on behind the last id, also where it began and between two pages, without loss or repetition', async () => {
    const mac = freshMac()
    const first = await openStream(api, `?mac=${mac}`)
    const begun = first.lastId()
    await put(event({ mac, data: { n: 1 } }), event({ mac, data: { n: 2 } }))
    const one = await first.next()
    first.close()
    await put(...Array.from({ length: 450 }, (_each, index) => event({ mac, data: { n: index + 3 } })))
    const numbers = async (id: string, count: number, query = '') => {
      const stream = await openStream(api, `?mac=${mac}${query}`, id === '' ? {} : { 'last-event-id': id })
      const all: number[] = []
      while (all.length < count) all.push((await stream.next())?.data.data.n)
      stream.close()
      return all
    }
    expect(one?.data.data.n).toBe(1)
    expect(await numbers(one?.id ?? '', 451)).toEqual(Array.from({ length: 451 }, (_each, index) => index + 2))
    expect(await numbers(begun, 452)).toEqual(Array.from({ length: 452 }, (_each, index) => index + 1))
    expect(await numbers('', 451, `&after=${one?.id}`)).toHaveLength(451)
    const refused = await call('GET', '/api/v1/events/stream', { headers: { 'last-event-id': 'x' } })
    expect([refused.status, refused.json.type]).toEqual([422, 'bad-last-event-id'])
  })

  it('waits for a transaction that began before what it could tell', async () => {
    const mac = freshMac()
    const stream = await openStream(api, `?mac=${mac}`)
    const commit = await openTransaction(api, (tx) => recordEvents(tx, [event({ mac, data: { n: 'early' } })]))
    await put(event({ mac, data: { n: 'late' } }))
    await commit()
    expect([(await stream.next())?.data.data.n, (await stream.next())?.data.data.n]).toEqual(['early', 'late'])
  })

  it('shows a limited token only what it reaches', async () => {
    const token = await api.tokenFor(['read'], { accountId: reseller })
    const stream = await openStream(api, '', {}, token)
    await put(event({ accountId: stranger, data: { n: 1 } }), event({ accountId: customer, data: { n: 2 } }))
    expect((await stream.next())?.data.data.n).toBe(2)
    expect((await openStream(api, `?accountId=${stranger}`, {}, token)).status).toBe(404)
  })

  it('is opened ten times by one token, not more, and again when one ended', async () => {
    const token = await api.tokenFor(['read'])
    const open = await Promise.all(Array.from({ length: 10 }, () => openStream(api, '', {}, token)))
    expect(open.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
    expect((await openStream(api, '', {}, token)).status).toBe(429)
    open[0]?.close()
    let status = 429
    while (status === 429) status = (await openStream(api, '', {}, token)).status
    expect(status).toBe(200)
  })

  it('ends when the server stops', async () => {
    const other = await api.listenAnother()
    const stream = await openStream(other)
    await other.door.close()
    expect(await stream.next()).toBeUndefined()
  })

  it('an idle place does not move', async () => {
    expect(await newestPlace(platform.db)).toEqual(await newestPlace(platform.db))
  })
})
