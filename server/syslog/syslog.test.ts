import { createSocket } from 'node:dgram'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { macWithColons } from '../../protocol/identity.ts'
import { providerOn } from '../testing-provider.ts'
import { openTestPlatform, plant, serialFor } from '../testing.ts'
import { createBudget, networkOf } from './budget.ts'
import { listenSyslog } from './mod.ts'
import { createReceiver } from './receive.ts'
import { macIn, serialsIn } from './recognise.ts'

const { platform } = await openTestPlatform()
const { bound } = providerOn(platform)

/** Newest first, and only what syslog said. */
async function said(mac: string) {
  await platform.flush()
  return platform.db.query<{ trust: string; peer: string; data: Record<string, unknown> }>({
    name: 'test-said',
    text: `select trust, peer, data from event where mac = $1 and name = 'syslog.message' order by at desc, id desc`,
    values: [mac],
  })
}

const bytes = (text: string) => new TextEncoder().encode(text)

async function heard(lines: readonly string[], peer = '192.0.2.9') {
  const receiver = createReceiver(platform)
  for (const line of lines) receiver.take(bytes(line), peer)
  await receiver.settled()
  await platform.flush()
  return receiver.counts()
}

describe('whose log line it is', () => {
  it.each([
    ['CP-8851-3PCC 00:56:2b:04:36:15 -- x', '00562b043615'],
    ['SEP00562B043615 x', '00562b043615'],
    ['00-56-2B-04-36-15', '00562b043615'],
    ['0056.2b04.3615', '00562b043615'],
    ['aa00562b043615', undefined],
    ['no phone', undefined],
  ])('%s', (text, mac) => expect(macIn(text)).toBe(mac))

  it('a serial number is three letters and eight more', () => {
    expect(serialsIn('<13>x FCH2305DMH0 says ABCDEFGHIJK')).toEqual(['FCH2305DMH0'])
  })

  it('is known by MAC, by serial number, and by the address that was believed last', async () => {
    const { mac } = await bound()
    await platform.flush()
    await platform.db.run({
      name: 'test-believed-from',
      text: `update device_seen set believed_from = '198.51.100.77' where mac = $1`,
      values: [mac],
    })
    await heard([`<133>Mar  3 12:00:21 CP-8851-3PCC ${macWithColons(mac)} -- Resync failed: Download failed`])
    await heard([`<133>Mar  3 12:00:21 ${serialFor(mac)} by its serial number`])
    await heard(['<133>Mar  3 12:00:21 by its address'], '198.51.100.77')
    expect((await said(mac)).map(({ trust, data }) => [trust, data['what'], data['error']])).toEqual([
      ['claimed', 'other', undefined],
      ['claimed', 'other', undefined],
      ['claimed', 'resync-failed', 'Download failed'],
    ])
  })

  it('of a stranger nothing is kept', async () => {
    expect(await heard(['<13>00:56:2b:ff:ff:ff hello', '<13>nobody'], '203.0.113.1')).toEqual({
      received: 2,
      noted: 0,
      strange: 2,
      dropped: 0,
    })
  })
})

describe('what is kept of it', () => {
  it('no code, key or password of a text is in the database', async () => {
    const { mac } = await bound()
    const facts = await platform.directory.device(mac)
    const code = plant(randomBytes(20).toString('base64url'))
    const stored = facts?.secrets?.adminPassword ?? ''
    expect(stored).not.toBe('')
    await heard([
      `<133>Mar  3 12:00:21 X ${mac} -- Requesting resync https://h:443/cisco-init/${code}`,
      `<133>Mar  3 12:00:21 ${mac} it said ${stored} aloud`,
      `<133>Mar  3 12:00:21 ${mac} /s/${facts?.device.profilePath}.cfg`,
    ])
    const dump = JSON.stringify(await said(mac))
    for (const secret of [code, stored, facts?.device.profilePath ?? '']) expect(dump).not.toContain(secret)
    expect(dump).toContain('it said **** aloud')
  })

  it('a phone that says everything fills no timeline; its resyncs are still heard', async () => {
    const { mac } = await bound()
    const noise = Array.from({ length: 200 }, (_, index) => `<15>${mac} debug ${index}`)
    const counts = await heard([...noise, `<13>${mac} -- Successful resync http://h:80/a.cfg`])
    const events = await said(mac)
    expect(events.length).toBeLessThanOrEqual(30)
    expect(events[0]?.data).toMatchObject({ what: 'resync-succeeded', host: 'h', port: 80, file: 'a.cfg' })
    expect(counts.dropped + counts.noted).toBe(201)
  })

  it('random bytes never harm it', async () => {
    const receiver = createReceiver(platform)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 3000 }), fc.ipV4(), (noise, peer) => receiver.take(noise, peer)))
    await receiver.settled()
    expect(receiver.counts().noted).toBe(0)
  })
})

describe('a flood', () => {
  it('of 100,000 datagrams from one source is dropped at its bound', async () => {
    const { mac } = await bound()
    const receiver = createReceiver(platform)
    const line = bytes(`<13>${mac} -- Resync failed: x`)
    for (let count = 0; count < 100_000; count++) receiver.take(line, '203.0.113.5')
    await receiver.settled()
    await platform.flush()
    const { received, noted, dropped } = receiver.counts()
    expect([received, noted + dropped]).toEqual([100_000, 100_000])
    expect(noted).toBeLessThanOrEqual(100)
    expect(await said(mac)).toHaveLength(noted)
  })

  it('from ever new sources takes no more memory than the table has room for', () => {
    const budget = createBudget({ burst: 2, perSecond: 1, keysMax: 100 })
    for (let count = 0; count < 10_000; count++) budget.take(`10.0.${count >> 8}.${count & 255}`, 0)
    expect(budget.size()).toBe(100)
  })

  it('lets as many through as come back with time', () => {
    const budget = createBudget({ burst: 2, perSecond: 1, keysMax: 10 })
    expect([0, 0, 0, 999, 1000, 1000, 5000, 5000, 5000].map((at) => budget.take('a', at))).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
      true,
      true,
      false,
    ])
  })

  it('counts a network of IPv6 as one source', () => {
    expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe(networkOf('2001:db8:1:2::9'))
    expect(networkOf('192.0.2.1')).toBe('192.0.2.1')
  })
})

describe('the door', () => {
  it('hears real datagrams, and says so when its port is taken', async () => {
    const door = await listenSyslog(platform)
    afterAll(() => door.close())
    const { mac } = await bound()
    const socket = createSocket('udp4')
    await new Promise<void>((sent, failed) => {
      socket.send(`<133>Mar  3 12:00:21 X ${mac} -- Resync failed: y`, door.port, '127.0.0.1', (error) =>
        error === null || error === undefined ? sent() : failed(error),
      )
    })
    await expect.poll(() => door.counts().noted).toBe(1)
    await platform.flush()
    expect(await said(mac)).toMatchObject([{ peer: '127.0.0.1', data: { error: 'y' } }])
    socket.close()
    const taken = { ...platform, settings: { ...platform.settings, syslogPort: door.port } }
    await expect(listenSyslog(taken)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
