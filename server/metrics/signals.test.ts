import { describe, expect, it } from 'vitest'
import { createSignals, prefixOf, UNKNOWN_MACS_MAX } from './signals.ts'

const T = 1_000_000
const HOUR = 3_600_000

function mac(number: number): string {
  return number.toString(16).padStart(12, '0')
}

describe('networks', () => {
  it.each([
    ['192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2345::9', '2001:db8:1:2300::/56'],
    ['2001:db8:1:23ff:1:2:3:4', '2001:db8:1:2300::/56'],
    ['::1', '0:0:0:0::/56'],
    ['fe80::1%eth0', 'fe80:0:0:0::/56'],
    ['nonsense', 'nonsense'],
  ])('%s belongs to %s', (peer, network) => {
    expect(prefixOf(peer)).toBe(network)
  })
})

describe('the budget of a network', () => {
  const claim = (number: number, more: { peer?: string; known?: boolean; at?: number } = {}) => ({
    mac: mac(number),
    peer: '192.0.2.1',
    known: false,
    door: 'http',
    at: T,
    ...more,
  })

  it('ends with so many different unknown MACs, for all MACs, for an hour', () => {
    const signals = createSignals()
    const heard = Array.from({ length: UNKNOWN_MACS_MAX }, (_, number) => signals.claimed(claim(number)))
    expect(heard.slice(0, -1).every(Boolean)).toBe(true)
    expect(signals.claimed(claim(7777, { peer: '192.0.2.200' }))).toBe(false)
    expect(signals.claimed(claim(8888, { known: true }))).toBe(false)
    expect(signals.claimed(claim(1, { peer: '192.0.3.1' }))).toBe(true)
    expect(signals.claimed(claim(1, { at: T + HOUR - 1 }))).toBe(false)
    expect(signals.claimed(claim(1, { at: T + HOUR }))).toBe(true)
  })

  it('is not touched by one unknown phone that asks again and again', () => {
    const signals = createSignals()
    for (let count = 0; count < 1000; count++) expect(signals.claimed(claim(5))).toBe(true)
  })

  it('does not hold for the machine itself', () => {
    const signals = createSignals()
    for (let number = 0; number < 1000; number++)
      expect(signals.claimed(claim(number, { peer: '127.0.0.1' }))).toBe(true)
  })

  it('is told once for each drain', () => {
    const signals = createSignals()
    for (let number = 0; number < UNKNOWN_MACS_MAX + 10; number++) signals.claimed(claim(number))
    expect(signals.drain().networks).toEqual([{ network: '192.0.2.0/24', unknownMacs: UNKNOWN_MACS_MAX, dropped: 11 }])
    expect(signals.drain().networks).toEqual([])
  })
})

describe('downloads', () => {
  it('are added up by cause until they are taken away', () => {
    const signals = createSignals()
    const download = { mac: mac(1), at: T, unmatched: false, periodSeconds: 3600 }
    for (const cause of ['0', '0', '1', '2', '-1', undefined, '77']) signals.downloaded({ ...download, cause })
    signals.downloaded({ ...download, cause: '0', unmatched: true, at: T + 5 })
    expect(signals.drain().downloads).toEqual([
      {
        mac: mac(1),
        at: T + 5,
        total: 8,
        power: 3,
        periodic: 1,
        retry: 1,
        commanded: 1,
        unmatched: 1,
        periodSeconds: 3600,
      },
    ])
    expect(signals.drain().downloads).toEqual([])
  })

  it('are bounded, as is everything else that is remembered', () => {
    const signals = createSignals()
    signals.setCanaries([mac(1)])
    for (let number = 0; number < 30_000; number++) {
      signals.downloaded({ mac: mac(number), at: T, cause: '0', unmatched: false, periodSeconds: 1 })
      signals.named(mac(1), '192.0.2.1', 'http', T)
    }
    const { downloads, canaries } = signals.drain()
    expect([downloads.length, canaries.length]).toEqual([20_000, 200])
  })
})
