import { describe, expect, it } from 'vitest'
import { giving, SERVER, seatBench, SILENT } from './testing-seat.ts'

const HOUR = 3_600_000
const OPTION_160 = { 160: 'http://a.example.com/$MA.cfg' }

describe('a seat on the link', () => {
  it('puts the address on the interface before the phone hears of it [RFC 2131 §4.4.1]', async () => {
    const bench = seatBench(giving('192.0.2.10', OPTION_160))
    expect(bench.seat.source()).toBeUndefined()
    await bench.boot()
    expect(bench.log).toEqual([
      'event dhcp-discover',
      'sent discover from nowhere to all',
      'sent request from nowhere to all',
      `put 192.0.2.10/24 via ${SERVER}`,
      'event dhcp-lease',
      'up 192.0.2.10',
    ])
    const [lease] = bench.leases
    expect(lease).toMatchObject({ address: '192.0.2.10', gateway: SERVER, server: SERVER, dnsServers: [] })
    expect(lease?.options.get(160)).toEqual(new TextEncoder().encode(OPTION_160[160]))
    expect(lease).not.toHaveProperty('optionsV6')
    expect(bench.seat.source()).toEqual({
      address: '192.0.2.10',
      addressV6: undefined,
      dnsServers: [],
      domain: undefined,
    })
  })

  it('tells watchers the numbers of options and never their values, which may be secrets [MPP §10.4]', async () => {
    const bench = seatBench(giving('192.0.2.10', { 43: 'the-challenge-of-scep' }))
    await bench.boot()
    expect(bench.events.at(-1)?.data).toMatchObject({ options: '1,3,43,51,54', leaseSeconds: 3600, renewed: false })
    expect(JSON.stringify(bench.events)).not.toContain('challenge')
  })

  it('renews from its own address, and bothers the phone only with what is new [RFC 2131 §4.4.5]', async () => {
    const bench = seatBench(giving('192.0.2.10', OPTION_160))
    await bench.boot()
    await bench.pass(0.6 * HOUR)
    expect(bench.log.slice(6)).toEqual([
      `sent request from 192.0.2.10 to ${SERVER}`,
      `put 192.0.2.10/24 via ${SERVER}`,
      'event dhcp-lease',
    ])
    expect(bench.events.at(-1)?.data).toMatchObject({ renewed: true })
    bench.serve(giving('192.0.2.10', { 160: 'http://b.example.com/' }))
    await bench.pass(0.6 * HOUR)
    expect(bench.log.at(-1)).toBe('up 192.0.2.10')
    expect(bench.leases.at(-1)?.options.get(160)).toEqual(new TextEncoder().encode('http://b.example.com/'))
    expect(bench.log).not.toContain('down')
  })

  it('gives the address up when nobody renews it, and takes the next one that is offered', async () => {
    const bench = seatBench(giving('192.0.2.10'))
    await bench.boot()
    bench.serve(SILENT)
    await bench.pass(1.1 * HOUR)
    expect(bench.log.filter((line) => !line.startsWith('sent')).slice(4)).toEqual([
      'remove 192.0.2.10/24',
      'event dhcp-lost',
      'down',
      'event dhcp-discover',
    ])
    expect(bench.events.at(-2)?.data).toEqual({ address: '192.0.2.10', reason: 'expired' })
    expect(bench.seat.source()).toBeUndefined()
    bench.serve(giving('192.0.2.20'))
    await bench.pass(HOUR / 10)
    expect(bench.log.at(-1)).toBe('up 192.0.2.20')
  })

  it('gives the address up when the server refuses it, and begins again at once', async () => {
    const bench = seatBench(giving('192.0.2.10'))
    await bench.boot()
    bench.serve(giving('192.0.2.20'))
    await bench.pass(0.6 * HOUR)
    const done = bench.log.slice(6).filter((line) => !line.startsWith('sent'))
    expect(done.slice(0, 4)).toEqual(['remove 192.0.2.10/24', 'event dhcp-lost', 'down', 'event dhcp-discover'])
    expect(done.slice(4)).toEqual([`put 192.0.2.20/24 via ${SERVER}`, 'event dhcp-lease', 'up 192.0.2.20'])
    expect(bench.events.find(({ name }) => name === 'dhcp-lost')?.data).toMatchObject({ reason: 'refused' })
  })

  it.each([
    ['nobody renews it', SILENT, 1.1 * HOUR],
    ['the server refuses it', giving('192.0.2.20'), 0.6 * HOUR],
  ])('asks anew only when the address is off the interface: %s [RFC 2131 §4.1]', async (_, answer, ms) => {
    const bench = seatBench(giving('192.0.2.10'))
    await bench.boot()
    bench.serve(answer)
    await bench.pass(ms)
    const removed = bench.log.indexOf('remove 192.0.2.10/24')
    expect(bench.log.slice(removed, removed + 5)).toEqual([
      'remove 192.0.2.10/24',
      'event dhcp-lost',
      'down',
      'event dhcp-discover',
      'sent discover from nowhere to all',
    ])
    expect(bench.log.slice(3, removed)).not.toContain('sent discover from nowhere to all')
  })

  it('asks anew behind the address of before when the server refuses that at the next boot [RFC 2131 §4.1]', async () => {
    const bench = seatBench(giving('192.0.2.10'))
    await bench.boot()
    bench.serve(giving('192.0.2.20'))
    const before = bench.log.length
    await bench.boot()
    expect(bench.log.slice(before, before + 4)).toEqual([
      'event dhcp-discover',
      'sent request from nowhere to all',
      'remove 192.0.2.10/24',
      'sent discover from nowhere to all',
    ])
  })

  it('bothers the phone with no other order of the same options', async () => {
    const answer = giving('192.0.2.10', OPTION_160)
    const bench = seatBench(answer)
    await bench.boot()
    bench.serve((message) => {
      const said = answer(message)
      return said === undefined ? undefined : { ...said, options: new Map([...(said.options ?? [])].reverse()) }
    })
    await bench.pass(0.6 * HOUR)
    expect(bench.log.slice(6)).toEqual([
      `sent request from 192.0.2.10 to ${SERVER}`,
      `put 192.0.2.10/24 via ${SERVER}`,
      'event dhcp-lease',
    ])
  })

  it('asks for its last address at the next boot, and keeps it on the interface meanwhile [RFC 2131 §4.3.2]', async () => {
    const bench = seatBench(giving('192.0.2.10'))
    await bench.boot()
    const before = bench.log.length
    await bench.boot()
    expect(bench.log.slice(before)).toEqual([
      'event dhcp-discover',
      'sent request from nowhere to all',
      `put 192.0.2.10/24 via ${SERVER}`,
      'event dhcp-lease',
      'up 192.0.2.10',
    ])
    expect(bench.sent.at(-1)?.options.get(50)).toEqual(Uint8Array.of(192, 0, 2, 10))
  })

  it('leaves the address of before when the server refuses it at the next boot', async () => {
    const bench = seatBench(giving('192.0.2.10'))
    await bench.boot()
    bench.serve(giving('192.0.2.20'))
    const before = bench.log.length
    await bench.boot()
    const done = bench.log.slice(before).filter((line) => !line.startsWith('sent'))
    expect(done).toEqual([
      'event dhcp-discover',
      'remove 192.0.2.10/24',
      `put 192.0.2.20/24 via ${SERVER}`,
      'event dhcp-lease',
      'up 192.0.2.20',
    ])
  })

  it('takes nothing from a hostile server, and does not tell of it without end', async () => {
    const bench = seatBench((message) => ({ ...giving('192.0.2.10')(message), yiaddr: '127.0.0.1' }))
    await bench.boot()
    expect(bench.log.at(-1)).toBe('event dhcp-ignored')
    expect(bench.events.at(-1)?.text).toContain('127.0.0.1')
    for (let days = 0; days < 3; days += 1) await bench.pass(24 * HOUR)
    expect(bench.sent.length).toBeGreaterThan(100)
    expect(bench.events.filter(({ name }) => name === 'dhcp-ignored')).toHaveLength(20)
    expect(bench.log.filter((line) => /^(?:put|up)/.test(line))).toEqual([])
  })

  it('says when the address cannot be put on the interface, and stays without a network', async () => {
    const bench = seatBench(giving('192.0.2.10'))
    bench.refuse('RTNETLINK answers: Operation not permitted')
    await bench.boot()
    expect(bench.events.at(-1)?.text).toContain('Cannot put 192.0.2.10/24 on oh0: RTNETLINK answers')
    expect(bench.leases).toEqual([])
    expect(bench.seat.source()).toBeUndefined()
  })

  it.each([
    [
      'gives the address back when it leaves in order [RFC 2131 §4.4.6]',
      true,
      [`sent release from 192.0.2.10 to ${SERVER}`],
    ],
    ['says nothing when the power is cut', false, []],
  ])('%s', async (_, orderly, words) => {
    const bench = seatBench(giving('192.0.2.10'))
    await bench.boot()
    const before = bench.log.length
    await bench.seat.leave({ orderly })
    expect(bench.log.slice(before)).toEqual([...words, 'remove 192.0.2.10/24', 'left'])
    await bench.pass(2 * HOUR)
    expect(bench.log.at(-1)).toBe('left')
    expect(bench.seat.source()).toBeUndefined()
  })

  it('takes nothing more when it has left while an answer was on its way', async () => {
    const bench = seatBench(giving('192.0.2.10'))
    const booting = bench.boot()
    await Promise.all([booting, bench.seat.leave({ orderly: true })])
    expect(bench.leases).toEqual([])
    expect(bench.log.at(-1)).toBe('left')
    expect(bench.log.filter((line) => line.startsWith('put')).length).toBe(
      bench.log.filter((line) => line.startsWith('remove')).length,
    )
  })
})
