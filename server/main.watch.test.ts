import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import type { MacAddress } from '../protocol/identity.ts'
import { serveFetch } from './nps/mod.ts'
import {
  acknowledgeAlarm,
  addCanary,
  type AlarmKind,
  askForMeasurement,
  findLayer,
  listAlarms,
  listCapacity,
  replaceLayer,
  takeTurn,
} from './store/mod.ts'
import { certificateOf, certifiedFetch, freshMac, openTestPlatform, requestOf } from './testing.ts'
import { providerOn } from './testing-provider.ts'
import { openWatch, startWatch } from './jobs/watch/mod.ts'

const MINUTE = 60_000
const clock = { now: Date.now() }
const { platform, openAnother } = await openTestPlatform({ now: () => clock.now })
const { eventsOf, accountWith, codeOf } = providerOn(platform)
const watch = openWatch(platform)
afterAll(() => watch.close())
// From now on somebody watches.
await watch.tick()

async function alarms(kind: AlarmKind, subject: string) {
  const rows = await listAlarms(platform.db, {
    reach: null,
    states: undefined,
    kind,
    mac: undefined,
    accountId: undefined,
    before: undefined,
    limit: 1000,
  })
  return rows.filter((row) => row.subject === subject).map(({ state, data, count, id }) => ({ state, data, count, id }))
}

/** The database counts the life of a code by its own clock, and ours runs ahead. */
const CODE_S = 30_000_000

async function bound() {
  const account = await accountWith()
  const mac = freshMac()
  const code = await codeOf(account.id, { ttlSeconds: CODE_S })
  expect((await certifiedFetch(platform, `/cisco-init/${code.code}`, mac)).kind).toBe('bytes')
  return { account, mac }
}

/** Time goes by with the watch looking all along; what phones said meanwhile is written. */
async function pass(minutes: number, step = 4): Promise<void> {
  for (let gone = 0; gone < minutes; gone += step) {
    clock.now += Math.min(step, minutes - gone) * MINUTE
    await platform.flush()
    await watch.tick()
  }
}

async function periodOf(accountId: string, list: string): Promise<void> {
  await platform.change((tx) =>
    replaceLayer(tx, platform.vault, {
      scope: 'account',
      id: accountId,
      parameters: new Map([['Resync_Periodic', { value: list }]]),
      who: 'test',
      why: undefined,
    }),
  )
}

/** A phone that was told to come back every ten minutes, and has just been served. */
async function punctual(): Promise<{ readonly mac: MacAddress; readonly accountId: string }> {
  const { mac, account } = await bound()
  await periodOf(account.id, '600')
  await comes(mac, '1')
  return { mac, accountId: account.id }
}

async function comes(mac: MacAddress, why: string): Promise<void> {
  const delivery = await certifiedFetch(platform, `/cisco-init?v=0123456789abcdef&why=${why}`, mac)
  expect(delivery.kind).toBe('bytes')
}

describe('silence', () => {
  it('of a phone that should have come back is an alarm, and over when it comes', async () => {
    const { mac } = await punctual()
    // Twice its ten minutes, and a quarter of an hour: late is not silent.
    await pass(33)
    expect(await alarms('silence', mac)).toEqual([])
    await pass(4)
    expect(await alarms('silence', mac)).toMatchObject([{ state: 'open', count: 1, data: { periodSeconds: 600 } }])
    await pass(12)
    expect(await alarms('silence', mac)).toMatchObject([{ state: 'open', count: 1 }])
    await comes(mac, '0')
    await pass(1)
    expect(await alarms('silence', mac)).toMatchObject([{ state: 'cleared' }])
    const events = await eventsOf(mac)
    expect(events.filter((name) => name.startsWith('alarm.'))).toEqual(['alarm.raised', 'alarm.cleared'])
  })

  it('is no alarm while the phone comes as it was told, and none for one that only claims to be it', async () => {
    const { mac } = await punctual()
    for (let count = 0; count < 6; count++) {
      await pass(10)
      await comes(mac, '1')
    }
    expect(await alarms('silence', mac)).toEqual([])
    for (let count = 0; count < 10; count++) {
      await pass(4)
      await serveFetch(platform.context, requestOf(`/${mac}.cfg`, { door: 'tftp', peer: '192.0.2.99' }))
    }
    expect(await alarms('silence', mac)).toHaveLength(1)
  })

  it('of a phone that is told not to come by itself is none', async () => {
    const { mac, account } = await bound()
    await periodOf(account.id, '0')
    await comes(mac, '1')
    await pass(120)
    expect(await alarms('silence', mac)).toEqual([])
  })

  it('of most phones of an account is one alarm for all of them', async () => {
    const account = await accountWith({ lines: 12 })
    await periodOf(account.id, '600')
    const code = await codeOf(account.id, { devices: 12, ttlSeconds: CODE_S })
    const macs = Array.from({ length: 12 }, () => freshMac())
    for (const mac of macs) await certifiedFetch(platform, `/cisco-init/${code.code}`, mac)
    await pass(45)
    expect(await alarms('silence', `account/${account.id}`)).toMatchObject([
      { state: 'open', data: { outage: true, silent: 12, bound: 12 } },
    ])
    for (const mac of macs) expect(await alarms('silence', mac)).toEqual([])
    for (const mac of macs) await comes(mac, '0')
    await pass(1)
    expect(await alarms('silence', `account/${account.id}`)).toMatchObject([{ state: 'cleared' }])
  })

  it('while nobody watched is none: the phones get time to come back', async () => {
    const { mac } = await punctual()
    await pass(2)
    clock.now += 600 * MINUTE
    await pass(30)
    expect(await alarms('silence', mac)).toEqual([])
    await pass(10)
    expect(await alarms('silence', mac)).toHaveLength(1)
  })
})

describe('a loop', () => {
  it('is an alarm with its likely reason, and over when the phone has calmed down', async () => {
    const { mac, account } = await bound()
    await periodOf(account.id, '3600')
    for (let count = 0; count < 14; count++) await comes(mac, '0')
    await pass(1)
    expect(await alarms('loop', mac)).toMatchObject([{ state: 'open', data: { reason: 'reboots', downloads: 15 } }])
    await pass(30)
    expect(await alarms('loop', mac)).toMatchObject([{ state: 'open', count: 1 }])
    await pass(45)
    expect(await alarms('loop', mac)).toMatchObject([{ state: 'cleared' }])
  })

  it('cannot be made up by somebody who only claims to be the phone', async () => {
    const { mac } = await bound()
    const device = await platform.directory.device(mac)
    const path = `/s/${device?.device.profilePath ?? ''}.cfg?k=1`
    for (let count = 0; count < 50; count++) {
      // The sealed profile is for anybody who knows its path; who asks for it proves nothing.
      const delivery = await serveFetch(platform.context, requestOf(path, { door: 'http', peer: '192.0.2.50' }))
      expect(delivery.kind).toBe('bytes')
    }
    await pass(1)
    expect(await alarms('loop', mac)).toEqual([])
  })
})

describe('a search', () => {
  it('for MACs raises an alarm for its network, which ends when it does', async () => {
    const peer = '203.0.113.7'
    for (let count = 0; count < 200; count++) {
      await serveFetch(platform.context, requestOf(`/${freshMac()}.cfg`, { door: 'tftp', peer }))
    }
    await pass(1)
    expect(await alarms('unknown-macs', '203.0.113.0/24')).toMatchObject([
      { state: 'open', data: { unknownMacs: 128 } },
    ])
    await pass(121)
    expect(await alarms('unknown-macs', '203.0.113.0/24')).toMatchObject([{ state: 'cleared' }])
  })

  it.each(['tftp', 'http', 'https'] as const)(
    'that names a canary over %s raises an alarm with the peer',
    async (door) => {
      const mac = freshMac()
      await platform.change((tx) => addCanary(tx, { mac, note: '', who: 'test' }))
      await pass(1)
      const ask = requestOf(`/${mac}.cfg`, { door, peer: '198.51.100.3' })
      const [caught, ordinary] = [
        await serveFetch(platform.context, ask),
        await serveFetch(platform.context, requestOf(`/${freshMac()}.cfg`, { door, peer: '198.51.100.3' })),
      ]
      expect(caught).toEqual(ordinary)
      await pass(1)
      const [alarm] = await alarms('canary', mac)
      expect(alarm).toMatchObject({ state: 'open', data: { peer: '198.51.100.3', door } })
      await acknowledgeAlarm(platform.db, alarm?.id ?? '', 'test')
      await pass(61)
      expect(await alarms('canary', mac)).toMatchObject([{ state: 'cleared' }])
    },
  )

  it('of a canary that was just added is noticed in every process at once', async () => {
    const other = await openAnother()
    const jobs = [await startWatch(platform), await startWatch(other)]
    const mac = freshMac()
    const asked = performance.now()
    await platform.change((tx) => addCanary(tx, { mac, note: '', who: 'test' }))
    const heard = async (signals: typeof other.signals): Promise<number> => {
      for (;;) {
        signals.named(mac, '198.51.100.7', 'http', 0)
        if (signals.drain().canaries.length > 0) return performance.now() - asked
        await pause(5)
      }
    }
    // Well before the first look, which comes after two seconds.
    for (const each of [platform, other]) expect(await heard(each.signals)).toBeLessThan(1500)
    for (const job of jobs) await job.close()
  })

  it('with a certificate for a canary is noticed too; a MAC of ours cannot be one', async () => {
    const { mac } = await bound()
    expect(await platform.change((tx) => addCanary(tx, { mac, note: '', who: 'test' }))).toBeUndefined()
    const canary = freshMac()
    await platform.change((tx) => addCanary(tx, { mac: canary, note: '', who: 'test' }))
    await pass(1)
    const request = requestOf('/cisco-init', { certificate: certificateOf(canary), peer: '198.51.100.4' })
    await serveFetch(platform.context, request)
    await pass(1)
    expect(await alarms('canary', canary)).toHaveLength(1)
  })
})

describe('overload', () => {
  it('is an alarm of the process, over after five minutes of quiet', async () => {
    platform.signals.overloaded('closed-early')
    await pass(1)
    const rows = await listAlarms(platform.db, {
      reach: null,
      states: ['open'],
      kind: 'overload',
      mac: undefined,
      accountId: undefined,
      before: undefined,
      limit: 10,
    })
    expect(rows).toMatchObject([{ data: { closed: 1 } }])
    await pass(6)
    expect(await alarms('overload', rows[0]?.subject ?? '')).toMatchObject([{ state: 'cleared' }])
  })
})

describe('several processes on one database', () => {
  it('take turns: whoever comes too early leaves it to the other', async () => {
    const turn = { name: 'a-test', everyMs: 30_000 }
    const take = (at: number) => platform.change((tx) => takeTurn(tx, { ...turn, now: clock.now + at }))
    const [first, early, due] = [await take(0), await take(29_999), await take(30_000)]
    expect([first, early, due]).toEqual([clock.now, undefined, clock.now])
  })

  it('raise an alarm once', async () => {
    const other = await openAnother()
    const otherWatch = openWatch(other)
    try {
      const { mac } = await punctual()
      for (let gone = 0; gone < 45; gone += 3) {
        clock.now += 3 * MINUTE
        await platform.flush()
        await Promise.all([watch.tick(), otherWatch.tick()])
      }
      expect(await alarms('silence', mac)).toMatchObject([{ state: 'open', count: 1 }])
      const raised = (await eventsOf(mac)).filter((name) => name === 'alarm.raised')
      expect(raised).toHaveLength(1)
    } finally {
      await otherWatch.close()
    }
  })
})

describe('the capacity meter', () => {
  it('measures when it is asked, quickly, and the doors hear of it', async () => {
    await watch.tick()
    const heard: number[] = []
    platform.signals.onMachine((perSecond) => heard.push(perSecond))
    expect(await askForMeasurement(platform.db, clock.now - MINUTE)).toBe(1)
    const before = process.cpuUsage()
    await watch.tick()
    const { user, system } = process.cpuUsage(before)
    const [stored] = await listCapacity(platform.db, clock.now - MINUTE)
    const { handshakesPerSecond = 0, requestsPerSecond = 0, rendersPerSecond = 0 } = stored?.measured ?? {}
    // However little of the machine other tests leave.
    expect(handshakesPerSecond).toBeGreaterThan(1)
    expect(requestsPerSecond).toBeGreaterThan(1)
    expect(rendersPerSecond).toBeGreaterThan(1)
    expect(heard).toEqual([handshakesPerSecond])
    expect(stored?.askedAt).toBeNull()
    // Of this process, the measuring client included.
    expect((user + system) / 1e6).toBeLessThan(10)
  })
})

describe('the job', () => {
  it('starts, and stops at once', async () => {
    const job = await startWatch(platform)
    await job.close()
    expect(await findLayer(platform.db, platform.vault, 'provider', '-')).toBeUndefined()
  })
})
