import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import { macOf, openTestPlatform, serialOf } from '../testing.ts'
import {
  forgetOldSightings,
  listStrangers,
  networkOf,
  recordSightings,
  REPORTED_MAX,
  type Sighting,
  SIGHTINGS_MAX,
  STRANGERS_MAX,
} from './sightings.ts'

const { platform } = await openTestPlatform()
const { db } = platform
const T0 = Date.UTC(2026, 0, 2)
const SINCE = new Date(T0)
const numbered = (number: number): MacAddress => macOf(`02${number.toString(16).padStart(10, '0')}`)
const seen = (mac: MacAddress, more: Partial<Omit<Sighting, 'at'>> & { at?: number } = {}): Sighting => ({
  mac,
  address: '192.0.2.7',
  source: 'path',
  ...more,
  at: new Date(T0 + (more.at ?? 1000)),
})
const empty = () => db.run({ name: 'test-empty', text: 'delete from sighting', values: [] })
const count = async (where = 'true') =>
  (
    await db.one<{ total: number }>({
      name: `test-count-${where}`,
      text: `select count(*)::integer as total from sighting where ${where}`,
      values: [],
    })
  )?.total

describe('networks', () => {
  it.each([
    ['192.0.2.7', '192.0.2.0/24'],
    ['::ffff:192.0.2.7', '192.0.2.0/24'],
    ['10.1.2.3', '10.1.2.0/24'],
    ['8.8.8.8', '8.8.8.8/32'],
    ['::ffff:8.8.8.8', '8.8.8.8/32'],
    ['100.63.255.1', '100.63.255.1/32'],
    ['100.64.0.1', '100.64.0.1/32'],
    ['100.127.255.1', '100.127.255.1/32'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['nonsense', undefined],
    ['1.2.3', undefined],
    ['', undefined],
  ])('%s is in %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('sightings', () => {
  it('keep the first and the newest of each phone and way, whatever order they come in', async () => {
    await empty()
    const mac = numbered(1)
    await recordSightings(db, [
      seen(mac, { at: 3000, address: '192.0.2.3', productName: 'CP-8851-3PCC' }),
      seen(mac, { at: 1000, address: '192.0.2.1' }),
      seen(mac, { at: 2000, address: '192.0.2.2', source: 'certificate', serial: serialOf('FCH0001') }),
    ])
    await recordSightings(db, [seen(mac, { at: 500, address: '192.0.2.9' })])
    await recordSightings(db, [seen(mac, { at: 4000, address: '192.0.2.4' })])
    expect(await count()).toBe(2)
    const [stranger] = await listStrangers(db, SINCE, undefined)
    expect(stranger).toEqual({
      mac,
      serial: 'FCH0001',
      productName: null,
      address: '192.0.2.2',
      source: 'certificate',
      problem: null,
      firstAt: new Date(T0 + 1000),
      lastAt: new Date(T0 + 4000),
    })
  })

  it('forget what a phone was refused for when it did better', async () => {
    await empty()
    const mac = numbered(2)
    const certified = (at: number, problem?: string) =>
      seen(mac, { at, source: 'certificate', ...(problem === undefined ? {} : { problem }) })
    await recordSightings(db, [certified(1000, 'wrong-code'), certified(2000)])
    expect((await listStrangers(db, SINCE, undefined))[0]?.problem).toBeNull()
    await recordSightings(db, [certified(3000, 'locked-out')])
    expect((await listStrangers(db, SINCE, undefined))[0]?.problem).toBe('locked-out')
    await recordSightings(db, [certified(4000)])
    expect((await listStrangers(db, SINCE, undefined))[0]?.problem).toBeNull()
  })

  it('are told of strangers only, newest first, of the time and place that is asked for, and not of too many', async () => {
    await empty()
    const device = numbered(3)
    await db.run({
      name: 'test-device',
      text: `insert into device (mac, serial, model, state, profile_path) values ($1, 'FCH0003', 'CP-8851-3PCC', 'known', $2)`,
      values: [device, '0'.repeat(32)],
    })
    await recordSightings(db, [
      seen(device),
      seen(numbered(4), { at: -1 }),
      seen(numbered(5), { at: 5000, address: '198.51.100.1' }),
      seen(numbered(6), { at: 6000, address: '192.0.2.200' }),
      seen(numbered(7), { at: 7000, source: 'dhcp', reporter: 'acc_a' }),
      seen(numbered(8), { at: 8000, source: 'dhcp' }),
    ])
    const macs = async (near: Parameters<typeof listStrangers>[2]) =>
      (await listStrangers(db, SINCE, near)).map(({ mac }) => mac)
    expect(await macs(undefined)).toEqual([8, 7, 6, 5].map(numbered))
    expect(await macs({ networks: ['192.0.2.0/24'], reporters: [] })).toEqual([8, 6].map(numbered))
    expect(await macs({ networks: [], reporters: ['acc_a'] })).toEqual([numbered(7)])
    // Our own word has no account, and an empty name opens nothing.
    expect(await macs({ networks: [], reporters: [''] })).toEqual([])
    expect(await macs({ networks: [], reporters: [] })).toEqual([])
    await recordSightings(
      db,
      Array.from({ length: STRANGERS_MAX + 5 }, (_, index) => seen(numbered(1000 + index))),
    )
    expect(await macs(undefined)).toHaveLength(STRANGERS_MAX)
  })

  it('are bounded by kind, so that a flood of claims displaces no phone that proved itself', async () => {
    await empty()
    await recordSightings(db, [seen(numbered(1), { source: 'certificate', at: 1 })])
    await db.run({
      name: 'test-flood',
      text: `insert into sighting (mac, source, address, first_at, last_at)
             select lpad(to_hex(n), 12, '0'), 'path', '192.0.2.7', to_timestamp($2), to_timestamp($2 + n / 1000.0)
               from generate_series(1, $1::integer) n`,
      values: [SIGHTINGS_MAX.path, T0 / 1000],
    })
    await recordSightings(db, [seen(numbered(2), { at: 90_000_000 })])
    expect(await count("source = 'path'")).toBe(SIGHTINGS_MAX.path)
    // The one that was seen longest ago went.
    expect(await count("source = 'path' and mac = '000000000001'")).toBe(0)
    expect(await count("source = 'certificate'")).toBe(1)
  })

  it('of one account that reports leases displace its own only', async () => {
    await empty()
    await recordSightings(db, [seen(numbered(1), { source: 'dhcp', reporter: 'acc_b', at: 1 })])
    const flood = Array.from({ length: REPORTED_MAX + 10 }, (_, index) =>
      seen(numbered(10 + index), { source: 'dhcp', reporter: 'acc_a', at: 1000 + index }),
    )
    await recordSightings(db, flood)
    expect(await count("reporter = 'acc_a'")).toBe(REPORTED_MAX)
    expect(await count("reporter = 'acc_b'")).toBe(1)
  })

  it('are forgotten after as many days as events are kept', async () => {
    await empty()
    const daysAgo = (days: number) => Date.now() - T0 - days * 86_400_000
    await recordSightings(db, [
      seen(numbered(1), { at: daysAgo(91), source: 'certificate' }),
      seen(numbered(2), { at: daysAgo(91) }),
      seen(numbered(3), { at: daysAgo(89), source: 'dhcp' }),
    ])
    expect(await forgetOldSightings(db, 90)).toBe(2)
    expect(await count(`mac = '${numbered(3)}'`)).toBe(1)
  })

  it('of two processes at once neither fail nor double', async () => {
    await empty()
    const many = Array.from({ length: 200 }, (_, index) => seen(numbered(index)))
    await Promise.all([many, many.toReversed(), many].map((rows) => recordSightings(db, rows)))
    expect(await count()).toBe(200)
  })
})
