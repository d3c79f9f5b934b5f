import { describe, expect, it } from 'vitest'
import { NOW } from '../testing-facts.ts'
import { createSourceLimit, createSourceLimits } from './source-limits.ts'

describe('limits by address', () => {
  it('allow a burst, then a rate', () => {
    const limit = createSourceLimit({ burst: 5, perSecond: 2 })
    const at = (ms: number) => limit.take('192.0.2.1', NOW + ms)
    expect(Array.from({ length: 7 }, () => at(0))).toEqual([true, true, true, true, true, false, false])
    expect([at(499), at(500), at(501), at(1000)]).toEqual([false, true, false, true])
    expect(Array.from({ length: 6 }, () => at(60_000))).toEqual([true, true, true, true, true, false])
  })

  it('count each address for itself, and an IPv6 network as one', () => {
    const limit = createSourceLimit({ burst: 1, perSecond: 1 })
    expect([limit.take('192.0.2.1', NOW), limit.take('192.0.2.2', NOW), limit.take('192.0.2.1', NOW)]).toEqual([
      true,
      true,
      false,
    ])
    expect(limit.take('2001:db8::1', NOW)).toBe(true)
    expect(limit.take('2001:db8:0:0:9::2', NOW)).toBe(false)
    expect(limit.take('2001:db8:0:1::1', NOW)).toBe(true)
  })

  it('the machine itself fetches firmware without limit; strangers do not', () => {
    const { firmware } = createSourceLimits()
    const taken = (peer: string) => Array.from({ length: 5000 }, () => firmware.take(peer, NOW)).filter(Boolean).length
    expect(taken('127.0.0.1')).toBe(5000)
    expect(taken('192.0.2.1')).toBe(2000)
  })
})
