import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPace, PACE_LIMITS, type PaceLimits } from './pace.ts'

const paceOf = (more: Partial<PaceLimits> = {}) => createPace({ ...PACE_LIMITS, ...more })
const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `d${index}`)

describe('pacing of connection requests [TR-069 §8.1]', () => {
  it('asks one device at most once in 10 seconds', () => {
    const pace = paceOf()
    expect(pace.ask('a')).toBe('waiting')
    expect(pace.begin(1000)).toEqual(['a'])
    pace.finish('a')
    expect(pace.ask('a')).toBe('waiting')
    expect(pace.begin(1001)).toEqual([])
    expect(pace.nextAt(1001)).toBe(11_000)
    expect(pace.begin(10_999)).toEqual([])
    expect(pace.begin(11_000)).toEqual(['a'])
  })

  it('merges requests for one device, while it waits and while it is asked', () => {
    const pace = paceOf()
    pace.ask('a')
    expect(pace.ask('a')).toBe('merged')
    expect(pace.begin(0)).toEqual(['a'])
    expect(pace.ask('a')).toBe('merged')
    pace.finish('a')
    expect(pace.begin(60_000)).toEqual([])
    expect(pace.nextAt(60_000)).toBeUndefined()
  })

  it('lets a device that must wait hold up nobody behind it', () => {
    const pace = paceOf()
    pace.ask('a')
    pace.begin(0)
    pace.finish('a')
    pace.ask('a')
    pace.ask('b')
    expect(pace.nextAt(5)).toBe(5)
    expect(pace.begin(5)).toEqual(['b'])
  })

  it('keeps at most so many under way, and goes on as each ends', () => {
    const pace = paceOf({ inFlightMax: 2 })
    for (const name of names(4)) pace.ask(name)
    expect(pace.begin(0)).toEqual(['d0', 'd1'])
    expect(pace.nextAt(0)).toBeUndefined()
    expect(pace.begin(1)).toEqual([])
    pace.finish('d1')
    expect(pace.nextAt(2)).toBe(2)
    expect(pace.begin(2)).toEqual(['d2'])
  })

  it('begins at most so many in any second', () => {
    const pace = paceOf({ perSecondMax: 2 })
    for (const name of names(3)) pace.ask(name)
    expect(pace.begin(0)).toEqual(['d0', 'd1'])
    expect(pace.nextAt(1)).toBe(1000)
    expect(pace.begin(999)).toEqual([])
    expect(pace.begin(1000)).toEqual(['d2'])
  })

  it('turns away who comes when too many wait', () => {
    const pace = paceOf({ waitingMax: 2 })
    expect(names(3).map((name) => pace.ask(name))).toEqual(['waiting', 'waiting', 'full'])
    expect(pace.ask('d0')).toBe('merged')
    pace.begin(0)
    expect(pace.ask('d2')).toBe('waiting')
  })

  it('forgets a device that called by itself', () => {
    const pace = paceOf()
    pace.ask('a')
    pace.forget('a')
    expect(pace.begin(0)).toEqual([])
    expect(pace.ask('a')).toBe('waiting')
  })

  it('has 50 under way and 100 in a second as its defaults', () => {
    const pace = createPace()
    for (const name of names(300)) pace.ask(name)
    const first = pace.begin(0)
    expect(first).toHaveLength(50)
    for (const name of first) pace.finish(name)
    const second = pace.begin(1)
    expect(second).toHaveLength(50)
    for (const name of second) pace.finish(name)
    expect(pace.begin(2)).toHaveLength(0)
    expect(pace.nextAt(2)).toBe(1000)
  })

  it('keeps every bound, and serves everybody, in any order of events', () => {
    const limits = { perDeviceMs: 50, inFlightMax: 3, perSecondMax: 5, waitingMax: 6 }
    const event = fc.oneof(
      fc.record({ kind: fc.constant('ask' as const), device: fc.constantFrom(...names(10)) }),
      fc.record({ kind: fc.constant('finish' as const), device: fc.constantFrom(...names(10)) }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 700 }) }),
    )
    const run = (events: readonly (typeof event extends fc.Arbitrary<infer T> ? T : never)[]): void => {
      const pace = createPace(limits)
      const begun: { readonly device: string; readonly at: number }[] = []
      const flying = new Set<string>()
      const waiting = new Set<string>()
      let now = 0
      const begin = (): void => {
        for (const device of pace.begin(now)) {
          expect(waiting.delete(device)).toBe(true)
          expect(begun.every((each) => each.device !== device || each.at + limits.perDeviceMs <= now)).toBe(true)
          flying.add(device)
          begun.push({ device, at: now })
        }
        expect(flying.size).toBeLessThanOrEqual(limits.inFlightMax)
        expect(begun.filter(({ at }) => at > now - 1000).length).toBeLessThanOrEqual(limits.perSecondMax)
        expect(waiting.size).toBeLessThanOrEqual(limits.waitingMax)
      }
      for (const each of events) {
        if (each.kind === 'pass') now += each.ms
        else if (each.kind === 'finish') pace.finish(each.device)
        else if (pace.ask(each.device) === 'waiting') waiting.add(each.device)
        if (each.kind === 'finish') flying.delete(each.device)
        begin()
      }
      // Everybody's turn comes, and `nextAt` says when.
      for (let rounds = 0; waiting.size > 0 && rounds < 50; rounds++) {
        for (const device of flying) pace.finish(device)
        flying.clear()
        now = pace.nextAt(now) ?? now
        const before = waiting.size
        begin()
        expect(waiting.size).toBeLessThan(before)
      }
      expect(waiting.size).toBe(0)
    }
    fc.assert(fc.property(fc.array(event, { maxLength: 80 }), run), { seed: 4, numRuns: 300 })
  })
})
